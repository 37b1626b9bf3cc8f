"""How much is dared where no numbers are told: arithmetic on numbers passed in.

Of a server that answers without headers one learns by its refusals alone, and those are to be few.

- Calls on the way are a *crowd* that starts with one and grows with each answer by a quarter of a call: whatever the
  limit is, it is overrun by a fifth at most. The crowd doubles when no answer came for `PATIENCE`, for an upload may
  take minutes; and it halves once a minute, for what went through an hour ago says nothing of now.
- A 429 is a *wall*. How many went through before it is the *room* of a window, and how long until a call goes through
  again is its length: told by the server with the 429, else found out by pauses that double, and then by halving the
  stretch between the longest pause that was too short and the shortest that was long enough.
- From then on the category keeps to that window and meets no wall: one call feels whether it has turned, and if so the
  rest follow at once. The room is tried again the CUBIC way: back to the best known within a few windows, slow
  around it, then faster and faster, each try by one call alone.
"""

from __future__ import annotations

import math
from typing import Final

import attrs

PATIENCE: Final = 1.0
"""Seconds without an answer after which twice as many calls are dared."""

GROWTH: Final = 0.25
"""Calls that may be on the way beyond those before, after each answer."""

MEMORY: Final = 60.0
"""Seconds after which the crowd that was reached counts half."""

FIRST_PAUSE: Final = 1.0
"""Seconds a category rests after a 429 that names no time; doubles with each further one."""

LONGEST_PAUSE: Final = 60.0
"""Seconds of such a rest at most."""

SURE: Final = 1.25
"""How much longer than the longest pause that failed the shortest one that worked may be, to be left at that."""

CUBIC: Final = 0.4
"""How fast the room is tried again: calls for each window passed without a wall, to the power of three."""


@attrs.frozen
class Wait:
    """Why a call may not go yet."""

    seconds: float | None
    """When it is worth asking again; None is when an answer has come."""
    certain: bool = False
    """Whether it is known that no call can go before."""
    dimension: str = "request"
    """What is short."""
    limit: float | None = None
    """How much of it there is in all, if known."""


NEWS: Final = Wait(None)
"""Wait for an answer."""


@attrs.define(kw_only=True)
class Pace:
    """What a category has learnt by trying. `now` is seconds on any one clock that does not run backwards."""

    crowd: float = 1.0
    """How many may be on the way."""
    since: float | None = None
    """When the crowd last changed, or the first call left."""
    began: float = 0.0
    """When it last started from one."""
    out: int = 0
    """Calls on the way that have left since."""
    opened: float | None = None
    """When the first call of the present window left."""
    served: int = 0
    """How many were let through in it."""
    room: int | None = None
    """How many a window let through before the last wall; None if there never was one."""
    best: int = 0
    """How many it was thought to let through then, if that was more."""
    calm: int = 0
    """Windows since without a wall."""
    met: float | None = None
    """When the window ended, by a wall or by its length, until a call has gone through after it."""
    refusals: int = 0
    """Walls in a row."""
    short: float = 0.0
    """The longest a window was thought to be and was longer, in seconds."""
    long: float | None = None
    """The shortest that was long enough."""

    def delay(self, now: float) -> Wait | None:
        """Why no call may leave at this moment; None is go."""
        if self.room is None:
            self._forget(now)
        elif self.met is None and self.opened is not None:
            ends = self.opened + self.length()
            if now < ends:
                return self._kept(ends - now, self.room) or self._crowded(now)
            self.met, self.calm = now, self.calm + 1
            self.start_again(now)
        return self._crowded(now)

    def start_again(self, now: float) -> None:
        """A window has turned: one call feels the way, however many of the last one are on theirs."""
        self.crowd, self.since, self.began, self.out = 1.0, None, now, 0

    def leave(self, now: float) -> None:
        """A call goes out."""
        self.out += 1
        if self.opened is None:
            self.opened = now

    def land(self, left: float) -> None:
        """A call that had left at `left` is no longer on the way; `accept` or `refuse` may follow."""
        if left >= self.began and self.out:
            self.out -= 1

    def accept(self, left: float, now: float) -> None:
        """A call that had left at `left` was let through."""
        if self.met is not None and left < self.met:
            if self.refusals and self.room is not None:
                self.room += 1  # the wall came after it
            return
        if self.met is not None:
            self._turned(left)
        self.refusals = 0
        self.served += 1
        self.since = now
        self.crowd = self.crowd + GROWTH if self.room is None else max(self.crowd, self.room)

    def refuse(self, left: float, now: float, wait: float | None) -> float | None:
        """A call that had left at `left` was refused, with advice to wait so many seconds, or none.

        Returns:
            Seconds to rest; None if this is a wall already met, and nothing new was said of it.
        """
        if self.met is not None and left < self.met:
            return wait
        self.refusals += 1
        inside = self.met is None
        if inside and self.served:
            self.best, self.room, self.calm = max(self.served, self.room or 0), self.served, 0
        elif wait is None and self.opened is not None:
            self.short = max(self.short, left - self.opened)
            self.long = None if self.long is None or self.long <= self.short else self.long
        self.met = now
        self.start_again(now)
        return self._told(now, wait) if wait is not None else self._guessed(now, inside=inside)

    def length(self) -> float:
        """Seconds a window is taken to be long: known well enough, or halfway between too short and long enough."""
        if self.long is None:
            return LONGEST_PAUSE
        return self.long if self.long <= SURE * self.short or not self.short else (self.short + self.long) / 2

    def allowance(self) -> int:
        """How many may be tried in the present window: CUBIC, with what went through in place of its cut."""
        room = self.room or 0
        plateau = math.cbrt((self.best - room) / CUBIC)
        return max(room, math.floor(self.best + CUBIC * (self.calm - plateau) ** 3 + 1e-9))

    def _kept(self, left: float, room: int) -> Wait | None:
        gone = self.served + self.out
        if gone >= self.allowance():
            return Wait(left, self.served >= self.allowance(), "request", room)
        return NEWS if gone >= room and self.out else None

    def _forget(self, now: float) -> None:
        if self.opened is not None and now >= self.opened + MEMORY and self.met is None:
            self.crowd = max(1.0, self.crowd / 2)
            self.opened, self.served = now, 0

    def _crowded(self, now: float) -> Wait | None:
        if self.since is None or not self.out:
            self.since = now  # patience is for calls on the way, not for hours without any
        while self.out >= self.crowd and now >= self.since + PATIENCE:
            self.crowd *= 2
            self.since += PATIENCE
        return None if self.out < self.crowd else Wait(self.since + PATIENCE - now)

    def _turned(self, left: float) -> None:
        if self.opened is not None:
            took = left - self.opened
            self.long = took if self.long is None else min(self.long, took)
        self.opened, self.served, self.met = left, 0, None

    def _told(self, now: float, wait: float) -> float:
        if self.opened is not None:
            self.long = max(self.long or 0.0, now + wait - self.opened)
        return wait

    def _guessed(self, now: float, *, inside: bool) -> float:
        if inside and self.long is not None and self.opened is not None and self.opened + self.length() > now:
            return self.opened + self.length() - now
        return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (min(self.refusals, 16) - 1))
