"""What is answered in a conversation about a knowledge store."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator import prose
from twelvelabs_async.emulator.schema_samples import Sampler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twelvelabs_async.emulator.analyses import Json
    from twelvelabs_async.emulator.library import Item

LONG_QUESTION = 9000
"""Characters of a question from which on the answer is cut, for otherwise nobody could see what that looks like."""
_SELECTED = re.compile(r"\{\{sel:\d+\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is answered, and what it rests on."""

    tokens: tuple[str, ...]
    annotations: tuple[Json, ...]
    input_tokens: int
    cut: bool

    @property
    def text(self) -> str:
        """The text in one."""
        return "".join(self.tokens)


def answer(
    question: str, items: Sequence[Item], schema: Json | None, *, storage_url: str, seed: int, awkward: bool
) -> Answer:
    """Return the answer to a question."""
    asked = prose.asked(_SELECTED.sub("", question))
    told = f"An answer to {asked}."
    if awkward:
        told += prose.AWKWARD
    annotations: list[Json] = []
    if schema is not None:
        told = json.dumps(Sampler(schema, told, [], seed).sample(), ensure_ascii=False)
    else:
        for number, item in enumerate(items, 1):
            told += f" {item.asset.filename} shows {prose.scene(seed, item.id)} "
            annotations.append(_citation(item, len(told), f"[{number}]", storage_url))
            told += f"[{number}]."
    tokens = prose.tokens(told)
    cut = len(question) >= LONG_QUESTION
    if cut:
        tokens = tokens[: len(tokens) // 2]
        annotations = [one for one in annotations if one["end_index"] < len("".join(tokens))]
    consumed = len(prose.tokens(question)) + 100 * len(items)
    return Answer(tokens=tokens, annotations=tuple(annotations), input_tokens=consumed, cut=cut)


def _citation(item: Item, position: int, marker: str, storage_url: str) -> Json:
    media = item.asset.media
    stem = f"{storage_url}/derived/{item.asset.id}"
    view: dict[str, Any] = {
        "type": f"{media.kind}_citation",
        "start_index": position,
        "end_index": position + len(marker) - 1,
        "item_id": item.id,
        "title": item.asset.filename,
        "thumbnail_url": f"{stem}/thumbnail.jpg",
        "hls_url": f"{stem}/master.m3u8" if media.kind == "video" else None,
    }
    if media.kind == "video":
        start, end = prose.stretches(0.0, media.duration or 0.0)[0]
        view |= {"start_sec": start, "end_sec": end}
    return view
