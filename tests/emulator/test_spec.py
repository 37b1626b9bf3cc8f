"""Every answer is what the platform's own description of its API says it is.

The description is not part of this project, so this runs only where a copy lies beside it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator, samples
from twelvelabs_async.emulator.handlers import OPERATIONS

PATH = Path(__file__).parents[2] / "../shared/api/openapi-1.3.json"
pytestmark = pytest.mark.skipif(not PATH.exists(), reason="no description of the API beside the project")

Call = Callable[..., Awaitable[tuple[int, Any]]]
Make = Callable[..., Awaitable[str]]
Form = Callable[..., aiohttp.FormData]

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
# POST /tasks is described with 200, and real answers were seen with 201.
OTHER_STATUSES = {("POST /tasks", 201): 200}
# Fields that may be null although they are not described so, because prose says it.
NULLABLE = {"expires_at", "uploaded_at"}


def is_of(value: Any, types: tuple[type, ...]) -> bool:
    """Say whether a value is of a type, with booleans apart from numbers."""
    return isinstance(value, types) and (bool in types or not isinstance(value, bool))


class Description:
    """Just enough of JSON Schema to compare answers with, and stricter in one way: no field may be unheard of."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def resolve(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            found: Any = self.document
            for step in schema["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            schema = found
        return schema

    def answer(self, operation: str, status: int) -> dict[str, Any] | None:
        method, path = operation.split()
        responses = self.document["paths"][path][method.lower()]["responses"]
        content = responses[str(OTHER_STATUSES.get((operation, status), status))].get("content")
        return next(iter(content.values()))["schema"] if content else None

    def faults(self, value: Any, schema: dict[str, Any], where: str) -> Iterator[str]:
        schema = self.resolve(schema)
        for part in schema.get("allOf", []):
            yield from self.faults(value, part, where)
        choices = schema.get("oneOf", schema.get("anyOf"))
        if choices and all(list(self.faults(value, choice, where)) for choice in choices):
            yield f"{where}: {value!r} fits no choice"
        if "enum" in schema and value not in schema["enum"]:
            yield f"{where}: {value!r} is not in {schema['enum']}"
        kind: str = schema.get("type", "object" if "properties" in schema else "")
        if kind and not is_of(value, TYPES[kind]):
            yield f"{where}: {value!r} is no {kind}"
        elif kind == "array":
            yield from self.in_list(value, schema, where)
        elif kind == "object":
            yield from self.in_object(value, schema, where)

    def in_list(self, value: list[Any], schema: dict[str, Any], where: str) -> Iterator[str]:
        for item in value:
            yield from self.faults(item, schema.get("items", {}), where + "[]")

    def in_object(self, value: dict[str, Any], schema: dict[str, Any], where: str) -> Iterator[str]:
        fields = schema.get("properties")
        yield from (f"{where}.{name} is missing" for name in schema.get("required", []) if name not in value)
        for name, entry in value.items():
            if entry is None and name in NULLABLE:
                continue
            if fields and name in fields:
                yield from self.faults(entry, fields[name], f"{where}.{name}")
            elif "additionalProperties" in schema:
                yield from self.faults(entry, schema["additionalProperties"], f"{where}.{name}")
            elif fields:
                yield f"{where}.{name} is unheard of"


@pytest.fixture(scope="module")
def description() -> Description:
    return Description(json.loads(PATH.read_text()))


@pytest.fixture
async def call(call: Call, emulator: Emulator, description: Description) -> AsyncIterator[Call]:
    """Compare every answer, whoever asked."""
    found: list[str] = []

    async def compare(method: str, path: str, **options: Any) -> tuple[int, Any]:
        status, content = await call(method, path, **options)
        operation = emulator.requests[-1].route
        schema = description.answer(operation, status)
        if schema is None:
            assert content is None
        else:
            found.extend(description.faults(content, schema, f"{operation} {status}: "))
        return status, content

    yield compare
    assert not found


async def test_every_operation_exists(description: Description) -> None:
    described = {
        f"{method.upper()} {path}"
        for path, methods in description.document["paths"].items()
        for method in methods
        if path.startswith(("/indexes", "/assets", "/search", "/tasks")) and not path.endswith("/entities")
    }
    assert {operation.name for operation in OPERATIONS} == described


async def test_assets_are_as_described(
    call: Call, form: Form, make_asset: Make, advance: Callable[[float], None]
) -> None:
    metadata = {"a": 1, "b": ["c"], "d": True, "e": 0.5, "f": "g"}
    film = await make_asset("film.mp4", user_metadata=metadata)
    for name, content in (("a.wav", samples.audio()), ("a.png", samples.image()), ("a.md", b"x"), ("b.mp4", b"x")):
        await make_asset(name, content)
    await call("POST", "/assets", data=form(method="url", url="https://example.com/a.mp4"))
    for seconds in (0, 10):
        advance(seconds)
        await call("GET", "/assets")
        await call("GET", f"/assets/{film}")
        await call("GET", f"/assets/{film}/transcription?include=words&include=sentences&include=utterances")
    await call("GET", f"/assets/{film}/indexed-assets")
    for method in ("PUT", "PATCH", "DELETE"):
        await call(method, f"/assets/{film}/user-metadata", json={"user_metadata": {"a": 2}})
    await call("DELETE", f"/assets/{film}")
    await call("GET", f"/assets/{film}")
    await call("POST", "/assets", data=form(method="url"))


async def test_uploads_are_as_described(call: Call) -> None:
    uploads, content = "/assets/multipart-uploads", samples.video(size=2500)
    _, created = await call("POST", uploads, json={"filename": "a.mp4", "type": "video", "total_size": 2500})
    path = f"{uploads}/{created['upload_id']}"
    await call("GET", uploads)
    await call("POST", path + "/presigned-urls", json={"start": 1, "count": 2})
    for entry in created["upload_urls"]:
        index = entry["chunk_index"]
        part = content[(index - 1) * 1000 : index * 1000]
        headers = created["upload_headers"]
        async with aiohttp.ClientSession() as plain, plain.put(entry["url"], data=part, headers=headers) as response:
            proof = response.headers["ETag"]
        report = {"chunk_index": index, "proof": proof, "proof_type": "etag", "chunk_size": len(part)}
        await call("POST", path, json={"completed_chunks": [report | {"chunk_size": len(part) - (index == 2)}]})
        await call("GET", path)
    await call("GET", f"{uploads}/{'0' * 24}")


async def test_indexes_and_videos_are_as_described(
    call: Call, form: Form, make_index: Make, make_video: Make, advance: Callable[[float], None]
) -> None:
    index = await make_index(addons=["thumbnail"])
    video = await make_video(index, enable_video_stream=True, user_metadata={"a": 1, "b": [], "c": ["d"]})
    for kind in ("indexed-assets", "videos"):
        path = f"/indexes/{index}/{kind}"
        await call("GET", path)
        await call("PATCH", f"{path}/{video}", json={"user_metadata": {"a": 1}})
        await call("GET", f"{path}/{video}?embedding_option=visual&transcription=true")
    data = form("film.mp4", index_id=index, video_file=samples.video())
    _, task = await call("POST", "/tasks", data=data)
    for seconds in (0, 30, 30):
        advance(seconds)
        await call("GET", "/tasks")
        await call("GET", f"/tasks/{task['_id']}")
        await call("GET", f"/indexes/{index}/indexed-assets/{task['video_id']}")
    await call("GET", "/indexes")
    await call("GET", f"/indexes/{index}")
    await call("PUT", f"/indexes/{index}", json={"index_name": "other"})
    await call("POST", f"/indexes/{index}/indexed-assets", json={})
    for path in (f"/tasks/{task['_id']}", f"/indexes/{index}/videos/{video}", f"/indexes/{index}"):
        await call("DELETE", path)


async def test_searches_are_as_described(call: Call, form: Form, make_index: Make, make_video: Make) -> None:
    index = await make_index(addons=["thumbnail"])
    for number in range(3):
        await make_video(index, f"car {number}.mp4", samples.video(60), user_metadata={"number": number})
    options = ["visual", "transcription"]
    for group in ("clip", "video"):
        fields = {"index_id": index, "search_options": options, "query_text": "car", "include_user_metadata": True}
        _, found = await call("POST", "/search", data=form(**fields, group_by=group, page_limit=1))
        await call("GET", f"/search/{found['page_info']['next_page_token']}")
    await call("GET", "/search/nonsense")
    await call("POST", "/search", data=form(index_id=index))
