"""Embeddings of text, images, audio, videos and documents: inputs, tasks and results.

https://docs.twelvelabs.io/v1.3/api-reference/create-embeddings-v2
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import attrs

from twelvelabs_async.models._interop import WIRE_ID
from twelvelabs_async.models.common import Model, ObjectLike, Vector
from twelvelabs_async.models.indexed_assets import VideoSegment

AudioOption = Literal["audio", "transcription"]
"""What an audio embedding represents: the sound, or the speech."""

VideoOption = Literal["visual", "audio", "transcription"]
"""What a video embedding represents: the image, the sound, or the speech."""

DocumentOption = Literal["visual", "text"]
"""What a document embedding represents: the layout, or the text."""

EmbeddingType = Literal["separate_embedding", "fused_embedding"]
"""Whether each option has an embedding of its own, or all options share one."""

InputMediaType = Literal["image", "video", "audio", "document"]
"""Kind of file."""


@attrs.frozen(kw_only=True)
class MediaSource(Model):
    """Location of a file. Pass exactly one of the three fields."""

    url: str | None = None
    """Publicly accessible URL."""
    asset_id: str | None = None
    """Id of an asset that is `ready`."""
    base_64_string: str | None = attrs.field(default=None, metadata={"wire": "base64_string"}, repr=False)
    """The file, base64-encoded."""


MediaSourceLike = MediaSource | ObjectLike
"""A `MediaSource`, or a dict such as `{"asset_id": "..."}`."""


@attrs.frozen(kw_only=True)
class TextInput(Model):
    """Text to embed."""

    input_text: str
    """The text, up to 500 tokens."""


@attrs.frozen(kw_only=True)
class ImageInput(Model):
    """An image to embed."""

    media_source: MediaSourceLike
    """Location of the file."""


@attrs.frozen(kw_only=True)
class TextImageInput(Model):
    """An image and a text, embedded together."""

    media_source: MediaSourceLike
    """Location of the image."""
    input_text: str
    """The text, up to 500 tokens."""


@attrs.frozen(kw_only=True)
class FixedLength(Model):
    """Segments of equal length."""

    duration_sec: int
    """Duration of each segment in seconds, 2 to 10."""


@attrs.frozen(kw_only=True)
class DynamicLength(Model):
    """Segments that follow the scenes."""

    min_duration_sec: int
    """Minimum duration of a segment in seconds, 2 to 5."""


@attrs.frozen(kw_only=True)
class Segmentation(Model):
    """How to segment media with `marengo3.0`; audio supports `fixed` only."""

    strategy: Literal["dynamic", "fixed"]
    """Which of the two fields is set."""
    dynamic: DynamicLength | None = None
    """Segments that follow the scenes."""
    fixed: FixedLength | None = None
    """Segments of equal length."""


@attrs.frozen(kw_only=True)
class DynamicSegmentation(Segmentation):
    """A segmentation that follows the scenes; `strategy` is filled in."""

    strategy: Literal["dynamic"] = "dynamic"
    """Always `dynamic`."""


@attrs.frozen(kw_only=True)
class FixedSegmentation(Segmentation):
    """A segmentation into segments of equal length; `strategy` is filled in."""

    strategy: Literal["fixed"] = "fixed"
    """Always `fixed`."""


@attrs.frozen(kw_only=True)
class TemporalSegmentation(Model):
    """How to segment media with `marengo3.5`."""

    temporal: Segmentation | ObjectLike
    """Segments along the time axis."""


SegmentationLike = Segmentation | TemporalSegmentation | ObjectLike
"""How to segment media; each model accepts its own form only."""


@attrs.frozen(kw_only=True)
class TimedText(Model):
    """Text that belongs to a time range."""

    start: float
    """Start, in seconds."""
    end: float
    """End, in seconds."""
    text: str
    """Result for the text."""


@attrs.frozen(kw_only=True)
class AudioInput(Model):
    """Audio to embed synchronously with `marengo3.0`."""

    media_source: MediaSourceLike
    """Location of the file."""
    start_sec: float | None = None
    """Start of the embedded part, in seconds."""
    end_sec: float | None = None
    """End of the embedded part, in seconds."""
    segmentation: Segmentation | ObjectLike | None = None
    """How to segment it; always `fixed`."""
    embedding_option: Sequence[AudioOption] | None = None
    """What the embeddings represent."""
    embedding_scope: Sequence[Literal["clip", "asset"]] | None = None
    """Whether to embed segments (`clip`), the whole file (`asset`), or both."""
    embedding_type: Sequence[EmbeddingType] | None = None
    """Whether to create one embedding per option, one for all options, or both."""


@attrs.frozen(kw_only=True)
class VideoInput(Model):
    """A video to embed synchronously with `marengo3.0`."""

    media_source: MediaSourceLike
    """Location of the file."""
    start_sec: float | None = None
    """Start of the embedded part, in seconds."""
    end_sec: float | None = None
    """End of the embedded part, in seconds."""
    segmentation: Segmentation | ObjectLike | None = None
    """How to segment it."""
    embedding_option: Sequence[VideoOption] | None = None
    """What the embeddings represent."""
    embedding_scope: Sequence[Literal["clip", "asset"]] | None = None
    """Whether to embed segments (`clip`), the whole file (`asset`), or both."""
    embedding_type: Sequence[EmbeddingType] | None = None
    """Whether to create one embedding per option, one for all options, or both."""


@attrs.frozen(kw_only=True)
class MultiInputSource(MediaSource):
    """One file of a multi-input request."""

    media_type: InputMediaType
    """Kind of file; `marengo3.0` accepts images only, and a document must be the only file."""
    name: str | None = None
    """Name by which the text refers to the file, as `<@name>`."""


@attrs.frozen(kw_only=True)
class MultiInput(Model):
    """A text and files, embedded together."""

    input_text: str | None = None
    """The text; required with files of different kinds."""
    media_sources: Sequence[MultiInputSource | ObjectLike] | None = None
    """The files, up to 10."""


@attrs.frozen(kw_only=True)
class AudioTaskInput(Model):
    """Audio to embed in a task."""

    media_source: MediaSourceLike
    """Location of the file."""
    start_sec: float | None = None
    """Start of the embedded part, in seconds."""
    end_sec: float | None = None
    """End of the embedded part, in seconds."""
    segmentation: SegmentationLike | None = None
    """How to segment it, in the form that the model accepts."""
    embedding_option: Sequence[AudioOption] | None = None
    """What the embeddings represent."""
    embedding_scope: Sequence[Literal["clip", "asset", "local"]] | None = None
    """Whether to embed segments (`clip`; `local` with `marengo3.5`), the whole file (`asset`), or both."""
    embedding_type: Sequence[EmbeddingType] | None = None
    """Whether to create one embedding per option, one for all options, or both."""
    time_based_metadata: Sequence[TimedText | ObjectLike] | None = None
    """Additional text to embed."""


@attrs.frozen(kw_only=True)
class VideoTaskInput(Model):
    """A video to embed in a task."""

    media_source: MediaSourceLike
    """Location of the file."""
    start_sec: float | None = None
    """Start of the embedded part, in seconds."""
    end_sec: float | None = None
    """End of the embedded part, in seconds."""
    segmentation: SegmentationLike | None = None
    """How to segment it, in the form that the model accepts."""
    embedding_option: Sequence[VideoOption] | None = None
    """What the embeddings represent."""
    embedding_scope: Sequence[Literal["clip", "asset", "local"]] | None = None
    """Whether to embed segments (`clip`; `local` with `marengo3.5`), the whole file (`asset`), or both."""
    embedding_type: Sequence[EmbeddingType] | None = None
    """Whether to create one embedding per option, one for all options, or both."""
    time_based_metadata: Sequence[TimedText | ObjectLike] | None = None
    """Additional text to embed; `marengo3.5` with `fused_embedding` only."""


@attrs.frozen(kw_only=True)
class ImageTaskInput(Model):
    """An image to embed in a task with `marengo3.5`."""

    media_source: MediaSourceLike
    """Location of the file."""
    embedding_option: Sequence[Literal["visual"]] | None = None
    """The embedded content."""
    embedding_scope: Sequence[Literal["asset"]] | None = None
    """Scope of the embedding."""
    embedding_type: Sequence[Literal["separate_embedding"]] | None = None
    """Kind of embedding."""


@attrs.frozen(kw_only=True)
class SpatialSegmentation(Model):
    """How to segment the pages of a PDF."""

    strategy: Literal["standard", "quadrants"]
    """One embedding per page (`standard`), or one for the page and each of its quarters (`quadrants`)."""


@attrs.frozen(kw_only=True)
class SequentialSegmentation(Model):
    """How to segment text."""

    strategy: Literal["sentence"] = "sentence"
    """Split between sentences."""
    max_sentences: int
    """Maximum number of sentences per chunk."""
    overlap_sentences: int | None = None
    """Number of sentences that adjacent chunks share; less than `max_sentences`."""


@attrs.frozen(kw_only=True)
class DocumentSegmentation(Model):
    """How to segment a document. Pass the field that fits its kind."""

    spatial: SpatialSegmentation | ObjectLike | None = None
    """For PDF files."""
    sequential: SequentialSegmentation | ObjectLike | None = None
    """For text and Markdown files."""


@attrs.frozen(kw_only=True)
class DocumentTaskInput(Model):
    """A document to embed in a task with `marengo3.5`."""

    media_source: MediaSourceLike
    """Location of the file."""
    segmentation: DocumentSegmentation | ObjectLike | None = None
    """How to segment it."""
    embedding_option: Sequence[DocumentOption] | None = None
    """What the embeddings represent; text and Markdown files support `text` only."""
    embedding_scope: Sequence[Literal["local", "asset"]] | None = None
    """Whether to embed pages or chunks (`local`), or the whole document (`asset`)."""
    embedding_type: Sequence[EmbeddingType] | None = None
    """Whether to create one embedding per option, one for all options, or both."""


EmbeddingModel = Literal["marengo3.0", "marengo3.5"]
"""A model that creates embeddings."""

EmbeddingInputType = Literal["text", "image", "text_image", "audio", "video", "multi_input"]
"""Kind of input of a synchronous request; `marengo3.5` accepts `multi_input` only."""

EmbeddingTaskInputType = Literal["audio", "video", "image", "document"]
"""Kind of input of a task; images and documents need `marengo3.5`."""

EmbeddingTaskStatus = Literal["processing", "ready", "failed"]
"""Status of a task."""

EmbeddingQuadrant = Literal["top_left", "top_right", "bottom_left", "bottom_right"]
"""A quarter of a page."""

VideoEmbeddingScope = Literal["clip", "video"]
"""A segment of a video (`clip`) or the whole video, in the terms of the legacy endpoints."""


@attrs.frozen(kw_only=True)
class EmbeddingData(Model):
    """One embedding, with its scope."""

    embedding: Vector = attrs.field(repr=False)
    """The embedding vector."""
    embedding_option: str | None = None
    """`visual`, `audio`, `transcription`, `fused` or `text`; None for a single text or image."""
    embedding_scope: str | None = None
    """`clip`, `page` or `chunk` for a part, `asset` for the whole input; None for a single text or image."""
    start_sec: float | None = None
    """Start of the segment, in seconds."""
    end_sec: float | None = None
    """End, in seconds."""
    embedding_uncertainty: tuple[float, ...] | None = None
    """Uncertainty of each dimension; None unless requested."""
    start_page_number: int | None = None
    """First page of a document, from 1."""
    end_page_number: int | None = None
    """Last page of a document, inclusive."""
    quadrant: EmbeddingQuadrant | None = None
    """Quarter of the page; None for the whole page."""
    chunk_index: int | None = None
    """Index of a text chunk in its document, from 0."""


@attrs.frozen(kw_only=True)
class EmbeddingMetadata(Model):
    """Metadata of the input. Fields that do not apply to its kind are None or empty."""

    input_type: str | None = None
    """Kind of input, such as `video`."""
    input_url: str | None = None
    """URL of the input, if it had one."""
    input_filename: str | None = None
    """Name of the file, if it has one."""
    embedding_options: tuple[str, ...] = ()
    """Embedding options."""
    embedding_scopes: tuple[str, ...] = ()
    """Embedding scopes."""
    duration: float | None = None
    """Duration of the embedded part, in seconds."""
    start_offset_sec: float | None = None
    """Start of the embedded part, in seconds."""
    end_offset_sec: float | None = None
    """End of the embedded part, in seconds."""
    clip_length: float | None = None
    """Duration of each segment in seconds, if it is fixed."""
    embedding_dimension: int | None = None
    """Number of dimensions, if it was requested."""


@attrs.frozen(kw_only=True)
class EmbeddingUsage(Model):
    """Token usage."""

    input_tokens: dict[str, int] = attrs.field(factory=dict[str, int])
    """Number of tokens by kind of input, such as `video` or `text`."""
    truncated: bool = False
    """Whether the input exceeded the limit of the model and was truncated."""
    truncation_reason: str | None = None
    """Reason, such as `model_context_window`."""


@attrs.frozen(kw_only=True)
class Embeddings(Model):
    """Response of a synchronous request."""

    data: tuple[EmbeddingData, ...]
    """The embeddings, in no particular order."""
    metadata: EmbeddingMetadata | None = None
    """Metadata of the input."""
    usage: EmbeddingUsage | None = None
    """Token usage; `marengo3.5` only."""


@attrs.frozen(kw_only=True)
class EmbeddingTaskError(Model):
    """Error of a task that failed."""

    message: str = ""
    """Message of the platform; its wording may change."""


@attrs.frozen(kw_only=True)
class EmbeddingTask(Model):
    """A task that embeds one file, with its embeddings once it is ready."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Unique id."""
    status: EmbeddingTaskStatus
    """Current status."""
    created_at: datetime | None = None
    """Creation time."""
    updated_at: datetime | None = None
    """Time of the last change."""
    data: tuple[EmbeddingData, ...] = ()
    """The embeddings, in no particular order; empty until the task is ready."""
    metadata: EmbeddingMetadata | None = None
    """Metadata of the input."""
    error: EmbeddingTaskError | None = None
    """The error; None unless it failed."""
    usage: EmbeddingUsage | None = None
    """Token usage; `marengo3.5` only."""


