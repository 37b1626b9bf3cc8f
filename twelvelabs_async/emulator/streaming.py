"""Answers that come piece by piece, and what can go wrong with them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aiohttp import web

from twelvelabs_async.emulator import seeded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Spoiled = Literal["cut", "reset", "broken-line", "no-end", "error-event"]
"""How a stream can fail: it breaks off in the middle of a line, by the end of the connection or by a reset; a line of
it is no JSON; it ends without its last event; or an event in the middle of it tells of a failure."""

_LONGEST_PIECE = 23
_TURNS = 3
"""Turns of the event loop after which a piece has most likely been read, so that the next one comes on its own."""


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer in frames, which are lines or events."""

    content_type: str
    frames: tuple[bytes, ...]
    end: int
    """How many of them, at the end, say that nothing is missing."""
    failure: tuple[bytes, ...]
    """Frames that say that something went wrong."""


def line(content: Mapping[str, Any]) -> bytes:
    """Return a line of JSON; no character is escaped that need not be."""
    return json.dumps(content, ensure_ascii=False).encode() + b"\n"


def event(content: Mapping[str, Any]) -> bytes:
    """Return a server-sent event."""
    return f"event: {content['type']}\n".encode() + b"data: " + line(content) + b"\n"


class StreamedResponse(web.StreamResponse):
    """Sends a stream once it is known what is to become of it.

    Args:
        stream: What to send.
        status: Status of the answer.
        headers: Its headers.
        awkward: Whether it is cut within characters, lines and frames.
    """

    def __init__(self, stream: Stream, status: int, headers: Mapping[str, str], *, awkward: bool) -> None:
        super().__init__(status=status, headers=headers)
        self.content_type = stream.content_type
        self._stream = stream
        self._frames = list(stream.frames)
        self._awkward = awkward
        self.breaks: Literal["cut", "reset"] | None = None
        """How the connection ends before the stream does."""

    def spoil(self, kind: Spoiled) -> None:
        """Let the stream fail."""
        middle = len(self._frames) // 2
        match kind:
            case "cut" | "reset":
                self.breaks = kind
            case "broken-line":
                self._frames[middle] = _broken(self._frames[middle])
            case "no-end":
                del self._frames[len(self._frames) - max(1, self._stream.end) :]
            case "error-event":
                self._frames[middle:] = self._stream.failure

    @property
    def content(self) -> bytes:
        """All of it."""
        return b"".join(self._frames)

    async def send(self, request: web.Request) -> None:
        """Send what there is, all but the end of the answer."""
        await self.prepare(request)
        # Half of the bytes, for whatever line is there.
        left = len(self.content) // 2 if self.breaks else len(self.content)
        for piece in pieces(self.content[:left]) if self._awkward else self._frames:
            await self.write(piece[:left])
            left -= len(piece)
            if left <= 0:
                break
            for _ in range(_TURNS if self._awkward else 0):
                await asyncio.sleep(0)


def pieces(content: bytes) -> Iterator[bytes]:
    """Cut bytes within each character that has several, before and after each end of a line, and here and there."""
    start = 0
    for position in range(1, len(content)):
        inside = content[position] & 0xC0 == 0x80
        around = 0x0A in (content[position - 1], content[position])
        if inside or around or position - start > seeded.number("piece", start) % _LONGEST_PIECE:
            yield content[start:position]
            start = position
    if content:
        yield content[start:]


def _broken(frame: bytes) -> bytes:
    """Drop the end of the JSON in a frame."""
    whole = frame.rstrip(b"\n")
    return whole[:-2] + frame[len(whole) :]
