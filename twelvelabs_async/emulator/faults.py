"""Failures asked for in advance, and the account of those that happened.

| what fails | words |
|---|---|
| the request is refused | `status=503`, with `headers`, `body`, `html` |
| a proxy answers | `html=True`, a web page |
| the caller is cut off before, or after the work is done | `reset="before"`, `reset="after"` |
| the caller is cut off, or refused, while the body is still being sent | the same or `status`, with `kib=256` |
| nothing comes any more | `stall="before"`, `stall="after"`, `stall="body"` in the middle of the answer |
| everything comes late | `delay=30`, `drip=10` for a body that trickles |
| the answer is cut short | `truncate=True` |
| the answer claims to be something else | `content_type="text/plain"` |
| a stream breaks | `stream="cut"`, `"reset"`, `"broken-line"`, `"no-end"`, `"error-event"` |
| a presigned URL has expired | `expired=True`, of the `storage` |
| the storage is down, or refuses | `status=503`, `status=403`, of the `storage`, in XML |
| a part arrives other than it was sent | `corrupt=True`, of the `storage` |
| processing fails later on | `problem="The codec is unknown."` |

Each strikes `times` requests, once `after` others have passed, each of them with a `probability` that a `seed` decides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypedDict

from typing_extensions import Unpack

from twelvelabs_async.emulator import seeded
from twelvelabs_async.emulator.errors import ApiError, shape_of
from twelvelabs_async.emulator.streaming import Spoiled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

EVERYTHING = "*"
STORAGE = "storage"

Moment = Literal["before", "after"]
"""Whether the request has been processed when the failure strikes."""
Stall = Literal["before", "after", "body"]

_PAGE = b"<!DOCTYPE html><html><head><title>Bad gateway</title></head><body>The edge has a problem.</body></html>"
_DICE = 1 << 64


class Words(TypedDict, total=False):
    """What a fault can be made of; `Fault` says what each word means."""

    status: int | None
    headers: Mapping[str, str]
    body: bytes | str | None
    html: bool
    content_type: str | None
    delay: float
    drip: float
    kib: int | None
    reset: Moment | None
    stall: Stall | None
    truncate: bool
    stream: Spoiled | None
    expired: bool
    corrupt: bool
    problem: str | None
    times: int | None
    after: int
    probability: float
    seed: int


@dataclass(slots=True, kw_only=True, eq=False)
class Fault:
    """One way for requests to fail, and how often it did."""

    operation: str
    """Verb and path template, for instance `GET /assets/{asset_id}`, where the names in braces do not matter; `storage`
    for the PUT to a presigned URL; `*` for whatever comes."""
    status: int | None = None
    """Answer with this status, and do not process the request."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Headers of that answer, for instance `Retry-After`."""
    body: bytes | str | None = None
    """Body of that answer; without one it is an error as the API or the storage writes them, and `b""` is empty."""
    html: bool = False
    """Let that answer be a web page, as a proxy in between would send; its status is 200 if none is given."""
    content_type: str | None = None
    """Let the answer, made up or real, claim to be of this type."""
    delay: float = 0.0
    """Seconds to wait before the request is processed, on the clock of the emulator."""
    drip: float = 0.0
    """Seconds over which the body of the answer is spread, piece by piece, on the clock of the emulator."""
    kib: int | None = None
    """KiB of the request's body to read before all that; with `status`, or with `before`, it is the failure in the
    middle of an upload. A shorter body is read whole."""
    reset: Moment | None = None
    """Cut the connection before or after the request is processed. After is the ambiguous failure: the work is done,
    and the caller does not know."""
    stall: Stall | None = None
    """Say nothing more: before or after the request is processed, or in the middle of the answer's body. It ends when
    the caller leaves or the emulator stops."""
    truncate: bool = False
    """Announce the whole answer, send half of it and close the connection."""
    stream: Spoiled | None = None
    """Let a stream fail: break off in the middle of a line (`cut`, or `reset` for a reset), hold a line that is no JSON
    (`broken-line`), end without its last event (`no-end`), or tell of a failure half way (`error-event`). An answer
    that is no stream passes, and is not counted."""
    expired: bool = False
    """Refuse a presigned URL as one that has expired; only for the storage."""
    corrupt: bool = False
    """Store a part other than it was sent: its ETag tells; only for the storage."""
    problem: str | None = None
    """Let what the request makes fail with this reason once it has been processed: an asset, an indexed asset, a task.
    A request that makes nothing of the kind passes, and is not counted."""
    times: int | None = 1
    """Requests that fail before all is well again; `None` for all of them."""
    after: int = 0
    """Requests to let pass first."""
    probability: float = 1.0
    """The chance of each request after those, from above 0 to 1. With `times` of 1 it is one failure at some time."""
    seed: int = 0
    """What decides which requests are unlucky: the same seed and the same requests give the same failures."""
    seen: int = 0
    """Requests that fitted, those that were let pass included."""
    hits: int = 0
    """Requests that failed."""

    def __post_init__(self) -> None:
        if (self.expired or self.corrupt) and self.operation != STORAGE:
            raise ValueError("only the storage has URLs that expire, and parts to corrupt")
        if not 0 < self.probability <= 1:
            raise ValueError("the probability must be above 0 and at most 1")
        if self.times == 0 or min(self.times or 1, self.after, self.delay, self.drip, self.kib or 0) < 0:
            raise ValueError("nothing about a fault can be negative, and it strikes at least once")

    @property
    def exhausted(self) -> bool:
        """Say whether this fault has done all it was asked for."""
        return self.times is not None and self.hits >= self.times

    def strikes(self) -> bool:
        """Say whether the next request that fits is to fail, and count it."""
        self.seen += 1
        if self.seen <= self.after or self._is_lucky():
            return False
        self.hits += 1
        return True

    def _is_lucky(self) -> bool:
        return self.probability < 1 and seeded.number("fault", self.seed, self.seen) >= self.probability * _DICE

    def pass_by(self) -> None:
        """Take back a hit that came to nothing."""
        self.hits -= 1

    @property
    def content(self) -> bytes:
        """The body to send instead of an answer."""
        if self.html:
            return _PAGE
        if self.body is None:
            status = self.status or 500
            shape = shape_of(self.operation, status)
            return ApiError(status, "injected_fault", "The emulator was asked to fail.", shape=shape).body()
        return self.body.encode() if isinstance(self.body, str) else self.body

    def told(self) -> dict[str, object]:
        """Return it as JSON: the words that were used, and how often it struck."""
        plain = Fault(operation=self.operation)
        words = {name: getattr(self, name) for name in Words.__annotations__}
        given = {name: value for name, value in words.items() if value != getattr(plain, name)}
        if isinstance(self.body, bytes):
            given["body"] = self.body.decode(errors="replace")
        return {"operation": self.operation, **given, "times": self.times, "seen": self.seen, "hits": self.hits}