@attrs.frozen(kw_only=True)
class EmbeddingInputMetadata(Model):
    """Source of the embedded file."""

    input_url: str | None = None
    """URL of the input, if it had one."""
    input_filename: str | None = None
    """Name of the file, if it has one."""


@attrs.frozen(kw_only=True)
class VideoEmbeddingMetadata(EmbeddingInputMetadata):
    """Metadata of an embedded video."""

    video_clip_length: float | None = None
    """Duration of each segment, in seconds."""
    video_embedding_option: tuple[str, ...] = ()
    """Requested embedding options."""
    video_embedding_scope: tuple[str, ...] = ()
    """Embedding scopes."""
    duration: float | None = None
    """Duration in seconds."""


@attrs.frozen(kw_only=True)
class AudioEmbeddingMetadata(EmbeddingInputMetadata):
    """Metadata of embedded audio."""

    duration: float | None = None
    """Duration in seconds."""
    start_offset_sec: float | None = None
    """Start, in seconds."""
    end_offset_sec: float | None = None
    """End, in seconds."""
    audio_embedding_option: tuple[str, ...] = ()
    """Requested embedding options."""
    audio_embedding_scope: tuple[str, ...] = ()
    """Embedding scopes."""
    audio_embedding_options: tuple[str, ...] = ()
    """Legacy name of `audio_embedding_option`."""
    audio_embedding_scopes: tuple[str, ...] = ()
    """Legacy name of `audio_embedding_scope`."""


