"""Answers configured by a test, and answers to prompts with a JSON template."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator, ThreadedEmulator, samples
from twelvelabs_async.emulator._generation.analysis import schema_of_prompt
from twelvelabs_async.emulator._generation.structured import Sampler

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]
MakeSource = Callable[..., Awaitable[dict[str, str]]]
Advance = Callable[[float], None]

URL = {"type": "url", "url": "https://example.com/film.mp4"}


async def analyze(call: SendRequest, prompt: str, **fields: Any) -> str:
    status, response = await call("POST", "/analyze", json={"video": URL, "prompt": prompt, "stream": False, **fields})
    assert status == 200, response
    return str(response["data"])


@pytest.mark.parametrize(
    ("answer", "text"), [("Two cars.", "Two cars."), ({"ok": True}, '{"ok": true}'), ([1, "é"], '[1, "é"]')]
)
async def test_an_analysis_returns_the_configured_answer(
    emulator: Emulator, call: SendRequest, answer: Any, text: str
) -> None:
    emulator.answer("POST /analyze", answer)
    assert await analyze(call, "How many?") == text


async def test_an_answer_may_be_a_function_of_the_request(emulator: Emulator, call: SendRequest) -> None:
    emulator.answer("POST /analyze", lambda body: {"asked": body["prompt"]})
    assert json.loads(await analyze(call, "How many?")) == {"asked": "How many?"}


async def test_an_answer_applies_to_matching_prompts(emulator: Emulator, call: SendRequest) -> None:
    emulator.answer("POST /analyze", "blue", prompt=r"colou?r")
    emulator.answer("POST /analyze", "anything")
    assert await analyze(call, "Which COLOR is it?") == "blue", "an answer with a prompt has priority"
    assert await analyze(call, "How many?") == "anything"
    emulator.answer("POST /analyze", "red", prompt="colou?r")
    assert await analyze(call, "Which colour is it?") == "red", "the newest answer has priority"
    emulator.reset()
    assert "Which colour is it" in await analyze(call, "Which colour is it?")


async def test_a_configured_answer_is_truncated_at_max_tokens(emulator: Emulator, call: SendRequest) -> None:
    emulator.answer("POST /analyze", "word " * 600)
    _, response = await call(
        "POST", "/analyze", json={"video": URL, "prompt": "Tell!", "stream": False, "max_tokens": 512}
    )
    assert (response["data"].count("word"), response["finish_reason"]) == (512, "length")


async def test_tasks_and_batches_have_separate_answers(
    emulator: Emulator, call: SendRequest, make_source: MakeSource, advance: Advance
) -> None:
    emulator.answer("POST /analyze/tasks", "a task")
    emulator.answer("POST /analyze/batches", {"batch": 1}, prompt="How")
    source = await make_source()
    _, task = await call("POST", "/analyze/tasks", json={"video": source, "prompt": "How many?"})
    emulator.answer("POST /analyze/tasks", "too late")
    _, batch = await call(
        "POST",
        "/analyze/batches",
        json={
            "model_name": "pegasus1.5",
            "analysis_mode": "general",
            "requests": [{"video": source, "prompt": {"input_text": "How many?"}}],
        },
    )
    advance(200)
    assert (await call("GET", f"/analyze/tasks/{task['task_id']}"))[1]["result"]["data"] == "a task"
    (item,) = emulator.state.analyses.batches[batch["batch_id"]].items
    _, response = await call("GET", f"/analyze/tasks/{item.id}")
    assert response["result"]["data"] == '{"batch": 1}'


async def test_a_response_contains_the_configured_answer(emulator: Emulator, call: SendRequest) -> None:
    _, store = await call("POST", "/knowledge-stores", json={"name": "films"})
    body = {"knowledge_store_id": store["_id"], "input": [{"type": "message", "role": "user", "content": "Why?"}]}
    emulator.answer("*", "Because.", prompt="why")
    _, response = await call("POST", "/responses", json=body)
    assert response["output"][-1]["content"][0]["text"] == "Because."
    body["input"][0]["content"] = 'Reply with {"reason": "string"}.'
    _, response = await call("POST", "/responses", json=body)
    assert json.loads(response["output"][-1]["content"][0]["text"]).keys() == {"reason"}


async def test_marks_in_a_configured_answer_become_citations(
    emulator: Emulator, advance: Callable[[float], None]
) -> None:
    async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url) as client:
        store = await client.knowledge_stores.create(name="films")
        video = emulator.add_video("films", "car.mp4", [(0, 20, "a red car")])
        item = await client.knowledge_store_items.create(store.id, asset_id=video.asset.id)
        advance(3600)
        citation = f'<vref id="{item.id.removeprefix("ksi_")}" start="00:01" end="00:05"></vref>'
        emulator.answer("POST /responses", f'A car {citation}, a road [1], nothing <tref id="x"></tref>.')
        response = await client.responses.create(knowledge_store_id=store.id, input="What is there?")
    first, second, *other_citations = response.citations()
    assert (first.item_id, first.start, first.end) == (item.id, 1, 5)
    assert (second.item_id, second.start) == (item.id, 0)
    assert second.annotation is not None
    assert second.annotation.title == "car.mp4"
    assert [citation.annotation for citation in other_citations] == [None]
    assert response.plain_text == "A car, a road, nothing."


async def test_answers_can_be_configured_over_http(
    emulator: Emulator, call: SendRequest, session: aiohttp.ClientSession
) -> None:
    url = emulator.base_url.removesuffix("/v1.3") + "/_emulator/answers"
    for body in (
        {"operation": "POST /analyze", "text": "Two."},
        {"operation": "POST /analyze", "json": {"count": 2}, "prompt": "json"},
    ):
        async with session.post(url, json=body) as response:
            assert response.status == 204
    assert await analyze(call, "How many?") == "Two."
    assert await analyze(call, "How many, as JSON?") == '{"count": 2}'
    async with session.get(url) as response:
        assert await response.json() == [
            {"operation": "POST /analyze", "answer": "Two.", "prompt": None},
            {"operation": "POST /analyze", "answer": {"count": 2}, "prompt": "json"},
        ]
    async with session.delete(url) as response:
        assert response.status == 204
    assert await analyze(call, "How many?") != "Two."


@pytest.mark.parametrize(
    "body",
    [
        {"operation": "POST /analyze"},
        {"operation": "POST /analyze", "text": "a", "json": 1},
        {"operation": "GET /indexes", "text": "a"},
        {"operation": "POST /analyze", "json": 1},
        {"operation": "POST /analyze", "text": "a", "prompt": "("},
        {"text": "a"},
    ],
)
async def test_an_invalid_answer_is_rejected(
    emulator: Emulator, session: aiohttp.ClientSession, body: dict[str, Any]
) -> None:
    url = emulator.base_url.removesuffix("/v1.3") + "/_emulator/answers"
    async with session.post(url, json=body) as response:
        assert response.status == 400
        assert (await response.json())["error"]
    assert emulator.service.answers.to_json() == []


def test_configuring_an_invalid_answer_raises_an_error() -> None:
    emulator = ThreadedEmulator()
    with pytest.raises(TypeError, match="got int"):
        emulator.answer("POST /analyze", 5)  # type: ignore[arg-type]  # the type that is rejected
    with pytest.raises(TypeError, match="not JSON serializable"):
        emulator.answer("POST /analyze", {"a": samples})
    with pytest.raises(ValueError, match="POST /responses"):
        emulator.answer("POST /search", "a")


def fill_template(prompt: str) -> Any:
    schema = schema_of_prompt(prompt)
    return None if schema is None else Sampler(schema, "text", [(0.0, 2.0), (2.0, 5.0)], 7).sample()


async def test_a_template_in_a_prompt_is_filled(call: SendRequest, make_source: MakeSource) -> None:
    source = await make_source(seconds=5)
    prompt = 'Respond with ONLY valid JSON: {"ok": true/false, "scenes": [{"start": 0.0, "end": 0.0}, ...]}'
    result = json.loads(await analyze(call, prompt, video=source))
    assert isinstance(result["ok"], bool)
    assert [(scene["start"], scene["end"]) for scene in result["scenes"]] == [(0, 5)]


@pytest.mark.parametrize(
    ("template", "types"),
    [
        ('{"ok": true}', {"ok": bool}),
        ('{"ok": <boolean>}', {"ok": bool}),
        ('{"title": "string", "count": 3, "share": 0.5}', {"title": str, "count": int, "share": float}),
        ("JSON: { title: string, tags: string[], size: number }", {"title": str, "tags": list, "size": float}),
        ('{"score": <0-10>, // note\n "reason": "<one sentence, or two>",}', {"score": int, "reason": str}),
        ("{'score': 1-10, 'why': '...'}", {"score": int, "why": str}),
        ('{{"double": "braces"}}', {"double": str}),
        ('{"nothing": null, "list": ["a", "b"], "deep": {"er": {"still": 1}}}', {"list": list, "deep": dict}),
        ('{"type": "object", "properties": {"count": {"type": "integer"}}}', {"count": int}),
        ('Not {this}, but\n```json\n{\n  "answer": "<text>"\n}\n```', {"answer": str}),
    ],
)
def test_templates_in_many_formats_are_filled(template: str, types: dict[str, type]) -> None:
    filled = fill_template(f"Return this: {template} Thanks.")
    for name, value_type in types.items():
        assert isinstance(filled[name], value_type), filled


@pytest.mark.parametrize(
    ("template", "choices"),
    [
        ('{"a": "low|medium|high"}', {"low", "medium", "high"}),
        ('{"a": "low" | "high"}', {"low", "high"}),
        ('{"a": "yes/no"}', {"yes", "no"}),
        ('{"a": "pass or fail"}', {"pass", "fail"}),
        ('{"a": "YYYY-MM-DD"}', {"2026-01-01"}),
        ('{"a": 0-1}', {0, 1}),
        ('{"end": "MM:SS"}', {"00:02"}),
        ('{"end": "00:01:30"}', {"00:00:02"}),
    ],
)
def test_a_value_of_a_template_is_one_of_its_alternatives(template: str, choices: set[Any]) -> None:
    (value,) = fill_template(f"JSON: {template}").values()
    assert value in choices


@pytest.mark.parametrize(
    "prompt",
    ["Describe {name} in [brackets].", "a { color: red } style", "{", '{"open": ', "[1, 2]", "{}", "[[[[", '{"a" 1}'],
)
def test_a_prompt_without_a_template_is_not_filled(prompt: str) -> None:
    assert schema_of_prompt(prompt) is None


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"type": "array", "minItems": 10**9}}},
        {"properties": {"a": {"$ref": "#/$defs/none"}}},
        {"properties": {"a": {"enum": []}}},
        {"properties": {"a": 5}},
    ],
)
def test_an_invalid_schema_in_a_prompt_is_not_filled(schema: dict[str, Any]) -> None:
    assert schema_of_prompt(f"Use this schema: {json.dumps(schema)}") is None


@pytest.mark.parametrize(
    ("prompt", "shape"),
    [
        ("List the objects. Answer in JSON.", {"answer": str}),
        ("Respond only with valid JSON.", {"answer": str}),
        ("Give me a JSON object with keys title and summary", {"title": str, "summary": str}),
        ("Output JSON with fields: name, end, and score", {"name": str, "end": float, "score": float}),
        ("Return as JSON with a `title` and a `start_time`.", {"title": str, "start_time": float}),
        ("Return a JSON array of chapters with start and end", {"start": float, "end": float}),
    ],
)
def test_a_prompt_that_describes_json_in_words_is_filled(prompt: str, shape: Any) -> None:
    value = fill_template(prompt)
    fields: dict[str, Any] = value[0] if "array" in prompt else value
    assert {name: type(value) for name, value in fields.items()} == shape


@pytest.mark.parametrize("prompt", ["What is JSON?", "Who is Jason?", "Does the man write json files?"])
def test_a_prompt_that_only_mentions_json_has_no_schema(prompt: str) -> None:
    assert schema_of_prompt(prompt) is None


def test_an_array_in_a_prompt_is_filled() -> None:
    assert len(fill_template('Return [{"title": "string"}]')) == 2
    assert [*fill_template('Return [{"title": "string"}]')[0]] == ["title"]


@given(st.text(alphabet="{}[]\"':,|/<>- ajson.12\n", max_size=200))
def test_any_prompt_can_be_parsed(prompt: str) -> None:
    schema = schema_of_prompt(prompt)
    if schema is not None:
        json.dumps(Sampler(schema, "text", [(0.0, 5.0)], 7).sample())


@pytest.mark.parametrize(
    "part",
    ["{", "[", '{"a":', '{"a": "', "/*", '{"a": {}, ', "[1, ", " " * 9, '{"a": 1 ', "in json with a, b", "with in "],
)
def test_a_long_prompt_is_parsed(part: str) -> None:
    """Each prompt has 3,000 repetitions; the time limit of the test suite fails a slow parser."""
    schema_of_prompt(part * 3000)


@pytest.mark.parametrize(
    "text", ['{"a"' + " " * 300_000, '{"a" ?' + "\n" * 300_000, "[" * 300_000, '{"a":"' + "\\" * 300_000]
)
def test_a_hostile_prompt_is_parsed_in_linear_time(text: str) -> None:
    """A parser with quadratic time would exceed the time limit of the test suite."""
    assert schema_of_prompt(text) is None
