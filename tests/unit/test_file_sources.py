"""Sources of uploads: accepted and rejected files, read errors and closing."""

from __future__ import annotations

import asyncio
import io
import os
import socket
import threading
from array import array
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest
from typing_extensions import override

from twelvelabs_async import FilePart, InvalidInputError, UploadError
from twelvelabs_async._system import publish_file, read_at
from twelvelabs_async._text import cut_queries, shown_url
from twelvelabs_async.uploads._files import source_of
from twelvelabs_async.uploads._source import FileSource, ProgressTracker, UploadSource


class UnreadablePath:
    def __init__(self, error: Exception) -> None:
        self._error = error

    def __fspath__(self) -> str:
        raise self._error


async def string_stream() -> AsyncIterator[str]:
    yield "text"


async def failing_stream() -> AsyncIterator[bytes]:
    yield b"x"
    raise ZeroDivisionError("mine")


def closed_file() -> io.BytesIO:
    file = io.BytesIO(b"x")
    file.close()
    return file


class Raising:
    """A file object, one of whose attributes raises."""

    def __init__(self, attribute: str) -> None:
        self._attribute = attribute

    @override
    def __getattribute__(self, name: str) -> Any:
        if name == object.__getattribute__(self, "_attribute"):
            raise RuntimeError(f"no {name}")
        return object.__getattribute__(self, name)

    def read(self, size: int) -> bytes:
        return b"x" * size

    def seek(self, *_: int) -> None: ...

    def tell(self) -> int:
        return 1

    def seekable(self) -> bool:
        raise KeyError("seekable")


class MuteError(Exception):
    @override
    def __str__(self) -> str:
        raise ValueError("no text")


class InvalidStream:
    def __init__(self, iterator: Any) -> None:
        self._iterator = iterator

    def __aiter__(self) -> Any:
        if isinstance(self._iterator, Exception):
            raise self._iterator
        return self._iterator


def part(content: Any) -> FilePart:
    return FilePart(name="", filename="clip.mp4", content=content, size=1)


INVALID_SOURCES: list[tuple[Any, str]] = [
    (None, "must be a path, bytes"),
    (5, "got 5"),
    (["a.mp4"], "got list"),
    (iter([b"x"]), "got list_iterator"),
    ({"a": 1}, "got dict"),
    (io.BytesIO, "the class BytesIO"),
    (io.StringIO("x"), "text mode"),
    (closed_file(), "closed"),
    ("", "empty path"),
    ("clip\0.mp4", "NUL"),
    (Path("clip\0.mp4"), "NUL"),
    ("x" * 5000, "5000 characters"),
    ("https://example.com/clip.mp4", "parameter for URLs"),
    ("HTTPS://example.com/clip.mp4", "parameter for URLs"),
    ("file:///clip.mp4", "without file://"),
    ("s3://bucket/clip.mp4", "s3:// URL"),
    ("data:video/mp4;base64,AAAA", "data: URL"),
    (" s3://bucket/clip.mp4?signature=secret", "s3:// URL"),
    (UnreadablePath(OSError("no path at s3://b/a?sig=secret")), "no path at s3://b/a"),
    (UnreadablePath(RuntimeError("not now")), "has no path: RuntimeError: not now"),
    (UnreadablePath(MuteError()), "has no path: MuteError"),
    (Raising("read"), "Raising raised RuntimeError: no read"),
    (Raising("closed"), "RuntimeError: no closed"),
    (Raising("name"), "RuntimeError: no name"),
    (Raising(""), "KeyError: 'seekable'"),
    (InvalidStream(5), "TypeError: aiter"),
    (InvalidStream(KeyError("mine")), "KeyError: 'mine'"),
    (part(lambda: 5), "async iterator of bytes, got 5"),
    (part(lambda: 1 / 0), "ZeroDivisionError"),
    (array("d", [1.0]), "tobytes"),
    (("a.mp4",), "tuple of 1"),
    (("a.mp4", b"x", "video/mp4", {}), "tuple of 4"),
    (("a.mp4", ("b.mp4", b"x")), "tuple of 2"),
    (("a.mp4", b"x", 5), "media type"),
    ((5, b"x"), "filename"),
    ((" ", b"x"), "filename"),
]


