"""Failures asked for in advance, and the account of those that happened."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from twelvelabs_async.emulator.streaming import Spoiled

EVERYTHING = "*"
STORAGE = "storage"

Moment = Literal["before", "after"]
"""Whether the request has been processed when the failure strikes."""

_PAGE = b"<!DOCTYPE html><html><head><title>Bad gateway</title></head><body>The edge has a problem.</body></html>"


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
    """Body of that answer; without one it is an error as the API writes them, and `b""` is an empty one."""
    html: bool = False
    """Let that answer be a web page, as a proxy in between would send; its status is 200 if none is given."""
    delay: float = 0.0
    """Seconds to wait before the request is processed, on the clock of the emulator."""
    reset: Moment | None = None
    """Cut the connection before or after the request is processed. After is the ambiguous failure: the work is done,
    and the caller does not know."""
    stall: Moment | Literal["body"] | None = None
    """Say nothing more: before or after the request is processed, or in the middle of the answer's body. It ends when
    the caller leaves or the emulator stops."""
    truncate: bool = False
    """Announce the whole answer, send half of it and close the connection."""
    stream: Spoiled | None = None
    """Let a stream fail: break off in the middle of a line (`cut`, or `reset` for a reset), hold a line that is no JSON
    (`broken-line`), end without its last event (`no-end`), or tell of a failure half way (`error-event`). An answer
    that is no stream passes, and is not counted."""
    times: int | None = 1
    """Requests that fail before all is well again; `None` for all of them."""
    after: int = 0
    """Requests to let pass first."""
    seen: int = 0
    """Requests that fitted, those that were let pass included."""
    hits: int = 0
    """Requests that failed."""

    @property
    def exhausted(self) -> bool:
        """Say whether this fault has done all it was asked for."""
        return self.times is not None and self.hits >= self.times

    @property
    def content(self) -> bytes:
        """The body to send instead of an answer."""
        if self.html:
            return _PAGE
        if self.body is None:
            return b'{"code":"injected_fault","message":"The emulator was asked to fail."}'
        return self.body.encode() if isinstance(self.body, str) else self.body

    @property
    def content_type(self) -> str:
        """What the body claims to be."""
        return "text/html" if self.html else "application/json"


class Faults:
    """The failures of one emulator; the oldest fault that fits a request strikes."""

    def __init__(self, operations: Iterable[str]) -> None:
        self._operations = {_plain(operation) for operation in operations} | {EVERYTHING, STORAGE}
        self._faults: list[Fault] = []

    def add(
        self,
        operation: str,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | None = None,
        html: bool = False,
        delay: float = 0.0,
        reset: Moment | None = None,
        stall: Moment | Literal["body"] | None = None,
        truncate: bool = False,
        stream: Spoiled | None = None,
        times: int | None = 1,
        after: int = 0,
    ) -> Fault:
        """Make requests fail in the way that the fields of `Fault` describe, and return it.

        Raises:
            ValueError: No operation is called that.
        """
        if _plain(operation) not in self._operations:
            raise ValueError(f"the emulator has no operation {operation!r}")
        fault = Fault(
            operation=_plain(operation),
            status=200 if html and status is None else status,
            headers=dict(headers or {}),
            body=body,
            html=html,
            delay=delay,
            reset=reset,
            stall=stall,
            truncate=truncate,
            stream=stream,
            times=times,
            after=after,
        )
        self._faults.append(fault)
        return fault

    def take(self, operation: str) -> Fault | None:
        """Return the fault that strikes a request now, and count it."""
        plain = _plain(operation) if self._faults else ""
        for fault in self._faults:
            if fault.operation not in {plain, EVERYTHING} or fault.exhausted:
                continue
            fault.seen += 1
            if fault.seen > fault.after:
                fault.hits += 1
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
