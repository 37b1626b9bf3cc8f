"""One look at everything in an index that the platform works on, by the pages of its lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs

from twelvelabs_async.api import Api
from twelvelabs_async.errors import AuthenticationError, NotFoundError, ProcessingFailedError, RateLimitError
from twelvelabs_async.fleet.card import after_limit
from twelvelabs_async.fleet.stepper import renewed
from twelvelabs_async.herd import AT_ONCE, Herd, Outcome, Outlook
from twelvelabs_async.ingest.failures import told
from twelvelabs_async.ingest.ledger import Entry, Ledger
from twelvelabs_async.ingest.steps import Steps
from twelvelabs_async.ingest.watch import FIRST_INTERVAL, PAUSE_A_PAGE, UNKNOWN_FOR
from twelvelabs_async.uploads.plan import DIRECT_UP_TO
from twelvelabs_async.waiting import GROWTH, LONGEST_INTERVAL

PAGE: Final = 50
"""Resources that one request shows."""


@attrs.define(kw_only=True)
class Seen:
    """What a look has come to."""

    moved: list[Entry] = attrs.field(factory=list[Entry])
    """Entries that are further than before, as they are now."""
    late: list[Entry] = attrs.field(factory=list[Entry])
    """Entries that the platform has had for too long, and that are given up."""
    again: float = 0.0
    """Seconds for which a limit forbids the next look."""


class Lookout:
    """Looks for all items of a worker.

    Args:
        api: The road to the platform.
        ledger: What remembers the items; open.
        timeout: Seconds in which the platform has to end each of the two things it does with a video.
    """

    def __init__(self, api: Api, ledger: Ledger, *, timeout: float) -> None:
        self._steps = Steps(api, direct_up_to=DIRECT_UP_TO)
        self._ledger = ledger
        self._clock = api.clock
        self._timeout = timeout

    async def look(self, index_id: str, entries: Sequence[Entry]) -> Seen:
        """See how far `entries` are, which the platform works on, and write down what has changed.

        Raises:
            AuthenticationError: The key was refused.
            LedgerError: It could not be written down.
            APIError: The lists cannot be read, and looking again would not help.
        """
        seen = Seen()
        processing = {entry.asset_id or "": entry for entry in entries if entry.stage == "processing"}
        indexing = {entry.indexed_asset_id or "": entry for entry in entries if entry.stage == "indexing"}
        try:
            await self._look(self._steps.processing(), processing, seen)
            await self._look(self._steps.indexing(index_id), indexing, seen)
        except RateLimitError as error:
            seen.again = after_limit(error.retry_after)
        return seen

    async def _look(self, outlook: Outlook[Any], waiting: dict[str, Entry], seen: Seen) -> None:
        herd = Herd[Any](waiting, outlook)
        closer = await herd.read_lists()
        moved_before = len(seen.moved)
        for start in range(0, len(closer), AT_ONCE):
            for outcome in await herd.settle(closer[start : start + AT_ONCE]):
                moved = self._moved(waiting[outcome.id], outcome)
                if moved is not None:
                    await self._ledger.save(moved)
                    seen.moved.append(moved)
        ended = {entry.token for entry in seen.moved[moved_before:]}
        for entry in waiting.values():
            if entry.token not in ended:
                await self._give_up_late(entry, seen)

    async def _give_up_late(self, entry: Entry, seen: Seen) -> None:
        age = self._clock.time() - entry.updated_at
        if age > self._timeout:
            late = attrs.evolve(entry, error=f"the platform is still {entry.stage} it after {age:.0f} s; it goes on")
            await self._ledger.save(late)
            seen.late.append(late)

    def _moved(self, entry: Entry, outcome: Outcome[Any]) -> Entry | None:
        """The entry after what was seen; None if it stays as it is."""
        now, error = self._clock.time(), outcome.error
        if isinstance(error, AuthenticationError | RateLimitError):
            raise error
        if isinstance(error, ProcessingFailedError):
            return attrs.evolve(entry, state="failed", error=told(error), updated_at=now)
        if isinstance(error, NotFoundError) and now - entry.updated_at > UNKNOWN_FOR:  # somebody has deleted it
            return attrs.evolve(renewed(entry), updated_at=now)
        if error is not None:
            return None
        if entry.stage == "processing":
            return attrs.evolve(entry, stage="indexing", updated_at=now)
        return attrs.evolve(entry, stage="ready", state="ready", error="", updated_at=now)


def interval(last: float, seen: Seen, entries: int) -> float:
    """Seconds until the next look: fewer while items end, more the more pages it costs."""
    adapted = FIRST_INTERVAL if seen.moved else min(LONGEST_INTERVAL, max(FIRST_INTERVAL, last) * GROWTH)
    return max(adapted, entries / PAGE * PAUSE_A_PAGE, seen.again)
