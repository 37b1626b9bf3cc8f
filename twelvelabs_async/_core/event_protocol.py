"""Describes the events of a stream: their classes, and which of them end it or report an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeVar, cast

import attrs

from twelvelabs_async._codec.converter import parse_json, structure
from twelvelabs_async._http.error_responses import MAX_ERROR_BODY_SIZE, message_in, parse_error_body
from twelvelabs_async.errors import MalformedResponseError, StreamError
from twelvelabs_async.models.common import UnknownEvent

E = TypeVar("E")

ERROR_FIELDS: Final = frozenset({"message", "code", "error_code", "detail", "errors", "error_description", "title"})
"""Fields of an object without a type that show that it reports an error."""


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
