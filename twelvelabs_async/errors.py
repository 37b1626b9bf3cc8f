"""The exceptions of this package, as one tree.

```
TwelveLabsError                       base class of all exceptions
├── InvalidInputError                 (ValueError) an argument is invalid; nothing was sent
├── ClientStateError                  (RuntimeError) closed, forked, or used from another event loop
├── APIError                          a request failed; has the operation, attempts and request id
│   ├── APIConnectionError            (ConnectionError) no complete response was received
│   │   └── APITimeoutError           (TimeoutError) the call timed out
│   ├── MalformedResponseError        the response cannot be parsed
│   │   └── StructuredOutputError     the generated text does not match the schema; has the text
│   ├── StreamError                   a stream broke off or reported an error; has the text received
│   ├── BadRequestError               400
│   │   └── SearchExpiredError        (GoneError) the page tokens of a search have expired
│   ├── AuthenticationError           401
│   ├── PermissionDeniedError         403
│   ├── NotFoundError                 404
│   ├── ConflictError                 409
│   ├── GoneError                     410
│   ├── UnprocessableEntityError      422
│   ├── RateLimitError                429; alias TooManyRequestsError
│   │   └── QuotaExhaustedError       the quota resets after more than `max_wait`
│   └── InternalServerError           5xx
├── WaitTimeoutError                  (TimeoutError) a resource was not ready in time
├── WebhookSignatureError             the signature of a webhook is invalid or too old
├── ProcessingFailedError             the platform failed to process a resource
├── UploadError                       a file was not uploaded completely, or changed
├── FrameError                        a frame of a video cannot be read or decoded
└── LedgerError                       the ledger of an ingestion cannot be used
    └── LedgerInUseError              another process uses it
```

No exception contains the API key, request headers or the query of a presigned URL. `str()` is one printable line.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal

import attrs
from multidict import CIMultiDict
from typing_extensions import override

from twelvelabs_async._text import body_excerpt, printable

GiveUpReason = Literal["max_retries", "deadline", "max_wait", "retry_budget_exhausted"]
"""Reason why a transient error was not retried (again)."""


def _case_insensitive(headers: Mapping[str, str]) -> CIMultiDict[str]:
    return CIMultiDict(headers)


@attrs.define(slots=False, repr=False, on_setattr=attrs.setters.NO_OP)
class TwelveLabsError(Exception):
    """Base class of all exceptions of this package."""

    message: str = attrs.field(default="", converter=printable)
    """Description of the error, in one line."""

    @override
    def __str__(self) -> str:
        return self.message

    @override
    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        # By default, exceptions are unpickled from positional arguments; these have keyword-only fields.
        values = {field.name: getattr(self, field.name) for field in attrs.fields(type(self))}
        return _rebuild, (type(self), values, tuple(getattr(self, "__notes__", ())))


def _rebuild(error_class: type[TwelveLabsError], values: dict[str, Any], notes: tuple[str, ...]) -> TwelveLabsError:
    error = error_class(**values)
    for note in notes:
        error.add_note(note)
    return error


class InvalidInputError(TwelveLabsError, ValueError):
    """An argument is invalid; nothing was sent."""


class ClientStateError(TwelveLabsError, RuntimeError):
    """The client was used after `close()`, after a fork, or in another event loop."""


@attrs.define(slots=False, repr=False, kw_only=True, on_setattr=attrs.setters.NO_OP)
class APIError(TwelveLabsError):
    """A request to the API failed.

    Subclasses exist for each HTTP status and each other reason. Before repeating a failed write, check `ambiguous`.
    """

    STATUS: ClassVar[int | None] = None
    HINT: ClassVar[str] = ""

    operation: str = ""
    """HTTP method and path template as in the API reference, such as `GET /assets/{asset_id}`."""
    status_code: int | None = None
    """HTTP status of the last response; None if there was none."""
    code: str | None = None
    """Machine-readable error code of the platform, such as `resource_not_exist`; more may be added."""
    docs_url: str | None = None
    """URL of the documentation of this error, if the platform returned one."""
    details: Any = None
    """Structured details from the response body, if there are any."""
    request_id: str | None = None
    """`x-trace-id` of the response; include it in support requests."""
    headers: Mapping[str, str] = attrs.field(factory=CIMultiDict[str], converter=_case_insensitive)
    """Headers of the last response, without cookies; names are case-insensitive."""
    body: str = attrs.field(default="", converter=body_excerpt)
    """Start of the body of the last response: up to 1,000 printable characters, without the queries of URLs."""
    retry_after: float | None = None
    """Seconds to wait before a retry, as requested by the server."""
    attempts: int = 1
    """Number of attempts, including the first."""
    elapsed: float = 0.0
    """Seconds from the start of the call until this error."""
    ambiguous: bool = False
    """True if a write may have taken effect although no success was received; check before you repeat it."""
    retryable: bool = False
    """True if the same call may succeed later."""
    give_up_reason: GiveUpReason | None = None
    """Reason why a retryable error was not retried (again); None for other errors."""
    previous_attempts: tuple[str, ...] = ()
    """One line for each earlier attempt."""

    @override
    def __str__(self) -> str:
        what = " ".join(str(part) for part in (self.status_code, self.code) if part is not None)
        head = " on ".join(part for part in (what, self.operation) if part)
        notes = [f"attempt {self.attempts}"] if self.attempts > 1 else []
        if self.give_up_reason == "max_retries":
            notes.append(f"no retries left: max_retries={len(self.previous_attempts)}")
        elif self.give_up_reason:
            notes.append(f"not retried: {self.give_up_reason}")
        if self.ambiguous:
            notes.append("ambiguous: it may have taken effect")
        if self.request_id:
            notes.append(f"request {self.request_id}")
        message = self.message.rstrip(".") if self.HINT else self.message
        text = ": ".join(part for part in (head, message, self.HINT) if part) or type(self).__name__
        return f"{text} ({', '.join(notes)})" if notes else text


@attrs.define(slots=False, repr=False, kw_only=True, on_setattr=attrs.setters.NO_OP)
class APIConnectionError(APIError, ConnectionError):
    """No complete response was received: the connection was refused, reset or cut off, or the response was not HTTP."""

    sent: bool = True
    """False if the request certainly did not reach the server."""


class APITimeoutError(APIConnectionError, TimeoutError):
    """The deadline of the call has passed, or no data was transferred for `idle_timeout`."""


@attrs.define(slots=False, repr=False, kw_only=True, on_setattr=attrs.setters.NO_OP)
class MalformedResponseError(APIError):
    """The response does not match the API description."""

    path: str = ""
    """Path of the offending value, such as `$.data[1].status`."""


@attrs.define(slots=False, repr=False, kw_only=True, on_setattr=attrs.setters.NO_OP)
class StructuredOutputError(MalformedResponseError):
    """The generated text is not JSON, does not match the schema, or was truncated at the token limit."""

    text: str = ""
    """The generated text."""
    finish_reason: str | None = None
    """`length` if it was truncated; raise `max_tokens` or use a shorter video."""
    usage: Any = None
    """The `TokenUsage` of the response, which is billed."""


@attrs.define(slots=False, repr=False, kw_only=True, on_setattr=attrs.setters.NO_OP)
class StreamError(APIError):
    """A stream ended without its final event, contained invalid data, or reported an error."""

    text: str = ""
    """The text received before the error."""
    event_count: int = 0
    """Number of events received before the error."""


class BadRequestError(APIError):
    """400: a parameter is missing, unknown or invalid; see `code`."""

    STATUS: ClassVar[int | None] = 400


class AuthenticationError(APIError):
    """401: the API key is missing, invalid or expired."""

    STATUS: ClassVar[int | None] = 401
    HINT: ClassVar[str] = "check the API key; keys expire, and new ones are created in the dashboard"


class PermissionDeniedError(APIError):
    """403: the plan, the region or the owner of the object does not permit the call."""

    STATUS: ClassVar[int | None] = 403


class NotFoundError(APIError):
    """404: the object does not exist in this account. For an unknown id, some operations return 400 instead."""

    STATUS: ClassVar[int | None] = 404


class ConflictError(APIError):
    """409: the state of the object does not allow the call, such as deleting an asset that an index contains."""

    STATUS: ClassVar[int | None] = 409


class GoneError(APIError):
    """410: a page token has expired, or the endpoint was removed."""

    STATUS: ClassVar[int | None] = 410


@attrs.define(slots=False, repr=False, kw_only=True, on_setattr=attrs.setters.NO_OP)
class SearchExpiredError(BadRequestError, GoneError):
    """400, or 410 for a knowledge store: the page tokens of a search have expired; search again."""

    hit_count: int = 0
    """Number of hits received before the error."""


class UnprocessableEntityError(APIError):
    """422: the request is well-formed, but its content was rejected."""

    STATUS: ClassVar[int | None] = 422


@attrs.define(slots=False, repr=False, kw_only=True, on_setattr=attrs.setters.NO_OP)
class RateLimitError(APIError):
    """429: the account has used too many requests, media minutes or tokens in a window."""

    STATUS: ClassVar[int | None] = 429

    category: str = ""
    """Category of operations that share the limit, such as `search`."""
    dimension: str = "request"
    """Unit of the limit: `request`, or another name from the response headers."""
    limit: int | None = None
    """Size of the quota, if known."""
    resets_at: datetime | None = None
    """When the quota resets, in UTC; None if the platform has not reported it."""


TooManyRequestsError = RateLimitError
"""The official SDK's name for this exception."""


