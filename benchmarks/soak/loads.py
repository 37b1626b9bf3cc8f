"""What goes on at once on the one client: searches, streams, an ingestion, waits; some of them are cancelled."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import attrs

from benchmarks.soak.account import Account
from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import samples
from twelvelabs_async.ingest import Outcome

CANCELLED: Final = 0.1
"""Share of the calls that their caller gives up."""

BATCH: Final = 40
"""Files of one ingestion, and assets of one wait."""


@attrs.frozen(kw_only=True)
class Load:
    """Everything the loads share."""

    client: AsyncTwelveLabs
    """The one client."""
    index_id: str
    """An index."""
    asset_id: str
    """A video that is ready."""
    folder: Path
    """For files and ledgers."""
    account: Account
    """Where each call is written down."""
    chance: random.Random
    """What decides who is cancelled, and when."""

    async def _one(self, kind: str, work: Callable[[], Awaitable[object]]) -> None:
        patience = self.chance.uniform(0.001, 0.05) if self.chance.random() < CANCELLED else None
        try:
            async with self.account.call(kind), asyncio.timeout(patience):
                await work()
        except TimeoutError:
            pass

    async def search(self) -> None:
        """People who search, without end."""
        while True:
            await self._one("search", self._search)
            await asyncio.sleep(self.chance.uniform(0, 0.2))

    async def _search(self) -> None:
        hits = self.client.search.query(index_id=self.index_id, search_options=["visual"], query_text="a boat")
        await hits.collect(15)

    async def stream(self) -> None:
        """Analyses that are read as they are written, every third only half."""
        for number in itertools.count():
            await self._one("stream", self._half if number % 3 == 0 else self._whole)
            await asyncio.sleep(self.chance.uniform(0, 0.3))

    async def _whole(self) -> None:
        video = {"type": "asset_id", "asset_id": self.asset_id}
        await self.client.analyze_stream(video=video, prompt="What happens?").text()

    async def _half(self) -> None:
        video = {"type": "asset_id", "asset_id": self.asset_id}
        async for _ in self.client.analyze_stream(video=video, prompt="What happens?"):
            break

    async def wait(self) -> None:
        """Assets that the platform fetches itself, waited for together."""
        while True:
            await self._one("wait for many", self._wait)

    async def _wait(self) -> None:
        made = [asset_id for _ in range(BATCH) if (asset_id := await self._created()) is not None]
        async for _ in self.client.assets.wait_for_all(made, timeout=120):
            pass
        for asset_id in made:
            await self._delete(asset_id)

    async def _created(self) -> str | None:
        async with self.account.call("create"):
            return (await self.client.assets.create(method="url", url="https://media.example/clip.mp4")).id
        return None  # it failed, and was written down

    async def _delete(self, asset_id: str) -> None:
        async with self.account.call("delete"):
            await self.client.assets.delete(asset_id, force=True)

    async def ingest(self) -> None:
        """One ingestion after the other, each with a ledger of its own; its outcomes are calls of their own."""
        for number in itertools.count():
            folder = self.folder / str(number)
            files = await asyncio.to_thread(_files, folder)
            told = 0
            async for outcome in self.client.ingest(files, index_id=self.index_id, ledger=folder / "ledger.db"):
                told += 1
                await self._ended(outcome)
            if told != len(files):
                raise AssertionError(f"{told} outcomes for {len(files)} files")

    async def _ended(self, outcome: Outcome) -> None:
        self.account.begun["ingest"] += 1
        self.account.ended["ingest", outcome.status] += 1
        if outcome.asset_id is not None:
            await self._delete(outcome.asset_id)


def _files(folder: Path) -> list[Path]:
    folder.mkdir()
    made = [folder / f"clip-{number}.mp4" for number in range(BATCH)]
    for number, path in enumerate(made):
        path.write_bytes(samples.video(seconds=10 + number / BATCH, size=20_000 + number))
    return made


def work(load: Load, *, people: int = 8) -> list[Coroutine[Any, Any, None]]:
    """All loads, to be run side by side."""
    return [*(load.search() for _ in range(people)), load.stream(), load.stream(), load.wait(), load.ingest()]