@pytest.mark.parametrize(
    ("file", "message"), INVALID_SOURCES, ids=[f"{type(file).__name__}-{message}" for file, message in INVALID_SOURCES]
)
def test_an_unsupported_file_source_is_rejected_with_the_reason(file: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message) as rejected:
        source_of(file, "video_file")
    assert len(str(rejected.value)) < 400
    assert "secret" not in str(rejected.value)


@pytest.mark.parametrize("invalid", [{"filename": 5}, {"filename": ""}, {"size": "5"}, {"size": -1}, {"size": True}])
def test_an_invalid_filename_or_size_is_rejected(invalid: Any) -> None:
    with pytest.raises(InvalidInputError, match=next(iter(invalid))):
        source_of(b"x", "source", **invalid)


async def read_content(source: UploadSource) -> bytes:
    part = await source.open_part(1, 0, source.size)
    return b"".join([block async for block in part.chunks(ProgressTracker("a", source.size))])


class SizedFile(io.BytesIO):
    """A file with a `size` attribute, which may be wrong."""

    def __init__(self, content: bytes, size: int) -> None:
        super().__init__(content)
        self.size = size


class Upload:
    """Like Starlette's UploadFile: has a size, no method for the position, and seeks from the start only."""

    def __init__(self, content: bytes, size: int, filename: str = "clip.mp4") -> None:
        self.filename = filename
        self.size = size
        self._file = io.BytesIO(content)

    async def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    async def seek(self, offset: int) -> None:
        self._file.seek(offset)


class PositionedUpload(Upload):
    async def tell(self) -> int:
        return self._file.tell()


async def stream(content: bytes) -> AsyncIterator[bytes]:
    if content:
        yield content


@pytest.mark.parametrize("kind", ["bytes", "path", "file", "sized file", "upload", "telling upload", "part", "empty"])
@pytest.mark.parametrize("size", [9, 11, 100, 10])
async def test_a_source_whose_size_differs_from_the_argument_is_rejected_before_it_is_sent(
    tmp_path: Path, kind: str, size: int
) -> None:
    """An upload would end at the given size and omit the rest of the file."""
    content = b"0123456789"
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)

    async def read_source() -> bytes:
        files: dict[str, Callable[[], Any]] = {
            "bytes": lambda: content,
            "path": lambda: path,
            "file": lambda: io.BytesIO(content),
            "sized file": lambda: SizedFile(content, size),
            "upload": lambda: Upload(content, size),
            "telling upload": lambda: PositionedUpload(content, size),
            "part": lambda: FilePart(name="", filename="clip.mp4", content=content, size=size),
            "empty": lambda: stream(b""),
        }
        file = files[kind]()
        size_argument = size if kind in {"bytes", "path", "file", "empty"} else None
        async with source_of(file, "source", filename="clip.mp4", size=size_argument) as source:
            read = await read_content(source)
            await source.verify()
            return read

    if size == 10 and kind != "empty":
        assert await read_source() == content
    else:
        with pytest.raises(InvalidInputError, match=rf"size (is|of) {size}\b"):
            await read_source()


class WriteOnlyFile(io.BytesIO):
    @override
    def readable(self) -> bool:
        return False


class UnseekableFile(WriteOnlyFile):
    @override
    def seekable(self) -> bool:
        return False


class InvalidPositionFile(io.BytesIO):
    def __init__(self, position: Any) -> None:
        super().__init__(b"x")
        self._position = position

    @override
    def tell(self) -> Any:
        return self._position


class FailingSeekFile(io.BytesIO):
    @override
    def seek(self, offset: int, whence: int = 0, /) -> int:
        raise KeyError("seek")


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (WriteOnlyFile(b"x"), "for writing only"),
        (UnseekableFile(b"x"), "for writing only"),
        (InvalidPositionFile("5"), "tell\\(\\) returned '5'"),
        (InvalidPositionFile(True), "returned True"),
        (InvalidPositionFile(-5), "returned -5"),
        (FailingSeekFile(b"x"), "KeyError: 'seek'"),
    ],
    ids=lambda value: "" if isinstance(value, str) else type(value).__name__,
)
async def test_a_file_object_that_cannot_be_read_is_rejected_when_it_is_opened(file: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=rf"clip\.mp4.*{message}"):
        async with source_of(file, "source", filename="clip.mp4", size=None):
            pass


class WholeContentResponse:
    """Like a response of httpx, whose `read` takes no size."""

    def read(self) -> bytes:
        return b"x"


