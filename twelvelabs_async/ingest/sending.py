"""Gets one file to the platform by the way that suits it; a crash at any instant leaves something to go on from."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import attrs

from twelvelabs_async.api import Road
from twelvelabs_async.errors import APIError, BadRequestError, NotFoundError, UploadError
from twelvelabs_async.ingest.ledger import SavedUpload
from twelvelabs_async.ingest.work import Work
from twelvelabs_async.models.assets import Asset
from twelvelabs_async.models.uploads import CompletedChunk
from twelvelabs_async.request import FilePart
from twelvelabs_async.resources.assets import Assets
from twelvelabs_async.resources.multipart_upload import MultipartUpload
from twelvelabs_async.uploads.direct import UploadOptions, send_direct
from twelvelabs_async.uploads.plan import choose, media_type
from twelvelabs_async.uploads.source import Source, closing, open_source
from twelvelabs_async.uploads.state import UploadState
from twelvelabs_async.uploads.uploader import PartsUpload

PARTS: Final = 4
"""Parts of one file on their way at once."""

ALL_PARTS: Final = 32
"""Parts of all files on their way at once: each of them is a connection and a megabyte."""


@attrs.frozen
class _Journal:
    """Writes the parts of one upload into the ledger."""

    work: Work

    async def opened(self, state: UploadState) -> None:
        await self.work.ledger.save_upload(self.work.entry.token, state)

    async def confirmed(self, part: CompletedChunk) -> None:
        await self.work.ledger.save_part(self.work.entry.token, part)


class Sender:
    """Sends files, and has the platform fetch addresses."""

    def __init__(self, road: Road, assets: Assets, *, direct_up_to: int) -> None:
        self._road = road
        self._direct_up_to = direct_up_to
        self._assets = assets
        self._parts = MultipartUpload(road)
        self._room = asyncio.Semaphore(ALL_PARTS)

    async def send(self, work: Work, metadata: Mapping[str, Any], saved: SavedUpload | None) -> str:
        """The asset that has become of it, not ready yet.

        Args:
            work: The item.
            metadata: Keys for the asset.
            saved: An upload in parts that had begun.

        Raises:
            InvalidInputError: It cannot be read, is empty or too large; nothing was sent.
            UploadError: It did not arrive whole, or is not the file that was listed.
            APIError: The platform refused it. `ambiguous` if it may have arrived all the same.
        """
        item = work.item
        if item.is_address:
            created = await self._assets.create(
                method="url", url=item.source, filename=item.name or None, user_metadata=metadata
            )
            return created.id
        content = await open_source(item.source, filename=item.name, size=None)
        async with closing(content):
            _check_unchanged(content, work)
            options = UploadOptions(
                type=media_type(content.name),
                user_metadata=metadata,
                concurrency=PARTS,
                on_progress=work.uploaded,
                journal=_Journal(work),
                room=self._room,
            )
            way = choose(content.size, options.type, filename=content.name, direct_up_to=self._direct_up_to)
            if way == "direct":
                return (await send_direct(content, options, self._create)).id
            return await self._in_parts(content, options, saved)

    async def _in_parts(self, content: Source, options: UploadOptions, saved: SavedUpload | None) -> str:
        if saved is not None:
            resumed = await self._continued(content, options, saved)
            if resumed is not None:
                return resumed
        return (await PartsUpload(self._road, self._parts, content, options).run()).asset_id

    async def _continued(self, content: Source, options: UploadOptions, saved: SavedUpload) -> str | None:
        """The asset of an upload that had begun; None if it can only be begun anew."""
        if saved.state.fingerprint == content.fingerprint:
            try:
                await PartsUpload(self._road, self._parts, content, options).run(saved.state, saved.parts)
                return saved.state.asset_id
            except (APIError, UploadError) as error:
                if not _session_is_gone(error):
                    raise
        try:  # it may have been complete before its session went
            return (await self._assets.retrieve(saved.state.asset_id)).id
        except (NotFoundError, BadRequestError):
            return None

    async def _create(self, file: FilePart, options: UploadOptions) -> Asset:
        return await self._assets.create(
            method="direct", file=file, filename=file.filename, user_metadata=options.user_metadata
        )


def _check_unchanged(content: Source, work: Work) -> None:
    """Hours may lie between finding a file and sending it."""
    if not content.fingerprint.startswith(f"{work.item.size}-{work.item.mtime_ns}-"):
        message = f"{work.item.source} has changed since it was found; run again to ingest it as it is now"
        raise UploadError(message=message, source=work.item.source)


def _session_is_gone(error: APIError | UploadError) -> bool:
    """Whether an upload can only be begun anew: its session has expired or is not known any more."""
    if isinstance(error, UploadError):
        return error.state is None and error.__cause__ is not None
    return error.status_code in {400, 403, 404, 410}
