"""The commands `worker` and `status`."""

from __future__ import annotations

from twelvelabs_async._cli.arguments import Flag, PositiveFloat, PositiveInt, run_command, run_with_key
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.ingest import OnOutage, Transfer


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
