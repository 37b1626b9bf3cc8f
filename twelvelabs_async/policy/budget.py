"""What one category of calls may still send, and what follows from an answer: arithmetic on numbers passed in.

The platform counts several things at once (requests, seconds of media, tokens), each in windows of a minute, an hour or
a day, by *category*: endpoints share them, and so do all keys of an organisation. How large they are, how much is left
and when they are full again is told by the headers of answers, and nowhere else that can be relied on. A `Budget` is
what is known of one category:

- A *window* holds the smallest remainder that was told in it. What may go is that less what calls on the way cost: the
  call that was answered is inside the told number, the others may be missing from it. So a burst is exact.
- A call that was sent and got no answer has cost what it had reserved; one that was not sent has cost nothing.
- A window is known by its reset. Resets are whole seconds by the server's clock, and the `Date` of the same answer says
  how far that clock is from ours. When the moment has passed, one call is sent to be told the new numbers: others may
  have drawn on them, and of a window by the day nothing is told while that by the minute is tighter.
- Windows of one dimension are told apart by their limits. A limit that changes while the reset stays has been changed;
  a window that is over, and not told with the others in an answer given later, does not exist any more.
- While there are no numbers, `Pace` says how much is dared.
- A 429 closes the category for everybody in it, not only for the call that got it.
- A cost above a whole limit waits for a full window, and is sent then: the server decides.

The state is plain: `to_state` gives JSON, and the same calls with the same numbers give the same state anywhere.
`now` is in seconds on one clock for all who share the state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Self

import attrs

from twelvelabs_async.policy.headers import LONGEST_WAIT, Advice, Quota, sane
from twelvelabs_async.policy.pace import NEWS, Pace, Wait

Costs = Mapping[str, float]
"""What a call draws on each dimension, in the units of the server's headers."""

REQUEST: Final = "request"
ONE: Final[Costs] = {REQUEST: 1.0}
"""The cost of most calls."""

SAME_WINDOW: Final = 0.5
"""Seconds by which two resets may differ and still name one window."""


@attrs.define(kw_only=True)
class Window:
    """One limit of one dimension, as far as it was told."""

    dimension: str
    """What is counted."""
    limit: float | None = None
    """How much of it, in all."""
    seen: float | None = None
    """The smallest remainder told in this window, less what was lost since; None once it is over."""
    reset: float | None = None
    """When it ends by the server's clock: its name."""
    ends: float | None = None
    """The same moment on ours; None if that is not known, or cannot be meant."""

    def lacks(self, cost: float, flying: float, now: float) -> Wait | None:
        """Why a call that costs so much may not go, with so much on the way; None if it may."""
        need = cost if self.limit is None else min(cost, self.limit)
        if self.seen is None:
            return None if self.limit is None or not flying or flying + need <= self.limit else NEWS
        if self.seen - flying >= need:
            return None
        if self.seen < need and self.ends is not None:
            return Wait(self.ends - now, certain=True, dimension=self.dimension, limit=self.limit)
        return NEWS if flying else None

    def hear(self, quota: Quota, left: float, ahead: float | None, now: float) -> None:
        """Take over numbers from the answer to a call that had left at `left`; `ahead` is seconds to the reset."""
        if self._names(quota) and self.ends is not None and self.reset is not None and quota.reset is not None:
            over = self.seen is None and left >= self.ends
            if quota.reset < self.reset - SAME_WINDOW and not over:
                return  # overtaken on the way by an answer from the next window
            if quota.reset <= self.reset + SAME_WINDOW and not over:
                self._hear_again(quota, ahead, now)
                return
        self.limit = self.limit if quota.limit is None else quota.limit
        self.seen = quota.remaining
        self.reset = quota.reset
        self.ends = None if ahead is None else now + ahead

    def _names(self, quota: Quota) -> bool:
        return quota.limit is None or quota.limit == self.limit

    def _hear_again(self, quota: Quota, ahead: float | None, now: float) -> None:
        if self.seen is None or quota.remaining is None:
            return  # a late answer from a window that is over
        self.seen = min(self.seen, quota.remaining)
        if ahead is not None and self.ends is not None:
            self.ends = min(self.ends, now + ahead)  # both are too late by what the answer took, and a part of a second


@attrs.define(kw_only=True)
class Flight:
    """A call on its way."""

    left: float
    """When it left."""
    costs: Costs
    """What it reserved."""
    expires: float | None = None
    """When whoever sent it is taken to be dead; None is never."""


