"""Retry policy: which failures are retried, after what delay, and when to give up. tenacity drives the retries.

| failure                                   | safe, idempotent, billable, leaves_orphan | verify_first, non_idempotent |
|-------------------------------------------|-------------------------------------------|------------------------------|
| connection refused, host not found        | retried                                   | retried: nothing was sent    |
| 429                                       | retried                                   | retried: it was rejected     |
| 429 of the plan, without a reset          | error                                     | error                        |
| 408, 425, 5xx                             | retried                                   | error, `ambiguous`           |
| 501, 505, 506, 510, 511                   | error: it was rejected                    | error: it was rejected       |
| 525, 526                                  | error: it does not pass                   | error, `ambiguous`           |
| connection lost after sending, bad JSON   | retried                                   | error, `ambiguous`           |
| deadline of the call                      | error                                     | error, `ambiguous` if sent   |
| any other status                          | error                                     | error                        |

A non-idempotent request with an `Idempotency-Key` is retried like an idempotent one; what remains is `ambiguous`.
"Sent" means that the head of the request was written to a connection.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import attrs
from typing_extensions import override

from twelvelabs_async._http.connections import Attempt
from twelvelabs_async._rate_limit.headers import PLAN_REFUSAL_CODES
from twelvelabs_async._rate_limit.windows import MAX_JITTER, MAX_JITTER_SHARE
from twelvelabs_async._text import printable
from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    BadRequestError,
    GiveUpReason,
    MalformedResponseError,
    NotFoundError,
    QuotaExhaustedError,
    RateLimitError,
)
from twelvelabs_async.requests import Request, RetryClass

if TYPE_CHECKING:
    from tenacity import AsyncRetrying, RetryCallState

REFUSED_STATUSES: Final = frozenset({501, 505, 506, 510, 511})
"""Statuses from 500 on with which a server refuses a request without doing anything."""

PERSISTENT_STATUSES: Final = REFUSED_STATUSES | {525, 526}
"""Statuses from 500 on that another attempt does not change; 525 and 526 are TLS failures behind a content network."""

IDEMPOTENCY_HEADER: Final = "Idempotency-Key"
"""Header of a request; the platform executes requests with the same value only once."""

NON_IDEMPOTENT_CLASSES: Final = frozenset[RetryClass]({"verify_first", "non_idempotent"})
"""Classes of operations that must not be repeated once they may have succeeded."""

RETRY_CLASS_BY_METHOD: Final[Mapping[str, RetryClass]] = {
    "GET": "safe",
    "POST": "non_idempotent",
    "PUT": "idempotent",
    "PATCH": "idempotent",
    "DELETE": "idempotent",
}
"""The retry class of a request that names none: a POST is not retried."""

NOT_FOUND_CODES: Final = frozenset({"resource_not_exist", "resource_not_exists"})
"""Error codes for an object that does not exist; some operations send them with the status 400."""

logger: Final = logging.getLogger("twelvelabs_async.retry")

TRANSIENT_COST: Final = 14
"""Tokens for a retry after a transient failure."""

THROTTLED_COST: Final = 5
"""Tokens for a retry after a 429."""


@attrs.define(eq=False, repr=False)
class RetryBudget:
    """Token bucket that all calls of a client share: it stops retries while the service is down (as in botocore)."""

    capacity: int = 500
    """Most tokens: enough for 35 retries in a row without a success."""
    tokens: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.tokens = self.capacity

    def spend(self, error: APIError) -> int:
        """Take the tokens for one retry, and return how many; 0 if there are too few."""
        cost = THROTTLED_COST if isinstance(error, RateLimitError) else TRANSIENT_COST
        if cost > self.tokens:
            return 0
        self.tokens -= cost
        return cost

    def refund(self, tokens: int) -> None:
        """Give tokens back: 1 for a call without a retry, the whole cost of a retry that succeeded or was not sent."""
        self.tokens = min(self.capacity, self.tokens + tokens)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class RetryPolicy:
    """How many retries, and how long between them."""

    max_retries: int = 3
    """Attempts after the first one."""
    max_retry_after: float = 120.0
    """Longest `Retry-After`, in seconds, that is waited for."""
    base: float = 0.5
    """Upper bound of the first random delay, in seconds; it doubles with each retry."""
    cap: float = 20.0
    """Longest random delay, in seconds."""
    jitter: Callable[[], float] = random.random
    """Returns a random number from 0 to 1."""

    def delay_after(self, error: APIError, attempts: int, *, limited: bool = True) -> float:
        """Return the seconds until the next attempt: `Retry-After` plus jitter, else a random exponential backoff.

        After a 429 it is 0 if the rate limiter knows the operation (`limited`): the whole category is blocked, and the
        call waits in its queue.
        """
        if limited and isinstance(error, RateLimitError):
            return 0.0
        if error.retry_after is not None:
            return error.retry_after + self.jitter() * min(MAX_JITTER_SHARE * error.retry_after, MAX_JITTER)
        return self.jitter() * min(self.cap, self.base * 2.0 ** min(attempts - 1, 16))


@attrs.define(kw_only=True, eq=False, repr=False)
class CallState(Attempt):
    """State of one call: its deadline, its current attempt, and the errors of earlier ones."""

    request: Request[Any]
    operation: str
    """Method and path template."""
    timeout: float | None
    """Seconds from the start to the deadline; None if there is none."""
    retry_policy: RetryPolicy
    retry_budget: RetryBudget
    clock: Clock
    started: float
    """Monotonic time of its start."""
    deadline: float | None
    """Monotonic time after which nothing is sent; None if there is none, and while it stands still."""
    time_left: float | None = None
    """Seconds until the deadline while it stands still: in a queue that does not count, or during a transfer."""
    send_count: int = 0
    """Attempts that were sent."""
    queue_time: float = 0.0
    """Seconds spent in the queues of the rate limiter."""
    last_retry_cost: int = 0
    """Tokens that the last retry cost."""
    previous_errors: tuple[APIError, ...] = ()
    """Failures that were retried."""
    limited: bool = True
    """Whether the rate limiter knows the operation; it does not limit storage."""
    on_retry: Callable[[int, APIError, float], None] | None = None
    """Called with the number of each failed attempt, its error, and the seconds until the next one."""
    _attempts: AsyncRetrying | None = None
    _retry_state: RetryCallState | None = None
    timer: asyncio.TimerHandle | None = None
    """Calls `on_deadline`."""
    expired_task: asyncio.Task[Any] | None = None
    """The task of the call, once the timer has cancelled it."""
    cancellation_count: int = 0
    """Cancellations of the task before the call, which are not the timer's."""

    def on_deadline(self, task: asyncio.Task[Any]) -> None:
        """Cancel the task of the call."""
        self.expired_task = task
        task.cancel()

    def take_back_cancellation(self) -> bool:
        """Take back the cancellation by the timer; return whether there was one, and nothing else has cancelled."""
        task, self.expired_task = self.expired_task, None
        return task is not None and task.uncancel() <= self.cancellation_count

    @override
    def body_started(self) -> None:
        """Pause the deadline while a body is sent; `idle_timeout` limits the transfer instead."""
        self.sent = True
        self.pause_deadline()

    def pause_deadline(self) -> None:
        """Pause the deadline."""
        if self.deadline is not None:
            self.time_left, self.deadline = self.deadline - self.clock.monotonic(), None
            if self.timer is not None and self.expired_task is None:
                self.timer.cancel()

    def resume_deadline(self) -> None:
        """Start it again."""
        if self.time_left is not None:
            self.deadline, seconds = self.clock.monotonic() + self.time_left, self.time_left
            self.time_left = None
            task = asyncio.current_task()
            if self.timer is not None and self.expired_task is None and task is not None:
                loop = asyncio.get_running_loop()
                self.timer = loop.call_at(loop.time() + seconds, self.on_deadline, task)

    def complete_error(self, error: APIError) -> None:
        """Put the history of the call on the error that is raised to the caller."""
        error.attempts = max(1, self.send_count)
        error.elapsed = self.clock.monotonic() - self.started
        error.previous_attempts = tuple(map(str, self.previous_errors))
        if isinstance(error, QuotaExhaustedError):
            self.retry_budget.refund(self.last_retry_cost)  # the retry it was spent on was not sent
            if self.previous_errors:
                _keep_response(error, self.previous_errors[-1])

    def deadline_error(self) -> APITimeoutError:
        """Return the error of a call whose deadline has passed."""
        sent = self.sent
        ambiguous = self.request.retry_class in NON_IDEMPOTENT_CLASSES and (
            sent or any(error.ambiguous for error in self.previous_errors)
        )
        error = APITimeoutError(
            message=f"timed out after {self.timeout or 0.0:g} s",
            operation=self.operation,
            sent=sent,
            ambiguous=ambiguous,
            retryable=not ambiguous,
            give_up_reason="deadline",
        )
        self.complete_error(error)
        return error

    async def wait_before_retry(self, error: APIError) -> bool:
        """Wait until the next attempt; False if there must be none, with the reason on `error`.

        tenacity decides and sleeps, with a controller of this call only: a shared one would add up the attempts of all.
        """
        if not _is_retryable(error):
            return False
        if self._attempts is None or self._retry_state is None:
            try:
                self._attempts = aiter(self._controller())
            except OSError:  # the process cannot open more files, not even that of tenacity
                return False
            self._retry_state = (await anext(self._attempts)).retry_state  # of the attempt that has failed
        self._retry_state.set_exception((type(error), error, None))
        retry = await anext(self._attempts, None) is not None
        if not retry:
            self._retry_state.prepare_for_next_attempt()  # drops the error, whose traceback refers to the caller
        return retry

    def _controller(self) -> AsyncRetrying:
        from tenacity import AsyncRetrying, retry_if_exception  # noqa: PLC0415  # a tenth of the import of the client

        return AsyncRetrying(
            retry=retry_if_exception(_is_retryable),
            wait=self._delay,
            stop=self._should_stop,
            sleep=self.clock.sleep,
            retry_error_callback=_end_iteration,
        )

    def _delay(self, state: RetryCallState) -> float:
        return self.retry_policy.delay_after(_failure(state), len(self.previous_errors) + 1, limited=self.limited)

    def _should_stop(self, state: RetryCallState) -> bool:
        error, delay = _failure(state), state.upcoming_sleep
        error.give_up_reason = self._give_up_reason(error, delay)
        if error.give_up_reason is not None:
            return True
        self.previous_errors += (error,)
        logger.log(logging.WARNING if delay > 5 else logging.DEBUG, "%s; retrying in %.2f s", error, delay)
        if self.on_retry is not None:
            self.on_retry(len(self.previous_errors), error, delay)
        return False

    def _give_up_reason(self, error: APIError, delay: float) -> GiveUpReason | None:
        if len(self.previous_errors) >= self.retry_policy.max_retries:
            return "max_retries"
        if error.retry_after is not None and error.retry_after > self.retry_policy.max_retry_after and delay > 0:
            return "max_wait"
        if self.deadline is not None and self.clock.monotonic() + delay >= self.deadline:
            return "deadline"
        self.last_retry_cost = self.retry_budget.spend(error)
        return None if self.last_retry_cost else "retry_budget_exhausted"


