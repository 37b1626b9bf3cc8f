"""Analyses: requests, rejected arguments and parsed responses."""

from __future__ import annotations

import json
from typing import Any, Literal

import attrs
import pytest
from support import FakeSession, FakeStreamingExecutor, FastClock, fake_response, make_executor, responses_in_order

from twelvelabs_async._codec.converter import to_dict
from twelvelabs_async._http.body import Body
from twelvelabs_async._http.connections import Attempt
from twelvelabs_async._http.transport import Response
from twelvelabs_async.errors import (
    APIError,
    InvalidInputError,
    MalformedResponseError,
    ProcessingFailedError,
    StreamError,
    StructuredOutputError,
    WaitTimeoutError,
)
from twelvelabs_async.models.analyze import (
    AnalyzeImageInput,
    AnalyzePromptV2,
    ReferenceImage,
    ResponseFormat,
    SegmentDefinition,
    SegmentField,
    VideoAsset,
    VideoBase64,
    VideoUrl,
)
from twelvelabs_async.models.analyze_tasks import AnalysisTask, BatchItemRequest
from twelvelabs_async.resources.analyze import Analyze, AnalyzeStreaming
from twelvelabs_async.resources.analyze_async import AnalysisBatches, AnalysisTasks, AnalyzeAsync

VIDEO = VideoAsset(asset_id="a1")
ANALYSIS = {
    "id": "gen-1",
    "data": "A train.",
    "finish_reason": "stop",
    "usage": {"output_tokens": 3, "input_tokens": 9},
}


@attrs.frozen
class Scene:
    title: str
    mood: Literal["calm", "tense"]
    seconds: float | None = None


def analyze(*responses: Response) -> tuple[Analyze, FakeSession]:
    executor, session = make_executor(responses_in_order(*responses), FastClock())
    return Analyze(executor), session


def tasks(*responses: Response | Any) -> tuple[AnalysisTasks, FakeSession]:
    executor, session = make_executor(responses_in_order(*responses), FastClock())
    return AnalyzeAsync(executor).tasks, session


def batches(*responses: Response) -> tuple[AnalysisBatches, FakeSession]:
    executor, session = make_executor(responses_in_order(*responses), FastClock())
    return AnalyzeAsync(executor).batches, session


def body(session: FakeSession, index: int = 0) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(session.bodies[index])
    return decoded


async def test_an_analysis_without_streaming_sends_stream_false() -> None:
    """The endpoint streams by default."""
    resource, session = analyze(fake_response(200, ANALYSIS))
    analysis = await resource(video=VIDEO, prompt="What happens?")
    assert (analysis.id, analysis.text, analysis.data) == ("gen-1", "A train.", "A train.")
    assert analysis.usage is not None
    assert analysis.usage.input_tokens == 9
    assert session.sent == [("POST", "/analyze")]
    assert body(session) == {
        "video": {"type": "asset_id", "asset_id": "a1"},
        "prompt": "What happens?",
        "stream": False,
    }


@pytest.mark.parametrize(
    ("video", "sent"),
    [
        (VideoUrl(url="https://x.example/a.mp4"), {"type": "url", "url": "https://x.example/a.mp4"}),
        (VideoBase64(base_64_string="AA=="), {"type": "base64_string", "base64_string": "AA=="}),
        ({"type": "asset_id", "asset_id": "a1"}, {"type": "asset_id", "asset_id": "a1"}),
    ],
)
async def test_a_video_is_a_model_or_a_dict(video: Any, sent: dict[str, str]) -> None:
    resource, session = analyze(fake_response(200, ANALYSIS))
    await resource(video=video, prompt="p")
    assert body(session)["video"] == sent


async def test_images_and_prompts_with_images_are_models_or_dicts() -> None:
    resource, session = analyze(fake_response(200, ANALYSIS))
    await resource(image=[AnalyzeImageInput(name="cat", url="https://x.example/c.png"), {"name": "dog"}], prompt="p")
    await resource(
        video=VIDEO,
        prompt_v_2=AnalyzePromptV2(input_text="<@cat>?", media_sources=(ReferenceImage(name="cat", asset_id="c"),)),
    )
    assert body(session, 0)["image"] == [{"name": "cat", "url": "https://x.example/c.png"}, {"name": "dog"}]
    source = {"name": "cat", "media_type": "image", "asset_id": "c"}
    assert body(session, 1)["prompt_v2"] == {"input_text": "<@cat>?", "media_sources": [source]}


