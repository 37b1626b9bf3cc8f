r"""Answers that come piece by piece: newline-delimited JSON, and server-sent events.

The network cuts where it likes, within a character, a line or a frame, so bytes are put together first and split at
`\n` only; other line ends may stand within a JSON text. What comes out is events. A stream that ends without its last
event, or holds a line that cannot be read, is an error that keeps the text so far: a cut answer is never a whole one.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Final, Generic, Protocol, Self, TypeVar, cast

import attrs

from twelvelabs_async.api import Road
from twelvelabs_async.codec import structure
from twelvelabs_async.errors import APIError, ClientStateError, MalformedResponseError, StreamError
from twelvelabs_async.models.common import Model
from twelvelabs_async.request import Request
from twelvelabs_async.session import OpenReply

E = TypeVar("E")

LONGEST_LINE: Final = 32 * 1024 * 1024
"""Bytes of one line at most."""

NDJSON: Final = "application/x-ndjson, application/json"
SSE: Final = "text/event-stream"


class Splitter:
    """Puts pieces together and gives whole lines, without their end."""

    def __init__(self) -> None:
        self._kept: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """The lines that `piece` completes.

        Raises:
            MalformedResponseError: A line is longer than `LONGEST_LINE`.
        """
        first, *rest = piece.split(b"\n")
        self._kept.append(first)
        self._size += len(first)
        if self._size > LONGEST_LINE:
            raise MalformedResponseError(message=f"a line of more than {LONGEST_LINE} bytes")
        if not rest:
            return []
        lines = [b"".join(self._kept), *rest[:-1]]
        self._kept, self._size = [rest[-1]], len(rest[-1])
        return lines

    def rest(self) -> bytes:
        """What came after the last line end."""
        left = b"".join(self._kept)
        self._kept, self._size = [], 0
        return left


class Frames(Protocol):
    """Finds the JSON texts in a stream of bytes."""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The texts that `piece` completes."""
        ...

    def end(self) -> Iterator[bytes]:
        """A last one that nothing follows."""
        ...


