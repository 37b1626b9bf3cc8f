"""`twelvelabs-async export`: write the videos of an index, their metadata and their vectors to a file."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from datetime import datetime
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any, Final, Protocol, Self

import attrs
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from typing_extensions import override

from twelvelabs_async._cli.arguments import open_client
from twelvelabs_async._cli.console import Screen, format_size, plural
from twelvelabs_async._cli.exit_codes import ExitCode
from twelvelabs_async._cli.indexes import enabled_options, require_index
from twelvelabs_async._concurrency import run_all
from twelvelabs_async._text import install_command, printable
from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.embeddings import EmbeddingView, segment_id
from twelvelabs_async.errors import InvalidInputError, NotFoundError, TwelveLabsError
from twelvelabs_async.models.common import Vector
from twelvelabs_async.models.indexed_assets import EmbeddingOption, IndexedAsset, IndexedAssetDetailed
from twelvelabs_async.models.indexes import Index
from twelvelabs_async.serialization import to_dict

SCHEMA: Final = """
PRAGMA locking_mode = EXCLUSIVE; -- until the end of this process, no other export can use the file
PRAGMA synchronous = OFF; -- the operating system survives the end of this process
BEGIN EXCLUSIVE;
CREATE TABLE IF NOT EXISTS purpose (text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS videos (
    id TEXT PRIMARY KEY, version TEXT NOT NULL, listed INTEGER NOT NULL, rows INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS parts (id TEXT PRIMARY KEY, data BLOB NOT NULL);
UPDATE videos SET listed = 0;
COMMIT;
"""

USED_BY_ANOTHER: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_READONLY_DBMOVED})
"""Error codes for a file that another export uses, or has deleted at its end."""

SPOOL_TIMEOUT: Final = 0.2
"""Seconds to wait for the lock of the file; another export holds it until its end."""

ROW_GROUP_SIZE: Final = 4096
"""Rows that a Parquet writer holds in memory: about 8 MB of vectors."""

PAGE_LIMIT: Final = 50
"""Videos per page at most."""


class Spool:
    """The rows of an export that is not finished. Its methods block; any thread may call them.

    Args:
        path: Path of the file, which is created if it does not exist.
        purpose: What is exported; an existing file must have the same.

    Raises:
        InvalidInputError: The file belongs to an export of something else.
        TwelveLabsError: Another process exports to it, or it cannot be used.
    """

    def __init__(self, path: Path, purpose: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            self._connection = sqlite3.connect(
                path, timeout=SPOOL_TIMEOUT, check_same_thread=False, isolation_level=None
            )
            try:
                self._open(purpose)
            except BaseException:
                self._connection.close()
                raise
        except InvalidInputError:
            raise
        except (sqlite3.Error, ValueError) as error:  # a path with a zero byte is a ValueError
            raise self._failure(error) from None

    def _open(self, purpose: str) -> None:
        self._connection.executescript(SCHEMA)
        row = self._connection.execute("SELECT text FROM purpose").fetchone()
        if row is None:
            self._connection.execute("INSERT INTO purpose VALUES (?)", (purpose,))
        elif row[0] != purpose:
            raise InvalidInputError(
                f"{self._path} belongs to an export of {row[0]}; finish that one, or delete the file"
            )

    def _failure(self, error: Exception) -> TwelveLabsError:
        if getattr(error, "sqlite_errorcode", None) in USED_BY_ANOTHER:
            return TwelveLabsError(f"another export uses {self._path}; wait for its end, or export to another file")
        return TwelveLabsError(f"cannot use {self._path}, where an export keeps what it has read: {error}")

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        with self._lock:
            try:
                self._connection.execute("BEGIN")
                with self._connection:
                    yield self._connection
            except sqlite3.Error as error:
                raise self._failure(error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:  # a thread of a cancelled export may still be writing
            self._connection.close()

    def claim(self, video_id: str, version: str) -> bool:
        """Mark a video as listed, and return whether this version of it has been read."""
        update = "UPDATE videos SET listed = 1 WHERE id = ? AND version = ?"
        with self._transaction() as connection:
            return connection.execute(update, (video_id, version)).rowcount > 0

    def add(self, video_id: str, version: str, rows: int, data: bytes) -> None:
        """Store the rows of a video."""
        with self._transaction() as connection:
            connection.execute("REPLACE INTO videos VALUES (?, ?, 1, ?)", (video_id, version, rows))
            connection.execute("REPLACE INTO parts VALUES (?, ?)", (video_id, data))

    def count(self) -> int:
        """Return the number of videos that have been read."""
        return int(self._connection.execute("SELECT count(*) FROM videos").fetchone()[0])

    def totals(self) -> dict[str, int]:
        """Return how many videos are listed, and how many rows they have."""
        videos, rows = self._connection.execute("SELECT count(*), total(rows) FROM videos WHERE listed").fetchone()
        return {"videos": int(videos), "rows": int(rows)}

    def parts(self) -> Iterator[bytes]:
        """Yield the rows of each listed video, in the order of their ids, one at a time."""
        query = "SELECT data FROM videos JOIN parts USING (id) WHERE listed ORDER BY id"
        with closing(self._connection.execute(query)) as found:
            while (row := self._next(found)) is not None:
                yield row[0]

    def _next(self, found: sqlite3.Cursor) -> Any:
        with self._lock:
            return found.fetchone()


@attrs.frozen(kw_only=True)
class ExportedVideo:
    """A video without vectors."""

    video_id: str
    """Id within the index."""
    asset_id: str | None = None
    """Id of the source asset."""
    filename: str | None = None
    """Name of the file."""
    status: str | None = None
    """Indexing status."""
    duration: float | None = None
    """Duration in seconds."""
    fps: float | None = None
    """Frame rate, in frames per second."""
    width: int | None = None
    """Size in pixels."""
    height: int | None = None
    """Size in pixels."""
    size: int | None = None
    """Size in bytes."""
    created_at: datetime | None = None
    """When indexing was requested."""
    indexed_at: datetime | None = None
    """When indexing finished."""
    user_metadata: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """User metadata."""


@attrs.frozen(kw_only=True)
class ExportedSegment(ExportedVideo):
    """A segment of a video, with its vector; all None for a video that has no vectors."""

    id: str | None = None
    """Id of the segment, which is the same in each export."""
    start: float | None = None
    """Start in seconds."""
    end: float | None = None
    """End in seconds."""
    option: str | None = None
    """Embedding option, such as `visual`."""
    scope: str | None = None
    """Embedding scope, such as `clip`."""
    vector: Vector | None = None
    """The embedding."""


def rows_of(video: IndexedAssetDetailed, *, vectors: bool) -> Sequence[ExportedVideo]:
    """Return the rows of a video: one, or with vectors one for each segment, and at least one."""
    file = video.system_metadata
    values: dict[str, Any] = {
        "video_id": video.id,
        "asset_id": video.asset_id,
        "filename": file.filename,
        "status": video.status,
        "duration": file.duration,
        "fps": file.fps,
        "width": file.width,
        "height": file.height,
        "size": file.size,
        "created_at": video.created_at,
        "indexed_at": video.indexed_at,
        "user_metadata": video.user_metadata,
    }
    if not vectors:
        return [ExportedVideo(**values)]
    segments = EmbeddingView.from_response(video) if video.embedding else ()
    rows = [
        ExportedSegment(
            **values,
            id=str(segment_id(video.id, segment)),
            start=segment.start,
            end=segment.end,
            option=segment.option,
            scope=segment.scope,
            vector=segment.vector,
        )
        for segment in segments
    ]
    return rows or [ExportedSegment(**values)]


class Format(Protocol):
    """A file format, whose rows are encoded video by video."""

    def encode(self, rows: Sequence[ExportedVideo]) -> bytes:
        """Return the rows of a video, as `write` takes them."""
        ...

    def write(self, parts: Iterable[bytes], path: Path) -> None:
        """Write a file from the encoded rows of all videos, with only a few of them in memory."""
        ...


class _TextFormat(Format):
    """A format in which the encoded rows of videos follow each other."""

    def __init__(self, row_type: type[ExportedVideo]) -> None:
        self._columns = [field.name for field in attrs.fields(row_type)]

    @override
    def write(self, parts: Iterable[bytes], path: Path) -> None:
        with path.open("wb") as file:
            file.writelines(parts)

    def _records(self, rows: Sequence[ExportedVideo]) -> Iterator[dict[str, Any]]:
        """Yield the rows as JSON types, with all columns."""
        return (dict.fromkeys(self._columns) | to_dict(row) for row in rows)


class _JsonLines(_TextFormat):
    @override
    def encode(self, rows: Sequence[ExportedVideo]) -> bytes:
        return b"".join(json.dumps(record).encode() + b"\n" for record in self._records(rows))


class _Csv(_TextFormat):
    @override
    def write(self, parts: Iterable[bytes], path: Path) -> None:
        super().write(chain([_csv_lines([self._columns])], parts), path)

    @override
    def encode(self, rows: Sequence[ExportedVideo]) -> bytes:
        return _csv_lines(map(_csv_cell, record.values()) for record in self._records(rows))


def _csv_lines(rows: Iterable[Iterable[str]]) -> bytes:
    lines = io.StringIO()
    csv.writer(lines).writerows(rows)
    return lines.getvalue().encode("utf-8", "replace")


def _csv_cell(value: Any) -> str:
    if isinstance(value, str) or value is None:
        return value or ""
    return json.dumps(value)


class _Parquet(Format):
    def __init__(self, row_type: type[ExportedVideo]) -> None:
        try:
            self._arrow: Any = import_module("twelvelabs_async._arrow")
            self._core: Any = import_module("arro3.core")
            self._io: Any = import_module("arro3.io")
        except ImportError:
            raise InvalidInputError(f"Parquet needs arro3: {install_command('arrow')}") from None
        self._row_type = row_type

    @override
    def encode(self, rows: Sequence[ExportedVideo]) -> bytes:
        stream = io.BytesIO()
        self._io.write_ipc_stream(self._arrow.table_of(rows, self._row_type), stream, compression=None)
        return stream.getvalue()

    @override
    def write(self, parts: Iterable[bytes], path: Path) -> None:
        batches = (batch for part in parts for batch in self._io.read_ipc_stream(io.BytesIO(part)))
        reader = self._core.RecordBatchReader.from_batches(self._arrow.table_of([], self._row_type).schema, batches)
        try:
            self._io.write_parquet(reader, path, compression="zstd(3)", max_row_group_size=ROW_GROUP_SIZE)
        except Exception as error:  # noqa: BLE001  # arro3 documents no class
            raise TwelveLabsError(f"cannot write {path}: {error}") from None


FORMATS: Final[Mapping[str, Callable[[type[ExportedVideo]], Format]]] = {
    ".csv": _Csv,
    ".jsonl": _JsonLines,
    ".parquet": _Parquet,
}
"""Formats by the suffix of a file."""


def format_for(path: Path, row_type: type[ExportedVideo]) -> Format:
    """Return the format of a file.

    Raises:
        InvalidInputError: Its suffix names no format, or a package is missing.
    """
    found = FORMATS.get(path.suffix.lower())
    if found is None:
        raise InvalidInputError(f"the file of an export ends with {', '.join(FORMATS)}, got {str(path)!r}")
    return found(row_type)


@attrs.frozen(kw_only=True)
class ExportArgs:
    """Arguments of `export`."""

    index: str
    path: Path
    options: Sequence[EmbeddingOption] | None
    with_vectors: bool
    overwrite: bool
    concurrency: int

    @property
    def spool_path(self) -> Path:
        """Path of the file that holds what has been read."""
        return self.path.with_name(f"{self.path.name}.partial")


@attrs.define
class _Export:
    """An export that is running."""

    client: AsyncTwelveLabs
    index: Index
    args: ExportArgs
    options: Sequence[EmbeddingOption]
    format: Format
    spool: Spool

    async def read(self, progress: Progress) -> None:
        """Read all videos that have not been read, several at the same time."""
        task = progress.add_task("videos", total=self.index.video_count)
        videos = self._videos(progress, task)
        lock = asyncio.Lock()

        async def work() -> None:
            while True:
                async with lock:
                    video = await anext(videos, None)
                if video is None:
                    return
                await self._read_video(video)
                progress.advance(task)

        await run_all(work() for _ in range(self.args.concurrency))

    async def _videos(self, progress: Progress, task: TaskID) -> AsyncIterator[IndexedAsset]:
        async for video in self.client.indexes.indexed_assets.list(self.index.id, page_limit=PAGE_LIMIT):
            if not await asyncio.to_thread(self.spool.claim, video.id, _version(video)):
                yield video
            else:
                progress.advance(task)

    async def _read_video(self, video: IndexedAsset) -> None:
        try:
            details = await self.client.indexes.indexed_assets.retrieve(
                self.index.id, video.id, embedding_option=self.options or None
            )
        except NotFoundError:  # it was deleted meanwhile
            return
        rows = rows_of(details, vectors=self.args.with_vectors)
        await asyncio.to_thread(self._store, video, rows)

    def _store(self, video: IndexedAsset, rows: Sequence[ExportedVideo]) -> None:
        self.spool.add(video.id, _version(video), len(rows), self.format.encode(rows))

    def finish(self) -> dict[str, int]:
        """Write the file, and return how many videos and rows it has."""
        unfinished = self.args.path.with_name(f"{self.args.path.name}.unfinished")
        try:
            self.format.write(self.spool.parts(), unfinished)
            _refuse_existing_file(self.args)  # it may have been created meanwhile
            unfinished.replace(self.args.path)
        except OSError as error:
            raise TwelveLabsError(f"cannot write {self.args.path}: {error.strerror or error}") from None
        finally:
            unfinished.unlink(missing_ok=True)
        return self.spool.totals()


async def run_export(args: ExportArgs, *, base_url: str | None, screen: Screen) -> ExitCode:
    """Write the file, and say what it contains.

    Raises:
        InvalidInputError: The file exists, or its suffix names no format.
        TwelveLabsError: There is no such index, or the file cannot be written.
    """
    file_format = await asyncio.to_thread(_check, args)
    async with open_client(base_url, screen) as client:
        index = await require_index(client, args.index)
        options = list(args.options or enabled_options(index)) if args.with_vectors else []
        purpose = f"{args.path.suffix.lower()} of index {index.id}, vectors {', '.join(sorted(options)) or 'none'}"
        with await asyncio.to_thread(Spool, args.spool_path, purpose) as spool:
            if done := await asyncio.to_thread(spool.count):
                screen.print(f"continuing with {done:,} of {index.video_count:,} videos in {args.spool_path}")
            export = _Export(client, index, args, options, file_format, spool)
            columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
            progress = Progress(*columns, console=screen.console, transient=True)
            with progress if screen.live else nullcontext():  # rich before 14.3 prints a line for a disabled one
                await export.read(progress)
            totals = await asyncio.to_thread(export.finish)
            with suppress(PermissionError):  # on Windows, as long as it is open
                await asyncio.to_thread(args.spool_path.unlink)
    await asyncio.to_thread(args.spool_path.unlink, missing_ok=True)
    size = (await asyncio.to_thread(args.path.stat)).st_size
    rows = f", {totals['rows']:,} rows" if args.with_vectors else ""
    screen.print_result(
        {"index_id": index.id, "path": str(args.path), **totals, "bytes": size},
        f"{plural(totals['videos'], 'video')}{rows} in {printable(str(args.path))}, {format_size(size)}",
    )
    return ExitCode.OK


def _check(args: ExportArgs) -> Format:
    file_format = format_for(args.path, ExportedSegment if args.with_vectors else ExportedVideo)
    if args.path.exists() and not args.path.is_file():
        raise InvalidInputError(f"cannot write to {str(args.path)!r}: it is not a regular file; use another name")
    _refuse_existing_file(args)
    if not args.path.parent.is_dir():
        raise InvalidInputError(f"there is no folder {str(args.path.parent)!r}")
    return file_format


def _refuse_existing_file(args: ExportArgs) -> None:
    if args.path.exists() and not args.overwrite:
        raise InvalidInputError(f"the file {str(args.path)!r} exists; use --overwrite, or another name")


def _version(video: IndexedAsset) -> str:
    """Return a text that changes with the video."""
    return f"{video.status} {video.updated_at}"
