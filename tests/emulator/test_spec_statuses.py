"""Every error response of the OpenAPI description can be reproduced, in the described shape."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from description import SPEC_PATH, ApiSpec

from twelvelabs_async.emulator import Emulator

pytestmark = pytest.mark.skipif(not SPEC_PATH.exists(), reason="no description of the API beside the project")

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]

DESCRIPTION = ApiSpec(json.loads(SPEC_PATH.read_text()) if SPEC_PATH.exists() else {"paths": {}})
REFUSALS = [
    (f"{method.upper()} {path}", int(status))
    for path, methods in DESCRIPTION.document["paths"].items()
    for method, operation in methods.items()
    for status in operation["responses"]
    if status >= "400"
]
UUIDS = {"knowledge_store_id": "ks_", "item_id": "ksi_", "collection_id": "ksic_"}
"""Prefixes of ids that are not 24 hexadecimal digits."""
NEVER_400 = {"POST /analyze/tasks/{task_id}/cancel"}
"""Its id is the only input, and the other operations with this id accept any string."""


def filled(template: str, *, known_form: bool) -> str:
    """A path with ids of no object, in a valid or an invalid form."""

    def identifier(found: re.Match[str]) -> str:
        if not known_form:
            return "nonsense"
        prefix = UUIDS.get(found[1])
        return "0" * 24 if prefix is None else f"{prefix}019b76da-a801-7300-8d52-9078b9bcfa26"

    return re.sub(r"\{([\w-]+)\}", identifier, template)


def shown(operation: str, status: int, content: Any) -> list[str]:
    """Return the differences between an error response and its description."""
    schema = DESCRIPTION.response_schema(operation, status)
    return [] if schema is None else [*DESCRIPTION.violations(content, schema, f"{operation} {status}: ")]


@pytest.mark.parametrize(("operation", "status"), REFUSALS, ids=str)
async def test_an_injected_error_matches_the_description(
    operation: str, status: int, call: SendRequest, emulator: Emulator
) -> None:
    method, path = operation.split()
    emulator.faults.add(operation, status=status)
    found, content = await call(method, filled(path, known_form=True))
    assert (found, shown(operation, status, content)) == (status, [])


@pytest.mark.parametrize("operation", sorted({name for name, status in REFUSALS if status == 400} - NEVER_400))
async def test_an_invalid_request_gets_the_described_error(operation: str, call: SendRequest) -> None:
    method, path = operation.split()
    body: dict[str, Any] = {} if method == "GET" else {"data": "[", "headers": {"content-type": "application/json"}}
    found, content = await call(method, filled(path, known_form=False), params={"page": "0"}, **body)
    assert (found, shown(operation, 400, content)) == (400, [])


@pytest.mark.parametrize(
    "operation", [operation for operation, status in REFUSALS if status == 404 and "{" in operation]
)
async def test_an_unknown_id_gets_the_described_error(operation: str, call: SendRequest) -> None:
    method, path = operation.split()
    body: dict[str, Any] = {} if method in {"GET", "DELETE"} else {"json": {}}
    found, content = await call(method, filled(path, known_form=True), **body)
    assert (found, shown(operation, 404, content)) == (404, [])


async def test_a_wrong_key_gets_the_described_error(emulator: Emulator) -> None:
    operation = "POST /analyze/tasks/{task_id}/cancel"
    async with aiohttp.ClientSession(headers={"x-api-key": "wrong"}) as stranger:
        path = filled(operation.split()[1], known_form=True)
        async with stranger.post(emulator.base_url + path) as response:
            assert (response.status, shown(operation, 401, await response.json())) == (401, [])
