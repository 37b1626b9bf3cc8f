"""Video indexing tasks: upload and index in one step. Deprecated by Twelve Labs.

https://docs.twelvelabs.io/v1.3/api-reference/tasks
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from twelvelabs_async._arguments import checked_id, omit_none
from twelvelabs_async._core.validation import checked_sequence, checked_url, metadata_json, one_or_more
from twelvelabs_async._polling import INDEXING_TASK_LIFECYCLE
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.models.common import DatetimeLike, Ids, UserMetadata
from twelvelabs_async.models.tasks import BulkResult, CreatedIndexingTask, IndexingTask, IndexingTaskStatus
from twelvelabs_async.pagination import Paginator
from twelvelabs_async.requests import Form
from twelvelabs_async.resources._base import Resource, create_each, deprecated, file_field
from twelvelabs_async.uploads._files import FileLike
from twelvelabs_async.waiting import PollCallback, WaitResult


class Tasks(Resource):
    """Indexing tasks: upload and index in one step. Use `assets` and `indexes.indexed_assets` in new code."""

    @deprecated("assets.upload and indexes.indexed_assets.create")
    async def create(
        self,
        *,
        index_id: str,
        video_file: FileLike | None = None,
        video_url: str | None = None,
        enable_video_stream: bool | None = None,
        user_metadata: UserMetadata | str | None = None,
    ) -> CreatedIndexingTask:
        """Upload a video into an index and return immediately; use `wait_for_done` to wait until it is indexed.

        Deprecated: use `assets.upload` and `indexes.indexed_assets.create`.

        Args:
            index_id: Id of the index.
            video_file: The video, up to 2 GB. Pass either `video_file` or `video_url`.
            video_url: A publicly accessible http(s) URL.
            enable_video_stream: Whether to store the video for streaming; the platform's default is True.
            user_metadata: Your own metadata of the video, as a dict or as JSON.

        Raises:
            InvalidInputError: Not exactly one of `video_file` and `video_url` was passed.

        API: `POST /tasks`

        Example:
            task = await client.tasks.create(index_id=index.id, video_file="holiday.mp4")
            print(task.id, task.video_id)
        """
        return await self._create(
            index_id=index_id,
            video_file=video_file,
            video_url=video_url,
            enable_video_stream=enable_video_stream,
            user_metadata=user_metadata,
        )

    async def _create(
        self,
        *,
        index_id: str,
        video_file: FileLike | None = None,
        video_url: str | None = None,
        enable_video_stream: bool | None,
        user_metadata: UserMetadata | str | None = None,
    ) -> CreatedIndexingTask:
        if (video_file is None) == (video_url is None):
            raise InvalidInputError("pass exactly one of video_file= and video_url=")
        body = Form.build(
            index_id=checked_id("index_id", index_id),
            video_url=None if video_url is None else checked_url(video_url, "video_url"),
            enable_video_stream=enable_video_stream,
            user_metadata=metadata_json(user_metadata),
        )
        files = file_field("video_file", video_file)
        return await self._send_files("/tasks", CreatedIndexingTask, retry_class="verify_first", form=body, files=files)

    @deprecated("client.ingest")
    async def create_bulk(
        self,
        *,
        index_id: str,
        video_files: Sequence[FileLike] | None = None,
        video_urls: Sequence[str] | None = None,
        enable_video_stream: bool | None = None,
        concurrency: int = 4,
    ) -> BulkResult[CreatedIndexingTask]:
        """Upload many videos into an index. A video that fails does not stop the others.

        Deprecated: use `client.ingest`, which retries failed uploads and can be resumed.

        Args:
            index_id: Id of the index.
            video_files: The videos, up to 2 GB each, in any form that `create` takes.
            video_urls: Publicly accessible http(s) URLs.
            enable_video_stream: Whether to store the videos for streaming; the platform's default is True.
            concurrency: Maximum number of concurrent uploads.

        Returns:
            The created tasks as `results`, and the videos that failed as `failures`, each with its error.

        Raises:
            InvalidInputError: There is no video, or `index_id` is not valid.

        Example:
            created = await client.tasks.create_bulk(index_id=index.id, video_files=["beach.mp4", "holiday.mp4"])
            for failure in created.failures:
                print(failure.source, failure.error)
        """
        checked_id("index_id", index_id)
        create = partial(self._create, index_id=index_id, enable_video_stream=enable_video_stream)
        calls: list[tuple[Any, Callable[[], Awaitable[CreatedIndexingTask]]]] = [
            *((file, partial(create, video_file=file)) for file in checked_sequence("video_files", video_files) or ()),
            *((url, partial(create, video_url=url)) for url in checked_sequence("video_urls", video_urls) or ()),
        ]
        if not calls:
            raise InvalidInputError("pass video_files= or video_urls=")
        return await create_each(calls, concurrency)

    @deprecated("indexes.indexed_assets.retrieve")
    async def retrieve(self, task_id: str) -> IndexingTask:
        """Return a task, with its status.

        Deprecated: use `indexes.indexed_assets.retrieve`.

        Raises:
            NotFoundError: The task does not exist; documented as 400, `BadRequestError`.

        API: `GET /tasks/{task_id}`

        Example:
            task = await client.tasks.retrieve(indexing_task.id)
            print(task.status, task.video_id)
        """
        return await self._retrieve(task_id)

    async def _retrieve(self, task_id: str) -> IndexingTask:
        return await self._get("/tasks/{task_id}", IndexingTask, task_id=task_id)

    @deprecated("indexes.indexed_assets.delete")
    async def delete(self, task_id: str) -> None:
        """Delete a finished task; the video of a ready task must be deleted first.

        Deprecated: use `indexes.indexed_assets.delete`.

        Raises:
            BadRequestError: The task is in progress, or its video still exists (`task_cannot_be_deleted`).

        API: `DELETE /tasks/{task_id}`

        Example:
            task = await client.tasks.retrieve(indexing_task.id)
            await client.indexes.indexed_assets.delete(task.index_id, task.video_id)
            await client.tasks.delete(task.id)
        """
        await self._send("DELETE", "/tasks/{task_id}", type(None), task_id=task_id)

    @deprecated("indexes.indexed_assets.wait_for_done")
    async def wait_for_done(
        self,
        task_id: str,
        *,
        timeout: float | None = None,
        sleep_interval: float | None = None,
        callback: PollCallback[IndexingTask] | None = None,
    ) -> IndexingTask:
        """Wait until the video of a task is ready.

        Deprecated: use `indexes.indexed_assets.wait_for_done`.

        Args:
            task_id: Id of the task.
            timeout: Seconds to wait; None is one hour.
            sleep_interval: Seconds between two polls; None starts at one second and slows down to fifteen.
            callback: Called with the task after each poll.

        Raises:
            ProcessingFailedError: The task failed.
            WaitTimeoutError: The task did not finish in time; it continues on the server.

        Example:
            task = await client.tasks.wait_for_done(indexing_task.id, timeout=600)
            print(task.status)  # ready
        """
        return await self._poll(self._retrieve, INDEXING_TASK_LIFECYCLE, task_id, timeout, sleep_interval, callback)

    @deprecated("indexes.indexed_assets.wait_for_all")
    def wait_for_all(
        self, task_ids: Ids, *, timeout: float | None = None, sleep_interval: float | None = None
    ) -> AsyncIterator[WaitResult[IndexingTask]]:
        """Wait for many tasks. Polls the list endpoint: one request per 50 tasks and round.

        Deprecated: use `indexes.indexed_assets.wait_for_all`.

        Args:
            task_ids: Ids of the tasks.
            timeout: Seconds until pending ones end with `WaitTimeoutError`; None is one hour.
            sleep_interval: Seconds between two rounds; None starts at one second and slows down to fifteen.

        Returns:
            An iterator of one `WaitResult` per id, in the order in which they finish.

        Raises:
            InvalidInputError: An id is invalid.

        Example:
            async for outcome in client.tasks.wait_for_all([indexing_task.id]):
                print(outcome.id, outcome.error or "ready")
        """
        list_all = partial(self._list, "/tasks", IndexingTask, page_limit=50)
        return self._poll_all(self._retrieve, INDEXING_TASK_LIFECYCLE, task_ids, list_all, timeout, sleep_interval)

    @deprecated("indexes.indexed_assets.list")
    def list(
        self,
        *,
        page: int | None = None,
        page_limit: int | None = 50,
        sort_by: str | None = None,
        sort_option: str | None = None,
        index_id: str | None = None,
        status: IndexingTaskStatus | Sequence[IndexingTaskStatus] | None = None,
        filename: str | None = None,
        duration: float | None = None,
        width: int | None = None,
        height: int | None = None,
        created_at: DatetimeLike | None = None,
        updated_at: DatetimeLike | None = None,
    ) -> Paginator[IndexingTask]:
        """List tasks, newest first. Sends nothing until awaited or iterated.

        Deprecated: use `indexes.indexed_assets.list`.

        Args:
            page: First page, from 1.
            page_limit: Items per page, 1 to 50.
            sort_by: `created_at` or `updated_at`.
            sort_option: `asc` or `desc`.
            index_id: Filter by index.
            status: Filter by status; any of these.
            filename: Filter by name of the file.
            duration: Filter by exact duration, in seconds.
            width: Filter by exact width, in pixels.
            height: Filter by exact height, in pixels.
            created_at: Created at or after this time.
            updated_at: Changed at or after this time.

        Raises:
            BadRequestError: Raised while iterating: a parameter is invalid.

        API: `GET /tasks`

        Example:
            async for task in client.tasks.list(index_id=index.id, status="ready"):
                print(task.id, task.video_id)
        """
        query = omit_none(
            sort_by=sort_by,
            sort_option=sort_option,
            index_id=index_id,
            status=one_or_more("status", status),
            filename=filename,
            duration=duration,
            width=width,
            height=height,
            created_at=created_at,
            updated_at=updated_at,
        )
        return self._list("/tasks", IndexingTask, page, page_limit, query)
