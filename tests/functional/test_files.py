"""Every kind of file argument is uploaded with its content and its name."""

from __future__ import annotations

import io
import mmap
import os
import tempfile
import zipfile
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from aiohttp.web import FileField
from multidict import CIMultiDict, CIMultiDictProxy
from starlette.datastructures import UploadFile
from typing_extensions import override

from twelvelabs_async import AsyncTwelveLabs, FilePart, InvalidInputError
from twelvelabs_async.emulator import Emulator, Timing, samples

FILM = samples.video(4)
IMAGE = samples.image()

MakeFile = Callable[[Path, AsyncExitStack], Awaitable[Any]]


async def blocks(content: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


class BodyPart:
    """A body part as in aiohttp: `read` takes no size."""

    def __init__(self, content: bytes, filename: str) -> None:
        self.filename = filename
        self._file = io.BytesIO(content)

    async def read(self, *, decode: bool = False) -> bytes:
        raise AssertionError(decode)

    async def read_chunk(self, size: int = 8192) -> bytes:
        return self._file.read(size)

    def decode(self, data: bytes) -> bytes:
        return data


class PipeReader(io.RawIOBase):
    """A file object that cannot seek."""

    def __init__(self, content: bytes, name: str) -> None:
        self.name = name
        self._file = io.BytesIO(content)

    @override
    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)


def named_buffer(path: Path) -> Any:
    buffer = io.BytesIO(path.read_bytes())
    buffer.name = str(path)
    return buffer


def spooled_file(max_size: int, path: Path, stack: AsyncExitStack) -> Any:
    file: Any = stack.enter_context(tempfile.SpooledTemporaryFile(max_size=max_size))  # noqa: SIM115  # the stack closes it
    return fill(file, path)


def fill(file: Any, path: Path) -> Any:
    file.write(path.read_bytes())  # leaves the position at the end
    return file


def zip_member(path: Path, stack: AsyncExitStack) -> Any:
    archive = stack.enter_context(zipfile.ZipFile(path.with_suffix(".zip"), "w"))
    archive.writestr(f"folder/{path.name}", path.read_bytes())
    archive.close()
    opened = stack.enter_context(zipfile.ZipFile(path.with_suffix(".zip")))
    return stack.enter_context(opened.open(f"folder/{path.name}"))


async def from_aiofiles(path: Path, stack: AsyncExitStack) -> Any:
    aiofiles = pytest.importorskip("aiofiles")
    return await stack.enter_async_context(aiofiles.open(path, "rb"))


async def from_fsspec(path: Path, stack: AsyncExitStack) -> Any:
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    memory.pipe_file(f"/bucket/{path.name}", path.read_bytes())
    return stack.enter_context(memory.open(f"/bucket/{path.name}", "rb"))


async def from_anyio(path: Path, stack: AsyncExitStack) -> Any:
    return await stack.enter_async_context(await anyio.open_file(path, "rb"))


def sync_factory(factory: Callable[[Path, AsyncExitStack], Any]) -> MakeFile:
    async def async_factory(path: Path, stack: AsyncExitStack) -> Any:
        return factory(path, stack)

    return async_factory


NAMED: dict[str, MakeFile] = {
    "path": sync_factory(lambda path, _: path),
    "string": sync_factory(lambda path, _: str(path)),
    "open file": sync_factory(lambda path, stack: stack.enter_context(path.open("rb"))),
    "unbuffered file": sync_factory(lambda path, stack: stack.enter_context(path.open("rb", buffering=0))),
    "BytesIO with a name": sync_factory(lambda path, _: named_buffer(path)),
    "file in a ZIP archive": sync_factory(zip_member),
    "pipe": sync_factory(lambda path, _: PipeReader(path.read_bytes(), path.name)),
    "UploadFile": sync_factory(
        lambda path, _: UploadFile(io.BytesIO(path.read_bytes()), size=path.stat().st_size, filename=path.name)
    ),
    "UploadFile without size": sync_factory(
        lambda path, _: UploadFile(io.BytesIO(path.read_bytes()), filename=path.name)
    ),
    "anyio": from_anyio,
    "anyio path": sync_factory(lambda path, _: anyio.Path(path)),
    "aiofiles": from_aiofiles,
    "fsspec": from_fsspec,
    "body part of aiohttp": sync_factory(lambda path, _: BodyPart(path.read_bytes(), path.name)),
    "file field of aiohttp": sync_factory(
        lambda path, _: FileField(
            "f", path.name, fill(io.BytesIO(), path), "video/mp4", CIMultiDictProxy(CIMultiDict())
        )
    ),
    "name and bytes": sync_factory(lambda path, _: (path.name, path.read_bytes())),
    "name and path": sync_factory(lambda path, _: (path.name, path)),
    "name, file and type": sync_factory(
        lambda path, stack: (path.name, stack.enter_context(path.open("rb")), "video/mp4")
    ),
    "name and iterator": sync_factory(lambda path, _: (path.name, blocks(path.read_bytes()))),
    "part of a form": sync_factory(
        lambda path, _: FilePart(name="", filename=path.name, content=path.read_bytes(), size=path.stat().st_size)
    ),
    "streamed part of a form": sync_factory(
        lambda path, _: FilePart(
            name="", filename=path.name, content=partial(blocks, path.read_bytes()), size=path.stat().st_size
        )
    ),
}
NAMELESS: dict[str, MakeFile] = {
    "bytes": sync_factory(lambda path, _: path.read_bytes()),
    "bytearray": sync_factory(lambda path, _: bytearray(path.read_bytes())),
    "memoryview": sync_factory(lambda path, _: memoryview(path.read_bytes())),
    "memoryview with steps": sync_factory(
        lambda path, _: memoryview(b"".join(bytes([b, 0]) for b in path.read_bytes()))[::2]
    ),
    "array": sync_factory(lambda path, _: array("B", path.read_bytes())),
    "mmap": sync_factory(
        lambda path, stack: stack.enter_context(
            mmap.mmap(stack.enter_context(path.open("rb")).fileno(), 0, access=mmap.ACCESS_READ)
        )
    ),
    "BytesIO": sync_factory(lambda path, _: io.BytesIO(path.read_bytes())),
    "BytesIO after writing": sync_factory(lambda path, _: fill(io.BytesIO(), path)),
    "SpooledTemporaryFile": sync_factory(lambda path, stack: spooled_file(2**20, path, stack)),
    "SpooledTemporaryFile on disk": sync_factory(lambda path, stack: spooled_file(10, path, stack)),
    "TemporaryFile": sync_factory(lambda path, stack: fill(stack.enter_context(tempfile.TemporaryFile()), path)),  # noqa: SIM115  # the stack closes it
    "async iterator": sync_factory(lambda path, _: blocks(path.read_bytes())),
}
FILE_KINDS = NAMED | NAMELESS


