"""Analysis: text about a video or pictures, in words or as JSON, at once or while it is written.

https://docs.twelvelabs.io/v1.3/api-reference/analyze-videos/analyze
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar, overload

from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.models.analyze import (
    Analysis,
    AnalyzeImageInput,
    AnalyzeModel,
    AnalyzePromptV2,
    ResponseFormat,
    StructuredAnalysis,
    VideoContext,
)
from twelvelabs_async.request import given
from twelvelabs_async.resources.base import Resource
from twelvelabs_async.structured import format_of, parse

V = TypeVar("V")

VideoLike = VideoContext | Mapping[str, Any]
"""A video, or the same as a dict such as `{"type": "asset_id", "asset_id": "..."}`."""

ImageLike = AnalyzeImageInput | Mapping[str, Any]
"""A picture, or the same as a dict."""

PromptLike = AnalyzePromptV2 | Mapping[str, Any]
"""A prompt with pictures in it, or the same as a dict."""

FormatLike = ResponseFormat | Mapping[str, Any]
"""The shape of a result, or the same as a dict."""

MOST_IMAGES: Final = 20
"""Pictures the platform takes in one analysis."""


class Analyze(Resource):
    """Writes about a video or pictures: `await client.analyze(...)`."""

    @overload
    async def create(
        self,
        *,
        model_name: AnalyzeModel | None = None,
        video: VideoLike | None = None,
        image: Sequence[ImageLike] | None = None,
        prompt: str | None = None,
        prompt_v2: PromptLike | None = None,
        temperature: float | None = None,
        schema: None = None,
        response_format: FormatLike | None = None,
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
        prompt_v2: PromptLike | None = None,
        temperature: float | None = None,
        schema: type[V],
        response_format: None = None,
        max_tokens: int | None = None,
        start_time: float | None = None,
        end_time: float | None = None,
    ) -> StructuredAnalysis[V]: ...
    @overload
    async def create(
        self,
        *,
        model_name: AnalyzeModel | None = None,
        video: VideoLike | None = None,
        image: Sequence[ImageLike] | None = None,
        prompt: str | None = None,
        prompt_v2: PromptLike | None = None,
        temperature: float | None = None,
        schema: Mapping[str, Any],
        response_format: None = None,
        max_tokens: int | None = None,
        start_time: float | None = None,
        end_time: float | None = None,
    ) -> StructuredAnalysis[dict[str, Any]]: ...
    async def create(
        self,
        *,
        model_name: AnalyzeModel | None = None,
        video: VideoLike | None = None,
        image: Sequence[ImageLike] | None = None,
        prompt: str | None = None,
        prompt_v2: PromptLike | None = None,
        temperature: float | None = None,
        schema: type[Any] | Mapping[str, Any] | None = None,
        response_format: FormatLike | None = None,
        max_tokens: int | None = None,
        start_time: float | None = None,
        end_time: float | None = None,
    ) -> Analysis:
        """Text about a video or pictures. It may take minutes: the deadline is 600 s unless you set one.

        Args:
            model_name: Model that writes; pictures need `pegasus1.6`.
            video: The video, up to an hour; this or `image`.
            image: Up to 20 pictures; this or `video`.
            prompt: What to write.
            prompt_v2: The same with pictures in it, about a video.
            temperature: How freely to write, 0 to 1.
            schema: Shape of an answer in JSON: an attrs class, or the JSON schema of an object. The answer has a
                `value` of that class, or a `dict`.
            response_format: The same in the API's own words; the answer is JSON text then.
            max_tokens: Tokens to write at most.
            start_time: Where to begin in the video, in seconds.
            end_time: Where to end in the video, in seconds.

        Raises:
            InvalidInputError: What was given does not go together, or the schema cannot be met.
            StructuredOutputError: With `schema`: the answer was cut, or is not what was asked for.
        """
        if schema is not None and response_format is not None:
            raise InvalidInputError("schema makes the response_format; give one of them")
        body = {
            **subject(video=video, image=image, prompt=prompt, prompt_v2=prompt_v2),
            **given(model_name=model_name, temperature=temperature, max_tokens=max_tokens),
            **given(start_time=start_time, end_time=end_time, response_format=_format(schema, response_format)),
        }
        found = await self._post("/analyze", Analysis, retry="compute", json={**body, "stream": False})
        return found if schema is None else _structured(found, schema)

    __call__ = create


def subject(
    *,
    video: VideoLike | None,
    image: Sequence[ImageLike] | None,
    prompt: str | None,
    prompt_v2: PromptLike | None,
) -> dict[str, Any]:
    """What to analyze and what to write, as far as they go together."""
    if (video is None) == (image is None):
        raise InvalidInputError("an analysis takes one of video and image")
    if prompt is not None and prompt_v2 is not None:
        raise InvalidInputError("prompt_v2 takes the place of prompt; give one of them")
    if prompt is not None and not prompt.strip():
        raise InvalidInputError("prompt is empty")
    if image is not None and prompt is None:
        raise InvalidInputError("an analysis of pictures takes a prompt")
    if image is not None and not 1 <= len(image) <= MOST_IMAGES:
        raise InvalidInputError(f"an analysis takes 1 to {MOST_IMAGES} pictures, not {len(image)}")
    return given(video=video, image=None if image is None else list(image), prompt=prompt, prompt_v2=prompt_v2)


def _format(schema: type[Any] | Mapping[str, Any] | None, format: FormatLike | None) -> FormatLike | None:
    return format if schema is None else format_of(schema)


def _structured(found: Analysis, schema: type[Any] | Mapping[str, Any]) -> StructuredAnalysis[Any]:
    value: Any = parse(
        found.data, schema, finish_reason=found.finish_reason, usage=found.usage, operation="POST /analyze"
    )
    return StructuredAnalysis(
        value=value,
        id=found.id,
        data=found.data,
        finish_reason=found.finish_reason,
        usage=found.usage,
        error=found.error,
        extra=found.extra,
    )
