"""One view over vectors, whichever endpoint they came from.

The older endpoints, the newer ones and indexes each have a shape of their own for the same thing: a vector, the
stretch it stands for, and what of it. `EmbeddingView.of` takes any of them. Pure; only `to_numpy` needs numpy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

import attrs

from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.models.common import Vector
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
from twelvelabs_async.models.indexes import IndexedAssetDetailed, IndexedEmbedding, VideoDetail, VideoSegment

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Embedded = (
    Embeddings
    | EmbeddingTask
    | EmbeddingResponse
    | MediaEmbeddingTask
    | IndexedAssetDetailed
    | VideoDetail
    | IndexedEmbedding
)
"""Whatever of the API's answers holds vectors."""

READING_ORDER: Final[Mapping[str | None, int]] = {
    None: 0,
    "top_left": 1,
    "top_right": 2,
    "bottom_left": 3,
    "bottom_right": 4,
}
"""The whole page, then its quarters."""


@attrs.frozen(kw_only=True)
class EmbeddedSegment:
    """A vector, and what it stands for."""

    vector: Vector = attrs.field(repr=False)
    """The numbers."""
    start: float | None = None
    """Where the stretch begins, in seconds; None for what has no length."""
    end: float | None = None
    """Where it ends, in seconds."""
    option: str | None = None
    """What of it: such as `visual`, `audio`, `transcription`, `text` or `fused`; None for all there is."""
    scope: str | None = None
    """How much of it: such as `clip`, `page` or `chunk`; `asset` or `video` for all of it."""
    kind: str | None = None
    """What was embedded, such as `text` or `video`, as far as the answer tells."""
    first_page: int | None = None
    """First page of a document, from 1."""
    last_page: int | None = None
    """Last page, included."""
    quadrant: EmbeddingQuadrant | None = None
    """The quarter of the page; None for all of it."""
    chunk_index: int | None = None
    """Place of a stretch of text in its document, from 0."""
    uncertainty: tuple[float, ...] | None = None
    """How sure the model is of each number, if it was asked."""


@attrs.frozen(kw_only=True)
class EmbeddingView:
    """Vectors in the order of time, page and chunk, whatever the order of the answer was.

    Example:
        view = EmbeddingView.of(await client.embed.v_2.tasks.wait_for_done(task.id))
        for segment in view.where(option="visual", scope="clip"):
            print(segment.start, segment.end, len(segment.vector))
    """

    segments: tuple[EmbeddedSegment, ...] = ()
    """The vectors."""
    model_name: str | None = None
    """Model that made them, if the answer tells."""
    failures: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """Why there are no vectors for a kind of input: one answer of the older endpoint may fail in part."""

    @classmethod
    def of(cls, answer: Embedded) -> EmbeddingView:
        """The vectors of an answer.

        Args:
            answer: What `embed.v_2.create`, `embed.create`, the retrieval or the end of a task, or that of an asset in
                an index gave.

        Raises:
            InvalidInputError: It holds none, because the task is not ready, or because they were not asked for.
        """
        match answer:
            case Embeddings():
                return _newer(answer.data, answer.metadata)
            case EmbeddingTask():
                _check_ready(answer)
                return _newer(answer.data, answer.metadata)
            case EmbeddingResponse():
                return _older(answer)
            case MediaEmbeddingTask():
                _check_ready(answer)
                segments = answer.video_embedding.segments if answer.video_embedding else ()
                if not segments:
                    raise InvalidInputError("lists of tasks show no vectors; retrieve the task")
                return cls(segments=_of_video(segments), model_name=answer.model_name)
            case IndexedEmbedding():
                return cls(segments=_of_video(answer.video_embedding.segments), model_name=answer.model_name)
            case _ if answer.embedding is not None:
                return cls.of(answer.embedding)
            case _:
                raise InvalidInputError("there are no vectors in it; retrieve it with embedding_option")

    def where(self, *, option: str | None = None, scope: str | None = None, kind: str | None = None) -> EmbeddingView:
        """The vectors of one option, scope or kind.

        Args:
            option: Such as `visual`.
            scope: Such as `clip`.
            kind: Such as `video`.
        """
        wanted = {"option": option, "scope": scope, "kind": kind}
        chosen = {name: value for name, value in wanted.items() if value is not None}
        kept = [s for s in self.segments if all(getattr(s, name) == value for name, value in chosen.items())]
        return attrs.evolve(self, segments=tuple(kept))

    def to_numpy(self) -> NDArray[np.float32]:
        """The vectors as a matrix with one row for each of `segments`, in single precision.

        Raises:
            ImportError: numpy is not installed.
            InvalidInputError: The vectors are not all equally long.
        """
        try:
            import numpy as np  # noqa: PLC0415  # only who asks for it needs it
        except ImportError as error:
            raise ImportError("to_numpy needs numpy: pip install 'twelvelabs-async[numpy]'") from error
        lengths = {len(segment.vector) for segment in self.segments}
        if len(lengths) > 1:
            raise InvalidInputError(f"vectors of {sorted(lengths)} numbers cannot stand in one matrix; see `where`")
        matrix = np.empty((len(self.segments), lengths.pop() if lengths else 0), dtype=np.float32)
        for row, segment in zip(matrix, self.segments, strict=True):
            row[:] = segment.vector
        return matrix

    def __iter__(self) -> Iterator[EmbeddedSegment]:
        return iter(self.segments)

    def __len__(self) -> int:
        return len(self.segments)

    def __getitem__(self, at: int) -> EmbeddedSegment:
        return self.segments[at]


