"""Analysis: text or JSON about a video or images.

https://docs.twelvelabs.io/v1.3/api-reference/analyze-videos
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, Literal, TypeVar

import attrs

from twelvelabs_async.models.common import Model, UnknownEvent

_V = TypeVar("_V")

AnalyzeModel = Literal["pegasus1.5", "pegasus1.6"]
"""A model that generates text about videos."""

FinishReason = Literal["stop", "length"]
"""Reason for the end of a text: it is complete (`stop`), or was truncated at the token limit (`length`)."""

TimeFormat = Literal["seconds", "hh:mm:ss", "hh:mm:ss.fff"]
"""Format of time codes in the output."""

ResponseFormatType = Literal["json_schema", "segment_definitions"]
"""JSON that follows your own schema, or segments of the video."""


@attrs.frozen(kw_only=True)
class VideoUrl(Model):
    """A video at a URL, which the platform downloads."""

    url: str
    """Direct link to the file, or a playlist (`.m3u8`) of a complete video."""
    type: Literal["url"] = "url"
    """Kind of video source."""


@attrs.frozen(kw_only=True)
class VideoAsset(Model):
    """A video that was uploaded as an asset."""

    asset_id: str
    """Id of the asset."""
    type: Literal["asset_id"] = "asset_id"
    """Kind of video source."""


@attrs.frozen(kw_only=True)
class VideoBase64(Model):
    """A small video inside the request body."""

    base_64_string: str = attrs.field(metadata={"wire": "base64_string"}, repr=False)
    """The file, base64-encoded; up to 30 MB."""
    type: Literal["base64_string"] = "base64_string"
    """Kind of video source."""


VideoContext = VideoUrl | VideoAsset | VideoBase64
"""A video to analyze."""


@attrs.frozen(kw_only=True)
class AnalyzeImageInput(Model):
    """An image to analyze. Pass exactly one of `url`, `asset_id` and `base_64_string`."""

    name: str
    """Name by which the prompt can refer to the image."""
    url: str | None = None
    """Direct link."""
    asset_id: str | None = None
    """Id of an image asset."""
    base_64_string: str | None = attrs.field(default=None, metadata={"wire": "base64_string"}, repr=False)
    """The file, base64-encoded."""


@attrs.frozen(kw_only=True)
class ReferenceImage(Model):
    """An image that a prompt refers to as `<@name>`. Pass exactly one of `url`, `asset_id` and `base_64_string`."""

    name: str
    """Name by which the prompt refers to the image."""
    media_type: Literal["image"] = "image"
    """The type of the object."""
    url: str | None = None
    """Direct link."""
    asset_id: str | None = None
    """Id of an image asset."""
    base_64_string: str | None = attrs.field(default=None, metadata={"wire": "base64_string"}, repr=False)
    """The file, base64-encoded."""


@attrs.frozen(kw_only=True)
class AnalyzePromptV2(Model):
    """A prompt that refers to images."""

    input_text: str
    """The prompt; `<@name>` refers to an image."""
    media_sources: tuple[ReferenceImage, ...] | None = None
    """The images, up to 4."""


@attrs.frozen(kw_only=True)
class AnalyzeTimeRange(Model):
    """A time range of a video."""

    start_time: float
    """Start, in seconds."""
    end_time: float
    """End, in seconds; at least 2 seconds after the start."""


@attrs.frozen(kw_only=True)
class TimeArrayItems(Model):
    """Items of an array field of an event."""

    type: Literal["string", "number", "boolean", "integer"]
    """Type of each value."""


@attrs.frozen(kw_only=True)
class TimeArrayField(Model):
    """A field to generate for each event in a segment."""

    name: str
    """Name of the field."""
    type: Literal["string", "boolean", "number", "integer", "array"]
    """Type of the value."""
    description: str | None = None
    """Description of the value to extract."""
    enum: tuple[str, ...] | None = None
    """The allowed values."""
    items: TimeArrayItems | None = None
    """Items, if the type is `array`."""


@attrs.frozen(kw_only=True)
class SegmentFieldItems(Model):
    """Items of an array field of a segment."""

    type: Literal["string", "number", "boolean", "integer", "object"]
    """Type of each value; `object` in a `time_array`."""
    fields: tuple[TimeArrayField, ...] | None = None
    """Fields of each event of a `time_array`."""


@attrs.frozen(kw_only=True)
class SegmentField(Model):
    """A field to generate for each segment."""

    name: str
    """Name of the field."""
    type: Literal["string", "boolean", "number", "integer", "array", "timestamp", "time_array"]
    """Type of the value; a `time_array` is a list of events."""
    description: str
    """Description of the value to extract."""
    format: TimeFormat | None = None
    """Format of a `timestamp`; required for that type and allowed for no other."""
    enum: tuple[str, ...] | None = None
    """The allowed values, up to 100."""
    items: SegmentFieldItems | None = None
    """Items, if the type is `array` or `time_array`."""


@attrs.frozen(kw_only=True)
class SegmentDefinition(Model):
    """A kind of segment to detect."""

    id: str
    """Key of its segments in the result."""
    description: str
    """Description of the segments to detect."""
    fields: tuple[SegmentField, ...] | None = None
    """Fields to generate for each segment."""
    media_sources: tuple[ReferenceImage, ...] | None = None
    """Images that the description refers to, up to 4."""
    time_ranges: tuple[AnalyzeTimeRange, ...] | None = None
    """Time ranges to use as segments; they must not overlap."""


@attrs.frozen(kw_only=True)
class ResponseFormat(Model):
    """Format of a structured result."""

    type: ResponseFormatType = "json_schema"
    """Kind of format; synchronous analysis supports `json_schema` only."""
    json_schema: Mapping[str, Any] | None = None
    """A JSON schema, in the subset of draft 2020-12 that the platform supports."""
    segment_definitions: tuple[SegmentDefinition, ...] | None = None
    """Kinds of segments to detect, 1 to 20."""
    segment_time_format: TimeFormat | None = None
    """Format of segment boundaries; the platform's default is `seconds`."""


