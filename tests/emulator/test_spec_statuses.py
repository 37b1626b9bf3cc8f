"""Every error response in the OpenAPI description can be reproduced, and matches its schema."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from description import SPEC_PATH, ApiSpec

from twelvelabs_async.emulator import Emulator

pytestmark = pytest.mark.skipif(not SPEC_PATH.exists(), reason="no copy of the OpenAPI description")

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]

DESCRIPTION = ApiSpec(json.loads(SPEC_PATH.read_text()) if SPEC_PATH.exists() else {"paths": {}})
ERROR_RESPONSES = [
    (f"{method.upper()} {path}", int(status))
    for path, methods in DESCRIPTION.document["paths"].items()
    for method, operation in methods.items()
    for status in operation["responses"]
    if status >= "400"
]
ID_PREFIXES = {"knowledge_store_id": "ks_", "item_id": "ksi_", "collection_id": "ksic_"}
"""Prefixes of ids that are not 24 hexadecimal digits."""
NEVER_400 = {"POST /analyze/tasks/{task_id}/cancel"}
"""The task id is the only input, and the other operations with this id accept any string."""


def path_with_unknown_ids(template: str, *, valid: bool) -> str:
    """Return the path with ids of missing objects, in the form of an id or not."""

    def identifier(match: re.Match[str]) -> str:
        if not valid:
            return "nonsense"
        prefix = ID_PREFIXES.get(match[1])
        return "0" * 24 if prefix is None else f"{prefix}019b76da-a801-7300-8d52-9078b9bcfa26"

    return re.sub(r"\{([\w-]+)\}", identifier, template)


def violations(operation: str, status: int, content: Any) -> list[str]:
    """Return the differences between an error response and its description."""
    schema = DESCRIPTION.response_schema(operation, status)
    return [] if schema is None else [*DESCRIPTION.violations(content, schema, f"{operation} {status}: ")]


@pytest.mark.parametrize(("operation", "status"), ERROR_RESPONSES, ids=str)
async def test_an_injected_error_matches_the_description(
    operation: str, status: int, call: SendRequest, emulator: Emulator
) -> None:
    method, path = operation.split()
    emulator.faults.add(operation, status=status)
    actual_status, content = await call(method, path_with_unknown_ids(path, valid=True))
    assert (actual_status, violations(operation, status, content)) == (status, [])


@pytest.mark.parametrize("operation", sorted({name for name, status in ERROR_RESPONSES if status == 400} - NEVER_400))
async def test_an_invalid_request_gets_the_described_error(operation: str, call: SendRequest) -> None:
    method, path = operation.split()
    body: dict[str, Any] = {} if method == "GET" else {"data": "[", "headers": {"content-type": "application/json"}}
    actual_status, content = await call(method, path_with_unknown_ids(path, valid=False), params={"page": "0"}, **body)
    assert (actual_status, violations(operation, 400, content)) == (400, [])


@pytest.mark.parametrize(
    "operation", [operation for operation, status in ERROR_RESPONSES if status == 404 and "{" in operation]
)
async def test_an_unknown_id_gets_the_described_error(operation: str, call: SendRequest) -> None:
    method, path = operation.split()
    body: dict[str, Any] = {} if method in {"GET", "DELETE"} else {"json": {}}
    actual_status, content = await call(method, path_with_unknown_ids(path, valid=True), **body)
    assert (actual_status, violations(operation, 404, content)) == (404, [])


async def test_a_wrong_key_gets_the_described_error(emulator: Emulator) -> None:
    operation = "POST /analyze/tasks/{task_id}/cancel"
    async with aiohttp.ClientSession(headers={"x-api-key": "wrong"}) as session:
        path = path_with_unknown_ids(operation.split()[1], valid=True)
        async with session.post(emulator.base_url + path) as response:
            assert (response.status, violations(operation, 401, await response.json())) == (401, [])
