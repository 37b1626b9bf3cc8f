"""Numbers in forms, queries and paths, in the notation of JSON.

`int` and `float` accept more than a JSON number: `nan`, `inf`, `1_0`, spaces, a plus sign and digits of any script.
"""

from __future__ import annotations

import math
import re

_INTEGER = re.compile(r"-?[0-9]{1,400}")
_NUMBER = re.compile(r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


def parse_integer(text: str) -> int:
    """Parse an integer of at most 400 digits.

    Raises:
        ValueError: The string is not such an integer.
    """
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"{text[:50]!r} is not an integer")
    return int(text)


def parse_number(text: str) -> float:
    """Parse a finite number.

    Raises:
        ValueError: The string is not a number, or it is too large.
    """
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise ValueError(f"{text[:50]!r} is not a number")
    return value