def _keep_response(error: APIError, response: APIError) -> None:
    """Put what the platform said on an error of this client that is raised in place of the platform's."""
    error.status_code, error.code, error.details = response.status_code, response.code, response.details
    error.docs_url, error.request_id = response.docs_url, response.request_id
    error.headers, error.body = response.headers, response.body
    error.message = printable(f"{error.message}: {response.message}")


def _failure(state: RetryCallState) -> APIError:
    return cast("APIError", state.outcome and state.outcome.exception())


def _end_iteration(_: RetryCallState) -> None:
    """End tenacity's iteration without an exception: the executor raises the last error itself."""


def _is_retryable(error: BaseException) -> bool:
    return isinstance(error, APIError) and error.retryable and not isinstance(error, QuotaExhaustedError)


def is_transient(status: int | None) -> bool:
    """Return whether a later attempt may succeed after this status.

    `may_have_executed` says whether the failed one may have had an effect.
    """
    return status in {408, 425} or (status is not None and status >= 500 and status not in PERSISTENT_STATUSES)


def may_have_executed(status: int | None) -> bool:
    """Return whether the server may have done its work although it answered with this status."""
    return status in {408, 425} or (status is not None and status >= 500 and status not in REFUSED_STATUSES)


def classify_error(error: APIError, retry_class: RetryClass, *, has_idempotency_key: bool = False) -> None:
    """Set `retryable` and `ambiguous` on a new failure.

    Args:
        error: The failure.
        retry_class: What a second attempt would do.
        has_idempotency_key: Whether the request has an idempotency key, which makes it repeatable.
    """
    if isinstance(error, RateLimitError):
        error.retryable = error.code not in PLAN_REFUSAL_CODES or error.retry_after is not None
        return
    transport_failure = isinstance(error, APIConnectionError | MalformedResponseError)
    transient = is_transient(error.status_code) or (transport_failure and error.retryable)
    unsent = isinstance(error, APIConnectionError) and not error.sent
    uncertain = (may_have_executed(error.status_code) or transport_failure) and not unsent
    error.ambiguous = uncertain and retry_class in NON_IDEMPOTENT_CLASSES
    error.retryable = transient and (has_idempotency_key or not error.ambiguous)


def classify_storage_error(error: APIError) -> None:
    """Set `retryable` on a failed PUT to storage; 403 means an expired or used URL, and each attempt has a new one."""
    error.retryable = (
        error.retryable
        or is_transient(error.status_code)
        or error.status_code in {403, 429}
        or error.code == "RequestTimeout"
    )


def is_not_found(error: APIError) -> bool:
    """Return whether the object of an operation does not exist."""
    return isinstance(error, NotFoundError) or (isinstance(error, BadRequestError) and error.code in NOT_FOUND_CODES)


def already_deleted(error: APIError, method: str, previous_errors: Sequence[APIError]) -> bool:
    """Return whether a DELETE found nothing because an earlier attempt of the same call may have succeeded."""
    return method == "DELETE" and is_not_found(error) and any(map(_may_have_succeeded, previous_errors))


def _may_have_succeeded(error: APIError) -> bool:
    if isinstance(error, APIConnectionError):
        return error.sent
    return not isinstance(error, RateLimitError)
