"""Rate-limit state in Redis or Valkey, for processes on many machines.

Each operation reads the state of a category with the time of the server, changes it in Python and writes it if no
other process has changed it since; otherwise it starts again after a short random pause. It takes two round trips, or
one if the state is still as this process left it less than a second ago. All processes use the server's clock, so the
clocks of their machines do not matter.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from itertools import count
from typing import Any, Final, TypeVar, cast

import attrs
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from typing_extensions import override

from twelvelabs_async._rate_limit.stores.shared import NO_RESERVATION, LoadedCategory, SharedStore, parse_state
from twelvelabs_async._rate_limit.windows import CategoryState
from twelvelabs_async.clock import SystemClock

T = TypeVar("T")

REDIS_MAX_CONNECTIONS: Final = 8
"""Connections of one client; an operation uses one for a fraction of a millisecond."""

REDIS_TIMEOUT: Final = 2.0
"""Seconds after which connecting or a reply counts as failed."""

STATE_TTL: Final = 7 * 86_400
"""Seconds after which unused state is deleted."""

FIRST_CONFLICT_PAUSE: Final = 0.0005
"""Longest pause after another process has changed the state first, in seconds; doubles each time."""

MAX_CONFLICT_PAUSE: Final = 0.05
"""Longest such pause, in seconds."""

MAX_STATE_AGE: Final = 1.0
"""Seconds after which the state that this process wrote last is read again; its age is added to the server's time."""

_CLOCK: Final = SystemClock()

NO_CLIENT_INFO: Final[Mapping[str, None]] = (
    {"driver_info": None} if find_spec("redis.driver_info") else {"lib_name": None, "lib_version": None}
)
"""Keeps redis-py from reading its version from the disk for each connection; older versions use another keyword."""

COMPARE_AND_SET: Final = """
-- KEYS: hash of states by category, hash of requests in flight of this category by reservation id.
-- ARGV: category, reservation id, and to write: expected state, new state, TTL, then pairs of id and request.
-- Returns nothing if it wrote; otherwise the time of the server, the current state and the request of the reservation.
local state = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if ARGV[3] ~= state then
    local time = redis.call('TIME')
    return {time[1], time[2], state, redis.call('HGET', KEYS[2], ARGV[2]) or ''}
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[4])
for at = 6, #ARGV, 2 do
    if ARGV[at + 1] == '' then
        redis.call('HDEL', KEYS[2], ARGV[at])
    else
        redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1])
    end
end
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('EXPIRE', KEYS[2], ARGV[5])
return nil
"""
"""Replaces a state that is still the expected one. It holds no rate-limit arithmetic."""


def create_redis_client(url: str) -> Redis:
    """Create the client of a `RedisStore`; it connects on first use.

    Args:
        url: `redis://`, `rediss://` or `unix://`, with user and password if needed.
    """
    pool: Any = BlockingConnectionPool.from_url(  # pyright: ignore[reportUnknownMemberType]  # its keywords have no types
        url,
        max_connections=REDIS_MAX_CONNECTIONS,
        timeout=REDIS_TIMEOUT,
        socket_timeout=REDIS_TIMEOUT,
        socket_connect_timeout=REDIS_TIMEOUT,
        decode_responses=True,
        retry=Retry(NoBackoff(), 1),  # an idle connection may have been closed by the server
        **NO_CLIENT_INFO,
    )
    return Redis.from_pool(pool)


@attrs.frozen
class _StoredState:
    """A category on the server."""

    text: str
    """The state; empty if there is none."""
    request: str
    """The request in flight of the reservation; empty if there is none."""
    time: float
    """Time of the server, in seconds since the epoch."""


