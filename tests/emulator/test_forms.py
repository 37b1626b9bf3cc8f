"""A form comes in as the network cuts it, and is the same form."""

from __future__ import annotations

import asyncio
import warnings
from itertools import pairwise
from pathlib import Path
from unittest import mock

import pytest
from aiohttp import StreamReader, web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from twelvelabs_async.emulator.errors import ApiError
from twelvelabs_async.emulator.forms import read_form
from twelvelabs_async.emulator.spool import Spool

FILM = bytes(range(256)) * 1200
BODY = (
    b'--edge\r\nContent-Disposition: form-data; name="index_id"\r\n\r\nfilms\r\n'
    b'--edge\r\nContent-Disposition: form-data; name="video_file"; filename="film.mp4"\r\n'
    b"Content-Type: video/mp4\r\n\r\n" + FILM + b"\r\n"
    b'--edge\r\nContent-Disposition: form-data; name="note"\r\n\r\n\r\nred\n\r\n--edge--\r\n'
)
TEXTS = BODY.replace(b"; filename", b"; x")


def request_with(pieces: list[bytes], boundary: str = "edge") -> tuple[web.Request, asyncio.Task[None]]:
    """Return a request whose body arrives piece by piece, and who brings it."""
    loop = asyncio.get_running_loop()
    stream = StreamReader(mock.Mock(connected=True), 1 << 16, loop=loop)

    async def bring() -> None:
        for piece in pieces:
            stream.feed_data(piece)
            await asyncio.sleep(0)
        stream.feed_eof()

    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    request = make_mocked_request("POST", "/assets", headers=headers, payload=stream, protocol=mock.Mock())
    return request, asyncio.create_task(bring())


async def form_of(pieces: list[bytes]) -> tuple[dict[str, list[str]], list[tuple[str, bytes]]]:
    spool = Spool()
    await spool.open()
    request, bringing = request_with(pieces)
    try:
        async with read_form(request, spool) as form:
            return form.texts, [(file.filename, file.path.read_bytes()) for file in form.files["video_file"]]
    finally:
        await bringing
        await spool.delete()


def cut(content: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(places), len(content)]
    return [content[start:end] for start, end in pairwise(edges)]


@given(st.lists(st.integers(0, len(BODY)), max_size=8))
def test_wherever_it_is_cut_the_form_is_the_same(places: list[int]) -> None:
    texts, files = asyncio.run(form_of(cut(BODY, places)))
    assert texts == {"index_id": ["films"], "note": ["\r\nred\n"]}
    assert files == [("film.mp4", FILM)]


async def test_little_of_the_next_part_and_then_much_is_no_reason_to_warn() -> None:
    """Looking for the end of the text then takes in more than was asked for, and puts it back."""
    end = BODY.index(b"films") + len(b"films")
    texts, files = await form_of(cut(BODY, [end, end + 4]))
    assert texts["index_id"] == ["films"]
    assert files == [("film.mp4", FILM)]


async def test_filters_of_warnings_are_not_relied_upon(monkeypatch: pytest.MonkeyPatch) -> None:
    """They belong to the whole process, so that another thread may have set them back by then."""

    def heard_by_nobody(_action: str, category: type[Warning]) -> None:
        assert category is DeprecationWarning

    monkeypatch.setattr(warnings, "filterwarnings", heard_by_nobody)
    assert (await form_of([BODY]))[1] == [("film.mp4", FILM)]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(BODY[:-20], id="without its end"),
        pytest.param(BODY.replace(b"; name=", b"; nome="), id="a part without a name"),
        pytest.param(TEXTS.replace(FILM, FILM * 4), id="a text of a megabyte and more"),
        pytest.param(TEXTS.replace(b"/mp4", b"/mp4; charset=none"), id="an unknown charset"),
    ],
)
async def test_what_is_no_form_is_refused(body: bytes, tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    await spool.open()
    request, bringing = request_with([body])
    with pytest.raises(ApiError, match="form"):
        async with read_form(request, spool):
            pass
    await bringing
    assert list(tmp_path.iterdir()) == [], "no file of it stays"
