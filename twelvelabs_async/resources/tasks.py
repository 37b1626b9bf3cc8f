"""Video indexing tasks: upload and index in one step. The platform has announced their removal.

https://docs.twelvelabs.io/v1.3/api-reference/tasks
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

from twelvelabs_async.checks import metadata_text
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.herd import Outcome, Outlook, all_done
from twelvelabs_async.models.common import Ids, Moment, UserMetadata
from twelvelabs_async.models.tasks import CreatedIndexingTask, IndexingTask, IndexingTaskStatus
from twelvelabs_async.paginator import Paginator
from twelvelabs_async.request import checked_id, form, given
from twelvelabs_async.resources.base import Resource
from twelvelabs_async.resources.deprecation import deprecated
from twelvelabs_async.resources.inputs import FileLike, checked_url, file_part, several
from twelvelabs_async.waiting import Callback, Lifecycle, until_done

LIFE: Final = Lifecycle(resource="indexing task")


class Tasks(Resource):
    """Upload and index in one step; new code makes an asset and puts it into an index."""

    @deprecated("assets.upload and indexes.indexed_assets.create")
    async def create(
        self,
        *,
        index_id: str,
        video_file: FileLike | None = None,
        video_url: str | None = None,
        enable_video_stream: bool | None = None,
        user_metadata: UserMetadata | None = None,
    ) -> CreatedIndexingTask:
        """Upload a video into an index. Returns at once; `wait_for_done` tells when it can be searched.

        Deprecated: use `assets.upload` and `indexes.indexed_assets.create`.

        Args:
            index_id: The index.
            video_file: The video, up to 2 GB.
            video_url: An http or https address anyone can read.
            enable_video_stream: Keep the video for streaming; the platform's default is to.
            user_metadata: Your own keys on the video.

        Raises:
            InvalidInputError: Not exactly one of `video_file` and `video_url` was given.
        """
        if (video_file is None) == (video_url is None):
            raise InvalidInputError("a task takes one of video_file and video_url")
        body = form(
            files=[] if video_file is None else [file_part("video_file", video_file)],
            index_id=checked_id(index_id, "index_id"),
            video_url=None if video_url is None else checked_url(video_url, "video_url"),
            enable_video_stream=enable_video_stream,
            user_metadata=metadata_text(user_metadata),
        )
        return await self._post("/tasks", CreatedIndexingTask, retry="reconcile", form=body)

    @deprecated("indexes.indexed_assets.retrieve")
    async def retrieve(self, task_id: str) -> IndexingTask:
        """One task, and how far it is.

        Deprecated: use `indexes.indexed_assets.retrieve`.
        """
        return await self._retrieve(task_id)

    async def _retrieve(self, task_id: str) -> IndexingTask:
        return await self._get("/tasks/{task_id}", IndexingTask, task_id=task_id)

    @deprecated("indexes.indexed_assets.delete")
    async def delete(self, task_id: str) -> None:
        """Delete a task that has ended; the video remains.

        Deprecated: use `indexes.indexed_assets.delete`.

        Raises:
            BadRequestError: `task_cannot_be_deleted`, because it is still on the way.
        """
        await self._delete("/tasks/{task_id}", task_id=task_id)

    @deprecated("indexes.indexed_assets.wait_for_done")
    async def wait_for_done(
        self,
        task_id: str,
        *,
        timeout: float | None = None,
        sleep_interval: float | None = None,
        callback: Callback[IndexingTask] | None = None,
    ) -> IndexingTask:
        """Wait until the video of a task is ready.

        Deprecated: use `indexes.indexed_assets.wait_for_done`.

        Args:
            task_id: The task.
            timeout: Seconds to wait; None is an hour.
            sleep_interval: Seconds between two looks; None looks less and less often.
            callback: Is shown the task after each look.

        Raises:
            ProcessingFailedError: The task failed.
            WaitTimeoutError: The time is over, the task goes on.
        """
        return await until_done(
            lambda: self._retrieve(task_id),
            life=LIFE,
            id=task_id,
            clock=self._caller.clock,
            timeout=timeout,
            sleep_interval=sleep_interval,
            callback=callback,
        )

    @deprecated("indexes.indexed_assets.wait_for_all")
    def wait_for_all(
        self, task_ids: Ids, *, timeout: float | None = None, sleep_interval: float | None = None
    ) -> AsyncIterator[Outcome[IndexingTask]]:
        """Wait for many tasks, by reading lists: 50 of them cost one request a round.

        Deprecated: use `indexes.indexed_assets.wait_for_all`.

        Args:
            task_ids: The tasks.
            timeout: Seconds until those that are still on the way end with `WaitTimeoutError`; None is an hour.
            sleep_interval: Seconds between two rounds; None looks less and less often.

        Returns:
            An iterator of one `Outcome` for each, in the order in which they end.
        """
        outlook = Outlook(
            life=LIFE, pages=lambda _: self._list("/tasks", IndexingTask, page_limit=50).pages(), fetch=self._retrieve
        )
        return all_done(task_ids, outlook, clock=self._caller.clock, timeout=timeout, sleep_interval=sleep_interval)

    @deprecated("indexes.indexed_assets.list")
    def list(
        self,
        *,
        page: int | None = None,
        page_limit: int | None = 50,
        sort_by: str | None = None,
        sort_option: str | None = None,
        index_id: str | None = None,
        status: Sequence[IndexingTaskStatus] | None = None,
        filename: str | None = None,
        duration: float | None = None,
        width: int | None = None,
        height: int | None = None,
        created_at: Moment | None = None,
        updated_at: Moment | None = None,
    ) -> Paginator[IndexingTask]:
        """Tasks, newest first. Sends nothing until awaited or iterated.

        Deprecated: use `indexes.indexed_assets.list`.

        Args:
            page: Where to start, from 1.
            page_limit: Items a page, 1 to 50.
            sort_by: `created_at` or `updated_at`.
            sort_option: `asc` or `desc`.
            index_id: Only of this index.
            status: Any of these.
            filename: Name of the file.
            duration: Seconds, exactly.
            width: Pixels, exactly.
            height: Pixels, exactly.
            created_at: Created at this time or later.
            updated_at: Changed at this time or later.
        """
        query = given(
            sort_by=sort_by,
            sort_option=sort_option,
            index_id=index_id,
            status=several("status", status),
            filename=filename,
            duration=duration,
            width=width,
            height=height,
            created_at=created_at,
            updated_at=updated_at,
        )
        return self._list("/tasks", IndexingTask, page=page, page_limit=page_limit, query=query)
