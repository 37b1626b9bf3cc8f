"""Assets: media files on the platform.

https://docs.twelvelabs.io/v1.3/api-reference/upload-content
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, Literal, overload

from twelvelabs_async._arguments import checked_int, omit_none, require_bool, require_choice, require_type
from twelvelabs_async._concurrency import shielded_cleanup
from twelvelabs_async._core.retry import is_not_found
from twelvelabs_async._core.validation import MetadataUpdate, checked_metadata, checked_url, metadata_json, one_or_more
from twelvelabs_async._event_listeners import require_plain_function
from twelvelabs_async._polling import ASSET_LIFECYCLE, TRANSCRIPTION_LIFECYCLE, PollTarget, wait_for_all
from twelvelabs_async.errors import APIError, InvalidInputError, NotFoundError
from twelvelabs_async.models.assets import (
    Asset,
    AssetDetail,
    AssetTranscription,
    AssetType,
    CreateMethod,
    TranscriptionUnit,
)
from twelvelabs_async.models.common import Ids, UserMetadata
from twelvelabs_async.pagination import Page, Paginator
from twelvelabs_async.requests import Form
from twelvelabs_async.resources._base import Resource, file_field
from twelvelabs_async.uploads import OnProgress, UploadProgress, UploadState
from twelvelabs_async.uploads._files import FileLike, source_of
from twelvelabs_async.uploads._multipart import MultipartUploader
from twelvelabs_async.uploads._source import MAX_BUFFERED_STREAM, UploadSource, make_form_part
from twelvelabs_async.uploads._strategy import MediaType, UploadOptions, choose_strategy, media_type
from twelvelabs_async.waiting import PollCallback, WaitResult

UploadMethod = Literal["direct", "multipart"]
"""One request with the whole file (`direct`), or several parts in parallel (`multipart`)."""

Uploadable = FileLike
"""A file in any form: a path or URL, bytes, an open file, an async iterable of bytes, or a tuple with its name."""

_URL: Final = re.compile("https?://", re.IGNORECASE)


_USER_METADATA: Final = "/assets/{asset_id}/user-metadata"


class Assets(Resource):
    """Media files on the platform."""

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
        """Upload a file: in one request up to 200 MB, otherwise in parallel parts.

        Only the parts in transfer are in memory, and nothing is written to disk. Failed parts are retried with a new
        URL, and the ETag of each part is compared with what was sent. A file that changes during the upload is an
        error.

        Args:
            source: A path, an http(s) URL that the platform downloads, bytes, an open binary file (read from its
                start), an upload of a web framework, an async iterable of bytes, or a tuple `(filename, content)`.
            wait: Whether to wait until the asset is ready.
            filename: Name of the file on the platform; required if the source has none, such as bytes.
            size: Size in bytes of a source that does not know it; required above 16 MiB.
            type: Kind of file, if the extension does not show it.
            method: `direct` or `multipart`; None depends on the size.
            user_metadata: Your own metadata; values cannot be nested.
            enable_hls: Whether to create an HLS stream; None is the platform's default.
            enable_thumbnail: Whether to create a thumbnail; None is the platform's default.
            concurrency: Maximum number of concurrent parts.
            on_progress: Called with an `UploadProgress` after each block sent.
            timeout: With `wait`: seconds to wait for the asset to be ready; None is one hour.
            resume: State of an earlier multipart upload of the same file, from `UploadProgress` or `UploadError`.

        Raises:
            InvalidInputError: The source is unreadable, empty or too large; nothing was sent.
            UploadError: The file was not uploaded completely, or it changed.
            APIError: The platform rejected it. `ambiguous` is set if the asset may exist nevertheless.
            ProcessingFailedError: With `wait`: the file was uploaded, but cannot be processed.

        Example:
            asset = await client.assets.upload("holiday.mp4", wait=True, user_metadata={"year": 2026})
            print(asset.status)  # ready
        """
        checked_int("concurrency", concurrency)
        require_choice("type", type, MediaType)
        require_choice("method", method, UploadMethod)
        require_type("resume", resume, UploadState, "an UploadState")
        require_bool("wait", wait)
        metadata = checked_metadata(user_metadata)
        asset_options = omit_none(enable_hls=enable_hls, enable_thumbnail=enable_thumbnail, user_metadata=metadata)
        if isinstance(source, str) and _URL.match(source):
            asset = await self.create(method="url", url=source, filename=filename, **asset_options)
        else:
            unopened = source_of(source, "source", filename=filename, size=size)
            if not unopened.name:
                raise InvalidInputError(f"{unopened.label} has no name; pass filename= with an extension")
            options = UploadOptions(
                type=type or media_type(unopened.name),
                concurrency=concurrency,
                on_progress=on_progress,
                **asset_options,
            )
            async with unopened as content:
                asset = await self._upload_source(content, options, method, resume)
        return await self.wait_for_done(asset.id, timeout=timeout) if wait else asset

    async def _upload_source(
        self, source: UploadSource, options: UploadOptions, method: UploadMethod | None, resume: UploadState | None
    ) -> Asset:
        strategy = choose_strategy(source.size, options.type, filename=source.name)
        if source.sequential and source.size > MAX_BUFFERED_STREAM:
            strategy = "multipart"  # a single request could not be retried
        if (method or strategy) == "direct" and resume is None:
            file = await make_form_part(source, "file", options.on_progress)
            return await self.create(
                method="direct",
                file=file,
                filename=file.filename,
                enable_hls=options.enable_hls,
                enable_thumbnail=options.enable_thumbnail,
                user_metadata=options.user_metadata,
            )
        state = await MultipartUploader(self._executor, source, options).run(resume)
        return await self._retrieve_completed(state.asset_id)

    async def _retrieve_completed(self, asset_id: str) -> AssetDetail:
        """Return the asset of a complete upload. The platform may not find it immediately."""
        for pause in (0.2, 1.0, 3.0):
            try:
                return await self.retrieve(asset_id)
            except NotFoundError:
                await self._executor.clock.sleep(pause)
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
        user_metadata: UserMetadata | str | None = None,
    ) -> Asset:
        """Create an asset in one request and return immediately; use `wait_for_done` to wait until it is ready.

        Args:
            method: `direct` to send `file`, `url` to let the platform download `url`.
            file: The file, up to 200 MB, in any form that `upload` takes except a URL; images up to 32 MB.
            url: A publicly accessible http(s) URL.
            filename: Name of the file on the platform.
            enable_hls: Whether to create an HLS stream; the platform's default is True.
            enable_thumbnail: Whether to create a thumbnail; the platform's default is True.
            user_metadata: Your own metadata, as a dict or as JSON; values cannot be nested.

        Raises:
            InvalidInputError: The arguments do not fit `method`, or the file is empty.

        API: `POST /assets`

        Example:
            created = await client.assets.create(method="url", url="https://example.com/holiday.mp4")
            asset = await client.assets.wait_for_done(created.id)
        """
        require_choice("method", method, CreateMethod)
        required, excluded = (file, url) if method == "direct" else (url, file)
        if required is None or excluded is not None:
            names = ("file", "url") if method == "direct" else ("url", "file")
            raise InvalidInputError(f"method={method!r} requires {names[0]}= and excludes {names[1]}=")
        body = Form.build(
            method=method,
            url=None if url is None else checked_url(url),
            filename=filename,
            enable_hls=enable_hls,
            enable_thumbnail=enable_thumbnail,
            user_metadata=metadata_json(user_metadata),
        )
        files = file_field("file", file, filename=filename)
        return await self._send_files("/assets", Asset, retry_class="verify_first", form=body, files=files)

    async def retrieve(self, asset_id: str) -> AssetDetail:
        """Return an asset, with all details.

        Raises:
            NotFoundError: The asset does not exist.

        API: `GET /assets/{asset_id}`

        Example:
            asset = await client.assets.retrieve(asset.id)
            print(asset.status, asset.filename, asset.duration)
        """
        return await self._get("/assets/{asset_id}", AssetDetail, asset_id=asset_id)

    async def delete(self, asset_id: str, *, force: bool | None = None) -> None:
        """Delete an asset.

        Args:
            asset_id: Id of the asset.
            force: Whether to delete it even if indexed assets refer to it; these remain in their indexes.

        Raises:
            ConflictError: The asset is in use, and `force` is not set.

        API: `DELETE /assets/{asset_id}`

        Example:
            await client.assets.delete(asset.id, force=True)
        """
        await self._send("DELETE", "/assets/{asset_id}", type(None), query=omit_none(force=force), asset_id=asset_id)

    async def retrieve_transcription(
        self, asset_id: str, *, include: TranscriptionUnit | Sequence[TranscriptionUnit] | None = None
    ) -> AssetTranscription:
        """Return the transcription of an asset.

        Args:
            asset_id: Id of the asset.
            include: Units to return; None is words.

        Raises:
            NotFoundError: The asset does not exist, or has no transcription.

        API: `GET /assets/{asset_id}/transcription`

        Example:
            transcription = await client.assets.retrieve_transcription(asset.id, include="sentences")
            for sentence in transcription.sentences:
                print(sentence.start, sentence.end, sentence.value)
        """
        query = omit_none(include=one_or_more("include", include))
        return await self._get("/assets/{asset_id}/transcription", AssetTranscription, query, asset_id=asset_id)

    async def replace_user_metadata(self, asset_id: str, *, user_metadata: UserMetadata) -> None:
        """Replace all of your own metadata. Empty strings and lists are not kept.

        Raises:
            NotFoundError: The asset does not exist.

        API: `PUT /assets/{asset_id}/user-metadata`

        Example:
            await client.assets.replace_user_metadata(asset.id, user_metadata={"year": 2026})
        """
        body = {"user_metadata": checked_metadata(user_metadata)}
        await self._send("PUT", _USER_METADATA, type(None), body, asset_id=asset_id)

    async def update_user_metadata(self, asset_id: str, *, user_metadata: MetadataUpdate) -> None:
        """Update your own metadata: set the given keys, remove those that are None, keep all others.

        Raises:
            NotFoundError: The asset does not exist.

        API: `PATCH /assets/{asset_id}/user-metadata`

        Example:
            await client.assets.update_user_metadata(asset.id, user_metadata={"year": 2026, "draft": None})
        """
        body = {"user_metadata": checked_metadata(user_metadata, allow_none=True)}
        await self._send("PATCH", _USER_METADATA, type(None), body, asset_id=asset_id)

    async def delete_user_metadata(self, asset_id: str) -> None:
        """Remove all of your own metadata.

        Raises:
            NotFoundError: The asset does not exist.

        API: `DELETE /assets/{asset_id}/user-metadata`

        Example:
            await client.assets.delete_user_metadata(asset.id)
        """
        await self._send("DELETE", _USER_METADATA, type(None), asset_id=asset_id)

    async def wait_for_done(
        self,
        asset_id: str,
        *,
        timeout: float | None = None,
        sleep_interval: float | None = None,
        callback: PollCallback[AssetDetail] | None = None,
    ) -> AssetDetail:
        """Wait until an asset is ready.

        Args:
            asset_id: Id of the asset.
            timeout: Seconds to wait; None is one hour.
            sleep_interval: Seconds between two polls; None starts at one second and slows down to fifteen.
            callback: Called with the asset after each poll.

        Raises:
            ProcessingFailedError: The asset failed; `reason` says why.
            WaitTimeoutError: It was not ready in time; processing continues on the server.

        Example:
            created = await client.assets.upload("holiday.mp4")
            asset = await client.assets.wait_for_done(created.id, timeout=600)
        """
        return await self._poll(self.retrieve, ASSET_LIFECYCLE, asset_id, timeout, sleep_interval, callback)

    async def wait_for_transcription(
        self,
        asset_id: str,
        *,
        include: TranscriptionUnit | Sequence[TranscriptionUnit] | None = None,
        timeout: float | None = None,
        sleep_interval: float | None = None,
        callback: PollCallback[AssetTranscription] | None = None,
    ) -> AssetTranscription:
        """Wait until the transcription of an asset is ready.

        Args:
            asset_id: Id of the asset.
            include: Units to return; None is words.
            timeout: Seconds to wait; None is one hour.
            sleep_interval: Seconds between two polls; None starts at one second and slows down to fifteen.
            callback: Called with the transcription after each poll.

        Raises:
            NotFoundError: The asset does not exist, or will have no transcription.
            ProcessingFailedError: The transcription failed; `reason` says why.
            WaitTimeoutError: It was not ready in time; transcription continues on the server.

        Example:
            transcription = await client.assets.wait_for_transcription(asset.id, include=["sentences"])
            print(len(transcription.sentences))
        """
        fetch = partial(self.retrieve_transcription, include=include)
        return await self._poll(fetch, TRANSCRIPTION_LIFECYCLE, asset_id, timeout, sleep_interval, callback)

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
        """Upload an asset for an `async with` block; delete it, and everything derived from it, at the end.

        The asset is ready when the block starts, and is deleted however the block ends: also on cancellation, and if
        the asset never becomes ready. An asset is not deleted if the upload failed before the platform returned its id.
        The parameters are those of `upload`.

        Raises:
            UploadError: The file was not uploaded completely, or it changed.
            ProcessingFailedError: The file was uploaded, but cannot be processed.
            APIError: The platform rejected the upload or the deletion.

        Example:
            async with client.assets.temporary("holiday.mp4") as asset:
                print(await client.assets.retrieve_transcription(asset.id))
        """
        asset_ids: list[str] = []
        require_plain_function("on_progress", on_progress)

        def track_progress(progress: UploadProgress) -> None:
            if not asset_ids and progress.state is not None:
                asset_ids.append(progress.state.asset_id)
            if on_progress is not None:
                on_progress(progress)

        async with shielded_cleanup(lambda: self._delete_all(asset_ids), "a temporary asset was not deleted"):
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
                on_progress=track_progress,
            )
            asset_ids[:] = [asset.id]
            yield await self.wait_for_done(asset.id, timeout=timeout)

    async def _delete_all(self, asset_ids: Ids) -> None:
        for asset_id in asset_ids:
            try:
                await self.delete(asset_id, force=True)
            except APIError as error:
                if not is_not_found(error):
                    raise

    async def _list_by_ids(self, asset_ids: Ids) -> AsyncIterator[Page[AssetDetail]]:
        for start in range(0, len(asset_ids), 50):
            yield await self.list(asset_ids=asset_ids[start : start + 50])

    def wait_for_all(
        self, asset_ids: Ids, *, timeout: float | None = None, sleep_interval: float | None = None
    ) -> AsyncIterator[WaitResult[AssetDetail]]:
        """Wait for many assets. Polls the list endpoint: one request per 50 assets and round.

        Args:
            asset_ids: Ids of the assets.
            timeout: Seconds until pending ones end with `WaitTimeoutError`; None is one hour.
            sleep_interval: Seconds between two rounds; None starts at one second and slows down to fifteen.

        Returns:
            An iterator of one `WaitResult` per id, in the order in which they finish.

        Raises:
            InvalidInputError: An id is invalid.

        Example:
            async for outcome in client.assets.wait_for_all([asset.id, image.id]):
                print(outcome.id, outcome.error or "ready")
        """
        target = PollTarget(lifecycle=ASSET_LIFECYCLE, list_pages=self._list_by_ids, fetch=self.retrieve)
        clock = self._executor.clock
        return wait_for_all(asset_ids, target, clock=clock, timeout=timeout, sleep_interval=sleep_interval)

    def list(
        self,
        *,
        page: int | None = None,
        page_limit: int | None = 50,
        asset_ids: str | Ids | None = None,
        asset_types: AssetType | Sequence[AssetType] | None = None,
        filename: str | None = None,
    ) -> Paginator[AssetDetail]:
        """List assets, newest first. Sends nothing until awaited or iterated.

        Args:
            page: First page, from 1.
            page_limit: Items per page, 1 to 50.
            asset_ids: Filter by id.
            asset_types: Filter by kind of file.
            filename: Filter by part of the name, ignoring case.

        Raises:
            BadRequestError: Raised while iterating: a parameter is invalid.

        API: `GET /assets`

        Example:
            async for asset in client.assets.list(asset_types="video"):
                print(asset.id, asset.filename)
        """
        query = omit_none(
            asset_ids=one_or_more("asset_ids", asset_ids),
            asset_types=one_or_more("asset_types", asset_types),
            filename=filename,
        )
        return self._list("/assets", AssetDetail, page, page_limit, query)
