"""Names of properties that hold a time in the video, such as `start_time`, `endSec`, `in` or `peak_timestamp`."""

from __future__ import annotations

import re
from typing import Any, Literal

Role = Literal["start", "end", "point", "duration", "range"]
"""The start of a passage, its end, a time within it, its length, or its start and end in a list."""

_START = frozenset(["start", "starts", "begin", "begins", "beginning", "from", "in", "onset", "first", "t0"])
_END = frozenset(["end", "ends", "ending", "stop", "stops", "finish", "until", "till", "to", "out", "last", "t1"])
_AMBIGUOUS = frozenset(
    ["starts", "begins", "from", "in", "first", "ends", "stops", "until", "till", "to", "out", "last"]
)
"""Words that name a time if the value is a number, and may name anything if it is a string."""
_DURATION = frozenset(["duration", "length", "elapsed", "runtime"])
_RANGE = frozenset(["range", "interval", "span", "window", "bounds", "timerange", "timespan", "timestamps", "times"])
_MILLISECONDS = frozenset(["ms", "msec", "millis", "millisecond", "milliseconds"])
_UNITS = _MILLISECONDS | frozenset(["s", "sec", "secs", "second", "seconds"])
_TIMES = frozenset(["time", "timestamp", "timecode", "ts", "tc", "moment"])
_FILLERS = (
    _UNITS
    | _TIMES
    | frozenset(
        ["at", "of", "offset", "point", "position", "pos", "t", "video", "clip", "scene", "segment", "chapter", "shot"]
    )
)
"""Words that do not change which time a name means."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+\d?|\d+")
_CLOCK = re.compile(r"\b(?:h{1,2}:)?m{1,2}:ss(?:\.[fms]+)?\b", re.IGNORECASE)


def role_of(name: str, schema: dict[str, Any], kind: str, parent: Role | None = None) -> Role | None:
    """Return which time a property holds, `None` for another property.

    Args:
        name: Name of the property, or the index of an item of an array.
        schema: Its schema; the description counts if the name says nothing.
        kind: Its type.
        parent: Role of the object or array that contains it: `seconds` within `start` is a start.
    """
    words = _words_of(name)
    if name.isdigit() and parent == "range":
        return "start" if name == "0" else "end"
    if parent is not None and (name.isdigit() or (words and set(words) <= _FILLERS)):
        return parent
    clock = kind == "string" and clock_format(schema) is not None
    found = _role_of_words(words, is_text=kind == "string" and not clock)
    if found is None and kind in {"number", "integer"}:
        found = _role_of_description(schema)
    return "point" if found is None and clock else found


def _role_of_words(words: list[str], *, is_text: bool) -> Role | None:
    marks = {*words} - _FILLERS
    if not words or (is_text and len(words) == 1 and marks <= _AMBIGUOUS and marks):
        return None
    if len(marks) == 1:
        roles: dict[Role, frozenset[str]] = {"start": _START, "end": _END, "range": _RANGE}
        if not is_text:
            roles["duration"] = _DURATION
        for role, names in roles.items():
            if marks <= names:
                return role
    if words[-1] in _TIMES or words[0] in _TIMES or (not is_text and words[-1] in _UNITS - {"s"}):
        return "duration" if marks & _DURATION else "point"
    return None


def _role_of_description(schema: dict[str, Any]) -> Role | None:
    words = {*_words_of(_description(schema))}
    if not words & (_TIMES | _UNITS):
        return None
    starts, ends = words & _START - _AMBIGUOUS, words & _END - _AMBIGUOUS
    if starts and ends:
        return "point"
    return "duration" if words & _DURATION else "start" if starts else "end" if ends else None


def is_in_milliseconds(name: str, schema: dict[str, Any]) -> bool:
    """Return whether a time is in milliseconds instead of seconds."""
    return bool(_MILLISECONDS & {*_words_of(name), *_words_of(_description(schema))})


def clock_format(schema: dict[str, Any]) -> str | None:
    """Return the format that a description names, such as `mm:ss` for `start of the scene (MM:SS)`."""
    found = _CLOCK.search(_description(schema))
    return found[0].lower() if found else None


def _description(schema: dict[str, Any]) -> str:
    text = schema.get("description")
    return text if isinstance(text, str) else ""


def _words_of(name: str) -> list[str]:
    """Split a name in snake, kebab or camel case into words in lower case: `startTimeMs` has three."""
    return [word.lower() for word in _WORD.findall(name)]
