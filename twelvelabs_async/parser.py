"""JSON text as Python's own types: by msgspec where that is installed (`twelvelabs-async[fast]`), else by `json`.

`json.loads` spends more on guessing the encoding of a short text, and on blanks around it, than on the text itself, so
what is plain UTF-8 goes to its decoder at once.
msgspec is stricter. What it refuses goes to `json`, which takes `NaN`, half a surrogate pair, numbers no float can hold
and a byte order mark, and which says what is wrong with the rest: the result is the same with and without it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any, Final

Parse = Callable[[bytes], Any]


def best_parser() -> Parse:
    """The fastest one there is. All raise `ValueError` or `RecursionError` for what is no JSON."""
    try:
        from msgspec import MsgspecError  # noqa: PLC0415  # an extra
        from msgspec.json import Decoder  # noqa: PLC0415  # an extra
    except ImportError:
        return plain
    decode = Decoder().decode

    def parse(text: bytes) -> Any:
        try:
            return decode(text)
        except (MsgspecError, RecursionError):
            return json.loads(text)

    return parse


def plain(text: bytes) -> Any:
    """What `json.loads` gives; asked itself only for what is not plain UTF-8, begins with a blank, or is no JSON."""
    try:
        whole = text.decode()
        value, end = _RAW.raw_decode(whole)
    except (ValueError, RecursionError):
        return json.loads(text)
    return value if end == len(whole) or not whole[end:].strip(" \t\r\n") else json.loads(text)


_RAW: Final = json.JSONDecoder()
_once: Final = cache(best_parser)


def parse(text: bytes) -> Any:
    """What a JSON text holds. The parser is looked for when the first one comes, not while the client is imported.

    Raises:
        ValueError: It is no JSON.
        RecursionError: It is deeper than Python goes.
    """
    return _once()(text)
