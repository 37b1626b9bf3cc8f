"""The `ledger` argument: the path of a file, a database, or a ledger."""

from __future__ import annotations

import re
from os import PathLike
from typing import Final

from twelvelabs_async._arguments import describe
from twelvelabs_async._text import install_command
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.ingest.ledger import Ledger, LedgerLike, MemoryLedger
from twelvelabs_async.ingest.sqlite_ledger import SqliteLedger

_URL_SCHEME: Final = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]+)://")

_CONNECTION_KEYWORD: Final = re.compile(
    r"\s*(host|hostaddr|port|dbname|user|password|passfile|service|servicefile|options|application_name|"
    r"connect_timeout|client_encoding|target_session_attrs|ssl\w+|gss\w+|krb\w+|channel_binding|keepalives\w*|"
    r"tcp_user_timeout|load_balance_hosts|require_auth)\s*="
)


def resolve_ledger(ledger: LedgerLike | None) -> Ledger:
    """Return the ledger that an argument stands for; None stands for a ledger in memory.

    Raises:
        InvalidInputError: The path or the URL is not valid, or the ledger is in PostgreSQL and the extra is not
            installed. The message does not contain a URL, which may contain a password.
    """
    if ledger is None:
        return MemoryLedger()
    if isinstance(ledger, str) and is_database(ledger):
        try:
            from twelvelabs_async.ingest.postgres_ledger import PostgresLedger  # noqa: PLC0415  # an extra
        except ImportError:
            raise InvalidInputError(f"a ledger in PostgreSQL needs: {install_command('postgres')}") from None
        return PostgresLedger(ledger)
    if isinstance(ledger, str) and (url := _URL_SCHEME.match(ledger)):
        raise InvalidInputError(f"ledger must be a path or a postgresql:// URL, got a URL with {url[1]}://")
    if isinstance(ledger, str | PathLike):
        try:
            return SqliteLedger(ledger)
        except (OSError, TypeError, ValueError) as error:
            raise InvalidInputError(f"ledger has no valid path: {error}") from error
    if not callable(getattr(ledger, "claim", None)):
        raise InvalidInputError(f"ledger must be a path, a PostgreSQL URL or a Ledger, got {describe(ledger)}")
    return ledger


def is_database(ledger: str) -> bool:
    """Return whether a string names a database and not a file: a `postgresql://` URL or a string of keywords."""
    return ledger.startswith(("postgresql://", "postgres://")) or bool(_CONNECTION_KEYWORD.match(ledger))
