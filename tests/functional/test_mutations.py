"""P11: never wrong bytes. A thousand uploads of files that are changed under them, to a storage that errs."""

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
"""Seconds since the epoch at which each file was last written: a file system does not tell two writes of one moment."""


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with Emulator(timing=Timing(asset=0, indexing=0), chunk_size=CHUNK, first_urls=4, probe=False) as running:
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


def leave(_path: Path, _chance: random.Random) -> None:
    """The storage errs enough by itself."""


CHANGES: Final[list[Callable[[Path, random.Random], None]]] = [overwrite, truncate, append, replace, remove, leave]


def err(emulator: Emulator, chance: random.Random) -> None:
    """Let something go wrong on the side of the server, too."""
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


def parts(content: bytes) -> list[str]:
    pieces = [content[at : at + CHUNK] for at in range(0, len(content), CHUNK)]
    return [hashlib.md5(piece, usedforsecurity=False).hexdigest() for piece in pieces]


async def mutated_run(client: AsyncTwelveLabs, emulator: Emulator, path: Path, chance: random.Random) -> str:
    """One upload during which the file is changed; says how it ended, and fails if it ended wrong."""
    content = chance.randbytes(chance.randint(1, 8 * CHUNK))
    path.write_bytes(content)
    os.utime(path, (LONG_AGO, LONG_AGO))
    emulator.faults.clear()
    err(emulator, chance)
    change, left = chance.choice(CHANGES), chance.randrange(12)

    def mutate(_: UploadProgress) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            asyncio.get_running_loop().call_soon(change, path, chance)  # not within a frame of the client

    known = set(emulator.state.assets)
    try:
        asset = await client.assets.upload(path, method="multipart", concurrency=3, on_progress=mutate)
    except (UploadError, APIError):
        assert set(emulator.state.assets) == known, "a failed upload left an asset behind"
        return "refused"
    finally:
        await asyncio.sleep(0)
    (upload,) = (upload for upload in emulator.state.uploads.values() if upload.asset_id == asset.id)
    assert [chunk.etag for chunk in upload.chunks] == parts(content), f"{change.__name__} was not noticed"
    return "arrived"


@pytest.mark.parametrize("seed", range(4))
async def test_p11_of_a_thousand_mutated_uploads_none_is_silently_wrong(
    client: AsyncTwelveLabs, emulator: Emulator, tmp_path: Path, seed: int
) -> None:
    asyncio.get_running_loop().set_debug(False)
    chance = random.Random(seed)  # noqa: S311  # no secret
    ends = Counter([await mutated_run(client, emulator, tmp_path / "film.mp4", chance) for _ in range(250)])
    assert ends["arrived"] > 50
    assert ends["refused"] > 50