@attrs.frozen(kw_only=True)
class TokenUsage(Model):
    """Token usage of a generation."""

    output_tokens: int
    """Number of output tokens."""
    input_tokens: int | None = None
    """Number of input tokens."""


@attrs.frozen(kw_only=True)
class AnalysisError(Model):
    """An error, or a warning that the text was truncated."""

    message: str
    """Message of the platform; its wording may change."""
    code: str | None = None
    """Machine-readable error code, such as `user_canceled`."""


@attrs.frozen(kw_only=True)
class Analysis(Model):
    """The response of `analyze`; the result of a task is an `AnalysisResult`."""

    id: str | None = None
    """Id of the generation."""
    data: str
    """The text; with a response format, a JSON document."""
    finish_reason: FinishReason | None = None
    """Reason for the end of the text; `length` if it was truncated."""
    usage: TokenUsage | None = None
    """Token usage."""
    error: AnalysisError | None = None
    """A warning, if the text was truncated."""

    @property
    def text(self) -> str:
        """Alias of `data`."""
        return self.data


@attrs.frozen(kw_only=True)
class StructuredAnalysis(Analysis, Generic[_V]):
    """The result of an analysis with `schema=`, parsed into the requested type."""

    value: _V
    """The parsed content of `data`."""
    repaired: bool = False
    """Whether `data` was damaged, and was repaired to parse it; check the value."""
    trailing_text: str = ""
    """Text in `data` after the document."""


@attrs.frozen(kw_only=True)
class StreamStartMetadata(Model):
    """Metadata of the first event."""

    generation_id: str | None = None
    """Id of the generation."""


@attrs.frozen(kw_only=True)
class StreamEndMetadata(Model):
    """Metadata of the last event."""

    generation_id: str | None = None
    """Id of the generation."""
    usage: TokenUsage | None = None
    """Token usage."""


@attrs.frozen(kw_only=True)
class StreamStart(Model):
    """The first event of a streamed analysis."""

    event_type: Literal["stream_start"] = "stream_start"
    """Event type."""
    metadata: StreamStartMetadata = attrs.field(factory=StreamStartMetadata)
    """Metadata of the stream."""


@attrs.frozen(kw_only=True)
class TextGeneration(Model):
    """A piece of the text."""

    event_type: Literal["text_generation"] = "text_generation"
    """Event type."""
    text: str = ""
    """The text that follows the text of earlier events."""


@attrs.frozen(kw_only=True)
class StreamEnd(Model):
    """The last event of a streamed analysis; a stream without it is incomplete."""

    event_type: Literal["stream_end"] = "stream_end"
    """Event type."""
    finish_reason: FinishReason | None = None
    """Reason for the end of the text; `length` if it was truncated at the token limit."""
    metadata: StreamEndMetadata = attrs.field(factory=StreamEndMetadata)
    """Metadata of the complete stream."""
    error: AnalysisError | None = None
    """A warning if the text was truncated, otherwise an error."""


AnalyzeEvent = StreamStart | TextGeneration | StreamEnd | UnknownEvent
"""An event of a streamed analysis."""
