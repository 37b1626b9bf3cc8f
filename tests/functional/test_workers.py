"""Workers in separate processes with a PostgreSQL database: each video is indexed once, even if a process is killed."""

from __future__ import annotations

import asyncio
import re
import sys
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from postgres import PostgresServer, postgres
from processes import start_process

from twelvelabs_async import AsyncTwelveLabs, InternalServerError
from twelvelabs_async._cli.demo import SAMPLE_VIDEOS
from twelvelabs_async.emulator import Emulator, Timing
from twelvelabs_async.ingest import Item, _failures
from twelvelabs_async.models.common import UserMetadata
from twelvelabs_async.workers import Status, Worker, _jobs, status, submit
from twelvelabs_async.workers.worker import _DEAD_WORKER_TIMEOUT

CLIP = SAMPLE_VIDEOS / "red-balloon-over-the-hills.mp4"
MODELS = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]
MANUAL = (Path(__file__).parents[2] / "docs" / "machines.md").read_text("utf-8")
PROGRAM = Path(__file__).parents[1] / "killable_worker.py"
FAULTS: list[dict[str, Any]] = [{"status": 503}, {"status": 500}, {"reset": "before"}, {"reset": "after"}]

pytestmark = [pytest.mark.oldest_python, pytest.mark.waits]


@pytest.fixture(scope="module")
def database_server() -> Iterator[PostgresServer]:
    with postgres() as server:
        yield server


@pytest.fixture
def ledger(database_server: PostgresServer) -> str:
    """The URL of an empty database."""
    return database_server.reset_database()


@pytest.fixture
async def platform() -> AsyncIterator[Emulator]:
    async with Emulator(timing=Timing(asset=0.2, indexing=0.5), inspect_media=False) as emulator:
        yield emulator


