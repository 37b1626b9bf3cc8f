"""Multipart uploads with invalid sessions and storage responses, and uploads resumed after an interruption."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
from support import RawRequest, RawServer, raw_response

from twelvelabs_async import (
    AsyncTwelveLabs,
    InvalidInputError,
    UploadError,
    UploadProgress,
    UploadState,
    from_dict,
    to_dict,
)
from twelvelabs_async._system import read_at
from twelvelabs_async.emulator import Emulator, Timing
from twelvelabs_async.uploads import _source

CHUNK = 64 * 1024
SESSION: dict[str, Any] = {
    "upload_id": "u",
    "asset_id": "a",
    "chunk_size": CHUNK,
    "total_chunks": 40,
    "upload_urls": [],
}
SESSIONS = "POST /assets/multipart-uploads"


@pytest.fixture(scope="module")
async def shared_emulator() -> AsyncIterator[Emulator]:
    async with Emulator(timing=Timing(asset=0, indexing=0), chunk_size=CHUNK, inspect_media=False) as running:
        yield running


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A file of forty parts."""
    path = tmp_path / "film.mp4"
    path.write_bytes(os.urandom(40 * CHUNK))
    return path


async def test_the_state_of_each_progress_contains_the_parts_confirmed_so_far(
    client: AsyncTwelveLabs, film: Path
) -> None:
    progress_events: list[UploadProgress] = []
    await client.assets.upload(film, method="multipart", concurrency=2, on_progress=progress_events.append)
    states = [(progress.parts_done, progress.state) for progress in progress_events]
    assert {confirmed for confirmed, _ in states} == {*range(41)}
    assert all(state is not None and len(state.completed_parts) == confirmed for confirmed, state in states)


async def test_p9_the_last_state_of_on_progress_resumes_all_but_the_parts_in_progress(
    client: AsyncTwelveLabs, emulator: Emulator, film: Path
) -> None:
    """The process may be killed after it has saved the state and before it reports a part to the platform."""
    saved: list[str] = []

    def save(progress: UploadProgress) -> None:
        saved.append(json.dumps(to_dict(progress.state)))
        if progress.parts_done == 10:
            upload.cancel()

    upload = asyncio.create_task(client.assets.upload(film, method="multipart", concurrency=2, on_progress=save))
    with pytest.raises(asyncio.CancelledError):
        await upload
    state = from_dict(json.loads(saved[-1]), UploadState)
    confirmed = len(state.completed_parts)
    assert confirmed >= 10
    emulator.requests.clear()
    asset = await client.assets.upload(film, resume=state, wait=True)
    assert (asset.id, asset.size) == (state.asset_id, 40 * CHUNK)
    in_progress = 2  # parts whose requests may still arrive after the cancellation
    assert 40 - confirmed <= len(emulator.requests.for_operation("storage")) <= 40 - confirmed + in_progress


@pytest.mark.parametrize(
    "invalid_fields", [{"chunk_size": 0}, {"chunk_size": -1}, {"chunk_size": 1, "total_chunks": 1}]
)
async def test_p18_an_upload_session_with_invalid_chunk_sizes_is_an_upload_error(
    client: AsyncTwelveLabs, emulator: Emulator, film: Path, invalid_fields: dict[str, Any]
) -> None:
    session: dict[str, Any] = {
        "upload_id": "u",
        "asset_id": "a",
        "chunk_size": CHUNK,
        "total_chunks": 40,
        "upload_urls": [],
        **invalid_fields,
    }
    emulator.faults.add(SESSIONS, status=201, body=json.dumps(session))
    async with asyncio.timeout(60):
        with pytest.raises(UploadError, match=r"film\.mp4"):
            await client.assets.upload(film, method="multipart")