@pytest.mark.parametrize("field", ["base64_string", "base_64_string"])
async def test_a_dict_accepts_both_names_of_the_base64_field(field: str) -> None:
    resource, session = analyze(fake_response(200, ANALYSIS), fake_response(200, ANALYSIS))
    await resource(video={"type": "base64_string", field: "AA=="}, prompt_v_2={"input_text": "p"})
    await resource(image=[{"name": "cat", field: "AA=="}], prompt="p")
    assert body(session, 0)["video"] == {"type": "base64_string", "base64_string": "AA=="}
    assert body(session, 0)["prompt_v2"] == {"input_text": "p"}
    assert body(session, 1)["image"] == [{"name": "cat", "base64_string": "AA=="}]


@pytest.mark.parametrize(
    "arguments",
    [
        {"prompt": "p"},
        {"video": VIDEO, "image": [{"name": "x"}], "prompt": "p"},
        {"video": VIDEO, "prompt": "p", "prompt_v_2": {"input_text": "p"}},
        {"video": VIDEO, "prompt": " "},
        {"image": [{"name": "x"}]},
        {"image": [{"name": "x"}], "prompt_v_2": {"input_text": "p"}},
        {"image": [], "prompt": "p"},
        {"image": [{"name": "x"}] * 21, "prompt": "p"},
        {"video": VIDEO, "prompt": "p", "schema": Scene, "response_format": {"type": "json_schema"}},
        {"video": VIDEO, "prompt": "p", "schema": {"type": "object", "additionalProperties": False}},
        {"video": VIDEO, "prompt": "p", "schema": int},
        {"video": VIDEO, "prompt": "p", "schema": Scene, "attempts": 0},
        {"video": VIDEO, "prompt": "p", "attempts": 2},
    ],
)
async def test_invalid_arguments_are_rejected_before_a_request_is_sent(arguments: dict[str, Any]) -> None:
    resource, session = analyze(fake_response(200, ANALYSIS))
    with pytest.raises(InvalidInputError):
        await resource(**arguments)
    assert not session.sent


def test_a_stream_rejects_conflicting_arguments_immediately() -> None:
    with pytest.raises(InvalidInputError):
        AnalyzeStreaming(FakeStreamingExecutor())(prompt="p")


async def test_a_schema_class_returns_an_instance_of_that_class() -> None:
    text = '```json\n{"title": "Tunnel", "mood": "tense"}\n```'
    resource, session = analyze(fake_response(200, {**ANALYSIS, "data": text, "new_field": 1}))
    analysis = await resource(video=VIDEO, prompt="p", schema=Scene)
    assert analysis.value == Scene("Tunnel", "tense")
    assert (analysis.data, analysis.id, analysis.extra) == (text, "gen-1", {"new_field": 1})
    sent = body(session)["response_format"]
    assert sent["type"] == "json_schema"
    assert sent["json_schema"]["required"] == ["title", "mood"]


async def test_a_damaged_response_is_repaired_and_marked_as_repaired() -> None:
    document = '{"title": "Tunnel", "mood": "tense"}'
    resource, _ = analyze(fake_response(200, {**ANALYSIS, "data": f"Sure! {document} Bye."}))
    analysis = await resource(video=VIDEO, prompt="p", schema=Scene)
    assert (analysis.value, analysis.repaired, analysis.trailing_text) == (Scene("Tunnel", "tense"), True, "Bye.")


async def test_a_response_that_cannot_be_repaired_is_requested_again_if_attempts_allow_it() -> None:
    broken = fake_response(200, {**ANALYSIS, "data": '{"title": "Tun'})
    intact = fake_response(200, {**ANALYSIS, "data": '{"title": "Tunnel", "mood": "tense"}'})
    resource, session = analyze(broken, intact)
    assert (await resource(video=VIDEO, prompt="p", schema=Scene, attempts=2)).value == Scene("Tunnel", "tense")
    assert len(session.sent) == 2
    resource, session = analyze(broken, broken)
    with pytest.raises(StructuredOutputError):
        await resource(video=VIDEO, prompt="p", schema=Scene, attempts=2)
    assert len(session.sent) == 2


