"""The commands `ledger show` and `ledger export`."""

from __future__ import annotations

import asyncio

from twelvelabs_async._cli.arguments import Flag, as_text, run_with_key
from twelvelabs_async._cli.help import CommandLine
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.ingest import EntryState

ledger_app = CommandLine(name="ledger", help="Show or export what an ingestion has recorded.", help_format="plaintext")


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


def _resolve(ledger: str | None, index: str | None, base_url: str | None) -> str:
    from twelvelabs_async._cli.ledger import find_ledger

    if (ledger is None) == (index is None):
        raise InvalidInputError("pass the path or URL of a ledger, or --index")
    return ledger if ledger is not None else run_with_key(find_ledger(as_text(index or ""), base_url=base_url))
