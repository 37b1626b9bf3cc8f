"""What is taken for a file, what is refused, and who closes it."""

from __future__ import annotations

import asyncio
import io
import os
import socket
import threading
from array import array
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from twelvelabs_async import InvalidInputError, UploadError
from twelvelabs_async._system import publish_file, read_at
from twelvelabs_async.uploads._files import opened, source_of
from twelvelabs_async.uploads._source import FileSource, ProgressTracker, UploadSource


class UnreadablePath:
    def __fspath__(self) -> str:
        raise OSError("no path")


async def words() -> AsyncIterator[str]:
    yield "text"


async def broken() -> AsyncIterator[bytes]:
    yield b"x"
    raise ZeroDivisionError("mine")


def closed() -> io.BytesIO:
    file = io.BytesIO(b"x")
    file.close()
    return file


NOT_FILES: list[tuple[Any, str]] = [
    (None, "must be a path, bytes"),
    (5, "got 5"),
    (["a.mp4"], "got list"),
    (iter([b"x"]), "got list_iterator"),
    ({"a": 1}, "got dict"),
    (io.BytesIO, "the class BytesIO"),
    (io.StringIO("x"), "text mode"),
    (closed(), "closed"),
    ("", "empty path"),
    ("clip\0.mp4", "NUL"),
    (Path("clip\0.mp4"), "NUL"),
    ("x" * 5000, "5000 characters"),
    ("https://example.com/clip.mp4", "parameter for URLs"),
    ("HTTPS://example.com/clip.mp4", "parameter for URLs"),
    ("file:///clip.mp4", "without file://"),
    ("s3://bucket/clip.mp4", "s3:// URL"),
    ("data:video/mp4;base64,AAAA", "data: URL"),
    (UnreadablePath(), "no path"),
    (array("d", [1.0]), "tobytes"),
    (("a.mp4",), "tuple of 1"),
    (("a.mp4", b"x", "video/mp4", {}), "tuple of 4"),
    (("a.mp4", ("b.mp4", b"x")), "tuple of 2"),
    (("a.mp4", b"x", 5), "media type"),
    ((5, b"x"), "filename"),
    ((" ", b"x"), "filename"),
]


@pytest.mark.parametrize(("file", "why"), NOT_FILES, ids=[f"{type(file).__name__}-{why}" for file, why in NOT_FILES])
def test_an_unsupported_file_source_is_refused_with_the_reason(file: Any, why: str) -> None:
    with pytest.raises(InvalidInputError, match=why) as refused:
        source_of(file, "video_file")
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize("wrong", [{"filename": 5}, {"filename": ""}, {"size": "5"}, {"size": -1}, {"size": True}])
def test_an_invalid_filename_or_size_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidInputError, match=next(iter(wrong))):
        source_of(b"x", "source", **wrong)


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "socket", "missing"])
async def test_a_path_that_is_not_a_regular_file_is_refused_before_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    path, why = Path("clip.mp4"), kind
    with socket.socket(socket.AF_UNIX) as listener:
        match kind:
            case "folder":
                path.mkdir()
            case "pipe":
                os.mkfifo(path)
            case "device":
                path = Path(os.devnull)
            case "socket":
                listener.bind(str(path))
            case _:
                why = "No such file"
        with pytest.raises(InvalidInputError, match=why):
            async with asyncio.timeout(30), opened(source_of(path, "source")):
                pass


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("/films/clip.mp4", "clip.mp4"),
        ("C:\\films\\clip.mp4", "clip.mp4"),
        (b"clip.mp4", "clip.mp4"),
        (7, ""),
        ("<fdopen>", ""),
        (None, ""),
    ],
)
def test_the_name_of_a_file_object_is_the_last_part_of_its_path(name: Any, expected: str) -> None:
    file: Any = io.BytesIO(b"x")
    file.name = name
    assert source_of(file, "source").name == expected
    assert source_of(file, "source", filename="mine.mp4").name == "mine.mp4"
    assert source_of(("theirs.mp4", file), "source").name == "theirs.mp4"


