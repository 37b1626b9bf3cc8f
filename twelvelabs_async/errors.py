"""Every way a call can fail, as one tree.

```
TwelveLabsError                       whatever this package raises
├── InvalidInputError                 (ValueError) refused before anything was sent
├── ClientStateError                  (RuntimeError) closed, forked, or used from another event loop
├── APIError                          one call, told by its operation, attempts and request id
│   ├── APIConnectionError            (ConnectionError) no whole answer came back
│   │   └── APITimeoutError           (TimeoutError) the deadline passed first
│   ├── MalformedResponseError        an answer came, and it cannot be read
│   │   └── StructuredOutputError     a text is not the JSON that was asked for; keeps the text
│   ├── StreamError                   a stream broke off, or told of a failure; keeps the text so far
│   ├── BadRequestError               400
│   │   └── SearchExpiredError        (GoneError) the next page of a search is gone; tells how many hits came
│   ├── AuthenticationError           401
│   ├── PermissionDeniedError         403
│   ├── NotFoundError                 404
│   ├── ConflictError                 409
│   ├── GoneError                     410
│   ├── UnprocessableEntityError      422
│   ├── RateLimitError                429, also named TooManyRequestsError
│   │   └── QuotaExhaustedError       the wait would be longer than the caller allows
│   └── InternalServerError           5xx
├── WaitTimeoutError                  (TimeoutError) a resource did not finish in time
├── WebhookSignatureError             a webhook is forged, altered, or too old
├── ProcessingFailedError             the platform gave up on a resource, and says why
├── UploadError                       a file did not arrive whole, or is not what it was
└── LedgerError                       the memory of an ingestion cannot be used
    └── LedgerInUseError              another process works with it
```

An error never holds the API key, a header dump or the query of a presigned URL, and its text is one printable line.
"""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Any, ClassVar, Literal

import attrs
from typing_extensions import override

MESSAGE_LIMIT = 1000
"""Characters of a server's message that are kept."""

GaveUp = Literal["max_retries", "deadline", "max_wait", "retry_budget_exhausted"]
"""Why a failure that may pass was not followed by another attempt."""


def printable(text: str) -> str:
    """`text` as one line of at most `MESSAGE_LIMIT` characters, without control characters."""
    head = text[: MESSAGE_LIMIT * 2]
    line = " ".join("".join(" " if unicodedata.category(c)[0] == "C" else c for c in head).split())
    return line if len(line) <= MESSAGE_LIMIT else line[: MESSAGE_LIMIT - 1] + "…"


@attrs.define(slots=False, repr=False)
class TwelveLabsError(Exception):
    """Anything this package raises."""

    message: str = attrs.field(default="", converter=printable)
    """What happened, in one line."""

    @override
    def __str__(self) -> str:
        return self.message

    @override
    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions are rebuilt from positional arguments by default; ours have keyword-only fields.
        return _rebuild, (type(self), {field.name: getattr(self, field.name) for field in attrs.fields(type(self))})


def _rebuild(kind: type[TwelveLabsError], values: dict[str, Any]) -> TwelveLabsError:
    return kind(**values)


class InvalidInputError(TwelveLabsError, ValueError):
    """An argument was refused before anything was sent."""


class ClientStateError(TwelveLabsError, RuntimeError):
    """The client was used after `close()`, after a fork, or from another event loop than the one it was opened in."""


@attrs.define(slots=False, repr=False, kw_only=True)
class APIError(TwelveLabsError):
    """A call to the API failed; subclasses name the reason."""

    STATUS: ClassVar[int | None] = None
    ADVICE: ClassVar[str] = ""

    operation: str = ""
    """Verb and path template as the API reference prints them, such as `GET /assets/{asset_id}`."""
    status_code: int | None = None
    """HTTP status of the last answer; None when there was none."""
    code: str | None = None
    """The platform's machine-readable reason, such as `resource_not_exist`; the set is open."""
    docs_url: str | None = None
    """Page of the platform's documentation about this error, when it names one."""
    details: Any = None
    """Further structured details from the body, when there are any."""
    request_id: str | None = None
    """`x-trace-id` of the answer: quote it to support."""
    retry_after: float | None = None
    """Seconds the server asked to wait, counted from its answer."""
    attempts: int = 1
    """How often the request was sent."""
    elapsed: float = 0.0
    """Seconds from the start of the call to this error."""
    ambiguous: bool = False
    """True when the platform may have carried the write out although no success was seen: look before you repeat it."""
    retryable: bool = False
    """True when the same call may well succeed later."""
    gave_up: GaveUp | None = None
    """Why no further attempt was made, for a failure that would otherwise have been retried."""
    earlier: tuple[str, ...] = ()
    """One line for each attempt before the last."""

    @override
    def __str__(self) -> str:
        what = " ".join(str(part) for part in (self.status_code, self.code) if part is not None)
        head = " on ".join(part for part in (what, self.operation) if part)
        notes = [f"attempt {self.attempts}"] if self.attempts > 1 else []
        if self.gave_up:
            notes.append(f"gave up: {self.gave_up}")
        if self.ambiguous:
            notes.append("ambiguous: it may have happened")
        if self.request_id:
            notes.append(f"request {self.request_id}")
        message = self.message.rstrip(".") if self.ADVICE else self.message
        text = ": ".join(part for part in (head, message, self.ADVICE) if part) or type(self).__name__
        return f"{text} ({', '.join(notes)})" if notes else text


@attrs.define(slots=False, repr=False, kw_only=True)
class APIConnectionError(APIError, ConnectionError):
    """No whole answer came back: refused, reset, cut off, or not speaking HTTP."""

    sent: bool = True
    """False when surely nothing of the request reached the server."""