async def test_a_truncated_response_is_not_requested_again() -> None:
    resource, session = analyze(fake_response(200, {**ANALYSIS, "data": "{", "finish_reason": "length"}))
    with pytest.raises(StructuredOutputError):
        await resource(video=VIDEO, prompt="p", schema=Scene, attempts=3)
    assert len(session.sent) == 1


async def test_a_json_schema_returns_a_dict() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    resource, session = analyze(fake_response(200, {**ANALYSIS, "data": '{"n": 3}'}))
    assert (await resource(video=VIDEO, prompt="p", schema=schema)).value == {"n": 3}
    assert body(session)["response_format"]["json_schema"] == schema


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"finish_reason": "length"}, "truncated at the token limit"),
        ({"data": '{"title": "Tun'}, "not JSON"),
        ({"data": '{"title": "Tunnel"}'}, "mood"),
        ({"data": '{"title": "Tunnel", "mood": "sad"}'}, "expected one of"),
    ],
)
async def test_an_invalid_structured_response_raises_an_error_with_its_text_and_usage(
    change: dict[str, str], message: str
) -> None:
    response_json = {**ANALYSIS, "data": '{"title": "Tunnel", "mood": "calm"}', **change}
    resource, session = analyze(fake_response(200, response_json))
    with pytest.raises(StructuredOutputError, match=message) as caught:
        await resource(video=VIDEO, prompt="p", schema=Scene)
    error = caught.value
    assert (error.text, error.finish_reason) == (response_json["data"], response_json["finish_reason"])
    assert error.usage.output_tokens == 3
    assert error.operation == "POST /analyze"
    assert isinstance(error, MalformedResponseError)
    assert len(session.sent) == 1


async def test_an_analysis_is_retried_after_a_503() -> None:
    resource, session = analyze(fake_response(503), fake_response(200, ANALYSIS))
    assert (await resource(video=VIDEO, prompt="p")).text == "A train."
    assert len(session.sent) == 2


async def test_an_analysis_without_text_raises_an_error() -> None:
    resource, _ = analyze(fake_response(200, {"id": "gen-1"}))
    with pytest.raises(MalformedResponseError, match="data"):
        await resource(video=VIDEO, prompt="p")


async def test_a_streamed_analysis_sends_stream_true_and_returns_an_analysis_at_the_end() -> None:
    chunks = [
        b'{"event_type":"stream_start","metadata":{"generation_id":"g"}}\n',
        b'{"event_type":"text_generation","text":"A train."}\n',
        b'{"event_type":"stream_end","finish_reason":"stop","metadata":{"usage":{"output_tokens":3}}}\n',
    ]
    executor = FakeStreamingExecutor(*chunks)
    stream = AnalyzeStreaming(executor)(video=VIDEO, prompt="p", max_tokens=900)
    assert stream.generation_id is None
    final = await stream.final()
    assert (final.id, final.data, final.finish_reason) == ("g", "A train.", "stop")
    assert final.usage is not None
    assert final.usage.output_tokens == 3
    assert executor.requests[0].json["stream"] is True
    assert executor.requests[0].retry_class == "billable"


