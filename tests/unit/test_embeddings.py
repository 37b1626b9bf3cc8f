"""`EmbeddingView`: the same view of the vectors of all endpoints."""

from __future__ import annotations

import subprocess
import sys
from array import array
from typing import Any, cast

import numpy as np
import pytest

from twelvelabs_async._text import install_command
from twelvelabs_async.embeddings import EmbeddedSegment, EmbeddingView
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.models.embed import EmbeddingResponse, Embeddings, EmbeddingTask, MediaEmbeddingTask
from twelvelabs_async.models.indexed_assets import IndexedAssetDetailed, IndexedEmbedding, VideoDetail
from twelvelabs_async.serialization import from_dict

SEGMENT = {
    "float": [1.0, 2.0],
    "start_offset_sec": 0,
    "end_offset_sec": 6,
    "embedding_option": "visual",
    "embedding_scope": "clip",
}
INDEXED = {"model_name": "marengo3.0", "video_embedding": {"segments": [SEGMENT]}}
VIDEO = {"_id": "v", "status": "ready", "embedding": INDEXED}
DATA = {"embedding": [1, 2], "embedding_option": "visual", "embedding_scope": "clip", "start_sec": 0, "end_sec": 6}


def segment(numbers: int = 2, **values: Any) -> EmbeddedSegment:
    return EmbeddedSegment(vector=array("d", [1.0] * numbers), **values)


@pytest.mark.parametrize(
    ("response_type", "response", "model"),
    [
        (Embeddings, {"data": [DATA], "metadata": {"input_type": "video"}}, None),
        (EmbeddingTask, {"_id": "t", "status": "ready", "data": [DATA], "metadata": {"input_type": "video"}}, None),
        (
            MediaEmbeddingTask,
            {"_id": "t", "status": "ready", "model_name": "m", "video_embedding": {"segments": [SEGMENT]}},
            "m",
        ),
        (IndexedEmbedding, INDEXED, "marengo3.0"),
        (IndexedAssetDetailed, VIDEO, "marengo3.0"),
        (VideoDetail, VIDEO, "marengo3.0"),
    ],
)
def test_all_response_types_produce_the_same_segments(
    response_type: Any, response: dict[str, Any], model: str | None
) -> None:
    view = EmbeddingView.from_response(from_dict(response, response_type))
    assert view.segments == (
        EmbeddedSegment(vector=array("d", [1, 2]), start=0, end=6, option="visual", scope="clip", input_type="video"),
    )
    assert view.model_name == model
    assert (len(view), view[0], list(view)) == (1, view.segments[0], list(view.segments))


def test_a_v1_response_contains_several_input_types_and_failures() -> None:
    """An input may fail in a successful response."""
    response = {
        "model_name": "m",
        "text_embedding": {"segments": [{"float": [1]}]},
        "image_embedding": {"error_message": "not a picture"},
        "audio_embedding": {"segments": [{"float": [2], "start_offset_sec": 6, "end_offset_sec": 9}]},
    }
    view = EmbeddingView.from_response(from_dict(response, EmbeddingResponse))
    assert [(item.input_type, item.start, list(item.vector)) for item in view] == [
        ("text", None, [1]),
        ("audio", 6, [2]),
    ]
    assert view.failures == {"image": "not a picture"}


@pytest.mark.parametrize(
    ("response_type", "response", "message"),
    [
        (EmbeddingTask, {"_id": "t", "status": "processing", "data": None}, "t is processing"),
        (EmbeddingTask, {"_id": "t", "status": "failed"}, "t is failed"),
        (MediaEmbeddingTask, {"_id": "t", "status": "processing"}, "t is processing"),
        (MediaEmbeddingTask, {"_id": "t", "status": "ready", "audio_embedding": {}}, "retrieve the task"),
        (IndexedAssetDetailed, {"_id": "v", "status": "ready"}, "embedding_option"),
        (VideoDetail, {"_id": "v"}, "embedding_option"),
    ],
)
def test_a_response_without_embeddings_is_rejected(response_type: Any, response: dict[str, Any], message: str) -> None:
    """An empty view would look like a video without content."""
    with pytest.raises(InvalidInputError, match=message):
        EmbeddingView.from_response(from_dict(response, response_type))


def test_vectors_are_sorted_independently_of_the_order_in_the_response() -> None:
    data = [
        {"embedding": [5], "start_page_number": 2, "end_page_number": 2},
        {"embedding": [4], "start_page_number": 1, "end_page_number": 1, "quadrant": "bottom_right"},
        {"embedding": [6], "start_page_number": 2, "end_page_number": 2, "quadrant": "new_to_us"},
        {"embedding": [3], "start_page_number": 1, "end_page_number": 1, "quadrant": "top_left"},
        {"embedding": [2], "start_page_number": 1, "end_page_number": 1},
    ]
    assert [item.vector[0] for item in EmbeddingView.from_response(from_dict({"data": data}, Embeddings))] == [
        2,
        3,
        4,
        5,
        6,
    ]
    chunks = [{"embedding": [n], "chunk_index": n} for n in (2, 0, 1)]
    assert [item.chunk_index for item in EmbeddingView.from_response(from_dict({"data": chunks}, Embeddings))] == [
        0,
        1,
        2,
    ]
    segments = [{"embedding": [n], "start_sec": n} for n in (12, 0, 6)]
    assert [item.start for item in EmbeddingView.from_response(from_dict({"data": segments}, Embeddings))] == [
        0,
        6,
        12,
    ]


def test_vectors_are_filtered_by_option_scope_and_input_type() -> None:
    view = EmbeddingView(
        segments=(
            segment(option="visual", scope="clip"),
            segment(option="audio", scope="clip"),
            segment(option="visual", scope="asset", input_type="video"),
        ),
        model_name="m",
    )
    assert view.filter(option="visual", scope="clip").segments == view.segments[:1]
    assert view.filter(input_type="video").segments == view.segments[2:]
    assert view.filter() == view
    assert len(view.filter(option="smell")) == 0


def test_a_matrix_has_a_row_for_each_segment() -> None:
    view = EmbeddingView(segments=(segment(), EmbeddedSegment(vector=array("d", [0.1, -3.0]))))
    matrix = view.to_numpy()
    assert matrix.dtype == np.float32
    assert matrix.tolist() == [[1.0, 1.0], [cast("float", np.float32(0.1)), -3.0]]


def test_an_empty_view_converts_to_an_empty_matrix() -> None:
    assert EmbeddingView().to_numpy().shape == (0, 0)


def test_vectors_of_different_lengths_cannot_be_converted_to_a_matrix() -> None:
    """Padding would add values that the model did not return."""
    with pytest.raises(InvalidInputError, match=r"\[2, 512\]"):
        EmbeddingView(segments=(segment(2), segment(512), segment(2))).to_numpy()


def test_to_numpy_without_numpy_raises_an_error_that_names_the_extra() -> None:
    """The dependency on numpy is optional."""
    code = (
        "import sys\n"
        "sys.modules['numpy'] = None\n"
        "from twelvelabs_async import EmbeddingView\n"
        "try:\n"
        "    EmbeddingView().to_numpy()\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)  # noqa: S603  # a fixed command
    assert install_command("numpy") in result.stdout
