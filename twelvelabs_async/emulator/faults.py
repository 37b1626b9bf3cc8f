"""Faults to inject into requests, and counts of the requests they hit.

| failure | options |
|---|---|
| error response | `status=503`, with `headers`, `body`, `html` |
| web page of a proxy | `html=True` |
| error response of a gateway or framework | `status=400` with `error_format="detail"` or another `ErrorFormat` |
| error response about the account's plan | `plan_limit="plan_limit_exceeded"` or another `PlanLimit` |
| repeated Idempotency-Key | `idempotency_conflict=True`, for `POST /analyze/tasks` |
| connection reset before or after processing | `reset="before"`, `reset="after"` |
| reset or error response during the upload of the body | `reset="before"` or `status`, with `after_body_kib=256` |
| no response | `stall="before"`, `stall="after"`; `stall="body"` stops in the middle of the response body |
| slow response | `delay=30`; `trickle=10` spreads the body over 10 seconds |
| truncated response | `truncate=True` |
| wrong content type | `content_type="text/plain"` |
| damaged JSON from a model | `damage="fence"` or another `Damage` |
| broken stream | `stream="cut"`, `"reset"`, `"broken-line"`, `"no-end"`, `"error-event"` |
| expired presigned URL | `expired=True`, for `storage` |
| error response of the storage, in XML | `status=503`, `status=403`, `status=429` with `headers`, for `storage` |
| corrupted part | `corrupt=True`, for `storage` |
| processing that fails later | `processing_error="The codec is unknown."` |

A fault lets `after` requests pass, and then hits `times` requests, each with a `probability` that `seed` determines.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypedDict, get_args

from typing_extensions import Unpack, override

from twelvelabs_async.emulator._errors import (
    INJECTED_CODE,
    INJECTED_MESSAGE,
    ApiError,
    error_shape,
)
from twelvelabs_async.emulator._operations import ANY_OPERATION, STORAGE
from twelvelabs_async.emulator._state.deterministic import stable_int

FaultPhase = Literal["before", "after"]
"""Whether the fault takes effect before or after the request is processed."""
StallPoint = Literal["before", "after", "body"]
StreamFault = Literal["cut", "reset", "broken-line", "no-end", "error-event"]
"""Failure of a stream: it ends within a line, by a closed (`cut`) or reset connection; it has a line that is not
JSON; it ends without its last event; or it has an error event in the middle."""

Damage = Literal["prose", "fence", "twice", "extra-brace", "escaped", "cut", "repeated-tail"]
"""Kind of damage to a document: sentences before and after it; a code fence with a word after it; the document twice; a
brace too many at the end; quotes and line breaks escaped from the middle on; the second half missing; the end twice."""

ErrorFormat = Literal[
    "text", "html", "detail", "errors", "title", "error_description", "invalid-utf8", "truncated", "empty"
]
"""Format of an error body: plain text; a web page whose title is the message; a JSON object with `detail`, as of
FastAPI, with a list `errors`, with `title`, as in RFC 9457, or with `error` and `error_description`, as in OAuth; an
error of the API with a byte that is not UTF-8, or cut off after the message; or nothing."""

PlanLimit = Literal["plan_limit_exceeded", "usage_limit_exceeded", "api_allowed_for_paid_plan"]
"""Code of an error that the account's plan causes."""

_CHOICES = {
    "error_format": get_args(ErrorFormat),
    "plan_limit": get_args(PlanLimit),
    "damage": get_args(Damage),
    "reset": get_args(FaultPhase),
    "stall": get_args(StallPoint),
    "stream": get_args(StreamFault),
}
"""Allowed values by option."""
_IDEMPOTENT_OPERATION = "POST /analyze/tasks"

_HTML_PAGE = b"<!DOCTYPE html><html><head><title>Bad gateway</title></head><body>The edge has a problem.</body></html>"
_MAX_RESET = 366 * 86_400.0
_RANDOM_RANGE = 1 << 64
_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HEADER_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")


class FaultOptions(TypedDict, total=False):
    """Options of a fault; `Fault` documents each one."""

    status: int | None
    headers: Mapping[str, str]
    body: bytes | str | None
    html: bool
    error_format: ErrorFormat | None
    plan_limit: PlanLimit | None
    resets_after: float | None
    damage: Damage | None
    idempotency_conflict: bool
    content_type: str | None
    delay: float
    trickle: float
    after_body_kib: int | None
    reset: FaultPhase | None
    stall: StallPoint | None
    truncate: bool
    stream: StreamFault | None
    expired: bool
    corrupt: bool
    processing_error: str | None
    times: int | None
    after: int
    probability: float
    seed: int


