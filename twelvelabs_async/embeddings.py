"""One format for the embeddings of all endpoints.

Embed v1, Embed v2 and indexes each return embeddings in a different format. `EmbeddingView.from_response` converts all
of them to the same segments: a vector, its time range and its modality. Only `to_numpy` needs numpy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

import attrs
from typing_extensions import override

import twelvelabs_async
from twelvelabs_async._text import install_command
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.models.common import Convertible, Vector
from twelvelabs_async.models.embed import (
    EmbeddingData,
    EmbeddingMetadata,
    EmbeddingQuadrant,
    EmbeddingResponse,
    EmbeddingResult,
    Embeddings,
    EmbeddingTask,
    MediaEmbeddingTask,
)
from twelvelabs_async.models.indexed_assets import IndexedAssetDetailed, IndexedEmbedding, VideoDetail, VideoSegment
from twelvelabs_async.tables import Tabular

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    FloatMatrix = NDArray[np.float32]
    """A numpy array of float32; evaluated only if an annotation is, so that nothing else needs numpy."""

else:

    def __getattr__(name: str) -> Any:
        if name != "FloatMatrix":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from numpy import float32  # noqa: PLC0415  # an optional dependency
        from numpy.typing import NDArray  # noqa: PLC0415  # the same

        return NDArray[float32]


HasEmbeddings = (
    Embeddings
    | EmbeddingTask
    | EmbeddingResponse
    | MediaEmbeddingTask
    | IndexedAssetDetailed
    | VideoDetail
    | IndexedEmbedding
)
"""Responses that contain embeddings."""

_QUADRANT_ORDER: Final[Mapping[str | None, int]] = {
    None: 0,
    "top_left": 1,
    "top_right": 2,
    "bottom_left": 3,
    "bottom_right": 4,
}
"""Sort order within a page: the whole page, then its quadrants."""

_SEGMENTS: Final = UUID("8c0f4f5c-6f0e-5a3c-9d0b-3a1c3f1c7a52")
"""Namespace of the ids of segments."""


@attrs.frozen(kw_only=True)
class EmbeddedSegment(Convertible):
    """A vector with its time range or page, and its modality."""

    vector: Vector = attrs.field(repr=False, hash=False)
    """The embedding."""
    start: float | None = None
    """Start in seconds; None for images and text."""
    end: float | None = None
    """End in seconds."""
    option: str | None = None
    """Embedding option: `visual`, `audio`, `transcription`, `text` or `fused`; None if the response has none."""
    scope: str | None = None
    """Embedding scope: `clip`, `page` or `chunk`; `asset` or `video` for the whole asset."""
    input_type: str | None = None
    """Type of the input, such as `text` or `video`; None if the response does not say."""
    first_page: int | None = None
    """First page of a document, starting at 1."""
    last_page: int | None = None
    """Last page, inclusive."""
    quadrant: EmbeddingQuadrant | None = None
    """Quadrant of the page; None for the whole page."""
    chunk_index: int | None = None
    """Position of a text chunk in its document, starting at 0."""
    uncertainty: tuple[float, ...] | None = None
    """Uncertainty of each number, if it was requested."""


@attrs.frozen(kw_only=True)
class EmbeddingView(Convertible, Tabular):
    """Embeddings of one response, sorted by time, page and chunk; iterate over it, or read it as a table.

    Example:
        view = EmbeddingView.from_response(await client.embed.v_2.tasks.wait_for_done(embedding_task.id))
        for segment in view.filter(option="visual", scope="clip"):
            print(segment.start, segment.end, len(segment.vector))
    """

    segments: tuple[EmbeddedSegment, ...] = ()
    """The embeddings."""
    model_name: str | None = None
    """Model that created the embeddings, if the response says."""
    failures: Mapping[str, str] = attrs.field(factory=dict[str, str], hash=False)
    """Error messages by input type: a response of Embed v1 may contain both embeddings and errors."""

    @classmethod
    def from_response(cls, response: HasEmbeddings) -> EmbeddingView:
        """Convert a response.

        Args:
            response: Result of `embed.v_2.create`, `embed.create`, an embedding task, or an indexed asset retrieved
                with `embedding_option`.

        Raises:
            InvalidInputError: It contains no embeddings: the task is not ready, or they were not requested.

        Example:
            text = {"input_text": "a boat"}
            embedded = await client.embed.v_2.create(input_type="text", model_name="marengo3.0", text=text)
            view = EmbeddingView.from_response(embedded)
            print(len(view), len(view[0].vector))  # 1 512
        """
        match response:
            case Embeddings():
                return _from_v2(response.data, response.metadata)
            case EmbeddingTask():
                _check_ready(response)
                return _from_v2(response.data, response.metadata)
            case EmbeddingResponse():
                return _from_v1(response)
            case MediaEmbeddingTask():
                _check_ready(response)
                segments = response.video_embedding.segments if response.video_embedding else ()
                if not segments:
                    raise InvalidInputError("a listed task contains no embeddings; retrieve the task by id")
                return cls(segments=_video_segments(segments), model_name=response.model_name)
            case IndexedEmbedding():
                return cls(segments=_video_segments(response.video_embedding.segments), model_name=response.model_name)
            case IndexedAssetDetailed() | VideoDetail() if response.embedding is not None:
                return cls.from_response(response.embedding)
            case _:
                raise InvalidInputError("the response contains no embeddings; retrieve it with embedding_option=")

    def filter(
        self, *, option: str | None = None, scope: str | None = None, input_type: str | None = None
    ) -> EmbeddingView:
        """Return a view of the segments that match all given values.

        Args:
            option: Embedding option, such as `visual`.
            scope: Embedding scope, such as `clip`.
            input_type: Type of the input, such as `video`.

        Example:
            view = EmbeddingView.from_response(await client.embed.v_2.tasks.wait_for_done(embedding_task.id))
            print(len(view.filter(option="visual")), "of", len(view))
        """
        segments = tuple(
            segment
            for segment in self.segments
            if option in {None, segment.option}
            and scope in {None, segment.scope}
            and input_type in {None, segment.input_type}
        )
        return attrs.evolve(self, segments=segments)

    def to_numpy(self) -> twelvelabs_async.embeddings.FloatMatrix:
        """Return the vectors as a float32 array of shape (segments, dimensions).

        Raises:
            ImportError: numpy is not installed.
            InvalidInputError: The vectors differ in length.

        Example:
            text = {"input_text": "a boat"}
            embedded = await client.embed.v_2.create(input_type="text", model_name="marengo3.0", text=text)
            print(EmbeddingView.from_response(embedded).to_numpy().shape)  # (1, 512)
        """
        try:
            import numpy as np  # noqa: PLC0415  # an optional dependency
        except ImportError as error:
            raise ImportError(f"to_numpy needs numpy: {install_command('numpy')}") from error
        lengths = {len(segment.vector) for segment in self.segments}
        if len(lengths) > 1:
            raise InvalidInputError(f"the vectors differ in length: {sorted(lengths)}; select one kind with filter()")
        matrix = np.empty((len(self.segments), lengths.pop() if lengths else 0), dtype=np.float32)
        for row, segment in zip(matrix, self.segments, strict=True):
            row[:] = segment.vector
        return matrix

    @override
    def _models(self) -> tuple[Sequence[Any], type[Any] | None]:
        return self.segments, EmbeddedSegment

    def __iter__(self) -> Iterator[EmbeddedSegment]:
        return iter(self.segments)

    def __len__(self) -> int:
        return len(self.segments)

    def __getitem__(self, index: int) -> EmbeddedSegment:
        return self.segments[index]

    def _repr_html_(self) -> str:
        """Return a table with a row for each segment, for notebooks."""
        from twelvelabs_async._html import items_table  # noqa: PLC0415  # notebooks only

        return items_table(self.segments, f"{len(self.segments)} embeddings")


def segment_id(source_id: str, segment: EmbeddedSegment) -> UUID:
    """Return an id for a segment in a vector store, which is the same whenever the segment is read.

    It depends on what the vector stands for, and not on its numbers: when the same source is embedded again, the new
    vector replaces the old one.

    Args:
        source_id: Id of the video, asset or text that was embedded.
        segment: The segment.

    Example:
        from twelvelabs_async.embeddings import EmbeddingView, segment_id

        response = await client.embed.v_2.create(
            input_type="text", model_name="marengo3.0", text={"input_text": "a boat"}
        )
        (segment,) = EmbeddingView.from_response(response)
        print(segment_id("a boat", segment))
    """
    times = (None if time is None else float(time) for time in (segment.start, segment.end))
    place = (*times, segment.first_page, segment.last_page, segment.quadrant, segment.chunk_index)
    parts = (source_id, segment.input_type, segment.option, segment.scope, *place)
    return uuid5(_SEGMENTS, "\0".join("" if part is None else str(part) for part in parts))


def _check_ready(task: EmbeddingTask | MediaEmbeddingTask) -> None:
    if task.status != "ready":
        raise InvalidInputError(f"embedding task {task.id} is {task.status}, expected ready")


def _from_v2(data: Iterable[EmbeddingData], metadata: EmbeddingMetadata | None) -> EmbeddingView:
    input_type = metadata.input_type if metadata is not None else None
    segments = (
        EmbeddedSegment(
            vector=item.embedding,
            start=item.start_sec,
            end=item.end_sec,
            option=item.embedding_option,
            scope=item.embedding_scope,
            input_type=input_type,
            first_page=item.start_page_number,
            last_page=item.end_page_number,
            quadrant=item.quadrant,
            chunk_index=item.chunk_index,
            uncertainty=item.embedding_uncertainty,
        )
        for item in data
    )
    return EmbeddingView(segments=_in_reading_order(segments))


def _from_v1(response: EmbeddingResponse) -> EmbeddingView:
    by_input_type: dict[str, EmbeddingResult | None] = {
        "text": response.text_embedding,
        "image": response.image_embedding,
        "audio": response.audio_embedding,
    }
    results = {name: result for name, result in by_input_type.items() if result is not None}
    segments = tuple(
        EmbeddedSegment(vector=item.float_, start=item.start_offset_sec, end=item.end_offset_sec, input_type=name)
        for name, result in results.items()
        for item in result.segments
    )
    failures = {name: result.error_message for name, result in results.items() if result.error_message}
    return EmbeddingView(segments=segments, model_name=response.model_name, failures=failures)


def _video_segments(segments: Iterable[VideoSegment]) -> tuple[EmbeddedSegment, ...]:
    return _in_reading_order(
        EmbeddedSegment(
            vector=item.float_,
            start=item.start_offset_sec,
            end=item.end_offset_sec,
            option=item.embedding_option,
            scope=item.embedding_scope,
            input_type="video",
        )
        for item in segments
    )


def _in_reading_order(segments: Iterable[EmbeddedSegment]) -> tuple[EmbeddedSegment, ...]:
    return tuple(sorted(segments, key=_reading_position))


def _reading_position(segment: EmbeddedSegment) -> tuple[float, int, int, int]:
    quadrant = _QUADRANT_ORDER.get(segment.quadrant, len(_QUADRANT_ORDER))
    return segment.start or 0.0, segment.first_page or 0, quadrant, segment.chunk_index or 0