class AsyncWholeContentResponse:
    """Like a response of aiohttp."""

    async def read(self) -> bytes:
        return b"x"


@pytest.mark.parametrize("file", [WholeContentResponse(), AsyncWholeContentResponse()])
async def test_an_object_that_can_only_be_read_as_a_whole_is_rejected_with_a_hint(file: Any) -> None:
    with pytest.raises(InvalidInputError, match=r"clip\.mp4 has a read\(\) without a size; pass what it returns"):
        async with source_of(file, "source", filename="clip.mp4"):
            pass


class ReadablePath:
    """Like a path of py.path, whose `read` takes a mode."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __fspath__(self) -> str:
        return str(self._path)

    def read(self, mode: str = "r") -> Any:
        raise AssertionError(mode)


async def test_a_path_object_with_a_read_method_is_used_as_a_path(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"content")
    async with source_of(ReadablePath(path), "source") as source:
        assert (source.name, source.size) == ("clip.mp4", 7)


@pytest.mark.parametrize("library", ["open", "aiofiles", "anyio"])
@pytest.mark.parametrize("mode", ["ab", "wb"])
async def test_a_file_opened_for_writing_is_rejected_when_it_is_opened(tmp_path: Path, library: str, mode: str) -> None:
    path = tmp_path / "clip.mp4"
    async with AsyncExitStack() as stack:
        match library:
            case "open":
                file: Any = stack.enter_context(path.open(mode))
            case "aiofiles":
                library_module: Any = pytest.importorskip("aiofiles")
                file = await stack.enter_async_context(library_module.open(path, mode))
            case _:
                library_module = anyio
                file = await stack.enter_async_context(await library_module.open_file(path, mode))
        with pytest.raises(InvalidInputError, match=r"clip\.mp4 is a file opened for writing only"):
            async with source_of(file, "source"):
                pass


class NonBlocking:
    """A file in non-blocking mode: a read returns None if no data is available."""

    name = "clip.mp4"

    def __init__(self, *blocks: bytes | None) -> None:
        self._blocks = [*blocks]

    def read(self, _: int) -> bytes | None:
        return self._blocks.pop(0) if self._blocks else b""


class NonBlockingPart(NonBlocking):
    async def read_chunk(self, size: int) -> bytes | None:
        return self.read(size)


class SeekableNonBlocking(io.BytesIO):
    @override
    def read(self, size: int | None = -1, /) -> Any:
        return None


@pytest.mark.parametrize(
    "file",
    [NonBlocking(b"x" * 3000, None, b"x"), NonBlockingPart(b"x", None), SeekableNonBlocking(b"x")],
    ids=["file", "part", "seekable"],
)
async def test_a_read_that_returns_none_is_not_the_end_of_the_file(file: Any) -> None:
    with pytest.raises((InvalidInputError, UploadError), match=r"clip\.mp4.*returned None.*blocking mode"):
        async with source_of(file, "source", filename="clip.mp4") as source:
            await read_content(source)


async def test_a_read_that_returns_too_many_bytes_raises_an_error() -> None:
    class RepeatingFile(io.BytesIO):
        @override
        def read(self, size: int | None = -1, /) -> bytes:
            return self.getvalue() * 2

    async with source_of(RepeatingFile(b"xyz"), "source", filename="clip.mp4") as source:
        with pytest.raises(UploadError, match=r"clip\.mp4.*read\(3\) returned 6 bytes"):
            await read_content(source)


async def test_a_stream_that_yields_a_released_memoryview_raises_an_error() -> None:
    block = memoryview(b"x")
    block.release()

    async def blocks() -> AsyncIterator[Any]:
        yield block

    with pytest.raises(InvalidInputError, match=r"clip\.mp4.*cannot be read"):
        async with source_of(blocks(), "source", filename="clip.mp4"):
            pass


@pytest.mark.parametrize("url", ["https://h/clip.mp4?sig=secret", "s3://b/clip.mp4#secret"])
def test_the_name_of_an_opened_url_has_no_signature(url: str) -> None:
    file: Any = io.BytesIO(b"x")
    file.path = url
    assert source_of(file, "source").name == "clip.mp4"


@pytest.mark.parametrize(
    ("text", "cut", "shown"),
    [
        ("s3://b/a.mp4?X-Sig=secret", "s3://b/a.mp4?…", "s3://b/a.mp4?…"),
        ("https://u:p@h/a#secret b", "https://u:p@h/a?… b", "https://…@h/a#…"),
        (r"gs:\/\/b\/a?sig=secret", r"gs:\/\/b\/a?…", r"gs:\/\/b\/a?…"),
        ("ftp://u:p@ss@h/a", "ftp://u:p@ss@h/a", "ftp://…@h/a"),
        ("see ftp://h/a?s=secret, or", "see ftp://h/a?… or", "see ftp://h/a?… or"),
        ("data:video/mp4,secret", "data:video/mp4,secret", "data:…"),
        ("why? a/b.mp4", "why? a/b.mp4", "why? a/b.mp4"),
        (r"C:\films\a?b.mp4", r"C:\films\a?b.mp4", r"C:\films\a?b.mp4"),
    ],
)
def test_the_query_of_a_url_with_any_scheme_is_not_shown(text: str, cut: str, shown: str) -> None:
    assert cut_queries(text) == cut
    assert shown_url(text) == shown


async def test_the_error_for_a_path_built_from_a_url_contains_no_signature() -> None:
    with pytest.raises(InvalidInputError, match="No such file") as rejected:
        async with source_of(Path("https://user:secret@h/clip.mp4?sig=secret"), "source"):
            pass
    assert "secret" not in str(rejected.value)


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "socket", "missing"])
async def test_a_path_that_is_not_a_regular_file_is_rejected_before_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    path, message = Path("clip.mp4"), kind
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
                message = "No such file"
        with pytest.raises(InvalidInputError, match=message):
            async with asyncio.timeout(30), source_of(path, "source"):
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


@pytest.mark.parametrize("stream", [string_stream(), failing_stream()], ids=["strings", "exception"])
async def test_a_stream_that_yields_strings_or_raises_causes_an_error_with_its_filename(stream: Any) -> None:
    with pytest.raises((InvalidInputError, UploadError), match=r"clip\.mp4"):
        async with source_of(stream, "source", filename="clip.mp4"):
            pass


async def test_a_read_error_names_the_file() -> None:
    class FailingFile(io.BytesIO):
        @override
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error", size)

    async with source_of(("clip.mp4", FailingFile(b"xyz")), "source") as source:
        with pytest.raises(UploadError, match=r"clip\.mp4.*Input/output error") as failure:
            await read_content(source)
    assert isinstance(failure.value.__cause__, OSError)


def count_open_descriptors(path: Path) -> int:
    return sum(os.path.realpath(link) == str(path.resolve()) for link in Path("/proc/self/fd").iterdir())


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no list of open files")
async def test_p21_an_upload_cancelled_at_any_step_closes_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while a thread opens the file, and if the cleanup is cancelled too."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(bytes(2**21))
    opening, continue_opening = threading.Event(), threading.Event()
    check_kind = FileSource._check_kind

    def wait_and_check(source: FileSource, mode: int) -> None:
        opening.set()
        continue_opening.wait(30)
        check_kind(source, mode)

    monkeypatch.setattr(FileSource, "_check_kind", wait_and_check)

    async def read() -> None:
        async with source_of(path, "source") as source:
            await read_content(source)

    for cancellations in (1, 2):
        opening.clear()
        continue_opening.clear()
        task = asyncio.create_task(read())
        await asyncio.to_thread(opening.wait, 30)
        for _ in range(cancellations):
            task.cancel()
            await asyncio.sleep(0)
        continue_opening.set()
        with pytest.raises(asyncio.CancelledError):
            await task
    continue_opening.set()
    monkeypatch.setattr(FileSource, "_check_kind", check_kind)
    for steps in range(30):
        task = asyncio.create_task(read())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    async with asyncio.timeout(30):
        while count_open_descriptors(path):
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
    invalid: list[int] = []

    def read() -> None:
        offsets = range(0, 256 * 64, 7)
        invalid.extend(offset for offset in offsets if read_at(descriptor, offset, 1) != bytes([offset % 256]))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.close(descriptor)
    assert not invalid


def reject_link(*_: object, **__: object) -> None:
    raise PermissionError(1, "Operation not permitted")  # like on exFAT


@pytest.mark.parametrize("links", ["links", "rejected", "missing"])
def test_a_file_is_published_once_with_and_without_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: str
) -> None:
    if links == "rejected":
        monkeypatch.setattr(os, "link", reject_link)
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