class JsonLines:
    """One JSON text a line; blank lines are skipped."""

    def __init__(self) -> None:
        self._lines = Splitter()

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The lines that are not blank."""
        return (line for line in self._lines.feed(piece) if line.strip())

    def end(self) -> Iterator[bytes]:
        """A last line without a line end."""
        return (line for line in (self._lines.rest(),) if line.strip())


class ServerSentEvents:
    """The `data` of each frame. The event's name is in the JSON too, and that one counts; `[DONE]` is no event."""

    def __init__(self) -> None:
        self._lines = Splitter()
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The data of the frames that are complete."""
        for line in self._lines.feed(piece):
            yield from self._line(line.removesuffix(b"\r"))

    def _line(self, line: bytes) -> Iterator[bytes]:
        if line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
        elif not line and self._data:
            data, self._data = b"\n".join(self._data), []
            if data != b"[DONE]":
                yield data

    def end(self) -> Iterator[bytes]:
        """A frame is only complete with its blank line, so there is none."""
        return iter(())


@attrs.frozen(kw_only=True)
class UnknownEvent(Model):
    """An event that is newer than this version; all of it is in `extra`."""

    kind: str = ""
    """What the event calls itself."""


@attrs.frozen(kw_only=True)
class Grammar(Generic[E]):
    """What a kind of stream consists of."""

    tag: str
    """Field of an event that says which it is."""
    kinds: Mapping[str, type[E]]
    """Events by that name."""
    last: frozenset[str] = frozenset()
    """Events of which one must end the stream; none for streams that just end."""
    text: Callable[[E], str] = attrs.field(default=lambda _: "")
    """What an event adds to the text."""
    failure: Callable[[E], str] = attrs.field(default=lambda _: "")
    """What went wrong, if an event tells of a failure."""

    def read(self, data: bytes) -> tuple[str, E | UnknownEvent]:
        """One event and its name.

        Raises:
            MalformedResponseError: It is not what it says it is.
        """
        try:
            found = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise MalformedResponseError(message=f"an event is not JSON: {error}", body=data[:1000]) from None
        if not isinstance(found, dict):
            raise MalformedResponseError(message="an event is not an object", body=data[:1000])
        event = cast("dict[str, Any]", found)
        name = str(event.get(self.tag, ""))
        kind = self.kinds.get(name)
        if kind is None:
            return name, UnknownEvent(kind=name, extra=event)
        return name, structure(event, kind, body=data)


class EventStream(Generic[E]):
    """Events as they come. Nothing is sent until it is entered or iterated; it can be used once.

    Example:
        async with client.analyze_stream(...) as stream:
            async for event in stream: ...
    """

    def __init__(self, road: Road, request: Request[Any], grammar: Grammar[E], frames: Frames, *, accept: str) -> None:
        self._road = road
        self._request = request
        self._grammar = grammar
        self._frames = frames
        self._accept = accept
        self._reply: OpenReply | None = None
        self._ready: deque[E | UnknownEvent] = deque()
        self._pieces: AsyncIterator[bytes] | None = None
        self._text: list[str] = []
        self._events = 0
        self._ended = False
        self._entered = False
        self._closed = False
        self._failure: StreamError | None = None

    @property
    def text_so_far(self) -> str:
        """All text that has come."""
        return "".join(self._text)

    async def text(self) -> str:
        """All text, read to the end of the stream."""
        async for _ in self:
            pass
        return self.text_so_far

    async def close(self) -> None:
        """Close the connection; a stream that is not read to its end stops there."""
        self._closed = True
        if self._reply is not None:
            self._reply.close()

    async def __aenter__(self) -> Self:
        await self._start()
        self._entered = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def __aiter__(self) -> AsyncIterator[E | UnknownEvent]:
        try:
            await self._start()
            while await self._fill():
                while self._ready:
                    yield self._ready.popleft()
        finally:
            if not self._entered:
                await self.close()

    async def _start(self) -> None:
        if self._closed:
            raise ClientStateError("the stream is over, or was closed; make the call again")
        if self._reply is None:
            self._reply = await self._road.open(self._request, accept=self._accept)
            self._pieces = self._reply.pieces(self._road.options.idle_timeout)

    async def _fill(self) -> bool:
        """Read until there is an event; False at the end of the stream.

        Raises:
            StreamError: It broke off, cannot be read, or tells of a failure.
        """
        while not (self._ready or self._ended or self._failure) and self._pieces is not None:
            try:
                await self._advance(self._pieces)
            except APIError as error:
                self._failure = self._error(error.message, retryable=error.retryable)
        if not self._ready and self._failure is not None:
            raise self._failure
        return bool(self._ready)

    async def _advance(self, pieces: AsyncIterator[bytes]) -> None:
        """Take the events of one more piece."""
        piece = await anext(pieces, None)
        for data in self._frames.end() if piece is None else self._frames.feed(piece):
            self._take(data)
        if piece is None:
            self._end()

    def _take(self, data: bytes) -> None:
        name, event = self._grammar.read(data)
        self._events += 1
        if isinstance(event, UnknownEvent):
            self._ready.append(event)
            return
        self._text.append(self._grammar.text(event))
        failure = self._grammar.failure(event)
        if failure:
            raise self._error(failure)
        self._ended = self._ended or name in self._grammar.last
        self._ready.append(event)

    def _end(self) -> None:
        if self._grammar.last and not self._ended:
            raise self._error("the stream ended before its last event", retryable=True)
        self._ended = True

    def _error(self, message: str, *, retryable: bool = False) -> StreamError:
        return StreamError(
            message=message,
            operation=self._request.operation,
            status_code=self._reply.status if self._reply is not None else None,
            text=self.text_so_far,
            events=self._events,
            retryable=retryable,
        )
