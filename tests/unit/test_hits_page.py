"""The HTML page of search results is self-contained, escapes filenames and has sufficient contrast."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest
from contrast import contrast
from typing_extensions import override

from twelvelabs_async._cli import pages
from twelvelabs_async._cli.console import Screen, knows_hyperlinks
from twelvelabs_async._cli.demo import SAMPLE_VIDEOS
from twelvelabs_async._cli.search import render_hits
from twelvelabs_async._text import install_command
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.models.indexed_assets import Hls, IndexedAssetDetailed, SystemMetadata
from twelvelabs_async.models.search import SearchHit, SearchItem

HOSTILE = "</video><script>alert(1)</script><img src=x onerror='alert(2)'>\"{{ 7 * 7 }}\x1b[31m\u202e.mp4"
SAILING = SAMPLE_VIDEOS / "sailing-boat-at-sunset.mp4"
BASE = (Path(pages.__file__).parent / "base.html").read_text("utf-8")


class ParsedPage(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements = list[tuple[str, dict[str, str | None]]]()
        self.text = ""
        self.feed(page)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    @override
    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def hit(
    name: str, start: float, end: float, *, rank: int, stream: str | None = None, transcription: str | None = None
) -> SearchHit:
    hls = Hls(video_url=stream) if stream else None
    file = SystemMetadata(filename=name, duration=100.0, width=640, height=360, size=43_000)
    video = IndexedAssetDetailed(id=name, status="ready", system_metadata=file, hls=hls)
    item = SearchItem(
        video_id=name, start=start, end=end, rank=rank, transcription=transcription, user_metadata={"city": name}
    )
    return SearchHit(result=item, video=video)


async def render(hits: Sequence[SearchHit], files: Mapping[str, str] | None = None, *, synthetic: bool = False) -> str:
    searches = {"a boat": hits}
    return await render_hits(
        searches, title="a boat", index_name="films", synthetic=synthetic, files=files or {}, screen=Screen()
    )


async def test_results_are_grouped_by_video_in_the_order_of_their_ranks() -> None:
    hits = [
        hit("b.mp4", 10, 20, rank=1),
        hit("a.mp4", 5, 7, rank=2),
        hit("b.mp4", 90, 100, rank=3, transcription="Ahoy!"),
    ]
    parsed = ParsedPage(await render(hits))
    assert re.findall(r"[ab]\.mp4(?=\n)", parsed.text.split("a boat", 1)[1]) == ["b.mp4", "a.mp4"]
    assert [attributes["aria-label"] for attributes in parsed.all("article")] == [
        "Result 1, 00:10.0 - 00:20.0, b.mp4",
        "Result 3, 01:30.0 - 01:40.0, b.mp4",
        "Result 2, 00:05.0 - 00:07.0, a.mp4",
    ]
    marks = [
        (attributes["x"], attributes["width"]) for attributes in parsed.all("rect") if attributes["class"] == "part"
    ]
    assert marks == [("10.0%", "10.0%"), ("90.0%", "10.0%"), ("5.0%", "2.0%")]
    for text in ("Ahoy!", "3 results in 2 videos of the index films", "640 x 360", "43 kB", "city"):
        assert text in parsed.text


async def test_a_file_is_played_from_start_to_end_with_its_frame_as_poster() -> None:
    parsed = ParsedPage(await render([hit("sailing.mp4", 2, 4, rank=1)], {"sailing.mp4": str(SAILING)}))
    (video,) = parsed.all("video")
    assert video["src"] == f"{SAILING.as_uri()}#t=2,4"
    assert (video["poster"] or "").startswith("data:image/jpeg;base64,")
    assert (video["data-start"], video["data-end"]) == ("2", "4")


async def test_an_https_stream_is_linked_and_a_javascript_url_is_not() -> None:
    streams = ("https://host/master.m3u8?key=1&a=2", "javascript:alert(1)")
    hits = [hit(f"{rank}.mp4", 0, 1, rank=rank, stream=stream) for rank, stream in enumerate(streams, start=1)]
    parsed = ParsedPage(await render(hits))
    assert [attributes["href"] for attributes in parsed.all("a") if not (attributes["href"] or "").startswith("#")] == [
        streams[0]
    ]
    assert "javascript" not in await render(hits[1:])


async def test_a_page_without_frames_states_the_reason() -> None:
    assert (
        "No frame: no file, stream or thumbnail of it is known"
        in ParsedPage(await render([hit("a.mp4", 0, 1, rank=1)])).text
    )


async def test_a_hostile_name_is_escaped() -> None:
    page = await render([hit(HOSTILE, 0, 1, rank=1, transcription=HOSTILE)], {HOSTILE: str(SAILING)})
    parsed = ParsedPage(page)
    assert len(parsed.all("script")) == 1
    assert not parsed.all("img")
    assert not [name for _, attributes in parsed.elements for name in attributes if name.startswith("on")]
    assert "{{ 7 * 7 }}" in parsed.text
    assert "\x1b" not in page
    assert "\u202e" not in page


async def test_the_content_security_policy_allows_only_the_page_script_and_external_media() -> None:
    page = await render([hit("a.mp4", 0, 1, rank=1)])
    (policy,) = [attributes["content"] for attributes in ParsedPage(page).all("meta") if attributes.get("http-equiv")]
    (script,) = re.findall("<script>(.*)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy == (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src file: http: https:; "
        f"script-src 'sha256-{digest}'"
    )
    assert "innerHTML" not in script


async def test_the_page_of_an_emulator_states_that_its_results_are_synthetic() -> None:
    hits = [hit("a.mp4", 0, 1, rank=1)]
    assert "These results are synthetic" in await render(hits, synthetic=True)
    assert "These results are synthetic" not in await render(hits)


async def test_a_page_without_results_is_rendered() -> None:
    assert "No results." in await render([])


async def test_without_the_extra_the_page_has_no_frames_and_the_output_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise InvalidInputError(f"frames need: {install_command('frames')}")

    monkeypatch.setattr("twelvelabs_async.frames.extract_hits", fail)
    (video,) = ParsedPage(await render([hit("a.mp4", 0, 1, rank=1)], {"a.mp4": str(SAILING)})).all("video")
    assert (video.get("poster"), video["preload"]) == (None, "metadata")
    assert install_command("frames") in capsys.readouterr().out


LIGHT, DARK = (dict(re.findall(r"--([\w-]+): (#\w+)", part)) for part in re.split(r"@media[^{]*dark", BASE, maxsplit=1))
TEXTS = [
    *(
        (name, background)
        for name in ("ink", "soft", "accent", "ready", "failed", "skipped")
        for background in ("ground", "card")
    ),
    ("on-note", "note"),
]


@pytest.mark.parametrize(("text", "background"), TEXTS)
@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_page_text_meets_the_wcag_aa_contrast(scheme: dict[str, str], text: str, background: str) -> None:
    assert contrast(scheme[text], scheme[background]) >= 4.5


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, True),
        ({"TERM": "xterm-256color", "VTE_VERSION": "4999"}, False),
        ({"TERM": "xterm-kitty"}, True),
        ({"TERM_PROGRAM": "iTerm.app"}, True),
        ({"WT_SESSION": "1"}, True),
        ({"TERM": "tmux-256color", "VTE_VERSION": "7600"}, False),
        ({"TERM": "dumb", "FORCE_HYPERLINK": "1"}, True),
        ({"TERM": "xterm-kitty", "FORCE_HYPERLINK": "0"}, False),
    ],
)
def test_hyperlink_support_is_detected_from_environment_variables(variables: dict[str, str], *, expected: bool) -> None:
    assert knows_hyperlinks(variables) is expected
