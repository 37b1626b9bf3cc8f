"""What an analysis comes to, which depends on what was asked and on the seed alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator import prose, segmenting
from twelvelabs_async.emulator.analyses import SEGMENTS, Ask, Json, Outcome
from twelvelabs_async.emulator.schema_samples import Sampler

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKENS_PER_SECOND = 30
TOKENS_PER_IMAGE = 1000
LONGEST = 7200.0
"""Seconds of a video that can be looked at in one analysis."""
_GROUP = 4
"""Tokens in one event of a stream."""


def outcome(ask: Ask, generation_id: str, *, seed: int, awkward: bool) -> Outcome:
    """Return what an analysis comes to."""
    seconds = 0.0 if ask.video is None else ask.end - ask.start
    consumed = round(TOKENS_PER_SECOND * seconds) + TOKENS_PER_IMAGE * len(ask.images) + len(prose.tokens(ask.prompt))
    if failure := _failure(ask, seconds):
        return Outcome(generation_id=generation_id, tokens=(), input_tokens=consumed, failure=failure)
    tokens = prose.tokens(_text(ask, seed, awkward=awkward))
    warning: str | None = None
    failure = None
    if ask.max_tokens != "unlimited" and len(tokens) > ask.max_tokens:
        warning = f"The response reached the maximum length of {ask.max_tokens} tokens."
        tokens = tokens[: ask.max_tokens]
        if ask.mode == SEGMENTS:
            failure, warning, tokens = ("token_limit_exceeded", warning), None, ()
    return Outcome(generation_id=generation_id, tokens=tokens, input_tokens=consumed, warning=warning, failure=failure)


def _failure(ask: Ask, seconds: float) -> tuple[str, str] | None:
    if seconds > LONGEST:
        return "video_duration_too_long", f"{seconds:g} s are more than the {LONGEST:g} s that can be analyzed at once."
    problem = next((source.media.problem for source in ask.sources if source.media.problem), None)
    return ("asset_unavailable", problem) if problem else None


def _text(ask: Ask, seed: int, *, awkward: bool) -> str:
    parts = [] if ask.video is None else prose.scenes(ask.video, ask.start, ask.end, seed)
    if ask.mode == SEGMENTS:
        return json.dumps(segmenting.segments(ask, seed), ensure_ascii=False)
    told = prose.about(ask.sources, ask.prompt, parts, seed=seed, awkward=awkward)
    if ask.schema is None:
        return told
    phrase = prose.about(ask.sources, ask.prompt, [], seed=seed, awkward=awkward)
    times = [(part.start, part.end) for part in parts]
    return json.dumps(Sampler(ask.schema, phrase, times, seed).sample(), ensure_ascii=False)


def groups(tokens: tuple[str, ...]) -> Iterator[str]:
    """Return the text in the pieces in which it is streamed."""
    return ("".join(tokens[i : i + _GROUP]) for i in range(0, len(tokens), _GROUP))


def result(outcome_: Outcome) -> Json:
    """Return the result of a task as the API writes it."""
    return {
        "generation_id": outcome_.generation_id,
        "data": outcome_.text,
        "finish_reason": outcome_.finish_reason,
        "usage": outcome_.usage,
    }


def warning(outcome_: Outcome) -> dict[str, Any]:
    """Return what is told of a text that was cut, nothing of another."""
    return {"error": {"message": outcome_.warning}} if outcome_.warning else {}
