"""The rate-limit state of one category: what may be sent, and what each response changes. Arithmetic only, no I/O.

The platform counts several dimensions (requests, minutes of media, tokens), each in windows of a minute, an hour
or a day, and counts by *category*: endpoints share a category, and so do all keys of an organization. Only the response
headers say how large the windows are, how much is left and when they end. A `CategoryState` follows these rules:

- A *window* keeps the smallest remainder that a response reported in it. A request may be sent if that remainder, less
  the costs of all requests in flight, covers its cost: the server has counted the request that it answered, and may or
  may not have counted the others. A burst therefore never exceeds the limit.
- A request that was sent and got no response has used its costs; a request that was not sent has used nothing.
- The reset time identifies a window. It is in whole seconds by the server's clock; the `Date` header of the same
  response gives the offset to the local clock. After the reset one request is sent first, to get the new numbers: other
  processes may have used the window, and a daily window is not reported while the minute window is the more constrained
  one.
- Windows of one dimension differ by their limit. A different limit with the same reset is a changed limit. A window
  that has ended, and that a later response does not report, is dropped.
- Without rate-limit headers, `AdaptiveLimiter` decides from the 429 responses alone.
- A 429 blocks the whole category, not only the request that got it.
- A cost above the limit of a window waits for a full window and is then sent; the server decides.

The state is deterministic: the same calls with the same arguments give the same state. `now` is in seconds on one clock
for all processes that share the state.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, Self

import attrs

from twelvelabs_async._rate_limit.headers import MAX_ADVISED_WAIT
from twelvelabs_async.rate_limits import Costs, RateLimitInfo, RequiredWait, WindowInfo

INITIAL_ROUND: Final = 16
"""Requests of the first round, while nothing is known."""

BATCH_DIVISOR: Final = 32
"""What remains, divided by this, is the most that is sent before further responses are read."""

BATCH_ROUND: Final = 128
"""A round of at least this size is sent together; a smaller one call by call, so that an early 429 stops the rest."""

ROUND_SECONDS: Final = 0.1
"""Seconds after which a round ends although some of its requests have no response."""

DOUBLE_AFTER: Final = 1.0
"""Seconds after which the concurrency of a test for a new window doubles."""

HALVE_AFTER: Final = 60.0
"""Seconds after which the size of a round halves."""

INITIAL_BACKOFF: Final = 1.0
"""Seconds that a category pauses after a 429 without Retry-After; doubles with each consecutive 429."""

MAX_BACKOFF: Final = 60.0
"""Longest such pause, in seconds."""

MAX_JITTER_SHARE: Final = 0.25
"""Largest part of a pause that is added to it, so that clients that got a 429 together do not return together."""

MAX_JITTER: Final = 5.0
"""Most seconds that are added to a pause."""

WINDOW_PRECISION: Final = 1.25
"""Ratio of the upper to the lower bound of the window length at which bisection stops."""

CUBIC_FACTOR: Final = 0.4
"""The factor C of TCP CUBIC: n windows after its plateau, the allowance has grown by C * n**3 requests."""

WAIT_FOR_RESPONSE: Final = RequiredWait(None)
"""Wait until the next response."""


@attrs.define(kw_only=True, eq=False, repr=False)
class AdaptiveLimiter:
    """Limits a category without rate-limit headers.

    Such a server can only be measured by its 429 responses. There should be few of them, but a server without any limit
    must not be slowed down.

    - Before the first 429, requests are sent in *rounds*. A round ends when all its requests have been accepted, or
      after `ROUND_SECONDS`: an upload may take minutes, and a caller may give up before the response. If it was used
      up, the next round is twice as large. The size halves once a minute, because what the server accepted an hour ago
      says nothing about now. Requests that are known to cost more than a request, such as minutes of media, start
      alone: one of them may use up the limit.
    - A 429 closes a *window*. The number of requests accepted in it is its capacity. The time until a request is
      accepted again is its length: the server reports it with the 429, or it is measured by pauses that double, and
      then by bisection between the longest pause that was too short and the shortest that was long enough.
    - From then on the limiter keeps to that window and gets no more 429s: one request tests whether a new window has
      begun, and if so the rest follow. The *concurrency* of this test doubles each `DOUBLE_AFTER` seconds without a
      response. The capacity is probed as in TCP CUBIC: back to the best known value within a few windows, slowly around
      it, then faster and faster, each time by a single request.

    `in_flight` is the number of requests in flight of the whole category.
    """

    round_size: int = INITIAL_ROUND
    """Requests that may be sent in a round."""
    round_started_at: float | None = None
    """When the first request of the round was sent; None before."""
    round_sent: int = 0
    """Requests sent in the round, without those that ended without a response."""
    round_accepted: int = 0
    """Requests of the round that were accepted."""
    concurrency: float | None = None
    """Requests in flight that may test whether a new window has begun; None while no window is tested or known."""
    concurrency_changed_at: float | None = None
    """When the concurrency last changed, or the first request of the test was sent."""
    test_started_at: float = 0.0
    """When the last test began."""
    earlier_in_flight: int = 0
    """Requests in flight that were sent before the test began."""
    window_opened_at: float | None = None
    """When the first request of the current window was sent."""
    window_accepted: int = 0
    """Requests accepted in the current window."""
    window_capacity: int | None = None
    """Requests accepted in the window before the last 429; None before the first 429."""
    previous_capacity: int = 0
    """The estimate before that 429, if it was higher."""
    windows_since_429: int = 0
    """Windows that ended without a 429 since."""
    window_closed_at: float | None = None
    """When the window was closed by a 429 or by its length; None once a later request has been accepted."""
    consecutive_429s: int = 0
    """429 responses since the last accepted request."""
    window_lower_bound: float = 0.0
    """Longest pause in seconds that was too short."""
    window_upper_bound: float | None = None
    """Shortest pause in seconds that was long enough."""

    def required_wait(self, now: float, in_flight: int, *, costs_more: bool = False) -> RequiredWait | None:
        """Return why no request may be sent now; None if one may. `costs_more` says that it costs media or tokens."""
        if self.window_capacity is not None and self.window_closed_at is None and self.window_opened_at is not None:
            ends_at = self.window_opened_at + self.window_length()
            if now < ends_at:
                return self._window_wait(ends_at - now, in_flight) or self._test_wait(now, in_flight)
            self.window_closed_at = now
            self.windows_since_429 += 1
            self.start_test(now, in_flight)
        if self.concurrency is not None:
            return self._test_wait(now, in_flight)
        if self.window_opened_at is not None and now >= self.window_opened_at + HALVE_AFTER:
            self._shrink_rounds(now, self.window_opened_at)
        return self._round_wait(now, self.round_size // INITIAL_ROUND if costs_more else self.round_size)

    def batch_size(self) -> int:
        """Return how many requests may be sent before further responses are read; see `CategoryState.batch_size`."""
        return self.round_size if self.concurrency is None and self.round_size >= BATCH_ROUND else 1

    def start_test(self, now: float, in_flight: int) -> None:
        """Continue with one request: a new window may have begun. Earlier requests in flight do not count."""
        self.concurrency = 1.0
        self.concurrency_changed_at = None
        self.test_started_at = now
        self.earlier_in_flight = in_flight
        self.round_size = INITIAL_ROUND
        self._end_round()

    def on_send(self, now: float) -> None:
        """Count a request that is sent."""
        if self.window_opened_at is None:
            self.window_opened_at = now
        if self.round_started_at is None:
            self.round_started_at = now
        self.round_sent += 1
        if self.concurrency_changed_at is None:
            self.concurrency_changed_at = now

    def on_complete(self, sent_at: float, in_flight: int) -> None:
        """Count a request, sent at `sent_at`, that is no longer in flight, while `earlier_in_flight` is not 0.

        Called before the other methods.
        """
        if sent_at < self.test_started_at:
            self.earlier_in_flight -= 1
        self.earlier_in_flight = min(self.earlier_in_flight, in_flight)

    def on_released(self, sent_at: float) -> None:
        """Let another request take the place of one that ended without a response. The round does not last longer."""
        if self.round_accepted < self.round_sent and sent_at >= (self.round_started_at or 0.0):
            self.round_sent -= 1

    def on_accepted(self, sent_at: float, now: float) -> None:
        """Learn from a request, sent at `sent_at`, that the server accepted."""
        if self.round_accepted < self.round_sent and sent_at >= (self.round_started_at or 0.0):
            self.round_accepted += 1
        if self.window_closed_at is not None and sent_at < self.window_closed_at:
            if self.consecutive_429s:
                self.window_capacity = (self.window_capacity or 0) + 1  # accepted before the server sent the 429
            return
        if self.window_closed_at is not None:
            self._open_window(sent_at)
        self.consecutive_429s = 0
        self.window_accepted += 1
        if self.concurrency is None or sent_at < self.test_started_at:
            return
        self.concurrency_changed_at = now
        self.concurrency = None if self.window_capacity is None else max(self.concurrency, self.window_capacity)

    def on_rate_limited(self, sent_at: float, now: float, retry_after: float | None, in_flight: int) -> float | None:
        """Learn from a 429 to a request sent at `sent_at`; `retry_after` is in seconds, None if the response has none.

        Returns:
            Seconds to pause; None if an earlier 429 closed this window and this one says nothing new.
        """
        if self.window_closed_at is not None and sent_at < self.window_closed_at:
            return retry_after
        self.consecutive_429s += 1
        in_window = self.window_closed_at is None
        if in_window and self.window_accepted:
            self.previous_capacity = max(self.window_accepted, self.window_capacity or 0)
            self.window_capacity = self.window_accepted
            self.windows_since_429 = 0
        elif retry_after is None and self.window_opened_at is not None:
            self.window_lower_bound = max(self.window_lower_bound, sent_at - self.window_opened_at)
            if self.window_upper_bound is not None and self.window_upper_bound <= self.window_lower_bound:
                self.window_upper_bound = None
        self.window_closed_at = now
        self.start_test(now, in_flight)
        if retry_after is None:
            return self._estimate_wait(now, in_window=in_window)
        if self.window_opened_at is not None:
            self.window_upper_bound = max(self.window_upper_bound or 0.0, now + retry_after - self.window_opened_at)
        return retry_after

    def window_length(self) -> float:
        """Return the assumed length in seconds: the upper bound, or the middle between both while they are apart."""
        lower, upper = self.window_lower_bound, self.window_upper_bound
        if upper is None:
            return MAX_BACKOFF
        return upper if not lower or upper <= WINDOW_PRECISION * lower else (lower + upper) / 2

    def window_allowance(self) -> int:
        """Return how many requests to try in this window.

        The number grows from what was accepted before the last 429 along the curve of TCP CUBIC.
        """
        capacity = self.window_capacity or 0
        plateau = math.cbrt((self.previous_capacity - capacity) / CUBIC_FACTOR)
        growth = CUBIC_FACTOR * (self.windows_since_429 - plateau) ** 3
        return max(capacity, math.floor(self.previous_capacity + growth + 1e-9))

    def _window_wait(self, seconds_left: float, in_flight: int) -> RequiredWait | None:
        in_window = in_flight - self.earlier_in_flight
        used, capacity, allowance = self.window_accepted + in_window, self.window_capacity or 0, self.window_allowance()
        if used >= allowance:
            return RequiredWait(seconds_left, self.window_accepted >= allowance, "request", capacity)
        return WAIT_FOR_RESPONSE if used >= capacity and in_window else None

    def _round_wait(self, now: float, size: int) -> RequiredWait | None:
        if self.round_started_at is None:
            return None
        ends_at = self.round_started_at + ROUND_SECONDS
        is_used_up = self.round_sent >= size
        if is_used_up and self.round_accepted < self.round_sent and now < ends_at:
            return RequiredWait(ends_at - now)
        if is_used_up:
            self.round_size *= 2
        if is_used_up or now >= ends_at:
            self._end_round()
        return None

    def _shrink_rounds(self, now: float, opened_at: float) -> None:
        self.round_size = max(INITIAL_ROUND, self.round_size >> int((now - opened_at) / HALVE_AFTER))
        self.window_opened_at, self.window_accepted = now, 0

    def _end_round(self) -> None:
        self.round_started_at, self.round_sent, self.round_accepted = None, 0, 0

    def _test_wait(self, now: float, in_flight: int) -> RequiredWait | None:
        if self.concurrency is None or in_flight - self.earlier_in_flight < self.concurrency:
            return None
        changed_at = now if self.concurrency_changed_at is None else self.concurrency_changed_at
        if now >= changed_at + DOUBLE_AFTER:
            self.concurrency *= 2
            self.concurrency_changed_at = now
            return None
        return RequiredWait(changed_at + DOUBLE_AFTER - now)

    def _open_window(self, sent_at: float) -> None:
        if self.window_opened_at is not None:
            elapsed = sent_at - self.window_opened_at
            upper = self.window_upper_bound
            self.window_upper_bound = elapsed if upper is None else min(upper, elapsed)
        self.window_opened_at, self.window_accepted, self.window_closed_at = sent_at, 0, None

    def _estimate_wait(self, now: float, *, in_window: bool) -> float:
        if in_window and self.window_upper_bound is not None and self.window_opened_at is not None:
            seconds_left = self.window_opened_at + self.window_length() - now
            if seconds_left > 0:
                return seconds_left
        return min(MAX_BACKOFF, INITIAL_BACKOFF * 2.0 ** (min(self.consecutive_429s, 16) - 1))


REQUEST_DIMENSION: Final = "request"
SINGLE_REQUEST: Final[Costs] = {REQUEST_DIMENSION: 1.0}
"""The costs of most requests."""

SAME_WINDOW_TOLERANCE: Final = 0.5
"""Seconds by which two reset times may differ and still identify one window."""

WindowKey = tuple[str, float | None]
"""Dimension and limit of a window."""


@attrs.define(kw_only=True, eq=False, repr=False)
class Window:
    """One limit of one dimension, as far as responses reported it."""

    dimension: str
    """Unit of the limit."""
    limit: float | None = None
    """Size of the window; None if unknown."""
    remaining: float | None = None
    """Smallest reported remainder, less the costs of requests without a response; None after the window has ended."""
    reset: float | None = None
    """When the window ends, by the server's clock."""
    resets_at_local: float | None = None
    """When the window ends, on the clock of `now`; None if the reset is unknown or implausible."""
    last_id_before_end: int = 0
    """Last reservation before the window ended."""
    reserved_since_end: float = 0.0
    """Costs of later reservations that are still in flight: they belong to the next window."""

    def required_wait(self, cost: float, reserved: float, now: float) -> RequiredWait | None:
        """Return why a request with this cost must wait while `reserved` is in flight; None if it may be sent."""
        need = cost if self.limit is None else min(cost, self.limit)
        if self.remaining is None:
            fits = self.limit is None or not reserved or reserved + need <= self.limit
            return None if fits else RequiredWait(None, False, self.dimension, self.limit)
        if self.remaining - reserved >= need:
            return None
        if self.remaining < need and self.resets_at_local is not None:
            seconds = self.resets_at_local - now
            return RequiredWait(seconds, True, self.dimension, self.limit, resets_in=seconds, resets_at=self.reset)
        return RequiredWait(None, False, self.dimension, self.limit) if reserved else None

    def update(self, info: WindowInfo, sent_at: float, resets_in: float | None, now: float) -> None:
        """Update from the response to a request sent at `sent_at`; `resets_in` is in seconds, None if unknown."""
        same_limit = info.limit is None or info.limit == self.limit
        if same_limit and self.resets_at_local is not None and self.reset is not None and info.reset is not None:
            has_ended = self.remaining is None and sent_at >= self.resets_at_local
            if not has_ended and info.reset <= self.reset + SAME_WINDOW_TOLERANCE:
                is_earlier_window = info.reset < self.reset - SAME_WINDOW_TOLERANCE
                if not is_earlier_window and self.remaining is not None and info.remaining is not None:
                    self.remaining = min(self.remaining, info.remaining)
                    if resets_in is not None:
                        # Both values are late by the latency of their response and by the fraction of a second
                        # missing in `Date`, so the smaller one is the more exact one.
                        self.resets_at_local = min(self.resets_at_local, now + resets_in)
                return
        self.limit = self.limit if info.limit is None else info.limit
        self.remaining = info.remaining
        self.reset = info.reset
        self.resets_at_local = None if resets_in is None else now + resets_in


