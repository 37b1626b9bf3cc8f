"""What can be embedded, as it is described to the platform. A dict of the same shape is as good everywhere.

https://docs.twelvelabs.io/v1.3/api-reference/create-embeddings-v2
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import attrs

from twelvelabs_async.models.common import Model

AudioOption = Literal["audio", "transcription"]
"""What a vector of a sound stands for: how it sounds, or what is said."""

VideoOption = Literal["visual", "audio", "transcription"]
"""What a vector of a video stands for: what is seen, how it sounds, or what is said."""

DocumentOption = Literal["visual", "text"]
"""What a vector of a document stands for: how it looks, or what it says."""

EmbeddingType = Literal["separate_embedding", "fused_embedding"]
"""Whether each option has vectors of its own, or all together have one."""

InputMediaType = Literal["image", "video", "audio", "document"]
"""Kind of a file."""


@attrs.frozen(kw_only=True)
class MediaSource(Model):
    """Where a file is: exactly one of the three."""

    url: str | None = None
    """An address anyone can read."""
    asset_id: str | None = None
    """An asset that is ready."""
    base64_string: str | None = attrs.field(default=None, repr=False)
    """The bytes, as base64."""


SourceLike = MediaSource | Mapping[str, Any]
"""Where a file is, or the same as a dict such as `{"asset_id": "..."}`."""


@attrs.frozen(kw_only=True)
class TextInput(Model):
    """A text."""

    input_text: str
    """The words, up to 500 tokens."""


@attrs.frozen(kw_only=True)
class ImageInput(Model):
    """A picture."""

    media_source: SourceLike
    """Where it is."""


@attrs.frozen(kw_only=True)
class TextImageInput(Model):
    """A picture and words about it, embedded as one."""

    media_source: SourceLike
    """Where the picture is."""
    input_text: str
    """The words, up to 500 tokens."""


@attrs.frozen(kw_only=True)
class FixedLength(Model):
    """Stretches that are all equally long."""

    duration_sec: int
    """Seconds of each, 2 to 10."""


@attrs.frozen(kw_only=True)
class DynamicLength(Model):
    """Stretches that follow the scenes."""

    min_duration_sec: int
    """Seconds of the shortest, 2 to 5."""


@attrs.frozen(kw_only=True)
class Segmentation(Model):
    """How a recording is cut, as `marengo3.0` takes it; sounds by themselves are cut `fixed` only."""

    strategy: Literal["dynamic", "fixed"]
    """Names which of the two is given."""
    dynamic: DynamicLength | None = None
    """Along the scenes."""
    fixed: FixedLength | None = None
    """All equally long."""


@attrs.frozen(kw_only=True)
class TemporalSegmentation(Model):
    """How a recording is cut, as `marengo3.5` takes it."""

    temporal: Segmentation | Mapping[str, Any]
    """Along the scenes, or equally long."""


SegmentationLike = Segmentation | TemporalSegmentation | Mapping[str, Any]
"""How a recording is cut; each model refuses the shape that belongs to the other one."""


@attrs.frozen(kw_only=True)
class TimedText(Model):
    """Words that go with a stretch of a recording."""

    start: float
    """Where it begins, in seconds."""
    end: float
    """Where it ends, in seconds."""
    text: str
    """The words."""


@attrs.frozen(kw_only=True)
class AudioInput(Model):
    """A sound, in one request of `marengo3.0`."""

    media_source: SourceLike
    """Where it is."""
    start_sec: float | None = None
    """Where to begin, in seconds."""
    end_sec: float | None = None
    """Where to end, in seconds."""
    segmentation: Segmentation | Mapping[str, Any] | None = None
    """How to cut it, always `fixed`."""
    embedding_option: Sequence[AudioOption] | None = None
    """What the vectors are to stand for."""
    embedding_scope: Sequence[Literal["clip", "asset"]] | None = None
    """Whether they span stretches, all of it, or both."""
    embedding_type: Sequence[EmbeddingType] | None = None
    """Whether the options have vectors of their own, one together, or both."""


@attrs.frozen(kw_only=True)
class VideoInput(Model):
    """A video, in one request of `marengo3.0`."""

    media_source: SourceLike
    """Where it is."""
    start_sec: float | None = None
    """Where to begin, in seconds."""
    end_sec: float | None = None
    """Where to end, in seconds."""
    segmentation: Segmentation | Mapping[str, Any] | None = None
    """How to cut it."""
    embedding_option: Sequence[VideoOption] | None = None
    """What the vectors are to stand for."""
    embedding_scope: Sequence[Literal["clip", "asset"]] | None = None
    """Whether they span stretches, all of it, or both."""
    embedding_type: Sequence[EmbeddingType] | None = None
    """Whether the options have vectors of their own, one together, or both."""


@attrs.frozen(kw_only=True)
class MultiInputSource(MediaSource):
    """One file among several."""

    media_type: InputMediaType
    """What it is; `marengo3.0` takes pictures only, and a document has to be alone."""
    name: str | None = None
    """Name by which the text refers to it, as `<@name>`."""


@attrs.frozen(kw_only=True)
class MultiInput(Model):
    """Words and files, embedded as one."""

    input_text: str | None = None
    """The words; required beside files of different kinds."""
    media_sources: Sequence[MultiInputSource | Mapping[str, Any]] | None = None
    """The files, up to 10."""


@attrs.frozen(kw_only=True)
class AudioTaskInput(Model):
    """A sound, for a task."""

    media_source: SourceLike
    """Where it is."""
    start_sec: float | None = None
    """Where to begin, in seconds."""
    end_sec: float | None = None
    """Where to end, in seconds."""
    segmentation: SegmentationLike | None = None
    """How to cut it, in the shape the model takes."""
    embedding_option: Sequence[AudioOption] | None = None
    """What the vectors are to stand for."""
    embedding_scope: Sequence[Literal["clip", "asset", "local"]] | None = None
    """Whether they span stretches (`clip`, with `marengo3.5` `local`), all of it, or both."""
    embedding_type: Sequence[EmbeddingType] | None = None
    """Whether the options have vectors of their own, one together, or both."""
    time_based_metadata: Sequence[TimedText | Mapping[str, Any]] | None = None
    """Words to take into account."""


@attrs.frozen(kw_only=True)
class VideoTaskInput(Model):
    """A video, for a task."""

    media_source: SourceLike
    """Where it is."""
    start_sec: float | None = None
    """Where to begin, in seconds."""
    end_sec: float | None = None
    """Where to end, in seconds."""
    segmentation: SegmentationLike | None = None
    """How to cut it, in the shape the model takes."""
    embedding_option: Sequence[VideoOption] | None = None
    """What the vectors are to stand for."""
    embedding_scope: Sequence[Literal["clip", "asset", "local"]] | None = None
    """Whether they span stretches (`clip`, with `marengo3.5` `local`), all of it, or both."""
    embedding_type: Sequence[EmbeddingType] | None = None
    """Whether the options have vectors of their own, one together, or both."""
    time_based_metadata: Sequence[TimedText | Mapping[str, Any]] | None = None
    """Words to take into account; `marengo3.5` with `fused_embedding` only."""


@attrs.frozen(kw_only=True)
class ImageTaskInput(Model):
    """A picture, for a task of `marengo3.5`."""

    media_source: SourceLike
    """Where it is."""
    embedding_option: Sequence[Literal["visual"]] | None = None
    """What the vector is to stand for."""
    embedding_scope: Sequence[Literal["asset"]] | None = None
    """What it is to span."""
    embedding_type: Sequence[Literal["separate_embedding"]] | None = None
    """A vector of its own."""


@attrs.frozen(kw_only=True)
class SpatialSegmentation(Model):
    """How the pages of a PDF are cut."""

    strategy: Literal["standard", "quadrants"]
    """One vector a page, or five: the page and its quarters."""


@attrs.frozen(kw_only=True)
class SequentialSegmentation(Model):
    """How a text is cut."""

    strategy: Literal["sentence"] = "sentence"
    """Between sentences."""
    max_sentences: int
    """Sentences of a chunk."""
    overlap_sentences: int | None = None
    """Sentences a chunk shares with the one before; less than `max_sentences`."""


@attrs.frozen(kw_only=True)
class DocumentSegmentation(Model):
    """How a document is cut: exactly the one that fits its kind."""

    spatial: SpatialSegmentation | Mapping[str, Any] | None = None
    """For PDF."""
    sequential: SequentialSegmentation | Mapping[str, Any] | None = None
    """For text and Markdown."""


@attrs.frozen(kw_only=True)
class DocumentTaskInput(Model):
    """A document, for a task of `marengo3.5`."""

    media_source: SourceLike
    """Where it is."""
    segmentation: DocumentSegmentation | Mapping[str, Any] | None = None
    """How to cut it."""
    embedding_option: Sequence[DocumentOption] | None = None
    """What the vectors are to stand for; only text exists for text and Markdown."""
    embedding_scope: Sequence[Literal["local", "asset"]] | None = None
    """Whether they span pages or chunks (`local`), or all of it."""
    embedding_type: Sequence[EmbeddingType] | None = None
    """Whether the options have vectors of their own, one together, or both."""
