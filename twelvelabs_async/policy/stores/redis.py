"""Budgets in Redis or Valkey: for processes on many machines.

`budget.lua` and `pace.lua` are those files of `policy/` once more: one script, run by the server in one piece and on
its own clock, so that the clocks of the machines do not matter. It is sent once and called by its hash afterwards: each
call of the store is one round trip.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from typing_extensions import override

from twelvelabs_async.policy.budget import REQUEST, SAME_WINDOW, Costs
from twelvelabs_async.policy.headers import LONGEST_WAIT, Advice
from twelvelabs_async.policy.pace import CUBIC, FIRST_PAUSE, GROWTH, LONGEST_PAUSE, MEMORY, PATIENCE, SURE, Wait
from twelvelabs_async.policy.store import LEASE, BudgetStore

CONNECTIONS: Final = 8
"""At most, for each client; a call holds one for a fraction of a millisecond."""

TIMEOUT: Final = 2.0
"""Seconds after which a server that does not answer is taken to be gone."""

KEPT: Final = 7 * 86_400
"""Seconds after which budgets that nobody used are forgotten."""

UNNAMED: Final[Mapping[str, None]] = (
    {"driver_info": None} if find_spec("redis.driver_info") else {"lib_name": None, "lib_version": None}
)
"""Keeps redis-py from reading its own version from the disk for each connection; older ones call that otherwise."""

_CONSTANTS: Final = {
    "REQUEST": REQUEST,
    "SAME_WINDOW": SAME_WINDOW,
    "LONGEST_WAIT": LONGEST_WAIT,
    "PATIENCE": PATIENCE,
    "GROWTH": GROWTH,
    "MEMORY": MEMORY,
    "FIRST_PAUSE": FIRST_PAUSE,
    "LONGEST_PAUSE": LONGEST_PAUSE,
    "SURE": SURE,
    "CUBIC": CUBIC,
    "KEPT": KEPT,
}
"""What the script has to have in common with the Python."""


def _script() -> str:
    given = "\n".join(f"local {name} = {json.dumps(value)}" for name, value in _CONSTANTS.items())
    parts = (Path(__file__).with_name(f"{name}.lua").read_text(encoding="utf-8") for name in ("pace", "budget"))
    return "\n".join([given, *parts])


SCRIPT: Final = _script()
"""The program that the server runs."""


def reserve_arguments(category: str, costs: Costs, lease: float | None) -> list[str]:
    """How the script is asked for a ticket."""
    asked = [text for dimension, cost in costs.items() for text in (dimension, repr(cost))]
    return ["reserve", category, _text(lease), *asked]


def settle_arguments(category: str, ticket: int, advice: Advice, *, refused: bool, jitter: float) -> list[str]:
    """How the script is told of an answer."""
    told = [
        text
        for dimension, quota in advice.quotas.items()
        for text in (dimension, _text(quota.limit), _text(quota.remaining), _text(quota.reset))
    ]
    flag, waits = str(int(refused)), _text(advice.retry_after)
    return ["settle", category, str(ticket), flag, repr(jitter), repr(advice.server_time), waits, *told]


def release_arguments(category: str, ticket: int, *, sent: bool) -> list[str]:
    """How the script is told that there is none."""
    return ["release", category, str(ticket), str(int(sent))]


def found(answer: int | Sequence[str]) -> int | Wait:
    """What the script answers to `reserve`."""
    if isinstance(answer, int):
        return answer
    seconds, certain, dimension, limit = answer
    return Wait(_number(seconds), certain=certain == "1", dimension=dimension, limit=_number(limit))


def connect(url: str) -> Redis:
    """A client for a store; nothing is sent yet.

    Args:
        url: `redis://`, `rediss://` or `unix://`, with user and password if need be.
    """
    pool: Any = BlockingConnectionPool.from_url(  # pyright: ignore[reportUnknownMemberType]  # its keywords have no types
        url,
        max_connections=CONNECTIONS,
        timeout=TIMEOUT,
        socket_timeout=TIMEOUT,
        socket_connect_timeout=TIMEOUT,
        decode_responses=True,
        retry=Retry(NoBackoff(), 1),  # a connection that was kept may have died meanwhile
        **UNNAMED,
    )
    return Redis.from_pool(pool)


class RedisStore(BudgetStore):
    """Budgets on a server that several machines reach.

    Args:
        redis: A client of that server, which decodes what it answers; see `connect`.
        organization: Whose limits these are.
    """

    def __init__(self, redis: Redis, organization: str) -> None:
        self._redis = redis
        self._key = f"tl:{{{organization}}}:budget"
        self._script = redis.register_script(SCRIPT)

    @property
    @override
    def poll(self) -> float:
        """Ten round trips a second, for the first in a queue alone, and only while an answer is the news it needs."""
        return 0.1

    @override
    async def reserve(self, category: str, costs: Costs) -> int | Wait:
        return found(await self._run(reserve_arguments(category, costs, LEASE)))

    @override
    async def settle(self, category: str, ticket: int, advice: Advice, *, refused: bool, jitter: float) -> None:
        await self._run(settle_arguments(category, ticket, advice, refused=refused, jitter=jitter))

    @override
    async def release(self, category: str, ticket: int, *, sent: bool) -> None:
        await self._run(release_arguments(category, ticket, sent=sent))

    @override
    async def snapshot(self) -> Mapping[str, Mapping[str, Any]]:
        states = cast("Mapping[str, str]", await self._redis.hgetall(self._key))
        return {category: _state(states[category]) for category in sorted(states)}

    @override
    async def aclose(self) -> None:
        await self._redis.aclose()

    async def _run(self, arguments: list[str]) -> Any:
        return await self._script(keys=[self._key], args=arguments)


def _state(text: str) -> dict[str, Any]:
    """A state as Python writes it: Lua does not tell a list without elements from a map without any."""
    state = json.loads(text)
    return {**state, "windows": state["windows"] or [], "flights": state["flights"] or {}}


def _text(number: float | None) -> str:
    return "" if number is None else repr(number)


def _number(text: str) -> float | None:
    return float(text) if text else None
