"""API keys of several organizations, each of which sees only its own objects."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator, Plan, Window, samples

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]
PutChunk = Callable[..., Awaitable[tuple[int, str, str]]]
Other = Callable[[str], Awaitable[SendRequest]]
Form = Callable[..., aiohttp.FormData]

UPLOADS = "/assets/multipart-uploads"
KEYS = {"second": "other", "third": "other"}
MODELS = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]


@pytest.fixture
async def emulator(serve: Callable[..., Awaitable[Emulator]], tmp_path: Path) -> Emulator:
    return await serve(chunk_size=1000, api_keys=KEYS, data_dir=tmp_path / "data")


async def upload(call: SendRequest, form: Form, filename: str) -> str:
    data = form(filename, method="direct", file=samples.video(20))
    status, body = await call("POST", "/assets", data=data)
    assert status == 201
    return str(body["_id"])


async def test_organizations_cannot_access_each_others_objects(
    call: SendRequest, other: Other, make_index: CreateResource, make_video: CreateResource, form: Form
) -> None:
    index = await make_index("films")
    video = await make_video(index)
    stranger = await other("second")
    for path in (f"/indexes/{index}", f"/indexes/{index}/indexed-assets/{video}", f"/indexes/{index}/indexed-assets"):
        assert (await call("GET", path))[0] == 200
        status, error = await stranger("GET", path)
        assert (status, error["code"]) == (403, "read_not_allowed")
    for path in ("/indexes", "/assets", "/tasks", UPLOADS, "/entity-collections"):
        assert (await stranger("GET", path))[1]["data"] == []
    query = form(index_id=index, query_text="film", search_options=["visual"])
    assert (await stranger("POST", "/search", data=query))[0] == 403
    assert (await stranger("DELETE", f"/indexes/{index}"))[0] == 403
    assert (await stranger("GET", f"/indexes/{'0' * 24}"))[0] == 404
    assert (await call("GET", f"/indexes/{index}"))[1]["video_count"] == 1


async def test_the_keys_of_an_organization_share_its_objects(other: Other, call: SendRequest, form: Form) -> None:
    second, third = await other("second"), await other("third")
    _, created = await second("POST", "/indexes", json={"index_name": "films", "models": MODELS})
    asset = await upload(second, form, "theirs.mp4")
    assert (await third("GET", f"/indexes/{created['_id']}"))[1]["index_name"] == "films"
    assert (await third("GET", f"/assets/{asset}"))[1]["filename"] == "theirs.mp4"
    status, mine = await call("POST", "/indexes", json={"index_name": "films", "models": MODELS})
    assert status == 201, "index names are unique within an organization only"
    assert mine["_id"] != created["_id"]


async def test_the_keys_of_an_organization_share_its_limits_only(
    emulator: Emulator, other: Other, call: SendRequest
) -> None:
    emulator.plan = Plan(default=Window(2))
    second, third = await other("second"), await other("third")
    assert [(await one("GET", "/indexes"))[0] for one in (second, third, second, call)] == [200, 200, 429, 200]


async def test_the_storage_accepts_parts_of_every_organization(
    other: Other, put: PutChunk, film: bytes, advance: Callable[[float], None]
) -> None:
    """The storage requires no key, because a presigned URL contains everything."""
    second = await other("second")
    _, session = await second("POST", UPLOADS, json={"filename": "f.mp4", "type": "video", "total_size": 2500})
    report: list[dict[str, Any]] = []
    for link in session["upload_urls"]:
        number = link["chunk_index"]
        content = film[(number - 1) * 1000 : number * 1000]
        status, _, proof = await put(link["url"], content, session["upload_headers"])
        assert status == 200
        report.append({"chunk_index": number, "proof": proof, "proof_type": "etag", "chunk_size": len(content)})
    assert (await second("POST", f"{UPLOADS}/{session['upload_id']}", json={"completed_chunks": report}))[0] == 200
    advance(10)
    assert (await second("GET", f"/assets/{session['asset_id']}"))[1]["status"] == "ready"


async def test_every_organization_survives_a_restart(
    emulator: Emulator,
    other: Other,
    call: SendRequest,
    restart: Callable[[], Awaitable[SendRequest]],
    form: Form,
    make_index: CreateResource,
) -> None:
    second = await other("second")
    asset = await upload(second, form, "theirs.mp4")
    await make_index("mine")
    call = await restart()
    second = await other("second")
    assert (await second("GET", f"/assets/{asset}"))[1]["filename"] == "theirs.mp4"
    fresh = {await upload(second, form, "more.mp4"), await upload(call, form, "more.mp4"), asset}
    assert len(fresh) == 3, "one count of ids goes on for all of them"
    async with aiohttp.request("GET", f"{emulator.storage_url}/files/{asset}") as response:
        assert await response.read() == samples.video(20)


async def test_a_reset_clears_every_organization(emulator: Emulator, other: Other, form: Form) -> None:
    second = await other("second")
    await upload(second, form, "theirs.mp4")
    emulator.reset()
    assert (await second("GET", "/assets"))[1]["data"] == []


async def test_a_description_applies_to_every_organization(emulator: Emulator, other: Other, form: Form) -> None:
    second = await other("second")
    asset = await upload(second, form, "theirs.mp4")
    emulator.describe("theirs.mp4", [(0, 5, "a red car")])
    assert [scene.text for scene in emulator.state.other_organizations["other"].assets[asset].media.scenes] == [
        "a red car"
    ]


async def test_the_dashboard_and_the_state_name_the_organization(
    emulator: Emulator,
    other: Other,
    call: SendRequest,
    form: Form,
    make_index: CreateResource,
    advance: Callable[[float], None],
) -> None:
    second = await other("second")
    asset = await upload(second, form, "theirs.mp4")
    await second("POST", "/indexes", json={"index_name": "films", "models": MODELS})
    advance(1)
    await upload(call, form, "ours.mp4")
    await make_index("films")
    async with aiohttp.request("GET", f"{emulator.dashboard_url}overview") as response:
        seen = await response.json()
    assert [one["name"] for one in seen["assets"]] == ["ours.mp4", "other: theirs.mp4"]
    assert [one["name"] for one in seen["indexes"]] == ["films", "other: films"]
    assert (seen["counts"]["assets"], seen["counts"]["indexes"]) == (2, 2)
    assert "other: theirs.mp4" in {one["name"] for one in seen["work"]}
    async with aiohttp.request("GET", f"{emulator.dashboard_url}state") as response:
        state = await response.json()
    assert [one["filename"] for one in state["assets"]] == ["ours.mp4"]
    assert [one["_id"] for one in state["organisations"]["other"]["assets"]] == [asset]


async def test_a_connection_belongs_to_one_organization(emulator: Emulator, other: Other, call: SendRequest) -> None:
    connection = emulator.connect(organization="other")
    second = await other("second")
    path = f"/connections/{connection.id}"
    assert [(await one("GET", path))[0] for one in (second, call)] == [200, 404]


async def test_processing_errors_apply_to_every_organization(
    emulator: Emulator, other: Other, form: Form, advance: Callable[[float], None]
) -> None:
    emulator.faults.add("POST /assets", processing_error="it is torn")
    second = await other("second")
    asset = await upload(second, form, "theirs.mp4")
    advance(10)
    assert (await second("GET", f"/assets/{asset}"))[1]["status"] == "failed"


async def test_webhooks_belong_to_one_organization(
    emulator: Emulator,
    other: Other,
    call: SendRequest,
    form: Form,
    advance: Callable[[float], None],
    until: Callable[[Callable[[], bool]], Awaitable[None]],
) -> None:
    unreachable = "http://127.0.0.1:9/"
    ours = emulator.webhooks.add(unreachable, secret="s")
    theirs = emulator.webhooks.add(unreachable, secret="s", organization="other")
    created = dict[str, str]()
    for name, send in (("ours", call), ("theirs", await other("second"))):
        asset = await upload(send, form, f"{name}.mp4")
        advance(10)
        ask = {"video": {"type": "asset_id", "asset_id": asset}, "prompt": "What?", "model_name": "pegasus1.5"}
        status, task = await send("POST", "/analyze/tasks", json=ask)
        assert status == 202, task
        created[name] = task["task_id"]
    advance(20)
    await until(lambda: len(emulator.webhooks.deliveries) == 2)
    reported = {(one.endpoint, one.event.task_id) for one in emulator.webhooks.deliveries}
    assert reported == {(ours, created["ours"]), (theirs, created["theirs"])}
    assert len((await call("GET", f"/analyze/tasks/{created['ours']}"))[1]["webhooks"]) == 1