def _check_ready(task: EmbeddingTask | MediaEmbeddingTask) -> None:
    if task.status != "ready":
        raise InvalidInputError(f"embedding task {task.id} is {task.status}: it has no vectors")


def _newer(data: Iterable[EmbeddingData], metadata: EmbeddingMetadata | None) -> EmbeddingView:
    kind = metadata.input_type if metadata is not None else None
    found = (
        EmbeddedSegment(
            vector=one.vector,
            start=one.start_sec,
            end=one.end_sec,
            option=one.embedding_option,
            scope=one.embedding_scope,
            kind=kind,
            first_page=one.start_page_number,
            last_page=one.end_page_number,
            quadrant=one.quadrant,
            chunk_index=one.chunk_index,
            uncertainty=one.embedding_uncertainty,
        )
        for one in data
    )
    return EmbeddingView(segments=_in_order(found))


def _older(answer: EmbeddingResponse) -> EmbeddingView:
    given: dict[str, EmbeddingResult | None] = {
        "text": answer.text_embedding,
        "image": answer.image_embedding,
        "audio": answer.audio_embedding,
    }
    results = {kind: result for kind, result in given.items() if result is not None}
    segments = tuple(
        EmbeddedSegment(vector=one.vector, start=one.start_offset_sec, end=one.end_offset_sec, kind=kind)
        for kind, result in results.items()
        for one in result.segments
    )
    failures = {kind: result.error_message for kind, result in results.items() if result.error_message}
    return EmbeddingView(segments=segments, model_name=answer.model_name, failures=failures)


def _of_video(segments: Iterable[VideoSegment]) -> tuple[EmbeddedSegment, ...]:
    return _in_order(
        EmbeddedSegment(
            vector=one.vector,
            start=one.start_offset_sec,
            end=one.end_offset_sec,
            option=one.embedding_option,
            scope=one.embedding_scope,
            kind="video",
        )
        for one in segments
    )


def _in_order(segments: Iterable[EmbeddedSegment]) -> tuple[EmbeddedSegment, ...]:
    return tuple(sorted(segments, key=_place))


def _place(segment: EmbeddedSegment) -> tuple[float, int, int, int]:
    quadrant = READING_ORDER.get(segment.quadrant, len(READING_ORDER))
    return segment.start or 0.0, segment.first_page or 0, quadrant, segment.chunk_index or 0