@pytest.fixture(scope="module")
async def shared_emulator() -> AsyncIterator[Emulator]:
    """An emulator that stores uploads in small chunks."""
    async with Emulator(chunk_size=64 * 1024, timing=Timing(asset=0, indexing=0)) as running:
        yield running


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "sailing.mp4"
    path.write_bytes(FILM)
    return path


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "boat.jpg"
    path.write_bytes(IMAGE)
    return path


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.mark.parametrize("method", ["direct", "multipart"])
@pytest.mark.parametrize("kind", FILE_KINDS)
async def test_assets_upload_accepts_every_kind_of_file(
    client: AsyncTwelveLabs, emulator: Emulator, film: Path, stack: AsyncExitStack, kind: str, method: Any
) -> None:
    file = await FILE_KINDS[kind](film, stack)
    name = None if kind in NAMED else "sailing.mp4"
    asset = await client.assets.upload(file, filename=name, method=method)
    assert asset.filename == "sailing.mp4"
    expected = await client.assets.upload(film, method=method)
    assert digest(emulator, asset.id) == digest(emulator, expected.id)


@pytest.mark.parametrize("kind", FILE_KINDS)
async def test_assets_create_accepts_every_kind_of_file(
    client: AsyncTwelveLabs, emulator: Emulator, film: Path, stack: AsyncExitStack, kind: str
) -> None:
    asset = await client.assets.create(
        method="direct",
        file=await FILE_KINDS[kind](film, stack),
        filename=None if kind in NAMED else "sailing.mp4",
    )
    assert asset.filename == "sailing.mp4"
    expected = await client.assets.upload(film)
    assert digest(emulator, asset.id) == digest(emulator, expected.id)


@pytest.mark.parametrize("kind", FILE_KINDS)
@pytest.mark.filterwarnings("ignore:deprecated by Twelve Labs")
async def test_tasks_search_and_embed_accept_every_kind_of_file(
    client: AsyncTwelveLabs, film: Path, image: Path, stack: AsyncExitStack, kind: str
) -> None:
    make_file = FILE_KINDS[kind]
    models: Any = [{"model_name": "marengo3.0", "model_options": ["visual"]}]
    index = await client.indexes.create(index_name="films", models=models)
    named_film = await make_file(film, stack) if kind in NAMED else ("sailing.mp4", await make_file(film, stack))
    named_image = await make_file(image, stack) if kind in NAMED else ("boat.jpg", await make_file(image, stack))
    assert (await client.tasks.create(index_id=index.id, video_file=named_film)).id
    hits = client.search.query(index_id=index.id, search_options=["visual"], query_media_file=named_image)
    assert isinstance(await hits.to_list(), list)
    second_image = await make_file(image, stack) if kind in NAMED else ("boat.jpg", await make_file(image, stack))
    page = await client.search.create(index_id=index.id, search_options=["visual"], query_media_file=[second_image])
    assert page.search_pool is not None
    third_image = await make_file(image, stack) if kind in NAMED else ("boat.jpg", await make_file(image, stack))
    assert (await client.embed.create(model_name="marengo3.0", image_file=third_image)).image_embedding is not None
    await client.indexes.delete(index.id)


def digest(emulator: Emulator, asset_id: str) -> str:
    return emulator.state.assets[asset_id].media.digest


async def test_a_search_by_a_file_object_can_be_iterated_twice(client: AsyncTwelveLabs, image: Path) -> None:
    models: Any = [{"model_name": "marengo3.0", "model_options": ["visual"]}]
    index = await client.indexes.create(index_name="twice", models=models)
    with image.open("rb") as file:
        hits = client.search.query(index_id=index.id, search_options=["visual"], query_media_file=file)
        assert await hits.to_list() == await hits.to_list()
    with pytest.raises(InvalidInputError, match="closed"):
        await hits


async def test_a_file_object_is_read_in_blocks(client: AsyncTwelveLabs) -> None:
    class Handle:
        """A file as in aiofiles: iterating it yields lines."""

        filename = "sailing.mp4"

        def __init__(self) -> None:
            self._file = io.BytesIO(FILM + os.urandom(2**21))
            self.size = len(self._file.getvalue())
            self.calls = 0

        def __aiter__(self) -> Any:
            raise AssertionError("read by lines")

        async def read(self, size: int = -1) -> bytes:
            self.calls += 1
            return self._file.read(size)

    handle = Handle()
    await client.assets.upload(handle)
    assert handle.calls < 10


async def test_an_upload_leaves_its_file_object_open(client: AsyncTwelveLabs, film: Path) -> None:
    with film.open("rb") as file:
        await client.assets.upload(file)
        await client.assets.create(method="direct", file=file)
        assert not file.closed
