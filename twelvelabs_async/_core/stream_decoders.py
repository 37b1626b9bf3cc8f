r"""Streams of events: decodes their chunks, and describes which events end a stream or report an error.

A chunk may end within a character, a line or an event, so bytes are buffered, and split at `\n` only: other line ends
may occur within a JSON string.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Generic, Protocol, TypeVar, cast

import attrs

from twelvelabs_async._codec.converter import parse_json, structure
from twelvelabs_async._http.errors import MAX_ERROR_BODY_SIZE, message_in, parse_error_body
from twelvelabs_async.errors import MalformedResponseError, StreamError
from twelvelabs_async.models.common import UnknownEvent

MAX_LINE_LENGTH: Final = 32 * 1024 * 1024
"""Maximum size in bytes of a line, or of the lines of an event."""

NDJSON_MEDIA_TYPES: Final = "application/x-ndjson, application/jsonl, application/json"
SSE_MEDIA_TYPE: Final = "text/event-stream"

MAX_OTHER_BODY: Final = 8192
"""Bytes that are kept of a body without events."""


E = TypeVar("E")

ERROR_FIELDS: Final = frozenset({"message", "code", "error_code", "detail", "errors", "error_description", "title"})
"""Fields by which an object without a type is recognized as the report of an error."""


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


def unknown_event(kind: str, payload: dict[str, Any]) -> UnknownEvent:
    """Return the event for a payload of unknown type."""
    return UnknownEvent(kind=kind, extra=payload)


def failure_message(event: UnknownEvent) -> str:
    """Return the error message of an event of unknown type; empty if it does not report an error."""
    fields = event.extra
    is_untyped = not event.kind and not ERROR_FIELDS.isdisjoint(fields)
    if event.kind.rpartition(".")[2] != "error" and not fields.get("error") and not is_untyped:
        return ""
    return f"the server sent an error event: {message_in(fields) or 'no message'}"


@attrs.frozen(kw_only=True)
class EventProtocol(Generic[E]):
    """Describes the events of one kind of stream."""

    type_field: str
    """Field with the type of an event."""
    event_types: Mapping[str, type[E]]
    """Event classes by type."""
    make_unknown: Callable[[str, dict[str, Any]], E]
    """Builds an event of any other type from its type and payload."""
    terminal_types: frozenset[str] = frozenset()
    """Types of the final event; empty for streams that end without one."""
    text_of: Callable[[E], str] = attrs.field(default=lambda _: "")
    """Returns the text that an event adds."""
    error_of: Callable[[E], str] = attrs.field(default=lambda _: "")
    """Returns the error message of an event that reports a failure, else an empty string."""

    def decode(self, data: bytes) -> tuple[str, E]:
        """Return the type of an event and the event.

        Raises:
            MalformedResponseError: `data` is not a JSON object, or does not match the class of the event.
            StreamError: It does not match, and reports an error.
        """
        try:
            payload = parse_json(data)
        except (ValueError, RecursionError) as error:
            message = f"invalid JSON in an event: {error}"
            if not data.startswith((b"{", b"[")):
                text = data[:MAX_ERROR_BODY_SIZE].decode("utf-8", "replace")
                message = f"expected an event, got: {parse_error_body(text).get('message') or 'no text'}"
            raise MalformedResponseError(message=message, body=data[:1000], retryable=True) from None
        if not isinstance(payload, dict):
            raise MalformedResponseError(message="expected a JSON object as an event", body=data[:1000])
        fields = cast("dict[str, Any]", payload)
        type_value = fields.get(self.type_field)
        event_type = type_value if isinstance(type_value, str) else ""
        event_class = self.event_types.get(event_type)
        if event_class is None:
            return event_type, self.make_unknown(event_type, fields)
        try:
            return event_type, structure(fields, event_class, body=data)
        except MalformedResponseError:
            words = message_in({"error": fields["error"]}) if fields.get("error") else None
            if words is None:
                raise
        raise StreamError(message=f"the server sent an error event: {words}", body=data[:1000])
