"""Embeddings: texts, pictures, sounds, videos and documents as vectors in one space.

https://docs.twelvelabs.io/v1.3/api-reference/create-embeddings-v2
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import attrs

from twelvelabs_async.models.common import WIRE_ID, Model, Vector
from twelvelabs_async.models.indexes import VideoSegment

EmbeddingModel = Literal["marengo3.0", "marengo3.5"]
"""A model that makes embeddings."""

EmbeddingInputType = Literal["text", "image", "text_image", "audio", "video", "multi_input"]
"""What one request can embed; `marengo3.5` takes `multi_input` only."""

EmbeddingTaskInputType = Literal["audio", "video", "image", "document"]
"""What a task can embed; images and documents need `marengo3.5`."""

EmbeddingTaskStatus = Literal["processing", "ready", "failed"]
"""How far a task is."""

EmbeddingQuadrant = Literal["top_left", "top_right", "bottom_left", "bottom_right"]
"""A quarter of a page."""

VideoEmbeddingScope = Literal["clip", "video"]
"""A stretch of a video, or all of it, as the older endpoints call it."""


@attrs.frozen(kw_only=True)
class EmbeddingData(Model):
    """One vector, and what it stands for."""

    vector: Vector = attrs.field(metadata={"wire": "embedding"}, repr=False)
    """The numbers; the API calls them `embedding`."""
    embedding_option: str | None = None
    """`visual`, `audio`, `transcription`, `fused` or `text`; None for a text or a picture by itself."""
    embedding_scope: str | None = None
    """`clip`, `page` or `chunk` for a part, `asset` for all of it; None for a text or a picture by itself."""
    start_sec: float | None = None
    """Where the stretch begins, in seconds."""
    end_sec: float | None = None
    """Where it ends, in seconds."""
    embedding_uncertainty: tuple[float, ...] | None = None
    """How sure the model is of each number; None unless it was asked for."""
    start_page_number: int | None = None
    """First page of a document, from 1."""
    end_page_number: int | None = None
    """Last page of a document, included."""
    quadrant: EmbeddingQuadrant | None = None
    """The quarter of the page; None for all of it."""
    chunk_index: int | None = None
    """Place of a stretch of text in its document, from 0."""


@attrs.frozen(kw_only=True)
class EmbeddingMetadata(Model):
    """What was embedded; fields that do not apply to its kind are None or empty."""

    input_type: str | None = None
    """Kind of the input, such as `video`."""
    input_url: str | None = None
    """Address it came from, if it came from one."""
    input_filename: str | None = None
    """Name of the file, if it has one."""
    embedding_options: tuple[str, ...] = ()
    """Kinds of vectors that were made."""
    embedding_scopes: tuple[str, ...] = ()
    """What they span."""
    duration: float | None = None
    """Seconds of sound or video that were embedded."""
    start_offset_sec: float | None = None
    """Where that begins, in seconds."""
    end_offset_sec: float | None = None
    """Where that ends, in seconds."""
    clip_length: float | None = None
    """Seconds of each stretch, where they are all the same."""
    embedding_dimension: int | None = None
    """Numbers in each vector, as far as it was chosen."""


@attrs.frozen(kw_only=True)
class EmbeddingUsage(Model):
    """What was counted."""

    input_tokens: dict[str, int] = attrs.field(factory=dict[str, int])
    """Tokens by kind of input, such as `video` or `text`."""
    truncated: bool = False
    """Whether a part of the input was too much for the model, and left out."""
    truncation_reason: str | None = None
    """Why, such as `model_context_window`."""


@attrs.frozen(kw_only=True)
class Embeddings(Model):
    """What one request embedded."""

    data: tuple[EmbeddingData, ...]
    """The vectors, in no promised order."""
    metadata: EmbeddingMetadata | None = None
    """What was embedded."""
    usage: EmbeddingUsage | None = None
    """What was counted; `marengo3.5` only."""


@attrs.frozen(kw_only=True)
class EmbeddingTaskError(Model):
    """Why a task failed."""

    message: str = ""
    """The platform's words, which may change."""


@attrs.frozen(kw_only=True)
class EmbeddingTask(Model):
    """The embedding of one file, and its result once there is one."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Identifier the platform gave it."""
    status: EmbeddingTaskStatus
    """How far it is."""
    created_at: datetime | None = None
    """When it was created."""
    updated_at: datetime | None = None
    """When it last changed."""
    data: tuple[EmbeddingData, ...] = ()
    """The vectors, in no promised order; empty until it is ready."""
    metadata: EmbeddingMetadata | None = None
    """What was embedded."""
    error: EmbeddingTaskError | None = None
    """Why it failed; None unless it did."""
    usage: EmbeddingUsage | None = None
    """What was counted; `marengo3.5` only."""


@attrs.frozen(kw_only=True)
class VideoEmbeddingMetadata(Model):
    """What a task made of a video."""

    input_url: str | None = None
    """Address it came from, if it came from one."""
    input_filename: str | None = None
    """Name of the file, if it has one."""
    video_clip_length: float | None = None
    """Seconds of each stretch."""
    video_embedding_option: tuple[str, ...] = ()
    """Kinds of vectors that were asked for."""
    video_embedding_scope: tuple[str, ...] = ()
    """What they span."""
    duration: float | None = None
    """Seconds."""


