"""The page about an ingestion: whole in itself, and safe to send on whatever the files were called."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from typing_extensions import override

from twelvelabs_async._cli.demo import SAMPLE_VIDEOS
from twelvelabs_async._cli.failure_groups import MAX_SHOWN_SOURCES
from twelvelabs_async._cli.progress import BROAD, MAX_STATS_RESULTS, NARROW, Bucket, IngestStats, Timeline, timeline_svg
from twelvelabs_async._cli.report import ReportInfo, read_thumbnails, redact_urls, render_report
from twelvelabs_async.errors import NotFoundError
from twelvelabs_async.events import RateLimitUpdated
from twelvelabs_async.ingest import IngestResult, ItemProgress

CLIP = SAMPLE_VIDEOS / "sailing-boat-at-sunset.mp4"
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


def about(index_name: str = "holiday", seconds: float = 4210.0, quotas: Sequence[RateLimitUpdated] = ()) -> ReportInfo:
    return ReportInfo(
        index_name=index_name,
        index_id="6564",
        started_at=BEGAN,
        seconds=seconds,
        end_reason="Came to its end",
        rate_limits=quotas,
    )


def some() -> IngestStats:
    ingest_stats = IngestStats(50.0)
    ingest_stats.record_progress(
        ItemProgress(source="a.mp4", stage="uploading", sent=5_000_000, total=5_000_000, bytes_sent=5_000_000), 60
    )
    ingest_stats.record_result(IngestResult(source="a.mp4", status="ready", stage="ready", bytes_sent=5_000_000), 70)
    ingest_stats.record_result(
        IngestResult(source=HOSTILE, status="failed", stage="queued", error="it is 3 s long"), 80
    )
    ingest_stats.record_result(
        IngestResult(source=SIGNED, status="failed", stage="processing", error=f"cannot fetch {SIGNED}: 403"), 90
    )
    ingest_stats.record_result(IngestResult(source="later.mp4", status="skipped", stage="queued", error="quota"), 95)
    ingest_stats.record_wait("index", "request", 240, 100)
    return ingest_stats


def test_the_report_contains_counts_failures_and_rate_limits() -> None:
    limit = RateLimitUpdated(category="index", dimension="request", limit=60, remaining=12, resets_at=BEGAN)
    words = " ".join(Reader(render_report(about(quotas=[limit]), some())).words)
    for part in ("Ingestion into holiday", "2026-11-23 09:30 UTC", "1 h 10 min", "5.0 MB", "while processing"):
        assert part in words
    assert re.search(r"index request\s+60\s+12\s+2026-11-23 09:30:00\s+1\s+4 min", words)
    assert "skipped" in words


def test_a_hostile_name_is_escaped() -> None:
    read = Reader(render_report(about(index_name=HOSTILE), some()))
    assert "script" not in read.tags
    assert "img" not in read.tags
    assert not [name for name, _ in read.attributes if name.startswith("on")]
    text = " ".join(read.words)
    assert "<script>alert(1)</script>" in text
    assert "${index}" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_the_page_contains_no_password_and_no_signature() -> None:
    text = render_report(about(), some())
    assert "https://bucket.s3.amazonaws.com/v/film.mp4?…" in text
    for secret in ("c0ffee", "user:word", "X-Amz"):
        assert secret not in text


def test_the_page_requests_nothing_from_other_hosts() -> None:
    read = Reader(render_report(about(), some()))
    assert {"link", "iframe", "object", "base", "form"}.isdisjoint(read.tags)
    assert {name for name, _ in read.attributes}.isdisjoint({"src", "href", "action", "srcset"})
    policy = [value for name, value in read.attributes if name == "content" and value and "default-src" in value]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]
    assert "url(" not in render_report(about(), some())


def test_only_some_of_many_failures_are_shown_and_the_rest_are_counted() -> None:
    ingest_stats = IngestStats(0)
    for number in range(2000):
        ingest_stats.record_result(
            IngestResult(source=f"{number}.mp4", status="failed", stage="queued", error="short"), 1
        )
    text = render_report(about(), ingest_stats)
    assert f"and {2000 - MAX_SHOWN_SOURCES:,} more" in text
    assert f"And {2000 - MAX_STATS_RESULTS:,} more." in text
    assert len(text) < 300_000


def test_a_run_without_items_produces_a_page() -> None:
    text = render_report(about(seconds=0.0), IngestStats(0))
    assert "None." in text
    assert "No rate limits reported" in text


def test_failures_are_grouped_by_kind_with_their_sources() -> None:
    stats = IngestStats(0)
    for number in range(3):
        error = f"the video lasts {number + 1} s; at least 4 s are needed"
        stats.record_result(IngestResult(source=f"{number}.mp4", status="failed", stage="queued", error=error), 1)
    problem = NotFoundError(message="gone", status_code=404)
    gone = IngestResult(source="x.mp4", status="failed", stage="indexing", error=str(problem), exception=problem)
    stats.record_result(gone, 1)
    text = " ".join("".join(Reader(render_report(about(), stats)).words).split())
    assert "3 x the video lasts 1 s; at least 4 s are needed before the upload 0.mp4 1.mp4 2.mp4" in text
    assert "1 x NotFoundError while indexing" in text


async def test_each_local_video_has_a_frame() -> None:
    stats = IngestStats(0)
    for source in (str(CLIP), "https://host/a.mp4", "missing.mp4"):
        stats.record_result(IngestResult(source=source, status="ready", stage="ready", bytes_sent=28_000), 1)
    thumbnails = await read_thumbnails(stats.results)
    assert thumbnails.keys() == {str(CLIP)}
    read = Reader(await asyncio.to_thread(render_report, about(), stats, thumbnails))
    images = [value or "" for name, value in read.attributes if name == "src"]
    assert [image[:23] for image in images] == ["data:image/jpeg;base64,"]
    assert base64.b64decode(images[0][23:]) == thumbnails[str(CLIP)]


def test_the_narrow_chart_has_fewer_labels() -> None:
    timeline = Timeline()
    timeline.add(3000, Bucket(ready=3, bytes_sent=10**9))
    texts = [timeline_svg(timeline, 3000, layout).count("<text") for layout in (BROAD, NARROW)]
    assert texts == [12, 10]
    assert 'viewBox="0 0 340 ' in timeline_svg(timeline, 3000, NARROW)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a.mp4", "a.mp4"),
        ("https://example.com/a.mp4", "https://example.com/a.mp4"),
        ("http://u@example.com:8/a?b#c, twice", "http://example.com:8/a?… twice"),
    ],
)
def test_urls_are_shown_without_credentials_and_signatures(text: str, shown: str) -> None:
    assert redact_urls(text) == shown


def test_the_chart_ends_at_the_end_of_the_run() -> None:
    timeline = Timeline()
    timeline.add_wait(2, 90)
    assert "1 min 10 s" not in timeline_svg(timeline, seconds=10)
    assert "10 s" in timeline_svg(timeline, seconds=10)
    assert timeline_svg(Timeline(), seconds=10) == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:secret@host/a.mp4", "https://host/a.mp4"),
        ("https://user:sec@ret@host/a.mp4", "https://host/a.mp4"),
        ("https://user:sec/ret@host/a.mp4", "https://host/a.mp4"),
        ("https://user:sec?ret@host/a.mp4?x=1", "https://host/a.mp4?…"),
        ("HTTPS://secret@host/a.mp4", "HTTPS://host/a.mp4"),
        ("s3://secret:secret@bucket/a.mp4", "s3://bucket/a.mp4"),
        ("cannot read https://user:secret@host:8080/a@b.mp4, sorry", "cannot read https://host:8080/a@b.mp4, sorry"),
        ("https://host:8080/a@b.mp4", "https://host:8080/a@b.mp4"),
        ("https://host/@user/a.mp4", "https://host/@user/a.mp4"),
        ("postgresql://user:secret@host/films", "postgresql://host/films"),
    ],
)
def test_p15_user_names_in_urls_are_left_out_up_to_the_last_at_sign(text: str, shown: str) -> None:
    assert redact_urls(text) == shown
