"""Stores of rate-limit state that several processes share, by URL.

| `rate_limit_store=` | storage | for |
|---|---|---|
| `sqlite:///limits.db`, `sqlite:////var/lib/limits.db` | a file, by relative or absolute path | one machine |
| `redis://`, `rediss://`, `unix://` | Redis or Valkey; needs the extra `redis` | many machines |
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from twelvelabs_async._options import Secret
from twelvelabs_async._rate_limit.stores.shared import FallbackStore
from twelvelabs_async._text import install_command
from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.rate_limits import RateLimitStore

SQLITE_PREFIX: Final = "sqlite:///"
REDIS_SCHEMES: Final = frozenset({"redis", "rediss", "unix"})


def tenant_id(api_key: Secret, organization: str | None) -> str:
    """Return the name under which limits are shared: the organization, or else a hash of the key, never the key."""
    if organization is not None:
        return organization
    return hashlib.sha256(b"twelvelabs-async rate limits\0" + api_key.reveal().encode()).hexdigest()[:32]


def resolve_store(
    store: RateLimitStore | str, api_key: Secret, organization: str | None, clock: Clock
) -> RateLimitStore:
    """Return the store of a client, with memory as its fallback.

    Raises:
        InvalidInputError: See `open_store`.
    """
    if isinstance(store, str):
        store = open_store(store, tenant_id(api_key, organization), clock.time)
    return FallbackStore(store, clock.monotonic)


def open_store(url: str, organization: str, wall_time: Callable[[], float]) -> RateLimitStore:
    """Create the store of a URL; it opens files and connections on first use.

    Args:
        url: See the table above.
        organization: Name of the organization; see `tenant_id`.
        wall_time: Clock in seconds since the epoch, for a store without a clock of its own.

    Raises:
        InvalidInputError: The URL is invalid, or its extra is not installed.
    """
    scheme = url.partition(":")[0]
    if scheme == "sqlite":
        return _open_sqlite(url, organization, wall_time)
    if scheme in REDIS_SCHEMES:
        return _open_redis(url, organization)
    raise InvalidInputError("rate_limit_store must be a URL like sqlite:///limits.db or redis://host:6379/0")


def _open_sqlite(url: str, organization: str, wall_time: Callable[[], float]) -> RateLimitStore:
    from twelvelabs_async._rate_limit.stores.sqlite import SqliteStore

    path = Path(url.removeprefix(SQLITE_PREFIX))
    if not url.startswith(SQLITE_PREFIX) or not path.name:
        raise InvalidInputError(
            f"rate_limit_store={url!r} names no file; use sqlite:///limits.db, or sqlite:////var/lib/limits.db"
        )
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise InvalidInputError(f"rate_limit_store: directory {str(path.parent)!r} does not exist or is not writable")
    return SqliteStore(path, organization, wall_time)


def _open_redis(url: str, organization: str) -> RateLimitStore:
    try:
        from twelvelabs_async._rate_limit.stores.redis import RedisStore, create_redis_client
    except ImportError as error:
        raise InvalidInputError(f"rate_limit_store=redis://... needs: {install_command('redis')}") from error
    try:
        parts = urlsplit(url)
        is_complete = parts.scheme == "unix" or (parts.hostname and parts.port != 0)
        client = create_redis_client(url) if is_complete else None
    except ValueError:  # without its message, which may contain a password
        client = None
    if client is None:
        raise InvalidInputError("rate_limit_store is not a valid Redis URL; use one like redis://host:6379/0")
    return RedisStore(client, organization)
