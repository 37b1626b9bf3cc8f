"""Assets: media files on the platform, before any indexing.

https://docs.twelvelabs.io/v1.3/api-reference/upload-content
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from os import PathLike
from typing import Final, Literal, overload

from twelvelabs_async.api import Road
from twelvelabs_async.checks import checked_metadata, metadata_text
from twelvelabs_async.errors import BadRequestError, InvalidInputError, NotFoundError
from twelvelabs_async.herd import Outcome, Outlook, all_done
from twelvelabs_async.models.assets import (
    Asset,
    AssetDetail,
    AssetTranscription,
    AssetType,
    CreateMethod,
    TranscriptionUnit,
)
from twelvelabs_async.models.common import Ids, UserMetadata
from twelvelabs_async.paginator import Page, Paginator
from twelvelabs_async.policy.retry import GONE_ALREADY
from twelvelabs_async.request import FilePart, form, given
from twelvelabs_async.resources.base import Resource
from twelvelabs_async.resources.inputs import FileLike, MetadataChange, checked_url, file_part, several
from twelvelabs_async.resources.multipart_upload import MultipartUpload
from twelvelabs_async.resources.temporary import finally_doing
from twelvelabs_async.uploads.direct import UploadOptions, send_direct
from twelvelabs_async.uploads.plan import MediaType, choose, media_type
from twelvelabs_async.uploads.source import SMALL_STREAM, Source, closing, open_source
from twelvelabs_async.uploads.state import OnProgress, UploadProgress, UploadState
from twelvelabs_async.uploads.uploader import PartsUpload
from twelvelabs_async.waiting import Callback, Lifecycle, until_done

LIFE: Final = Lifecycle(resource="asset")
TRANSCRIPTION_LIFE: Final = Lifecycle(resource="transcription of asset")

UploadMethod = Literal["direct", "multipart"]
"""One request with the whole file, or parts side by side."""

Uploadable = str | PathLike[str] | bytes | AsyncIterable[bytes]
"""A path, an address, bytes, or a stream of them."""


class Assets(Resource):
    """Media files on the platform, before any indexing."""

    def __init__(self, road: Road) -> None:
        super().__init__(road)
        self._road = road

    @overload
    async def upload(
        self,
        source: Uploadable,
        *,
        wait: Literal[True],
        filename: str | None = None,
        size: int | None = None,
        type: MediaType | None = None,
        method: UploadMethod | None = None,
        user_metadata: UserMetadata | None = None,
        enable_hls: bool | None = None,
        enable_thumbnail: bool | None = None,
        concurrency: int = 4,
        on_progress: OnProgress | None = None,
        timeout: float | None = None,
        resume: UploadState | None = None,
    ) -> AssetDetail: ...
    @overload
    async def upload(
        self,
        source: Uploadable,
        *,
        wait: bool = False,
        filename: str | None = None,
        size: int | None = None,
        type: MediaType | None = None,
        method: UploadMethod | None = None,
        user_metadata: UserMetadata | None = None,
        enable_hls: bool | None = None,
        enable_thumbnail: bool | None = None,
        concurrency: int = 4,
        on_progress: OnProgress | None = None,
        timeout: float | None = None,
        resume: UploadState | None = None,
    ) -> Asset: ...
    async def upload(
        self,
        source: Uploadable,
        *,
        wait: bool = False,
        filename: str | None = None,
        size: int | None = None,
        type: MediaType | None = None,
        method: UploadMethod | None = None,
        user_metadata: UserMetadata | None = None,
        enable_hls: bool | None = None,
        enable_thumbnail: bool | None = None,
        concurrency: int = 4,
        on_progress: OnProgress | None = None,
        timeout: float | None = None,
        resume: UploadState | None = None,
    ) -> Asset:
        """Upload anything, by the way that suits it: one request up to 200 MB, else parts side by side.

        Memory stays at the parts on their way, and nothing is written to disk. What fails is sent again, each part to
        a fresh URL; storage's ETag is compared with what was sent. A file that changes meanwhile is an error.

        Args:
            source: A path, an http(s) address the platform fetches itself, bytes, or an async iterator of bytes.
            wait: Return only when the asset is ready.
            filename: Name the platform is to know it by; required for bytes and iterators.
            size: Bytes of an async iterator; needed beyond 16 MiB.
            type: What it is, where the extension does not tell.
            method: `direct` or `multipart`; None chooses by the size.
            user_metadata: Your own keys, flat.
            enable_hls: Make a stream of it; None leaves it to the platform.
            enable_thumbnail: Make a picture of it; None leaves it to the platform.
            concurrency: Parts on their way at once.
            on_progress: Is shown an `UploadProgress` with each block sent.
            timeout: Seconds to wait for it to become ready, with `wait`; None is an hour.
            resume: State of an earlier upload in parts of the same file, from `UploadProgress` or `UploadError`.

        Raises:
            InvalidInputError: The source cannot be read, is empty or too large; nothing was sent.
            UploadError: It did not arrive whole, or changed.
            APIError: The platform refused it. `ambiguous` if it may have arrived all the same.
            ProcessingFailedError: With `wait`: it arrived, and cannot be used.
        """
        if concurrency < 1:
            raise InvalidInputError(f"concurrency is 1 or more, not {concurrency}")
        checked_metadata(user_metadata)
        making = given(enable_hls=enable_hls, enable_thumbnail=enable_thumbnail, user_metadata=user_metadata)
        if isinstance(source, str) and source.startswith(("http://", "https://")):
            asset = await self.create(method="url", url=source, filename=filename, **making)
        else:
            content = await open_source(source, filename=filename, size=size)
            async with closing(content):
                options = UploadOptions(
                    type=type or media_type(content.name), concurrency=concurrency, on_progress=on_progress, **making
                )
                asset = await self._send(content, options, method, resume)
        return await self.wait_for_done(asset.id, timeout=timeout) if wait else asset

    async def _send(
        self, content: Source, options: UploadOptions, method: UploadMethod | None, resume: UploadState | None
    ) -> Asset:
        way = choose(content.size, options.type, filename=content.name)
        if content.in_order and content.size > SMALL_STREAM:
            way = "multipart"  # one request could not be repeated
        if (method or way) == "direct" and resume is None:
            return await send_direct(content, options, self._create_with)
        state = await PartsUpload(self._road, MultipartUpload(self._road), content, options).run(resume)
        return await self._appeared(state.asset_id)

    async def _create_with(self, file: FilePart, options: UploadOptions) -> Asset:
        return await self.create(
            method="direct",
            file=file,
            filename=file.filename,
            enable_hls=options.enable_hls,
            enable_thumbnail=options.enable_thumbnail,
            user_metadata=options.user_metadata,
        )

    async def _appeared(self, asset_id: str) -> AssetDetail:
        """The asset of a complete upload, which may take a moment to be known."""
        for pause in (0.2, 1.0, 3.0):
            try:
                return await self.retrieve(asset_id)
            except NotFoundError:
                await self._road.clock.sleep(pause)
        return await self.retrieve(asset_id)

    async def create(
        self,
        *,
        method: CreateMethod,
        file: FileLike | None = None,
        url: str | None = None,
        filename: str | None = None,
        enable_hls: bool | None = None,
        enable_thumbnail: bool | None = None,
        user_metadata: UserMetadata | None = None,
    ) -> Asset:
        """Make an asset in one request. Returns at once; `wait_for_done` tells when it can be used.

        Args:
            method: `direct` to send `file`, `url` to have the platform fetch `url`.
            file: Up to 200 MB, images up to 32 MB.
            url: An http or https address anyone can read.
            filename: Name the platform is to know the file by.
            enable_hls: Make a stream of it; the platform's default is to.
            enable_thumbnail: Make a picture of it; the platform's default is to.
            user_metadata: Your own keys, with plain values.

        Raises:
            InvalidInputError: `method` does not go with what was given, or the file is empty.
        """
        wanted, other = (file, url) if method == "direct" else (url, file)
        if wanted is None or other is not None:
            raise InvalidInputError(f"method {method!r} takes {'file' if method == 'direct' else 'url'}, and only that")
        body = form(
            files=[] if file is None else [file_part("file", file, filename=filename)],
            method=method,
            url=None if url is None else checked_url(url),
            filename=filename,
            enable_hls=enable_hls,
            enable_thumbnail=enable_thumbnail,
            user_metadata=metadata_text(user_metadata),
        )
        return await self._post("/assets", Asset, retry="reconcile", form=body)

    async def retrieve(self, asset_id: str) -> AssetDetail:
        """One asset, with all that is known about it.

        Raises:
            NotFoundError: No such asset.
        """
        return await self._get("/assets/{asset_id}", AssetDetail, asset_id=asset_id)

    async def delete(self, asset_id: str, *, force: bool | None = None) -> None:
        """Delete an asset.

        Args:
            asset_id: The asset.
            force: Delete it even if it is indexed or used elsewhere, there too.

        Raises:
            ConflictError: It is in use, and `force` is not set.
        """
        await self._delete("/assets/{asset_id}", query=given(force=force), asset_id=asset_id)

    async def retrieve_transcription(
        self, asset_id: str, *, include: Sequence[TranscriptionUnit] | None = None
    ) -> AssetTranscription:
        """What is said in an asset.

        Args:
            asset_id: The asset.
            include: Units to cut it into; None is words.

        Raises:
            NotFoundError: No such asset, or it has no transcription.
        """
        return await self._get(
            "/assets/{asset_id}/transcription",
            AssetTranscription,
            query=given(include=several("include", include)),
            asset_id=asset_id,
        )

    async def replace_user_metadata(self, asset_id: str, *, user_metadata: UserMetadata) -> None:
        """Set your own keys to exactly these; all others are gone. Empty texts and lists are not kept."""
        await self._put(
            "/assets/{asset_id}/user-metadata",
            type(None),
            json={"user_metadata": checked_metadata(user_metadata)},
            asset_id=asset_id,
        )

    async def update_user_metadata(self, asset_id: str, *, user_metadata: MetadataChange) -> None:
        """Change your own keys: those given are set, None removes one, all others stay."""
        await self._patch(
            "/assets/{asset_id}/user-metadata",
            type(None),
            json={"user_metadata": checked_metadata(user_metadata, deleting=True)},
            asset_id=asset_id,
        )

    async def delete_user_metadata(self, asset_id: str) -> None:
        """Remove all of your own keys."""
        await self._delete("/assets/{asset_id}/user-metadata", asset_id=asset_id)

    async def wait_for_done(
        self,
        asset_id: str,
        *,
        timeout: float | None = None,
        sleep_interval: float | None = None,
        callback: Callback[AssetDetail] | None = None,
    ) -> AssetDetail:
        """Wait until an asset is ready.

        Args:
            asset_id: The asset.
            timeout: Seconds to wait; None is an hour.
            sleep_interval: Seconds between two looks; None looks less and less often.
            callback: Is shown the asset after each look.

        Raises:
            ProcessingFailedError: The asset failed; `reason` says why.
            WaitTimeoutError: The time is over, processing goes on.
        """
        return await until_done(
            lambda: self.retrieve(asset_id),
            life=LIFE,
            id=asset_id,
            clock=self._caller.clock,
            timeout=timeout,
            sleep_interval=sleep_interval,
            callback=callback,
        )

    async def wait_for_transcription(
        self,
        asset_id: str,
        *,
        include: Sequence[TranscriptionUnit] | None = None,
        timeout: float | None = None,
        sleep_interval: float | None = None,
        callback: Callback[AssetTranscription] | None = None,
    ) -> AssetTranscription:
        """Wait until the transcription of an asset is ready.

        Args:
            asset_id: The asset.
            include: Units to cut it into; None is words.
            timeout: Seconds to wait; None is an hour.
            sleep_interval: Seconds between two looks; None looks less and less often.
            callback: Is shown the transcription after each look.

        Raises:
            NotFoundError: No such asset, or it has no transcription and will have none.
            ProcessingFailedError: The transcription failed; `reason` says why.
            WaitTimeoutError: The time is over, the transcription goes on.
        """
        return await until_done(
            lambda: self.retrieve_transcription(asset_id, include=include),
            life=TRANSCRIPTION_LIFE,
            id=asset_id,
            clock=self._caller.clock,
            timeout=timeout,
            sleep_interval=sleep_interval,
            callback=callback,
        )

    @asynccontextmanager
    async def temporary(
        self,
        source: Uploadable,
        *,
        filename: str | None = None,
        size: int | None = None,
        type: MediaType | None = None,
        method: UploadMethod | None = None,
        user_metadata: UserMetadata | None = None,
        enable_hls: bool | None = None,
        enable_thumbnail: bool | None = None,
        concurrency: int = 4,
        on_progress: OnProgress | None = None,
        timeout: float | None = None,
    ) -> AsyncGenerator[AssetDetail, None]:
        """An asset for as long as a block of code: ready when it begins, deleted with all that was made of it after.

        It is deleted however the block ends, also when it is cancelled, or when the asset never became ready. What a
        request left behind that broke off before the platform named the asset is not found again. The parameters are
        those of `upload`.

        Raises:
            UploadError: It did not arrive whole, or changed.
            ProcessingFailedError: It arrived, and cannot be used.
            APIError: The platform refused it, or refused to delete it.

        Example:
            async with client.assets.temporary("holiday.mp4") as asset:
                print(await client.assets.retrieve_transcription(asset.id))
        """
        made: list[str] = []

        def noticing(progress: UploadProgress) -> None:
            if progress.state is not None:
                made[:] = [progress.state.asset_id]
            if on_progress is not None:
                on_progress(progress)

        async with finally_doing(lambda: self._forget(made), "a temporary asset was not deleted"):
            asset = await self.upload(
                source,
                filename=filename,
                size=size,
                type=type,
                method=method,
                user_metadata=user_metadata,
                enable_hls=enable_hls,
                enable_thumbnail=enable_thumbnail,
                concurrency=concurrency,
                on_progress=noticing,
            )
            made[:] = [asset.id]
            yield await self.wait_for_done(asset.id, timeout=timeout)

    async def _forget(self, asset_ids: Ids) -> None:
        for asset_id in asset_ids:
            try:
                await self.delete(asset_id, force=True)
            except (NotFoundError, BadRequestError) as error:
                if isinstance(error, BadRequestError) and error.code not in GONE_ALREADY:
                    raise

    async def _pages_of(self, asset_ids: Ids) -> AsyncIterator[Page[AssetDetail]]:
        for start in range(0, len(asset_ids), 50):
            yield await self.list(asset_ids=asset_ids[start : start + 50])

    def wait_for_all(
        self, asset_ids: Ids, *, timeout: float | None = None, sleep_interval: float | None = None
    ) -> AsyncIterator[Outcome[AssetDetail]]:
        """Wait for many assets, by reading lists: 50 of them cost one request a round.

        Args:
            asset_ids: The assets.
            timeout: Seconds until those that are still on the way end with `WaitTimeoutError`; None is an hour.
            sleep_interval: Seconds between two rounds; None looks less and less often.

        Returns:
            An iterator of one `Outcome` for each, in the order in which they end.
        """
        outlook = Outlook(life=LIFE, pages=self._pages_of, fetch=self.retrieve)
        return all_done(asset_ids, outlook, clock=self._caller.clock, timeout=timeout, sleep_interval=sleep_interval)

    def list(
        self,
        *,
        page: int | None = None,
        page_limit: int | None = 50,
        asset_ids: Ids | None = None,
        asset_types: Sequence[AssetType] | None = None,
        filename: str | None = None,
    ) -> Paginator[AssetDetail]:
        """Assets, newest first. Sends nothing until awaited or iterated.

        Args:
            page: Where to start, from 1.
            page_limit: Items a page, 1 to 50.
            asset_ids: Only these.
            asset_types: Only of these kinds.
            filename: Part of the name, in any case.
        """
        query = given(
            asset_ids=several("asset_ids", asset_ids),
            asset_types=several("asset_types", asset_types),
            filename=filename,
        )
        return self._list("/assets", AssetDetail, page=page, page_limit=page_limit, query=query)
