"""Inputs of version 2 embeddings: media sources, audio and video, and documents."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator._api import assets, validation
from twelvelabs_async.emulator._api.validation import require_choice
from twelvelabs_async.emulator._errors import ApiError, invalid_parameter, missing_parameter
from twelvelabs_async.emulator._generation import embeddings
from twelvelabs_async.emulator._generation.embeddings import EmbedRequest, VectorSpec
from twelvelabs_async.emulator._media.images import header_of, marengo_problem
from twelvelabs_async.emulator._media.media import DEFAULT_EXTENSIONS, check_indexable
from twelvelabs_async.emulator._state import progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from twelvelabs_async.emulator._api.context import RequestContext
    from twelvelabs_async.emulator._api.validation import JsonObject
    from twelvelabs_async.emulator._generation.embeddings import Span
    from twelvelabs_async.emulator._media.media import Media

SOURCE_FIELDS = ("url", "base64_string", "asset_id")

OLD_MODEL, NEW_MODEL = "marengo3.0", "marengo3.5"
TIMED_OPTIONS: dict[str, tuple[str, ...]] = {
    "video": ("visual", "audio", "transcription"),
    "audio": ("audio", "transcription"),
}
EMBEDDING_TYPES = ("separate_embedding", "fused_embedding")
FIXED_BOUNDS, DYNAMIC_BOUNDS = (2, 10), (2, 5)
FUSED_OPTION = "fused"
DOCUMENT_OPTION_SCOPES = {
    True: {("visual", "local"), ("visual", "asset"), ("text", "asset")},
    False: {("text", "local"), ("text", "asset")},
}
"""Allowed pairs of option and scope, for PDF files (True) and other documents (False)."""
QUADRANTS = ("top_left", "top_right", "bottom_left", "bottom_right")
TASK_PAGES_PER_MEGABYTE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A media file and its origin."""

    media: Media
    url: str | None = None
    filename: str | None = None
    """Name of the asset; None for a URL or an inline file."""
    content: bytes | None = None
    """Content of an inline file; None for a URL or an asset."""

    @property
    def input_metadata(self) -> dict[str, Any]:
        """The metadata fields with the origin of the file."""
        if self.url is not None:
            return {"input_url": self.url}
        return {} if self.filename is None else {"input_filename": self.filename}


async def read_source(
    context: RequestContext, value: dict[str, Any], kind: str, *, max_size: int, too_large_status: int = 400
) -> Source:
    """Return the media file that a media source refers to.

    Args:
        context: The request.
        value: The media source, with exactly one of `SOURCE_FIELDS`.
        kind: The required kind of media.
        max_size: Maximum bytes of an inline file.
        too_large_status: Status of the error for a larger one.

    Raises:
        ApiError: The media source is invalid, or its file is of another kind or too large.
    """
    named = [name for name in SOURCE_FIELDS if value.get(name) is not None]
    if len(named) != 1 or not isinstance(value[named[0]], str):
        raise invalid_parameter("media_source", f"it must have exactly one of {', '.join(SOURCE_FIELDS)}")
    name = named[0]
    source = await _READERS[name](context, value[name], kind)
    if source.media.kind != kind:
        raise ApiError(
            400, "unsupported_file_type", f"The kind of the file must be {kind}, got type {source.media.mime}."
        )
    if source.content is not None and len(source.content) > max_size:
        message = f"The file has {len(source.content)} bytes, and {max_size} are allowed."
        raise ApiError(too_large_status, "media_filesize_too_large", message)
    return source


def no_media(reason: str) -> ApiError:
    """Return the error for a media source that refers to nothing."""
    return ApiError(400, "media_url_not_exists", f"The media source does not exist: {reason}.")


def check_readable(source: Source, field_path: str) -> None:
    """Check that a file can be fetched and is valid.

    Raises:
        ApiError: It cannot, or it is not.
    """
    if source.media.problem is None:
        return
    reason = source.media.problem.rstrip(".")
    raise invalid_parameter(field_path, reason) if source.url is None else no_media(f"{source.url}: {reason}")


