"""Persistence in a data directory, and memory use without one."""

from __future__ import annotations

import asyncio
import io
import pickle
import shutil
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from processes import PIPE, start_process
from typing_extensions import override

from twelvelabs_async.emulator import Emulator, samples
from twelvelabs_async.emulator._state.entities import State
from twelvelabs_async.emulator._state.persistence import StateStore, StoreError, load_state, serialize_state

Serve = Callable[..., Awaitable[Emulator]]
Connect = Callable[[Emulator], Awaitable[aiohttp.ClientSession]]
Form = Callable[..., aiohttp.FormData]
PutChunk = Callable[..., Awaitable[tuple[int, str, str]]]

MODELS = [{"model_name": "marengo3.0", "model_options": ["visual"]}]
FILM = samples.video(20, size=2500)
UPLOADS = "assets/multipart-uploads"
GIB = 1 << 30


async def fetch_json(session: aiohttp.ClientSession, method: str, path: str, **options: Any) -> Any:
    async with session.request(method, path, **options) as response:
        assert response.status < 300, await response.text()
        return await response.json()


async def upload_chunk(session: aiohttp.ClientSession, put: PutChunk, upload: dict[str, Any], number: int) -> None:
    """Send one chunk to a new presigned URL and report it."""
    url_request = {"start": number, "count": 1}
    urls = await fetch_json(session, "POST", f"{UPLOADS}/{upload['upload_id']}/presigned-urls", json=url_request)
    content = FILM[(number - 1) * 1000 : number * 1000]
    status, _, proof = await put(urls["upload_urls"][0]["url"], content, upload["upload_headers"])
    assert status == 200
    report = {"chunk_index": number, "proof": proof, "proof_type": "etag", "chunk_size": len(content)}
    await fetch_json(session, "POST", f"{UPLOADS}/{upload['upload_id']}", json={"completed_chunks": [report]})


async def test_objects_and_files_survive_a_restart(
    serve: Serve, connect: Connect, form: Form, put: PutChunk, tmp_path: Path, advance: Callable[[float], None]
) -> None:
    emulator = await serve(data_dir=tmp_path / "new" / "data", chunk_size=1000)
    session = await connect(emulator)
    emulator.describe("film.mp4", [(0, 5, "a red car")])
    asset = await fetch_json(session, "POST", "assets", data=form("film.mp4", method="direct", file=FILM))
    index = await fetch_json(session, "POST", "indexes", json={"index_name": "films", "models": MODELS})
    advance(10)
    await fetch_json(session, "POST", f"indexes/{index['_id']}/indexed-assets", json={"asset_id": asset["_id"]})
    upload_request = {"filename": "parts.mp4", "type": "video", "total_size": len(FILM)}
    upload = await fetch_json(session, "POST", UPLOADS, json=upload_request)
    await upload_chunk(session, put, upload, 1)
    await emulator.stop()

    restarted = await serve(data_dir=tmp_path / "new" / "data", chunk_size=1000)
    session = await connect(restarted)
    for number in (2, 3):
        await upload_chunk(session, put, upload, number)
    advance(50)
    parts = await fetch_json(session, "GET", f"assets/{upload['asset_id']}")
    assert (parts["status"], parts["duration"]) == ("ready", 20)
    query = {"index_id": index["_id"], "search_options": "visual", "query_text": "red car"}
    (hit,) = (await fetch_json(session, "POST", "search", data=form(**query)))["data"]
    assert (hit["start"], hit["end"]) == (0, 5)
    new_index = await fetch_json(session, "POST", "indexes", json={"index_name": "more", "models": MODELS})
    assert new_index["_id"] not in {index["_id"], asset["_id"], upload["upload_id"]}
    for identifier in (asset["_id"], upload["asset_id"]):
        async with session.get(f"{restarted.storage_url}/files/{identifier}") as response:
            assert await response.read() == FILM


async def test_unreferenced_files_are_deleted_at_the_next_start(
    serve: Serve, connect: Connect, form: Form, tmp_path: Path
) -> None:
    emulator = await serve(data_dir=tmp_path)
    session = await connect(emulator)
    created = [
        await fetch_json(session, "POST", "assets", data=form("a.mp4", method="direct", file=FILM)) for _ in range(2)
    ]
    other = await fetch_json(session, "POST", "assets", data=form("a.png", method="direct", file=samples.image()))
    files = StateStore(tmp_path).files
    assert len(list(files.iterdir())) == 2, "equal files are stored once"
    for asset in (created[0], other):
        async with session.delete(f"assets/{asset['_id']}") as response:
            assert response.status == 204
    await emulator.stop()
    await serve(data_dir=tmp_path)
    assert [path.read_bytes() for path in files.iterdir()] == [FILM]


