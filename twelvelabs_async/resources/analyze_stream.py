"""Analysis while it is written.

https://docs.twelvelabs.io/v1.3/api-reference/analyze-videos/analyze
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from typing_extensions import override

from twelvelabs_async.api import Road
from twelvelabs_async.frames import NDJSON, JsonLines
from twelvelabs_async.models.analyze import (
    Analysis,
    AnalyzeEvent,
    AnalyzeModel,
    StreamEnd,
    StreamStart,
    TextGeneration,
)
from twelvelabs_async.models.common import UnknownEvent
from twelvelabs_async.request import Request, given
from twelvelabs_async.resources.analyze import FormatLike, ImageLike, PromptLike, VideoLike, subject
from twelvelabs_async.resources.base import Resource
from twelvelabs_async.streams import Grammar, TextStream, failure_told, unknown_event

_FRAME: Final = (StreamStart, StreamEnd)
"""Events that name the generation; a union made anew for each of thousands of texts costs as much as its JSON."""


class AnalyzeStream(TextStream[AnalyzeEvent]):
    """An analysis while it is written: iterate over it, or await `text()` or `final()`."""

    def __init__(self, road: Road, request: Request[Any]) -> None:
        super().__init__(road, request, GRAMMAR, JsonLines(), accept=NDJSON)
        self._generation: str | None = None
        self._end_event = StreamEnd()

    @property
    def generation_id(self) -> str | None:
        """Identifier of the generation, as soon as it is known."""
        return self._generation

    async def final(self) -> Analysis:
        """The analysis as a whole, read to the end of the stream.

        Raises:
            StreamError: It broke off, or tells of a failure; the text so far is on the error.
        """
        await self._exhaust()
        return Analysis(
            id=self._generation,
            data=self.text_so_far,
            finish_reason=self._end_event.finish_reason,
            usage=self._end_event.metadata.usage,
            error=self._end_event.error,
        )

    @override
    def _note(self, event: AnalyzeEvent) -> None:
        if isinstance(event, _FRAME):
            self._generation = event.metadata.generation_id or self._generation
        if isinstance(event, StreamEnd):
            self._end_event = event


class AnalyzeStreaming(Resource):
    """Writes about a video or pictures, piece by piece: `client.analyze_stream(...)`."""

    def __init__(self, road: Road) -> None:
        super().__init__(road)
        self._road = road

    def create(
        self,
        *,
        model_name: AnalyzeModel | None = None,
        video: VideoLike | None = None,
        image: Sequence[ImageLike] | None = None,
        prompt: str | None = None,
        prompt_v2: PromptLike | None = None,
        temperature: float | None = None,
        response_format: FormatLike | None = None,
        max_tokens: int | None = None,
        start_time: float | None = None,
        end_time: float | None = None,
    ) -> AnalyzeStream:
        """Text about a video or pictures, while it is written. Sends nothing until entered, iterated or awaited.

        It has no total deadline: it ends when nothing comes for `idle_timeout`. Once it has begun it is not repeated.

        Args:
            model_name: Model that writes; pictures need `pegasus1.6`.
            video: The video, up to an hour; this or `image`.
            image: Up to 20 pictures; this or `video`.
            prompt: What to write.
            prompt_v2: The same with pictures in it, about a video.
            temperature: How freely to write, 0 to 1.
            response_format: Shape of the answer, which is JSON text then.
            max_tokens: Tokens to write at most.
            start_time: Where to begin in the video, in seconds.
            end_time: Where to end in the video, in seconds.

        Raises:
            InvalidInputError: What was given does not go together.

        Example:
            async for event in client.analyze_stream(video=VideoAsset(asset_id="..."), prompt="What happens?"):
                if isinstance(event, TextGeneration): print(event.text, end="")
        """
        body = {
            **subject(video=video, image=image, prompt=prompt, prompt_v2=prompt_v2),
            **given(model_name=model_name, temperature=temperature, response_format=response_format),
            **given(max_tokens=max_tokens, start_time=start_time, end_time=end_time),
        }
        request = Request[dict[str, Any]](
            method="POST", template="/analyze", into=dict, retry="compute", json={**body, "stream": True}
        )
        return AnalyzeStream(self._road, request)

    __call__ = create


def _text(event: AnalyzeEvent) -> str:
    return event.text if isinstance(event, TextGeneration) else ""


def _failure(event: AnalyzeEvent) -> str:
    """A failure told by an event. The error of a text that was cut at its limit is a warning, and no failure."""
    match event:
        case TextGeneration():
            return ""
        case StreamEnd(error=error) if error is not None and event.finish_reason != "length":
            return f"the platform reports: {error.message}"
        case UnknownEvent():
            return failure_told(event)
        case _:
            return ""


GRAMMAR: Final = Grammar[AnalyzeEvent](
    tag="event_type",
    kinds={"stream_start": StreamStart, "text_generation": TextGeneration, "stream_end": StreamEnd},
    other=unknown_event,
    last=frozenset({"stream_end"}),
    text=_text,
    failure=_failure,
)