@pytest.mark.parametrize(
    "invalid_fields",
    [
        {"upload_id": "../x"},
        {"upload_id": ""},
        {"upload_id": "\ud800"},
        {"asset_id": ""},
        {"asset_id": "a/../b"},
        {"chunk_size": 10**30},
        {"upload_headers": {"X": "a\r\nY: z"}},
        {"upload_headers": {"X Y": "a"}},
    ],
    ids=str,
)
async def test_p18_an_unusable_upload_session_is_an_upload_error_before_a_part_is_sent(
    client: AsyncTwelveLabs, emulator: Emulator, film: Path, invalid_fields: dict[str, Any]
) -> None:
    emulator.faults.add(SESSIONS, status=201, body=json.dumps({**SESSION, **invalid_fields}))
    with pytest.raises(UploadError, match=r"film\.mp4") as failure:
        await client.assets.upload(film, method="multipart")
    assert failure.value.state is None
    assert len(emulator.requests) == 1


@pytest.mark.parametrize(
    "path", ["http://127.0.0.1:99999/x", "http://[::1/x", "http://127.0.0.1/a b", "http://h/\r\nX"]
)
async def test_p18_an_invalid_presigned_url_is_an_upload_error_with_the_state(
    client: AsyncTwelveLabs, emulator: Emulator, film: Path, path: str
) -> None:
    urls = [{"chunk_index": index, "url": f"{path}?sig=secret"} for index in range(1, 41)]
    emulator.faults.add(SESSIONS, status=201, body=json.dumps({**SESSION, "upload_urls": urls}))
    with pytest.raises(UploadError, match="invalid presigned URL for part") as failure:
        await client.assets.upload(film, method="multipart")
    assert failure.value.state.upload_id == "u"
    assert "secret" not in str(failure.value)


async def test_a_state_with_too_many_parts_is_rejected(client: AsyncTwelveLabs, emulator: Emulator, film: Path) -> None:
    states: list[UploadState] = []
    await client.assets.upload(
        film, method="multipart", on_progress=lambda progress: states.extend(filter(None, [progress.state]))
    )
    emulator.requests.clear()
    with pytest.raises(InvalidInputError, match="start a new upload"):
        await client.assets.upload(film, resume=attrs.evolve(states[-1], chunk_size=1))
    assert not emulator.requests


PART = b"x" * 100
PART_MD5 = hashlib.md5(PART, usedforsecurity=False).hexdigest()


@asynccontextmanager
async def one_part_upload(etag: bytes, **session: Any) -> AsyncGenerator[tuple[AsyncTwelveLabs, RawServer]]:
    """Open a client of a platform with storage that responds to each PUT with this ETag."""

    async def respond(request: RawRequest, _: asyncio.StreamWriter) -> bytes:
        if request.method == "PUT":
            return b"HTTP/1.1 200 OK\r\nETag: " + etag + b"\r\nContent-Length: 0\r\n\r\n"
        urls = [{"chunk_index": 1, "url": f"{server.origin}/part"}]
        if request.target.endswith("/multipart-uploads"):
            return raw_response(201, json.dumps({**SESSION, "total_chunks": 1, "upload_urls": urls, **session}))
        if request.target.endswith("/presigned-urls"):
            return raw_response(200, json.dumps({"upload_urls": urls}))
        if request.method == "POST":
            return raw_response(200, json.dumps({"total_completed": 1, "url": "https://h/film.mp4"}))
        return raw_response(200, json.dumps({"_id": "a", "status": "ready"}))

    async with (
        RawServer(respond) as server,
        AsyncTwelveLabs("key", base_url=server.base_url, max_retries=0, idle_timeout=30) as client,
    ):
        yield client, server


@pytest.mark.parametrize("etag", [f'"{PART_MD5}"', f'W/"{PART_MD5}"', PART_MD5.upper(), '"multi-part"'])
async def test_an_etag_is_reported_without_quotes(etag: str) -> None:
    async with one_part_upload(etag.encode()) as (client, server):
        await client.assets.upload(PART, filename="film.mp4", method="multipart")
    (report,) = (request for request in server.requests if request.target.endswith("/multipart-uploads/u"))
    (chunk,) = json.loads(report.body)["completed_chunks"]
    assert chunk["proof"] == etag.removeprefix("W/").strip('"')


