"""The page about an ingestion: whole in itself, and safe to send on whatever the files were called."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from typing_extensions import override

from twelvelabs_async.cli.drawing import drawing
from twelvelabs_async.cli.report import SHOWN_FAILURES, About, page, public
from twelvelabs_async.cli.tally import Tally
from twelvelabs_async.cli.timeline import Timeline
from twelvelabs_async.events import LimitUpdate
from twelvelabs_async.ingest import ItemProgress, Outcome

BEGAN = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
HOSTILE = "</td><script>alert(1)</script><img src=x onerror='alert(2)'>\"&amp;${index}\x1b[31m\u202e.mp4"
SIGNED = "https://user:word@bucket.s3.amazonaws.com/v/film.mp4?X-Amz-Signature=c0ffee#part"


class Reader(HTMLParser):
    """The tags, attributes and words of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags = list[str]()
        self.attributes = list[tuple[str, str | None]]()
        self.words = list[str]()
        self.feed(text)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    @override
    def handle_data(self, data: str) -> None:
        self.words.append(data)


def about(index_name: str = "holiday", seconds: float = 4210.0, quotas: Sequence[LimitUpdate] = ()) -> About:
    return About(
        index_name=index_name, index_id="6564", began=BEGAN, seconds=seconds, ending="Came to its end", quotas=quotas
    )


def some() -> Tally:
    tally = Tally(50.0)
    tally.progress(ItemProgress(source="a.mp4", stage="uploading", sent=5_000_000, total=5_000_000), 60)
    tally.ended(Outcome(source="a.mp4", status="ready", stage="ready", bytes=5_000_000), 70)
    tally.ended(Outcome(source=HOSTILE, status="failed", stage="queued", error="it is 3 s long"), 80)
    tally.ended(Outcome(source=SIGNED, status="failed", stage="processing", error=f"cannot fetch {SIGNED}: 403"), 90)
    tally.ended(Outcome(source="later.mp4", status="skipped", stage="queued", error="quota"), 95)
    tally.wait("index", "request", 240, 100)
    return tally


def test_the_page_tells_counts_failures_and_quotas() -> None:
    told = LimitUpdate(category="index", dimension="request", limit=60, remaining=12, resets_at=BEGAN)
    words = " ".join(Reader(page(about(quotas=[told]), some())).words)
    for part in ("Ingestion into holiday", "2026-11-23 09:30 UTC", "1 h 10 min", "5.0 MB", "while processing"):
        assert part in words
    assert re.search(r"index request\s+60\s+12\s+2026-11-23 09:30:00\s+1\s+4 min", words)
    assert "not begun" in words


def test_a_hostile_name_is_only_a_name() -> None:
    read = Reader(page(about(index_name=HOSTILE), some()))
    assert {"script", "img"}.isdisjoint(read.tags)
    assert not [name for name, _ in read.attributes if name.startswith("on")]
    text = " ".join(read.words)
    assert "<script>alert(1)</script>" in text
    assert "${index}" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_no_password_and_no_signature_gets_into_the_page() -> None:
    text = page(about(), some())
    assert "https://bucket.s3.amazonaws.com/v/film.mp4?…" in text
    for secret in ("c0ffee", "user:word", "X-Amz"):
        assert secret not in text


def test_the_page_asks_no_other_host() -> None:
    read = Reader(page(about(), some()))
    assert {"link", "iframe", "object", "base", "form"}.isdisjoint(read.tags)
    assert {name for name, _ in read.attributes}.isdisjoint({"src", "href", "action", "srcset"})
    policy = [value for name, value in read.attributes if name == "content" and value and "default-src" in value]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]
    assert "url(" not in page(about(), some())


def test_of_many_failures_some_are_shown_and_the_rest_are_counted() -> None:
    tally = Tally(0)
    for number in range(2000):
        tally.ended(Outcome(source=f"{number}.mp4", status="failed", stage="queued", error="short"), 1)
    text = page(about(), tally)
    assert f"And {2000 - SHOWN_FAILURES:,} more." in text
    assert len(text) < 300_000


def test_a_run_in_which_nothing_happened_is_a_page_too() -> None:
    text = page(about(seconds=0.0), Tally(0))
    assert "None." in text
    assert "told of no limit" in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a.mp4", "a.mp4"),
        ("https://example.com/a.mp4", "https://example.com/a.mp4"),
        ("http://u@example.com:8/a?b#c, twice", "http://example.com:8/a?… twice"),
    ],
)
def test_addresses_are_shown_without_what_opens_them(text: str, shown: str) -> None:
    assert public(text) == shown


def test_a_picture_is_cut_at_the_end_of_the_run() -> None:
    timeline = Timeline()
    timeline.wait(2, 90)
    assert "1 min 10 s" not in drawing(timeline, seconds=10)
    assert "10 s" in drawing(timeline, seconds=10)
    assert drawing(Timeline(), seconds=10) == ""