def check_image(source: Source, field_path: str) -> None:
    """Check that an image meets the requirements of the older model.

    Raises:
        ApiError: It does not.
    """
    if problem := marengo_problem(header_of(source.media)):
        raise invalid_parameter(field_path, problem)


async def _from_url(context: RequestContext, url: str, kind: str) -> Source:
    if not assets.is_url(url):
        raise no_media(f"{url!r} is not an http or https URL")
    filename, info = assets.media_from_url("url", url, kind=kind)
    return Source(media=context.service.state.descriptions.apply_to(filename, info), url=url)


async def _from_base64(context: RequestContext, encoded: str, kind: str) -> Source:
    try:
        content = await asyncio.to_thread(base64.b64decode, encoded, validate=True)
    except ValueError as error:
        raise invalid_parameter("base64_string", "it must be valid base64") from error
    if not content:
        raise invalid_parameter("base64_string", "it is empty")
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    filename = f"upload.{_document_type(content) if kind == 'document' else DEFAULT_EXTENSIONS[kind]}"
    async with context.service.spool.temporary_file() as path:
        await asyncio.to_thread(path.write_bytes, content)
        info = await context.service.inspect_media(path, filename, len(content), digest)
    if info.problem is not None:
        raise invalid_parameter("base64_string", f"its kind must be {kind}")
    return Source(media=info, content=content)


def _document_type(content: bytes) -> str:
    return "pdf" if content.startswith(b"%PDF") else "txt"


async def _from_asset(context: RequestContext, asset_id: str, _kind: str) -> Source:
    asset = context.service.state.assets.get(asset_id)
    if asset is None:
        raise no_media(f"there is no asset with the id {asset_id}")
    status = progress.asset_status(context.service, asset)
    if status != "ready":
        raise ApiError(400, "asset_not_ready", f"The asset {asset.id} cannot be used: its status is {status}.")
    return Source(media=asset.media, filename=asset.filename)


_READERS = {"url": _from_url, "base64_string": _from_base64, "asset_id": _from_asset}


@dataclass(frozen=True, slots=True, kw_only=True)
class Segmentation:
    """Segmentation of a file."""

    dynamic: bool
    seconds: int

    def segments(self, span: Span, digest: str) -> list[Span]:
        """Return start and end of each segment."""
        if self.dynamic:
            return embeddings.dynamic_spans(span, self.seconds, digest)
        return embeddings.fixed_spans(span, self.seconds)


def build_timed_request(body: JsonObject, source: Source, model: str, *, task: bool) -> EmbedRequest:
    """Return the embeddings to compute for an audio or video file.

    Raises:
        ApiError: The model does not accept the file or a parameter.
    """
    media = source.media
    _check_file(media)
    options = _timed_options(body, media.kind, model)
    scopes = validation.optional_choices(body, "embedding_scope", _timed_scopes(model, task=task)) or ["clip", "asset"]
    kinds = _timed_types(body, options, model)
    _check_time_based_metadata(body, kinds, model)
    segmentation = _timed_segmentation(validation.optional_object(body, "segmentation"), media.kind, model, task=task)
    span = _span(body, media.duration or 0.0)
    embedded_options = embeddings.applicable_options(media, options) if EMBEDDING_TYPES[0] in kinds else []
    embedded_options += [FUSED_OPTION] if EMBEDDING_TYPES[1] in kinds else []
    metadata = {
        "input_type": media.kind,
        **source.input_metadata,
        "embedding_options": options,
        "embedding_scopes": scopes,
        "duration": media.duration or 0.0,
        "start_offset_sec": span[0],
        "end_offset_sec": span[1],
    }
    if media.kind == "video" and not segmentation.dynamic:
        metadata["clip_length"] = segmentation.seconds
    specs = embeddings.file_vector_specs(embedded_options, scopes, span, segmentation.segments(span, media.digest))
    return EmbedRequest(
        digest=media.digest, vectors=tuple(embeddings.with_described_text(media, specs)), metadata=metadata
    )


def _check_file(media: Media) -> None:
    """Reject a file that cannot be embedded; one that cannot be fetched fails during processing."""
    if media.problem is None and (rejection := check_indexable(media)):
        raise ApiError(400, rejection.code, rejection.message)


