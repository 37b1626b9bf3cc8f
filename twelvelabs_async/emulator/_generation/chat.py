"""Answers to questions about a knowledge store."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from twelvelabs_async.emulator._generation import analysis
from twelvelabs_async.emulator._generation.analysis import schema_of_prompt
from twelvelabs_async.emulator._generation.structured import Sampler, format_clock
from twelvelabs_async.emulator._media.media import playlist_url, thumbnail_url
from twelvelabs_async.emulator._state.deterministic import invent_scene
from twelvelabs_async.emulator._state.entities import Item, Json

LONG_QUESTION = 9000
"""Number of characters from which a question gets a truncated answer, so that tests can request one."""
_CLOCK_TIME = r"\d{1,5}(?::\d{1,2}){0,2}(?:\.\d{1,3})?"
_MARK = re.compile(
    r'<[vt]ref id="(?:ksi_)?(?P<id>[\w-]{1,100})"'
    rf'(?: start="(?P<start>{_CLOCK_TIME})" end="(?P<end>{_CLOCK_TIME})")?>'
    r"</[vt]ref>|\[(?P<number>\d{1,3})\]"
)
_SELECTION_MARKER = re.compile(r"\{\{sel:\d+\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer and its citations."""

    tokens: tuple[str, ...]
    annotations: tuple[Json, ...]
    input_tokens: int
    truncated: bool

    @property
    def text(self) -> str:
        """The answer as a string."""
        return "".join(self.tokens)


def answer_question(
    question: str,
    items: Sequence[Item],
    schema: Json | None,
    given: str | None,
    *,
    account_url: str,
    seed: int,
    multibyte: bool,
) -> Answer:
    """Return the answer to a question.

    Args:
        question: The question.
        items: The items of the knowledge store. A generated text cites each of them.
        schema: Schema of a JSON document to generate; a template in the question does the same.
        given: The answer that a test gave; `None` to generate one. Its marks become citations: `<vref id="...">` and
            `<tref id="...">` of an item, and `[1]` of the first item unless the answer is JSON.
        account_url: URL below which the streams and thumbnails in citations are.
        seed: The seed.
        multibyte: Whether to generate characters of several bytes.
    """
    schema = schema_of_prompt(question) if schema is None else schema
    text = f"An answer to {analysis.summarize_prompt(_SELECTION_MARKER.sub('', question))}."
    if multibyte:
        text += analysis.MULTIBYTE_TEXT
    annotations: list[Json] = []
    if given is not None:
        text = given
        annotations += _marked_citations(text, items, account_url)
    elif schema is not None:
        text = json.dumps(Sampler(schema, text, _time_ranges(items), seed).sample(), ensure_ascii=False)
    else:
        for item in items:
            text += f" {item.asset.filename} shows {invent_scene(seed, item.id)} "
            mark = _mark(item)
            annotations.append(_citation(item, len(text), mark, _cited_span(item), account_url))
            text += f"{mark}."
    tokens = analysis.tokenize(text)
    truncated = len(question) >= LONG_QUESTION
    if truncated:
        tokens = tokens[: len(tokens) // 2]
        annotations = [annotation for annotation in annotations if annotation["end_index"] < len("".join(tokens))]
    input_tokens = len(analysis.tokenize(question)) + 100 * len(items)
    return Answer(tokens=tokens, annotations=tuple(annotations), input_tokens=input_tokens, truncated=truncated)


def _time_ranges(items: Sequence[Item]) -> list[tuple[float, float]]:
    """Return the segments of the first video or sound file."""
    durations = (item.asset.media.duration for item in items if item.asset.media.duration)
    return analysis.describable_spans(0.0, next(durations, 0.0))


def _cited_span(item: Item) -> tuple[float, float] | None:
    """Return the start and end of the cited part of a video, `None` for an image."""
    media = item.asset.media
    return analysis.describable_spans(0.0, media.duration or 0.0)[0] if media.kind == "video" else None


def _mark(item: Item) -> str:
    """Return the mark of a citation in a text: `vref` for a part of a video, `tref` for an image."""
    identifier, span = item.id.removeprefix("ksi_"), _cited_span(item)
    if span is None:
        return f'<tref id="{identifier}"></tref>'
    start, end = (_clock_time(seconds) for seconds in span)
    return f'<vref id="{identifier}" start="{start}" end="{end}"></vref>'


def _clock_time(seconds: float) -> str:
    whole = round(seconds)
    return format_clock(whole, "mm:ss" if whole < 3600 else "h:mm:ss")


def _marked_citations(text: str, items: Sequence[Item], account_url: str) -> Iterator[Json]:
    """Return the citations that the marks in an answer make; marks of other items make none."""
    by_id = {item.id.removeprefix("ksi_"): item for item in items}
    is_json = text.lstrip().startswith(("{", "["))
    for mark in _MARK.finditer(text):
        number = int(mark["number"] or 0)
        if number and not is_json and number <= len(items):
            item: Item | None = items[number - 1]
        else:
            item = by_id.get(mark["id"] or "")
        if item is not None:
            span = (_seconds(mark["start"]), _seconds(mark["end"])) if mark["start"] else _cited_span(item)
            yield _citation(item, mark.start(), mark[0], span, account_url)


def _seconds(clock_time: str) -> float:
    """Return the seconds of `h:mm:ss`, `mm:ss` or `ss`."""
    seconds = 0.0
    for part in clock_time.split(":"):
        seconds = 60 * seconds + float(part)
    return seconds


def _citation(item: Item, position: int, marker: str, span: tuple[float, float] | None, account_url: str) -> Json:
    media = item.asset.media
    view: dict[str, Any] = {
        "type": f"{media.kind}_citation",
        "start_index": position,
        "end_index": position + len(marker) - 1,
        "item_id": item.id,
        "title": item.asset.filename,
        "thumbnail_url": thumbnail_url(account_url, item.asset),
        "hls_url": playlist_url(account_url, item.asset) if media.kind == "video" else None,
    }
    return view if span is None else view | {"start_sec": span[0], "end_sec": span[1]}