class Faults:
    """The failures of one emulator; the oldest fault that fits a request strikes."""

    def __init__(self, operations: Iterable[str]) -> None:
        self._operations = {_plain(operation): operation for operation in (*operations, EVERYTHING, STORAGE)}
        self._faults: list[Fault] = []

    def __iter__(self) -> Iterator[Fault]:
        return iter(tuple(self._faults))

    def add(self, operation: str, **words: Unpack[Words]) -> Fault:
        """Make requests fail in the way that the fields of `Fault` describe, and return it.

        Raises:
            ValueError: No operation is called that, or a word does not fit.
        """
        name = self._operations.get(_plain(operation))
        if name is None:
            raise ValueError(f"the emulator has no operation {operation!r}")
        fault = Fault(operation=name, **words)
        if fault.html and fault.status is None:
            fault.status = 200
        self._faults.append(fault)
        return fault

    def take(self, operation: str) -> Fault | None:
        """Return the fault that strikes a request now, and count it."""
        for fault in self._faults:
            if fault.operation in {operation, EVERYTHING} and not fault.exhausted and fault.strikes():
                return fault
        return None

    def clear(self) -> None:
        """Forget all faults."""
        self._faults.clear()

    def assert_all_hit(self) -> None:
        """Check that every fault struck as often as it was asked to, and at least once.

        Raises:
            AssertionError: The text names those that did not.
        """
        missed = [fault for fault in self._faults if fault.hits < (fault.times or 1)]
        if missed:
            told = ", ".join(f"{fault.operation} ({fault.hits} of {fault.times or 'any'})" for fault in missed)
            raise AssertionError(f"faults that were not reached: {told}")


def _plain(operation: str) -> str:
    """Drop the names of path parameters, which differ in nothing but taste."""
    return re.sub(r"\{[^}]*\}", "{}", operation)
