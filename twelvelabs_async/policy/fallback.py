"""Keeps calls going while a shared store is away: their budgets are then those of this process alone.

A limiter that stops everything because its own store is down would be worse than none. So whatever a store raises, its
calls are answered from memory, a warning is logged once, and every few seconds one call tries the store again.

Memory begins with what answers told before. And it dares a share of what they say is left, for others go on as well,
and what those have on the way is nowhere counted now: each call reserves as much as `SHARERS` of its kind.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any, Final, TypeVar

from typing_extensions import override

from twelvelabs_async.policy.budget import Costs
from twelvelabs_async.policy.headers import Advice
from twelvelabs_async.policy.pace import Wait
from twelvelabs_async.policy.store import BudgetStore, MemoryStore

T = TypeVar("T")

AGAIN: Final = 5.0
"""Seconds after which a store that was away is tried again, by one call."""

SHARERS: Final = 4
"""Processes that are taken to draw on what the server says is left, while nobody counts what they have on the way."""

logger: Final = logging.getLogger("twelvelabs_async.limits")


class _AwayError(Exception):
    """The store is not to be had now."""


class FallbackStore(BudgetStore):
    """A shared store while it answers, and memory while it does not.

    What was begun is carried through even if whoever asked is cancelled, so that no ticket is lost.

    Args:
        shared: The store.
        now: Seconds that never run backwards.
    """

    def __init__(self, shared: BudgetStore, now: Callable[[], float]) -> None:
        self._shared = shared
        self._memory = MemoryStore(now)
        self._now = now
        self._away = False
        self._again = 0.0
        self._returns = 0
        self._closed = False
        self._begun = set[asyncio.Task[Any]]()

    @property
    @override
    def poll(self) -> float | None:
        return self._shared.poll

    @override
    async def reserve(self, category: str, costs: Costs) -> int | Wait:
        asking = self._begin(self._reserve(category, costs))
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            asking.add_done_callback(lambda done: self._give_back(category, done))
            raise

    @override
    async def settle(self, category: str, ticket: int, advice: Advice, *, refused: bool, jitter: float) -> None:
        await asyncio.shield(self._begin(self._settle(category, ticket, advice, refused=refused, jitter=jitter)))

    @override
    async def release(self, category: str, ticket: int, *, sent: bool) -> None:
        await asyncio.shield(self._begin(self._release(category, ticket, sent=sent)))

    @override
    async def snapshot(self) -> Mapping[str, Mapping[str, Any]]:
        try:
            return await self._ask(self._shared.snapshot)
        except _AwayError:
            return await self._memory.snapshot()

    @override
    async def aclose(self) -> None:
        while self._begun:
            await asyncio.wait(self._begun)
        self._closed = True
        await self._shared.aclose()

    async def _reserve(self, category: str, costs: Costs) -> int | Wait:
        try:
            return await self._ask(lambda: self._shared.reserve(category, costs))
        except _AwayError:
            found = await self._memory.reserve(category, {name: SHARERS * cost for name, cost in costs.items()})
            return -found if isinstance(found, int) else found  # below zero are the tickets of memory

    async def _settle(self, category: str, ticket: int, advice: Advice, *, refused: bool, jitter: float) -> None:
        # Memory does not know the calls of the store, and learns by their answers nevertheless.
        await self._memory.settle(category, max(0, -ticket), advice, refused=refused, jitter=jitter)
        if ticket > 0:
            settle = self._shared.settle
            with suppress(_AwayError):
                await self._ask(lambda: settle(category, ticket, advice, refused=refused, jitter=jitter))

    async def _release(self, category: str, ticket: int, *, sent: bool) -> None:
        if ticket < 0:
            await self._memory.release(category, -ticket, sent=sent)
        else:
            with suppress(_AwayError):  # the lease ends it
                await self._ask(lambda: self._shared.release(category, ticket, sent=sent))

    async def _ask(self, question: Callable[[], Awaitable[T]]) -> T:
        if self._closed or (self._away and self._now() < self._again):
            raise _AwayError
        trying, returns = self._away, self._returns
        if trying:
            self._again = self._now() + AGAIN  # one tries, and the others keep to memory meanwhile
        try:
            answer = await question()
        except Exception as error:  # noqa: BLE001  # each kind of store has its own
            if returns == self._returns:  # else it was asked before the store came back, and is no news
                self._lost(error)
            raise _AwayError from None
        if trying and self._away:  # an answer to what was asked before it went says nothing, either
            self._away = False
            self._returns += 1
            logger.info("the shared budgets are back")
        return answer

    def _lost(self, error: Exception) -> None:
        if not self._away:
            self._away, self._again = True, self._now() + AGAIN
            # By its name only: what it says may hold an address, and that a password.
            logger.warning("the shared budgets are away (%s); each process keeps its own", type(error).__name__)

    def _begin(self, doing: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.ensure_future(doing)
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)
        return task

    def _give_back(self, category: str, asked: asyncio.Task[int | Wait]) -> None:
        if not asked.cancelled() and isinstance(ticket := asked.result(), int):
            self._begin(self._release(category, ticket, sent=False))