def _timed_options(body: JsonObject, kind: str, model: str) -> list[str]:
    known = [option for option in TIMED_OPTIONS[kind] if model == OLD_MODEL or option != "transcription"]
    return validation.optional_choices(body, "embedding_option", known) or known


def _timed_scopes(model: str, *, task: bool) -> Sequence[str]:
    return ("clip", "asset", "local") if task and model == NEW_MODEL else ("clip", "asset")


def _timed_types(body: JsonObject, options: Sequence[str], model: str) -> list[str]:
    value = validation.optional_choices(body, "embedding_type", EMBEDDING_TYPES)
    if value is None:
        return [EMBEDDING_TYPES[0]]
    if len(options) == 1 and model == OLD_MODEL:
        raise invalid_parameter("embedding_type", "it needs at least two values of embedding_option")
    return value


def _check_time_based_metadata(body: JsonObject, kinds: Sequence[str], model: str) -> None:
    has_metadata = body.get("time_based_metadata") is not None
    if has_metadata and (model == OLD_MODEL or EMBEDDING_TYPES[1] not in kinds):
        raise invalid_parameter("time_based_metadata", f"it needs {NEW_MODEL} and {EMBEDDING_TYPES[1]}")
    if EMBEDDING_TYPES[1] in kinds and model == NEW_MODEL and not has_metadata:
        raise missing_parameter("time_based_metadata")
    for note in validation.required_object_list(body, "time_based_metadata") if has_metadata else []:
        start, end = validation.optional_number(note, "start"), validation.optional_number(note, "end")
        validation.required_string(note, "text")
        if start is None or end is None or not 0 <= start <= end:
            raise invalid_parameter("time_based_metadata", "an entry must have start and end, with 0 <= start <= end")


def _timed_segmentation(value: JsonObject | None, kind: str, model: str, *, task: bool) -> Segmentation:
    if value is not None and (task and model == NEW_MODEL) != ("temporal" in value):
        required = "a temporal object" if model == NEW_MODEL else "strategy"
        raise invalid_parameter("segmentation", f"with {model} it must have {required}")
    if model == NEW_MODEL:
        return _read_segmentation(
            validation.optional_object(value or {}, "temporal"), default=Segmentation(dynamic=True, seconds=2)
        )
    if kind == "video":
        return _read_segmentation(value, default=Segmentation(dynamic=True, seconds=4))
    return _read_segmentation(value, default=Segmentation(dynamic=False, seconds=6), strategies=("fixed",))


def _read_segmentation(
    value: JsonObject | None, default: Segmentation, strategies: Sequence[str] = ("fixed", "dynamic")
) -> Segmentation:
    if value is None:
        return default
    strategy = require_choice("strategy", value.get("strategy"), strategies)
    details = validation.required_object(value, strategy)
    name, bounds = ("duration_sec", FIXED_BOUNDS) if strategy == "fixed" else ("min_duration_sec", DYNAMIC_BOUNDS)
    seconds = validation.optional_int(details, name, *bounds)
    if seconds is None:
        raise missing_parameter(name)
    return Segmentation(dynamic=strategy == "dynamic", seconds=seconds)


def _span(body: JsonObject, duration: float) -> Span:
    start, end = validation.optional_number(body, "start_sec") or 0.0, validation.optional_number(body, "end_sec")
    if start < 0 or (duration and start >= duration):
        raise invalid_parameter("start_sec", f"it must be from 0 to less than the duration, {duration:g}")
    if end is None:
        return start, duration
    if end <= start or (duration and end > duration):
        raise invalid_parameter("end_sec", f"it must be after start_sec and not after the end, {duration:g}")
    return start, end


def is_pdf(source: Source) -> bool:
    """Return whether a document is a PDF file."""
    return source.media.mime == "application/pdf"