def create_films(folder: Path, count: int) -> Path:
    """Create small videos with different content."""
    folder.mkdir()
    for number in range(count):
        (folder / f"film-{number:03}.mp4").write_bytes(CLIP.read_bytes() + bytes([number % 256, number // 256]))
    return folder


@asynccontextmanager
async def worker_process(platform: Emulator, ledger: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Start a worker and stop it at the end of the block; its exit code must be 0 unless the test killed it."""
    async with start_process(sys.executable, PROGRAM, platform.base_url, platform.api_key, ledger) as process:
        try:
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
            assert await process.wait() in {0, -9}


@asynccontextmanager
async def local_worker(
    platform: Emulator, ledger: str, timeout: float | None = None, lookup_timeout: float | None = None
) -> AsyncGenerator[Worker]:
    """Run a worker in this process."""
    async with AsyncTwelveLabs(platform.api_key, base_url=platform.base_url) as client:
        worker = client.worker(ledger, timeout=timeout, lookup_timeout=lookup_timeout)
        task = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            worker.stop()
            await task


async def wait_until_done(ledger: str) -> Status:
    while (current_status := await status(ledger)).open:
        await asyncio.sleep(0.2)
    return current_status


async def wait_for_workers(ledger: str, workers: int) -> None:
    """Wait until a number of workers have started: a worker that cannot reach the database at its start ends."""
    async with await psycopg.AsyncConnection.connect(ledger, autocommit=True) as connection:
        while True:
            row = await (await connection.execute("SELECT count(*) FROM procrastinate_workers")).fetchone()
            if row == (workers,):
                return
            await asyncio.sleep(0.01)


def assert_indexed_once(platform: Emulator, count: int) -> None:
    counts = Counter(video.asset.filename for video in platform.state.videos.values())
    assert counts == {f"film-{number:03}.mp4": 1 for number in range(count)}
    assert len(platform.state.assets) == count


async def create_index(platform: Emulator) -> str:
    async with AsyncTwelveLabs(platform.api_key, base_url=platform.base_url) as client:
        return (await client.indexes.ensure("films", MODELS)).id


async def test_one_worker_ingests_submitted_videos(platform: Emulator, ledger: str, tmp_path: Path) -> None:
    index_id = await create_index(platform)
    submitted = await submit(ledger, create_films(tmp_path / "films", 12), index_id=index_id)
    assert (submitted.accepted, submitted.total) == (12, 12)
    async with worker_process(platform, ledger):
        final_status = await wait_until_done(ledger)
    assert (final_status.ready, final_status.failed, final_status.stalled) == (12, 0, 0)
    assert_indexed_once(platform, 12)


async def test_submitted_user_metadata_is_on_the_assets(platform: Emulator, ledger: str, tmp_path: Path) -> None:
    index_id = await create_index(platform)
    metadata: UserMetadata = {"camera": "3", "tags": "a=b", "lens": 35}
    film, other = sorted(create_films(tmp_path / "films", 2).iterdir())
    await submit(ledger, [(film, metadata), other], index_id=index_id)
    async with local_worker(platform, ledger):
        final_status = await wait_until_done(ledger)
    assert (final_status.ready, final_status.failed) == (2, 0)
    metadata_by_name = {asset.filename: asset.user_metadata or {} for asset in platform.state.assets.values()}
    assert {name: {**own, "ingest_token": ""} for name, own in metadata_by_name.items()} == {
        film.name: {**metadata, "ingest_token": ""},
        other.name: {"ingest_token": ""},
    }


async def test_a_validator_that_raises_an_exception_rejects_that_file_alone(ledger: str, tmp_path: Path) -> None:
    async def validate(item: Item) -> str:
        if item.name == "film-000.mp4":
            raise KeyError("broken")
        return ""

    films = create_films(tmp_path / "films", 2)
    submitted = await submit(ledger, films, index_id="i", validate=validate)
    assert (submitted.accepted, submitted.rejected) == (1, [(str(films / "film-000.mp4"), "KeyError: 'broken'")])


@pytest.mark.parametrize("stage", ["uploading", "processing"])
async def test_p29_a_worker_stops_at_an_outage_and_another_continues(
    platform: Emulator, ledger: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    def is_outage(_: object, error: Exception) -> bool:  # without the usual delay of half a minute
        return _failures.is_unanswered(error)

    monkeypatch.setattr(_failures.OutageDetector, "is_outage", is_outage)
    monkeypatch.setattr(_jobs, "OUTAGE_RETRY_DELAY", 0.1)
    index_id = await create_index(platform)
    await submit(ledger, create_films(tmp_path / "films", 1), index_id=index_id)
    for operation in ("*",) if stage == "uploading" else ("GET /assets", "GET /assets/{asset_id}"):
        platform.faults.add(operation, status=503, times=None)
    async with AsyncTwelveLabs(platform.api_key, base_url=platform.base_url, max_retries=0) as client:
        with pytest.raises(InternalServerError, match="503"):
            await client.worker(ledger, on_outage="stop").run()
    paused = await status(ledger)
    assert (getattr(paused, stage), paused.failed, paused.stalled) == (1, 0, 0)
    platform.faults.clear()
    async with local_worker(platform, ledger, lookup_timeout=0.1):
        final_status = await wait_until_done(ledger)
    assert (final_status.ready, final_status.failed, final_status.stalled) == (1, 0, 0), final_status.failures
    assert_indexed_once(platform, 1)


async def test_the_items_of_a_killed_worker_are_ingested_once_each(
    platform: Emulator, ledger: str, tmp_path: Path
) -> None:
    index_id = await create_index(platform)
    for seed, fault in enumerate(FAULTS):
        platform.faults.add("*", times=None, probability=0.05 / len(FAULTS), seed=seed, **fault)
    await submit(ledger, create_films(tmp_path / "films", 40), index_id=index_id)
    async with worker_process(platform, ledger) as killed, worker_process(platform, ledger):
        while not 5 <= len(platform.state.assets) < 30:
            await asyncio.sleep(0.01)
        killed.kill()
        final_status = await wait_until_done(ledger)
    assert (final_status.ready, final_status.failed, final_status.stalled) == (40, 0, 0), final_status.failures
    assert_indexed_once(platform, 40)


async def test_workers_survive_a_restart_of_the_database(
    database_server: PostgresServer, platform: Emulator, ledger: str, tmp_path: Path
) -> None:
    index_id = await create_index(platform)
    await submit(ledger, create_films(tmp_path / "films", 40), index_id=index_id)
    async with worker_process(platform, ledger), worker_process(platform, ledger):
        await wait_for_workers(ledger, 2)
        while len(platform.state.assets) < 5:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(database_server.stop)
        await asyncio.sleep(1.0)
        await asyncio.to_thread(database_server.start)
        final_status = await wait_until_done(ledger)
    assert (final_status.ready, final_status.failed, final_status.stalled) == (40, 0, 0), final_status.failures
    assert_indexed_once(platform, 40)


@pytest.mark.parametrize("parameter", ["idle_session_timeout=1s", "extra_float_digits=0", "datestyle=SQL"])
async def test_workers_make_progress_whatever_parameters_the_database_has(
    platform: Emulator, ledger: str, tmp_path: Path, parameter: str
) -> None:
    index_id = await create_index(platform)
    await submit(ledger, create_films(tmp_path / "films", 12), index_id=index_id)
    async with worker_process(platform, f"{ledger}&options=-c%20{quote(parameter)}"):
        final_status = await wait_until_done(ledger)
    assert (final_status.ready, final_status.failed, final_status.stalled) == (12, 0, 0), final_status.failures
    assert_indexed_once(platform, 12)


async def test_a_worker_can_be_stopped_while_the_database_is_down(
    database_server: PostgresServer, platform: Emulator, ledger: str, caplog: pytest.LogCaptureFixture
) -> None:
    await submit(ledger, [], index_id=await create_index(platform))
    try:
        async with local_worker(platform, ledger):
            await wait_for_workers(ledger, 1)
            await asyncio.to_thread(database_server.stop)
            while "cannot use the database" not in caplog.text:
                await asyncio.sleep(0.05)
    finally:
        await asyncio.to_thread(database_server.start)


async def test_a_worker_without_a_database_cancels_its_jobs_before_a_takeover(
    database_server: PostgresServer, platform: Emulator, ledger: str, tmp_path: Path
) -> None:
    index_id = await create_index(platform)
    platform.faults.add("POST /assets", times=1, delay=20, reset="before")
    await submit(ledger, create_films(tmp_path / "films", 1), index_id=index_id)
    async with local_worker(platform, ledger) as running_worker:
        await wait_for_workers(ledger, 1)
        while (await status(ledger)).uploading == 0:
            await asyncio.sleep(0.05)
        await asyncio.to_thread(database_server.stop)
        try:
            async with asyncio.timeout(_DEAD_WORKER_TIMEOUT):  # after this time, another worker may run the job
                while running_worker.completed == 0:
                    await asyncio.sleep(0.05)
        finally:
            await asyncio.to_thread(database_server.start)
        final_status = await wait_until_done(ledger)
    assert (final_status.ready, final_status.failed, final_status.stalled) == (1, 0, 0), final_status.failures
    assert_indexed_once(platform, 1)


async def test_an_item_that_times_out_is_stalled_until_it_is_submitted_again(ledger: str, tmp_path: Path) -> None:
    async with Emulator(
        timing=Timing(asset=0.2, indexing=10.0, pending_share=0, queued_share=0), inspect_media=False
    ) as slow_platform:
        index_id, folder = await create_index(slow_platform), create_films(tmp_path / "films", 2)
        await submit(ledger, folder, index_id=index_id)
        async with local_worker(slow_platform, ledger, timeout=2.0):
            stalled_status = await wait_until_done(ledger)
        assert (stalled_status.ready, stalled_status.stalled) == (0, 2)
        assert all("still indexing after" in entry.error for entry in stalled_status.failures)
        assert (await submit(ledger, folder, index_id=index_id)).accepted == 2
        async with local_worker(slow_platform, ledger):
            final_status = await wait_until_done(ledger)
        assert (final_status.ready, final_status.failed, final_status.stalled) == (2, 0, 0), final_status.failures
        assert_indexed_once(slow_platform, 2)


async def test_a_copy_replaces_a_video_that_cannot_be_read(platform: Emulator, ledger: str, tmp_path: Path) -> None:
    index_id = await create_index(platform)
    (original,) = create_films(tmp_path / "films", 1).iterdir()
    copy = tmp_path / original.name
    copy.write_bytes(original.read_bytes())
    await submit(ledger, original, index_id=index_id, dedupe="content")
    original.unlink()
    async with local_worker(platform, ledger):
        assert (await wait_until_done(ledger)).stalled == 1
    assert (await submit(ledger, copy, index_id=index_id, dedupe="content")).accepted == 1
    async with local_worker(platform, ledger):
        final_status = await wait_until_done(ledger)
    assert (final_status.ready, final_status.failed, final_status.stalled) == (1, 0, 0), final_status.failures
    assert_indexed_once(platform, 1)


async def test_the_python_code_of_the_manual_works(
    platform: Emulator, ledger: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    namespace: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", MANUAL, flags=re.DOTALL)[0], namespace)  # noqa: S102  # the code of the manual
    index_id = await create_index(platform)
    async with AsyncTwelveLabs(platform.api_key, base_url=platform.base_url) as client:
        await namespace["ingest_with_worker"](client, ledger, str(create_films(tmp_path / "films", 3)), index_id)
    assert capsys.readouterr().out == "3 submitted\n"
    assert_indexed_once(platform, 3)
