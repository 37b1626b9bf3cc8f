"""HTML report of an ingestion: one self-contained page that loads nothing from other hosts.

It contains no API key. URLs are shown without user names and query strings, which may contain signatures. All values,
such as filenames, are escaped.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import attrs
from markupsafe import Markup

from twelvelabs_async import frames
from twelvelabs_async._cli.console import format_duration, format_size
from twelvelabs_async._cli.pages import jpeg_url, render_page
from twelvelabs_async._cli.progress import BROAD, NARROW, IngestStats, timeline_svg
from twelvelabs_async._text import printable
from twelvelabs_async.errors import FrameError, InvalidInputError
from twelvelabs_async.events import RateLimitUpdated
from twelvelabs_async.ingest import IngestResult

MAX_THUMBNAILS: Final = 100
"""Rows with a thumbnail."""

THUMBNAIL_WIDTH: Final = 186
THUMBNAIL_TIME: Final = 1.0
"""Time of the frame in seconds: the first frame of many videos is black."""

THUMBNAIL_TIMEOUT: Final = 5.0

_URL_PATTERN: Final = re.compile(
    r"([a-z][a-z0-9+.-]*://)(?:[^\s/?#]*@|[^\s/?#@:]+:(?!\d*(?:[/?#\s]|$))\S*@)?([^\s?#]*)([?#]\S*)?", re.IGNORECASE
)
"""A URL: its scheme, a user name with a password that may contain any character, host and path, query and fragment."""


@attrs.frozen(kw_only=True)
class ReportInfo:
    """Index, time and result of the ingestion."""

    index_name: str
    index_id: str
    started_at: datetime
    seconds: float
    end_reason: str
    """Why the ingestion ended, in a few words."""
    rate_limits: Sequence[RateLimitUpdated] = ()
    """Latest known state of the rate limits."""


@attrs.frozen(kw_only=True)
class FailureView:
    """Failures of one kind."""

    kind: str
    count: int
    example: str
    """The error of the first of them, or the stage if the kind is an error."""
    sources: Sequence[str]


def render_report(info: ReportInfo, stats: IngestStats, thumbnails: Mapping[str, bytes] | None = None) -> str:
    """Return the report as an HTML page.

    Args:
        info: The ingestion.
        stats: Its statistics.
        thumbnails: JPEG images by source.
    """
    return render_page(
        "report.html",
        finalize=redact_urls,
        info=info,
        tiles=[tile for tile in _tiles(info, stats) if tile[1] != "0" or tile[0] in {"ready", "failed"}],
        broad_timeline=Markup(timeline_svg(stats.timeline, info.seconds, BROAD)),  # noqa: S704  # contains numbers only
        narrow_timeline=Markup(timeline_svg(stats.timeline, info.seconds, NARROW)),  # noqa: S704  # the same
        failures=list(_failures(stats)),
        results=stats.results,
        thumbnails={source: jpeg_url(image) for source, image in (thumbnails or {}).items()},
        more_videos=stats.counts.total() - len(stats.results),
        rate_limits=list(_rate_limits(info.rate_limits, stats)),
        format_size=format_size,
        format_duration=format_duration,
    )


def redact_urls(text: str) -> str:
    """Remove user names, queries and fragments from the URLs in a string, and all control characters."""
    return printable(_URL_PATTERN.sub(lambda found: f"{found[1]}{found[2]}{'?…' if found[3] else ''}", text))


async def read_thumbnails(results: Iterable[IngestResult]) -> dict[str, bytes]:
    """Return a frame of each local video, as JPEG by source; none without the extra `frames`."""
    found: dict[str, bytes] = {}
    for result in results:
        if len(found) >= MAX_THUMBNAILS:
            break
        if "://" in result.source or result.status != "ready":
            continue
        try:
            (frame,) = await frames.extract(
                result.source, [THUMBNAIL_TIME], width=THUMBNAIL_WIDTH, timeout=THUMBNAIL_TIMEOUT
            )
        except FrameError:
            continue
        except InvalidInputError:  # the extra is not installed
            break
        found[result.source] = frame.jpeg
    return found


async def write_report(path: Path, info: ReportInfo, stats: IngestStats, *, with_thumbnails: bool) -> None:
    """Write the report.

    Args:
        path: Path of the page.
        info: The ingestion.
        stats: Its statistics.
        with_thumbnails: Whether to decode a frame of each video.

    Raises:
        OSError: It cannot be written.
    """
    thumbnails = await read_thumbnails(stats.results) if with_thumbnails else {}
    await asyncio.to_thread(lambda: path.write_text(render_report(info, stats, thumbnails), "utf-8"))


def _tiles(info: ReportInfo, stats: IngestStats) -> Iterator[tuple[str, str, str]]:
    """Yield the numbers of the first row: label, value, and class in the style sheet."""
    yield "ready", f"{stats.counts['ready']:,}", "ready"
    yield "failed", f"{stats.counts['failed']:,}", "failed" if stats.counts["failed"] else ""
    yield "skipped", f"{stats.counts['skipped']:,}", "skipped"
    yield "already done", f"{stats.previously_done:,}", ""
    yield "duplicates", f"{stats.duplicates:,}", ""
    yield "sent", format_size(stats.bytes_sent), ""
    yield "duration", format_duration(info.seconds), ""
    yield "average speed", f"{format_size(round(stats.bytes_sent / info.seconds))}/s" if info.seconds else "-", ""


def _failures(stats: IngestStats) -> Iterator[FailureView]:
    """Yield the failures by kind, the largest group first, and the items that were not started."""
    for kind, group in stats.failure_groups.most_common():
        stage = "before the upload" if kind.stage in {"queued", ""} else f"while {kind.stage}"
        yield FailureView(
            kind=str(kind) if kind.is_exception else group.error,
            count=group.count,
            example=group.error if kind.is_exception else stage,
            sources=group.sources,
        )
    if skipped := stats.skipped:
        yield FailureView(kind="not started", count=skipped.count, example=skipped.error, sources=skipped.sources)


def _rate_limits(rate_limits: Sequence[RateLimitUpdated], stats: IngestStats) -> Iterator[tuple[str, ...]]:
    """Yield the cells of each row of the table of rate limits."""
    limits = {(limit.category, limit.dimension): limit for limit in rate_limits}
    for key in sorted({*limits, *stats.wait_totals}):
        limit, waits = limits.get(key), stats.wait_totals.get(key)
        yield (
            " ".join(filter(None, key)),
            f"{limit.limit:,.0f}" if limit and limit.limit is not None else "",
            f"{limit.remaining:,.0f}" if limit and limit.remaining is not None else "",
            limit.resets_at.strftime("%Y-%m-%d %H:%M:%S") if limit and limit.resets_at else "",
            f"{waits.count:,}" if waits else "0",
            format_duration(waits.seconds) if waits else "",
        )