async def test_only_files_of_the_emulator_are_deleted(
    serve: Serve, connect: Connect, form: Form, put: PutChunk, tmp_path: Path
) -> None:
    other_files = [
        "thesis.txt",
        "state.new",
        "files/thesis.txt",
        f"files/{'0' * 32}",
        f"parts/{'1' * 32}",
        "parts/deep/a",
    ]
    for name in other_files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    for _ in range(3):
        emulator = await serve(data_dir=tmp_path, chunk_size=1000)
        session = await connect(emulator)
        asset = await fetch_json(session, "POST", "assets", data=form("a.mp4", method="direct", file=FILM))
        upload_request = {"filename": "parts.mp4", "type": "video", "total_size": len(FILM)}
        await upload_chunk(session, put, await fetch_json(session, "POST", UPLOADS, json=upload_request), 1)
        async with session.delete(f"assets/{asset['_id']}") as response:
            assert response.status == 204
        await emulator.stop()
    for name in other_files:
        assert (tmp_path / name).read_text() == name
    listed_files = (tmp_path / "written").read_text().splitlines()[1:]
    remaining = {path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("*/*") if path.is_file()}
    assert remaining - set(other_files) <= set(listed_files), "each of its own files is listed"


async def test_paths_in_the_file_list_cannot_delete_other_files(serve: Serve, connect: Connect, tmp_path: Path) -> None:
    emulator = await serve(data_dir=tmp_path / "data")
    await fetch_json(await connect(emulator), "POST", "indexes", json={"index_name": "films", "models": MODELS})
    await emulator.stop()
    (tmp_path / "thesis.txt").write_text("precious")
    with (tmp_path / "data" / "written").open("a") as file:
        file.write("../thesis.txt\nfiles/../state\n")
    await serve(data_dir=tmp_path / "data")
    assert (tmp_path / "thesis.txt").exists()
    assert (tmp_path / "data" / "state").exists()


async def test_a_foreign_file_list_is_rejected_and_kept(tmp_path: Path) -> None:
    (tmp_path / "written").write_text("a diary")
    with pytest.raises(StoreError, match="another data directory"):
        await Emulator(data_dir=tmp_path).start()
    assert (tmp_path / "written").read_text() == "a diary"


async def test_a_large_file_is_not_stored(serve: Serve, connect: Connect, form: Form, tmp_path: Path) -> None:
    emulator = await serve(data_dir=tmp_path, max_inspected_upload=1000)
    session = await connect(emulator)
    asset = await fetch_json(session, "POST", "assets", data=form("a.mp4", method="direct", file=FILM))
    assert list(StateStore(tmp_path).files.iterdir()) == []
    async with session.get(f"{emulator.storage_url}/files/{asset['_id']}") as response:
        assert response.status == 404


@asynccontextmanager
async def run_emulator(*arguments: str) -> AsyncGenerator[tuple[asyncio.subprocess.Process, str]]:
    command = (sys.executable, "-m", "twelvelabs_async.emulator", *arguments)
    async with start_process(*command, stdout=PIPE) as process:
        assert process.stdout is not None
        yield process, (await process.stdout.readline()).decode().strip() + "/"


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
async def test_completed_requests_survive_a_kill(tmp_path: Path, form: Form) -> None:
    key = {"x-api-key": "emulator"}
    names = [f"films {number}" for number in range(20)]
    async with (
        run_emulator("--data-dir", str(tmp_path)) as (process, url),
        aiohttp.ClientSession(url, headers=key) as session,
    ):
        bodies = [{"index_name": name, "models": MODELS} for name in names]
        await asyncio.gather(*(fetch_json(session, "POST", "indexes", json=body) for body in bodies))
        asset = await fetch_json(session, "POST", "assets", data=form("film.mp4", method="direct", file=FILM))
        process.send_signal(signal.SIGKILL)
        await process.wait()
    (tmp_path / "state.new").write_bytes(b"torn")
    async with (
        run_emulator("--data-dir", str(tmp_path)) as (_, url),
        aiohttp.ClientSession(url, headers=key) as session,
    ):
        assert (await fetch_json(session, "GET", f"assets/{asset['_id']}"))["filename"] == "film.mp4"
        result = await fetch_json(session, "GET", "indexes?page_limit=50")
        assert sorted(index["index_name"] for index in result["data"]) == sorted(names)