class APITimeoutError(APIConnectionError, TimeoutError):
    """The deadline of the call passed, or a transfer stood still for too long."""


@attrs.define(slots=False, repr=False, kw_only=True)
class MalformedResponseError(APIError):
    """An answer came that is not what the API describes."""

    path: str = ""
    """Where in the answer, such as `$.data[1].status`."""
    body: bytes = b""
    """The first bytes of the answer as they came, at most 1,000."""


@attrs.define(slots=False, repr=False, kw_only=True)
class StructuredOutputError(MalformedResponseError):
    """The platform wrote a text that is not the JSON that was asked for, or was cut at the limit of tokens."""

    text: str = ""
    """The text as it came."""
    finish_reason: str | None = None
    """`length` if it was cut; more `max_tokens` or a shorter video help then."""
    usage: Any = None
    """The `TokenUsage` of the answer: it was billed."""


@attrs.define(slots=False, repr=False, kw_only=True)
class StreamError(APIError):
    """A stream ended without its end, held something unreadable, or reported a failure."""

    text: str = ""
    """All text that came before."""
    events: int = 0
    """How many events came before."""


class BadRequestError(APIError):
    """400: a parameter is missing, unknown or wrong; `code` tells which."""

    STATUS: ClassVar[int | None] = 400


class AuthenticationError(APIError):
    """401: the key is missing, wrong or expired."""

    STATUS: ClassVar[int | None] = 401
    ADVICE: ClassVar[str] = "check the API key; keys can expire, and a new one is made in the dashboard of the platform"


class PermissionDeniedError(APIError):
    """403: the plan, the region or the owner of the object forbids it."""

    STATUS: ClassVar[int | None] = 403


class NotFoundError(APIError):
    """404: no such object in this account. Some operations answer 400 for an unknown id instead."""

    STATUS: ClassVar[int | None] = 404


class ConflictError(APIError):
    """409: the state of the object forbids it, such as deleting an asset that is indexed."""

    STATUS: ClassVar[int | None] = 409


class GoneError(APIError):
    """410: a page token has expired, or the endpoint was removed."""

    STATUS: ClassVar[int | None] = 410


@attrs.define(slots=False, repr=False, kw_only=True)
class SearchExpiredError(BadRequestError, GoneError):
    """400, from a knowledge store 410: the pages of a search were read too slowly, and only a new search helps."""

    hits: int = 0
    """How many hits had come before."""


class UnprocessableEntityError(APIError):
    """422: well-formed, and refused for its content."""

    STATUS: ClassVar[int | None] = 422


class RateLimitError(APIError):
    """429: too many requests, media minutes or tokens in a window."""

    STATUS: ClassVar[int | None] = 429


TooManyRequestsError = RateLimitError
"""The official SDK's name for the same thing."""


@attrs.define(slots=False, repr=False, kw_only=True)
class QuotaExhaustedError(RateLimitError):
    """The quota comes back later than the caller is willing to wait; `status_code` is None if nothing was sent."""

    category: str = ""
    """The group of endpoints that share the limit, such as `search`."""
    dimension: str = "request"
    """What is counted: `request`, or whatever the server's headers call it."""
    limit: int | None = None
    """Size of the quota, if the server told it."""
    resets_at: datetime | None = None
    """When the quota is back, in UTC."""


class InternalServerError(APIError):
    """5xx: the platform, or something on the way to it, failed."""

    STATUS: ClassVar[int | None] = 500


@attrs.define(slots=False, repr=False, kw_only=True)
class WaitTimeoutError(TwelveLabsError, TimeoutError):
    """A resource was still being processed when the time to wait was over. It goes on without us."""

    resource: str = ""
    """Kind of the resource, such as `asset`."""
    id: str = ""
    """Its identifier."""
    status: str = ""
    """The last status seen."""
    waited: float = 0.0
    """Seconds."""
    last: Any = None
    """The resource as it was seen last; None if it never was."""


class WebhookSignatureError(TwelveLabsError):
    """A webhook was not signed with this secret, was altered on the way, or was sent too long ago."""


@attrs.define(slots=False, repr=False, kw_only=True)
class ProcessingFailedError(TwelveLabsError):
    """The platform ended the processing of a resource without success."""

    resource: str = ""
    """Kind of the resource, such as `asset`."""
    id: str = ""
    """Its identifier."""
    status: str = ""
    """The final status, such as `failed`."""
    reason: str = ""
    """The platform's words, if it gave any; their text is not a contract."""
    last: Any = None
    """The resource itself."""


@attrs.define(slots=False, repr=False, kw_only=True)
class UploadError(TwelveLabsError):
    """A file did not arrive whole, or changed while it was sent."""

    source: str = ""
    """Path or description of what was being uploaded."""
    state: Any = None
    """The `UploadState` reached, from which an upload in parts can be resumed; None for others."""


class LedgerError(TwelveLabsError):
    """The ledger of an ingestion is damaged, of a newer version, no ledger at all, or cannot be written."""


class LedgerInUseError(LedgerError):
    """Another process, or another ingestion of this one, works with the ledger."""


_BY_STATUS: dict[int, type[APIError]] = {
    kind.STATUS: kind for kind in APIError.__subclasses__() if kind.STATUS is not None and kind.STATUS < 500
}


def for_status(status: int) -> type[APIError]:
    """The class that names an HTTP status; `APIError` itself for those without a name of their own."""
    return InternalServerError if status >= 500 else _BY_STATUS.get(status, APIError)
