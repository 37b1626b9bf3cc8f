"""Captured responses of the live platform decode without losing a field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any, cast

import pytest
from support import KEY, RawServer, always_respond, raw_response

from twelvelabs_async import AsyncTwelveLabs, MalformedResponseError, Page, StructuredOutputError, to_dict
from twelvelabs_async._http.errors import error_class_for_status
from twelvelabs_async.errors import APIError

TESTS = Path(__file__).parents[1]
REDUCED_CAPTURES: dict[str, Any] = json.loads((TESTS / "data" / "captures.json").read_text("utf-8"))
CAPTURES: dict[str, Any] = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in sorted((TESTS.parents[1] / "shared" / "api" / "captures").glob("*.json"))
}

CHAPTERS = {"type": "object", "properties": {"chapters": {"type": "array"}}}
"""The schema that captures refer to by name."""

pytestmark = pytest.mark.filterwarnings("ignore:deprecated by Twelve Labs:DeprecationWarning")


async def replay(capture: dict[str, Any]) -> Any:
    """Call the method of a capture against a server that sends the captured response."""
    path, args, kwargs = capture["call"]
    if kwargs.get("schema") == "CHAPTERS":
        kwargs = {**kwargs, "schema": CHAPTERS}
    response = raw_response(capture["status"], json.dumps(capture["body"]), capture["headers"])
    async with (
        RawServer(always_respond(response)) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, max_retries=0) as client,
    ):
        return await attrgetter(path)(client)(*args, **kwargs)


def leaves(value: Any, path: str = "$") -> Iterator[tuple[str, Any]]:
    """Yield the paths and scalars of a JSON value; null counts as absent."""
    if isinstance(value, dict):
        for name, item in cast("dict[str, Any]", value).items():
            yield from leaves(item, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(cast("list[Any]", value)):
            yield from leaves(item, f"{path}[{index}]")
    elif value is not None:
        yield path, value


def to_json_types(result: Any) -> Any:
    """Return the content of a result as JSON types."""
    if isinstance(result, Page):
        page = cast("Page[object]", result)
        return {"data": to_dict(page.items), **page.extra}
    return to_dict(result)


def lost_leaves(body: Any, result: Any) -> list[str]:
    """Return the paths of a response that are missing in its result."""
    result_leaves = dict(leaves(to_json_types(result)))
    return [
        path
        for path, value in leaves(body)
        if path not in result_leaves
        or (result_leaves[path] != value and not path.rpartition(".")[2].endswith(("_at", "_until")))
    ]


async def check(name: str, capture: dict[str, Any]) -> None:
    status, body = capture["status"], capture["body"]
    if status >= 400:
        with pytest.raises(APIError) as caught:
            await replay(capture)
        assert isinstance(caught.value, error_class_for_status(status))
        assert (caught.value.code, caught.value.status_code) == (body["code"], status)
        assert body["message"] in str(caught.value)
    elif name.endswith("task-minimal"):
        with pytest.raises(MalformedResponseError, match="_id"):
            await replay(capture)
    elif name.endswith("structured-cut"):
        with pytest.raises(StructuredOutputError) as caught:
            await replay(capture)
        assert caught.value.text == body["data"]
    else:
        assert not lost_leaves(body, await replay(capture))


@pytest.mark.parametrize("name", REDUCED_CAPTURES)
async def test_a_reduced_capture_decodes_without_a_lost_field(name: str) -> None:
    await check(name, REDUCED_CAPTURES[name])


@pytest.mark.skipif(not CAPTURES, reason="the captures are not part of this repository")
@pytest.mark.parametrize("name", CAPTURES)
async def test_a_capture_decodes_without_a_lost_field(name: str) -> None:
    await check(name, CAPTURES[name])


def test_a_lost_field_is_detected() -> None:
    assert lost_leaves({"a": {"b": [1, 2]}, "c": None}, {"a": {"b": [1]}}) == ["$.a.b[1]"]
