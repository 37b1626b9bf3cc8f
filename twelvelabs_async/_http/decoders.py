r"""Decoders for streams of JSON: newline-delimited JSON, and server-sent events.

A chunk may end within a character, a line or an event, so bytes are buffered, and split at `\n` only: other line ends
may occur within a JSON string.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

from twelvelabs_async.errors import MalformedResponseError

MAX_LINE_LENGTH: Final = 32 * 1024 * 1024
"""Maximum size in bytes of a line, or of the lines of an event."""

NDJSON_MEDIA_TYPES: Final = "application/x-ndjson, application/jsonl, application/json"
SSE_MEDIA_TYPE: Final = "text/event-stream"

MAX_OTHER_BODY: Final = 8192
"""Bytes that are kept of a body without events."""


class LineSplitter:
    """Splits a stream of chunks into lines, without their line ends."""

    def __init__(self) -> None:
        self._buffer: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the lines that `chunk` completes.

        Raises:
            MalformedResponseError: A line is longer than `MAX_LINE_LENGTH`.
        """
        *lines, rest = chunk.split(b"\n")
        if lines:
            self._append(lines[0])
            yield self.flush()
            for line in lines[1:]:
                _check_line_length(len(line))
                yield line
        self._append(rest)

    def _append(self, part: bytes) -> None:
        self._buffer.append(part)
        self._size += len(part)
        _check_line_length(self._size)

    def flush(self) -> bytes:
        """Return what follows the last line end, and clear it."""
        line = b"".join(self._buffer)
        self._buffer, self._size = [], 0
        return line


def _check_line_length(size: int) -> None:
    if size > MAX_LINE_LENGTH:
        raise MalformedResponseError(message=f"a line is longer than {MAX_LINE_LENGTH} bytes")


class StreamDecoder(Protocol):
    """Splits a stream of bytes into JSON documents."""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Return the JSON documents that `chunk` completes."""
        ...

    def flush(self) -> Iterator[bytes]:
        """Return the last document, at the end of the stream."""
        ...


class JsonLinesDecoder:
    """Decodes newline-delimited JSON; skips blank lines."""

    def __init__(self) -> None:
        self._splitter = LineSplitter()

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Return the lines that are not blank."""
        return (line for line in self._splitter.feed(chunk) if line and not line.isspace())

    def flush(self) -> Iterator[bytes]:
        """Return the last line, if it has no line end."""
        return (line for line in (self._splitter.flush(),) if line.strip())


class ServerSentEventsDecoder:
    """Decodes the `data` of server-sent events, without `[DONE]`. Event names are ignored: the JSON has them too.

    A body in JSON or HTML is returned as it is: it says why there are no events.
    """

    def __init__(self) -> None:
        self._splitter = LineSplitter()
        self._data: list[bytes] = []
        self._size = 0
        self._bom = b"\xef\xbb\xbf"
        self._has_events = False
        self._other: bytes = b""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the data of the events that `chunk` completes.

        Raises:
            MalformedResponseError: An event is longer than `MAX_LINE_LENGTH`.
        """
        for line in self._splitter.feed(chunk):
            yield from self._process_line(line.removeprefix(self._bom).removesuffix(b"\r"))
            self._bom = b""

    def _process_line(self, line: bytes) -> Iterator[bytes]:
        if line.startswith(b"data:"):
            self._has_events = True
            self._data.append(line[5:].removeprefix(b" "))
            self._size += len(line)
            if self._size > MAX_LINE_LENGTH:
                raise MalformedResponseError(message=f"an event is longer than {MAX_LINE_LENGTH} bytes")
        elif not line:
            data = b"\n".join(self._data).strip()
            self._data, self._size = [], 0
            if data not in {b"", b"[DONE]"}:
                yield data
        elif not self._has_events and (self._other or line.startswith((b"{", b"[", b"<"))):
            self._other = (self._other + line + b"\n")[:MAX_OTHER_BODY]

    def flush(self) -> Iterator[bytes]:
        """Return a body in JSON or HTML. An event without its blank line is incomplete, and not returned."""
        last = self._splitter.flush()
        if last and not self._has_events:
            list(self._process_line(last))
        return iter([self._other.strip()] if self._other and not self._has_events else [])
