"""All that an ingestion has told so far, added up for those who watch. Pure: whoever tells says when."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping
from typing import Final

import attrs

from twelvelabs_async.cli.timeline import Stretch, Timeline
from twelvelabs_async.ingest import ItemProgress, Outcome, OutcomeStatus, Stage
from twelvelabs_async.ingest.eta import ENDS_WINDOW, SPEED_WINDOW, Rate, about, seconds_left

STAGES: Final[tuple[Stage, ...]] = ("uploading", "processing", "indexing", "queued")
"""In the order in which rows are worth looking at."""

KEPT_FAILURES: Final = 1000
"""Outcomes kept of those that failed; all are counted."""

ONE: Final[Mapping[OutcomeStatus, Stretch]] = {
    "ready": Stretch(ready=1),
    "failed": Stretch(failed=1),
    "skipped": Stretch(skipped=1),
}

REASONS: Final = 50
"""Different reasons that are counted by themselves."""


@attrs.frozen
class Total:
    """What there is to do, as far as it was counted."""

    items: int
    bytes: int


@attrs.frozen
class Wait:
    """Something waits for a limit."""

    category: str
    """The group of endpoints, such as `search`."""
    dimension: str
    """What is counted, such as `request`."""
    until: float
    """When it is expected to go on, on the clock of the tally."""

    def words(self, now: float) -> str:
        """For people: `search quota: next slot in 12 s`."""
        unit = "" if self.dimension in {"", "request"} else f" ({self.dimension})"
        return f"{self.category} quota{unit}: next slot in {about(self.until - now)}"


@attrs.define
class Waited:
    """How much was waited for one limit."""

    times: int = 0
    seconds: float = 0.0


class Tally:
    """Counts, speeds, and what is on its way."""

    def __init__(self, now: float) -> None:
        self.began = now
        self.total: Total | None = None
        self.counts: Counter[str] = Counter()
        self.already: int = 0
        self.duplicates: int = 0
        self.sent: int = 0
        self.failures: list[Outcome] = []
        self.reasons: Counter[str] = Counter()
        self.waited: dict[tuple[str, str], Waited] = {}
        self.timeline: Timeline = Timeline()
        self._moving: dict[str, ItemProgress] = {}
        self._waits: dict[tuple[str, str], Wait] = {}
        self._speed = Rate(SPEED_WINDOW, now)
        self._ends = Rate(ENDS_WINDOW, now)

    def progress(self, event: ItemProgress, now: float) -> None:
        """An item got on a bit."""
        before = self._moving.get(event.source)
        self._moving[event.source] = event
        more = event.sent - (before.sent if before else 0)
        if more > 0:  # it falls back when a part has to be sent again
            self.sent += more
            self._speed.add(more, now)
            self.timeline.add(now - self.began, Stretch(sent=more))

    def ended(self, outcome: Outcome, now: float) -> None:
        """An item ended."""
        self._moving.pop(outcome.source, None)
        self.counts[outcome.status] += 1
        self.already += outcome.already
        self.duplicates += outcome.duplicate_of is not None
        if not outcome.already:  # what was done before tells nothing about how fast it goes
            self._ends.add(1, now)
        if outcome.status != "ready":
            self._failed(outcome)
        self.timeline.add(now - self.began, ONE[outcome.status])

    def _failed(self, outcome: Outcome) -> None:
        if len(self.failures) < KEPT_FAILURES:
            self.failures.append(outcome)
        known = outcome.error in self.reasons or len(self.reasons) < REASONS
        self.reasons[outcome.error if known else "other reasons"] += 1

    def wait(self, category: str, dimension: str, seconds: float, now: float) -> None:
        """Something is going to wait for a limit; what others wait for at the same time is counted once."""
        key, until = (category, dimension), now + seconds
        before = self._waits.get(key)
        begin = max(now, before.until) if before is not None else now
        counted = self.waited.setdefault(key, Waited())
        counted.times += begin == now
        if until > begin:
            counted.seconds += until - begin
            self.timeline.wait(begin - self.began, until - self.began)
            self._waits[key] = Wait(category, dimension, until)

    @property
    def done(self) -> int:
        """Items that ended."""
        return self.counts.total()

    def moving(self, most: int) -> list[ItemProgress]:
        """Some of the items on their way, those that are being sent first."""
        return heapq.nsmallest(most, self._moving.values(), key=lambda event: STAGES.index(event.stage))

    def stages(self) -> Counter[Stage]:
        """How many items are in each stage."""
        return Counter(event.stage for event in self._moving.values())

    def waits(self, now: float) -> list[Wait]:
        """What is being waited for."""
        return [wait for wait in self._waits.values() if wait.until > now]

    def speed(self, now: float) -> float | None:
        """Bytes a second, lately."""
        return self._speed.per_second(now)

    def seconds_left(self, now: float) -> float | None:
        """Seconds to the end; None while nobody can tell."""
        if self.total is None:
            return None
        unsent = sum(max(0, event.total - event.sent) for event in self._moving.values() if event.stage == "uploading")
        items = max(0, self.total.items - self.done)
        return seconds_left(items=items, ends=self._ends.per_second(now), unsent=unsent, speed=self.speed(now))