class QuotaExhaustedError(RateLimitError):
    """The quota is exhausted and resets after more than `max_wait`. `status_code` is None if nothing was sent."""


class InternalServerError(APIError):
    """5xx: the platform or a gateway failed."""

    STATUS: ClassVar[int | None] = 500


@attrs.define(slots=False, repr=False, kw_only=True, on_setattr=attrs.setters.NO_OP)
class WaitTimeoutError(TwelveLabsError, TimeoutError):
    """The wait ended before the platform had finished processing the resource."""

    resource_type: str = ""
    """Kind of resource, such as `asset`."""
    id: str = ""
    """Id of the resource."""
    status: str = ""
    """The last known status."""
    waited: float = 0.0
    """Seconds waited."""
    last_seen: Any = None
    """The last known state of the resource; None if it was never fetched."""


class WebhookSignatureError(TwelveLabsError):
    """A webhook was not signed with this secret, was modified, or is too old."""


@attrs.define(slots=False, repr=False, kw_only=True, on_setattr=attrs.setters.NO_OP)
class ProcessingFailedError(TwelveLabsError):
    """The platform failed to process a resource."""

    resource_type: str = ""
    """Kind of resource, such as `asset`."""
    id: str = ""
    """Id of the resource."""
    status: str = ""
    """The final status, such as `failed`."""
    reason: str = ""
    """Message of the platform, if there is one; its wording may change."""
    last_seen: Any = None
    """The failed resource."""


@attrs.define(slots=False, repr=False, kw_only=True, on_setattr=attrs.setters.NO_OP)
class UploadError(TwelveLabsError):
    """A file was not uploaded completely, or changed during the upload."""

    source: str = ""
    """Path or description of the source."""
    state: Any = None
    """The `UploadState` from which a multipart upload can be resumed; None for other uploads."""
    source_changed: bool = False
    """Whether the file is not the one that was to be uploaded any more; another attempt would fail again."""


class FrameError(TwelveLabsError):
    """A frame of a video cannot be read or decoded."""


class LedgerError(TwelveLabsError):
    """The ledger is damaged, was written by a newer version, or is not writable, or the file is not a ledger."""


class LedgerInUseError(LedgerError):
    """The ledger is in use by another process, or by another ingestion in this process."""
