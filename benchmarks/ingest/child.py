"""`python -m benchmarks.ingest.child NAME BASE_URL INDEX FOLDER [LEDGER]`: programs for the benchmark with kills.

Each program ingests a folder and stores its progress next to the folder. Exit code 0 means that all files are ingested.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.ingest.platform import API_KEY
from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.ingest import IngestEvent, ItemFinished, ItemProgress

if TYPE_CHECKING:
    from twelvelabs import AsyncTwelveLabs as Official

CONCURRENCY: Final = 8
MULTIPART_THRESHOLD: Final = 60_000
"""Threshold in bytes; about half of the videos are sent in one request, the others in parts."""


async def ingest_with_ledger(base_url: str, index_id: str, folder: Path, ledger: str | None = None) -> int:
    """Ingest with this package and a ledger; return the number of items that are not ready.

    The program prints a line when the ledger is open.
    """
    is_open = False

    def on_event(event: IngestEvent) -> None:
        nonlocal is_open
        if isinstance(event, ItemProgress | ItemFinished) and not is_open:
            is_open = True
            print("open", flush=True)

    async with AsyncTwelveLabs(API_KEY, base_url=base_url) as client:
        summary = await client.ingest(
            folder,
            index_id=index_id,
            concurrency=CONCURRENCY,
            ledger=ledger or folder.with_suffix(".ledger"),
            on_event=on_event,
            multipart_threshold=MULTIPART_THRESHOLD,
        ).summary()
    for result in summary.failures[:3]:
        print(result.source, result.error, file=sys.stderr)
    return summary.inputs - summary.ready


async def ingest_with_official_client(base_url: str, index_id: str, folder: Path, _: str | None = None) -> int:
    """Ingest with a loop around the official client; return the number of failures.

    The program keeps a list of finished files, uploads up to eight files concurrently, and prints failures.
    """
    from twelvelabs import AsyncTwelveLabs as Client  # noqa: PLC0415  # only this program needs it

    client = Client(api_key=API_KEY, base_url=base_url.removesuffix("/v1.3") + "/v1.3")
    done_list, failures = folder.with_suffix(".done"), 0
    slots = asyncio.Semaphore(CONCURRENCY)

    async def ingest_one(path: Path, size: int) -> None:
        nonlocal failures
        async with slots:
            try:
                await _upload_and_index(client, index_id, path, size)
            except Exception as error:  # noqa: BLE001  # like typical scripts
                failures += 1
                print(path.name, type(error).__name__, file=sys.stderr)
                return
        with done_list.open("a") as file:
            file.write(path.name + "\n")

    await asyncio.gather(*(ingest_one(path, size) for path, size in _unfinished(folder, done_list)))
    return failures


def _unfinished(folder: Path, done_list: Path) -> list[tuple[Path, int]]:
    """Return the files that are not in the list, with their sizes."""
    done_list.touch()
    finished = set(done_list.read_text().split())
    return [(path, path.stat().st_size) for path in sorted(folder.iterdir()) if path.name not in finished]


async def _upload_and_index(client: Official, index_id: str, path: Path, size: int) -> None:
    uploads: Any = client.multipart_upload  # the declared type lacks upload_file
    if size <= MULTIPART_THRESHOLD:
        with path.open("rb") as file:
            asset_id = (await client.assets.create(method="direct", file=file, filename=path.name)).id
    else:
        asset_id = (await uploads.upload_file(path)).asset_id
    assert asset_id is not None
    while (await client.assets.retrieve(asset_id)).status == "processing":  # noqa: ASYNC110  # there is no notification
        await asyncio.sleep(0.5)
    await client.indexes.indexed_assets.create(index_id, asset_id=asset_id)


PROGRAMS: Final = {"ours": ingest_with_ledger, "naive": ingest_with_official_client}

if __name__ == "__main__":
    name, url, index, videos, *ledger_path = sys.argv[1:]
    sys.exit(min(1, asyncio.run(PROGRAMS[name](url, index, Path(videos), *ledger_path))))
