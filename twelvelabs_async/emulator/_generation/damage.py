"""Damage to generated JSON documents, in the forms in which models were seen to return them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, Literal, cast, get_args

Damage = Literal["prose", "fence", "twice", "extra-brace", "escaped", "cut", "repeated-tail"]
"""Kind of damage to a document: sentences before and after it; a code fence with a word after it; the document twice; a
brace too many at the end; quotes and line breaks escaped from the middle on; the second half missing; the end twice."""
DAMAGES: Final[tuple[str, ...]] = get_args(Damage)

_TEXT_TYPES = {"output_text", "response.output_text.done"}


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
