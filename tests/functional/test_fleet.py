"""Workers in processes of their own, on a real database: each video gets into its index once, whoever is killed."""

from __future__ import annotations

import asyncio
import re
import sys
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from postgres import Server, postgres

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.cli.demo import CLIPS
from twelvelabs_async.emulator import Emulator, Timing
from twelvelabs_async.fleet import Status, Worker, status, submit
from twelvelabs_async.fleet.worker import DEAD

CLIP = CLIPS / "red-balloon-over-the-hills.mp4"
MODELS = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]
MANUAL = (Path(__file__).parents[2] / "docs" / "machines.md").read_text("utf-8")
PROGRAM = Path(__file__).parents[1] / "mortal_worker.py"
FAULTS: list[dict[str, Any]] = [{"status": 503}, {"status": 500}, {"reset": "before"}, {"reset": "after"}]

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def database_server() -> Iterator[Server]:
    with postgres() as server:
        yield server


@pytest.fixture
def ledger(database_server: Server) -> str:
    """The address of an empty database."""
    return database_server.emptied()


@pytest.fixture
async def platform() -> AsyncIterator[Emulator]:
    async with Emulator(timing=Timing(asset=0.2, indexing=0.5), probe=False, upload_headers={}) as emulator:
        yield emulator


def films(folder: Path, count: int) -> Path:
    """Small videos, no two the same."""
    folder.mkdir()
    for number in range(count):
        (folder / f"film-{number:03}.mp4").write_bytes(CLIP.read_bytes() + bytes([number % 256, number // 256]))
    return folder


@asynccontextmanager
async def worker(platform: Emulator, ledger: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A worker that is asked to stop in the end, and has to have done so by itself unless it was killed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(PROGRAM), platform.base_url, platform.api_key, ledger
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        assert await asyncio.wait_for(process.wait(), 30) in {0, -9}


@asynccontextmanager
async def in_this_process(platform: Emulator, ledger: str, timeout: float | None = None) -> AsyncGenerator[Worker]:
    """A worker that can be looked into."""
    async with AsyncTwelveLabs(platform.api_key, base_url=platform.base_url) as client:
        here = client.worker(ledger, timeout=timeout)
        running = asyncio.create_task(here.run())
        try:
            yield here
        finally:
            here.stop()
            await running


async def until_done(ledger: str, *, within: float = 90.0) -> Status:
    async with asyncio.timeout(within):
        while (now := await status(ledger)).open:
            await asyncio.sleep(0.2)
    return now


async def at_work(ledger: str, workers: int) -> None:
    """Wait until so many have begun: a worker that cannot reach the database at its start ends with an error."""
    async with await psycopg.AsyncConnection.connect(ledger, autocommit=True) as connection:
        while True:
            row = await (await connection.execute("SELECT count(*) FROM procrastinate_workers")).fetchone()
            if row == (workers,):
                return
            await asyncio.sleep(0.01)


def assert_once(platform: Emulator, count: int) -> None:
    times = Counter(video.asset.filename for video in platform.state.videos.values())
    assert times == {f"film-{number:03}.mp4": 1 for number in range(count)}
    assert len(platform.state.assets) == count


async def index_of(platform: Emulator) -> str:
    async with AsyncTwelveLabs(platform.api_key, base_url=platform.base_url) as client:
        return (await client.indexes.ensure("films", MODELS)).id


async def test_one_worker_carries_what_was_submitted(platform: Emulator, ledger: str, tmp_path: Path) -> None:
    index_id = await index_of(platform)
    submitted = await submit(ledger, films(tmp_path / "films", 12), index_id=index_id)
    assert (submitted.accepted, submitted.inputs) == (12, 12)
    async with worker(platform, ledger):
        done = await until_done(ledger)
    assert (done.ready, done.failed, done.stuck) == (12, 0, 0)
    assert_once(platform, 12)


async def test_a_worker_that_is_killed_leaves_nothing_undone_and_nothing_twice(
    platform: Emulator, ledger: str, tmp_path: Path
) -> None:
    index_id = await index_of(platform)
    for seed, kind in enumerate(FAULTS):
        platform.faults.add("*", times=None, probability=0.05 / len(FAULTS), seed=seed, **kind)
    await submit(ledger, films(tmp_path / "films", 40), index_id=index_id)
    async with worker(platform, ledger) as mortal, worker(platform, ledger):
        while not 5 <= len(platform.state.assets) < 30:
            await asyncio.sleep(0.01)
        mortal.kill()
        done = await until_done(ledger)
    assert (done.ready, done.failed, done.stuck) == (40, 0, 0), done.troubled
    assert_once(platform, 40)


async def test_the_database_may_be_started_anew_under_load(
    database_server: Server, platform: Emulator, ledger: str, tmp_path: Path
) -> None:
    index_id = await index_of(platform)
    await submit(ledger, films(tmp_path / "films", 40), index_id=index_id)
    async with worker(platform, ledger), worker(platform, ledger):
        await at_work(ledger, 2)
        while len(platform.state.assets) < 5:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(database_server.stop)
        await asyncio.sleep(1.0)
        await asyncio.to_thread(database_server.start)
        done = await until_done(ledger)
    assert (done.ready, done.failed, done.stuck) == (40, 0, 0), done.troubled
    assert_once(platform, 40)


async def test_a_worker_that_loses_the_database_stops_its_steps_before_others_take_them_over(
    database_server: Server, platform: Emulator, ledger: str, tmp_path: Path
) -> None:
    index_id = await index_of(platform)
    platform.faults.add("POST /assets", times=1, delay=20, reset="before")
    await submit(ledger, films(tmp_path / "films", 1), index_id=index_id)
    async with in_this_process(platform, ledger) as working:
        await at_work(ledger, 1)
        while (await status(ledger)).uploading == 0:
            await asyncio.sleep(0.05)
        await asyncio.to_thread(database_server.stop)
        try:
            async with asyncio.timeout(DEAD):  # after that others may be at it
                while working.done == 0:
                    await asyncio.sleep(0.05)
        finally:
            await asyncio.to_thread(database_server.start)
        done = await until_done(ledger)
    assert (done.ready, done.failed, done.stuck) == (1, 0, 0), done.troubled
    assert_once(platform, 1)


async def test_what_the_platform_does_not_end_in_time_is_stuck_until_it_is_submitted_again(
    ledger: str, tmp_path: Path
) -> None:
    async with Emulator(timing=Timing(asset=0.2, indexing=10.0), probe=False, upload_headers={}) as slow:
        index_id, folder = await index_of(slow), films(tmp_path / "films", 2)
        await submit(ledger, folder, index_id=index_id)
        async with in_this_process(slow, ledger, timeout=2.0):
            given_up = await until_done(ledger)
        assert (given_up.ready, given_up.stuck) == (0, 2)
        assert all("still indexing it after" in entry.error for entry in given_up.troubled)
        assert (await submit(ledger, folder, index_id=index_id)).accepted == 2
        async with in_this_process(slow, ledger):
            done = await until_done(ledger)
        assert (done.ready, done.failed, done.stuck) == (2, 0, 0), done.troubled
        assert_once(slow, 2)


async def test_the_manual_shows_how_to_do_it_from_python(
    platform: Emulator, ledger: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", MANUAL, flags=re.DOTALL)[0], names)  # noqa: S102  # our own manual
    index_id = await index_of(platform)
    async with AsyncTwelveLabs(platform.api_key, base_url=platform.base_url) as client:
        await names["carry"](client, ledger, str(films(tmp_path / "films", 3)), index_id)
    assert capsys.readouterr().out == "3 handed in\n"
    assert_once(platform, 3)
