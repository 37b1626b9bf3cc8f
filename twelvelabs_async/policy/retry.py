"""Decides what is repeated, when, and when to stop. The loop itself is tenacity's.

| failure                                  | safe, idempotent, compute, repeatable | reconcile, unsafe          |
|------------------------------------------|---------------------------------------|----------------------------|
| connection refused, name not found       | repeated                              | repeated: nothing was sent |
| 429                                      | repeated                              | repeated: it was refused   |
| 408, 500, 502, 503, 504                  | repeated                              | error, `ambiguous`         |
| reset or cut off after sending, bad JSON | repeated                              | error, `ambiguous`         |
| deadline of the call                     | error                                 | error, `ambiguous` if sent |
| any other status                         | error                                 | error                      |
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Final

import attrs
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    BadRequestError,
    GaveUp,
    MalformedResponseError,
    NotFoundError,
    QuotaExhaustedError,
    RateLimitError,
)
from twelvelabs_async.request import RetryClass

TRANSIENT: Final = frozenset({408, 500, 502, 503, 504})
"""Statuses after which the same call may succeed."""

WRITES_ONCE: Final = frozenset[RetryClass]({"reconcile", "unsafe"})
"""Classes of operation whose repetition would do the write twice."""

GONE_ALREADY: Final = frozenset({"resource_not_exist", "resource_not_exists"})
"""What a DELETE is answered whose earlier attempt succeeded unseen."""

logger: Final = logging.getLogger("twelvelabs_async.retry")

TRANSIENT_COST: Final = 14
THROTTLED_COST: Final = 5


@attrs.define
class RetryQuota:
    """Retries spend tokens and successes earn them back, so that a dead service is not hammered (after botocore)."""

    capacity: int = 500
    """Tokens at most: 35 retries in a row without one success."""
    tokens: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.tokens = self.capacity

    def spend(self, error: APIError) -> int:
        """Take the cost of one retry; 0 if there is not enough left."""
        cost = THROTTLED_COST if isinstance(error, RateLimitError) else TRANSIENT_COST
        if cost > self.tokens:
            return 0
        self.tokens -= cost
        return cost

    def earn(self) -> None:
        """A call succeeded at once: one token comes back."""
        self.refund(1)

    def refund(self, tokens: int) -> None:
        """A retry succeeded, or was never made: its cost comes back."""
        self.tokens = min(self.capacity, self.tokens + tokens)


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """How patient a client is."""

    max_retries: int = 3
    """Sends after the first one."""
    longest_advice: float = 120.0
    """Seconds of `Retry-After` beyond which the error is raised at once."""
    base: float = 0.5
    """Upper bound in seconds of the first random wait; it doubles with each further one."""
    cap: float = 20.0
    """Longest wait in seconds that we choose ourselves."""
    chance: Callable[[], float] = attrs.field(default=random.random, repr=False)
    """A number from 0 up to 1, anew each time."""

    def wait(self, error: APIError, attempts: int) -> float:
        """Seconds until the next attempt: what the server said and a little more, else a random backoff.

        After a 429 it is zero: the category is closed for everybody, and the limiter's queue does the waiting.
        """
        if isinstance(error, RateLimitError):
            return 0.0
        if error.retry_after is not None:
            return error.retry_after + self.chance() * (0.25 * error.retry_after + 0.5)
        return self.chance() * min(self.cap, self.base * 2.0 ** min(attempts - 1, 16))


@attrs.define(kw_only=True)
class Call:
    """Bookkeeping of one call: nothing of it is shared with other calls."""

    policy: RetryPolicy
    quota: RetryQuota
    clock: Clock
    deadline: float | None
    """Monotonic moment after which nothing is sent; None for transfers, which have no total deadline, and in a queue
    that does not count."""
    left: float | None = None
    """Seconds left, where the queue for a limit does not count; None where it does."""
    watch: asyncio.Timeout | None = None
    """What ends the call at its deadline."""
    started: float
    """Monotonic moment of its beginning."""
    sends: int = 0
    """How often something was sent, or was about to be."""
    waited: float = 0.0
    """Seconds spent in the queue for a limit."""
    spent: int = 0
    """Tokens the last retry cost."""
    earlier: list[APIError] = attrs.field(factory=list[APIError])
    """Failures that were followed by another attempt."""
    on_retry: Callable[[APIError, float], None] | None = None
    """Is told of each of them, and of the seconds until the next attempt."""

    @property
    def sent(self) -> bool:
        """Whether something was sent of whose fate nothing is known; failures that were retried are known."""
        return self.sends > len(self.earlier)

    def queues(self) -> None:
        """The call waits for its turn from now on."""
        if self.left is not None and self.deadline is not None:
            self.left, self.deadline = self.deadline - self.clock.monotonic(), None
            self._end_after(None)

    def goes_on(self, waited: float) -> None:
        """It has its turn, after so many seconds."""
        self.waited += waited
        if self.left is not None:
            self.deadline = self.clock.monotonic() + self.left
            self._end_after(self.left)

    def _end_after(self, seconds: float | None) -> None:
        if self.watch is not None:
            self.watch.reschedule(None if seconds is None else asyncio.get_running_loop().time() + seconds)

    def controller(self) -> AsyncRetrying:
        """A controller of its own for this call; tenacity's must never be shared by concurrent ones."""
        return AsyncRetrying(
            retry=retry_if_exception(_may_pass),
            wait=self._wait,
            stop=self._give_up,
            sleep=self.clock.sleep,
            reraise=True,
        )

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return self.policy.wait(error, len(self.earlier) + 1) if isinstance(error, APIError) else 0.0

    def _give_up(self, state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        if not isinstance(error, APIError):
            return False
        error.gave_up = self._reason(error, state.upcoming_sleep)
        if error.gave_up is not None:
            return True
        self.earlier.append(error)
        logger.log(_level(state.upcoming_sleep), "%s; again in %.2f s", error, state.upcoming_sleep)
        if self.on_retry is not None:
            self.on_retry(error, state.upcoming_sleep)
        return False

    def _reason(self, error: APIError, wait: float) -> GaveUp | None:
        if len(self.earlier) >= self.policy.max_retries:
            return "max_retries"
        if error.retry_after is not None and error.retry_after > self.policy.longest_advice and wait > 0:
            return "max_wait"
        if self.deadline is not None and self.clock.monotonic() + wait >= self.deadline:
            return "deadline"
        self.spent = self.quota.spend(error)
        return None if self.spent else "retry_budget_exhausted"


def _may_pass(error: BaseException) -> bool:
    """Whether a repetition may help. A positive list: cancellation is never on it."""
    return isinstance(error, APIError) and error.retryable and not isinstance(error, QuotaExhaustedError)


def _level(wait: float) -> int:
    return logging.WARNING if wait > 5 else logging.DEBUG


def judge(error: APIError, retry: RetryClass) -> None:
    """Set `retryable` and `ambiguous` on a fresh failure of an operation of class `retry`."""
    if isinstance(error, RateLimitError):
        error.retryable = True
        return
    passing = error.status_code in TRANSIENT or (
        isinstance(error, APIConnectionError | MalformedResponseError) and error.retryable
    )
    unsure = passing or isinstance(error, APIConnectionError | MalformedResponseError)
    if isinstance(error, APIConnectionError) and not error.sent:
        unsure = False
    error.ambiguous = unsure and retry in WRITES_ONCE
    error.retryable = passing and not error.ambiguous


def judge_storage(error: APIError) -> None:
    """Set `retryable` on a failed PUT to storage. 403 is an expired or used URL, and the next attempt has a new one."""
    code_helps = error.status_code == 403 or error.code == "RequestTimeout"
    error.retryable = error.retryable or code_helps or error.status_code in TRANSIENT or error.status_code == 429


def done_already(error: APIError, method: str, earlier: list[APIError]) -> bool:
    """Whether a repeated DELETE found nothing because an earlier attempt had deleted it unseen."""
    refused = isinstance(error, NotFoundError) or (isinstance(error, BadRequestError) and error.code in GONE_ALREADY)
    return method == "DELETE" and refused and any(map(_may_have_happened, earlier))


def _may_have_happened(error: APIError) -> bool:
    if isinstance(error, APIConnectionError):
        return error.sent
    return not isinstance(error, RateLimitError)


def timed_out(operation: str, seconds: float, *, sent: bool, retry: RetryClass) -> APITimeoutError:
    """The error for a call whose deadline passed."""
    ambiguous = sent and retry in WRITES_ONCE
    return APITimeoutError(
        message=f"no answer within the {seconds:g} s of the call's deadline",
        operation=operation,
        sent=sent,
        ambiguous=ambiguous,
        retryable=not ambiguous,
        gave_up="deadline",
    )