class _WrittenState:
    """The last state of a category that this process wrote, and its requests in flight."""

    def __init__(self) -> None:
        self._text = ""
        self._time = self._written_at = float("-inf")
        self._requests: dict[int, str] = {}

    def write(self, text: str, time: float, requests: Mapping[int, str | None]) -> None:
        """Keep what was written; a request that is None was deleted."""
        self._text, self._time, self._written_at = text, time, _CLOCK.monotonic()
        for reservation_id, request in requests.items():
            if request is None:
                self._requests.pop(reservation_id, None)
            else:
                self._requests[reservation_id] = request

    def get(self, reservation_id: int) -> _StoredState | None:
        """Return the state, which another process may have changed since; None if it must be read."""
        age = _CLOCK.monotonic() - self._written_at
        request = "" if reservation_id == NO_RESERVATION else self._requests.get(reservation_id)
        return None if request is None or age > MAX_STATE_AGE else _StoredState(self._text, request, self._time + age)


class RedisStore(SharedStore):
    """Rate-limit state on a Redis server.

    Args:
        redis: A client that decodes responses; see `create_redis_client`.
        organization: Name of the organization.
    """

    def __init__(self, redis: Redis, organization: str) -> None:
        self._redis = redis
        self._states_key = f"twelvelabs:{{{organization}}}:rate_limits"
        self._in_flight_key = f"twelvelabs:{{{organization}}}:in_flight"
        self._script = redis.register_script(COMPARE_AND_SET)
        self._locks = defaultdict[str, asyncio.Lock](asyncio.Lock)
        self._written = defaultdict[str, _WrittenState](_WrittenState)

    @property
    @override
    def poll_interval(self) -> float:
        """Seconds between two attempts to reserve, which only the first call in each queue makes."""
        return 0.1

    @override
    async def snapshot(self) -> Mapping[str, Mapping[str, Any]]:
        states = cast("Mapping[str, str]", await self._redis.hgetall(self._states_key))
        return {category: parse_state(states[category]) for category in sorted(states)}

    @override
    async def aclose(self) -> None:
        await self._redis.aclose()

    @override
    async def _update(self, category: str, reservation_id: int, change: Callable[[CategoryState, float], T]) -> T:
        keys = [self._states_key, f"{self._in_flight_key}:{category}"]
        written = self._written[category]
        async with self._locks[category]:  # the operations of one process run one after the other instead of competing
            assumed = written.get(reservation_id)
            stored = assumed or await self._read(keys, category, reservation_id)
            for attempt in count(1):
                loaded = LoadedCategory(stored.text, stored.time)
                if loaded.needs_in_flight:
                    in_flight = cast("Mapping[str, str]", await self._redis.hgetall(keys[1]))
                    loaded.load_in_flight({int(key): value for key, value in in_flight.items()})
                elif stored.request:
                    loaded.load_in_flight({reservation_id: stored.request})
                result = change(loaded.state, stored.time)
                new_text = loaded.changed_text()
                if new_text is None:
                    return result
                requests = loaded.changed_in_flight()
                arguments: list[str | int] = [category, reservation_id, stored.text, new_text, STATE_TTL]
                for changed_id, request in requests.items():
                    arguments += [changed_id, request or ""]
                reply = await self._script(keys=keys, args=arguments)
                if reply is None:
                    written.write(new_text, stored.time, requests)
                    return result
                if stored is assumed:
                    stored = _stored_state(reply)
                    continue
                # Processes that all start again at the same time would hinder each other again.
                longest = min(MAX_CONFLICT_PAUSE, FIRST_CONFLICT_PAUSE * 2.0 ** min(attempt, 16))
                await _CLOCK.sleep(random.uniform(0.0, longest))  # noqa: S311  # no secret
                stored = await self._read(keys, category, reservation_id)
            raise AssertionError  # pragma: no cover  # the loop does not end

    async def _read(self, keys: list[str], category: str, reservation_id: int) -> _StoredState:
        return _stored_state(await self._script(keys=keys, args=[category, reservation_id]))


def _stored_state(reply: tuple[str, str, str, str]) -> _StoredState:
    seconds, microseconds, text, request = reply
    return _StoredState(text, request, int(seconds) + int(microseconds) / 1e6)
