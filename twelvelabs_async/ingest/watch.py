"""Waits for any number of resources of one kind with one poller: a request shows fifty of them.

The poller sleeps longer when nothing ends, and the more pages a look costs, so that ten thousand resources on the way
take no more requests a second than a few.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any, Final

import attrs

from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import NotFoundError, TwelveLabsError, WaitTimeoutError
from twelvelabs_async.herd import AT_ONCE, Herd, Outcome, Outlook
from twelvelabs_async.waiting import GROWTH, LONGEST_INTERVAL

FIRST_INTERVAL: Final = 1.0
"""Seconds between two looks while something ends at each of them."""

PAUSE_A_PAGE: Final = 0.25
"""Seconds to wait for each page that a look reads: four requests a second on average, however many there are."""

UNKNOWN_FOR: Final = 30.0
"""Seconds for which the platform may not know yet what it has just named."""

OnStatus = Callable[[str], None]
"""Is told a status when it is another one than before."""

Weather = Callable[[TwelveLabsError], Any]
"""Decides about a failure to look: waits if it may pass, raises if not."""


@attrs.frozen
class Seen:
    """What is kept of a resource that is waited for."""

    id: str
    status: str
    error: Any = None


@attrs.define(eq=False)
class _Waiting:
    """Somebody who waits."""

    future: asyncio.Future[None]
    since: float
    on_status: OnStatus
    status: str = ""


class Watch:
    """Waits for resources of one kind; `run` has to be running.

    Args:
        outlook: Where they can be seen.
        clock: What time it is.
        timeout: Seconds until one that has not ended is given up.
        interval: Seconds between two looks; None adapts to what is seen.
        bear: Waits out a failure to look, or raises.
    """

    def __init__(
        self, outlook: Outlook[Any], *, clock: Clock, timeout: float, interval: float | None, bear: Weather
    ) -> None:
        self._life = outlook.life
        self._pages_read = 0
        self._herd = Herd[Seen]((), attrs.evolve(outlook, pages=self._pages(outlook), fetch=_slim(outlook)))
        self._clock = clock
        self._timeout = timeout
        self._interval = interval
        self._bear = bear
        self._waiting: dict[str, _Waiting] = {}
        self._some = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    async def ready(self, id: str, on_status: OnStatus) -> None:
        """Return when the resource is ready.

        Raises:
            ProcessingFailedError: It ended badly.
            WaitTimeoutError: It has not ended in time.
            APIError: It cannot be looked at.
        """
        waiting = _Waiting(asyncio.get_running_loop().create_future(), self._clock.monotonic(), on_status)
        self._waiting[id] = waiting
        self._herd.add(id)
        self._some.set()
        try:
            await waiting.future
        finally:
            del self._waiting[id]
            self._herd.drop(id)

    async def run(self) -> None:
        """Look until cancelled, while anybody waits."""
        interval = FIRST_INTERVAL
        while True:
            await self._some.wait()
            ended = await self._look()
            interval = FIRST_INTERVAL if ended else min(LONGEST_INTERVAL, interval * GROWTH)
            if self._waiting:
                await self._clock.sleep(self._interval or max(interval, self._pages_read * PAUSE_A_PAGE))
            else:
                self._some.clear()

    async def _look(self) -> int:
        """One round over all that are waited for: how many ended."""
        self._pages_read = 0
        try:
            closer = await self._herd.read_lists()
        except TwelveLabsError as error:
            await self._bear_or_tell(error)
            return 0
        ended = 0
        for start in range(0, len(closer), AT_ONCE):
            some = [id for id in closer[start : start + AT_ONCE] if id in self._waiting]
            for outcome in await self._herd.settle(some):
                ended += self._settled(outcome)
        self._tell_statuses()
        self._give_up_late()
        return ended

    async def _bear_or_tell(self, error: TwelveLabsError) -> None:
        try:
            await self._bear(error)
        except TwelveLabsError as final:
            for waiting in tuple(self._waiting.values()):
                _fail(waiting, final)

    def _settled(self, outcome: Outcome[Any]) -> bool:
        waiting = self._waiting.get(outcome.id)
        if waiting is None:
            return False
        if isinstance(outcome.error, NotFoundError) and self._age(waiting) < UNKNOWN_FOR:
            self._herd.add(outcome.id)
            return False
        if outcome.error is not None:
            _fail(waiting, outcome.error)
        elif not waiting.future.done():
            waiting.on_status(outcome.result().status)
            waiting.future.set_result(None)
        return True

    def _tell_statuses(self) -> None:
        for id, seen in tuple(self._herd.left.items()):
            waiting = self._waiting.get(id)
            if waiting is None:  # left in the middle of the look
                self._herd.drop(id)
            elif seen is not None and seen.status != waiting.status:
                waiting.status = seen.status
                waiting.on_status(seen.status)

    def _give_up_late(self) -> None:
        for id, waiting in tuple(self._waiting.items()):
            age = self._age(waiting)
            if age > self._timeout:
                kind = self._life.resource
                message = f"{kind} {id} is still {waiting.status or 'unseen'} after {age:.0f} s; it goes on"
                _fail(waiting, WaitTimeoutError(message=message, resource=kind, id=id, waited=age))

    def _age(self, waiting: _Waiting) -> float:
        return self._clock.monotonic() - waiting.since

    def _pages(self, outlook: Outlook[Any]) -> Callable[[Sequence[str]], AsyncIterator[Iterable[Seen]]]:
        async def pages(ids: Sequence[str]) -> AsyncIterator[Iterable[Seen]]:
            async for page in outlook.pages(ids):
                self._pages_read += 1
                yield [_seen(item, outlook) for item in page]

        return pages


def _slim(outlook: Outlook[Any]) -> Callable[[str], Any]:
    async def fetch(id: str) -> Seen:
        return _seen(await outlook.fetch(id), outlook)

    return fetch


def _seen(item: Any, outlook: Outlook[Any]) -> Seen:
    return Seen(outlook.id_of(item), item.status, getattr(item, "error", None))


def _fail(waiting: _Waiting, error: TwelveLabsError) -> None:
    if not waiting.future.done():
        waiting.future.set_exception(error)
