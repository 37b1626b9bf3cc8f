"""Embeddings of audio and video: what both versions of the model want to be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twelvelabs_async.emulator import embedding, fields
from twelvelabs_async.emulator.embedding import Work
from twelvelabs_async.emulator.errors import ApiError, choice, invalid, missing
from twelvelabs_async.emulator.media import rejection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twelvelabs_async.emulator.embedding import Stretch
    from twelvelabs_async.emulator.fields import Body
    from twelvelabs_async.emulator.handlers.sources import Source
    from twelvelabs_async.emulator.media import Media

OLD, NEW = "marengo3.0", "marengo3.5"
OPTIONS: dict[str, tuple[str, ...]] = {
    "video": ("visual", "audio", "transcription"),
    "audio": ("audio", "transcription"),
}
TYPES = ("separate_embedding", "fused_embedding")
FIXED_BOUNDS, DYNAMIC_BOUNDS = (2, 10), (2, 5)
FUSED = "fused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """How a file is cut into segments."""

    dynamic: bool
    seconds: int

    def stretches(self, span: Stretch, digest: str) -> list[Stretch]:
        """Return the segments."""
        if self.dynamic:
            return embedding.dynamic(span, self.seconds, digest)
        return embedding.fixed(span, self.seconds)


def work(body: Body, source: Source, model: str, *, task: bool) -> Work:
    """Return what is to be made of a file with a duration.

    Raises:
        ApiError: The file or a parameter is not what the model takes.
    """
    media = source.media
    _check_file(media)
    options = _options(body, media.kind, model)
    scopes = fields.choices(body, "embedding_scope", _scopes(model, task=task)) or ["clip", "asset"]
    kinds = _types(body, options, model)
    _check_notes(body, kinds, model)
    cut = _cut(fields.part(body, "segmentation"), media.kind, model, task=task)
    span = _span(body, media.duration or 0.0)
    wanted = embedding.heard(media, options) if TYPES[0] in kinds else []
    wanted += [FUSED] if TYPES[1] in kinds else []
    metadata = {
        "input_type": media.kind,
        **source.names,
        "embedding_options": options,
        "embedding_scopes": scopes,
        "duration": media.duration or 0.0,
        "start_offset_sec": span[0],
        "end_offset_sec": span[1],
    }
    if media.kind == "video" and not cut.dynamic:
        metadata["clip_length"] = cut.seconds
    pieces = embedding.of_file(wanted, scopes, span, cut.stretches(span, media.digest))
    return Work(digest=media.digest, pieces=tuple(embedding.told(media, pieces)), metadata=metadata)


def _check_file(media: Media) -> None:
    """Refuse what cannot be played; a file that cannot be fetched fails only later."""
    if media.problem is None and (refused := rejection(media)):
        raise ApiError(400, refused.code, refused.message)


def _options(body: Body, kind: str, model: str) -> list[str]:
    known = [option for option in OPTIONS[kind] if model == OLD or option != "transcription"]
    return fields.choices(body, "embedding_option", known) or known


def _scopes(model: str, *, task: bool) -> Sequence[str]:
    return ("clip", "asset", "local") if task and model == NEW else ("clip", "asset")


def _types(body: Body, options: Sequence[str], model: str) -> list[str]:
    given = fields.choices(body, "embedding_type", TYPES)
    if given is None:
        return [TYPES[0]]
    if len(options) == 1 and model == OLD:
        raise invalid("embedding_type", "it needs at least two values of embedding_option")
    return given


def _check_notes(body: Body, kinds: Sequence[str], model: str) -> None:
    noted = body.get("time_based_metadata") is not None
    if noted and (model == OLD or TYPES[1] not in kinds):
        raise invalid("time_based_metadata", f"it needs {NEW} and {TYPES[1]}")
    if TYPES[1] in kinds and model == NEW and not noted:
        raise missing("time_based_metadata")
    for note in fields.parts(body, "time_based_metadata") if noted else []:
        start, end = fields.number(note, "start"), fields.number(note, "end")
        fields.required_text(note, "text")
        if start is None or end is None or not 0 <= start <= end:
            raise invalid("time_based_metadata", "an entry must have a start, and an end that is not before it")


def _cut(given: Body | None, kind: str, model: str, *, task: bool) -> Cut:
    if given is not None and (task and model == NEW) != ("temporal" in given):
        wanted = "a temporal object" if model == NEW else "strategy"
        raise invalid("segmentation", f"with {model} it must have {wanted}")
    if model == NEW:
        return _read_cut(fields.part(given or {}, "temporal"), default=Cut(dynamic=True, seconds=2))
    if kind == "video":
        return _read_cut(given, default=Cut(dynamic=True, seconds=4))
    return _read_cut(given, default=Cut(dynamic=False, seconds=6), strategies=("fixed",))


def _read_cut(given: Body | None, default: Cut, strategies: Sequence[str] = ("fixed", "dynamic")) -> Cut:
    if given is None:
        return default
    strategy = choice("strategy", given.get("strategy"), strategies)
    details = fields.required_part(given, strategy)
    name, bounds = ("duration_sec", FIXED_BOUNDS) if strategy == "fixed" else ("min_duration_sec", DYNAMIC_BOUNDS)
    seconds = fields.whole(details, name, *bounds)
    if seconds is None:
        raise missing(name)
    return Cut(dynamic=strategy == "dynamic", seconds=seconds)


def _span(body: Body, duration: float) -> Stretch:
    start, end = fields.number(body, "start_sec") or 0.0, fields.number(body, "end_sec")
    if start < 0 or (duration and start >= duration):
        raise invalid("start_sec", f"it must be from 0 to less than the duration, {duration:g}")
    if end is None:
        return start, duration
    if end <= start or (duration and end > duration):
        raise invalid("end_sec", f"it must be after start_sec and not after the end, {duration:g}")
    return start, end
