"""A text with control characters that would change a terminal, and a check that output has none of them."""

from __future__ import annotations

import re
import unicodedata

CONTROL_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}

HOSTILE = "a\x1b]0;title\x07\x1b[2J\x9b31m\u202eb\r\nforged\x00\x08\x7f\u2028\u2066\u200fz"
OWN_SEQUENCES = re.compile(r"\r?\x1b\[(?:\?25[hl]|[0-9;]*[mAK])")
"""Sequences of rich that set colors, erase lines and move the cursor."""


def controls_in(output: str) -> set[str]:
    """Return the control characters of an output, except for newlines and the sequences of rich."""
    remaining = OWN_SEQUENCES.sub("", output).replace("\n", "")
    return {character for character in remaining if unicodedata.category(character) in CONTROL_CATEGORIES}
