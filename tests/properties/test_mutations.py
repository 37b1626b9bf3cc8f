"""P11: no wrong bytes. A thousand uploads of files that change meanwhile, to a storage with faults."""

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
LONG_AGO: Final = 1_600_000_000
"""Modification time of each file, in seconds since the epoch, so that a second write always changes it."""


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with Emulator(
        timing=Timing(asset=0, indexing=0), chunk_size=CHUNK, initial_presigned_urls=4, inspect_media=False
    ) as running:
        yield running


def overwrite(path: Path, chance: random.Random) -> None:
    with path.open("r+b") as file:
        file.seek(chance.randrange(path.stat().st_size))
        file.write(chance.randbytes(1))


def truncate(path: Path, chance: random.Random) -> None:
    os.truncate(path, chance.randrange(path.stat().st_size))


def append(path: Path, chance: random.Random) -> None:
    with path.open("ab") as file:
        file.write(chance.randbytes(chance.randint(1, CHUNK)))


def replace(path: Path, chance: random.Random) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(chance.randbytes(path.stat().st_size))
    os.utime(other, (LONG_AGO, LONG_AGO))
    other.replace(path)


def remove(path: Path, _: random.Random) -> None:
    path.unlink()


def keep(_path: Path, _chance: random.Random) -> None:
    """Only the storage fails."""


CHANGES: Final[list[Callable[[Path, random.Random], None]]] = [overwrite, truncate, append, replace, remove, keep]


def add_fault(emulator: Emulator, chance: random.Random) -> None:
    """Add a fault of the server, or none."""
    after = chance.randrange(4)
    lost = '{"processed_chunks": 0, "duplicate_chunks": 0, "total_completed": 0}'
    match chance.randrange(5):
        case 0:
            emulator.faults.add("storage", status=200, headers={"ETag": f'"{0:032}"'}, after=after)
        case 1:
            emulator.faults.add("storage", reset="after", after=after)
        case 2:
            emulator.faults.add("storage", truncate=True, after=after)
        case 3:
            emulator.faults.add("POST /assets/multipart-uploads/{upload_id}", status=200, body=lost)
        case _:
            return


def part_hashes(content: bytes) -> list[str]:
    parts = [content[at : at + CHUNK] for at in range(0, len(content), CHUNK)]
    return [hashlib.md5(part, usedforsecurity=False).hexdigest() for part in parts]


async def mutated_run(client: AsyncTwelveLabs, emulator: Emulator, path: Path, chance: random.Random) -> str:
    """Upload a file and change it meanwhile; return the outcome, and fail if the bytes are wrong."""
    content = chance.randbytes(chance.randint(1, 8 * CHUNK))
    path.write_bytes(content)
    os.utime(path, (LONG_AGO, LONG_AGO))
    emulator.faults.clear()
    add_fault(emulator, chance)
    change, left = chance.choice(CHANGES), chance.randrange(12)

    def mutate(_: UploadProgress) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            asyncio.get_running_loop().call_soon(change, path, chance)  # not in a call frame of the client

    known = set(emulator.state.assets)
    try:
        asset = await client.assets.upload(path, method="multipart", concurrency=3, on_progress=mutate)
    except (UploadError, APIError):
        assert set(emulator.state.assets) == known, "a failed upload left an asset"
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
    chance = random.Random(seed)  # noqa: S311  # no secret
    outcomes = Counter([await mutated_run(client, emulator, tmp_path / "film.mp4", chance) for _ in range(250)])
    assert outcomes["arrived"] > 50
    assert outcomes["rejected"] > 50