@pytest.mark.parametrize("content", [b"twelvelabs-async emulator 0.0.1+12345678\n", b"\x00\x01", b""])
async def test_a_state_of_another_version_is_rejected_and_kept(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "state").write_bytes(content)
    with pytest.raises(StoreError, match="another data directory"):
        await Emulator(data_dir=tmp_path).start()
    assert (tmp_path / "state").read_bytes() == content


async def test_a_directory_in_use_is_rejected(serve: Serve, connect: Connect, tmp_path: Path) -> None:
    session = await connect(await serve(data_dir=tmp_path))
    second = Emulator(data_dir=tmp_path)
    with pytest.raises(StoreError, match="another emulator"):
        await second.start()
    await fetch_json(session, "POST", "indexes", json={"index_name": "films", "models": MODELS})
    loaded = load_state(tmp_path / "state")
    assert loaded is not None
    assert len(loaded.indexes) == 1


class DeletesFolderWhenLoaded:
    """Deletes a folder when it is unpickled."""

    @override
    def __reduce__(self) -> tuple[Any, ...]:
        return shutil.rmtree, ("trap",)


async def test_a_state_can_only_contain_objects_of_the_emulator(tmp_path: Path, emulator: Emulator) -> None:
    head = serialize_state(emulator.state).partition(b"\n")[0]
    path = tmp_path / "state"
    path.write_bytes(head + b"\n" + pickle.dumps(DeletesFolderWhenLoaded()))
    with pytest.raises(StoreError, match="rmtree"):
        load_state(path)
    path.write_bytes(head + b"\n" + pickle.dumps(7))
    with pytest.raises(StoreError, match="does not contain a state"):
        load_state(path)


async def test_a_loaded_state_equals_the_saved_one(emulator: Emulator, make_asset: Any, tmp_path: Path) -> None:
    await make_asset("film.mp4")
    path = tmp_path / "state"
    path.write_bytes(serialize_state(emulator.state))
    loaded = load_state(path)
    assert isinstance(loaded, State)
    assert loaded.assets == emulator.state.assets
    assert loaded.ids.object_id() == emulator.state.ids.object_id()


def peak_memory(process: asyncio.subprocess.Process) -> int:
    """Return the peak memory of a process in bytes."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmHWM")))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
async def test_a_gibibyte_upload_uses_a_few_megabytes(put: PutChunk) -> None:
    async with (
        run_emulator() as (process, url),
        aiohttp.ClientSession(url, headers={"x-api-key": "emulator"}) as session,
    ):
        upload_request = {"filename": "long.mp4", "type": "video", "total_size": GIB}
        upload = await fetch_json(session, "POST", UPLOADS, json=upload_request)
        size, count = upload["chunk_size"], upload["total_chunks"]
        before, content = peak_memory(process), bytes(size)
        report: list[dict[str, Any]] = []
        for start in range(1, count + 1, 50):
            url_request = {"start": start, "count": 50}
            urls = await fetch_json(
                session, "POST", f"{UPLOADS}/{upload['upload_id']}/presigned-urls", json=url_request
            )
            for upload_url in urls["upload_urls"]:
                length = min(size, GIB - (upload_url["chunk_index"] - 1) * size)
                status, _, proof = await put(upload_url["url"], io.BytesIO(content[:length]), upload["upload_headers"])
                assert status == 200
                chunk_report = {"chunk_index": upload_url["chunk_index"], "proof_type": "etag", "chunk_size": length}
                report.append(chunk_report | {"proof": proof})
        await fetch_json(session, "POST", f"{UPLOADS}/{upload['upload_id']}", json={"completed_chunks": report})
        assert (await fetch_json(session, "GET", f"assets/{upload['asset_id']}"))["filename"] == "long.mp4"
        assert peak_memory(process) - before < 64 << 20


@pytest.mark.usefixtures("upload")
async def test_a_held_lock_is_unlocked_after_loading(emulator: Emulator, tmp_path: Path) -> None:
    path, (upload,) = tmp_path / "state", emulator.state.uploads.values()
    async with upload.lock:
        path.write_bytes(serialize_state(emulator.state))
    loaded = load_state(path)
    assert loaded is not None
    assert not loaded.uploads[upload.id].lock.locked()
