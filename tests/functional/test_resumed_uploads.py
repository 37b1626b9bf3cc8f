"""What a server and a caller may do to a multipart upload: odd sessions, and a process that ends in the middle."""

from __future__ import annotations

import asyncio
import errno
import json
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from twelvelabs_async import AsyncTwelveLabs, UploadError, UploadProgress, UploadState, from_dict, to_dict
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
    """Forty parts."""
    path = tmp_path / "film.mp4"
    path.write_bytes(os.urandom(40 * CHUNK))
    return path


async def test_the_state_of_each_progress_contains_the_parts_confirmed_so_far(
    client: AsyncTwelveLabs, film: Path
) -> None:
    seen: list[UploadProgress] = []
    await client.assets.upload(film, method="multipart", concurrency=2, on_progress=seen.append)
    states = [(progress.parts_done, progress.state) for progress in seen]
    assert {done for done, _ in states} == {*range(41)}
    assert all(state is not None and len(state.completed_parts) == done for done, state in states)


async def test_p9_the_last_state_of_on_progress_resumes_all_but_the_parts_in_progress(
    client: AsyncTwelveLabs, emulator: Emulator, film: Path
) -> None:
    """P9: the process may have been killed after it saved the state, before it reported any part."""
    saved: list[str] = []

    def save(progress: UploadProgress) -> None:
        saved.append(json.dumps(to_dict(progress.state)))
        if progress.parts_done == 10:
            upload.cancel()

    upload = asyncio.create_task(client.assets.upload(film, method="multipart", concurrency=2, on_progress=save))
    with pytest.raises(asyncio.CancelledError):
        await upload
    state = from_dict(json.loads(saved[-1]), UploadState)
    done = len(state.completed_parts)
    assert done >= 10
    emulator.requests.clear()
    asset = await client.assets.upload(film, resume=state, wait=True)
    assert (asset.id, asset.size) == (state.asset_id, 40 * CHUNK)
    in_progress = 2  # parts whose requests may still arrive after the cancellation
    assert 40 - done <= len(emulator.requests.for_operation("storage")) <= 40 - done + in_progress


@pytest.mark.parametrize("odd", [{"chunk_size": 0}, {"chunk_size": -1}, {"chunk_size": 1, "total_chunks": 1}])
async def test_p18_an_upload_session_with_invalid_chunk_sizes_is_an_upload_error(
    client: AsyncTwelveLabs, emulator: Emulator, film: Path, odd: dict[str, Any]
) -> None:
    session: dict[str, Any] = {
        "upload_id": "u",
        "asset_id": "a",
        "chunk_size": CHUNK,
        "total_chunks": 40,
        "upload_urls": [],
        **odd,
    }
    emulator.faults.add(SESSIONS, status=201, body=json.dumps(session))
    async with asyncio.timeout(60):
        with pytest.raises(UploadError, match=r"film\.mp4"):
            await client.assets.upload(film, method="multipart")


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
    """Return a function after whose call the blocks of each file from an offset on cannot be read."""
    unreadable = [2**63]

    def read(descriptor: int, offset: int, size: int) -> bytes:
        if offset + size > unreadable[0]:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read_at(descriptor, offset, size)

    def fail_from(offset: int) -> None:
        unreadable[0] = offset

    monkeypatch.setattr(_source, "read_at", read)
    return fail_from


async def test_a_read_error_in_the_middle_of_a_multipart_upload_has_the_state_to_resume_from(
    client: AsyncTwelveLabs, emulator: Emulator, film: Path, failing_disk: Callable[[int], None]
) -> None:
    failing_disk(20 * CHUNK)
    with pytest.raises(UploadError, match=r"film\.mp4.*Input/output error") as caught:
        await client.assets.upload(film, method="multipart", concurrency=2)
    state = caught.value.state
    assert state is not None
    done = {part.chunk_index for part in state.completed_parts}
    assert done
    assert done <= set(range(1, 21))
    failing_disk(2**63)
    emulator.requests.clear()
    asset = await client.assets.upload(film, resume=state, wait=True)
    assert (asset.id, asset.status) == (state.asset_id, "ready")
    assert len(emulator.requests.for_operation("PUT storage")) <= 40 - len(done)


async def test_a_read_error_in_the_middle_of_an_upload_in_one_request_names_the_file(
    client: AsyncTwelveLabs, film: Path, failing_disk: Callable[[int], None]
) -> None:
    failing_disk(20 * CHUNK)
    with pytest.raises(UploadError, match=r"film\.mp4.*Input/output error"):
        await client.assets.upload(film, method="direct")
    assert not [asset async for asset in client.assets.list()]
