"""`twelvelabs-async export`: write the videos of an index, their metadata and their vectors to a file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Final

import attrs
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from twelvelabs_async._cli.clients import open_client
from twelvelabs_async._cli.console import Screen, format_size
from twelvelabs_async._cli.exit_codes import ExitCode
from twelvelabs_async._cli.export_rows import ExportedSegment, ExportedVideo, Format, format_for, rows_of
from twelvelabs_async._cli.index_lookup import require_index
from twelvelabs_async._cli.spool import Spool, SpoolTotals
from twelvelabs_async._text import printable
from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.errors import InvalidInputError, NotFoundError
from twelvelabs_async.models.indexed_assets import EmbeddingOption, IndexedAsset
from twelvelabs_async.models.indexes import Index

PAGE_LIMIT: Final = 50
"""Videos per page at most."""

OPTIONS: Final[tuple[EmbeddingOption, ...]] = ("visual", "audio")
"""Embedding options that have the names of model options."""


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
    def row_type(self) -> type[ExportedVideo]:
        """Type of the rows."""
        return ExportedSegment if self.with_vectors else ExportedVideo

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
            while (video := await _next(videos, lock)) is not None:
                await self._read_video(video)
                progress.advance(task)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self.args.concurrency):
                    group.create_task(work())
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _videos(self, progress: Progress, task: TaskID) -> AsyncIterator[IndexedAsset]:
        pages = self.client.indexes.indexed_assets.list(self.index.id, page_limit=PAGE_LIMIT)
        async for video in pages:
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

    def finish(self) -> SpoolTotals:
        """Write the file."""
        unfinished = self.args.path.with_name(f"{self.args.path.name}.unfinished")
        try:
            self.format.write(self.spool.parts(), unfinished)
            unfinished.replace(self.args.path)
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
        options = list(args.options or _default_options(index)) if args.with_vectors else []
        purpose = f"{args.path.suffix.lower()} of index {index.id}, vectors {', '.join(sorted(options)) or 'none'}"
        with await asyncio.to_thread(Spool, args.spool_path, purpose) as spool:
            if done := await asyncio.to_thread(spool.count):
                screen.print(f"continuing with {done:,} of {index.video_count:,} videos in {args.spool_path}")
            export = _Export(client, index, args, options, file_format, spool)
            progress = _progress(screen)
            with progress if screen.live else nullcontext():  # rich before 14.3 prints a line for a disabled one
                await export.read(progress)
            totals = await asyncio.to_thread(export.finish)
    await asyncio.to_thread(args.spool_path.unlink)
    size = (await asyncio.to_thread(args.path.stat)).st_size
    screen.print_json({"index_id": index.id, "path": str(args.path), **attrs.asdict(totals), "bytes": size})
    if not screen.json:
        rows = f", {totals.rows:,} rows" if args.with_vectors else ""
        videos = "1 video" if totals.videos == 1 else f"{totals.videos:,} videos"
        screen.print(f"{videos}{rows} in {printable(str(args.path))}, {format_size(size)}")
    return ExitCode.OK


def _check(args: ExportArgs) -> Format:
    file_format = format_for(args.path, args.row_type)
    if args.path.exists() and not args.path.is_file():
        raise InvalidInputError(f"cannot write to {str(args.path)!r}: it is not a regular file; use another name")
    if args.path.exists() and not args.overwrite:
        raise InvalidInputError(f"the file {str(args.path)!r} exists; use --overwrite, or another name")
    if not args.path.parent.is_dir():
        raise InvalidInputError(f"there is no folder {str(args.path.parent)!r}")
    return file_format


def _default_options(index: Index) -> list[EmbeddingOption]:
    enabled = {option for model in index.models for option in model.model_options}
    return [option for option in OPTIONS if option in enabled] or ["visual"]


def _version(video: IndexedAsset) -> str:
    """Return a text that changes with the video."""
    return f"{video.status} {video.updated_at}"


async def _next(videos: AsyncIterator[IndexedAsset], lock: asyncio.Lock) -> IndexedAsset | None:
    """Return the next video for one of several tasks; None at the end."""
    async with lock:
        return await anext(videos, None)


def _progress(screen: Screen) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=screen.console,
        transient=True,
    )
