"""`python -m benchmarks.ingest.child NAME BASE_URL INDEX FOLDER`: the programs that are killed.

Each ingests a folder and remembers beside it what it has done, in its own way. Exit code 0 means that nothing is left.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.ingest.platform import KEY
from twelvelabs_async import AsyncTwelveLabs

if TYPE_CHECKING:
    from twelvelabs import AsyncTwelveLabs as Official

AT_ONCE: Final = 8
DIRECT_UP_TO: Final = 60_000
"""Bytes: about half of the videos go in one request, the others in parts."""


async def ours(base_url: str, index_id: str, folder: Path) -> int:
    """This project, with a ledger."""
    async with AsyncTwelveLabs(KEY, base_url=base_url) as client:
        summary = await client.ingest(
            folder,
            index_id=index_id,
            concurrency=AT_ONCE,
            ledger=folder.with_suffix(".ledger"),
            direct_up_to=DIRECT_UP_TO,
        ).summary()
    for outcome in summary.failures[:3]:
        print(outcome.source, outcome.error, file=sys.stderr)
    return summary.inputs - summary.ready


async def naive(base_url: str, index_id: str, folder: Path) -> int:
    """A loop over the official client: a list of what is done, eight at once, and failures are printed."""
    from twelvelabs import AsyncTwelveLabs as Client  # noqa: PLC0415  # loaded by this one only

    client = Client(api_key=KEY, base_url=base_url.removesuffix("/v1.3") + "/v1.3")
    done, left = folder.with_suffix(".done"), 0
    room = asyncio.Semaphore(AT_ONCE)

    async def one(path: Path, size: int) -> None:
        nonlocal left
        async with room:
            try:
                await _put(client, index_id, path, size)
            except Exception as error:  # noqa: BLE001  # what such loops do
                left += 1
                print(path.name, type(error).__name__, file=sys.stderr)
                return
        with done.open("a") as file:
            file.write(path.name + "\n")

    await asyncio.gather(*(one(path, size) for path, size in _left(folder, done)))
    return left


def _left(folder: Path, done: Path) -> list[tuple[Path, int]]:
    """Files that are not in the list, with their sizes."""
    done.touch()
    finished = set(done.read_text().split())
    return [(path, path.stat().st_size) for path in sorted(folder.iterdir()) if path.name not in finished]


async def _put(client: Official, index_id: str, path: Path, size: int) -> None:
    uploads: Any = client.multipart_upload  # declared as a class that has no upload_file
    if size <= DIRECT_UP_TO:
        with path.open("rb") as file:
            asset_id = (await client.assets.create(method="direct", file=file, filename=path.name)).id
    else:
        asset_id = (await uploads.upload_file(path)).asset_id
    assert asset_id is not None
    while (await client.assets.retrieve(asset_id)).status == "processing":  # noqa: ASYNC110  # there is no event
        await asyncio.sleep(0.5)
    await client.indexes.indexed_assets.create(index_id, asset_id=asset_id)


PROGRAMS: Final = {"ours": ours, "naive": naive}

if __name__ == "__main__":
    name, where, index, videos = sys.argv[1:]
    sys.exit(min(1, asyncio.run(PROGRAMS[name](where, index, Path(videos)))))
