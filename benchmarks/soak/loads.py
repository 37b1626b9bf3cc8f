"""The concurrent loads on one client: searches, streams, an ingestion and waits; some of them are cancelled."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import attrs

from benchmarks.soak.account import CallLog
from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import samples
from twelvelabs_async.ingest import IngestResult

CANCELLED_SHARE: Final = 0.1
"""Share of calls that are cancelled."""

STORM_CANCELLED_SHARE: Final = 0.33
"""Share of the calls of a storm that are cancelled."""

STORM_WEIGHTS: Final = (8, 8, 2, 2, 4, 1)
"""Relative frequency of each kind of call in a storm."""

STORM_FILE: Final = "storm.mp4"
"""File in the folder of the workload that the storm uploads in parts."""

BATCH_SIZE: Final = 40
"""Number of files of one ingestion, and of assets of one wait."""


@attrs.frozen(kw_only=True)
class Workload:
    """The state that all loads share."""

    client: AsyncTwelveLabs
    """The client."""
    index_id: str
    """An index."""
    asset_id: str
    """A video that is ready."""
    folder: Path
    """Folder of files and ledgers."""
    call_log: CallLog
    """Counts the calls."""
    rng: random.Random
    """Decides which calls are cancelled, and when."""

    async def _run_call(
        self,
        kind: str,
        operation: Callable[[], Awaitable[object]],
        *,
        cancelled_share: float = CANCELLED_SHARE,
        max_delay: float = 0.05,
    ) -> None:
        timeout = self.rng.uniform(0.001, max_delay) if self.rng.random() < cancelled_share else None
        try:
            async with self.call_log.record(kind), asyncio.timeout(timeout):
                await operation()
        except TimeoutError:
            pass

    async def search(self) -> None:
        """Search until cancelled."""
        while True:
            await self._run_call("search", self._search)
            await asyncio.sleep(self.rng.uniform(0, 0.2))

    async def _search(self) -> None:
        hits = self.client.search.query(index_id=self.index_id, search_options=["visual"], query_text="a boat")
        await hits.to_list(15)

    async def stream(self) -> None:
        """Read streamed analyses; stop early in every third one."""
        for number in itertools.count():
            await self._run_call("stream", self._read_partial_stream if number % 3 == 0 else self._read_stream)
            await asyncio.sleep(self.rng.uniform(0, 0.3))

    async def _read_stream(self) -> None:
        video = {"type": "asset_id", "asset_id": self.asset_id}
        await self.client.analyze_stream(video=video, prompt="What happens?").text()

    async def _read_partial_stream(self) -> None:
        video = {"type": "asset_id", "asset_id": self.asset_id}
        async for _ in self.client.analyze_stream(video=video, prompt="What happens?"):
            break

    async def storm(self) -> None:
        """Make random calls one after the other; cancel a third of them at a random time within two seconds."""
        operations: dict[str, Callable[[], Awaitable[object]]] = {
            "list": self._list,
            "search": self._search,
            "stream": self._read_stream,
            "part of a stream": self._read_partial_stream,
            "upload": self._upload,
            "upload in parts": self._upload_in_parts,
        }
        while True:
            (kind,) = self.rng.choices([*operations], weights=STORM_WEIGHTS)
            await self._run_call(kind, operations[kind], cancelled_share=STORM_CANCELLED_SHARE, max_delay=2.0)

    async def _list(self) -> None:
        await self.client.indexes.list()

    async def _upload(self) -> None:
        await self.client.assets.upload(samples.video(size=50_000), filename="storm.mp4", method="direct")

    async def _upload_in_parts(self) -> None:
        await self.client.assets.upload(self.folder / STORM_FILE, method="multipart")

    async def wait(self) -> None:
        """Create assets by URL and wait for all of them."""
        while True:
            await self._run_call("wait for many", self._wait)

    async def _wait(self) -> None:
        created = [asset_id for _ in range(BATCH_SIZE) if (asset_id := await self._create_asset()) is not None]
        async for _ in self.client.assets.wait_for_all(created, timeout=120):
            pass
        for asset_id in created:
            await self._delete_asset(asset_id)

    async def _create_asset(self) -> str | None:
        async with self.call_log.record("create"):
            return (await self.client.assets.create(method="url", url="https://media.example/clip.mp4")).id
        return None  # after an error, which was counted

    async def _delete_asset(self, asset_id: str) -> None:
        async with self.call_log.record("delete"):
            await self.client.assets.delete(asset_id, force=True)

    async def ingest(self) -> None:
        """Run one ingestion after the other, each with its own ledger; count each result as a call."""
        for number in itertools.count():
            folder = self.folder / str(number)
            files = await asyncio.to_thread(_create_files, folder)
            result_count = 0
            async for result in self.client.ingest(files, index_id=self.index_id, ledger=folder / "ledger.db"):
                result_count += 1
                await self._record_result(result)
            if result_count != len(files):
                raise AssertionError(f"{result_count} results for {len(files)} files")

    async def _record_result(self, result: IngestResult) -> None:
        self.call_log.started["ingest"] += 1
        self.call_log.finished["ingest", result.status] += 1
        if result.asset_id is not None:
            await self._delete_asset(result.asset_id)


def _create_files(folder: Path) -> list[Path]:
    folder.mkdir()
    created = [folder / f"clip-{number}.mp4" for number in range(BATCH_SIZE)]
    for number, path in enumerate(created):
        path.write_bytes(samples.video(seconds=10 + number / BATCH_SIZE, size=20_000 + number))
    return created


def workload_coroutines(workload: Workload, *, search_users: int = 8) -> list[Coroutine[Any, Any, None]]:
    """Return the coroutines of all loads."""
    return [
        *(workload.search() for _ in range(search_users)),
        workload.stream(),
        workload.stream(),
        workload.wait(),
        workload.ingest(),
    ]


def storm_coroutines(workload: Workload, *, callers: int) -> list[Coroutine[Any, Any, None]]:
    """Return the coroutines of callers that make random calls without a pause."""
    (workload.folder / STORM_FILE).write_bytes(samples.video(size=12 << 20))
    return [workload.storm() for _ in range(callers)]
