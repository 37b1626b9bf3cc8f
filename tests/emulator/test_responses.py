"""Questions about a knowledge store."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, get_args

import aiohttp
import pytest

from twelvelabs_async.emulator import Damage, Emulator
from twelvelabs_async.emulator._state.entities import Item, KnowledgeStore
from twelvelabs_async.emulator._streams import damage_text

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
MakeSource = Callable[..., Awaitable[dict[str, str]]]

STORE = "ks_1"


@pytest.fixture
def make_store(emulator: Emulator) -> Callable[..., str]:
    """Create a store with ready assets."""

    def create_store(name: str = STORE, *assets: str) -> str:
        library = emulator.state.knowledge
        library.stores[name] = KnowledgeStore(
            id=name, name=name, description=None, ingestion_config=None, metadata={}, created_at=0, updated_at=0
        )
        for number, asset in enumerate(assets):
            item = Item(
                id=f"ksi_{name}_{number}",
                store_id=name,
                asset=emulator.state.assets[asset],
                metadata={},
                created_at=0,
            )
            library.items[item.id] = item
        return name

    return create_store


MakeStore = Callable[..., str]


def request_body(content: str = "Who is in it?", **fields: Any) -> dict[str, Any]:
    return {"knowledge_store_id": STORE, "input": [{"type": "message", "role": "user", "content": content}], **fields}


def parse_events(text: str) -> list[dict[str, Any]]:
    """Parse server-sent events, and check that the name of each event is its type."""
    *frames, last, end = text.split("\n\n")
    assert (last, end) == ("data: [DONE]", "")
    parsed: list[dict[str, Any]] = []
    for frame in frames:
        name, data = frame.split("\n")
        parsed.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {parsed[-1]['type']}"
    return parsed


async def test_an_answer_cites_its_items(call: SendRequest, make_store: MakeStore, make_source: MakeSource) -> None:
    film, other = await make_source("film.mp4"), await make_source("été.mp4")
    make_store(STORE, film["asset_id"], other["asset_id"])
    status, response = await call("POST", "/responses", json=request_body())
    assert status == 200
    assert (response["type"], response["object"], response["status"]) == ("response", "response", "completed")
    assert response["incomplete_details"] is None
    (message,) = response["output"]
    assert (message["role"], message["phase"]) == ("assistant", "final_answer")
    (part,) = message["content"]
    assert part["text"].startswith("An answer to Who is in it.")
    first, second = part["annotations"]
    citations = [part["text"][citation["start_index"] : citation["end_index"] + 1] for citation in (first, second)]
    assert citations == [f'<vref id="ks_1_{n}" start="00:00" end="00:06"></vref>' for n in (0, 1)]
    assert (second["type"], second["title"], second["item_id"]) == ("video_citation", "été.mp4", "ksi_ks_1_1")
    assert (second["start_sec"], second["end_sec"]) == (0, 6)


async def test_a_stream_contains_the_same_answer(
    session: aiohttp.ClientSession, call: SendRequest, make_store: MakeStore, make_source: MakeSource
) -> None:
    make_store(STORE, (await make_source())["asset_id"])
    async with session.post("responses", json=request_body(stream=True)) as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        stream = parse_events(await response.text())
    _, complete = await call("POST", "/responses", json=request_body())
    event_types = [event["type"].removeprefix("response.") for event in stream]
    deltas = event_types.count("output_text.delta")
    assert deltas > 2
    assert event_types == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        *["output_text.delta"] * deltas,
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [event["sequence_number"] for event in stream] == list(range(len(stream)))
    text = complete["output"][0]["content"][0]["text"]
    assert "".join(event["delta"] for event in stream if "delta" in event) == text == stream[-4]["text"]
    assert stream[-3]["part"]["annotations"] == complete["output"][0]["content"][0]["annotations"]
    assert stream[0]["response"]["status"] == "in_progress"
    assert stream[-1]["response"]["usage"] == complete["usage"]


async def test_a_session_can_be_continued(call: SendRequest, make_store: MakeStore) -> None:
    make_store()
    make_store("ks_2")
    _, first = await call("POST", "/responses", json=request_body())
    _, second = await call("POST", "/responses", json=request_body(session_id=first["session_id"]))
    assert second["session_id"] == first["session_id"]
    message = f"msg_{first['session_id']}"
    assert [response["output"][0]["id"] for response in (first, second)] == [message, f"{message}_1"]
    assert (await call("POST", "/responses", json=request_body()))[1]["session_id"] != first["session_id"]
    status, error = await call(
        "POST", "/responses", json=request_body(session_id=first["session_id"], knowledge_store_id="ks_2")
    )
    assert (status, error["code"]) == (400, "parameter_invalid")


async def test_steps_are_returned_on_request(
    session: aiohttp.ClientSession, call: SendRequest, make_store: MakeStore
) -> None:
    make_store()
    _, body = await call("POST", "/responses", json=request_body(include=["intermediate_outputs"]))
    assert [(item["type"], item.get("phase")) for item in body["output"]] == [
        ("message", "commentary"),
        ("function_call", None),
        ("function_call_output", None),
        ("message", "final_answer"),
    ]
    assert body["output"][1]["call_id"] == body["output"][2]["call_id"]
    assert json.loads(body["output"][1]["arguments"]) == {"query": "Who is in it?"}
    async with session.post("responses", json=request_body(include=["intermediate_outputs"], stream=True)) as response:
        streamed_events = parse_events(await response.text())
    assert [event["output_index"] for event in streamed_events if event["type"] == "response.output_item.done"] == [
        0,
        1,
        2,
        3,
    ]
    (arguments,) = [event for event in streamed_events if event["type"] == "response.function_call_arguments.done"]
    assert arguments["arguments"] == body["output"][1]["arguments"]


async def test_an_answer_can_be_json(call: SendRequest, make_store: MakeStore) -> None:
    make_store()
    properties = {
        "name": {"type": "string", "minLength": 100},
        "short": {"type": "string", "maxLength": 3},
        "share": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.1},
        "loss": {"type": "number", "exclusiveMinimum": -0.1, "exclusiveMaximum": 0},
        "tags": {"type": "array", "minItems": 3, "maxItems": 3, "items": {"enum": ["a"]}},
    }
    form = {"type": "json_schema", "name": "it", "schema": {"type": "object", "properties": properties}, "strict": True}
    _, response = await call("POST", "/responses", json=request_body(text={"format": form}))
    value = json.loads(response["output"][0]["content"][0]["text"])
    assert (len(value["name"]), len(value["short"]), value["tags"]) == (100, 3, ["a"] * 3)
    assert 0 < value["share"] < 0.1
    assert -0.1 < value["loss"] < 0
    assert (await call("POST", "/responses", json=request_body(text={"format": {"type": "text"}})))[0] == 200
    assert (await call("POST", "/responses", json=request_body(text={})))[0] == 200


async def test_a_very_long_question_has_a_truncated_answer(call: SendRequest, make_store: MakeStore) -> None:
    make_store()
    _, response = await call("POST", "/responses", json=request_body("who " * 2400))
    assert (response["status"], response["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert response["output"][0]["status"] == "incomplete"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"knowledge_store_id": None}, "parameter_not_provided"),
        ({"input": None}, "parameter_not_provided"),
        ({"input": []}, "parameter_invalid"),
        ({"input": "Who?"}, "parameter_invalid"),
        ({"input": [{"type": "message", "role": "system", "content": "a"}]}, "parameter_invalid"),
        ({"input": [{"type": "message", "role": "user", "content": "a" * 10_001}]}, "parameter_invalid"),
        ({"input": [{"type": "message", "role": "user", "content": ""}]}, "parameter_invalid"),
        ({"session_id": "sess_unknown"}, "parameter_invalid"),
        ({"instructions": 1}, "parameter_invalid"),
        ({"include": "intermediate_outputs"}, "parameter_invalid"),
        ({"include": ["everything"]}, "parameter_invalid"),
        ({"stream": "yes"}, "parameter_invalid"),
        ({"selections": [{"kind": "item", "id": "ksic_1"}]}, "parameter_invalid"),
        ({"input": [{"type": "message", "role": "user", "content": "{{sel:0}}"}]}, "parameter_invalid"),
        ({"text": "json"}, "parameter_invalid"),
        ({"text": {"format": {"type": "json_schema", "name": "a"}}}, "parameter_not_provided"),
        ({"text": {"format": {"type": "json_schema", "name": "a", "schema": 1}}}, "parameter_invalid"),
        ({"text": {"format": {"type": "json_schema", "name": "a", "schema": {"$ref": "#/x"}}}}, "parameter_invalid"),
        ({"text": {"format": {"type": "xml"}}}, "parameter_invalid"),
    ],
)
async def test_invalid_fields_are_rejected(
    call: SendRequest, make_store: MakeStore, fields: dict[str, Any], code: str
) -> None:
    make_store()
    status, error = await call("POST", "/responses", json=request_body() | fields)
    assert (status, error["code"]) == (400, code)


async def test_an_unknown_store_is_not_found(call: SendRequest, make_store: MakeStore) -> None:
    assert (await call("POST", "/responses", json=request_body()))[0] == 404
    make_store()
    body = request_body("See {{sel:0}}", selections=[{"kind": "item", "id": "ksi_1"}], instructions="Be brief")
    assert (await call("POST", "/responses", json=body))[0] == 200


@pytest.mark.parametrize("damage", get_args(Damage))
async def test_streamed_and_other_responses_can_be_damaged(
    emulator: Emulator, call: SendRequest, session: aiohttp.ClientSession, make_store: MakeStore, damage: Any
) -> None:
    make_store()
    schema = {"type": "object", "properties": {"title": {"type": "string"}}}
    body = request_body(text={"format": {"type": "json_schema", "name": "it", "schema": schema}})
    _, intact = await call("POST", "/responses", json=body)
    expected = damage_text(intact["output"][0]["content"][0]["text"], damage)
    emulator.faults.add("POST /responses", damage=damage, times=2)
    _, complete = await call("POST", "/responses", json=body)
    assert complete["output"][0]["content"][0]["text"] == expected
    async with session.post("responses", json={**body, "stream": True}) as response:
        streamed = parse_events(await response.text())
    last_by_type = {event["type"]: event for event in streamed}
    assert "".join(event["delta"] for event in streamed if event["type"] == "response.output_text.delta") == expected
    assert last_by_type["response.output_text.done"]["text"] == expected
    assert last_by_type["response.completed"]["response"]["output"][0]["content"][0]["text"] == expected
    emulator.faults.assert_all_hit()


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": "((((a{999}){999}){999}){999})"},
        {"type": "string", "pattern": "(" * 5000 + ")" * 5000},
        {"type": "string", "minLength": 10**12},
        {"type": "array", "minItems": 10**12},
        {"type": "array", "minItems": 100, "items": {"$ref": "#"}},
        {"$ref": "#"},
        {"type": "object", "properties": {str(n): {"$ref": "#"} for n in range(100)}},
    ],
    ids=lambda schema: str(schema)[:40],
)
async def test_a_schema_for_an_enormous_document_causes_no_server_error(
    call: SendRequest, make_store: MakeStore, schema: dict[str, Any]
) -> None:
    make_store()
    body = request_body(text={"format": {"type": "json_schema", "name": "it", "schema": schema}})
    status, response = await call("POST", "/responses", json=body)
    assert status in {200, 400}
    assert status == 200 or response["code"] == "parameter_invalid"
