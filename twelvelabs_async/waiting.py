"""Waits for something the platform works on: one primitive for every resource that advances.

It asks less and less often, forgives what passes (an outage of a minute must not lose an hour of waiting), raises at
once what does not, and always ends: a status nobody knows counts as running, but not beyond the deadline.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import attrs

from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import (
    APIError,
    InvalidInputError,
    ProcessingFailedError,
    QuotaExhaustedError,
    TwelveLabsError,
    WaitTimeoutError,
)

T = TypeVar("T")

DEFAULT_TIMEOUT: Final = 3600.0
"""Seconds to wait when the caller names none."""

FIRST_INTERVAL: Final = 1.0
LONGEST_INTERVAL: Final = 15.0
GROWTH: Final = 1.5

Callback = Callable[[T], Awaitable[None] | None]
"""Is shown the resource each time it was asked for; may be a coroutine function."""


@attrs.frozen(kw_only=True)
class Lifecycle:
    """The statuses in which a kind of resource ends; all others are on the way."""

    resource: str
    """Kind, for messages."""
    ready: frozenset[str] = frozenset({"ready"})
    """Ended well."""
    failed: frozenset[str] = frozenset({"failed"})
    """Ended badly."""


async def until_done(
    fetch: Callable[[], Awaitable[T]],
    *,
    life: Lifecycle,
    id: str,
    clock: Clock,
    timeout: float | None = None,
    sleep_interval: float | None = None,
    callback: Callback[T] | None = None,
) -> T:
    """Ask `fetch` until the resource has ended.

    Args:
        fetch: Reads the resource, which has a `status`.
        life: Which statuses are ends.
        id: Identifier, for messages.
        clock: What time it is.
        timeout: Seconds until `WaitTimeoutError`; None is an hour.
        sleep_interval: Seconds between two looks; None begins with one and slows down to fifteen.
        callback: Is shown the resource after each look.

    Raises:
        ProcessingFailedError: It ended badly; `reason` is what the platform said.
        WaitTimeoutError: It was still on the way when the time was over.
        APIError: It cannot be read, and trying again would not help.
    """
    patience = patience_of(timeout, sleep_interval)
    started, interval = clock.monotonic(), sleep_interval or FIRST_INTERVAL
    last: T | None = None
    while True:
        try:
            last = await fetch()
        except APIError as error:
            if not passing(error):
                raise
        else:
            await _show(callback, last)
            if has_ended(last, life, id):
                return last
        pause = interval if sleep_interval else interval * random.uniform(0.8, 1.2)  # noqa: S311  # no secret
        waited = clock.monotonic() - started
        if waited + pause > patience:
            await clock.sleep(max(0.0, patience - waited))
            raise too_late(last, life, id, patience)
        await clock.sleep(pause)
        interval = interval if sleep_interval else min(LONGEST_INTERVAL, interval * GROWTH)


def patience_of(timeout: float | None, sleep_interval: float | None) -> float:
    """Seconds to wait in all, once both numbers are checked."""
    patience = DEFAULT_TIMEOUT if timeout is None else timeout
    if patience <= 0 or (sleep_interval is not None and sleep_interval <= 0):
        raise InvalidInputError("timeout and sleep_interval must be above 0 seconds")
    return patience


def passing(error: TwelveLabsError) -> bool:
    """Whether the next look may well succeed."""
    return isinstance(error, APIError) and error.retryable and not isinstance(error, QuotaExhaustedError)


async def _show(callback: Callback[T] | None, seen: T) -> None:
    result = callback(seen) if callback is not None else None
    if inspect.isawaitable(result):
        await result


def has_ended(seen: Any, life: Lifecycle, id: str) -> bool:
    """Whether what was seen is ready.

    Raises:
        ProcessingFailedError: It ended badly.
    """
    if seen.status not in life.failed:
        return seen.status in life.ready
    reason = getattr(getattr(seen, "error", None), "message", "") or ""
    raise ProcessingFailedError(
        message=f"{life.resource} {id} {seen.status}" + (f": {reason}" if reason else ""),
        resource=life.resource,
        id=id,
        status=seen.status,
        reason=reason,
        last=seen,
    )


def too_late(last: Any, life: Lifecycle, id: str, waited: float) -> WaitTimeoutError:
    """What to raise for a resource that is still on the way."""
    status = getattr(last, "status", "unknown")
    return WaitTimeoutError(
        message=f"{life.resource} {id} is still {status} after {waited:g} s; it goes on, ask again later",
        resource=life.resource,
        id=id,
        status=status,
        waited=waited,
        last=last,
    )