@attrs.frozen(kw_only=True)
class DocumentEmbeddingMetadata(EmbeddingInputMetadata):
    """Metadata of an embedded document."""

    document_embedding_option: tuple[str, ...] = ()
    """Requested embedding options."""
    document_embedding_scope: tuple[str, ...] = ()
    """Embedding scopes."""


@attrs.frozen(kw_only=True)
class ImageEmbeddingMetadata(EmbeddingInputMetadata):
    """Metadata of an embedded image."""

    image_embedding_option: tuple[str, ...] = ()
    """Requested embedding options."""
    image_embedding_scope: tuple[str, ...] = ()
    """Embedding scopes."""


@attrs.frozen(kw_only=True)
class TaskVideoEmbedding(Model):
    """The video of a task."""

    metadata: VideoEmbeddingMetadata | None = None
    """Metadata."""
    segments: tuple[VideoSegment, ...] = ()
    """The embeddings; set only when a ready task of the legacy endpoints is retrieved."""


@attrs.frozen(kw_only=True)
class TaskAudioEmbedding(Model):
    """The audio of a task."""

    metadata: AudioEmbeddingMetadata | None = None
    """Metadata."""


@attrs.frozen(kw_only=True)
class TaskDocumentEmbedding(Model):
    """The document of a task."""

    metadata: DocumentEmbeddingMetadata | None = None
    """Metadata."""


