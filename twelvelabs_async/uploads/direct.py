"""What an upload is asked to do, and the way of a source that goes in one request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, TypeVar

import attrs

from twelvelabs_async.request import FilePart, OpenBody
from twelvelabs_async.uploads.plan import MediaType, content_type
from twelvelabs_async.uploads.source import Source
from twelvelabs_async.uploads.state import Meter, OnProgress, UploadJournal

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class UploadOptions:
    """What the asset is to be, and how it is sent."""

    type: MediaType
    """What the file is."""
    enable_hls: bool | None = None
    """Whether to prepare it for streaming; None leaves it to the platform."""
    enable_thumbnail: bool | None = None
    """Whether to make a thumbnail; None leaves it to the platform."""
    user_metadata: Mapping[str, Any] | None = None
    """Your own keys, flat."""
    concurrency: int = 4
    """Parts on their way at once."""
    on_progress: OnProgress | None = None
    """Is shown how far it is."""
    journal: UploadJournal | None = None
    """Keeps what a crash must not take away."""
    room: asyncio.Semaphore | None = None
    """Shared with other uploads: lets so many parts of all of them be on their way at once."""


CreateWith = Callable[[FilePart, UploadOptions], Awaitable[T]]
"""Makes an asset of a file in one request."""


async def send_direct(source: Source, options: UploadOptions, create: CreateWith[T]) -> T:
    """Send the whole source in one request; its last block is held back until the source has been verified.

    Raises:
        UploadError: The source changed while it was sent.
        APIError: The platform refused it.
    """
    meter = Meter(source.name, source.size, options.on_progress)
    start = await source.part(0, source.size)

    async def content() -> AsyncIterator[bytes]:
        sent = 0
        async for block in counted(lambda: start(_unwatched), meter)():
            sent += len(block)
            if sent >= source.size:
                await source.verify()
            yield block

    file = FilePart(
        name="file", filename=source.name, content=content, size=source.size, content_type=content_type(source.name)
    )
    return await create(file, options)


def counted(start: OpenBody, meter: Meter) -> OpenBody:
    """Bytes that the meter sees go out; when they start anew, those of the last time are taken back."""
    sent = 0

    async def run() -> AsyncIterator[bytes]:
        nonlocal sent
        if sent:
            meter.add(-sent)
        sent = 0
        async for block in start():
            yield block
            sent += len(block)
            meter.add(len(block))

    return run


def _unwatched(_: bytes) -> None:
    """The answer of a direct upload has no proof to compare with."""
