"""Tables of models have the same columns for all pages of a model."""

from __future__ import annotations

from array import array
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from arro3.core import DataType, RecordBatchReader

from twelvelabs_async import as_table, models
from twelvelabs_async.embeddings import EmbeddedSegment, EmbeddingView, segment_id
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.models.assets import Asset
from twelvelabs_async.models.common import Model
from twelvelabs_async.models.indexed_assets import IndexedAssetDetailed, Video
from twelvelabs_async.models.indexes import Index
from twelvelabs_async.pagination import Page
from twelvelabs_async.serialization import from_dict, to_dict

VIDEO: dict[str, Any] = {
    "_id": "v",
    "status": "ready",
    "created_at": "2024-05-06T07:08:09.123456Z",
    "system_metadata": {"filename": "boat.mp4", "duration": 30, "width": 640},
    "user_metadata": {"camera": "front", "take": 3},
    "transcription": [{"start": 0, "end": 1.5, "value": "ahoy \ud800"}],
    "new_field": [1],
}


def segment(*numbers: float, **values: Any) -> EmbeddedSegment:
    return EmbeddedSegment(vector=array("d", numbers), **values)


def rows_of(table: Any) -> list[dict[str, Any]]:
    """Return the rows that arro3 reads from the Arrow stream of a table."""
    arrow_table: Any = RecordBatchReader.from_stream(table).read_all()
    columns = {name: list[Any](arrow_table.column(name).to_pylist()) for name in arrow_table.column_names}
    return [{name: values[row] for name, values in columns.items()} for row in range(arrow_table.num_rows)]


def test_another_library_reads_each_kind_of_value() -> None:
    (row,) = rows_of(as_table([from_dict(VIDEO, IndexedAssetDetailed)]))
    assert (row["_id"], row["status"], row["hls"], row["embedding"]) == ("v", "ready", None, None)
    assert row["created_at"] == datetime(2024, 5, 6, 7, 8, 9, 123456, UTC)
    assert row["system_metadata"]["filename"] == "boat.mp4"
    assert row["system_metadata"]["height"] is None
    assert row["user_metadata"] == '{"camera": "front", "take": 3}'
    assert row["transcription"] == [{"start": 0.0, "end": 1.5, "value": "ahoy ?"}]
    assert row["extra"] == '{"new_field": [1]}'


def test_to_dicts_returns_the_dicts_of_the_models() -> None:
    video = from_dict(VIDEO, IndexedAssetDetailed)
    assert as_table(iter([video, video])).to_dicts() == [to_dict(video)] * 2


def test_an_empty_page_has_the_columns_of_a_full_one() -> None:
    index = from_dict({"_id": "i", "index_name": "holiday"}, Index)
    empty, full = (Page(items=items, item_type=Index).to_arrow() for items in ((), (index,)))
    assert empty.schema == full.schema
    assert (empty.num_rows, full.num_rows, empty.column_names[0]) == (0, 1, "_id")


def test_vectors_of_equal_length_are_a_fixed_size_list() -> None:
    table = EmbeddingView(segments=(segment(1, 2, start=0), segment(3, 4.5, start=6))).to_arrow()
    kind = table.field("vector").type
    assert (DataType.is_fixed_size_list(kind), kind.list_size) == (True, 2)
    assert table.column("vector").to_pylist() == [[1, 2], [3, 4.5]]
    assert table.column("start").to_pylist() == [0, 6]


@pytest.mark.parametrize("lengths", [(), (1, 2), (0, 0)])
def test_other_vectors_are_a_list_of_float32(lengths: tuple[int, ...]) -> None:
    table = EmbeddingView(segments=tuple(segment(*[1.0] * length) for length in lengths)).to_arrow()
    kind = table.field("vector").type
    assert (DataType.is_list(kind), kind.value_type) == (True, DataType.float32())
    assert table.column("vector").to_pylist() == [[1.0] * length for length in lengths]


def test_each_model_has_a_column_for_each_field() -> None:
    kinds = [kind for name in dir(models) if attrs.has(kind := getattr(models, name))]
    for kind in kinds:
        names = [field.metadata.get("wire", field.name) for field in attrs.fields(kind)]
        assert sorted(as_table([], kind).to_arrow().column_names) == sorted(names), kind


def test_an_empty_table_without_a_type_has_no_columns() -> None:
    assert as_table([]).to_arrow().shape == (0, 0)
    assert as_table([]).to_dicts() == []


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([1], "the rows of a table are models, got int"),
        (
            [from_dict({"_id": "i", "index_name": "n"}, Index), from_dict({"_id": "a", "status": "ready"}, Asset)],
            "models of one type, got Index and Asset; make one table of each",
        ),
        ([Video(id=3)], "a value of '_id' does not fit its column"),  # type: ignore[arg-type]  # a wrong type
    ],
)
def test_invalid_rows_raise_an_error_with_the_reason(rows: list[Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        as_table(rows).to_arrow()


def test_a_recursively_nested_model_becomes_json() -> None:
    node = from_dict({"name": "a", "next": {"name": "b", "next": {"name": "c"}}}, Node)
    assert rows_of(as_table([node]))[0]["next"] == {"name": "b", "next": '{"name": "c"}'}


@attrs.frozen(kw_only=True)
class Node(Model):
    name: str
    next: Node | None = None


def test_a_segment_id_depends_on_position_and_option_but_not_on_the_vector() -> None:
    first = segment_id("v", segment(1, 2, start=0, end=6, option="visual"))
    assert segment_id("v", segment(3, 4, start=0.0, end=6.0, option="visual")) == first
    others = [
        segment_id("w", segment(1, 2, start=0, end=6, option="visual")),
        segment_id("v", segment(1, 2, start=0, end=7, option="visual")),
        segment_id("v", segment(1, 2, start=0, end=6, option="audio")),
        segment_id("v", segment(1, 2, option="visual", chunk_index=0)),
        segment_id("v", segment(1, 2, option="visual", first_page=0)),
    ]
    assert len({first, *others}) == 6
