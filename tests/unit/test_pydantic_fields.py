"""Results other than models as fields of pydantic models."""

from __future__ import annotations

import json
from array import array
from typing import Any

import pytest
from multidict import CIMultiDict
from pydantic import TypeAdapter

from twelvelabs_async import NotFoundError, RawResponse, WaitResult, from_dict
from twelvelabs_async.embeddings import EmbeddedSegment
from twelvelabs_async.models import Index
from twelvelabs_async.uploads import UploadState

INDEX: dict[str, Any] = {
    "_id": "i",
    "index_name": "films",
    "models": [],
    "addons": [],
    "video_count": 0,
    "total_duration": 0.0,
}
STATE = UploadState(
    upload_id="u", asset_id="a", filename="clip.mp4", total_size=5, chunk_size=2, fingerprint="f", upload_headers={}
)
RAW = RawResponse(
    data=from_dict(INDEX, Index),
    status_code=200,
    headers=CIMultiDict({"x-trace-id": "t"}),
    request_id="t",
    attempts=1,
    elapsed=1.0,
    queue_time=0.0,
)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (WaitResult[Index], WaitResult(id="i", item=from_dict(INDEX, Index)), {"id": "i", "item": INDEX}),
        (RawResponse[Index], RAW, {"data": INDEX, "headers": {"x-trace-id": "t"}}),
        (EmbeddedSegment, EmbeddedSegment(vector=array("d", [1.0]), start=0.5), {"vector": [1.0], "start": 0.5}),
        (UploadState, STATE, {"upload_id": "u", "total_size": 5, "completed_parts": []}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_result_is_a_field_of_pydantic(kind: Any, value: Any, expected: dict[str, Any]) -> None:
    field = TypeAdapter(kind)
    assert field.validate_python(value) is value
    dumped = json.loads(field.dump_json(value))
    assert {name: dumped[name] for name in expected} == expected
    assert dumped == value.to_dict()


def test_the_error_of_a_wait_is_an_object_in_json() -> None:
    outcome: WaitResult[Index] = WaitResult(id="i", error=NotFoundError(message="gone"))
    assert json.loads(outcome.to_json())["error"]["message"] == "gone"


def test_an_upload_state_is_read_from_json() -> None:
    field = TypeAdapter(UploadState)
    assert field.validate_json(field.dump_json(STATE)) == STATE