async def test_all_attempts_to_create_a_task_use_one_idempotency_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key allows the platform to distinguish a retry from a second task."""
    resource, session = tasks(
        fake_response(429, headers={"Retry-After": "0"}), fake_response(202, {"task_id": "t1", "status": "queued"})
    )
    keys: list[str] = []
    send = session.send

    async def send_and_record(
        method: str, path: str, body: Body, attempt: Attempt, *, idle_timeout: float | None = None
    ) -> Response:
        keys.append(body.headers["Idempotency-Key"])
        return await send(method, path, body, attempt, idle_timeout=idle_timeout)

    monkeypatch.setattr(session, "send", send_and_record)
    created = await resource.create(video=VIDEO, prompt="p")
    assert created.id == created.task_id == "t1"
    assert len(keys) == 2
    assert len({*keys}) == 1
    await resource.create(video=VIDEO, prompt="p")
    await resource.create(video=VIDEO, prompt="p", idempotency_key="mine")
    assert len({*keys[1:]}) == 3
    assert keys[-1] == "mine"


async def test_a_task_creation_is_retried_after_a_503_with_the_same_body() -> None:
    """If the platform knows the key, it returns the existing task; otherwise it creates one."""
    resource, session = tasks(fake_response(503), fake_response(202, {"task_id": "t1", "status": "queued"}))
    created = await resource.create(video=VIDEO, prompt="p")
    assert created.id == "t1"
    assert len(session.sent) == 2
    assert session.bodies[0] == session.bodies[1]


@pytest.mark.parametrize("retry_status", [409, 400, 503])
async def test_a_failed_retry_of_a_task_creation_is_ambiguous(retry_status: int) -> None:
    """A platform that rejects a known key responds with an error to the retry of a successful creation."""
    resource, session = tasks(fake_response(503), fake_response(retry_status))
    with pytest.raises(APIError) as caught:
        await resource.create(video=VIDEO, prompt="p")
    assert caught.value.status_code == retry_status
    assert caught.value.ambiguous
    assert len(session.sent) > 1


async def test_a_task_creation_rejected_at_the_first_attempt_is_not_ambiguous() -> None:
    resource, session = tasks(fake_response(409))
    with pytest.raises(APIError) as caught:
        await resource.create(video=VIDEO, prompt="p")
    assert not caught.value.ambiguous
    assert len(session.sent) == 1


@pytest.mark.parametrize("name", ["", "a b", "ä", "x" * 65, "a/b", "a\n"])
async def test_an_invalid_custom_id_is_rejected(name: str) -> None:
    resource, session = tasks(fake_response(202))
    with pytest.raises(InvalidInputError, match="custom_id"):
        await resource.create(video=VIDEO, prompt="p", custom_id=name)
    assert not session.sent


@pytest.mark.parametrize("key", ["", "ä", "a\r\nx-api-key: b"])
async def test_an_invalid_idempotency_key_is_rejected(key: str) -> None:
    resource, session = tasks(fake_response(202))
    with pytest.raises(InvalidInputError, match="idempotency_key"):
        await resource.create(video=VIDEO, prompt="p", idempotency_key=key)
    assert not session.sent


async def test_segment_definitions_are_sent_in_the_response_format() -> None:
    resource, session = tasks(fake_response(202, {"task_id": "t1", "status": "queued"}))
    field = SegmentField(name="speaker", type="string", description="Who speaks")
    definition = SegmentDefinition(id="talks", description="Somebody speaks", fields=(field,))
    await resource.create(
        video=VIDEO,
        analysis_mode="time_based_metadata",
        max_tokens="unlimited",
        response_format=ResponseFormat(type="segment_definitions", segment_definitions=(definition,)),
    )
    assert body(session)["response_format"] == {
        "type": "segment_definitions",
        "segment_definitions": [
            {
                "id": "talks",
                "description": "Somebody speaks",
                "fields": [{"name": "speaker", "type": "string", "description": "Who speaks"}],
            }
        ],
    }


TASK = {
    "task_id": "t1",
    "custom_id": None,
    "video_source": {"type": "asset_id", "asset_id": "a1", "system_metadata": {"duration": 12.5}},
    "request_params": {"prompt": "p", "max_tokens": "unlimited", "image": [{"name": "x", "media_type": "image"}]},
    "status": "ready",
    "created_at": "2026-10-01T12:00:00Z",
    "completed_at": "2026-10-01T12:01:00.5Z",
    "result": {"generation_id": "g", "data": "A train.", "finish_reason": "stop", "usage": {"output_tokens": 3}},
    "webhooks": [{"url": "https://x.example", "delivered": True, "attempts": 1}],
}


async def test_all_fields_of_a_task_are_parsed() -> None:
    resource, _ = tasks(fake_response(200, TASK))
    task = await resource.retrieve("t1")
    assert task.id == "t1"
    assert task.result is not None
    assert task.result.text == "A train."
    assert task.request_params is not None
    assert task.request_params.max_tokens == "unlimited"
    assert task.webhooks[0].attempts == 1
    assert to_dict(task)["request_params"] == TASK["request_params"]


@pytest.mark.parametrize("limit", [4096, "unlimited", None])
async def test_max_tokens_of_a_task_may_be_a_number_unlimited_or_null(limit: int | str | None) -> None:
    resource, _ = tasks(fake_response(200, {**TASK, "request_params": {"max_tokens": limit}}))
    task = await resource.retrieve("t1")
    assert task.request_params is not None
    assert task.request_params.max_tokens == limit


@pytest.mark.parametrize("invalid", ["abc", {"url": "https://x.example"}])
async def test_a_value_that_is_not_the_expected_array_raises_an_error(invalid: object) -> None:
    """Iterating a string would yield its characters, and iterating an object its keys."""
    resource, _ = tasks(fake_response(200, {**TASK, "webhooks": invalid}))
    with pytest.raises(MalformedResponseError, match="expected an array") as caught:
        await resource.retrieve("t1")
    assert caught.value.path == "$.webhooks"


async def test_wait_for_done_polls_a_task_until_it_has_a_result() -> None:
    statuses: list[str] = []
    running = [fake_response(200, {"task_id": "t1", "status": status}) for status in ("queued", "pending", "thinking")]
    resource, _ = tasks(*running, fake_response(200, TASK))
    task = await resource.wait_for_done("t1", callback=lambda task: statuses.append(task.status))
    assert task.result is not None
    assert statuses == ["queued", "pending", "thinking", "ready"]


@pytest.mark.parametrize("status", ["failed", "canceled"])
async def test_a_failed_or_canceled_task_raises_processing_failed_error(status: str) -> None:
    resource, _ = tasks(
        fake_response(200, {"task_id": "t1", "status": status, "error": {"message": "too long", "code": "x"}})
    )
    with pytest.raises(ProcessingFailedError, match=f"analysis task t1 .*{status}: too long") as caught:
        await resource.wait_for_done("t1")
    assert isinstance(caught.value.last_seen, AnalysisTask)


async def test_wait_for_all_polls_tasks_by_list_and_returns_their_results() -> None:
    failed = {"task_id": "t2", "status": "failed", "error": {"message": "too long"}}

    def page(*items: dict[str, Any]) -> Response:
        return fake_response(200, {"data": items, "page_info": {"page": 1, "total_page": 1}})

    processing = {"task_id": "t1", "status": "processing"}
    done = {name: value for name, value in TASK.items() if name != "result"}
    responses = (page(processing, failed), fake_response(200, failed), page(done, failed), fake_response(200, TASK))
    resource, session = tasks(*responses)
    outcomes = {outcome.id: outcome async for outcome in resource.wait_for_all(["t1", "t2"])}
    assert outcomes["t1"].result().result is not None
    assert isinstance(outcomes["t2"].error, ProcessingFailedError)
    assert [path for _, path in session.sent] == [
        "/analyze/tasks?page_limit=50",
        "/analyze/tasks/t2",
        "/analyze/tasks?page_limit=50",
        "/analyze/tasks/t1",
    ]


async def test_a_task_is_canceled_and_deleted() -> None:
    resource, session = tasks(fake_response(200, {"task_id": "t1", "status": "canceled"}))
    assert (await resource.cancel("t1")).status == "canceled"
    await resource.delete("t1")
    assert session.sent == [("POST", "/analyze/tasks/t1/cancel"), ("DELETE", "/analyze/tasks/t1")]
    assert session.bodies == [b"", b""]


async def test_tasks_are_listed_without_duplicates() -> None:
    """Tasks created during pagination move older ones to the next page."""

    def page(number: int, *ids: str) -> Response:
        items = [{"task_id": id, "status": "queued"} for id in ids]
        return fake_response(200, {"data": items, "page_info": {"page": number, "limit_per_page": 2, "total_page": 2}})

    resource, _ = tasks(page(1, "t3", "t2"), page(2, "t2", "t1"))
    assert [task.task_id async for task in resource.list(page_limit=2)] == ["t3", "t2", "t1"]


async def test_a_list_of_tasks_with_an_invalid_url_is_rejected() -> None:
    resource, _ = tasks(fake_response(200))
    with pytest.raises(InvalidInputError, match="video_url"):
        resource.list(video_url="film.mp4")


BATCH = {"batch_id": "b1", "status": "completed", "total_items": 2, "ready_items": 1, "failed_items": 1}


async def test_a_batch_is_created_from_models_and_dicts() -> None:
    resource, session = batches(
        fake_response(201, {**BATCH, "status": "pending", "items": [{"task_id": "t1", "custom_id": "x"}]})
    )
    created = await resource.create(
        model_name="pegasus1.5",
        analysis_mode="general",
        requests=[
            BatchItemRequest(video=VideoAsset(asset_id="a1"), custom_id="x"),
            {"video": {"type": "asset_id", "asset_id": "a2"}},
        ],
        defaults={"prompt": {"input_text": "p"}},
    )
    assert (created.id, created.items[0].custom_id) == ("b1", "x")
    assert body(session)["requests"] == [
        {"video": {"type": "asset_id", "asset_id": "a1"}, "custom_id": "x"},
        {"video": {"type": "asset_id", "asset_id": "a2"}},
    ]


INVALID_BATCHES: list[list[Any]] = [
    [],
    [{"video": {}}] * 1001,
    [{"custom_id": "x"}, {"custom_id": "x"}],
    [BatchItemRequest(video=VIDEO, custom_id="x"), {"custom_id": "x"}],
    [{"custom_id": "a b"}],
]


@pytest.mark.parametrize("requests", INVALID_BATCHES)
async def test_an_invalid_batch_is_rejected_before_it_is_sent(requests: list[Any]) -> None:
    resource, session = batches(fake_response(201))
    with pytest.raises(InvalidInputError):
        await resource.create(model_name="pegasus1.5", analysis_mode="general", requests=requests)
    assert not session.sent


@pytest.mark.parametrize("status", ["completed", "canceled", "expired"])
async def test_wait_for_done_returns_a_batch_with_any_final_status(status: str) -> None:
    resource, _ = batches(
        fake_response(200, {**BATCH, "status": "canceling"}), fake_response(200, {**BATCH, "status": status})
    )
    batch = await resource.wait_for_done("b1")
    assert (batch.id, batch.status, batch.failed_items) == ("b1", status, 1)


async def test_wait_for_done_of_a_batch_times_out() -> None:
    resource, _ = batches(fake_response(200, {**BATCH, "status": "processing"}))
    with pytest.raises(WaitTimeoutError, match=r"analysis batch b1 .*processing"):
        await resource.wait_for_done("b1", timeout=600)


async def test_a_batch_is_listed_canceled_and_deleted() -> None:
    resource, session = batches(
        fake_response(200, {"data": [BATCH], "page_info": {"total_page": 1}}),
        fake_response(202, BATCH),
        fake_response(204),
    )
    assert [batch.id async for batch in resource.list(status=["completed", "expired"])] == ["b1"]
    assert (await resource.cancel("b1")).id == "b1"
    await resource.delete("b1")
    assert session.sent == [
        ("GET", "/analyze/batches?status=completed&status=expired&page_limit=50"),
        ("POST", "/analyze/batches/b1/cancel"),
        ("DELETE", "/analyze/batches/b1"),
    ]


RESULTS = (
    b'{"task_id":"t1","custom_id":"x","status":"ready","data":{"generation_id":"g","data":"A train.",'
    b'"finish_reason":"stop","usage":{"output_tokens":3}}}\n'
    b'{"task_id":"t2","custom_id":null,"status":"failed","error":{"code":"asset_unavailable","message":"gone"}}\n'
    b'{"task_id":"t3","custom_id":null,"status":"paused"}'
)


async def test_batch_results_are_streamed_including_failed_items() -> None:
    """A failed item does not fail the stream, and an unknown status is accepted."""
    executor = FakeStreamingExecutor(RESULTS[:70], RESULTS[70:])
    results = AnalysisBatches(executor).results("b1")
    items = [item async for item in results]
    assert [item.status for item in items] == ["ready", "failed", "paused"]
    assert items[0].data is not None
    assert items[0].data.text == "A train."
    assert items[1].error is not None
    assert items[1].error.code == "asset_unavailable"
    assert executor.requests[0].path() == "/analyze/batches/b1/results"


async def test_an_empty_batch_has_no_results() -> None:
    assert [item async for item in AnalysisBatches(FakeStreamingExecutor()).results("b1")] == []


async def test_an_invalid_batch_result_raises_stream_error() -> None:
    with pytest.raises(StreamError, match="task_id"):
        _ = [item async for item in AnalysisBatches(FakeStreamingExecutor(b'{"status":"ready"}\n')).results("b1")]


def test_results_of_an_invalid_id_are_rejected_immediately() -> None:
    with pytest.raises(InvalidInputError):
        AnalysisBatches(FakeStreamingExecutor()).results("..")
