"""What is known of the limit of one category of calls, and what follows from it: arithmetic on numbers passed in.

The platform counts requests by *category*: several endpoints draw on one budget, and all keys of an organisation draw
on it together. How large it is, how much is left and when it is full again is told by the headers of each answer, and
nowhere else that can be relied on. So each category has one `Window`:

- The server's remainder counts what it had seen when it answered. Calls still on the way may be missing from it, so
  they are taken off again; that difference is what makes a burst exact instead of partly refused.
- A window is known by its reset. Resets are whole seconds by the server's clock, and the `Date` header of the same
  answer says how far that clock is from ours. When the moment has passed the window is taken to be full again.
- While a server tells no numbers, the calls on the way are a *crowd* that starts with one and grows by a half with each
  answer: half as many again each round trip, so that the wall, when it is hit, is hit by few. It also doubles when no
  answer came for `PATIENCE`, for an upload may take minutes. A 429 begins it anew, and leaves behind how many had gone
  through: there is *room* for as many the next time, and beyond that the crowd feels its way from one again.
- A 429 closes the window for everybody in the category, not only for the call that got it.
"""

from __future__ import annotations

from typing import Final

import attrs

from twelvelabs_async.policy.headers import LONGEST_WAIT, Advice, Quota, sane

PATIENCE: Final = 1.0
"""Seconds without an answer after which an unmeasured category dares twice as many calls."""

GROWTH: Final = 0.5
"""Calls that may be on the way beyond those before, after each answer of an unmeasured category."""

SAME_WINDOW: Final = 0.5
"""Seconds by which two resets may differ and still name one window."""

FIRST_PAUSE: Final = 1.0
"""Seconds a category rests after a 429 that names no time; doubles with each further one."""

LONGEST_PAUSE: Final = 60.0
"""Seconds of such a rest at most."""


@attrs.define(kw_only=True)
class Window:
    """What is known of one category. `now` is always monotonic seconds; nothing here waits or reads a clock."""

    limit: int | None = None
    """Size, once told."""
    seen: int | None = None
    """The smallest remainder told in this window; None while there are no numbers."""
    reset: float | None = None
    """When the window ends on the server's clock: its name."""
    refills_at: float | None = None
    """The same moment on ours."""
    closed_until: float = 0.0
    """Nothing goes out before."""
    dimension: str = "request"
    """What closed it last."""
    in_flight: int = 0
    """Calls that have left and are not answered."""
    crowd: float = 1.0
    """How many may be on the way while there are no numbers."""
    crowd_since: float | None = None
    """When the crowd last changed, or the first call left."""
    room: int | None = None
    """How many were let through before the category had to be closed; None if it never was."""
    served: int = 0
    """How many were let through since it was last closed."""
    refusals: int = 0
    """Times in a row that the category had to be closed."""

    def blocked(self, now: float) -> float:
        """Seconds that are known to pass before any further call may leave; 0 if nothing forbids one."""
        if self.refills_at is not None and now >= self.refills_at:
            self.seen = self.limit
        empty = self.refills_at - now if self.seen == 0 and self.refills_at is not None else 0.0
        return max(0.0, self.closed_until - now, empty)

    def delay(self, now: float) -> float | None:
        """Seconds until it is worth asking again: 0 is go, None is when a call on the way has been answered."""
        blocked = self.blocked(now)
        if blocked:
            return blocked
        if self.seen is None:
            return self._crowded(now)
        return 0.0 if self.in_flight < max(1, self.seen) else None

    def _crowded(self, now: float) -> float:
        if self.crowd_since is None or not self.in_flight:
            self.crowd_since = now  # patience is for calls on the way, not for hours without any
        if self.room is not None and self.served < self.room <= self.served + self.in_flight:
            left = self.crowd_since + LONGEST_PAUSE - now
            if left > 0:
                return left
            self.room = None  # the window it was learnt in is long over
        while self.in_flight >= self.crowd and now >= self.crowd_since + PATIENCE:
            self.crowd *= 2
            self.crowd_since += PATIENCE
        return 0.0 if self.in_flight < self.crowd else self.crowd_since + PATIENCE - now

    def leave(self) -> None:
        """A call goes out."""
        self.in_flight += 1

    def back(self) -> None:
        """A call was answered, failed or was cancelled."""
        self.in_flight -= 1

    def learn(self, advice: Advice, now: float) -> None:
        """Take over the numbers of an answer. Call after `back`: the answered call is in them."""
        for dimension, quota in advice.quotas.items():
            if dimension == "request":
                self._count(quota, advice, now)
            elif quota.remaining == 0 and quota.reset is not None:
                self._close(now + (sane(quota.reset - advice.server_time) or 0.0), dimension)

    def _count(self, quota: Quota, advice: Advice, now: float) -> None:
        if quota.remaining is None:
            return
        reset = quota.reset
        if reset is not None and reset - advice.server_time > LONGEST_WAIT:
            reset = None  # in milliseconds, or worse
        moved = 0.0 if reset is None or self.reset is None else reset - self.reset
        if moved < -SAME_WINDOW:
            return  # overtaken on the way by an answer from the next window
        known = self.seen is not None and self.reset is not None and moved <= SAME_WINDOW
        self.seen = min(self.seen, quota.remaining) if known and self.seen is not None else quota.remaining
        self.limit = quota.limit if quota.limit is not None else self.limit
        if reset is not None and not known:
            ahead = sane(reset - advice.server_time)
            self.reset = reset
            self.refills_at = None if ahead is None else now + ahead  # a reset in the past promises nothing

    def accept(self, now: float) -> None:
        """The server let a call through."""
        self.refusals = 0
        if now < self.closed_until and self.room is not None:
            self.room += 1  # it left before the category was closed
        else:
            self.served += 1
        self.crowd = 1.0 if self.served == self.room else self.crowd + GROWTH
        self.crowd_since = now

    def refuse(self, wait: float | None, now: float, *, jitter: float) -> float:
        """A 429 came: close the category for everybody.

        Args:
            wait: Seconds the server named, or None.
            now: Monotonic seconds.
            jitter: 0 to 1, so that many clients do not come back at once.

        Returns:
            Seconds the category is closed for.
        """
        if now >= self.closed_until:  # else it left before we knew, with the one that told us
            self.refusals += 1
            self.room, self.served = self.served or self.room, 0
        if wait is None:
            wait = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (min(self.refusals, 16) - 1))
        self.crowd = 1.0
        self.crowd_since = None
        pause = wait + jitter * (0.25 * wait + 0.5)
        self._close(now + pause, "request")
        return pause

    def _close(self, until: float, dimension: str) -> None:
        if until > self.closed_until:
            self.closed_until, self.dimension = until, dimension
