"""A required field with a fixed set of values is reported as missing, not as invalid, if it is absent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]

URL = {"url": "https://example.com/a.mp4"}
VIDEO = {"type": "url", **URL}
MEDIA = {"media_source": URL}
VIDEO_INPUT = {"input_type": "video", "model_name": "marengo3.0"}
MULTI_INPUT = {"input_type": "multi_input", "model_name": "marengo3.5"}
SEGMENTS = {"video": VIDEO, "analysis_mode": "time_based_metadata"}
FIELD = {"name": "a", "description": "b"}


def segments(**field: Any) -> dict[str, Any]:
    definition = {"id": "a", "description": "b", "fields": [FIELD | field]}
    return SEGMENTS | {"response_format": {"type": "segment_definitions", "segment_definitions": [definition]}}


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/indexes", {"index_name": "a", "models": [{"model_options": ["visual"]}]}, "model_name"),
        ("/analyze", {"prompt": "a", "video": URL}, "video.type"),
        ("/analyze", {"prompt": "a", "video": VIDEO, "response_format": {"json_schema": {}}}, "response_format.type"),
        ("/analyze/tasks", segments(), "response_format.segment_definitions.fields.type"),
        ("/analyze/tasks", segments(type="timestamp"), "response_format.segment_definitions.fields.format"),
        ("/analyze/tasks", segments(type="array", items={}), "response_format.segment_definitions.fields.items.type"),
        ("/embed-v2", {"model_name": "marengo3.0"}, "input_type"),
        ("/embed-v2", {"input_type": "text", "text": {"input_text": "a"}}, "model_name"),
        ("/embed-v2", VIDEO_INPUT | {"video": MEDIA | {"segmentation": {"fixed": {"duration_sec": 5}}}}, "strategy"),
        ("/embed-v2", MULTI_INPUT | {"multi_input": {"media_sources": [URL]}}, "media_type"),
        ("/embed-v2/tasks", {"model_name": "marengo3.0"}, "input_type"),
        ("/embed-v2/tasks", {"input_type": "video", "video": MEDIA}, "model_name"),
        ("/connections:authorize", {"redirect_uri": "https://example.com/"}, "provider"),
        ("/knowledge-stores", {"name": "a", "ingestion_config": {"enrichment_config": {}}}, "type"),
    ],
)
async def test_the_error_names_the_missing_field(
    call: SendRequest, path: str, body: dict[str, Any], field: str
) -> None:
    status, response = await call("POST", path, json=body)
    error = response.get("error", response)
    assert (status, error["code"]) == (400, "parameter_not_provided")
    assert error["message"] == f"The {field} parameter is required but was not provided."


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"input": [{"role": "user", "content": "a"}]}, "input.type"),
        ({"input": [{"type": "message", "content": "a"}]}, "input.role"),
        ({"selections": [{"id": "ksi_a"}]}, "selections.kind"),
        ({"text": {"format": {"name": "a"}}}, "text.format.type"),
    ],
)
async def test_the_error_of_a_response_names_the_missing_field(
    call: SendRequest, fields: dict[str, Any], field: str
) -> None:
    _, store = await call("POST", "/knowledge-stores", json={"name": "films"})
    message = {"type": "message", "role": "user", "content": "a"}
    body = {"knowledge_store_id": store["_id"], "input": [message], **fields}
    status, error = await call("POST", "/responses", json=body)
    assert (status, error["code"]) == (400, "parameter_not_provided")
    assert field in error["message"]


async def test_a_report_without_the_type_of_its_proof_is_incomplete(call: SendRequest, upload: dict[str, Any]) -> None:
    report = [{"chunk_index": 1, "proof": "a", "chunk_size": 1000}]
    path = f"/assets/multipart-uploads/{upload['upload_id']}"
    status, error = await call("POST", path, json={"completed_chunks": report})
    assert (status, error["code"]) == (400, "parameter_not_provided")
    assert "proof_type" in error["message"]