@dataclass(slots=True, kw_only=True, eq=False, repr=False)
class Fault:
    """A fault and the number of requests it has hit."""

    operation: str
    """Method and path template, for example `GET /assets/{asset_id}`; the names in braces are ignored. `storage` is
    the PUT to a presigned URL, `*` is every operation."""
    status: int | None = None
    """Respond with this status without processing the request."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Headers of the error response, for example `Retry-After`."""
    body: bytes | str | None = None
    """Body of the error response. `None` sends an error of the API or the storage, `b""` an empty body."""
    html: bool = False
    """Respond with a web page, as a proxy would; `status` defaults to 200."""
    error_format: ErrorFormat | None = None
    """Format of the error response, if it is not that of the API; needs `status`."""
    plan_limit: PlanLimit | None = None
    """Respond that the account's plan does not allow the request; determines the status."""
    resets_after: float | None = None
    """Seconds until the time that the message of `plan_limit_exceeded` states; `None` for a message without a time."""
    damage: Damage | None = None
    """Damage generated JSON documents, as models do: in analyses, results of analysis tasks and responses, whole or
    streamed. A response without generated text passes and is not counted."""
    idempotency_conflict: bool = False
    """Respond with 409 to a repeated Idempotency-Key, instead of the task that it created; only for `POST
    /analyze/tasks`. The reference does not say which of them the platform does. A request with a new key or without
    one passes and is not counted."""
    content_type: str | None = None
    """Content-Type of the response, whether injected or real."""
    delay: float = 0.0
    """Seconds to wait before the request is processed, by the emulator's clock."""
    trickle: float = 0.0
    """Seconds over which the response body is sent in chunks, by the emulator's clock."""
    after_body_kib: int | None = None
    """KiB of the request body to read before the fault; with `status` or `reset="before"`, the request fails during the
    upload. A shorter body is read completely."""
    reset: FaultPhase | None = None
    """Reset the connection before or after the request is processed. `after` is ambiguous: the request has been
    processed, and the client does not know."""
    stall: StallPoint | None = None
    """Stop sending before or after the request is processed, or in the middle of the response body, until the client
    disconnects or the emulator stops."""
    truncate: bool = False
    """Send the full Content-Length and half of the body, and close the connection."""
    stream: StreamFault | None = None
    """Break a stream: end the connection within a line (`cut`, or `reset` with a TCP reset), send a line that is not
    JSON (`broken-line`), omit the last event (`no-end`), or send an error event in the middle (`error-event`). A
    response that is not a stream passes and is not counted."""
    expired: bool = False
    """Reject a presigned URL as expired; only for `storage`."""
    corrupt: bool = False
    """Corrupt a part before it is stored, which changes its ETag; only for `storage`."""
    processing_error: str | None = None
    """Reason with which the asset, indexed asset or task that the request creates fails after its processing time.
    A request that creates none of these passes and is not counted."""
    times: int | None = 1
    """Maximum number of requests to hit; `None` for no limit."""
    after: int = 0
    """Number of matching requests to let pass first."""
    probability: float = 1.0
    """Probability of a hit, above 0 and at most 1, for each matching request after those."""
    seed: int = 0
    """Determines which requests are hit: the same seed and the same requests produce the same failures."""
    matched: int = 0
    """Number of matching requests, including those that passed."""
    hits: int = 0
    """Number of requests hit."""

    def __post_init__(self) -> None:
        if (self.expired or self.corrupt) and self.operation != STORAGE:
            raise ValueError(f"expired= and corrupt= apply to 'storage' only, got {self.operation!r}")
        if self.idempotency_conflict and self.operation not in {_IDEMPOTENT_OPERATION, ANY_OPERATION}:
            raise ValueError(f"idempotency_conflict= applies to {_IDEMPOTENT_OPERATION!r} only, got {self.operation!r}")
        for name, allowed in _CHOICES.items():
            value = getattr(self, name)
            if value is not None and value not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
        if self.error_format is not None and self.status is None:
            raise ValueError("error_format= needs status=")
        self._check_numbers()
        for name, value in {**self.headers, "Content-Type": self.content_type or ""}.items():
            if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
                raise ValueError(f"{name!r}: {value!r} cannot be sent as a header")

    def _check_numbers(self) -> None:
        if self.status is not None and not 200 <= self.status <= 599:
            raise ValueError(f"status must be from 200 to 599, got {self.status}")
        if not all(math.isfinite(seconds) for seconds in (self.delay, self.trickle)):
            raise ValueError(f"delay and trickle must be finite, got {self.delay} and {self.trickle}")
        if self.resets_after is not None and not 0 <= self.resets_after <= _MAX_RESET:
            raise ValueError(f"resets_after must be from 0 to {_MAX_RESET:g} seconds, got {self.resets_after}")
        if not 0 < self.probability <= 1:
            raise ValueError(f"probability must be above 0 and at most 1, got {self.probability}")
        if self.times == 0 or min(self.times or 1, self.after, self.delay, self.trickle, self.after_body_kib or 0) < 0:
            raise ValueError("times must be at least 1; after, delay, trickle and after_body_kib must not be negative")

    @property
    def exhausted(self) -> bool:
        """Whether the fault has hit `times` requests."""
        return self.times is not None and self.hits >= self.times

    def trigger(self) -> bool:
        """Count a matching request, and return whether the fault hits it."""
        self.matched += 1
        skipped = (
            self.probability < 1 and stable_int("fault", self.seed, self.matched) >= self.probability * _RANDOM_RANGE
        )
        if self.matched <= self.after or skipped:
            return False
        self.hits += 1
        return True

    def undo_hit(self) -> None:
        """Uncount a hit that had no effect."""
        self.hits -= 1

    @property
    def error_body(self) -> bytes:
        """Body of the error response."""
        if self.html:
            return _HTML_PAGE
        if self.body is None:
            status = self.status or 500
            shape = error_shape(self.operation, status)
            return ApiError(status, INJECTED_CODE, INJECTED_MESSAGE, shape=shape).body()
        return self.body.encode() if isinstance(self.body, str) else self.body

    def to_json(self) -> dict[str, object]:
        """Return the fault as JSON: its options that are not defaults, and its counts.

        Example:
            fault = emulator.faults.add("GET /indexes", status=503)
            await client.indexes.list()
            print(fault.to_json())
        """
        changed = self._changed_options()
        if isinstance(self.body, bytes):
            changed["body"] = self.body.decode(errors="replace")
        return {"operation": self.operation, **changed, "times": self.times, "seen": self.matched, "hits": self.hits}

    @override
    def __repr__(self) -> str:
        options = {"operation": self.operation, **self._changed_options(), "hits": self.hits}
        return f"Fault({', '.join(f'{name}={value!r}' for name, value in options.items())})"

    def _changed_options(self) -> dict[str, object]:
        """Return the options that are not defaults."""
        default = Fault(operation=self.operation)
        options = {name: getattr(self, name) for name in FaultOptions.__annotations__}
        return {name: value for name, value in options.items() if value != getattr(default, name)}


