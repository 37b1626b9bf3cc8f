"""Calls a method of a client with an executor that records its last request, for `client.with_raw_response`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial, wraps
from operator import attrgetter
from typing import Any, NoReturn, TypeVar

import attrs
from multidict import CIMultiDict
from typing_extensions import override

from twelvelabs_async._core.executor import RequestExecutor
from twelvelabs_async._core.extra_parameters import ExtendedExecutor
from twelvelabs_async._core.retry import CallState
from twelvelabs_async._http.connections import Attempt
from twelvelabs_async._http.errors import request_id_from_headers
from twelvelabs_async._http.transport import AnyResponse, Response, StreamingResponse
from twelvelabs_async.errors import ClientStateError
from twelvelabs_async.pagination import Paginator
from twelvelabs_async.raw_responses import RawPaginator, RawResponse, RawStream
from twelvelabs_async.resources._base import Resource
from twelvelabs_async.streaming import EventStream

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
    async def _send_until_done(
        self,
        call: CallState,
        send: Callable[[Attempt], Awaitable[AnyResponse]],
        read: Callable[[AnyResponse], Awaitable[T]],
    ) -> T:
        last: AnyResponse | None = None

        async def send_and_record(attempt: Attempt) -> AnyResponse:
            nonlocal last
            last = await send(attempt)
            return last

        result = await super()._send_until_done(call, send_and_record, read)
        if call.limited and last is not None:
            self.record.state, self.record.response = call, last
            self.record.elapsed = self.clock.monotonic() - call.started
        return result


def recording(executor: RequestExecutor, record: CallRecord) -> RecordingExecutor:
    """Return an executor that shares everything with `executor`, and writes into `record`."""
    fields = attrs.asdict(executor, recurse=False, filter=lambda field, _: field.init and field.name != "record")
    return RecordingExecutor(record=record, **fields)


def raw_response(record: CallRecord, data: T) -> RawResponse[T]:
    """Return a result with what was recorded.

    Raises:
        ClientStateError: The call has sent no request.
    """
    if record.response is None or record.state is None:
        raise ClientStateError("the call has sent no request, and so has no raw response")
    return RawResponse(
        data=data,
        status_code=record.response.status,
        headers=CIMultiDict(record.response.headers),  # a proxy cannot be pickled
        request_id=request_id_from_headers(record.response.headers),
        attempts=record.state.send_count,
        elapsed=record.elapsed,
        queue_time=record.state.queue_time,
    )


class RawResponseGroup:
    """Resources whose methods return raw responses.

    Args:
        make_view: Returns a client whose requests are recorded.
        path: Names of the resource, such as `indexes.indexed_assets`; empty for the client.
    """

    def __init__(self, make_view: Callable[[CallRecord], Any], path: str = "") -> None:
        self._make_view = make_view
        self._path = path

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
        path = f"{self._path}.{name}" if self._path else name
        found = attrgetter(path)(self._make_view(CallRecord()))
        if isinstance(found, Resource):
            return RawResponseGroup(self._make_view, path)
        if not self._path and name != "request":
            raise AttributeError(f"with_raw_response has no {name!r}; use a resource, or request", name=name, obj=self)

        @wraps(found)
        def method(*args: Any, **kwargs: Any) -> Any:
            return self._call(path, args, kwargs)

        return method

    @override
    def __reduce__(self) -> NoReturn:
        raise TypeError("a client cannot be copied or pickled; create one in the process that uses it")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call a resource that is a function, such as `analyze`."""
        return self._call(self._path, args, kwargs)

    def _call(self, path: str, args: Any, kwargs: Any) -> Any:
        record = CallRecord()
        result: object = attrgetter(path)(self._make_view(record))(*args, **kwargs)
        respond: Callable[[Any], Any] = partial(raw_response, record)
        if isinstance(result, Paginator):
            return RawPaginator[Any](result, respond)  # pyright: ignore[reportUnknownArgumentType]  # any items
        if isinstance(result, EventStream):
            return RawStream[Any](result, respond)
        if not isinstance(result, Awaitable):
            raise ClientStateError(f"{path} has no raw response: it sends requests while it is used")
        return self._respond(result, respond)  # pyright: ignore[reportUnknownArgumentType]  # any result

    async def _respond(self, awaitable: Awaitable[Any], respond: Callable[[Any], Any]) -> Any:
        return respond(await awaitable)