@pytest.mark.parametrize(
    ("etag", "reason"),
    [
        (b'W/"00000000000000000000000000000000"', "differs from the MD5"),
        (b'"\xff\xfe"', "not ASCII"),
        (b'"  "', "no ETag"),
        (b'""', "no ETag"),
        (b"W/", "no ETag"),
    ],
)
async def test_an_unusable_etag_is_an_upload_error_with_the_state(etag: bytes, reason: str) -> None:
    async with one_part_upload(etag) as (client, _):
        with pytest.raises(UploadError, match=rf"film\.mp4 failed.*{reason}") as failure:
            await client.assets.upload(PART, filename="film.mp4", method="multipart")
    assert failure.value.state.upload_id == "u"


async def test_headers_of_the_connection_are_not_sent_with_a_part() -> None:
    """With `Expect`, a client may wait for a response that the storage does not send."""
    unwanted = {"Expect": "100-continue", "TE": "x", "Upgrade": "h2c", "Keep-Alive": "5", "Proxy-Authorization": "x"}
    headers = {**unwanted, "Trailer": "X", "X-Amz-Acl": "private"}
    async with one_part_upload(PART_MD5.encode(), upload_headers=headers) as (client, server):
        await client.assets.upload(PART, filename="film.mp4", method="multipart")
    (put,) = (request for request in server.requests if request.method == "PUT")
    assert [name for name in headers if name in put.headers] == ["X-Amz-Acl"]


@pytest.mark.parametrize("indexes", [[], [0, 2]])
async def test_p18_missing_presigned_urls_are_an_upload_error(
    client: AsyncTwelveLabs, emulator: Emulator, film: Path, indexes: list[int]
) -> None:
    urls = [{"chunk_index": index, "url": f"{emulator.base_url}/x"} for index in indexes]
    session: dict[str, Any] = {
        "upload_id": "u",
        "asset_id": "a",
        "chunk_size": CHUNK,
        "total_chunks": 40,
        "upload_urls": urls,
    }
    emulator.faults.add(SESSIONS, status=201, body=json.dumps(session))
    emulator.faults.add(
        "POST /assets/multipart-uploads/{upload_id}/presigned-urls", status=200, body='{"upload_urls": []}'
    )
    with pytest.raises(UploadError, match="no presigned URL for part 1"):
        await client.assets.upload(film, method="multipart", concurrency=1)


@pytest.fixture
def failing_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Return a function that makes all reads beyond an offset fail, in every file."""
    first_unreadable = [2**63]

    def read(descriptor: int, offset: int, size: int) -> bytes:
        if offset + size > first_unreadable[0]:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read_at(descriptor, offset, size)

    def fail_from(offset: int) -> None:
        first_unreadable[0] = offset

    monkeypatch.setattr(_source, "read_at", read)
    return fail_from


async def test_a_read_error_during_a_multipart_upload_has_the_state_to_resume_from(
    client: AsyncTwelveLabs, emulator: Emulator, film: Path, failing_disk: Callable[[int], None]
) -> None:
    failing_disk(20 * CHUNK)
    with pytest.raises(UploadError, match=r"film\.mp4.*Input/output error") as caught:
        await client.assets.upload(film, method="multipart", concurrency=2)
    state = caught.value.state
    assert state is not None
    confirmed = {part.chunk_index for part in state.completed_parts}
    assert confirmed
    assert confirmed <= set(range(1, 21))
    failing_disk(2**63)
    emulator.requests.clear()
    asset = await client.assets.upload(film, resume=state, wait=True)
    assert (asset.id, asset.status) == (state.asset_id, "ready")
    assert len(emulator.requests.for_operation("PUT storage")) <= 40 - len(confirmed)


async def test_a_read_error_during_a_direct_upload_names_the_file(
    client: AsyncTwelveLabs, film: Path, failing_disk: Callable[[int], None]
) -> None:
    failing_disk(20 * CHUNK)
    with pytest.raises(UploadError, match=r"film\.mp4.*Input/output error"):
        await client.assets.upload(film, method="direct")
    assert not [asset async for asset in client.assets.list()]
