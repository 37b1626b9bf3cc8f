"""`twelvelabs-async ingest --submit`, `worker` and `status`: ingestion by workers on several machines."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

import attrs

from twelvelabs_async._cli.arguments import open_client
from twelvelabs_async._cli.console import Screen, basename
from twelvelabs_async._cli.exit_codes import ExitCode
from twelvelabs_async._cli.indexes import find_or_create_index
from twelvelabs_async._cli.ingest_run import IngestArgs, check_arguments, handle_interrupts
from twelvelabs_async._cli.ledger import describe_ledger, resolve_database
from twelvelabs_async._cli.progress import format_skipped, format_warning
from twelvelabs_async._cli.sources import LeftOut, SourceScan
from twelvelabs_async._text import install_command, printable
from twelvelabs_async.clock import SystemClock
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.ingest import OnOutage, PathSkipped, Transfer
from twelvelabs_async.ingest._ledger_argument import is_database
from twelvelabs_async.ingest._validation import SourceValidator

if TYPE_CHECKING:
    from twelvelabs_async.workers import Status


STATUS_INTERVAL: Final = 2.0
"""Seconds between two updates of `status --watch`."""

STATUS_COUNTS: Final = ("queued", "uploading", "processing", "indexing", "ready", "failed", "stalled")


def require_database_url(ledger: str | None) -> str:
    """Return the database URL of a ledger, and import the packages that workers need.

    Raises:
        InvalidInputError: The ledger is not a PostgreSQL URL, or a package is missing.
    """
    if ledger is None or not is_database(ledger):
        raise InvalidInputError("--ledger must be a PostgreSQL URL such as postgresql://user@host/videos")
    try:
        import_module("twelvelabs_async.workers")
    except ImportError:
        raise InvalidInputError(f"workers need: {install_command('postgres')}") from None
    resolve_database(ledger, access="read")
    return ledger


async def submit_sources(url: str, *, index: str, args: IngestArgs, base_url: str | None, screen: Screen) -> ExitCode:
    """Submit files for an index; a new index is created if there is none with this name."""
    from twelvelabs_async.workers import submit  # noqa: PLC0415  # an optional dependency
    from twelvelabs_async.workers._jobs import open_ledger_and_queue  # noqa: PLC0415  # the same

    async def check() -> None:
        await check_arguments(scan, args, access="shared")
        async with open_ledger_and_queue(url, SystemClock()):
            pass  # it has created the tables

    left_out = LeftOut()

    def on_skipped(event: PathSkipped) -> None:
        left_out.add(event)
        if args.verbose:
            screen.print(f"left out  {format_skipped(event)}")

    async with SourceScan(args.selection) as scan:
        async with open_client(base_url, screen, rate_limit_store=args.rate_limit_store) as client:
            found = await find_or_create_index(client, index, models=args.models, check=check)
        screen.print(f"index {printable(found.index_name)} ({found.id}), {describe_ledger(url)}")
        result = await submit(
            url,
            scan.items(on_skipped=on_skipped, on_counted=lambda _: None),
            index_id=found.id,
            dedupe=args.dedupe,
            retry_failed=args.retry_failed,
            validate=SourceValidator(
                [model.model_name for model in found.models],
                lambda source, text: screen.warn(format_warning(source, text)),
            ),
        )
    for source, reason in result.rejected:
        screen.warn(f"rejected  {basename(source)}: {printable(reason)}")
    screen.print(f"{result.accepted:,} submitted, {result.ready:,} already done, {result.duplicates:,} duplicates")
    if result.failed:
        screen.warn(f"{result.failed:,} failed in an earlier run; use --retry-failed to submit them again")
    if text := left_out.describe(scan.excluded):
        screen.print(f"left out: {text}")
    screen.print_json({**attrs.asdict(result), "index_id": found.id})
    rejected = (result.rejected or result.failed) and not args.allow_rejected
    return ExitCode.FAILED if rejected else ExitCode.OK


async def run_worker(
    url: str,
    *,
    concurrency: int,
    timeout: float | None,
    lookup_timeout: float | None,
    transfer: Transfer,
    on_outage: OnOutage,
    rate_limit_store: str | None,
    organization: str | None,
    base_url: str | None,
    screen: Screen,
) -> ExitCode:
    """Process submitted files until interrupted; the first Ctrl-C finishes the steps in progress."""
    async with open_client(base_url, screen, rate_limit_store=rate_limit_store, organization=organization) as client:
        worker = client.worker(
            url,
            concurrency=concurrency,
            timeout=timeout,
            lookup_timeout=lookup_timeout,
            transfer=transfer,
            on_outage=on_outage,
        )

        def stop() -> None:
            worker.stop()
            screen.print("finishing steps in progress; press Ctrl-C again to stop immediately")

        screen.print(f"worker started, {concurrency} concurrent steps; press Ctrl-C to stop")
        with handle_interrupts(stop) as interrupts:
            await worker.run()
    screen.print(f"{worker.completed:,} steps done")
    return ExitCode.INTERRUPTED if interrupts.immediate else ExitCode.OK


async def is_ledger_there(url: str) -> bool:
    """Return whether anything has been submitted to a database. Creates no tables."""
    return await resolve_database(url, access="read").exists()


async def change_status(url: str, *, retry: bool, cancel: bool, forget: bool, screen: Screen) -> None:
    """Continue or end the stalled files; then remove the failed ones from the ledger."""
    from twelvelabs_async.workers import (  # noqa: PLC0415  # an optional dependency
        cancel_stalled,
        forget_failed,
        retry_stalled,
    )

    if not await is_ledger_there(url):
        return
    if retry:
        screen.print(f"{await retry_stalled(url):,} stalled files are retried")
    if cancel:
        screen.print(f"{await cancel_stalled(url):,} stalled files are cancelled")
    if forget:
        screen.print(f"{await forget_failed(url):,} failed files are forgotten")


async def show_status(url: str, *, watch: bool, screen: Screen) -> ExitCode:
    """Print the status of submitted files, once, or until all are done or the output is lost."""
    from twelvelabs_async.workers import Status, status  # noqa: PLC0415  # an optional dependency

    if not await is_ledger_there(url):
        _show(Status(), screen)
        return ExitCode.OK
    current = await status(url)
    _show(current, screen)
    while watch and current.open and not screen.is_output_lost:
        await SystemClock().sleep(STATUS_INTERVAL)
        current = await status(url)
        _show(current, screen)
    for entry in current.failures:
        screen.print(f"{'failed' if entry.state == 'failed' else 'stalled':9} {basename(entry.uri)}: {entry.error}")
    return ExitCode.FAILED if current.failed or current.stalled else ExitCode.OK


def _show(current: Status, screen: Screen) -> None:
    counts = {name: getattr(current, name) for name in STATUS_COUNTS}
    screen.print(", ".join(f"{count:,} {name}" for name, count in counts.items() if count) or "nothing submitted")
    failures = [{"uri": entry.uri, "state": entry.state, "error": entry.error} for entry in current.failures]
    screen.print_json({**counts, "failures": failures})
