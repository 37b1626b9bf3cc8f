"""Budgets that several processes share, and how they are named.

| `budget=` | where | for |
|---|---|---|
| `sqlite:///budget.db`, `sqlite:////var/lib/budget.db` | a file, by a path from here or from the root | one machine |
| `redis://`, `rediss://`, `unix://` | Redis or Valkey; needs the extra `redis` | many machines |
| `postgresql://`, `postgres://` | PostgreSQL; needs the extra `postgres` | many machines without Redis |
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.policy.fallback import FallbackStore
from twelvelabs_async.policy.store import BudgetStore, MemoryStore
from twelvelabs_async.settings import Secret

SQLITE: Final = "sqlite:///"
REDIS: Final = frozenset({"redis", "rediss", "unix"})
POSTGRES: Final = frozenset({"postgresql", "postgres"})


def identity(api_key: Secret, organization: str | None) -> str:
    """The name under which limits are shared: that of the organisation, else a hash of the key, never the key."""
    if organization is not None:
        return organization
    return hashlib.sha256(b"twelvelabs-async budget\0" + api_key.reveal().encode()).hexdigest()[:32]


def shared(budget: BudgetStore | str, api_key: Secret, organization: str | None, clock: Clock) -> BudgetStore:
    """The store for a client, which goes on without it while it is away.

    Raises:
        InvalidInputError: See `open_store`.
    """
    if isinstance(budget, str):
        budget = open_store(budget, identity(api_key, organization), clock.time)
    return budget if isinstance(budget, MemoryStore) else FallbackStore(budget, clock.monotonic)


def open_store(url: str, organization: str, wall: Callable[[], float]) -> BudgetStore:
    """The store an address names; nothing is opened or sent before its first use.

    Args:
        url: See above.
        organization: Whose limits these are; see `identity`.
        wall: Seconds since the epoch, for a store that has no clock of its own.

    Raises:
        InvalidInputError: It is no such address, or the extra it needs is not installed.
    """
    scheme = url.partition(":")[0]
    if scheme == "sqlite":
        return _sqlite(url, organization, wall)
    if scheme in REDIS:
        return _redis(url, organization)
    if scheme in POSTGRES:
        return _postgres(url, organization)
    raise InvalidInputError("budget is not an address like sqlite:///budget.db or redis://host:6379/0")


def _sqlite(url: str, organization: str, wall: Callable[[], float]) -> BudgetStore:
    from twelvelabs_async.policy.stores.sqlite import SqliteStore

    path = Path(url.removeprefix(SQLITE))
    if not url.startswith(SQLITE) or not path.name:
        raise InvalidInputError("budget names no file: it is like sqlite:///budget.db, or sqlite:////var/lib/budget.db")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise InvalidInputError(f"there is no folder {str(path.parent)!r} for the file of budget=, or not for us")
    return SqliteStore(path, organization, wall)


def _redis(url: str, organization: str) -> BudgetStore:
    try:
        from twelvelabs_async.policy.stores.redis import RedisStore, connect
    except ImportError as error:
        raise InvalidInputError("budget=redis://... needs: pip install 'twelvelabs-async[redis]'") from error
    try:
        _ = urlsplit(url).port
        return RedisStore(connect(url), organization)
    except ValueError:
        raise InvalidInputError("budget is not an address that Redis is found at, like redis://host:6379/0") from None


def _postgres(url: str, organization: str) -> BudgetStore:
    try:
        from twelvelabs_async.policy.stores.postgres import PostgresStore
    except ImportError as error:
        raise InvalidInputError("budget=postgresql://... needs: pip install 'twelvelabs-async[postgres]'") from error
    return PostgresStore(url, organization)