def build_document_request(body: JsonObject, source: Source) -> tuple[EmbedRequest, str | None]:
    """Return the embeddings to compute for a document, and the processing error, None if there is none.

    Raises:
        ApiError: The parameters conflict with each other or with the file.
    """
    pdf = is_pdf(source)
    options = validation.optional_choices(body, "embedding_option", ("visual", "text")) or ["visual" if pdf else "text"]
    scopes = validation.optional_choices(body, "embedding_scope", ("local", "asset")) or ["local" if pdf else "asset"]
    for pair in ((option, scope) for option in options for scope in scopes):
        if pair not in DOCUMENT_OPTION_SCOPES[pdf]:
            raise invalid_parameter(
                "embedding_option", f"{' with the scope '.join(pair)} does not exist for {source.media.mime}"
            )
    if "fused_embedding" in (
        validation.optional_choices(body, "embedding_type", ("separate_embedding", "fused_embedding")) or []
    ):
        raise invalid_parameter("embedding_type", "a document has a single modality, which cannot be fused")
    local, problem = _pages(body, source, scopes) if pdf else (_chunks(body, source, scopes), None)
    metadata = {
        "input_type": "document",
        **source.input_metadata,
        "embedding_options": options,
        "embedding_scopes": scopes,
    }
    specs = [spec for scope in scopes for spec in (local if scope == "local" else _asset_pieces(options))]
    return EmbedRequest(
        digest=source.media.digest, vectors=tuple(specs), metadata=metadata
    ), problem or source.media.problem


def _asset_pieces(options: Iterable[str]) -> list[VectorSpec]:
    return [VectorSpec(option=option, scope="asset") for option in options]


def _document_segmentation(body: JsonObject, scopes: Iterable[str], expected: str, forbidden: str) -> JsonObject | None:
    value = validation.optional_object(body, "segmentation")
    if value is None:
        return None
    if value.get(forbidden) is not None or value.get(expected) is None:
        raise invalid_parameter("segmentation", f"for this file it must have {expected} only")
    if "local" not in scopes:
        raise invalid_parameter("segmentation", "it needs the scope local")
    return validation.optional_object(value, expected)


def _pages(body: JsonObject, source: Source, scopes: Iterable[str]) -> tuple[list[VectorSpec], str | None]:
    segmentation = _document_segmentation(body, scopes, "spatial", "sequential") or {}
    with_quadrants = (
        require_choice("strategy", segmentation.get("strategy", "standard"), ("standard", "quadrants")) == "quadrants"
    )
    count = embeddings.count_pages(source.content, source.media.digest)
    specs: list[VectorSpec] = []
    for number in range(1, count + 1):
        position: dict[str, Any] = {"start_page_number": number, "end_page_number": number}
        specs.append(VectorSpec(option="visual", scope="page", position=position))
        quarters = QUADRANTS if with_quadrants else ()
        specs += [
            VectorSpec(option="visual", scope="page", position=position | {"quadrant": quarter}) for quarter in quarters
        ]
    return specs, page_problem(source, count * 5 if with_quadrants else count, TASK_PAGES_PER_MEGABYTE)


def page_problem(source: Source, count: int, per_megabyte: int) -> str | None:
    """Return the error for a PDF file with too many pages for its size, None if it has not."""
    allowed = embeddings.max_pages(source.media.size, per_megabyte)
    return f"The file has {count} pages, and {allowed} are allowed for its size." if count > allowed else None


def _chunks(body: JsonObject, source: Source, scopes: Iterable[str]) -> list[VectorSpec]:
    if "local" not in scopes:
        _document_segmentation(body, scopes, "sequential", "spatial")
        return []
    segmentation = _document_segmentation(body, scopes, "sequential", "spatial")
    if segmentation is None:
        raise missing_parameter("segmentation.sequential")
    require_choice("strategy", segmentation.get("strategy"), ("sentence",))
    count = embeddings.count_sentences(source.content, source.media.digest)
    maximum = validation.optional_int(segmentation, "max_sentences", 1, validation.MAX_SAFE_INTEGER)
    if maximum is None:
        raise missing_parameter("max_sentences")
    overlap = validation.optional_int(segmentation, "overlap_sentences", 0, maximum - 1) or 0
    chunks = embeddings.count_chunks(count, maximum, overlap)
    return [VectorSpec(option="text", scope="chunk", position={"chunk_index": index}) for index in range(chunks)]
