"""API keys of several organizations; each organization has its own objects."""

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
CallWithKey = Callable[[str], Awaitable[SendRequest]]
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
    call: SendRequest, call_with_key: CallWithKey, make_index: CreateResource, make_video: CreateResource, form: Form
) -> None:
    index = await make_index("films")
    video = await make_video(index)
    second = await call_with_key("second")
    for path in (f"/indexes/{index}", f"/indexes/{index}/indexed-assets/{video}", f"/indexes/{index}/indexed-assets"):
        assert (await call("GET", path))[0] == 200
        status, error = await second("GET", path)
        assert (status, error["code"]) == (403, "read_not_allowed")
    for path in ("/indexes", "/assets", "/tasks", UPLOADS, "/entity-collections"):
        assert (await second("GET", path))[1]["data"] == []
    query = form(index_id=index, query_text="film", search_options=["visual"])
    assert (await second("POST", "/search", data=query))[0] == 403
    assert (await second("DELETE", f"/indexes/{index}"))[0] == 403
    assert (await second("GET", f"/indexes/{'0' * 24}"))[0] == 404
    assert (await call("GET", f"/indexes/{index}"))[1]["video_count"] == 1


async def test_the_keys_of_an_organization_share_its_objects(
    call_with_key: CallWithKey, call: SendRequest, form: Form
) -> None:
    second, third = await call_with_key("second"), await call_with_key("third")
    _, created = await second("POST", "/indexes", json={"index_name": "films", "models": MODELS})
    asset = await upload(second, form, "theirs.mp4")
    assert (await third("GET", f"/indexes/{created['_id']}"))[1]["index_name"] == "films"
    assert (await third("GET", f"/assets/{asset}"))[1]["filename"] == "theirs.mp4"
    status, created_by_default = await call("POST", "/indexes", json={"index_name": "films", "models": MODELS})
    assert status == 201, "index names are unique within an organization only"
    assert created_by_default["_id"] != created["_id"]


async def test_the_keys_of_an_organization_share_its_limits_only(
    emulator: Emulator, call_with_key: CallWithKey, call: SendRequest
) -> None:
    emulator.plan = Plan(default=Window(2))
    second, third = await call_with_key("second"), await call_with_key("third")
    assert [(await send("GET", "/indexes"))[0] for send in (second, third, second, call)] == [200, 200, 429, 200]


async def test_the_storage_accepts_parts_of_every_organization(
    call_with_key: CallWithKey, put: PutChunk, film: bytes, advance: Callable[[float], None]
) -> None:
    """The storage needs no API key, because a presigned URL contains a signature."""
    second = await call_with_key("second")
    _, session = await second("POST", UPLOADS, json={"filename": "f.mp4", "type": "video", "total_size": 2500})
    report: list[dict[str, Any]] = []
    for upload_url in session["upload_urls"]:
        number = upload_url["chunk_index"]
        content = film[(number - 1) * 1000 : number * 1000]
        status, _, proof = await put(upload_url["url"], content, session["upload_headers"])
        assert status == 200
        report.append({"chunk_index": number, "proof": proof, "proof_type": "etag", "chunk_size": len(content)})
    assert (await second("POST", f"{UPLOADS}/{session['upload_id']}", json={"completed_chunks": report}))[0] == 200
    advance(10)
    assert (await second("GET", f"/assets/{session['asset_id']}"))[1]["status"] == "ready"


async def test_every_organization_survives_a_restart(
    emulator: Emulator,
    call_with_key: CallWithKey,
    call: SendRequest,
    restart: Callable[[], Awaitable[SendRequest]],
    form: Form,
    make_index: CreateResource,
) -> None:
    second = await call_with_key("second")
    asset = await upload(second, form, "theirs.mp4")
    await make_index("mine")
    call = await restart()
    second = await call_with_key("second")
    assert (await second("GET", f"/assets/{asset}"))[1]["filename"] == "theirs.mp4"
    asset_ids = {await upload(second, form, "more.mp4"), await upload(call, form, "more.mp4"), asset}
    assert len(asset_ids) == 3, "organizations share one sequence of ids"
    async with aiohttp.request("GET", f"{emulator.storage_url}/files/{asset}") as response:
        assert await response.read() == samples.video(20)


