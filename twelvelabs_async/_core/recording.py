"""An executor that records the last request of a call, for raw responses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

import attrs
from typing_extensions import override

from twelvelabs_async._core.executor import PUT_PART, Operation, RequestExecutor
from twelvelabs_async._core.extras import ExtendedExecutor, extended
from twelvelabs_async._core.retry import CallState
from twelvelabs_async._http.connections import Attempt
from twelvelabs_async._http.transport import AnyResponse, Response, StreamingResponse
from twelvelabs_async.requests import Request

T = TypeVar("T")


@attrs.define(eq=False, repr=False)
class CallRecord:
    """The last request to the API that succeeded."""

    state: CallState | None = None
    """Its attempts and its time in queues; None if there was no request."""
    response: Response | StreamingResponse | None = None
    """Its response."""
    elapsed: float = 0.0
    """Seconds from its start to its end; for a stream, to the start of the body."""


@attrs.frozen(kw_only=True, eq=False, repr=False)
class RecordingExecutor(ExtendedExecutor):
    """Writes each request to the API that succeeds into `record`."""

    record: CallRecord
    """Where the last one is."""

    @override
    async def _start(
        self,
        request: Request[Any],
        operation: Operation,
        body_size: int,
        timeout: float | None,
        send: Callable[[Attempt], Awaitable[AnyResponse]],
        read: Callable[[Request[Any], AnyResponse], Awaitable[T]],
    ) -> T:
        last = CallRecord()

        async def send_and_record(attempt: Attempt) -> AnyResponse:
            response = await send(attempt)
            last.state, last.response = cast("CallState", attempt), response
            return response

        result = await super()._start(request, operation, body_size, timeout, send_and_record, read)
        if request is not PUT_PART and last.state is not None:
            self.record.state, self.record.response = last.state, last.response
            self.record.elapsed = self.clock.monotonic() - last.state.started
        return result


def recording(executor: RequestExecutor, record: CallRecord) -> RecordingExecutor:
    """Return an executor that shares everything with `executor`, and writes into `record`."""
    base = executor if isinstance(executor, ExtendedExecutor) else extended(executor)
    fields = {field.name: getattr(base, field.name) for field in attrs.fields(ExtendedExecutor) if field.init}
    return RecordingExecutor(record=record, **fields)
