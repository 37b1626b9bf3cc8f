"""Multipart uploads."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from twelvelabs_async.emulator import Emulator
from twelvelabs_async.emulator._spool import UploadSpool

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
Send = Callable[..., Awaitable[list[dict[str, Any]]]]

UPLOADS = "/assets/multipart-uploads"


async def test_a_file_is_uploaded_in_parts(
    call: SendRequest, upload: dict[str, Any], send: Send, advance: Callable[[float], None]
) -> None:
    assert (upload["chunk_size"], upload["total_chunks"]) == (1000, 3)
    path, asset = f"{UPLOADS}/{upload['upload_id']}", f"/assets/{upload['asset_id']}"
    _, first = await call("POST", path, json={"completed_chunks": await send(upload, 3, 1)})
    assert "url" not in first
    assert (await call("GET", asset))[0] == 404
    _, last = await call("POST", path, json={"completed_chunks": await send(upload, 2)})
    assert (last["processed_chunks"], last["total_completed"]) == (1, 3)
    assert last["url"]
    assert (await call("GET", asset))[1]["status"] == "processing"
    advance(10)
    _, ready = await call("GET", asset)
    assert (ready["method"], ready["status"], ready["size"]) == ("multipart", "ready", 2500)


async def test_parts_are_assembled(
    call: SendRequest, upload: dict[str, Any], send: Send, advance: Callable[[float], None]
) -> None:
    pytest.importorskip("pymediainfo")
    await call("POST", f"{UPLOADS}/{upload['upload_id']}", json={"completed_chunks": await send(upload, 3, 2, 1)})
    advance(10)
    assert (await call("GET", f"/assets/{upload['asset_id']}"))[1]["duration"] == 20


async def test_an_etag_is_a_hash_with_or_without_quotes(
    call: SendRequest, upload: dict[str, Any], send: Send, film: bytes
) -> None:
    report = await send(upload, 1, 2)
    assert report[0]["proof"] == f'"{hashlib.md5(film[:1000], usedforsecurity=False).hexdigest()}"'
    report[1]["proof"] = report[1]["proof"].strip('"')
    status, response = await call("POST", f"{UPLOADS}/{upload['upload_id']}", json={"completed_chunks": report})
    assert (status, response["processed_chunks"]) == (200, 2)


async def test_a_report_can_be_repeated(call: SendRequest, upload: dict[str, Any], send: Send) -> None:
    path, report = f"{UPLOADS}/{upload['upload_id']}", await send(upload, 1, 2, 3)
    await call("POST", path, json={"completed_chunks": report[:2]})
    _, second = await call("POST", path, json={"completed_chunks": report})
    assert (second["processed_chunks"], second["duplicate_chunks"], second["total_completed"]) == (1, 2, 3)
    _, third = await call("POST", path, json={"completed_chunks": report})
    assert (third["duplicate_chunks"], third["url"]) == (3, second["url"])


async def test_a_wrong_etag_fails_its_chunk(call: SendRequest, upload: dict[str, Any], send: Send) -> None:
    path, report = f"{UPLOADS}/{upload['upload_id']}", await send(upload, 1, 2)
    report[0]["proof"] = "0" * 32
    status, error = await call("POST", path, json={"completed_chunks": report})
    assert (status, error["code"]) == (400, "parameter_invalid")
    _, session = await call("GET", path)
    assert [chunk["status"] for chunk in session["uploaded_chunks"]] == ["failed", "completed", "pending"]
    assert session["uploaded_chunks"][0]["error"]
    assert (session["chunks_completed"], session["chunks_failed"], session["chunks_pending"]) == (1, 1, 1)
    _, after_retry = await call("POST", path, json={"completed_chunks": await send(upload, 1)})
    assert after_retry["total_completed"] == 2


async def test_a_missing_chunk_cannot_be_reported(call: SendRequest, upload: dict[str, Any]) -> None:
    report = [{"chunk_index": 1, "proof": "0" * 32, "proof_type": "etag", "chunk_size": 1000}]
    assert (await call("POST", f"{UPLOADS}/{upload['upload_id']}", json={"completed_chunks": report}))[0] == 400


async def test_a_listed_session_includes_its_size_but_not_its_filename(
    call: SendRequest, upload: dict[str, Any], send: Send
) -> None:
    _, response = await call("GET", UPLOADS)
    listed_session = response["data"][0]
    assert (listed_session["upload_id"], listed_session["total_size"], listed_session["status"]) == (
        upload["upload_id"],
        2500,
        "active",
    )
    assert not {"filename", "asset_id"} & listed_session.keys()
    await call("POST", f"{UPLOADS}/{upload['upload_id']}", json={"completed_chunks": await send(upload, 1, 2, 3)})
    assert (await call("GET", UPLOADS))[1]["data"] == []
    assert (await call("GET", f"{UPLOADS}/{upload['upload_id']}"))[1]["status"] == "completed"


async def test_chunks_are_paged(call: SendRequest, upload: dict[str, Any]) -> None:
    _, session = await call("GET", f"{UPLOADS}/{upload['upload_id']}?page=2&page_limit=2")
    assert [chunk["index"] for chunk in session["uploaded_chunks"]] == [3]
    assert session["page_info"]["total_page"] == 2


async def test_a_session_expires(
    call: SendRequest, emulator: Emulator, upload: dict[str, Any], advance: Callable[[float], None]
) -> None:
    advance(24 * 3600)
    path = f"{UPLOADS}/{upload['upload_id']}"
    assert (await call("GET", path))[1]["status"] == "expired"
    assert (await call("POST", path + "/presigned-urls", json={"start": 1, "count": 1}))[0] == 400
    await call("POST", UPLOADS, json={"filename": "f.mp4", "type": "video", "total_size": 2500})
    assert emulator.state.uploads[upload["upload_id"]].spool_path is None


@pytest.mark.parametrize(
    "body",
    [
        {"filename": "f.mp4", "type": "video", "total_size": 0},
        {"filename": "f.mp4", "type": "video", "total_size": 10 * 2**30 + 1},
        {"filename": "f.png", "type": "image", "total_size": 32 * 2**20 + 1},
        {"filename": "f.pdf", "type": "document", "total_size": 1},
        {"filename": "", "type": "video", "total_size": 1},
        {"filename": 5, "type": "video", "total_size": 1},
        {"filename": {"a": 1}, "type": "video", "total_size": 1},
        {"filename": "f.mp4", "type": "video", "total_size": "1"},
        {"filename": "f.mp4", "type": "video", "total_size": 1, "enable_hls": "yes"},
        {"filename": "f.mp4", "type": "video", "total_size": 1, "user_metadata": {"a": {}}},
    ],
)
async def test_invalid_uploads_are_rejected(call: SendRequest, body: dict[str, Any]) -> None:
    assert (await call("POST", UPLOADS, json=body))[0] == 400


@pytest.mark.parametrize(
    "report",
    [
        [],
        ["1"],
        [{"chunk_index": 4, "proof": "a", "proof_type": "etag", "chunk_size": 1}],
        [{"chunk_index": 1, "proof": "a", "proof_type": "md5", "chunk_size": 1}],
        [{"chunk_index": 1, "proof_type": "etag", "chunk_size": 1}],
    ],
)
async def test_invalid_reports_are_rejected(call: SendRequest, upload: dict[str, Any], report: list[Any]) -> None:
    status, _ = await call("POST", f"{UPLOADS}/{upload['upload_id']}", json={"completed_chunks": report})
    assert status == 400


@pytest.mark.parametrize(("method", "subpath"), [("GET", ""), ("POST", ""), ("POST", "/presigned-urls")])
async def test_an_unknown_session_is_not_found(call: SendRequest, method: str, subpath: str) -> None:
    assert (await call(method, f"{UPLOADS}/{'0' * 24}{subpath}"))[0] == 404


@pytest.mark.own_emulator
async def test_starting_a_large_upload_creates_no_file(
    call: SendRequest, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: UploadSpool) -> Path:
        pytest.fail("a file was created")

    monkeypatch.setattr(UploadSpool, "create_file", fail)
    _, created = await call("POST", UPLOADS, json={"filename": "f.mp4", "type": "video", "total_size": 2**26 + 1})
    assert emulator.state.uploads[created["upload_id"]].spool_path is None


@pytest.mark.own_emulator
async def test_stopping_deletes_the_bytes_of_unfinished_uploads(
    emulator: Emulator, upload: dict[str, Any], send: Send
) -> None:
    await send(upload, 1)
    path = emulator.state.uploads[upload["upload_id"]].spool_path
    assert path is not None
    assert path.exists()
    await emulator.stop()
    assert not path.parent.exists()


async def test_concurrent_reports_create_one_asset(
    call: SendRequest, emulator: Emulator, upload: dict[str, Any], send: Send
) -> None:
    path, report = f"{UPLOADS}/{upload['upload_id']}", await send(upload, 1, 2, 3)
    responses = await asyncio.gather(*(call("POST", path, json={"completed_chunks": report}) for _ in range(3)))
    assert sorted(response["processed_chunks"] for _, response in responses) == [0, 0, 3]
    assert all(response["url"] for _, response in responses)
    assert list(emulator.state.assets) == [upload["asset_id"]]


@pytest.mark.own_emulator
async def test_an_upload_continues_after_a_restart(
    emulator: Emulator, upload: dict[str, Any], send: Send, restart: Callable[[], Awaitable[SendRequest]]
) -> None:
    report = await send(upload, 1, 2)
    call = await restart()
    path = f"{UPLOADS}/{upload['upload_id']}"
    assert (await call("POST", path, json={"completed_chunks": report}))[1]["total_completed"] == 2
    assert emulator.state.uploads[upload["upload_id"]].spool_path is None
