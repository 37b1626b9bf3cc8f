"""Ledgers of the command line: the one that `ingest` keeps by default, `ledger show` and `ledger export`."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import logging
import os
import re
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import platformdirs
from yarl import URL

from twelvelabs_async._cli.console import Screen
from twelvelabs_async._cli.exit_codes import ExitCode
from twelvelabs_async._cli.failure_groups import FailureGroups
from twelvelabs_async._cli.indexes import require_index
from twelvelabs_async._text import printable
from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.errors import InvalidInputError, LedgerError, LedgerInUseError
from twelvelabs_async.ingest import Entry, EntryState, Ledger, SqliteLedger
from twelvelabs_async.ingest._ledger_argument import is_database, resolve_ledger
from twelvelabs_async.models.indexes import Index

if TYPE_CHECKING:
    from twelvelabs_async.ingest._postgres import LedgerAccess
    from twelvelabs_async.ingest.postgres_ledger import PostgresLedger


APPLICATION: Final = "twelvelabs-async"
"""Name of the folder that holds the ledgers, within the state folder of the user."""

CSV_COLUMNS: Final = ("path", "state", "asset_id", "indexed_asset_id", "error")
"""Columns of `ledger export --csv`."""


def default_ledger_path(base_url: str, index: Index) -> Path:
    """Return the path of the ledger of an index.

    The name also depends on the server and on the time at which the index was created: emulators repeat ids.
    """
    created = index.created_at.isoformat() if index.created_at else ""
    identity = "\0".join((str(URL(base_url).origin()), index.id, created))
    digest = hashlib.blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    folder = platformdirs.user_state_path(APPLICATION, appauthor=False)
    return folder / f"{re.sub('[^0-9A-Za-z-]', '_', index.id)[:48]}-{digest}.ledger"


async def prepare_default_ledger(base_url: str, index: Index, screen: Screen) -> str | None:
    """Return the path of the ledger of an index, created if missing; None, with a warning, if it cannot be created.

    Raises:
        LedgerError: There is such a ledger, and it cannot be used.
    """
    path = default_ledger_path(base_url, index)
    try:
        if not await asyncio.to_thread(path.exists):
            await asyncio.to_thread(path.parent.mkdir, mode=0o700, parents=True, exist_ok=True)
            await create_ledger(str(path), access="exclusive")
    except LedgerInUseError:
        raise
    except (OSError, LedgerError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        if isinstance(error, PermissionError) and await asyncio.to_thread(os.path.lexists, path.parent):
            raise LedgerError(
                f"cannot look for the ledger of this index in {path.parent}: {printable(reason)}. Another run may have "
                "kept one there; give this user access, pass --ledger, or pass --no-ledger to ingest all files again"
            ) from None
        screen.warn(
            f"warning   cannot keep a ledger in {path.parent}: {printable(reason)}; "
            "the next run cannot resume this one. To keep a ledger elsewhere, use --ledger"
        )
        return None
    return str(path)


async def find_default_ledger(base_url: str, index: Index) -> str | None:
    """Return the path of the ledger of an index; None if there is none."""
    path = default_ledger_path(base_url, index)
    try:
        return str(path) if await asyncio.to_thread(path.exists) else None
    except OSError:
        return None


def describe_ledger(ledger: str | None) -> str:
    """Return the name of a ledger in one line, without a password."""
    if ledger is None:
        return "no ledger"
    if not is_database(ledger):
        return f"ledger {printable(ledger)}"
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415  # an extra

    values = conninfo_to_dict(ledger)
    host = f" on {values['host']}" if values.get("host") else ""
    return printable(f"ledger in the PostgreSQL database {values.get('dbname') or 'of the user'}{host}")


def resolve_database(ledger: str, *, access: LedgerAccess) -> PostgresLedger:
    """Return the ledger in a database, whose URL has been checked, and keep its drivers from logging to the terminal.

    Raises:
        InvalidInputError: The URL is not valid, or a package is missing.
    """
    resolve_ledger(ledger)
    from twelvelabs_async.ingest._postgres import with_connection_timeouts  # noqa: PLC0415  # an extra
    from twelvelabs_async.ingest.postgres_ledger import PostgresLedger  # noqa: PLC0415  # the same

    with_connection_timeouts(ledger)
    for name in ("psycopg", "procrastinate"):  # errors reach the caller
        logging.getLogger(name).addHandler(logging.NullHandler())
    return PostgresLedger(ledger, access=access)


@asynccontextmanager
async def open_existing_ledger(
    ledger: str | None, *, access: LedgerAccess = "exclusive"
) -> AsyncGenerator[Ledger | None]:
    """Open a ledger if it exists, without creating it; None otherwise.

    Args:
        ledger: Its path or URL.
        access: `read` also works for a ledger that a run uses, and changes nothing.

    Raises:
        InvalidInputError: The path or the URL is not valid.
        LedgerError: The ledger cannot be used.
    """
    opened: Ledger | None = None
    if ledger is not None and is_database(ledger):
        database = resolve_database(ledger, access=access)
        opened = database if await database.exists() else None
    elif ledger is not None and await asyncio.to_thread(_exists, ledger):
        opened = SqliteLedger(ledger, access="read" if access == "read" else "exclusive")
    if opened is None:
        yield None
        return
    await opened.open()
    try:
        yield opened
    finally:
        await opened.close()


async def create_ledger(ledger: str, *, access: LedgerAccess) -> None:
    """Create a ledger, and release it.

    Args:
        ledger: Its path or URL.
        access: How it will be used, if it is in a database.

    Raises:
        LedgerError: It cannot be created.
    """
    created = resolve_database(ledger, access=access) if is_database(ledger) else SqliteLedger(ledger)
    await created.open()
    await created.close()


def _exists(ledger: str) -> bool:
    resolve_ledger(ledger)  # raises for a URL
    try:
        return Path(ledger).exists()
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"the ledger has no valid path: {getattr(error, 'strerror', None) or error}") from None


async def find_ledger(index: str, *, base_url: str | None) -> str:
    """Return the path of the ledger that `ingest` keeps for an index.

    Raises:
        InvalidInputError: There is no such index, or it has no ledger.
    """
    async with AsyncTwelveLabs(base_url=base_url) as client:
        found = await require_index(client, index)
        ledger = await find_default_ledger(client.base_url, found)
    if ledger is None:
        raise InvalidInputError(f"no ledger of the index {index!r} in {default_ledger_path('http://-', found).parent}")
    return ledger


async def show_ledger(ledger: str, *, state: EntryState | None, screen: Screen) -> ExitCode:
    """Print the entries of a ledger, their number by state, and the failures by kind.

    Raises:
        LedgerError: There is no such ledger, or it cannot be used.
    """
    states, failures = Counter[str](), FailureGroups()
    async for entry in _entries(ledger):
        states[entry.state] += 1
        if entry.error:
            failures.add(entry.uri, entry.error, entry.stage)
        if state in {None, entry.state}:
            screen.print_json(_record(entry))
            ids = "  ".join(filter(None, (entry.asset_id, entry.indexed_asset_id)))
            cells = (f"{entry.state:6}", printable(entry.uri), ids, printable(entry.error))
            screen.print("  ".join(filter(None, cells)))
    if states and not screen.json:
        screen.print()
    screen.print(describe_ledger(ledger))
    screen.print(", ".join(f"{count:,} {name}" for name, count in states.most_common()) or "no entries")
    for line in failures.lines():
        screen.print(line)
    return ExitCode.OK


async def export_ledger(ledger: str, *, state: EntryState | None, as_csv: bool, screen: Screen) -> ExitCode:
    """Print the entries of a ledger on standard output, as CSV or as JSON lines.

    Raises:
        LedgerError: There is no such ledger, or it cannot be used.
    """
    screen.use_utf8()
    writer = csv.writer(screen, lineterminator="\n")
    if as_csv:
        writer.writerow(CSV_COLUMNS)
    async for entry in _entries(ledger):
        if state not in {None, entry.state}:
            continue
        record = _record(entry)
        if as_csv:
            writer.writerow([record[name] for name in CSV_COLUMNS])
        else:
            screen.print_json(record)
    return ExitCode.OK


async def _entries(ledger: str) -> AsyncGenerator[Entry]:
    async with open_existing_ledger(ledger, access="read") as opened:
        if opened is None:
            raise LedgerError(f"there is no {describe_ledger(ledger)}")
        async for entry in opened.entries():
            yield entry


def _record(entry: Entry) -> dict[str, Any]:
    return {
        "index_id": entry.index_id,
        "path": entry.uri,
        "state": entry.state,
        "stage": entry.stage,
        "asset_id": entry.asset_id,
        "indexed_asset_id": entry.indexed_asset_id,
        "error": entry.error or None,
    }
