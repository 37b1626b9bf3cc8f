"""P11: 1,000 uploads of files that change during the upload, to a storage with faults, store no wrong bytes."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import pytest

from twelvelabs_async import APIError, AsyncTwelveLabs, UploadError, UploadProgress
from twelvelabs_async.emulator import Emulator, Timing

CHUNK: Final = 1024
MODIFIED_AT: Final = 1_600_000_000
"""Modification time of each file, in seconds since the epoch; a later write always changes it."""


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with Emulator(
        timing=Timing(asset=0, indexing=0), chunk_size=CHUNK, initial_presigned_urls=4, inspect_media=False
    ) as emulator:
        yield emulator


def overwrite(path: Path, rng: random.Random) -> None:
    with path.open("r+b") as file:
        file.seek(rng.randrange(path.stat().st_size))
        file.write(rng.randbytes(1))


def truncate(path: Path, rng: random.Random) -> None:
    os.truncate(path, rng.randrange(path.stat().st_size))


def append(path: Path, rng: random.Random) -> None:
    with path.open("ab") as file:
        file.write(rng.randbytes(rng.randint(1, CHUNK)))


def replace(path: Path, rng: random.Random) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(rng.randbytes(path.stat().st_size))
    os.utime(other, (MODIFIED_AT, MODIFIED_AT))
    other.replace(path)


def remove(path: Path, _: random.Random) -> None:
    path.unlink()


def keep(_path: Path, _rng: random.Random) -> None:
    """Leave the file unchanged."""


CHANGES: Final[list[Callable[[Path, random.Random], None]]] = [overwrite, truncate, append, replace, remove, keep]


def add_fault(emulator: Emulator, rng: random.Random) -> None:
    """Add a random fault, or none."""
    after = rng.randrange(4)
    no_chunks = '{"processed_chunks": 0, "duplicate_chunks": 0, "total_completed": 0}'
    match rng.randrange(5):
        case 0:
            emulator.faults.add("storage", status=200, headers={"ETag": f'"{0:032}"'}, after=after)
        case 1:
            emulator.faults.add("storage", reset="after", after=after)
        case 2:
            emulator.faults.add("storage", truncate=True, after=after)
        case 3:
            emulator.faults.add("POST /assets/multipart-uploads/{upload_id}", status=200, body=no_chunks)
        case _:
            return


def part_hashes(content: bytes) -> list[str]:
    parts = [content[offset : offset + CHUNK] for offset in range(0, len(content), CHUNK)]
    return [hashlib.md5(part, usedforsecurity=False).hexdigest() for part in parts]


async def upload_and_mutate(client: AsyncTwelveLabs, emulator: Emulator, path: Path, rng: random.Random) -> str:
    """Upload a file, change it during the upload, and return the outcome; fail if the stored bytes are wrong."""
    content = rng.randbytes(rng.randint(1, 8 * CHUNK))
    path.write_bytes(content)
    os.utime(path, (MODIFIED_AT, MODIFIED_AT))
    emulator.faults.clear()
    add_fault(emulator, rng)
    change, remaining_events = rng.choice(CHANGES), rng.randrange(12)

    def mutate(_: UploadProgress) -> None:
        nonlocal remaining_events
        remaining_events -= 1
        if remaining_events == 0:
            asyncio.get_running_loop().call_soon(change, path, rng)  # outside of the client's call stack

    existing_assets = set(emulator.state.assets)
    try:
        asset = await client.assets.upload(path, method="multipart", concurrency=3, on_progress=mutate)
    except (UploadError, APIError):
        assert set(emulator.state.assets) == existing_assets, "a failed upload left an asset"
        return "rejected"
    finally:
        await asyncio.sleep(0)
    (upload,) = (upload for upload in emulator.state.uploads.values() if upload.asset_id == asset.id)
    assert [chunk.etag for chunk in upload.chunks] == part_hashes(content), f"{change.__name__} was not detected"
    return "arrived"


@pytest.mark.parametrize("seed", range(4))
async def test_p11_file_changes_during_a_thousand_uploads_cause_no_silent_corruption(
    client: AsyncTwelveLabs, emulator: Emulator, tmp_path: Path, seed: int
) -> None:
    asyncio.get_running_loop().set_debug(False)
    rng = random.Random(seed)  # noqa: S311  # not for cryptography
    outcomes = Counter([await upload_and_mutate(client, emulator, tmp_path / "film.mp4", rng) for _ in range(250)])
    assert outcomes["arrived"] > 50
    assert outcomes["rejected"] > 50