@attrs.frozen(kw_only=True)
class TaskImageEmbedding(Model):
    """The image of a task."""

    metadata: ImageEmbeddingMetadata | None = None
    """Metadata."""


@attrs.frozen(kw_only=True)
class MediaEmbeddingTask(Model):
    """A task in a list; the legacy endpoints return it everywhere."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Unique id."""
    status: EmbeddingTaskStatus
    """Current status."""
    model_name: str | None = None
    """Name of the model."""
    created_at: datetime | None = None
    """Creation time."""
    updated_at: datetime | None = None
    """Time of the last change."""
    video_embedding: TaskVideoEmbedding | None = None
    """The video; None for other inputs."""
    audio_embedding: TaskAudioEmbedding | None = None
    """The audio; None for other inputs."""
    document_embedding: TaskDocumentEmbedding | None = None
    """The document; None for other inputs."""
    image_embedding: TaskImageEmbedding | None = None
    """The image; None for other inputs."""


@attrs.frozen(kw_only=True)
class CreatedEmbeddingTask(Model):
    """Response to the creation of a task through the legacy endpoint."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Id of the task, for `wait_for_done`."""


@attrs.frozen(kw_only=True)
class EmbeddingSegment(Model):
    """One embedding of the legacy endpoint."""

    float_: Vector = attrs.field(metadata={"wire": "float"}, repr=False)
    """The embedding vector; the API calls it `float`."""
    start_offset_sec: float | None = None
    """Start of an audio segment, in seconds."""
    end_offset_sec: float | None = None
    """End, in seconds."""


@attrs.frozen(kw_only=True)
class EmbeddingResult(Model):
    """The embedding of one text, image or audio file."""

    segments: tuple[EmbeddingSegment, ...] = ()
    """The embeddings: one, or one per segment of audio."""
    error_message: str | None = None
    """Error; one input may fail while others succeed."""
    metadata: EmbeddingInputMetadata | None = None
    """Source of the file."""


@attrs.frozen(kw_only=True)
class EmbeddingResponse(Model):
    """Response of the legacy endpoint, with one result for each kind of input."""

    model_name: str
    """Name of the model."""
    text_embedding: EmbeddingResult | None = None
    """Result for the text."""
    image_embedding: EmbeddingResult | None = None
    """Result for the image."""
    audio_embedding: EmbeddingResult | None = None
    """Result for the audio."""
