"""Answers that come piece by piece, as events.

A stream that ends without its last event, or holds a line that cannot be read, is an error that keeps the text so far:
a cut answer is never a whole one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from itertools import islice
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar, cast

import attrs

from twelvelabs_async.api import Road
from twelvelabs_async.codec import structure
from twelvelabs_async.errors import APIError, ClientStateError, MalformedResponseError, StreamError
from twelvelabs_async.frames import Frames
from twelvelabs_async.models.common import UnknownEvent
from twelvelabs_async.parser import parse
from twelvelabs_async.policy.retry import WRITES_ONCE
from twelvelabs_async.refusal import request_id
from twelvelabs_async.reply import OpenReply
from twelvelabs_async.request import Request

E = TypeVar("E")

AT_ONCE: Final = 64
"""Events that are read before the first of them is handed out: a piece may hold thousands."""

LAST_MOMENT: Final = 0.25
"""Seconds that the end of a body may take after the last event, for its connection to be used again."""


def unknown_event(kind: str, found: dict[str, Any]) -> UnknownEvent:
    """An event that no class describes."""
    return UnknownEvent(kind=kind, extra=found)


def failure_told(event: UnknownEvent) -> str:
    """What went wrong, if an event that no class describes is one of failure; else nothing."""
    error: Any = event.extra.get("error")
    if event.kind.rpartition(".")[2] != "error" and not error:
        return ""
    told: Any = error or event.extra
    words: Any = cast("dict[str, Any]", told).get("message") if isinstance(told, dict) else told
    return f"the platform reports: {words or 'an error'}"


@attrs.frozen(kw_only=True)
class Grammar(Generic[E]):
    """What a kind of stream consists of."""

    tag: str
    """Field of an event that says which it is."""
    kinds: Mapping[str, type[E]]
    """Events by that name."""
    other: Callable[[str, dict[str, Any]], E]
    """Makes an event of one with another name."""
    last: frozenset[str] = frozenset()
    """Events of which one must end the stream; none for streams that just end."""
    text: Callable[[E], str] = attrs.field(default=lambda _: "")
    """What an event adds to the text."""
    failure: Callable[[E], str] = attrs.field(default=lambda _: "")
    """What went wrong, if an event tells of a failure."""

    def read(self, data: bytes) -> tuple[str, E]:
        """One event and its name.

        Raises:
            MalformedResponseError: It is not what it says it is.
        """
        try:
            found = parse(data)
        except (ValueError, RecursionError) as error:
            message = f"an event is not JSON: {error}"
            raise MalformedResponseError(message=message, body=data[:1000], retryable=True) from None
        if not isinstance(found, dict):
            raise MalformedResponseError(message="an event is not an object", body=data[:1000])
        event = cast("dict[str, Any]", found)
        told = event.get(self.tag)
        name = told if isinstance(told, str) else ""
        kind = self.kinds.get(name)
        return name, self.other(name, event) if kind is None else structure(event, kind, body=data)


class EventStream(Generic[E]):
    """Events as they come. Nothing is sent until it is entered or iterated; it can be used once.

    Example:
        async with client.analyze_stream(...) as stream:
            async for event in stream: ...
    """

    def __init__(self, road: Road, request: Request[Any], grammar: Grammar[E], frames: Frames, *, accept: str) -> None:
        request.path()  # an id that cannot be sent is told here, where it was passed
        self._road = road
        self._request = request
        self._grammar = grammar
        self._frames = frames
        self._accept = accept
        self._reply: OpenReply | None = None
        self._texts: Iterator[bytes] = iter(())
        self._read = False
        self._ready: deque[E] = deque()
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

    async def close(self) -> None:
        """Close the connection; a stream that is not read to its end stops there."""
        self._closed = True
        reply, self._reply = self._reply, None
        if reply is None:
            return
        try:
            if self._ended:
                await _finish(reply)
        finally:
            reply.close()

    async def __aenter__(self) -> Self:
        await self._start()
        self._entered = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def __aiter__(self) -> AsyncIterator[E]:
        try:
            await self._start()
            while await self._fill():
                while self._ready:
                    yield self._ready.popleft()
        finally:
            if not self._entered:
                await self.close()

    async def _exhaust(self) -> None:
        """Read to the end of the stream, which may have been reached before.

        Raises:
            StreamError: It broke off, cannot be read, or tells of a failure.
        """
        if self._failure is not None:
            raise self._failure
        if not self._ended:
            async for _ in self:
                pass

    async def _start(self) -> None:
        if self._closed:
            raise ClientStateError("the stream is over, or was closed; make the call again")
        if self._reply is None:
            self._reply = await self._road.open(self._request, accept=self._accept)

    async def _fill(self) -> bool:
        """Read until there is an event; False at the end of the stream.

        Raises:
            StreamError: It broke off, cannot be read, or tells of a failure.
        """
        while not (self._ready or self._ended or self._failure):
            if self._reply is None:
                raise ClientStateError("the stream was closed before its end")
            try:
                await self._advance(self._reply)
            except APIError as error:
                self._failure = self._error(error)
        if not self._ready and self._failure is not None:
            raise self._failure
        return bool(self._ready)

    async def _advance(self, reply: OpenReply) -> None:
        """Take some events of a piece, or get another. What comes after the last one is as if it had not come."""
        before = self._events
        for data in islice(self._texts, AT_ONCE):
            self._take(data)
            if self._ended:
                return
        if self._events > before:
            return
        if self._read:
            self._end()
            return
        piece = await reply.piece(self._road.options.idle_timeout)
        self._read = not piece
        self._texts = self._frames.feed(piece) if piece else self._frames.end()

    def _take(self, data: bytes) -> None:
        name, event = self._grammar.read(data)
        self._events += 1
        self._text.append(self._grammar.text(event))
        failure = self._grammar.failure(event)
        if failure:
            raise StreamError(message=failure)
        self._note(event)
        self._ended = name in self._grammar.last
        self._ready.append(event)

    def _note(self, event: E) -> None:
        """For subclasses: an event came."""

    def _end(self) -> None:
        if self._grammar.last:
            raise StreamError(message="the stream ended before its last event", retryable=True)
        self._ended = True

    def _error(self, error: APIError) -> StreamError:
        """What leaves the stream for whatever went wrong in it."""
        writes = self._request.retry in WRITES_ONCE
        return StreamError(
            message=error.message,
            operation=self._request.operation,
            status_code=self._reply.status if self._reply is not None else None,
            request_id=request_id(self._reply.headers) if self._reply is not None else None,
            text=self.text_so_far,
            events=self._events,
            retryable=error.retryable and not writes,
            ambiguous=writes and (error.retryable or not isinstance(error, StreamError)),
        )


class TextStream(EventStream[E]):
    """Events that add up to a text."""

    async def text(self) -> str:
        """All text, read to the end of the stream.

        Raises:
            StreamError: It broke off, cannot be read, or tells of a failure.
        """
        await self._exhaust()
        return self.text_so_far


async def _finish(reply: OpenReply) -> None:
    """Read what follows the last event, such as the end of the body, if it comes at once."""
    try:
        async with asyncio.timeout(LAST_MOMENT):
            while await reply.piece(LAST_MOMENT):
                pass
    except (TimeoutError, APIError):
        return
