"""Runs an ingestion of the command line: with progress, Ctrl-C handling, a report and a summary."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import aclosing, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from twelvelabs_async._cli.arguments import open_client
from twelvelabs_async._cli.cleanup import delete_older_versions
from twelvelabs_async._cli.console import STOP_REASONS, Screen, format_counts, format_size, plural
from twelvelabs_async._cli.exit_codes import ExitCode, exit_code_for_summary
from twelvelabs_async._cli.indexes import find_or_create_index
from twelvelabs_async._cli.ledger import (
    create_ledger,
    describe_ledger,
    open_existing_ledger,
    prepare_default_ledger,
    resolve_database,
)
from twelvelabs_async._cli.pages import ensure_page_writable, ensure_writable
from twelvelabs_async._cli.progress import EventSink, IngestStats
from twelvelabs_async._cli.report import ReportInfo, write_report
from twelvelabs_async._cli.sources import SourceScan, SourceSelection
from twelvelabs_async._core.validation import checked_metadata
from twelvelabs_async._text import printable
from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.clock import SystemClock
from twelvelabs_async.errors import InvalidInputError, LedgerInUseError
from twelvelabs_async.ingest import Dedupe, Ingestion, IngestResult, OnOutage, OnQuota, StopReason, Summary, Transfer
from twelvelabs_async.ingest._ledger_argument import is_database, resolve_ledger
from twelvelabs_async.models.indexes import Index

if TYPE_CHECKING:
    from twelvelabs_async.ingest._postgres import LedgerAccess


REPORT_END_REASONS: Final[dict[StopReason, str]] = {
    "": "Completed",
    "drained": "Interrupted; can be resumed",
    "quota": "Stopped because a quota is exhausted; can be resumed",
    "auth": "Stopped because the API key was rejected",
    "outage": "Stopped because the API could not be reached; can be resumed",
}

MAX_TIMEOUT: Final = 10**8
"""Longest timeout in seconds, about three years."""

MAX_LEDGER_SUFFIX: Final = "-" * 10
"""A suffix as long as that of any file that is created next to a ledger."""


def result_record(result: IngestResult, index_id: str) -> dict[str, Any]:
    """Return the JSON object of an item that has ended."""
    values = attrs.asdict(result, recurse=False, filter=lambda field, _: field.name not in {"exception", "seconds"})
    return item_record(index_id=index_id, elapsed=round(result.seconds, 3), **values)


def item_record(
    *,
    index_id: str | None,
    source: str,
    action: str | None = None,
    status: str | None = None,
    stage: str | None = None,
    asset_id: str | None = None,
    indexed_asset_id: str | None = None,
    error: str | None = None,
    rejected: bool = False,
    already_done: bool = False,
    duplicate_of: str | None = None,
    replaced_asset_id: str | None = None,
    warning: str | None = None,
    strategy: str | None = None,
    container: str | None = None,
    bytes: int | None = None,  # noqa: A002  # the name of a field
    duration: float | None = None,
    duration_measured: bool | None = None,
    attempts: int | None = None,
    bytes_sent: int | None = None,
    elapsed: float | None = None,
) -> dict[str, Any]:
    """Return the JSON object of an item with all fields; what is unknown, or does not apply, is None."""
    return {name: None if value == "" else value for name, value in locals().items()}


def print_summary(screen: Screen, summary: Summary, stats: IngestStats, seconds: float, *, excluded: int = 0) -> None:
    """Print the summary of an ingestion."""
    failed = bool(summary.failed or summary.skipped or summary.stop_reason)
    print_line = screen.warn if failed else screen.print
    print_line(f"{format_counts(summary)} in {seconds:.1f} s")
    speed = f", {format_size(round(summary.bytes_sent / seconds))}/s" if seconds else ""
    rows = {
        "already done": f"{summary.already_done:,}" if summary.already_done else "",
        "duplicates": f"{summary.duplicates:,}" if summary.duplicates else "",
        "changed": f"{summary.changed:,}" if summary.changed else "",
        "sent": f"{format_size(summary.bytes_sent)}{speed}" if summary.bytes_sent else "",
        "left out": stats.left_out.describe(excluded),
        "not begun": _not_begun(summary, stats),
        "stopped": STOP_REASONS[summary.stop_reason],
    }
    screen.table([(name, text) for name, text in rows.items() if text])
    for line in stats.failure_groups.lines():
        screen.warn(line)


def _not_begun(summary: Summary, stats: IngestStats) -> str:
    """Return how many items were not begun; empty if all were."""
    if not summary.skipped and not summary.stop_reason:
        return ""
    if stats.total is None:
        return f"{summary.skipped:,} items, and all that were not found yet"
    count = max(0, stats.total.items - summary.ready - summary.failed)
    return plural(count, "item") if count else ""


@attrs.frozen(kw_only=True)
class IngestArgs:
    """Options of an ingestion."""

    selection: SourceSelection = attrs.field(factory=SourceSelection)
    concurrency: int = 4
    in_flight: int = 1000
    ledger: str | None = None
    """Path or URL; None is the ledger that the command keeps for the index."""
    no_ledger: bool = False
    dedupe: Dedupe = "name"
    transfer: Transfer = "auto"
    on_quota: OnQuota = "stop"
    on_outage: OnOutage = "wait"
    retry_failed: bool = False
    replace: bool = False
    """Whether to delete the older versions of files that have changed."""
    allow_rejected: bool = False
    """Whether items that were rejected do not count as failures."""
    models: Sequence[Mapping[str, Any]] | None = None
    """Models of an index that is created; None is the default."""
    report: Path | None = None
    rate_limit_store: str | None = None
    timeout: float | None = None
    lookup_timeout: float | None = None
    sleep_interval: float | None = None
    verbose: bool = False

    def check(self) -> None:
        """Check what can be checked without the API.

        Raises:
            InvalidInputError: An option is not valid.
        """
        if self.ledger is not None and self.no_ledger:
            raise InvalidInputError("use either --ledger or --no-ledger")
        if self.replace and self.no_ledger:
            raise InvalidInputError("--replace needs a ledger, which knows the older version of a file")
        if self.ledger is not None:
            resolve_ledger(self.ledger)
            if is_database(self.ledger):
                resolve_database(self.ledger, access="read")
        checked_metadata(self.selection.metadata, name="--metadata")
        for pair in map("=".join, self.selection.metadata.items()):
            try:
                pair.encode()
            except UnicodeEncodeError:
                raise InvalidInputError(f"--metadata must be UTF-8, got {pair!r}") from None
        for name, seconds in (("--timeout", self.timeout), ("--lookup-timeout", self.lookup_timeout)):
            if seconds is not None and not 0 < seconds <= MAX_TIMEOUT:
                raise InvalidInputError(f"{name} must be a number of seconds up to {MAX_TIMEOUT:,}, got {seconds}")


async def run_ingest(*, index: str, args: IngestArgs, base_url: str | None, screen: Screen) -> ExitCode:
    """Ingest sources into an index; a new index is created if there is none with this name."""
    sink = EventSink(screen, SystemClock(), verbose=args.verbose)
    async with (
        open_client(base_url, screen, rate_limit_store=args.rate_limit_store, on_event=sink.on_client_event) as client,
        SourceScan(args.selection) as scan,
    ):
        check = partial(check_arguments, scan, args)
        found = await find_or_create_index(client, index, models=args.models, check=check)
        is_default_ledger = args.ledger is None and not args.no_ledger
        if is_default_ledger:
            args = attrs.evolve(args, ledger=await prepare_default_ledger(client.base_url, found, screen))
        screen.print(f"index {printable(found.index_name)} ({found.id}), {describe_ledger(args.ledger)}")
        try:
            summary = await run_ingestion(client, scan, index=found, sink=sink, args=args)
        except LedgerInUseError as error:
            hint = "; wait for the other run, or pass another --ledger or --no-ledger" if is_default_ledger else ""
            raise LedgerInUseError(f"{error}{hint}") from None
        kept = await delete_older_versions(client, args.ledger, found.id, screen) if args.replace else 0
    code = exit_code_for_summary(summary, allow_rejected=args.allow_rejected)
    if code == ExitCode.OK and kept:
        return ExitCode.FAILED
    return ExitCode.OUTPUT_ERROR if code == ExitCode.OK and sink.report_error else code


async def check_arguments(scan: SourceScan, args: IngestArgs, *, access: LedgerAccess = "exclusive") -> None:
    """Check the sources, the report and the ledger, and create a ledger that is missing, before an index is created.

    Args:
        scan: The sources.
        args: The options.
        access: How the ledger will be used, if it is in a database.

    Raises:
        LedgerError: The ledger cannot be used.
        InvalidInputError: The ledger or the report cannot be written.
        TwelveLabsError: None of the sources can be ingested.
    """
    async with open_existing_ledger(args.ledger, access=access) as ledger:
        is_missing = ledger is None
        if is_missing and args.ledger is not None and not is_database(args.ledger):
            await asyncio.to_thread(ensure_writable, Path(args.ledger), "ledger", MAX_LEDGER_SUFFIX)
    await scan.ensure_not_empty()
    if args.report is not None:
        await asyncio.to_thread(ensure_page_writable, args.report, "report", ledger=args.ledger)
    if is_missing and args.ledger is not None:
        await create_ledger(args.ledger, access=access)


async def run_ingestion(
    client: AsyncTwelveLabs, scan: SourceScan, *, index: Index, sink: EventSink, args: IngestArgs
) -> Summary:
    """Ingest sources and show the progress; the first Ctrl-C finishes items in progress, the second stops."""
    clock = sink.clock
    started_at = datetime.fromtimestamp(clock.time(), UTC)
    async with aclosing(scan.items(on_skipped=sink.on_ingest_event, on_counted=sink.sources_counted)) as items:
        ingestion = client.ingest(
            items,
            index_id=index.id,
            concurrency=args.concurrency,
            max_in_flight=args.in_flight,
            ledger=args.ledger,
            dedupe=args.dedupe,
            transfer=args.transfer,
            on_quota=args.on_quota,
            on_outage=args.on_outage,
            retry_failed=args.retry_failed,
            timeout=args.timeout,
            lookup_timeout=args.lookup_timeout,
            sleep_interval=args.sleep_interval,
            on_event=sink.on_ingest_event,
        )
        try:
            await _run(ingestion, sink, index.id)
        finally:  # also after an error or an interruption
            summary, seconds = ingestion.partial_summary, clock.monotonic() - sink.stats.started_at
            print_summary(sink.screen, summary, sink.stats, seconds, excluded=scan.excluded)
            if args.report is not None:
                info = ReportInfo(
                    index_name=index.index_name,
                    index_id=index.id,
                    started_at=started_at,
                    seconds=seconds,
                    end_reason=REPORT_END_REASONS[summary.stop_reason],
                    rate_limits=list(sink.rate_limits.values()),
                )
                await _write_report(args.report, info, sink, with_thumbnails=summary.stop_reason != "drained")
    return summary


async def _write_report(path: Path, info: ReportInfo, sink: EventSink, *, with_thumbnails: bool) -> None:
    """Write the report; an error is printed, because the ingestion is complete."""
    try:
        await write_report(path, info, sink.stats, with_thumbnails=with_thumbnails)
    except OSError as error:
        sink.report_error = error
        sink.screen.error(f"cannot write the report to {path}: {error.strerror}")
    else:
        sink.screen.print(f"report written to {path}")


async def _run(ingestion: Ingestion, sink: EventSink, index_id: str) -> None:
    def drain() -> None:
        ingestion.drain()
        sink.display.notify("finishing items in progress; press Ctrl-C again to stop immediately")

    with handle_interrupts(drain):
        async with ingestion, sink.show_progress():
            async for result in ingestion:
                sink.screen.print_json(result_record(result, index_id))


class InterruptHandler:
    """Counts Ctrl-C: the first calls `drain`, the second cancels the task that created the handler."""

    def __init__(self, drain: Callable[[], None]) -> None:
        self._drain = drain
        self._task = asyncio.current_task()
        self.count: int = 0

    def __call__(self) -> None:
        """Handle Ctrl-C."""
        self.count += 1
        if self.count == 1:
            self._drain()
        elif self._task is not None:
            asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)  # a third one raises KeyboardInterrupt
            self._task.cancel()

    @property
    def immediate(self) -> bool:
        """Whether Ctrl-C was pressed twice."""
        return self.count > 1


@contextmanager
def handle_interrupts(drain: Callable[[], None]) -> Generator[InterruptHandler]:
    """Call `drain` at the first Ctrl-C; at the second, cancel the block and continue after it.

    On Windows, where event loops do not support signal handlers, Ctrl-C raises KeyboardInterrupt.
    """
    handler, loop = InterruptHandler(drain), asyncio.get_running_loop()
    with suppress(NotImplementedError):
        loop.add_signal_handler(signal.SIGINT, handler)
    try:
        yield handler
    except asyncio.CancelledError:
        if not handler.immediate:
            raise
    finally:
        with suppress(NotImplementedError):
            loop.remove_signal_handler(signal.SIGINT)
