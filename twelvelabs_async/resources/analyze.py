"""Analysis: text or JSON about a video or images.

https://docs.twelvelabs.io/v1.3/api-reference/analyze-videos/analyze
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar, Unpack, overload

import attrs
from typing_extensions import override

from twelvelabs_async._arguments import checked_int, omit_none
from twelvelabs_async._core.executor import StreamingExecutor
from twelvelabs_async._core.stream_decoders import (
    NDJSON_MEDIA_TYPES,
    EventProtocol,
    JsonLinesDecoder,
    failure_message,
    unknown_event,
)
from twelvelabs_async._core.validation import NoParameters, analysis_input, reject_unsupported
from twelvelabs_async.errors import InvalidInputError, StructuredOutputError
from twelvelabs_async.models.analyze import (
    Analysis,
    AnalyzeEvent,
    AnalyzeImageInput,
    AnalyzeModel,
    AnalyzePromptV2,
    ResponseFormat,
    StreamEnd,
    StreamStart,
    StructuredAnalysis,
    TextGeneration,
    VideoContext,
)
from twelvelabs_async.models.common import ObjectLike, UnknownEvent
from twelvelabs_async.requests import Request
from twelvelabs_async.resources._base import Resource
from twelvelabs_async.streaming import TextStream
from twelvelabs_async.structured_output import parse_structured_text, response_format_for

_V = TypeVar("_V")

VideoLike = VideoContext | ObjectLike
"""A video context, or a dict such as `{"type": "asset_id", "asset_id": "..."}`."""

ImageLike = AnalyzeImageInput | ObjectLike
"""An `AnalyzeImageInput`, or a dict with its fields."""

PromptLike = AnalyzePromptV2 | ObjectLike
"""An `AnalyzePromptV2`, or a dict with its fields."""

ResponseFormatLike = ResponseFormat | ObjectLike
"""A `ResponseFormat`, or a dict with its fields."""


class Analyze(Resource):
    """Generates text about a video or images: `await client.analyze(...)`."""

    @overload
    async def create(
        self,
        *,
        model_name: AnalyzeModel | None = None,
        video: VideoLike | None = None,
        image: Sequence[ImageLike] | None = None,
        prompt: str | None = None,
        prompt_v_2: PromptLike | None = None,
        temperature: float | None = None,
        schema: None = None,
        response_format: ResponseFormatLike | None = None,
        max_tokens: int | None = None,
        start_time: float | None = None,
        end_time: float | None = None,
    ) -> Analysis: ...
    @overload
    async def create(
        self,
        *,
        model_name: AnalyzeModel | None = None,
        video: VideoLike | None = None,
        image: Sequence[ImageLike] | None = None,
        prompt: str | None = None,
        prompt_v_2: PromptLike | None = None,
        temperature: float | None = None,
        schema: type[_V],
        response_format: None = None,
        max_tokens: int | None = None,
        start_time: float | None = None,
        end_time: float | None = None,
        attempts: int = 1,
    ) -> StructuredAnalysis[_V]: ...
    @overload
    async def create(
        self,
        *,
        model_name: AnalyzeModel | None = None,
        video: VideoLike | None = None,
        image: Sequence[ImageLike] | None = None,
        prompt: str | None = None,
        prompt_v_2: PromptLike | None = None,
        temperature: float | None = None,
        schema: Mapping[str, Any],
        response_format: None = None,
        max_tokens: int | None = None,
        start_time: float | None = None,
        end_time: float | None = None,
        attempts: int = 1,
    ) -> StructuredAnalysis[dict[str, Any]]: ...
    async def create(
        self,
        *,
        model_name: AnalyzeModel | None = None,
        video: VideoLike | None = None,
        image: Sequence[ImageLike] | None = None,
        prompt: str | None = None,
        prompt_v_2: PromptLike | None = None,
        temperature: float | None = None,
        schema: type[Any] | Mapping[str, Any] | None = None,
        response_format: ResponseFormatLike | None = None,
        max_tokens: int | None = None,
        start_time: float | None = None,
        end_time: float | None = None,
        attempts: int = 1,
        **unsupported: Unpack[NoParameters],
    ) -> Analysis:
        """Generate text about a video or images. This may take minutes; the default deadline is 600 s.

        Args:
            model_name: Name of the model; images need `pegasus1.6`. None uses the platform's default.
            video: The video, up to one hour. Pass either `video` or `image`.
            image: Up to 20 images. Pass either `video` or `image`.
            prompt: The prompt.
            prompt_v_2: A prompt that refers to images, for a video; replaces `prompt`.
            temperature: Sampling temperature, from 0 to 1.
            schema: Structure of a JSON response: an attrs class, or the JSON schema of an object. The result has a
                `value`, an instance of the class or a dict.
            response_format: Structure of a JSON response in the API's own format; `data` of the result is a JSON
                string.
            max_tokens: Maximum number of output tokens.
            start_time: Start of the analyzed part of the video, in seconds.
            end_time: End of the analyzed part of the video, in seconds.
            attempts: With `schema`: how many analyses are requested, and billed, at most until one can be parsed. A
                truncated response is not repeated.

        Raises:
            InvalidInputError: The arguments cannot be combined, or the schema is not supported.
            StructuredOutputError: With `schema`: the response was truncated, or does not match the schema.
            NotFoundError: The video does not exist.

        API: `POST /analyze`

        Example:
            analysis = await client.analyze(video=VideoAsset(asset_id=asset.id), prompt="What happens?")
            print(analysis.text, analysis.finish_reason)
        """
        reject_unsupported("analyze", unsupported)
        if schema is not None and response_format is not None:
            raise InvalidInputError("pass schema= or response_format=, not both")
        if checked_int("attempts", attempts) != 1 and schema is None:
            raise InvalidInputError(f"attempts={attempts} requires schema=")
        body = {
            **analysis_input(video=video, image=image, prompt=prompt, prompt_v_2=prompt_v_2),
            **omit_none(model_name=model_name, temperature=temperature, max_tokens=max_tokens),
            **omit_none(start_time=start_time, end_time=end_time),
            **omit_none(response_format=response_format if schema is None else response_format_for(schema)),
        }
        while True:
            found = await self._send("POST", "/analyze", Analysis, {**body, "stream": False}, retry_class="billable")
            if schema is None:
                return found
            attempts -= 1
            try:
                return _structured_analysis(found, schema)
            except StructuredOutputError as error:
                if attempts == 0 or not error.retryable:
                    raise

    __call__ = create


def _structured_analysis(analysis: Analysis, schema: type[Any] | Mapping[str, Any]) -> StructuredAnalysis[Any]:
    found = parse_structured_text(
        analysis.data, schema, finish_reason=analysis.finish_reason, usage=analysis.usage, operation="POST /analyze"
    )
    return StructuredAnalysis(**attrs.asdict(found, recurse=False), **attrs.asdict(analysis, recurse=False))


_METADATA_EVENTS: Final = (StreamStart, StreamEnd)
"""Events that contain the generation id. Creating the union for each event would cost as much as decoding it."""


class AnalyzeStream(TextStream[AnalyzeEvent]):
    """A streamed analysis: iterate over it, or await `text()` or `final()`."""

    def __init__(self, executor: StreamingExecutor, request: Request[Any]) -> None:
        super().__init__(executor, request, _ANALYZE_PROTOCOL, JsonLinesDecoder(), accept=NDJSON_MEDIA_TYPES)
        self._generation_id: str | None = None
        self._end_event = StreamEnd()

    @property
    def generation_id(self) -> str | None:
        """Id of the generation; None until the first event."""
        return self._generation_id

    async def final(self) -> Analysis:
        """Read the stream to its end and return the complete analysis.

        Raises:
            StreamError: The stream broke off or reported an error; `text` of the error has what was received.

        Example:
            stream = client.analyze_stream(video=VideoAsset(asset_id=asset.id), prompt="What happens?")
            analysis = await stream.final()
            print(analysis.text)
        """
        await self._read_to_end()
        return Analysis(
            id=self._generation_id,
            data=self.text_so_far,
            finish_reason=self._end_event.finish_reason,
            usage=self._end_event.metadata.usage,
            error=self._end_event.error,
        )

    @override
    def _on_event(self, event: AnalyzeEvent) -> None:
        if isinstance(event, _METADATA_EVENTS):
            self._generation_id = event.metadata.generation_id or self._generation_id
        if isinstance(event, StreamEnd):
            self._end_event = event

    @override
    def _usage(self) -> object:
        return self._end_event.metadata.usage


class AnalyzeStreaming(Resource):
    """Streams text about a video or images: `client.analyze_stream(...)`."""

    def create(
        self,
        *,
        model_name: AnalyzeModel | None = None,
        video: VideoLike | None = None,
        image: Sequence[ImageLike] | None = None,
        prompt: str | None = None,
        prompt_v_2: PromptLike | None = None,
        temperature: float | None = None,
        response_format: ResponseFormatLike | None = None,
        max_tokens: int | None = None,
        start_time: float | None = None,
        end_time: float | None = None,
        **unsupported: Unpack[NoParameters],
    ) -> AnalyzeStream:
        """Stream text about a video or images. Sends nothing until it is entered, iterated or awaited.

        The deadline is that of the start: once text arrives, the stream fails only when no data was received for
        `idle_timeout`. A stream that has started is not retried.

        Args:
            model_name: Name of the model; images need `pegasus1.6`. None uses the platform's default.
            video: The video, up to one hour. Pass either `video` or `image`.
            image: Up to 20 images. Pass either `video` or `image`.
            prompt: The prompt.
            prompt_v_2: A prompt that refers to images, for a video; replaces `prompt`.
            temperature: Sampling temperature, from 0 to 1.
            response_format: Structure of a JSON response; the streamed text is a JSON document.
            max_tokens: Maximum number of output tokens.
            start_time: Start of the analyzed part of the video, in seconds.
            end_time: End of the analyzed part of the video, in seconds.

        Raises:
            InvalidInputError: The arguments cannot be combined.
            NotFoundError: Raised when the stream is entered or iterated: the video does not exist.

        API: `POST /analyze`

        Example:
            async for event in client.analyze_stream(video=VideoAsset(asset_id=asset.id), prompt="What happens?"):
                if isinstance(event, TextGeneration):
                    print(event.text, end="")
        """
        reject_unsupported("analyze_stream", unsupported)
        body = {
            **analysis_input(video=video, image=image, prompt=prompt, prompt_v_2=prompt_v_2),
            **omit_none(model_name=model_name, temperature=temperature, response_format=response_format),
            **omit_none(max_tokens=max_tokens, start_time=start_time, end_time=end_time),
        }
        request = Request[dict[str, Any]](
            method="POST",
            path_template="/analyze",
            response_type=dict,
            retry_class="billable",
            json={**body, "stream": True},
        )
        return AnalyzeStream(self._executor, request)

    __call__ = create


def _event_text(event: AnalyzeEvent) -> str:
    return event.text if isinstance(event, TextGeneration) else ""


def _event_error(event: AnalyzeEvent) -> str:
    """Return the error message of an event. The `error` of a truncated text is a warning and yields no message."""
    match event:
        case TextGeneration():
            return ""
        case StreamEnd(error=error) if error is not None and event.finish_reason != "length":
            return f"the platform reports: {error.message}"
        case UnknownEvent():
            return failure_message(event)
        case _:
            return ""


_ANALYZE_PROTOCOL: Final = EventProtocol[AnalyzeEvent](
    type_field="event_type",
    event_types={"stream_start": StreamStart, "text_generation": TextGeneration, "stream_end": StreamEnd},
    make_unknown=unknown_event,
    terminal_types=frozenset({"stream_end"}),
    text_of=_event_text,
    error_of=_event_error,
)