async def test_a_reset_clears_every_organization(emulator: Emulator, call_with_key: CallWithKey, form: Form) -> None:
    second = await call_with_key("second")
    await upload(second, form, "theirs.mp4")
    emulator.reset()
    assert (await second("GET", "/assets"))[1]["data"] == []


async def test_a_description_applies_to_every_organization(
    emulator: Emulator, call_with_key: CallWithKey, form: Form
) -> None:
    second = await call_with_key("second")
    asset = await upload(second, form, "theirs.mp4")
    emulator.describe("theirs.mp4", [(0, 5, "a red car")])
    assert [scene.text for scene in emulator.state.other_organizations["other"].assets[asset].media.scenes] == [
        "a red car"
    ]


async def test_the_dashboard_and_the_state_name_the_organization(
    emulator: Emulator,
    call_with_key: CallWithKey,
    call: SendRequest,
    form: Form,
    make_index: CreateResource,
    advance: Callable[[float], None],
) -> None:
    second = await call_with_key("second")
    asset = await upload(second, form, "theirs.mp4")
    await second("POST", "/indexes", json={"index_name": "films", "models": MODELS})
    advance(1)
    await upload(call, form, "ours.mp4")
    await make_index("films")
    async with aiohttp.request("GET", f"{emulator.dashboard_url}overview") as response:
        overview = await response.json()
    assert [entry["name"] for entry in overview["assets"]] == ["ours.mp4", "other: theirs.mp4"]
    assert [entry["name"] for entry in overview["indexes"]] == ["films", "other: films"]
    assert (overview["counts"]["assets"], overview["counts"]["indexes"]) == (2, 2)
    assert "other: theirs.mp4" in {entry["name"] for entry in overview["work"]}
    async with aiohttp.request("GET", f"{emulator.dashboard_url}state") as response:
        state = await response.json()
    assert [entry["filename"] for entry in state["assets"]] == ["ours.mp4"]
    assert [entry["_id"] for entry in state["organisations"]["other"]["assets"]] == [asset]


async def test_a_connection_belongs_to_one_organization(
    emulator: Emulator, call_with_key: CallWithKey, call: SendRequest
) -> None:
    connection = emulator.connect(organization="other")
    second = await call_with_key("second")
    path = f"/connections/{connection.id}"
    assert [(await send("GET", path))[0] for send in (second, call)] == [200, 404]


async def test_processing_errors_apply_to_every_organization(
    emulator: Emulator, call_with_key: CallWithKey, form: Form, advance: Callable[[float], None]
) -> None:
    emulator.faults.add("POST /assets", processing_error="it is torn")
    second = await call_with_key("second")
    asset = await upload(second, form, "theirs.mp4")
    advance(10)
    assert (await second("GET", f"/assets/{asset}"))[1]["status"] == "failed"


async def test_webhooks_belong_to_one_organization(
    emulator: Emulator,
    call_with_key: CallWithKey,
    call: SendRequest,
    form: Form,
    advance: Callable[[float], None],
    wait_until: Callable[[Callable[[], bool]], Awaitable[None]],
) -> None:
    unreachable = "http://127.0.0.1:9/"
    own_webhook = emulator.webhooks.add(unreachable, secret="s")
    other_webhook = emulator.webhooks.add(unreachable, secret="s", organization="other")
    created = dict[str, str]()
    for name, send in (("ours", call), ("theirs", await call_with_key("second"))):
        asset = await upload(send, form, f"{name}.mp4")
        advance(10)
        body = {"video": {"type": "asset_id", "asset_id": asset}, "prompt": "What?", "model_name": "pegasus1.5"}
        status, task = await send("POST", "/analyze/tasks", json=body)
        assert status == 202, task
        created[name] = task["task_id"]
    advance(20)
    await wait_until(lambda: len(emulator.webhooks.deliveries) == 2)
    delivered = {(delivery.endpoint, delivery.event.task_id) for delivery in emulator.webhooks.deliveries}
    assert delivered == {(own_webhook, created["ours"]), (other_webhook, created["theirs"])}
    assert len((await call("GET", f"/analyze/tasks/{created['ours']}"))[1]["webhooks"]) == 1