@attrs.define(kw_only=True)
class Budget:
    """What is known of one category."""

    windows: list[Window] = attrs.field(factory=list[Window])
    """What was told, in the order in which it was first."""
    pace: Pace = attrs.field(factory=Pace)
    """What is dared while nothing is told."""
    closed_until: float = 0.0
    """Nothing goes out before."""
    closed_by: str = REQUEST
    """What closed it last."""
    flights: dict[int, Flight] = attrs.field(factory=dict[int, Flight])
    """Calls on the way, by their tickets, oldest first."""
    flying: dict[str, float] = attrs.field(factory=dict[str, float])
    """What they cost together."""
    issued: int = 0
    """The last ticket."""

    def reserve(self, costs: Costs, now: float, lease: float | None = None) -> int | Wait:
        """Take what a call costs from all dimensions, or from none.

        Args:
            costs: What it costs; `request` is always among it.
            now: Seconds.
            lease: Seconds after which the call is taken to be lost if nothing was heard of it; None waits for ever.
                It is the same for all who share a budget.

        Returns:
            The ticket, to be given to `settle` or `release`; or why the call has to wait.
        """
        if lease is not None:
            self._expire(now)
        wait = self._closed(now) or self._short(costs, now)
        if wait is not None:
            return wait
        self.pace.leave(now)
        self.issued += 1
        self.flights[self.issued] = Flight(left=now, costs=costs, expires=None if lease is None else now + lease)
        for dimension, cost in costs.items():
            self.flying[dimension] = self.flying.get(dimension, 0.0) + cost
        return self.issued

    def settle(self, ticket: int, advice: Advice, now: float, *, refused: bool = False, jitter: float = 0.0) -> None:
        """A call was answered.

        Args:
            ticket: Which one.
            advice: What the answer says of time and limits.
            now: Seconds.
            refused: Whether it was a 429.
            jitter: 0 to 1, so that many clients that are refused together do not come back together.
        """
        flight = self._land(ticket)
        left = now if flight is None else flight.left
        if advice.quotas:
            self._hear_all(advice, left, now, refused=refused)
        if refused:
            self._refuse(advice, left, now, jitter)
        else:
            self.pace.accept(left, now)

    def release(self, ticket: int, *, sent: bool) -> None:
        """A call ended without an answer. If it was sent, the server may have counted it."""
        flight = self._land(ticket)
        if flight is None or not sent:
            return
        for window in self.windows:
            if window.seen is not None:
                window.seen = max(0.0, window.seen - flight.costs.get(window.dimension, 0.0))

    def to_state(self) -> dict[str, Any]:
        """All of it as JSON types, but that the keys of `flights` are whole numbers."""
        return attrs.asdict(self)

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """What `to_state` gave, whatever JSON has made of the keys."""
        flights = {int(ticket): Flight(**flight) for ticket, flight in state["flights"].items()}
        windows = [Window(**window) for window in state["windows"]]
        plain = {name: state[name] for name in ("closed_until", "closed_by", "flying", "issued")}
        return cls(windows=windows, pace=Pace(**state["pace"]), flights=flights, **plain)

    def _closed(self, now: float) -> Wait | None:
        if now >= self.closed_until:
            return None
        limit = next((w.limit for w in self.windows if w.dimension == self.closed_by), None)
        return Wait(self.closed_until - now, certain=True, dimension=self.closed_by, limit=limit)

    def _short(self, costs: Costs, now: float) -> Wait | None:
        """The longest of all waits, certain ones first; `Pace` is asked if a number is missing."""
        worst: Wait | None = None
        counted, untold = False, False
        for window in self.windows:
            self._pass(window, now)
            cost = costs.get(window.dimension)
            if cost:
                wait = window.lacks(cost, self._flying(window), now)
                worst = wait if worst is None or _longer(wait, worst) else worst
                counted = counted or window.dimension == REQUEST
                untold = untold or window.seen is None
        if worst is None and (untold or not counted):
            return self.pace.delay(now)
        return worst

    def _flying(self, window: Window) -> float:
        """What calls on the way cost a window: all, while it may be counting them; of one that is over, the later."""
        dimension, ends = window.dimension, window.ends
        if window.seen is not None or ends is None:
            return self.flying.get(dimension, 0.0)
        return sum(f.costs.get(dimension, 0.0) for f in self.flights.values() if f.left >= ends)

    def _pass(self, window: Window, now: float) -> None:
        if window.seen is not None and window.ends is not None and now >= window.ends:
            window.seen = None
            self.pace.start_again(now)

    def _land(self, ticket: int) -> Flight | None:
        flight = self.flights.pop(ticket, None)
        if flight is not None:
            self.pace.land(flight.left)
            for dimension, cost in flight.costs.items():
                self.flying[dimension] = self.flying[dimension] - cost if self.flights else 0.0
        return flight

    def _expire(self, now: float) -> None:
        while self.flights:
            ticket, oldest = next(iter(self.flights.items()))
            if oldest.expires is None or now < oldest.expires:
                return
            self.release(ticket, sent=True)

    def _hear_all(self, advice: Advice, left: float, now: float, *, refused: bool) -> None:
        heard = False
        for dimension, quota in advice.quotas.items():
            # Requests that are left did not refuse one: a server that names no dimension speaks of another.
            if quota.remaining is not None and not (refused and dimension == REQUEST and quota.remaining):
                self._hear(dimension, quota, advice, left, now)
                heard = True
        if heard:
            self.windows = [w for w in self.windows if w.seen is not None or w.ends is None or left < w.ends]

    def _hear(self, dimension: str, quota: Quota, advice: Advice, left: float, now: float) -> None:
        if quota.reset is not None and quota.reset - advice.server_time > LONGEST_WAIT:
            quota = attrs.evolve(quota, reset=None)  # in milliseconds, or worse
        ahead = None if quota.reset is None else sane(quota.reset - advice.server_time)
        self._window(dimension, quota).hear(quota, left, ahead, now)

    def _window(self, dimension: str, quota: Quota) -> Window:
        mine = [window for window in self.windows if window.dimension == dimension]
        for window in mine:
            if quota.limit is not None and window.limit == quota.limit:
                return window
        for window in mine:
            if quota.limit is None or window.limit is None or _near(window.reset, quota.reset):
                return window
        self.windows.append(Window(dimension=dimension))
        return self.windows[-1]

    def _refuse(self, advice: Advice, left: float, now: float, jitter: float) -> None:
        wait = advice.retry_after
        if wait is None or not advice.quotas:
            wait = self.pace.refuse(left, now, wait)
        if wait is None or now + wait <= self.closed_until:
            return  # met already
        self.closed_until = now + wait + jitter * (0.25 * wait + 0.5)
        self.closed_by = next((name for name, quota in advice.quotas.items() if quota.remaining == 0), REQUEST)


def _longer(one: Wait | None, other: Wait) -> bool:
    if one is None or one.certain != other.certain:
        return one is not None and one.certain
    return (one.seconds or 0.0) > (other.seconds or 0.0)


def _near(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and abs(one - other) <= SAME_WINDOW
