"""Faults with the error responses of gateways and plans, and with damaged JSON from models."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, get_args

import aiohttp
import pytest

from twelvelabs_async.emulator import Damage, Emulator, ErrorFormat
from twelvelabs_async.emulator._errors import INJECTED_MESSAGE
from twelvelabs_async.emulator._streams import damage_text

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
PutChunk = Callable[..., Awaitable[tuple[int, str, str]]]
MakeSource = Callable[..., Awaitable[dict[str, str]]]

SCHEMA = {"type": "object", "properties": {"title": {"type": "string"}, "tags": {"type": "array"}}}
FORMAT = {"type": "json_schema", "json_schema": SCHEMA}
DOCUMENT = '{"chapters": [{"title": "a", "at": 1}, {"title": "b", "at": 2}]}'
HEAD, TAIL = DOCUMENT[:32], DOCUMENT[32:]


BODIES = {
    "text": ("text/plain", INJECTED_MESSAGE),
    "html": ("text/html", f"<title>{INJECTED_MESSAGE}</title>"),
    "detail": ("application/json", f'{{"detail": "{INJECTED_MESSAGE}"}}'),
    "errors": ("application/json", f'[{{"code": "injected_fault", "message": "{INJECTED_MESSAGE}"}}]'),
    "title": ("application/problem+json", f'"title": "{INJECTED_MESSAGE}"'),
    "error_description": ("application/json", f'"error_description": "{INJECTED_MESSAGE}"'),
    "invalid-utf8": ("application/json", f'"message": "{INJECTED_MESSAGE} \udcff"'),
    "truncated": ("application/json", f'"message": "{INJECTED_MESSAGE}", "docs_url'),
    "empty": ("application/json", ""),
}


@pytest.mark.parametrize("error_format", get_args(ErrorFormat))
@pytest.mark.parametrize("operation", ["GET /indexes", "*"])
async def test_an_error_response_can_have_the_format_of_a_gateway(
    emulator: Emulator,
    session: aiohttp.ClientSession,
    operation: str,
    error_format: Any,
) -> None:
    content_type, body = BODIES[error_format]
    emulator.faults.add(operation, status=418, error_format=error_format, headers={"Retry-After": "5"})
    async with session.get("indexes") as response:
        assert (response.status, response.content_type) == (418, content_type)
        assert response.headers["Retry-After"] == "5"
        content = await response.read()
    assert body in content.decode(errors="surrogateescape")
    assert bool(content) is bool(body)
    if error_format == "truncated":
        with pytest.raises(ValueError, match="Unterminated string"):
            json.loads(content)


@pytest.mark.parametrize(
    ("code", "status"),
    [("plan_limit_exceeded", 429), ("usage_limit_exceeded", 400), ("api_allowed_for_paid_plan", 403)],
)
async def test_a_fault_can_simulate_a_plan_limit(emulator: Emulator, call: SendRequest, code: Any, status: int) -> None:
    emulator.faults.add("*", plan_limit=code)
    actual_status, error = await call("GET", "/indexes")
    assert (actual_status, error["code"]) == (status, code)
    assert "resets at" not in error["message"]
    emulator.faults.add("POST /analyze/tasks", plan_limit=code)
    actual_status, error = await call("POST", "/analyze/tasks", json={})
    assert (actual_status, error["error"]["code"]) == (status, code)
    emulator.faults.assert_all_hit()


async def test_a_plan_limit_error_can_include_its_reset_time(emulator: Emulator, call: SendRequest) -> None:
    emulator.faults.add("POST /responses", plan_limit="plan_limit_exceeded", resets_after=3600)
    _, error = await call("POST", "/responses", json={})
    assert error["message"] == (
        "You have reached your free plan's daily Response limit (15/day). It resets at 2026-01-01T01:00:00Z."
    )


async def test_the_storage_can_return_429_with_retry_after(emulator: Emulator, upload: dict[str, Any]) -> None:
    emulator.faults.add("storage", status=429, headers={"Retry-After": "5"})
    async with (
        aiohttp.ClientSession() as session,
        session.put(upload["upload_urls"][0]["url"], data=bytes(1000)) as response,
    ):
        assert (response.status, response.headers["Retry-After"]) == (429, "5")
        assert (response.content_type, "TooManyRequests" in await response.text()) == ("application/xml", True)


@pytest.mark.parametrize(
    ("damage", "damaged"),
    [
        ("prose", f"Here is the result:\n{DOCUMENT}\nLet me know if you need more."),
        ("fence", f"```json\n{DOCUMENT}\n```\nDone."),
        ("twice", DOCUMENT * 2),
        ("extra-brace", DOCUMENT + "}"),
        ("escaped", HEAD + TAIL.replace('"', '\\"')),
        ("cut", HEAD),
        ("repeated-tail", DOCUMENT + TAIL),
    ],
)
def test_a_damaged_document_is_invalid_json(damage: Any, damaged: str) -> None:
    assert damage_text(DOCUMENT, damage) == damaged
    with pytest.raises(ValueError, match=r"Expecting|Extra data|Unterminated"):
        json.loads(damaged)


@pytest.mark.parametrize("damage", get_args(Damage))
async def test_streamed_and_other_analyses_can_be_damaged(
    emulator: Emulator, call: SendRequest, session: aiohttp.ClientSession, make_source: MakeSource, damage: Any
) -> None:
    body = {"video": await make_source(), "prompt": "What?", "response_format": FORMAT}
    _, intact = await call("POST", "/analyze", json={**body, "stream": False})
    emulator.faults.add("POST /analyze", damage=damage, times=2)
    _, damaged = await call("POST", "/analyze", json={**body, "stream": False})
    assert damaged["data"] == damage_text(intact["data"], damage)
    async with session.post("analyze", json=body) as response:
        lines = [json.loads(line) for line in (await response.text()).splitlines()]
    assert "".join(line["text"] for line in lines if line["event_type"] == "text_generation") == damaged["data"]
    assert (lines[0]["event_type"], lines[-1]["event_type"]) == ("stream_start", "stream_end")
    emulator.faults.assert_all_hit()
    assert (await call("POST", "/analyze", json={**body, "stream": False}))[1]["data"] == intact["data"]


async def test_the_result_of_a_task_can_be_damaged(
    emulator: Emulator, call: SendRequest, make_source: MakeSource, advance: Callable[[float], None]
) -> None:
    body = {"video": await make_source(), "prompt": "What?", "response_format": FORMAT}
    _, task = await call("POST", "/analyze/tasks", json=body)
    path = f"/analyze/tasks/{task['task_id']}"
    emulator.faults.add("GET /analyze/tasks/{task_id}", damage="twice")
    assert "result" not in (await call("GET", path))[1]
    with pytest.raises(AssertionError, match="0 of 1"):
        emulator.faults.assert_all_hit()
    advance(20)
    damaged = (await call("GET", path))[1]["result"]["data"]
    assert damaged == (await call("GET", path))[1]["result"]["data"] * 2
    emulator.faults.assert_all_hit()


async def test_a_repeated_idempotency_key_returns_a_conflict_or_the_existing_task(
    emulator: Emulator, call: SendRequest, make_source: MakeSource
) -> None:
    async def create(key: str) -> tuple[int, Any]:
        body = {"video": await make_source(), "prompt": "What?"}
        return await call("POST", "/analyze/tasks", json=body, headers={"Idempotency-Key": key})

    emulator.faults.add("POST /analyze/tasks", idempotency_conflict=True)
    status, first = await create("a")
    assert status == 202, "a new key is accepted"
    status, error = await create("a")
    assert (status, error["error"]["code"]) == (409, "idempotency_key_in_use")
    status, second = await create("a")
    assert (status, second["task_id"]) == (202, first["task_id"])
    emulator.faults.assert_all_hit()
    assert len(emulator.state.analyses.tasks) == 1


@pytest.mark.parametrize(
    ("operation", "options", "expected_text"),
    [
        ("*", {"status": 400, "error_format": "yaml"}, "error_format"),
        ("*", {"error_format": "text"}, "status="),
        ("*", {"plan_limit": "too_poor"}, "plan_limit"),
        ("*", {"damage": "all"}, "damage"),
        ("*", {"plan_limit": "plan_limit_exceeded", "resets_after": 1e300}, "resets_after"),
        ("*", {"plan_limit": "plan_limit_exceeded", "resets_after": -1}, "resets_after"),
        ("POST /search", {"idempotency_conflict": True}, "idempotency_conflict"),
    ],
)
def test_an_invalid_option_is_rejected(emulator: Emulator, operation: str, options: Any, expected_text: str) -> None:
    with pytest.raises(ValueError, match=expected_text):
        emulator.faults.add(operation, **options)
