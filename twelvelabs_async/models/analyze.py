"""Analysis: text about a video or pictures, in words or as JSON, at once or while it is written.

https://docs.twelvelabs.io/v1.3/api-reference/analyze-videos
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, Literal, TypeVar

import attrs

from twelvelabs_async.models.common import Model, UnknownEvent

V = TypeVar("V")

AnalyzeModel = Literal["pegasus1.5", "pegasus1.6"]
"""A model that writes about videos."""

FinishReason = Literal["stop", "length"]
"""Why a text ends: it is complete (`stop`), or was cut at the limit of tokens (`length`)."""

TimeFormat = Literal["seconds", "hh:mm:ss", "hh:mm:ss.fff"]
"""How moments within a video are written."""

ResponseFormatType = Literal["json_schema", "segment_definitions"]
"""JSON of a shape of your own, or segments of the video."""


@attrs.frozen(kw_only=True)
class VideoUrl(Model):
    """A video the platform fetches itself."""

    url: str
    """Direct link, or a playlist (`.m3u8`) of a video that is complete."""
    type: Literal["url"] = "url"
    """Tells this from other videos."""


@attrs.frozen(kw_only=True)
class VideoAsset(Model):
    """A video that is on the platform."""

    asset_id: str
    """The asset."""
    type: Literal["asset_id"] = "asset_id"
    """Tells this from other videos."""


@attrs.frozen(kw_only=True)
class VideoBase64(Model):
    """A small video within the request."""

    base64_string: str = attrs.field(repr=False)
    """The file in base64, up to 30 MB."""
    type: Literal["base64_string"] = "base64_string"
    """Tells this from other videos."""


VideoContext = VideoUrl | VideoAsset | VideoBase64
"""A video to analyze."""


@attrs.frozen(kw_only=True)
class AnalyzeImageInput(Model):
    """A picture to analyze, from exactly one of three places."""

    name: str
    """What the prompt may call it."""
    url: str | None = None
    """Direct link."""
    asset_id: str | None = None
    """A picture on the platform."""
    base64_string: str | None = attrs.field(default=None, repr=False)
    """The file in base64."""


@attrs.frozen(kw_only=True)
class ReferenceImage(Model):
    """A picture that a prompt speaks of as `<@name>`, from exactly one of three places."""

    name: str
    """What the prompt calls it."""
    media_type: Literal["image"] = "image"
    """What it is."""
    url: str | None = None
    """Direct link."""
    asset_id: str | None = None
    """A picture on the platform."""
    base64_string: str | None = attrs.field(default=None, repr=False)
    """The file in base64."""


@attrs.frozen(kw_only=True)
class AnalyzePromptV2(Model):
    """A prompt with pictures in it."""

    input_text: str
    """The prompt; `<@name>` stands for a picture."""
    media_sources: tuple[ReferenceImage, ...] | None = None
    """The pictures, 4 at most."""


@attrs.frozen(kw_only=True)
class AnalyzeTimeRange(Model):
    """A stretch of a video."""

    start_time: float
    """Where it begins, in seconds."""
    end_time: float
    """Where it ends, in seconds; 2 or more later."""


@attrs.frozen(kw_only=True)
class TimeArrayItems(Model):
    """What a list within an event holds."""

    type: Literal["string", "number", "boolean", "integer"]
    """Kind of each value."""


@attrs.frozen(kw_only=True)
class TimeArrayField(Model):
    """What to say of each event within a segment."""

    name: str
    """Key of the value."""
    type: Literal["string", "boolean", "number", "integer", "array"]
    """Kind of the value."""
    description: str | None = None
    """What to find out, in words."""
    enum: tuple[str, ...] | None = None
    """The only values it may have."""
    items: TimeArrayItems | None = None
    """What an `array` holds."""


@attrs.frozen(kw_only=True)
class SegmentFieldItems(Model):
    """What a list within a segment holds."""

    type: Literal["string", "number", "boolean", "integer", "object"]
    """Kind of each value; `object` in a `time_array`."""
    fields: tuple[TimeArrayField, ...] | None = None
    """What to say of each event of a `time_array`."""


@attrs.frozen(kw_only=True)
class SegmentField(Model):
    """What to say of each segment."""

    name: str
    """Key of the value."""
    type: Literal["string", "boolean", "number", "integer", "array", "timestamp", "time_array"]
    """Kind of the value; a `time_array` is a list of events."""
    description: str
    """What to find out, in words."""
    format: TimeFormat | None = None
    """How a `timestamp` is written; required for it, and only for it."""
    enum: tuple[str, ...] | None = None
    """The only values it may have, up to 100."""
    items: SegmentFieldItems | None = None
    """What an `array` or a `time_array` holds."""


@attrs.frozen(kw_only=True)
class SegmentDefinition(Model):
    """A kind of segment to find."""

    id: str
    """Key of its segments in the result."""
    description: str
    """What to look for, in words."""
    fields: tuple[SegmentField, ...] | None = None
    """What to say of each."""
    media_sources: tuple[ReferenceImage, ...] | None = None
    """Pictures the description speaks of, 4 at most."""
    time_ranges: tuple[AnalyzeTimeRange, ...] | None = None
    """Stretches to use as segments; they must not overlap."""


@attrs.frozen(kw_only=True)
class ResponseFormat(Model):
    """The shape of a result that is not plain text."""

    type: ResponseFormatType = "json_schema"
    """Which of the two shapes; one analyzed at once can only be `json_schema`."""
    json_schema: Mapping[str, Any] | None = None
    """A JSON schema, in the part of draft 2020-12 that the platform knows."""
    segment_definitions: tuple[SegmentDefinition, ...] | None = None
    """Kinds of segments to find, 1 to 20."""
    segment_time_format: TimeFormat | None = None
    """How the bounds of segments are written; the platform's default is `seconds`."""


