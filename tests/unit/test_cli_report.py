"""The HTML report of an ingestion is self-contained, escapes filenames and contains no credentials."""

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
STARTED_AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
HOSTILE = "</td><script>alert(1)</script><img src=x onerror='alert(2)'>\"&amp;${index}\x1b[31m\u202e.mp4"
SIGNED = "https://user:word@bucket.s3.amazonaws.com/v/film.mp4?X-Amz-Signature=c0ffee#part"


class ParsedPage(HTMLParser):
    """The tags, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags = list[str]()
        self.attributes = list[tuple[str, str | None]]()
        self.texts = list[str]()
        self.feed(text)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    @override
    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def make_info(
    index_name: str = "holiday", seconds: float = 4210.0, quotas: Sequence[RateLimitUpdated] = ()
) -> ReportInfo:
    return ReportInfo(
        index_name=index_name,
        index_id="6564",
        started_at=STARTED_AT,
        seconds=seconds,
        end_reason="Came to its end",
        rate_limits=quotas,
    )


def sample_stats() -> IngestStats:
    stats = IngestStats(50.0)
    stats.record_progress(
        ItemProgress(source="a.mp4", stage="uploading", sent=5_000_000, total=5_000_000, bytes_sent=5_000_000), 60
    )
    stats.record_result(IngestResult(source="a.mp4", status="ready", stage="ready", bytes_sent=5_000_000), 70)
    stats.record_result(IngestResult(source=HOSTILE, status="failed", stage="queued", error="it is 3 s long"), 80)
    stats.record_result(
        IngestResult(source=SIGNED, status="failed", stage="processing", error=f"cannot fetch {SIGNED}: 403"), 90
    )
    stats.record_result(IngestResult(source="later.mp4", status="skipped", stage="queued", error="quota"), 95)
    stats.record_wait("index", "request", 240, 100)
    return stats


def test_the_report_contains_counts_failures_and_rate_limits() -> None:
    limit = RateLimitUpdated(category="index", dimension="request", limit=60, remaining=12, resets_at=STARTED_AT)
    texts = " ".join(ParsedPage(render_report(make_info(quotas=[limit]), sample_stats())).texts)
    for part in ("Ingestion into holiday", "2026-11-23 09:30 UTC", "1 h 10 min", "5.0 MB", "while processing"):
        assert part in texts
    assert re.search(r"index request\s+60\s+12\s+2026-11-23 09:30:00\s+1\s+4 min", texts)
    assert "skipped" in texts


def test_a_hostile_name_is_escaped() -> None:
    page = ParsedPage(render_report(make_info(index_name=HOSTILE), sample_stats()))
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    text = " ".join(page.texts)
    assert "<script>alert(1)</script>" in text
    assert "${index}" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_the_report_contains_no_password_and_no_signature() -> None:
    text = render_report(make_info(), sample_stats())
    assert "https://bucket.s3.amazonaws.com/v/film.mp4?…" in text
    for secret in ("c0ffee", "user:word", "X-Amz"):
        assert secret not in text


def test_the_report_requests_nothing_from_other_hosts() -> None:
    page = ParsedPage(render_report(make_info(), sample_stats()))
    assert {"link", "iframe", "object", "base", "form"}.isdisjoint(page.tags)
    assert {name for name, _ in page.attributes}.isdisjoint({"src", "href", "action", "srcset"})
    policy = [value for name, value in page.attributes if name == "content" and value and "default-src" in value]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]
    assert "url(" not in render_report(make_info(), sample_stats())


def test_only_some_of_many_failures_are_shown_and_the_rest_are_counted() -> None:
    stats = IngestStats(0)
    for number in range(2000):
        stats.record_result(IngestResult(source=f"{number}.mp4", status="failed", stage="queued", error="short"), 1)
    text = render_report(make_info(), stats)
    assert f"and {2000 - MAX_SHOWN_SOURCES:,} more" in text
    assert f"And {2000 - MAX_STATS_RESULTS:,} more." in text
    assert len(text) < 300_000


def test_a_run_without_items_produces_a_report() -> None:
    text = render_report(make_info(seconds=0.0), IngestStats(0))
    assert "None." in text
    assert "No rate limits reported" in text


def test_failures_are_grouped_by_kind_with_their_sources() -> None:
    stats = IngestStats(0)
    for number in range(3):
        error = f"the video lasts {number + 1} s; at least 4 s are needed"
        stats.record_result(IngestResult(source=f"{number}.mp4", status="failed", stage="queued", error=error), 1)
    exception = NotFoundError(message="gone", status_code=404)
    result = IngestResult(source="x.mp4", status="failed", stage="indexing", error=str(exception), exception=exception)
    stats.record_result(result, 1)
    text = " ".join("".join(ParsedPage(render_report(make_info(), stats)).texts).split())
    assert "3 x the video lasts 1 s; at least 4 s are needed before the upload 0.mp4 1.mp4 2.mp4" in text
    assert "1 x NotFoundError while indexing" in text


async def test_each_local_video_has_a_frame() -> None:
    stats = IngestStats(0)
    for source in (str(CLIP), "https://host/a.mp4", "missing.mp4"):
        stats.record_result(IngestResult(source=source, status="ready", stage="ready", bytes_sent=28_000), 1)
    thumbnails = await read_thumbnails(stats.results)
    assert thumbnails.keys() == {str(CLIP)}
    page = ParsedPage(await asyncio.to_thread(render_report, make_info(), stats, thumbnails))
    images = [value or "" for name, value in page.attributes if name == "src"]
    assert [image[:23] for image in images] == ["data:image/jpeg;base64,"]
    assert base64.b64decode(images[0][23:]) == thumbnails[str(CLIP)]


def test_the_narrow_chart_has_fewer_labels() -> None:
    timeline = Timeline()
    timeline.add(3000, Bucket(ready=3, bytes_sent=10**9))
    texts = [timeline_svg(timeline, 3000, layout).count("<text") for layout in (BROAD, NARROW)]
    assert texts == [12, 10]
    assert 'viewBox="0 0 340 ' in timeline_svg(timeline, 3000, NARROW)


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("a.mp4", "a.mp4"),
        ("https://example.com/a.mp4", "https://example.com/a.mp4"),
        ("http://u@example.com:8/a?b#c, twice", "http://example.com:8/a?… twice"),
    ],
)
def test_urls_are_shown_without_credentials_and_signatures(text: str, redacted: str) -> None:
    assert redact_urls(text) == redacted


def test_the_chart_ends_at_the_end_of_the_run() -> None:
    timeline = Timeline()
    timeline.add_wait(2, 90)
    assert "1 min 10 s" not in timeline_svg(timeline, seconds=10)
    assert "10 s" in timeline_svg(timeline, seconds=10)
    assert timeline_svg(Timeline(), seconds=10) == ""


@pytest.mark.parametrize(
    ("text", "redacted"),
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
def test_p15_user_names_in_urls_are_left_out_up_to_the_last_at_sign(text: str, redacted: str) -> None:
    assert redact_urls(text) == redacted
