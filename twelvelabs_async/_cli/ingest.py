"""The commands of ingestion and their options: `ingest`, `ledger`, `worker` and `status`."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import attrs
from cyclopts import Parameter

from twelvelabs_async._cli.arguments import Flag, PositiveFloat, PositiveInt, as_text, run_command, run_with_key
from twelvelabs_async._cli.exit_codes import ExitCode
from twelvelabs_async._cli.forecast import PlanName
from twelvelabs_async._cli.help import CommandLine
from twelvelabs_async.errors import InvalidInputError, TwelveLabsError
from twelvelabs_async.ingest import Dedupe, EntryState, OnOutage, OnQuota, Transfer
from twelvelabs_async.models.indexes import ModelOption

if TYPE_CHECKING:
    from twelvelabs_async._cli.console import Screen
    from twelvelabs_async._cli.ingest_run import IngestArgs

Texts = Annotated[list[str], Parameter(negative=(), show_default=False)]
"""An option that may be repeated."""

WORKER_OPTIONS: Final = ("concurrency", "timeout", "lookup_timeout", "transfer", "on_outage")
"""Options of a run that the command `worker` takes in place of `--submit`."""

RUN_OPTIONS: Final = (*WORKER_OPTIONS, "in_flight", "on_quota", "replace", "report")
"""Options that `--submit` refuses."""

OPTION_NAMES: Final = {"allow_rejected": "--allow-refused", "models": "--model"}
"""Names of options that differ from those of their fields."""

ledger_app = CommandLine(
    name="ledger",
    help="Show or export what an ingestion has recorded.",
    help_format="plaintext",
    version_flags=[],
)


def ingest(
    sources: Texts = [],  # noqa: B006  # read, never written
    /,
    *,
    index: str,
    from_: Annotated[Texts, Parameter(name="--from", allow_leading_hyphen=True)] = [],  # noqa: B006
    include: Texts = [],  # noqa: B006
    exclude: Texts = [],  # noqa: B006
    metadata: Texts = [],  # noqa: B006
    model: Texts = [],  # noqa: B006
    option: Annotated[list[ModelOption], Parameter(negative=(), show_default=False)] = [],  # noqa: B006
    ledger: str | None = None,
    no_ledger: Flag = False,
    retry_failed: Flag = False,
    replace: Flag = False,
    dedupe: Dedupe = "name",
    concurrency: PositiveInt = 4,
    in_flight: PositiveInt = 1000,
    timeout: PositiveFloat | None = None,
    lookup_timeout: PositiveFloat | None = None,
    transfer: Transfer = "auto",
    on_quota: OnQuota = "stop",
    on_outage: OnOutage = "wait",
    allow_rejected: Annotated[Flag, Parameter(name="--allow-refused")] = False,
    dry_run: Flag = False,
    assume_plan: PlanName | None = None,
    submit: Flag = False,
    delete_orphans: Flag = False,
    yes: Flag = False,
    report: Path | None = None,
    rate_limit_store: str | None = None,
    base_url: str | None = None,
    json: Flag = False,
    quiet: Annotated[Flag, Parameter(name=["--quiet", "-q"])] = False,
    verbose: Annotated[Flag, Parameter(name=["--verbose", "-v"])] = False,
    debug: Flag = False,
) -> int:
    """Upload and index videos concurrently; run the same command again to resume.

    A ledger records what is done, so that a second run uploads nothing again. The first line names it.

      twelvelabs-async ingest videos/ --index holiday
      twelvelabs-async ingest videos/ --index holiday --exclude proxies --metadata camera=3 --dry-run
      find /mnt -name "*.mxf" | twelvelabs-async ingest --from - --index holiday --json

    Examples:
      twelvelabs-async ingest ~/Videos --index holiday
      twelvelabs-async ingest "clips/*.mp4" --index holiday --dry-run

    API: https://docs.twelvelabs.io/v1.3/api-reference/upload-content

    Args:
        sources: Files, folders, glob patterns, http(s) URLs, and buckets such as s3://bucket/folder/*.mp4.
        index: Name or id of the index; a new index is created if there is none with this name.
        from_: Path of a list of sources, or - for standard input: one path or URL in each line; CSV with a column
            source, whose other columns are user metadata; or JSON objects with source and metadata. May be repeated.
        include: Ingest only files that match this pattern, such as "*.mp4" or 2024; may be repeated.
        exclude: Leave out files that match this pattern, or are in a folder that matches; may be repeated.
        metadata: User metadata of all items, as key=value; may be repeated.
        model: Model of the index, if it is created; may be repeated. The default is marengo3.0.
        option: What the models of a new index process; may be repeated. The default is visual and audio.
        ledger: File that records progress, created if missing; or a URL such as postgresql://user@host/database. The
            default is a file for the index in your state folder.
        no_ledger: Keep no ledger: an interrupted run cannot be resumed, and a second run uploads everything again.
        retry_failed: Retry items that failed in an earlier run.
        replace: Delete the older video of a file that has changed, once the new one is in the index.
        dedupe: Treat files as duplicates if they have the same path, the same name, size and time, or the same content.
        concurrency: Number of files uploaded at the same time.
        in_flight: Number of items between their validation and the end of indexing.
        timeout: Seconds to wait for the platform to process an item, and again to index it. The default is a day.
        lookup_timeout: Seconds during which to look for the result of an uncertain request. The default is 30.
        transfer: How objects in buckets get to the platform: it fetches a signed URL, or this machine reads and uploads
            them. The default uses a URL where the platform can read it and the object is not too large.
        on_quota: When a quota is exhausted, stop with exit code 75 or wait until it resets.
        on_outage: When the API cannot be reached, wait until it can, or stop with exit code 3.
        allow_rejected: Exit with 0 if the only failures are items that were rejected, and would be rejected again.
        dry_run: Report what would be uploaded, rejected or deleted, without doing it.
        assume_plan: Plan whose published rate limits a dry run uses; the limits of your account may be lower.
        submit: Submit the files to workers instead of uploading them; needs a PostgreSQL ledger. Options such
            as --concurrency and --timeout are those of the command worker.
        delete_orphans: Take no sources; list assets that were uploaded with this ledger and are in no index, and delete
            them after confirmation.
        yes: Skip the confirmation prompt.
        report: Path of an HTML report to write.
        rate_limit_store: URL of a rate-limit store shared by several processes: sqlite:///limits.db or
            redis://host:6379/0. A dry run reads the limits that earlier runs recorded there.
        base_url: Base URL of the API, instead of the Twelve Labs API.
        json: Print one JSON object per item on standard output, and messages on standard error.
        quiet: Print only warnings, failures and errors.
        verbose: Print a line for each item, each retry and each folder that is left out.
        debug: Log each request on standard error, and print the traceback of an error.
    """
    from twelvelabs_async._cli.console import Screen
    from twelvelabs_async._cli.ingest_run import IngestArgs, run_ingest
    from twelvelabs_async._cli.sources import SourceSelection
    from twelvelabs_async._event_listeners import log_to_stderr

    for contradicts, message in (
        (quiet and verbose, "use either --quiet or --verbose"),
        (dry_run and submit, "use either --dry-run or --submit; a dry run shows what would be submitted"),
        (dry_run and report is not None, "use either --dry-run or --report; a dry run writes no report"),
        (delete_orphans and submit, "use either --delete-orphans or --submit"),
        (assume_plan and not dry_run, "--assume-plan needs --dry-run"),
        (assume_plan and delete_orphans, "use either --assume-plan or --delete-orphans"),
        (yes and not delete_orphans, "--yes needs --delete-orphans; nothing else asks for confirmation"),
    ):
        if contradicts:
            raise InvalidInputError(message)
    index = as_text(index)
    if debug:
        log_to_stderr("debug")
    screen = Screen(json=json, quiet=quiet, plain=debug)
    args = IngestArgs(
        selection=SourceSelection(
            sources=sources, lists=from_, include=include, exclude=exclude, metadata=_parse_metadata(metadata)
        ),
        concurrency=concurrency,
        in_flight=in_flight,
        ledger=ledger,
        no_ledger=no_ledger,
        dedupe=dedupe,
        transfer=transfer,
        on_quota=on_quota,
        on_outage=on_outage,
        retry_failed=retry_failed,
        replace=replace,
        allow_rejected=allow_rejected,
        models=_index_models(model, option),
        report=report,
        rate_limit_store=rate_limit_store,
        timeout=timeout,
        lookup_timeout=lookup_timeout,
        verbose=verbose,
    )
    try:
        args.check()
        if delete_orphans:
            return _delete_orphans(index, args, yes=yes, dry_run=dry_run, base_url=base_url, screen=screen)
        args.selection.check()
        if submit:
            return _submit(index, args, base_url=base_url, screen=screen)
        if dry_run:
            from twelvelabs_async._cli.dry_run import run_dry_run

            return run_with_key(run_dry_run(index=index, args=args, plan=assume_plan, base_url=base_url, screen=screen))
        return run_with_key(run_ingest(index=index, args=args, base_url=base_url, screen=screen))
    except TwelveLabsError:
        if debug:
            traceback.print_exc()
        raise


def _parse_metadata(pairs: Sequence[str]) -> dict[str, str]:
    pairs = list(map(as_text, pairs))
    for pair in pairs:
        if "=" not in pair or pair.startswith("="):
            raise InvalidInputError(f"--metadata must be key=value, got {pair!r}")
    return dict(pair.split("=", 1) for pair in pairs)


def _index_models(models: Sequence[str], options: Sequence[str]) -> list[dict[str, Any]] | None:
    """Return the models of a new index; None is the default."""
    if not models and not options:
        return None
    if not all(models):
        raise InvalidInputError("--model must be the name of a model such as marengo3.0, got ''")
    return [
        {"model_name": name, "model_options": list(dict.fromkeys(options)) or ["visual", "audio"]}
        for name in models or ["marengo3.0"]
    ]


def _submit(index: str, args: IngestArgs, *, base_url: str | None, screen: Screen) -> int:
    from twelvelabs_async._cli import workers

    if given := sorted(set(RUN_OPTIONS).intersection(_given_options(args)), key=RUN_OPTIONS.index):
        advice = "; pass it to the command worker" if set(given) <= set(WORKER_OPTIONS) else ""
        raise InvalidInputError(f"--submit does not take {', '.join(map(_option_name, given))}{advice}")
    url = workers.require_database_url(args.ledger)
    return run_with_key(workers.submit_sources(url, index=index, args=args, base_url=base_url, screen=screen))


def _given_options(args: IngestArgs, *, except_for: Collection[str] = ()) -> list[str]:
    """Return the fields of `args` and of its selection whose values are not the defaults."""
    return [
        field.name
        for given, default in ((args, type(args)()), (args.selection, type(args.selection)()))
        for field in attrs.fields(type(given))
        if field.name not in {"selection", *except_for}
        and (getattr(given, field.name) or None) != (getattr(default, field.name) or None)
    ]


def _option_name(field: str) -> str:
    return OPTION_NAMES.get(field) or "--" + field.replace("_", "-")


def _delete_orphans(
    index: str, args: IngestArgs, *, yes: bool, dry_run: bool, base_url: str | None, screen: Screen
) -> int:
    """List orphans and delete them after confirmation; the prompt would block an event loop, so none is running."""
    from twelvelabs_async._cli import cleanup
    from twelvelabs_async._cli.console import plural

    if args.selection.sources or args.selection.lists:
        raise InvalidInputError("--delete-orphans takes no sources")
    if args.no_ledger:
        raise InvalidInputError("--delete-orphans needs the ledger of the ingestion")
    if given := _given_options(args, except_for={"ledger", "verbose"}):
        raise InvalidInputError(f"--delete-orphans does not take {', '.join(map(_option_name, given))}")
    orphans, ledger = run_with_key(
        cleanup.find_orphans(index=index, ledger=args.ledger, dry_run=dry_run, base_url=base_url, screen=screen)
    )
    if orphans and not dry_run and (yes or screen.confirm(f"delete {plural(len(orphans), 'asset')}?")):
        return run_with_key(cleanup.delete_orphans(orphans, ledger=ledger, base_url=base_url, screen=screen))
    for orphan in orphans:
        screen.print_json(orphan.to_record(deleted=False))
    return ExitCode.FAILED if orphans and not dry_run else ExitCode.OK


@ledger_app.command
def show(
    ledger: str | None = None,
    /,
    *,
    index: str | None = None,
    state: EntryState | None = None,
    base_url: str | None = None,
    json: Flag = False,
) -> int:
    """Show the items of a ledger, and the failures by class, code and stage.

      twelvelabs-async ledger show --index holiday --state failed

    API: https://docs.twelvelabs.io/v1.3/api-reference/upload-content

    Args:
        ledger: Path of the ledger, or URL of its database.
        index: Name or id of an index, instead of a path: the ledger that `ingest` keeps for it. Needs an API key.
        state: Show only items in this state.
        base_url: Base URL of the API, instead of the Twelve Labs API.
        json: Print one JSON object per item on standard output, and messages on standard error.
    """
    from twelvelabs_async._cli.console import Screen
    from twelvelabs_async._cli.ledger import show_ledger

    path = _resolve(ledger, index, base_url)
    return asyncio.run(show_ledger(path, state=state, screen=Screen(json=json)))


@ledger_app.command
def export(
    ledger: str | None = None,
    /,
    *,
    index: str | None = None,
    state: EntryState | None = None,
    base_url: str | None = None,
    csv: Flag = False,
) -> int:
    """Print the items of a ledger on standard output: path, state, asset id, indexed asset id and error.

      twelvelabs-async ledger export holiday.ledger --csv > holiday.csv

    API: https://docs.twelvelabs.io/v1.3/api-reference/upload-content

    Args:
        ledger: Path of the ledger, or URL of its database.
        index: Name or id of an index, instead of a path: the ledger that `ingest` keeps for it. Needs an API key.
        state: Export only items in this state.
        base_url: Base URL of the API, instead of the Twelve Labs API.
        csv: Print CSV instead of JSON lines.
    """
    from twelvelabs_async._cli.console import Screen
    from twelvelabs_async._cli.ledger import export_ledger

    path = _resolve(ledger, index, base_url)
    return asyncio.run(export_ledger(path, state=state, as_csv=csv, screen=Screen(json=True)))


def worker(
    *,
    ledger: str,
    concurrency: PositiveInt = 8,
    timeout: PositiveFloat | None = None,
    lookup_timeout: PositiveFloat | None = None,
    transfer: Transfer = "auto",
    on_outage: OnOutage = "wait",
    rate_limit_store: str | None = None,
    organization: str | None = None,
    base_url: str | None = None,
) -> int:
    """Process files submitted with `ingest --submit`, until interrupted. Run any number of workers on any machine.

    Examples:
      twelvelabs-async worker --ledger postgresql://user@host/videos

    API: https://docs.twelvelabs.io/v1.3/api-reference/upload-content

    Args:
        ledger: URL of the shared database: postgresql://user@host/database.
        concurrency: Number of concurrent steps: uploads, index requests and status polls.
        timeout: Seconds to wait for the platform to process an item, and again to index it. The default is a day.
        lookup_timeout: Seconds during which to look for the result of an uncertain request. The default is 30.
        transfer: How objects in buckets get to the platform: it fetches a signed URL, or this machine reads and uploads
            them. The default uses a URL where the platform can read it and the object is not too large.
        on_outage: When the API cannot be reached, wait until it can, or stop with exit code 3.
        rate_limit_store: URL of the rate-limit store shared by all workers: redis://host:6379/0, or
            sqlite:///limits.db for workers on one machine.
        organization: Name of the organization in the store; the default is a hash of the API key.
        base_url: Base URL of the API, instead of the Twelve Labs API.
    """
    from twelvelabs_async._cli import workers
    from twelvelabs_async._cli.console import Screen

    command = workers.run_worker(
        workers.require_database_url(ledger),
        concurrency=concurrency,
        timeout=timeout,
        lookup_timeout=lookup_timeout,
        transfer=transfer,
        on_outage=on_outage,
        rate_limit_store=rate_limit_store,
        organization=organization,
        base_url=base_url,
        screen=Screen(),
    )
    return run_with_key(command)


def worker_status(
    *,
    ledger: str,
    watch: Flag = False,
    retry: Flag = False,
    cancel: Flag = False,
    forget: Flag = False,
    json: Flag = False,
) -> int:
    """Show the status of files submitted with `ingest --submit`; exit code 1 if any failed. Needs no API key.

    Examples:
      twelvelabs-async status --ledger postgresql://user@host/videos --watch

    API: https://docs.twelvelabs.io/v1.3/api-reference/upload-content

    Args:
        ledger: URL of the shared database: postgresql://user@host/database.
        watch: Print updates until all files are done.
        retry: Let workers continue with stalled files first.
        cancel: End stalled files as failed first.
        forget: Remove failed files from the ledger first, after --cancel. Submit them again to ingest them.
        json: Print one JSON object per update on standard output.
    """
    from twelvelabs_async._cli import workers
    from twelvelabs_async._cli.console import Screen

    if retry and cancel:
        raise InvalidInputError("use either --retry or --cancel")
    url, screen = workers.require_database_url(ledger), Screen(json=json)
    if retry or cancel or forget:
        run_command(workers.change_status(url, retry=retry, cancel=cancel, forget=forget, screen=screen))
    return run_command(workers.show_status(url, watch=watch, screen=screen))


def _resolve(ledger: str | None, index: str | None, base_url: str | None) -> str:
    from twelvelabs_async._cli.ledger import find_ledger

    if (ledger is None) == (index is None):
        raise InvalidInputError("pass the path or URL of a ledger, or --index")
    return ledger if ledger is not None else run_with_key(find_ledger(as_text(index or ""), base_url=base_url))
