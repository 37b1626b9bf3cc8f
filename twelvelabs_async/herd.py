"""Waits for many resources of one kind at once, by reading lists: fifty of them cost one request a round."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar, cast

import attrs

from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import APIError, InvalidInputError, ProcessingFailedError, TwelveLabsError
from twelvelabs_async.waiting import (
    FIRST_INTERVAL,
    GROWTH,
    LONGEST_INTERVAL,
    Lifecycle,
    has_ended,
    passing,
    patience_of,
    too_late,
)

T = TypeVar("T")

MISSES: Final = 2
"""Times a resource may be missing from the lists; after that it is only looked up by itself."""

AT_ONCE: Final = 8
"""Resources that are looked up by themselves at the same time."""


@attrs.frozen(kw_only=True)
class Outcome(Generic[T]):
    """How one of several resources ended."""

    id: str
    """Identifier of the resource."""
    item: T | None = None
    """The resource as it was seen last; None if it never was."""
    error: TwelveLabsError | None = None
    """Why it did not end well: `ProcessingFailedError`, `WaitTimeoutError`, or why it cannot be read; else None."""

    def result(self) -> T:
        """The resource.

        Raises:
            TwelveLabsError: It did not end well.
        """
        if self.error is not None:
            raise self.error
        return cast("T", self.item)


@attrs.frozen(kw_only=True)
class Outlook(Generic[T]):
    """Where the resources of one kind can be seen."""

    life: Lifecycle
    """Which statuses are ends."""
    pages: Callable[[Sequence[str]], AsyncIterator[Iterable[Any]]]
    """Pages of a list in which the resources with these identifiers should be; others may be there, too."""
    fetch: Callable[[str], Awaitable[T]]
    """Reads one of them."""
    summaries: bool = False
    """Whether lists show less than `fetch`: then each resource is fetched when it has ended."""
    id_of: Callable[[Any], str] = attrgetter("id")
    """Identifier of an entry of the list."""


def all_done(
    ids: Iterable[str],
    outlook: Outlook[T],
    *,
    clock: Clock,
    timeout: float | None = None,
    sleep_interval: float | None = None,
) -> AsyncIterator[Outcome[T]]:
    """Wait for many resources, each told as soon as it is seen to have ended: exactly one outcome an identifier.

    A round reads pages of the list until it has seen all that are on the way, which is one request for 50 of them. It
    stops where looking up the others one by one would cost no more, and does that; also for those that are too new for
    the list, or have fallen out of it.

    Args:
        ids: Identifiers; one that comes twice counts once.
        outlook: Where they can be seen.
        clock: What time it is.
        timeout: Seconds until all that are still on the way end with `WaitTimeoutError`; None is an hour.
        sleep_interval: Seconds between two rounds; None begins with one and slows down to fifteen.

    Raises:
        APIError: The list cannot be read, and trying again would not help. What is wrong with one resource is told in
            its outcome.
    """
    if isinstance(ids, str):
        raise InvalidInputError(f"there are several to wait for; put {ids!r} into a list")
    return _all_done(Herd(ids, outlook), clock, patience_of(timeout, sleep_interval), sleep_interval)


async def _all_done(
    herd: Herd[T], clock: Clock, patience: float, sleep_interval: float | None
) -> AsyncIterator[Outcome[T]]:
    started, interval = clock.monotonic(), sleep_interval or FIRST_INTERVAL
    while herd.left:
        closer = await herd.read_lists()
        for start in range(0, len(closer), AT_ONCE):
            for outcome in await herd.settle(closer[start : start + AT_ONCE]):
                yield outcome
        if not herd.left:
            return
        pause = interval if sleep_interval else interval * random.uniform(0.8, 1.2)  # noqa: S311  # no secret
        waited = clock.monotonic() - started
        if waited + pause > patience:
            await clock.sleep(max(0.0, patience - waited))
            for outcome in herd.too_late(patience):
                yield outcome
            return
        await clock.sleep(pause)
        interval = interval if sleep_interval else min(LONGEST_INTERVAL, interval * GROWTH)


class Herd(Generic[T]):
    """Those that are still on the way, and what has been seen of them."""

    def __init__(self, ids: Iterable[str], outlook: Outlook[T]) -> None:
        self.left: dict[str, T | None] = dict.fromkeys(ids)
        """Identifiers, with the resource as it was seen last."""
        self._outlook = outlook
        self._misses: dict[str, int] = {}
        """How often each has been missing from the list."""
        self._ended: dict[str, Any] = {}
        """Entries of the list that have ended."""

    def add(self, id: str) -> None:
        """Wait for one more."""
        self.left.setdefault(id, None)

    def drop(self, id: str) -> None:
        """Wait for one less, also in the middle of a look."""
        for kept in (self.left, self._misses, self._ended):
            kept.pop(id, None)

    async def read_lists(self) -> list[str]:
        """Identifiers that are worth a closer look: ended as far as the list tells, or not in it.

        Raises:
            APIError: The list cannot be read, and trying again would not help.
        """
        unseen = {id for id in self.left if self._misses.get(id, 0) < MISSES}
        alone = [id for id in self.left if id not in unseen]
        try:
            await self._walk(unseen)
        except APIError as error:
            if not passing(error):
                raise
            unseen.clear()  # they may well be in it
        missing = [id for id in self.left if id in unseen]
        self._misses.update({id: self._misses.get(id, 0) + 1 for id in missing})
        return [*self._ended, *missing, *alone]

    async def _walk(self, unseen: set[str]) -> None:
        """Take out of `unseen` what the list shows, for as long as that is cheaper than looking up each."""
        if not unseen:
            return
        read = 0
        async for page in self._outlook.pages([id for id in self.left if id in unseen]):
            read += 1
            for item in page:
                id = self._outlook.id_of(item)
                if id in unseen:
                    unseen.discard(id)
                    if id in self.left:
                        self._note(id, item)
            if read >= len(unseen):
                return

    def _note(self, id: str, item: Any) -> None:
        self.left[id] = item
        self._misses.pop(id, None)
        if item.status in self._outlook.life.ready | self._outlook.life.failed:
            self._ended[id] = item

    async def settle(self, ids: Sequence[str]) -> list[Outcome[T]]:
        """A closer look at some of them, side by side: the outcomes of those that have ended."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._settle(id)) for id in ids]
        outcomes = [outcome for outcome in (task.result() for task in tasks) if outcome is not None]
        for outcome in outcomes:
            self.drop(outcome.id)
        return outcomes

    async def _settle(self, id: str) -> Outcome[T] | None:
        item, outlook = self._ended.pop(id, None), self._outlook
        try:
            if item is None or outlook.summaries:
                item = self.left[id] = await outlook.fetch(id)
            return Outcome(id=id, item=item) if has_ended(item, outlook.life, id) else None
        except ProcessingFailedError as error:
            return Outcome(id=id, item=error.last, error=error)
        except TwelveLabsError as error:
            return None if passing(error) else Outcome(id=id, item=self.left.get(id), error=error)

    def too_late(self, waited: float) -> list[Outcome[T]]:
        """The outcomes of all that have not ended."""
        life = self._outlook.life
        return [Outcome(id=id, item=last, error=too_late(last, life, id, waited)) for id, last in self.left.items()]