@attrs.frozen(kw_only=True)
class AudioEmbeddingMetadata(Model):
    """What a task made of a sound."""

    input_url: str | None = None
    """Address it came from, if it came from one."""
    input_filename: str | None = None
    """Name of the file, if it has one."""
    duration: float | None = None
    """Seconds."""
    start_offset_sec: float | None = None
    """Where it begins, in seconds."""
    end_offset_sec: float | None = None
    """Where it ends, in seconds."""
    audio_embedding_option: tuple[str, ...] = ()
    """Kinds of vectors that were asked for."""
    audio_embedding_scope: tuple[str, ...] = ()
    """What they span."""
    audio_embedding_options: tuple[str, ...] = ()
    """The older spelling of `audio_embedding_option`."""
    audio_embedding_scopes: tuple[str, ...] = ()
    """The older spelling of `audio_embedding_scope`."""


@attrs.frozen(kw_only=True)
class DocumentEmbeddingMetadata(Model):
    """What a task made of a document."""

    input_url: str | None = None
    """Address it came from, if it came from one."""
    input_filename: str | None = None
    """Name of the file, if it has one."""
    document_embedding_option: tuple[str, ...] = ()
    """Kinds of vectors that were asked for."""
    document_embedding_scope: tuple[str, ...] = ()
    """What they span."""


@attrs.frozen(kw_only=True)
class ImageEmbeddingMetadata(Model):
    """What a task made of a picture."""

    input_url: str | None = None
    """Address it came from, if it came from one."""
    input_filename: str | None = None
    """Name of the file, if it has one."""
    image_embedding_option: tuple[str, ...] = ()
    """Kinds of vectors that were asked for."""
    image_embedding_scope: tuple[str, ...] = ()
    """What they span."""


@attrs.frozen(kw_only=True)
class TaskVideoEmbedding(Model):
    """A video within a task."""

    metadata: VideoEmbeddingMetadata | None = None
    """What was made of it."""
    segments: tuple[VideoSegment, ...] = ()
    """The vectors; only the retrieval of a ready task of the older endpoints holds them."""


@attrs.frozen(kw_only=True)
class TaskAudioEmbedding(Model):
    """A sound within a task."""

    metadata: AudioEmbeddingMetadata | None = None
    """What was made of it."""


@attrs.frozen(kw_only=True)
class TaskDocumentEmbedding(Model):
    """A document within a task."""

    metadata: DocumentEmbeddingMetadata | None = None
    """What was made of it."""


@attrs.frozen(kw_only=True)
class TaskImageEmbedding(Model):
    """A picture within a task."""

    metadata: ImageEmbeddingMetadata | None = None
    """What was made of it."""


@attrs.frozen(kw_only=True)
class MediaEmbeddingTask(Model):
    """A task as lists show it; also what the older endpoints answer in all other places."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Identifier the platform gave it."""
    status: EmbeddingTaskStatus
    """How far it is."""
    model_name: str | None = None
    """Model that works on it."""
    created_at: datetime | None = None
    """When it was created."""
    updated_at: datetime | None = None
    """When it last changed."""
    video_embedding: TaskVideoEmbedding | None = None
    """The video, if it is one."""
    audio_embedding: TaskAudioEmbedding | None = None
    """The sound, if it is one."""
    document_embedding: TaskDocumentEmbedding | None = None
    """The document, if it is one."""
    image_embedding: TaskImageEmbedding | None = None
    """The picture, if it is one."""


@attrs.frozen(kw_only=True)
class CreatedEmbeddingTask(Model):
    """What creating a task of the older endpoints answers."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Identifier of the task, to wait for."""


@attrs.frozen(kw_only=True)
class EmbeddingSegment(Model):
    """One vector of an answer of the older endpoint."""

    vector: Vector = attrs.field(metadata={"wire": "float"}, repr=False)
    """The numbers; the API calls them `float`."""
    start_offset_sec: float | None = None
    """Where a stretch of sound begins, in seconds."""
    end_offset_sec: float | None = None
    """Where it ends, in seconds."""


@attrs.frozen(kw_only=True)
class EmbeddingInputMetadata(Model):
    """Which file was embedded."""

    input_url: str | None = None
    """Address it came from, if it came from one."""
    input_filename: str | None = None
    """Name of the file, if it has one."""


@attrs.frozen(kw_only=True)
class EmbeddingResult(Model):
    """The embedding of one text, picture or sound."""

    segments: tuple[EmbeddingSegment, ...] = ()
    """The vectors: one, or for a sound one for each stretch."""
    error_message: str | None = None
    """Why there are none: one input may fail while the others succeed."""
    metadata: EmbeddingInputMetadata | None = None
    """Which file it was."""


@attrs.frozen(kw_only=True)
class EmbeddingResponse(Model):
    """What the older endpoint embedded: one result for each kind of input that was given."""

    model_name: str
    """Model that made the vectors."""
    text_embedding: EmbeddingResult | None = None
    """The text."""
    image_embedding: EmbeddingResult | None = None
    """The picture."""
    audio_embedding: EmbeddingResult | None = None
    """The sound."""
