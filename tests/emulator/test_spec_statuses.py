"""Every refusal that the description of the API names can be had from the emulator, in the shape it is described in."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from description import PATH, Description

from twelvelabs_async.emulator import Emulator

pytestmark = pytest.mark.skipif(not PATH.exists(), reason="no description of the API beside the project")

Call = Callable[..., Awaitable[tuple[int, Any]]]

DESCRIPTION = Description(json.loads(PATH.read_text()) if PATH.exists() else {"paths": {}})
REFUSALS = [
    (f"{method.upper()} {path}", int(status))
    for path, methods in DESCRIPTION.document["paths"].items()
    for method, operation in methods.items()
    for status in operation["responses"]
    if status >= "400"
]
UUIDS = {"knowledge_store_id": "ks_", "item_id": "ksi_", "collection_id": "ksic_"}
"""Ids that are not 24 hexadecimal digits, by what stands in front."""
NEVER_400 = {"POST /analyze/tasks/{task_id}/cancel"}
"""It has nothing that could be wrong but the id, and the other operations with that id call any text unknown."""


def filled(template: str, *, known_form: bool) -> str:
    """A path with ids of nothing, in the right form or in none."""

    def identifier(found: re.Match[str]) -> str:
        if not known_form:
            return "nonsense"
        prefix = UUIDS.get(found[1])
        return "0" * 24 if prefix is None else f"{prefix}019b76da-a801-7300-8d52-9078b9bcfa26"

    return re.sub(r"\{([\w-]+)\}", identifier, template)


def shown(operation: str, status: int, content: Any) -> list[str]:
    """What is wrong with the shape of a refusal."""
    schema = DESCRIPTION.answer(operation, status)
    return [] if schema is None else [*DESCRIPTION.faults(content, schema, f"{operation} {status}: ")]


@pytest.mark.parametrize(("operation", "status"), REFUSALS, ids=str)
async def test_a_failure_that_is_asked_for_looks_as_it_is_described(
    operation: str, status: int, call: Call, emulator: Emulator
) -> None:
    method, path = operation.split()
    emulator.faults.add(operation, status=status)
    found, content = await call(method, filled(path, known_form=True))
    assert (found, shown(operation, status, content)) == (status, [])


@pytest.mark.parametrize("operation", sorted({name for name, status in REFUSALS if status == 400} - NEVER_400))
async def test_nonsense_is_refused_as_it_is_described(operation: str, call: Call) -> None:
    method, path = operation.split()
    body: dict[str, Any] = {} if method == "GET" else {"data": "[", "headers": {"content-type": "application/json"}}
    found, content = await call(method, filled(path, known_form=False), params={"page": "0"}, **body)
    assert (found, shown(operation, 400, content)) == (400, [])


@pytest.mark.parametrize(
    "operation", [operation for operation, status in REFUSALS if status == 404 and "{" in operation]
)
async def test_what_does_not_exist_is_not_found_as_it_is_described(operation: str, call: Call) -> None:
    method, path = operation.split()
    body: dict[str, Any] = {} if method in {"GET", "DELETE"} else {"json": {}}
    found, content = await call(method, filled(path, known_form=True), **body)
    assert (found, shown(operation, 404, content)) == (404, [])


async def test_a_wrong_key_is_refused_as_it_is_described(emulator: Emulator) -> None:
    operation = "POST /analyze/tasks/{task_id}/cancel"
    async with aiohttp.ClientSession(headers={"x-api-key": "wrong"}) as stranger:
        path = filled(operation.split()[1], known_form=True)
        async with stranger.post(emulator.base_url + path) as response:
            assert (response.status, shown(operation, 401, await response.json())) == (401, [])
