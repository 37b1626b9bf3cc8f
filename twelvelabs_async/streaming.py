"""Streaming responses: iterate over events while the server sends them.

A stream that ends without its final event, or contains an event that cannot be decoded, raises `StreamError` with the
text received so far. A truncated response is never returned as a complete one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import contextmanager
from copy import copy
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeVar

from twelvelabs_async._core.executor import StreamingExecutor
from twelvelabs_async._core.retry import NON_IDEMPOTENT_CLASSES
from twelvelabs_async._core.stream_decoders import EventProtocol, StreamDecoder
from twelvelabs_async._http.errors import request_id_from_headers
from twelvelabs_async._http.transport import StreamingResponse
from twelvelabs_async.errors import APIError, ClientStateError, StreamError
from twelvelabs_async.requests import Request

_E = TypeVar("_E")

_READ_BATCH_SIZE: Final = 64
"""Events decoded before the first one is yielded; a chunk may contain thousands."""

_CLOSED_EARLY: Final = "the stream was closed before its end"

_DRAIN_TIMEOUT: Final = 0.25
"""Seconds to wait for the end of the body after the final event, so that the connection can be reused."""


class EventStream(Generic[_E]):
    """Events of a streaming response. Entering or iterating the stream sends the request; it can be used once.

    Example:
        async with client.analyze_stream(video=VideoAsset(asset_id=asset.id), prompt="What happens?") as stream:
            async for event in stream:
                print(event)
    """

    def __init__(
        self,
        executor: StreamingExecutor,
        request: Request[Any],
        protocol: EventProtocol[_E],
        decoder: StreamDecoder,
        *,
        accept: str,
    ) -> None:
        request.path()  # raises for an invalid id, where the caller passed it
        self._executor = executor
        self._request = request
        self._protocol = protocol
        self._decoder = decoder
        self._accept = accept
        self._response: StreamingResponse | None = None
        self._payloads: Iterator[bytes] = iter(())
        self._body_ended = False
        self._buffer: deque[_E] = deque()
        self._text_parts: list[str] = []
        self._event_count = 0
        self._finished = False
        self._entered = False
        self._closed = False
        self._busy = False
        """Whether a task opens the stream or waits for its next bytes."""
        self._failure: StreamError | None = None
        """Copied when it is raised: the traceback of this one would keep the caller's variables."""

    @property
    def text_so_far(self) -> str:
        """The text received so far."""
        return "".join(self._text_parts)

    async def close(self) -> None:
        """Close the stream; unread events are discarded.

        Example:
            stream = client.analyze_stream(video=VideoAsset(asset_id=asset.id), prompt="What happens?")
            async for event in stream:
                print(event)
                break
            await stream.close()
        """
        self._closed = True
        response, self._response = self._response, None
        if response is None:
            return
        self._report_end(response)
        try:
            if self._finished:
                await _drain(response)
        finally:
            response.close()

    async def aclose(self) -> None:
        """The same as `close`."""
        await self.close()

    async def __aenter__(self) -> Self:
        await self._open()
        self._entered = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, asyncio.CancelledError) and self._response is not None:
            self._report_end(self._response, error)
        await self.close()

    if not TYPE_CHECKING:  # type checkers report it themselves

        def __iter__(self) -> Any:
            """Raise an error that names the statement to use."""
            raise TypeError("a stream needs `async for`; TwelveLabs, the client without `await`, has streams for `for`")

        def __enter__(self) -> Any:
            """Raise an error that names the statement to use."""
            raise TypeError(
                "a stream needs `async with`; TwelveLabs, the client without `await`, has streams for `with`"
            )

        def __exit__(self, *_: object) -> None:
            """Exist, so that `with` calls `__enter__`."""

    async def __aiter__(self) -> AsyncIterator[_E]:
        try:
            await self._open()
            while await self._fill_buffer():
                while self._buffer:
                    yield self._buffer.popleft()
        finally:
            if not (self._entered or self._busy):  # another task, which is reading, closes it
                await self.close()

    async def _read_to_end(self) -> None:
        """Read the rest of the stream; does nothing at its end.

        Raises:
            StreamError: The stream is truncated, cannot be decoded, or reports an error.
        """
        if self._failure is not None:
            raise copy(self._failure)
        if not self._finished:
            async for _ in self:
                pass

    async def _open(self) -> None:
        if self._closed:
            raise ClientStateError("the stream is finished or closed; call the method again for a new stream")
        if self._response is not None:
            return
        with self._exclusively():
            response = await self._executor.open_stream(self._request, accept=self._accept)
        if self._closed:  # meanwhile, by another task
            if response.report is not None:
                response.report.finish()
            response.close()
            raise ClientStateError(_CLOSED_EARLY)
        self._response = response

    @contextmanager
    def _exclusively(self) -> Generator[None]:
        """Refuse a second task while one waits for the server.

        Raises:
            ClientStateError: Another task opens or reads the stream.
        """
        if self._busy:
            raise ClientStateError("another task or thread reads the stream; read it in one, and pass the events on")
        self._busy = True
        try:
            yield
        finally:
            self._busy = False

    async def _fill_buffer(self) -> bool:
        """Read until at least one event is buffered; return False at the end of the stream.

        Raises:
            StreamError: The stream is truncated, cannot be decoded, or reports an error.
            ClientStateError: The stream was closed, or another task reads it.
        """
        while not (self._buffer or self._finished or self._failure):
            response = self._response
            if response is None:
                raise ClientStateError(_CLOSED_EARLY)
            with self._exclusively():
                await self._read_from(response)
        if not self._buffer and self._failure is not None:
            raise copy(self._failure)
        return bool(self._buffer)

    async def _read_from(self, response: StreamingResponse) -> None:
        """Read more, and report the end of the stream, with its error if it has one."""
        try:
            await self._read_more(response)
        except APIError as error:
            if self._closed:  # by another task, which ended the connection
                raise ClientStateError(_CLOSED_EARLY) from None
            self._failure = self._as_stream_error(error, response)
            self._report_end(response, self._failure)
        except BaseException as error:
            self._report_end(response, error)
            raise
        if self._finished:
            self._report_end(response)

    async def _read_more(self, response: StreamingResponse) -> None:
        """Decode a batch of events, or read the next chunk. Events after the final one are ignored."""
        previous_count = self._event_count
        for data in islice(self._payloads, _READ_BATCH_SIZE):
            self._handle_event(data)
            if self._finished:
                return
        if self._event_count > previous_count:
            return
        if self._body_ended:
            if self._protocol.terminal_types:
                raise StreamError(message="the stream ended before its final event", retryable=True)
            self._finished = True
            return
        chunk = await response.read_chunk(self._executor.options.idle_timeout)
        self._body_ended = not chunk
        self._payloads = self._decoder.feed(chunk) if chunk else self._decoder.flush()

    def _handle_event(self, data: bytes) -> None:
        event_type, event = self._protocol.decode(data)
        self._event_count += 1
        self._text_parts.append(self._protocol.text_of(event))
        message = self._protocol.error_of(event)
        if message:
            raise StreamError(message=message)
        self._on_event(event)
        self._finished = event_type in self._protocol.terminal_types
        self._buffer.append(event)

    def _on_event(self, event: _E) -> None:
        """Hook for subclasses, called with each event."""

    def _usage(self) -> object:
        """Hook for subclasses: return the token usage in the final event."""
        return None

    def _report_end(self, response: StreamingResponse, error: BaseException | None = None) -> None:
        """Report the end of the call to the listeners of the client; only the first time counts."""
        if response.report is not None:
            response.report.finish(error, self._usage())

    def _as_stream_error(self, error: APIError, response: StreamingResponse) -> StreamError:
        """Return `error` as a `StreamError` with the text received so far."""
        non_idempotent = self._request.retry_class in NON_IDEMPOTENT_CLASSES
        stream_error = StreamError(
            message=error.message,
            operation=self._request.operation,
            status_code=response.status,
            request_id=request_id_from_headers(response.headers),
            headers=response.headers,
            body=error.body,
            text=self.text_so_far,
            event_count=self._event_count,
            retryable=error.retryable and not non_idempotent,
            ambiguous=non_idempotent and (error.retryable or not isinstance(error, StreamError)),
        )
        self._executor.redactor.redact(stream_error)
        return stream_error


class TextStream(EventStream[_E]):
    """A stream whose events contain the pieces of one text."""

    async def text(self) -> str:
        """Read the rest of the stream and return the whole text.

        Raises:
            StreamError: The stream is truncated, cannot be decoded, or reports an error.

        Example:
            stream = client.analyze_stream(video=VideoAsset(asset_id=asset.id), prompt="What happens?")
            print(await stream.text())
        """
        await self._read_to_end()
        return self.text_so_far


async def _drain(response: StreamingResponse) -> None:
    """Read the end of the body after the final event, for up to `_DRAIN_TIMEOUT` seconds."""
    try:
        async with asyncio.timeout(_DRAIN_TIMEOUT):
            while await response.read_chunk(_DRAIN_TIMEOUT):
                pass
    except (TimeoutError, APIError):
        return
