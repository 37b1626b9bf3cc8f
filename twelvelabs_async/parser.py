"""JSON text as Python's own types: by msgspec where that is installed (`twelvelabs-async[fast]`), else by `json`.

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
        return json.loads
    decode = Decoder().decode

    def parse(text: bytes) -> Any:
        try:
            return decode(text)
        except (MsgspecError, RecursionError):
            return json.loads(text)

    return parse


_once: Final = cache(best_parser)


def parse(text: bytes) -> Any:
    """What a JSON text holds. The parser is looked for when the first one comes, not while the client is imported.

    Raises:
        ValueError: It is no JSON.
        RecursionError: It is deeper than Python goes.
    """
    return _once()(text)