class Faults:
    """The faults of an emulator; a request is hit by the oldest fault that matches it."""

    def __init__(self, operations: Iterable[str]) -> None:
        self._operations = {
            _normalize_operation(operation): operation for operation in (*operations, ANY_OPERATION, STORAGE)
        }
        self._faults: list[Fault] = []

    def __iter__(self) -> Iterator[Fault]:
        return iter(tuple(self._faults))

    def add(self, operation: str, **options: Unpack[FaultOptions]) -> Fault:
        """Add a fault and return it; the fields of `Fault` document the options.

        Raises:
            ValueError: The operation is unknown, or an option is invalid.

        Example:
            emulator.faults.add("GET /indexes", status=503, times=2)
            await client.indexes.list()  # retried twice
        """
        name = self._operations.get(_normalize_operation(operation))
        if name is None:
            raise ValueError(f"unknown operation {operation!r}; pass a method and path template, 'storage' or '*'")
        fault = Fault(operation=name, **options)
        if fault.html and fault.status is None:
            fault.status = 200
        self._faults.append(fault)
        return fault

    def trigger(self, operation: str) -> Fault | None:
        """Return the fault that hits a request, after counting it, or `None`."""
        for fault in self._faults:
            if fault.operation in {operation, ANY_OPERATION} and not fault.exhausted and fault.trigger():
                return fault
        return None

    def clear(self) -> None:
        """Remove all faults.

        Example:
            emulator.faults.add("GET /indexes", status=503)
            emulator.faults.clear()
        """
        self._faults.clear()

    def assert_all_hit(self) -> None:
        """Check that every fault has hit `times` requests, or at least one if `times` is `None`.

        Raises:
            AssertionError: A fault has not; the message lists the operations and counts.

        Example:
            emulator.faults.add("GET /indexes", status=503)
            await client.indexes.list()
            emulator.faults.assert_all_hit()
        """
        missed = [fault for fault in self._faults if fault.hits < (fault.times or 1)]
        if missed:
            counts = ", ".join(f"{fault.operation} ({fault.hits} of {fault.times or 'any'})" for fault in missed)
            raise AssertionError(f"faults without the expected hits: {counts}")


def _normalize_operation(operation: str) -> str:
    """Remove the names of path parameters."""
    return re.sub(r"\{[^}]*\}", "{}", operation)
