"""Streamed responses, and the faults that can be injected into them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from aiohttp import web

from twelvelabs_async.emulator._state.deterministic import stable_int
from twelvelabs_async.emulator.faults import Damage, StreamFault

_PART_FIELDS = {"text_generation": "text", "response.output_text.delta": "delta"}
"""Field with a part of the generated text, by type of the event."""
_MAX_FRAGMENT = 23
_YIELDS_PER_FRAGMENT = 3
"""Event loop iterations between fragments, so that the client most likely reads each one separately."""

_TEXT_TYPES = {"output_text", "response.output_text.done"}


@dataclass(frozen=True, slots=True)
class Stream:
    """Content of a streamed response, as lines or events."""

    content_type: str
    frames: tuple[bytes, ...]
    terminal_frames: int
    """Number of frames at the end that mark the stream as complete."""
    error_frames: tuple[bytes, ...]
    """Frames that report an error."""


def ndjson_line(content: Mapping[str, Any]) -> bytes:
    """Return a line of JSON with non-ASCII characters unescaped."""
    return json.dumps(content, ensure_ascii=False).encode() + b"\n"


def sse_event(content: Mapping[str, Any]) -> bytes:
    """Return a server-sent event."""
    return f"event: {content['type']}\n".encode() + b"data: " + ndjson_line(content) + b"\n"


class StreamedResponse(web.StreamResponse):
    """A response that sends a stream, after faults have been injected.

    Args:
        stream: The content.
        status: HTTP status.
        headers: Response headers.
        fragmented: Whether to split the content within characters, lines and frames.
    """

    def __init__(self, stream: Stream, status: int, headers: Mapping[str, str], *, fragmented: bool) -> None:
        super().__init__(status=status, headers=headers)
        self.content_type = stream.content_type
        self._stream = stream
        self._frames = list(stream.frames)
        self._fragmented = fragmented
        self.abort_mode: Literal["cut", "reset"] | None = None
        """End of the connection in the middle of the stream; `None` sends all of it."""

    def inject_fault(self, kind: StreamFault) -> None:
        """Inject a fault into the stream."""
        middle = len(self._frames) // 2
        match kind:
            case "cut" | "reset":
                self.abort_mode = kind
            case "broken-line":
                self._frames[middle] = _truncate_json(self._frames[middle])
            case "no-end":
                del self._frames[len(self._frames) - max(1, self._stream.terminal_frames) :]
            case "error-event":
                self._frames[middle:] = self._stream.error_frames

    def change_texts(self, change: Callable[[str], str]) -> bool:
        """Change the generated texts, also those divided among several events; return whether any changed."""
        events = {number: event for number, frame in enumerate(self._frames) if (event := _parse_frame(frame))}
        parts = {number: name for number, event in events.items() if (name := _PART_FIELDS.get(event_type(event)))}
        text = "".join(events[number][name] for number, name in parts.items())
        changed = change(text) if text else ""
        size = -(-len(changed) // max(1, len(parts)))
        for position, (number, name) in enumerate(parts.items()):
            events[number] = events[number] | {name: changed[position * size : (position + 1) * size]}
        found = False
        for number, event in events.items():
            new = event if number in parts else change_texts(event, change)
            if new != _parse_frame(self._frames[number]):
                self._frames[number] = _replace_json(self._frames[number], new)
                found = True
        return found

    @property
    def content(self) -> bytes:
        """The whole content."""
        return b"".join(self._frames)

    async def send(self, request: web.Request) -> None:
        """Send the content, without ending the response."""
        await self.prepare(request)
        # An aborted stream ends after half of its bytes, usually within a line.
        remaining = len(self.content) // 2 if self.abort_mode else len(self.content)
        for chunk in fragments(self.content[:remaining]) if self._fragmented else self._frames:
            await self.write(chunk[:remaining])
            remaining -= len(chunk)
            if remaining <= 0:
                break
            for _ in range(_YIELDS_PER_FRAGMENT if self._fragmented else 0):
                await asyncio.sleep(0)


def fragments(content: bytes) -> Iterator[bytes]:
    """Split bytes within multi-byte characters, around newlines, and at arbitrary positions."""
    start = 0
    for position in range(1, len(content)):
        inside = content[position] & 0xC0 == 0x80
        around = 0x0A in (content[position - 1], content[position])
        if inside or around or position - start > stable_int("fragment", start) % _MAX_FRAGMENT:
            yield content[start:position]
            start = position
    if content:
        yield content[start:]


def _truncate_json(frame: bytes) -> bytes:
    """Remove the last two bytes of the JSON in a frame."""
    line = frame.rstrip(b"\n")
    return line[:-2] + frame[len(line) :]


def event_type(event: Mapping[str, Any]) -> str:
    """Return the type of an event, an empty string if it has none."""
    return str(event.get("event_type") or event.get("type") or "")


def _parse_frame(frame: bytes) -> dict[str, Any] | None:
    """Return the JSON object in a line or an event, `None` if it has none."""
    start = frame.find(b"{")
    return None if start < 0 else cast("dict[str, Any]", json.loads(frame[start:]))


def _replace_json(frame: bytes, content: Mapping[str, Any]) -> bytes:
    line = frame.rstrip(b"\n")
    return frame[: frame.find(b"{")] + json.dumps(content, ensure_ascii=False).encode() + frame[len(line) :]


def damage_text(text: str, damage: Damage) -> str:
    """Return a damaged document."""
    middle = text.find('"', len(text) // 2)
    middle = len(text) // 2 if middle < 0 else middle
    match damage:
        case "prose":
            return f"Here is the result:\n{text}\nLet me know if you need more."
        case "fence":
            return f"```json\n{text}\n```\nDone."
        case "twice":
            return text * 2
        case "extra-brace":
            return text + "}"
        case "escaped":
            return text[:middle] + json.dumps(text[middle:], ensure_ascii=False)[1:-1]
        case "cut":
            return text[:middle]
        case "repeated-tail":
            return text + text[middle:]


def change_texts(content: object, change: Callable[[str], str]) -> Any:
    """Return the JSON of a response with every generated text changed."""
    if isinstance(content, list):
        return [change_texts(entry, change) for entry in cast("list[object]", content)]
    if not isinstance(content, dict):
        return content
    fields = cast("dict[str, object]", content)
    text_field = "text" if fields.get("type") in _TEXT_TYPES else "data"
    return {
        name: change(value) if name == text_field and isinstance(value, str) and value else change_texts(value, change)
        for name, value in fields.items()
    }
