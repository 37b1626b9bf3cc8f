"""Responses of the agent: requests, retries, streams and parsed results."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support import FakeSession, FakeStreamingExecutor, FastClock, fake_response, make_executor, responses_in_order

from twelvelabs_async._http.transport import Response
from twelvelabs_async.errors import APIError, InvalidInputError, ProcessingFailedError, StreamError
from twelvelabs_async.models.common import UnknownEvent
from twelvelabs_async.models.responses import (
    ContentPartDone,
    Keepalive,
    OutputTextDelta,
    ResponseCompleted,
    ResponseCreated,
    ResponseInputItem,
    ResponseObject,
    ResponseSelection,
    TextFormat,
    TextParam,
)
from twelvelabs_async.resources.responses import Responses, ResponseStream
from twelvelabs_async.serialization import from_dict

TEXT = "A train leaves [1]."

ANNOTATION = {
    "type": "video_citation",
    "start_index": 15,
    "end_index": 17,
    "item_id": "ksi_1",
    "start_sec": 0.0,
    "end_sec": 9.5,
    "title": None,
}
MESSAGE: dict[str, Any] = {
    "type": "message",
    "id": "msg_1",
    "status": "completed",
    "role": "assistant",
    "phase": "final_answer",
    "content": [{"type": "output_text", "text": TEXT, "annotations": [ANNOTATION]}],
}
STEP = {
    "type": "function_call",
    "id": "fc_1",
    "status": "completed",
    "name": "search",
    "call_id": "c1",
    "arguments": '{"query":"train"}',
}
COMMENTARY: dict[str, Any] = {
    **MESSAGE,
    "phase": "commentary",
    "content": [{"type": "output_text", "text": "Let me look.", "annotations": []}],
}
RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "type": "response",
    "object": "response",
    "status": "completed",
    "session_id": "sess_1",
    "knowledge_store_id": "ks_1",
    "incomplete_details": None,
    "output": [STEP, COMMENTARY, MESSAGE],
    "usage": {"input_tokens": 100, "output_tokens": 20},
    "created_at": "2026-07-11T03:13:57Z",
}
EVENTS: list[dict[str, Any]] = [
    {"type": "response.created", "sequence_number": 0, "response": {**RESPONSE, "status": "in_progress", "output": []}},
    {"type": "response.in_progress", "sequence_number": 1, "response": {**RESPONSE, "status": "in_progress"}},
    {"type": "response.output_item.added", "sequence_number": 2, "output_index": 0, "item": MESSAGE},
    {"type": "response.content_part.added", "sequence_number": 3, "part": {"type": "output_text", "text": ""}},
    {"type": "response.output_text.delta", "sequence_number": 4, "item_id": "msg_1", "delta": "A train "},
    {"type": "keepalive", "sequence_number": 7},
    {"type": "response.reasoning.delta", "sequence_number": 8, "delta": "hmm"},
    {"type": "response.output_text.delta", "sequence_number": 9, "item_id": "msg_1", "delta": "leaves [1]."},
    {"type": "response.output_text.done", "sequence_number": 10, "text": TEXT},
    {"type": "response.content_part.done", "sequence_number": 11, "part": MESSAGE["content"][0]},
    {"type": "response.function_call_arguments.done", "sequence_number": 12, "arguments": "{}"},
    {"type": "response.output_item.done", "sequence_number": 13, "output_index": 0, "item": MESSAGE},
    {"type": "response.completed", "sequence_number": 14, "response": RESPONSE},
]


def frames(*events: dict[str, Any], name: str | None = None) -> bytes:
    encoded = (f"event: {name or event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)
    return b"".join(encoded)


def responses(*http_responses: Response) -> tuple[Responses, FakeSession]:
    executor, session = make_executor(responses_in_order(*http_responses), FastClock())
    return Responses(executor), session


def stream_of(*chunks: bytes) -> tuple[ResponseStream, FakeStreamingExecutor]:
    executor = FakeStreamingExecutor(*chunks)
    return Responses(executor).create_stream(knowledge_store_id="ks_1", input="Well?"), executor


async def test_a_string_input_is_sent_as_one_message() -> None:
    resource, session = responses(fake_response(200, RESPONSE))
    response = await resource.create(knowledge_store_id="ks_1", input="Well?")
    assert json.loads(session.bodies[0]) == {
        "knowledge_store_id": "ks_1",
        "input": [{"type": "message", "role": "user", "content": "Well?"}],
        "stream": False,
    }
    assert (response.id, response.session_id) == ("resp_1", "sess_1")


@pytest.mark.parametrize("field", ["schema", "schema_"])
async def test_a_format_dict_accepts_schema_with_and_without_an_underscore(field: str) -> None:
    resource, session = responses(fake_response(200, RESPONSE))
    schema = {"type": "object", "properties": {"in_": {"type": "integer"}}}
    text = {"format": {"type": "json_schema", "name": "n", field: schema}}
    await resource.create(knowledge_store_id="ks_1", input="a", text=text)
    assert json.loads(session.bodies[0])["text"]["format"] == {"type": "json_schema", "name": "n", "schema": schema}


async def test_all_request_parameters_are_sent() -> None:
    resource, session = responses(fake_response(200, RESPONSE))
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    await resource.create(
        knowledge_store_id="ks_1",
        input=[ResponseInputItem(content="{{sel:0}}?"), {"type": "message", "role": "user", "content": "b"}],
        session_id="sess_1",
        instructions="Be short.",
        include=["intermediate_outputs"],
        selections=[ResponseSelection(kind="item", id="ksi_1"), {"kind": "collection", "id": "ksic_1"}],
        text=TextParam(format=TextFormat(type="json_schema", name="n", schema_=schema)),
    )
    assert json.loads(session.bodies[0]) == {
        "knowledge_store_id": "ks_1",
        "input": [
            {"type": "message", "role": "user", "content": "{{sel:0}}?"},
            {"type": "message", "role": "user", "content": "b"},
        ],
        "session_id": "sess_1",
        "instructions": "Be short.",
        "include": ["intermediate_outputs"],
        "selections": [{"kind": "item", "id": "ksi_1"}, {"kind": "collection", "id": "ksic_1"}],
        "text": {"format": {"type": "json_schema", "name": "n", "schema": schema}},
        "stream": False,
    }


@pytest.mark.parametrize(
    "arguments",
    [
        {"input": ""},
        {"input": " \n"},
        {"input": []},
        {"input": [{"type": "message", "role": "user"}]},
        {"input": [ResponseInputItem(content=" ")]},
        {"input": "x", "knowledge_store_id": ""},
        {"input": "x", "include": "intermediate_outputs"},
        {"input": "x", "selections": []},
    ],
)
async def test_invalid_arguments_are_rejected_before_a_request_is_sent(arguments: dict[str, Any]) -> None:
    resource, session = responses(fake_response(200, RESPONSE))
    arguments = {"knowledge_store_id": "ks_1", **arguments}
    with pytest.raises(InvalidInputError):
        await resource.create(**arguments)
    with pytest.raises(InvalidInputError):
        resource.create_stream(**arguments)
    assert not session.sent


async def test_a_response_is_fully_parsed_and_its_text_is_the_final_message_only() -> None:
    """Tool calls and commentary are in the output, but not in the text."""
    resource, _ = responses(fake_response(200, RESPONSE))
    response = await resource.create(knowledge_store_id="ks_1", input="Well?")
    assert response.text == TEXT
    assert [item.type for item in response.output] == ["function_call", "message", "message"]
    annotation = response.output[2].content[0].annotations[0]
    assert response.text[annotation.start_index : annotation.end_index + 1] == "[1]"
    assert response.usage is not None
    assert response.usage.output_tokens == 20


async def test_a_message_without_a_phase_is_part_of_the_text() -> None:
    message = {name: value for name, value in MESSAGE.items() if name != "phase"}
    resource, _ = responses(fake_response(200, {**RESPONSE, "output": [message, {**message, "phase": "musing"}]}))
    assert (await resource.create(knowledge_store_id="ks_1", input="Well?")).text == TEXT


async def test_a_truncated_response_has_the_status_incomplete_and_a_reason() -> None:
    incomplete = {**RESPONSE, "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    resource, _ = responses(fake_response(200, incomplete))
    response = await resource.create(knowledge_store_id="ks_1", input="Well?")
    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"


@pytest.mark.parametrize("error", [{"error": {"message": "out of luck"}}, {"error": "out of luck"}])
async def test_a_failed_response_raises_processing_failed_error(error: dict[str, Any]) -> None:
    resource, _ = responses(fake_response(200, {**RESPONSE, "status": "failed", "output": [], **error}))
    with pytest.raises(ProcessingFailedError, match="resp_1 failed: out of luck") as caught:
        await resource.create(knowledge_store_id="ks_1", input="Well?")
    assert caught.value.last_seen.session_id == "sess_1"


async def test_a_question_is_not_retried_after_a_server_error() -> None:
    """A retry could add a second question to the conversation."""
    resource, session = responses(fake_response(502), fake_response(200, RESPONSE))
    with pytest.raises(APIError) as caught:
        await resource.create(knowledge_store_id="ks_1", input="Well?", session_id="sess_1")
    assert caught.value.ambiguous
    assert len(session.sent) == 1


async def test_a_question_is_retried_after_a_429() -> None:
    resource, session = responses(fake_response(429, headers={"Retry-After": "1"}), fake_response(200, RESPONSE))
    await resource.create(knowledge_store_id="ks_1", input="Well?")
    assert len(session.sent) == 2


async def test_a_stream_yields_every_event_and_then_has_the_final_response() -> None:
    stream, executor = stream_of(frames(*EVENTS) + b"data: [DONE]\n\n")
    assert stream.latest is None
    events = [event async for event in stream]
    assert [event.extra["type"] if isinstance(event, UnknownEvent) else event.type for event in events] == [
        event["type"] for event in EVENTS
    ]
    assert isinstance(events[0], ResponseCreated)
    assert isinstance(events[5], Keepalive)
    assert isinstance(events[6], UnknownEvent)
    assert isinstance(events[9], ContentPartDone)
    assert isinstance(events[-1], ResponseCompleted)
    assert "".join(event.delta for event in events if isinstance(event, OutputTextDelta)) == TEXT
    final = await stream.final()
    assert final == events[-1].response == stream.latest
    assert await stream.text() == final.text == TEXT
    assert executor.accepted == ["text/event-stream"]
    assert executor.requests[0].json["stream"] is True
    assert executor.requests[0].retry_class == "non_idempotent"


async def test_the_session_id_is_available_after_the_first_event() -> None:
    stream, _ = stream_of(frames(EVENTS[0]))
    async with stream:
        async for _ in stream:
            break
        assert stream.latest is not None
        assert stream.latest.session_id == "sess_1"


async def test_the_event_type_is_read_from_the_data_and_not_from_the_frame_name() -> None:
    stream, _ = stream_of(frames(*EVENTS, name="message"))
    assert (await stream.final()).text == TEXT


FAILURES: list[tuple[dict[str, Any], str]] = [
    ({"type": "response.failed", "sequence_number": 5}, "no reason given"),
    ({"type": "response.failed", "sequence_number": 5, "response": {**RESPONSE, "status": "failed"}}, "no reason"),
    (
        {"type": "response.failed", "response": {**RESPONSE, "status": "failed", "error": {"message": "bad luck"}}},
        "the response failed: bad luck",
    ),
    ({"type": "error", "code": "server_error", "message": "bad luck"}, "bad luck"),
    ({"type": "response.error", "error": {"message": "bad luck"}}, "bad luck"),
]


@pytest.mark.parametrize(("last", "message"), FAILURES)
async def test_a_failed_stream_raises_stream_error_with_the_text_so_far(last: dict[str, Any], message: str) -> None:
    stream, _ = stream_of(frames(*EVENTS[:5], last) + b"data: [DONE]\n\n")
    with pytest.raises(StreamError, match=message) as caught:
        await stream.final()
    assert (caught.value.text, caught.value.event_count) == ("A train ", 6)
    assert not caught.value.ambiguous


async def test_a_done_marker_without_a_final_event_raises_stream_error() -> None:
    stream, _ = stream_of(frames(*EVENTS[:5]) + b"data: [DONE]\n\n")
    with pytest.raises(StreamError, match="before its final event") as caught:
        await stream.final()
    assert caught.value.ambiguous


async def test_a_final_event_without_a_response_raises_stream_error() -> None:
    stream, _ = stream_of(frames({"type": "response.completed", "sequence_number": 1}))
    with pytest.raises(StreamError, match="response"):
        await stream.final()


def make_response(*parts: str, annotations: list[dict[str, Any]] | None = None) -> ResponseObject:
    content = [{"type": "output_text", "text": text, "annotations": annotations or []} for text in parts]
    return from_dict({"status": "completed", "output": [{"type": "message", "content": content}]}, ResponseObject)


UUID = "03de1fed-e32b-7b92-85f4-1d811bec149d"


@pytest.mark.parametrize(
    ("text", "start", "end", "plain"),
    [
        (f'The end <vref id="{UUID}" start="08:45" end="09:05"></vref>.', 525, 545, "The end."),
        (f'**Set — <vref id="{UUID}" start="1:00:00" end="1:00:01.5"></vref>**', 3600, 3601.5, "**Set — **"),
        (f'A still <tref id="{UUID}"></tref> here', None, None, "A still here"),
        (f"<vref end='00:09' start='00:04' id='{UUID}'/> it begins", 4, 9, " it begins"),
        (
            f'{{"answer":"See <vref id=\\"{UUID}\\" start=\\"5\\" end=\\"x\\"></vref>, yes"}}',
            5,
            None,
            '{"answer":"See, yes"}',
        ),
    ],
)
def test_a_reference_in_the_text_is_a_citation(text: str, start: float, end: float, plain: str) -> None:
    response = make_response(text)
    (citation,) = response.citations()
    assert (citation.item_id, citation.start, citation.end) == (f"ksi_{UUID}", start, end)
    assert text[citation.text_start : citation.text_end].startswith("<")
    assert response.plain_text == plain


def test_a_bracketed_number_with_an_annotation_is_a_citation() -> None:
    annotation = {"type": "video_citation", "start_index": 6, "end_index": 8, "item_id": "ksi_1", "start_sec": 1.5}
    response = make_response("Begin ", "Noise [1] then [1] and [7].", annotations=[annotation])
    assert [
        (citation.item_id, citation.start, response.text[citation.text_start : citation.text_end])
        for citation in response.citations()
    ][1:] == [("ksi_1", 1.5, "[1]"), ("ksi_1", 1.5, "[1]")]
    response = make_response("Noise [1] then [1] and [7].", annotations=[annotation])
    assert response.plain_text == "Noise then and [7]."


def test_citation_positions_in_later_parts_refer_to_the_whole_text() -> None:
    response = make_response("First. ", f'Second <vref id="{UUID}"></vref>.')
    (citation,) = response.citations()
    assert response.text[citation.text_start : citation.text_end] == f'<vref id="{UUID}"></vref>'
    assert response.plain_text == "First. Second."


def test_a_text_without_references_has_no_citations() -> None:
    response = make_response("See [1], <b>bold</b> and <vref>.")
    assert response.citations() == ()
    assert response.plain_text == "See [1], <b>bold</b> and."
