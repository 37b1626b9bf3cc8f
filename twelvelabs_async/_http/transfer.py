"""Streamed request bodies, and the timer that ends a transfer when no byte has moved.

The timer measures at the connection, not by chunks: on a slow line, a chunk of 512 KiB takes minutes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from twelvelabs_async._http.body import Body, iter_chunks
from twelvelabs_async._system import unacknowledged_bytes, unread_bytes
from twelvelabs_async.errors import InvalidInputError

MAX_READ_TURNS: Final = 10
"""Turns of the event loop in which it may read before the next block; it does not read while the reader is paused."""


class IdleTimer:
    """Expires `timeout` when no byte was sent or received for `seconds`. Does not run before `start`."""

    def __init__(self, timeout: asyncio.Timeout, seconds: float) -> None:
        self.seconds = seconds
        self._timeout = timeout
        self._handle: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._written = 0
        self._arrived = 0
        self._last_activity = 0.0

    def start(self, transport: asyncio.Transport) -> None:
        """Start to watch a connection."""
        self.stop()
        self._transport = transport
        self._last_activity = asyncio.get_running_loop().time()
        self._check(transport)

    async def let_loop_read(self) -> None:
        """Let the event loop read what has arrived before more is written: the server may have rejected the request.

        uvloop drops a connection at the first failed write, together with unread data.
        """
        for _ in range(MAX_READ_TURNS):
            await asyncio.sleep(0)
            if self._transport is None or not has_unread_data(self._transport):
                return

    def stop(self) -> None:
        """Stop the timer."""
        if self._handle is not None:
            self._handle.cancel()
        self._handle = None

    def count_written(self, byte_count: int) -> None:
        """Count bytes that are about to be handed to the connection."""
        self._written += byte_count

    def on_received(self) -> None:
        """Count the arrival of data."""
        self._last_activity = asyncio.get_running_loop().time()

    def _check(self, transport: asyncio.Transport) -> None:
        """Look whether the connection has moved bytes since the last time; eight times in `seconds`."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        arrived = self._written - unsent_bytes(transport)
        if arrived != self._arrived:
            self._arrived, self._last_activity = arrived, now
        left = self._last_activity + self.seconds - now
        if left > 0:
            self._handle = loop.call_later(min(left, self.seconds / 8), self._check, transport)
        elif not self._timeout.expired():
            self._timeout.reschedule(now)


def unsent_bytes(transport: asyncio.Transport) -> int:
    """Return how many bytes that were written to a connection have not reached the other side, as far as is known."""
    connected = transport.get_extra_info("socket")
    in_system = 0 if connected is None else unacknowledged_bytes(connected)
    return transport.get_write_buffer_size() + in_system


def has_unread_data(transport: asyncio.Transport) -> bool:
    """Return whether data has arrived that the event loop has not read yet, as far as is known."""
    connected = transport.get_extra_info("socket")
    return connected is not None and unread_bytes(connected) > 0


class RequestBodyStream:
    """A streamed body: checks its size, keeps the error of its source, and reports its first chunk."""

    def __init__(self, body: Body, timer: IdleTimer, on_first_chunk: Callable[[], None]) -> None:
        self._body = body
        self._timer = timer
        self._on_first_chunk = on_first_chunk
        self.failure: Exception | None = None
        self.is_complete: bool = not body.size
        """Whether all chunks were passed on."""

    async def iter_chunks(self) -> AsyncIterator[bytes]:
        """Yield the chunks, once."""
        content, sent = self._body.open(), 0
        try:
            async for chunk in iter_chunks(content or b"") if isinstance(content, bytes | None) else content:
                if sent:
                    await self._timer.let_loop_read()
                elif chunk:
                    self._on_first_chunk()
                sent += len(chunk)
                if sent > self._body.size:
                    break
                self._timer.count_written(len(chunk))
                self.is_complete = sent == self._body.size
                yield chunk
            self._check_size(sent)
        except Exception as error:
            self.failure = error
            raise

    def _check_size(self, sent: int) -> None:
        if sent != self._body.size:
            comparison = "longer" if sent > self._body.size else "shorter"
            raise InvalidInputError(f"request body {comparison} than declared: {sent} of {self._body.size} bytes")