async def content_of(source: UploadSource) -> bytes:
    part = await source.open_part(1, 0, source.size)
    return b"".join([block async for block in part.chunks(ProgressTracker("a", source.size))])


@pytest.mark.parametrize("stream", [words(), broken()], ids=["strings", "exception"])
async def test_a_stream_that_yields_strings_or_raises_causes_an_error_with_its_filename(stream: Any) -> None:
    with pytest.raises((InvalidInputError, UploadError), match=r"clip\.mp4"):
        async with opened(source_of(stream, "source", filename="clip.mp4")):
            pass


async def test_a_read_error_names_the_file() -> None:
    class Disk(io.BytesIO):
        @override
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error", size)

    async with opened(source_of(("clip.mp4", Disk(b"xyz")), "source")) as source:
        with pytest.raises(UploadError, match=r"clip\.mp4.*Input/output error") as failure:
            await content_of(source)
    assert isinstance(failure.value.__cause__, OSError)


def descriptors(path: Path) -> int:
    return sum(os.path.realpath(link) == str(path.resolve()) for link in Path("/proc/self/fd").iterdir())


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no list of open files")
async def test_p21_an_upload_cancelled_at_any_step_closes_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P21: also while a thread is opening the file, and when the cleanup is cancelled too."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(bytes(2**21))
    opening, proceed = threading.Event(), threading.Event()
    read_mode = FileSource._check_kind

    def wait_and_check(source: FileSource, mode: int) -> None:
        opening.set()
        proceed.wait(30)
        read_mode(source, mode)

    monkeypatch.setattr(FileSource, "_check_kind", wait_and_check)

    async def read() -> None:
        async with opened(source_of(path, "source")) as source:
            await content_of(source)

    for cancellations in (1, 2):
        opening.clear()
        proceed.clear()
        task = asyncio.create_task(read())
        await asyncio.to_thread(opening.wait, 30)
        for _ in range(cancellations):
            task.cancel()
            await asyncio.sleep(0)
        proceed.set()
        with pytest.raises(asyncio.CancelledError):
            await task
    proceed.set()
    monkeypatch.setattr(FileSource, "_check_kind", read_mode)
    for steps in range(30):
        task = asyncio.create_task(read())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    async with asyncio.timeout(30):
        while descriptors(path):
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("missing", [(), ("pread",)], ids=["pread", "no pread"])
def test_a_descriptor_is_read_at_any_offset_by_several_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: tuple[str, ...]
) -> None:
    for name in missing:
        monkeypatch.delattr(os, name)
    path = tmp_path / "numbers"
    path.write_bytes(bytes(range(256)) * 64)
    descriptor = os.open(path, os.O_RDONLY)
    wrong: list[int] = []

    def read() -> None:
        offsets = range(0, 256 * 64, 7)
        wrong.extend(offset for offset in offsets if read_at(descriptor, offset, 1) != bytes([offset % 256]))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.close(descriptor)
    assert not wrong


def refuse_links(*_: object, **__: object) -> None:
    raise PermissionError(1, "Operation not permitted")  # as on exFAT


@pytest.mark.parametrize("links", ["links", "refused", "missing"])
def test_a_file_is_published_once_with_and_without_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: str
) -> None:
    if links == "refused":
        monkeypatch.setattr(os, "link", refuse_links)
    elif links == "missing":
        monkeypatch.delattr(os, "link")
    path = tmp_path / "ledger"
    for content in (b"first", b"second"):
        draft = tmp_path / "draft"
        draft.write_bytes(content)
        if content == b"first":
            publish_file(draft, path)
            assert not draft.exists()
        else:
            with pytest.raises(FileExistsError):
                publish_file(draft, path)
    assert path.read_bytes() == b"first"
