"""Events of calls, retries and rate limits, for `AsyncTwelveLabs(on_event=...)`."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from datetime import datetime
from typing import Any

import attrs


@attrs.frozen(kw_only=True)
class RequestStarted:
    """A call has started. Emitted in the task of the call, as `RequestFinished` is: context variables are kept."""

    call_id: int
    """Number of the call, unique in this process."""
    operation: str
    """Operation, such as `POST /indexes`; `PUT storage` for a part of a file sent to a presigned URL."""
    request_bytes: int
    """Size of the request body in bytes."""
    model: str | None = None
    """Name of the model in the request; None if it has none."""


@attrs.frozen(kw_only=True)
class AttemptStarted:
    """An HTTP request of a call is about to be sent. Emitted in the task of the call, as `AttemptFinished` is."""

    call_id: int
    """Number of the call."""
    operation: str
    """Operation of the call."""
    attempt: int
    """Number of the attempt, from 1."""
    url: str
    """URL without its query, which may contain a signature."""
    url_template: str | None
    """Path of the URL with the names of its variables, such as `/v1.3/indexes/{index-id}`; None for storage."""
    request_bytes: int
    """Size of the request body in bytes."""
    headers: MutableMapping[str, str] = attrs.field(factory=dict[str, str], repr=False, hash=False)
    """Empty. The listener may add headers that are sent, such as `traceparent`; they replace none of the client. Those
    that cannot be sent, and those of the body and the connection, are left out and logged."""


@attrs.frozen(kw_only=True)
class AttemptFinished:
    """An HTTP request has ended: with a response of any status, or without one. For a stream, its body begins."""

    call_id: int
    """Number of the call."""
    operation: str
    """Operation of the call."""
    attempt: int
    """Number of the attempt, from 1."""
    duration: float
    """Seconds from its start."""
    status_code: int | None = None
    """HTTP status; None if there was no response."""
    request_id: str | None = None
    """Id of the request, for the support of Twelve Labs; None if the response has none."""
    error: BaseException | None = None
    """Why there was no response, including `CancelledError`; None if there was one."""


@attrs.frozen(kw_only=True)
class RetryScheduled:
    """An attempt has failed, and will be retried."""

    call_id: int
    """Number of the call."""
    operation: str
    """Operation of the call."""
    attempt: int
    """Number of the failed attempt, from 1."""
    error: Exception
    """The failure."""
    delay: float
    """Seconds until the next attempt, without the queue of the rate limiter."""


@attrs.frozen(kw_only=True)
class StreamStarted:
    """The body of a streamed response begins. Emitted in the task that opens the stream.

    `RequestFinished` follows at the end of the stream, in whatever task reads or closes it.
    """

    call_id: int
    """Number of the call."""
    operation: str
    """Operation of the call."""


@attrs.frozen(kw_only=True)
class RequestFinished:
    """A call has succeeded, failed, or been cancelled. A stream has ended, or was closed."""

    call_id: int
    """Number of the call."""
    operation: str
    """Operation of the call."""
    request_bytes: int
    """Size of the request body in bytes, sent with each attempt."""
    attempts: int
    """Number of attempts that were sent."""
    duration: float
    """Seconds from its start, including queues and delays."""
    queue_time: float
    """Seconds of `duration` spent in the queue of the rate limiter."""
    error: BaseException | None = None
    """The exception raised to the caller, including `CancelledError`; None on success."""
    status_code: int | None = None
    """HTTP status of the last response; None if there was none."""
    request_id: str | None = None
    """Id of the last request, for the support of Twelve Labs; None if there was no response, or it has none."""
    model: str | None = None
    """Name of the model in the request; None if it has none."""
    input_tokens: int | None = None
    """Number of input tokens that the response reports; None if it does not."""
    output_tokens: int | None = None
    """Number of output tokens that the response reports; None if it does not."""
    time_to_first_chunk: float | None = None
    """Seconds from the start of the call to the first bytes of a stream; None for other calls, or if none came."""


@attrs.frozen(kw_only=True)
class RateLimitWaitStarted:
    """A call waits for a rate limit."""

    category: str
    """Category of the limit, such as `search`."""
    priority: str
    """`interactive` or `background`."""
    queue_length: int
    """Waiting calls of the category, including this one."""
    delay: float | None
    """Seconds of the wait, unless a response changes the limits; None waits for the next response."""
    dimension: str
    """Exhausted dimension: `request`, `duration` or `token`."""
    limit: float | None
    """Limit of the window; None if unknown."""
    resets_at: datetime | None = None
    """When the limit resets, in UTC, as the server reported it; None if it did not. `delay` is longer by a jitter."""


@attrs.frozen(kw_only=True)
class RateLimitUpdated:
    """A response had rate-limit headers. One event for each dimension."""

    category: str
    """Category of the limit, such as `search`."""
    dimension: str
    """Dimension: `request`, `duration` or `token`."""
    limit: float | None
    """Limit of the window."""
    remaining: float | None
    """Amount left in the window when the server responded."""
    resets_at: datetime | None
    """End of the window, in UTC by the server's clock."""


Event = (
    RequestStarted
    | AttemptStarted
    | AttemptFinished
    | RetryScheduled
    | StreamStarted
    | RequestFinished
    | RateLimitWaitStarted
    | RateLimitUpdated
)
"""Any of these events."""

Listener = Callable[[Any], object]
"""Called in the event loop with each event; must not block. Its exceptions are logged, and do not affect the call."""