@attrs.define(kw_only=True, eq=False, repr=False)
class InFlightRequest:
    """A request that has been sent, or is about to be, and has no response yet."""

    sent_at: float
    """When it was reserved."""
    costs: Costs
    """Its reservation."""
    expires_at: float | None = None
    """When its process is considered dead; None means never."""


@attrs.define(kw_only=True, eq=False, repr=False)
class CategoryState:
    """The rate-limit state of one category.

    A shared store keeps `in_flight` apart from the rest and loads only what an operation needs: the request that
    ends, or all of them once `has_expired` is true. Everything else is of constant size.
    """

    windows: dict[WindowKey, Window] = attrs.field(factory=dict[WindowKey, Window])
    """Reported windows, in the order of their first report."""
    adaptive: AdaptiveLimiter = attrs.field(factory=AdaptiveLimiter)
    """Limiter for requests without known windows."""
    blocked_until: float = 0.0
    """No request is sent before this time: the end of the pause after a 429, plus jitter."""
    blocked_by: str = REQUEST_DIMENSION
    """Dimension of the last 429."""
    blocked_limit: float | None = None
    """Limit that the last 429 named; None if it named none."""
    pause_ends_at: float = 0.0
    """End of the pause after the last 429."""
    reported_reset: float | None = None
    """The same by the server's clock, as the 429 reported it; None if the pause is an estimate."""
    reserved: dict[str, float] = attrs.field(factory=dict[str, float])
    """Costs of all requests in flight, by dimension."""
    in_flight_count: int = 0
    """Number of requests in flight."""
    last_reservation_id: int = 0
    """Id of the last reservation."""
    next_expiry: float | None = None
    """No request in flight expires earlier; None if there is none that can expire."""
    in_flight: dict[int, InFlightRequest] = attrs.field(factory=dict[int, InFlightRequest])
    """Requests in flight by reservation id, oldest first."""

    def reserve(self, costs: Costs, now: float, lease: float | None = None) -> int | RequiredWait:
        """Reserve the costs of a request in every dimension, or in none.

        Args:
            costs: Costs by dimension; `request` is always one of them.
            now: Current time in seconds.
            lease: Seconds after which a request without a response counts as sent and lost. The same for all
                processes that share the state; None means never.

        Returns:
            The reservation id for `record_response` or `release`; or why the request has to wait.
        """
        if self.next_expiry is not None and now >= self.next_expiry:  # `has_expired`, without a call
            self._drop_expired(now)
        wait = self._required_wait(costs, now) if now >= self.blocked_until else self._blocked_wait(costs, now)
        if wait is not None:
            return wait
        self.adaptive.on_send(now)
        self.last_reservation_id += 1
        expires_at = None if lease is None else now + lease
        self.in_flight[self.last_reservation_id] = InFlightRequest(sent_at=now, costs=costs, expires_at=expires_at)
        self.in_flight_count += 1
        if self.next_expiry is None:
            self.next_expiry = expires_at
        for dimension, cost in costs.items():
            self.reserved[dimension] = self.reserved.get(dimension, 0.0) + cost
        for window in self.windows.values():
            if window.remaining is None:
                window.reserved_since_end += costs.get(window.dimension, 0.0)
        return self.last_reservation_id

    def record_response(
        self, reservation_id: int, info: RateLimitInfo, now: float, *, rate_limited: bool = False, jitter: float = 0.0
    ) -> None:
        """End a reservation whose request got a response, and learn from the response.

        Args:
            reservation_id: The id of the reservation. The response to an unknown one still counts.
            info: Rate-limit information of the response.
            now: Current time in seconds.
            rate_limited: Whether the status was 429.
            jitter: Number from 0 to 1, so that clients that got a 429 together do not all retry at the same time.
        """
        request = self._complete(reservation_id)
        sent_at = now if request is None else request.sent_at
        if info.windows:
            self.update_windows(info, sent_at, now, rate_limited=rate_limited)
        if rate_limited:
            self._on_rate_limited(info, sent_at, now, jitter)
        else:
            self.adaptive.on_accepted(sent_at, now)

    def release(self, reservation_id: int, *, sent: bool) -> None:
        """End a reservation without a response. If the request was sent, the server may have counted it."""
        request = self._complete(reservation_id)
        if request is None:
            return
        self.adaptive.on_released(request.sent_at)
        if not sent:
            return
        for window in self.windows.values():
            if window.remaining is not None:
                window.remaining = max(0.0, window.remaining - request.costs.get(window.dimension, 0.0))

    def update_windows(self, info: RateLimitInfo, sent_at: float, now: float, *, rate_limited: bool) -> None:
        """Learn from the windows that the response to a request sent at `sent_at` reports."""
        is_updated = False
        for dimension, reported in info.windows.items():
            # Remaining requests cannot be the reason for a 429: headers without a dimension mean another window.
            if reported.remaining is None or (rate_limited and dimension == REQUEST_DIMENSION and reported.remaining):
                continue
            is_updated = True
            resets_in = None if reported.reset is None else reported.reset - info.server_time
            if resets_in is not None and not 0 < resets_in <= MAX_ADVISED_WAIT:
                if resets_in > 0:
                    reported = attrs.evolve(reported, reset=None)  # noqa: PLW2901  # in milliseconds, or worse
                resets_in = None
            window = None if reported.limit is None else self.windows.get((dimension, reported.limit))
            if window is None:
                window = self._add_window(dimension, reported)
            window.update(reported, sent_at, resets_in, now)
        if is_updated and len(self.windows) > 1:
            for key in [key for key, window in self.windows.items() if _is_obsolete(window, sent_at)]:
                del self.windows[key]

    def batch_size(self) -> int:
        """Return how many requests may be sent before further responses are read: a share of what remains, at least 1.

        Other processes use the same limits, and a limit without headers is known by its 429 responses only. Without
        this, all waiting requests would be refused together.
        """
        if not self.windows:
            return self.adaptive.batch_size()
        remaining = [
            0.0 if window.remaining is None else window.remaining - self.reserved.get(window.dimension, 0.0)
            for window in self.windows.values()
        ]
        return max(1, int(min(remaining)) // BATCH_DIVISOR)

    def has_expired(self, now: float) -> bool:
        """Return whether the lease of a request in flight may have expired."""
        return self.next_expiry is not None and now >= self.next_expiry

    def to_state(self) -> dict[str, Any]:
        """Return everything but `in_flight` as JSON types."""
        state = {name: getattr(self, name) for name in _PLAIN_FIELDS}
        state["reserved"] = dict(self.reserved)
        state["windows"] = [
            {name: getattr(window, name) for name in _WINDOW_FIELDS} for window in self.windows.values()
        ]
        state["adaptive"] = {name: getattr(self.adaptive, name) for name in _ADAPTIVE_FIELDS}
        return state

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Build a category from the result of `to_state`, without its requests in flight."""
        windows = [Window(**window) for window in state["windows"]]
        plain = {name: state[name] for name in _PLAIN_FIELDS}
        return cls(
            windows={(window.dimension, window.limit): window for window in windows},
            adaptive=AdaptiveLimiter(**state["adaptive"]),
            **plain,
        )

    def _blocked_wait(self, costs: Costs, now: float) -> RequiredWait:
        """Return the wait after a 429, or that for an exhausted window if it resets later."""
        pause = self.pause_ends_at - now
        longest = RequiredWait(
            self.blocked_until - now,
            True,
            self.blocked_by,
            self.blocked_limit,
            resets_in=pause,
            resets_at=self.reported_reset,
        )
        for window in self.windows.values():
            cost = costs.get(window.dimension)
            if cost and window.remaining is not None and window.resets_at_local is not None:
                wait = window.required_wait(cost, self.reserved.get(window.dimension, 0.0), now)
                if wait is not None and wait.certain and wait.resets_in is not None and wait.resets_in > pause + 1.0:
                    longest, pause = wait, wait.resets_in
        return longest

    def _required_wait(self, costs: Costs, now: float) -> RequiredWait | None:
        """Return the longest wait of all windows; certain waits come first. Ask `AdaptiveLimiter` without numbers."""
        longest: RequiredWait | None = None
        counts_requests = has_unknown = False
        for window in self.windows.values():
            if window.remaining is not None and window.resets_at_local is not None and now >= window.resets_at_local:
                self._end_window(window, now)
            cost = costs.get(window.dimension)
            if not cost:
                continue
            counts_requests = counts_requests or window.dimension == REQUEST_DIMENSION
            if window.remaining is None:
                has_unknown, reserved = True, window.reserved_since_end
            else:
                reserved = self.reserved.get(window.dimension, 0.0)
                if window.remaining - reserved >= cost:
                    continue
            wait = window.required_wait(cost, reserved, now)
            if wait is not None and (longest is None or _is_longer(wait, longest)):
                longest = wait
        if longest is None and (has_unknown or not counts_requests):
            return self.adaptive.required_wait(now, self.in_flight_count, costs_more=len(costs) > 1)
        return longest

    def _end_window(self, window: Window, now: float) -> None:
        window.remaining, window.reserved_since_end = None, 0.0
        window.last_id_before_end = self.last_reservation_id
        self.adaptive.start_test(now, self.in_flight_count)

    def _complete(self, reservation_id: int) -> InFlightRequest | None:
        request = self.in_flight.pop(reservation_id, None)
        if request is None:
            return None
        self.in_flight_count -= 1
        if self.adaptive.earlier_in_flight:
            self.adaptive.on_complete(request.sent_at, self.in_flight_count)
        is_last = not self.in_flight_count  # sums of fractions are not exact, so the last request sets them to zero
        if is_last:
            self.next_expiry = None
        for dimension, cost in request.costs.items():
            self.reserved[dimension] = 0.0 if is_last else self.reserved[dimension] - cost
        for window in self.windows.values():
            if is_last:
                window.reserved_since_end = 0.0
            elif window.remaining is None and reservation_id > window.last_id_before_end:
                window.reserved_since_end -= request.costs.get(window.dimension, 0.0)
        return request

    def _drop_expired(self, now: float) -> None:
        self.next_expiry = None
        for reservation_id, request in tuple(self.in_flight.items()):
            if request.expires_at is not None and now < request.expires_at:
                self.next_expiry = request.expires_at
                return
            self.release(reservation_id, sent=True)

    def _add_window(self, dimension: str, info: WindowInfo) -> Window:
        """Return the window of a dimension whose limit is unknown or has changed, else a new one, under its new key."""
        window = self._find_window(dimension, info) or Window(dimension=dimension)
        limit = window.limit if info.limit is None else info.limit
        if window.limit != limit:
            self.windows.pop((dimension, window.limit), None)
        self.windows[dimension, limit] = window
        return window

    def _find_window(self, dimension: str, info: WindowInfo) -> Window | None:
        """Return the first window of a dimension whose limit is unknown or has changed."""
        for window in self.windows.values():
            if window.dimension == dimension and (
                info.limit is None or window.limit is None or _is_same_reset(window.reset, info.reset)
            ):
                return window
        return None

    def _on_rate_limited(self, info: RateLimitInfo, sent_at: float, now: float, jitter: float) -> None:
        wait = info.retry_after
        if wait is None or not info.windows:
            wait = self.adaptive.on_rate_limited(sent_at, now, wait, self.in_flight_count)
        if wait is None or now + wait <= self.pause_ends_at:
            return  # an earlier 429 blocks the category for longer
        self.pause_ends_at = now + wait
        self.blocked_until = self.pause_ends_at + jitter * min(MAX_JITTER_SHARE * wait, MAX_JITTER)
        self.reported_reset = info.resets_at
        exhausted = (dimension for dimension, window_info in info.windows.items() if window_info.remaining == 0)
        self.blocked_by = info.limit_dimension or next(exhausted, REQUEST_DIMENSION)
        self.blocked_limit = info.limit
        if info.limit is None:
            limits = (window.limit for window in self.windows.values() if window.dimension == self.blocked_by)
            self.blocked_limit = next(limits, None)


_WINDOW_FIELDS: Final = tuple(field.name for field in attrs.fields(Window))
_ADAPTIVE_FIELDS: Final = tuple(field.name for field in attrs.fields(AdaptiveLimiter))
_PLAIN_FIELDS: Final = tuple(
    field.name for field in attrs.fields(CategoryState) if field.name not in {"windows", "adaptive", "in_flight"}
)


def _is_longer(one: RequiredWait, other: RequiredWait) -> bool:
    if one.certain != other.certain:
        return one.certain
    return (one.seconds or 0.0) > (other.seconds or 0.0)


def _is_same_reset(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and abs(one - other) <= SAME_WINDOW_TOLERANCE


def _is_obsolete(window: Window, sent_at: float) -> bool:
    """Return whether a window had ended when a request was sent whose response reports other windows only."""
    return window.remaining is None and window.resets_at_local is not None and sent_at >= window.resets_at_local