@attrs.frozen(kw_only=True)
class TokenUsage(Model):
    """What a text cost."""

    output_tokens: int
    """Tokens written."""
    input_tokens: int | None = None
    """Tokens read."""


@attrs.frozen(kw_only=True)
class AnalysisError(Model):
    """A failure, or a warning about a text that was cut."""

    message: str
    """What happened, in words that are no contract."""
    code: str | None = None
    """Machine-readable reason, such as `user_canceled`."""


@attrs.frozen(kw_only=True)
class Analysis(Model):
    """The answer to a prompt."""

    id: str | None = None
    """Identifier of the generation."""
    data: str
    """The text; with a response format it is a JSON document."""
    finish_reason: FinishReason | None = None
    """`length` if the text was cut."""
    usage: TokenUsage | None = None
    """What it cost."""
    error: AnalysisError | None = None
    """A warning, when the text was cut."""

    @property
    def text(self) -> str:
        """The same as `data`."""
        return self.data


@attrs.frozen(kw_only=True)
class StructuredAnalysis(Analysis, Generic[V]):
    """The answer to a prompt, as a value of the type that was asked for."""

    value: V
    """What `data` says."""


@attrs.frozen(kw_only=True)
class StreamStartMetadata(Model):
    """What is known before the first word."""

    generation_id: str | None = None
    """Identifier of the generation."""


@attrs.frozen(kw_only=True)
class StreamEndMetadata(Model):
    """What is known after the last word."""

    generation_id: str | None = None
    """Identifier of the generation."""
    usage: TokenUsage | None = None
    """What it cost."""


@attrs.frozen(kw_only=True)
class StreamStart(Model):
    """The first event of an analysis."""

    event_type: Literal["stream_start"] = "stream_start"
    """Tells this from other events."""
    metadata: StreamStartMetadata = attrs.field(factory=StreamStartMetadata)
    """What is known already."""


@attrs.frozen(kw_only=True)
class TextGeneration(Model):
    """Some more text."""

    event_type: Literal["text_generation"] = "text_generation"
    """Tells this from other events."""
    text: str = ""
    """It continues what came before."""


@attrs.frozen(kw_only=True)
class StreamEnd(Model):
    """The last event of an analysis; without it the text was cut off."""

    event_type: Literal["stream_end"] = "stream_end"
    """Tells this from other events."""
    finish_reason: FinishReason | None = None
    """`length` if the text was cut at the limit of tokens."""
    metadata: StreamEndMetadata = attrs.field(factory=StreamEndMetadata)
    """What is known in the end."""
    error: AnalysisError | None = None
    """A warning, when the text was cut; else a failure."""


AnalyzeEvent = StreamStart | TextGeneration | StreamEnd | UnknownEvent
"""What a streamed analysis consists of."""
