"""The older endpoints for embeddings, whose deprecation the platform has announced, and the way to the newer ones.

https://docs.twelvelabs.io/v1.3/api-reference/create-embeddings-v1
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import cached_property
from typing import Final

from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.herd import Outcome, Outlook, all_done
from twelvelabs_async.models.common import Ids, Moment
from twelvelabs_async.models.embed import (
    CreatedEmbeddingTask,
    EmbeddingResponse,
    MediaEmbeddingTask,
    VideoEmbeddingScope,
)
from twelvelabs_async.models.indexes import EmbeddingOption
from twelvelabs_async.paginator import Paginator
from twelvelabs_async.request import form, given
from twelvelabs_async.resources.base import Resource
from twelvelabs_async.resources.deprecation import deprecated
from twelvelabs_async.resources.embed_v2 import EmbedV2
from twelvelabs_async.resources.inputs import FileLike, checked_url, file_part, file_parts, several
from twelvelabs_async.waiting import Callback, Lifecycle, until_done

LIFE: Final = Lifecycle(resource="embedding task")


class EmbedTasks(Resource):
    """Embeddings of whole videos; new code uses `embed.v_2.tasks`."""

    @deprecated("embed.v_2.tasks.create")
    async def create(
        self,
        *,
        model_name: str,
        video_file: FileLike | None = None,
        video_url: str | None = None,
        video_start_offset_sec: float | None = None,
        video_end_offset_sec: float | None = None,
        video_clip_length: float | None = None,
        video_embedding_scope: Sequence[VideoEmbeddingScope] | None = None,
    ) -> CreatedEmbeddingTask:
        """Have a video embedded. Returns at once; `wait_for_done` tells when the vectors are there, for seven days.

        Deprecated: use `embed.v_2.tasks.create`.

        Args:
            model_name: Such as `marengo3.0`.
            video_file: The video, up to 2 GB.
            video_url: An http or https address anyone can read.
            video_start_offset_sec: Where to begin, in seconds.
            video_end_offset_sec: Where to end, in seconds; takes the start with it.
            video_clip_length: Seconds of each stretch, 2 to 10.
            video_embedding_scope: Whether vectors span stretches, or the whole video, too.

        Raises:
            InvalidInputError: Not exactly one of `video_file` and `video_url` was given.
        """
        if (video_file is None) == (video_url is None):
            raise InvalidInputError("a task takes one of video_file and video_url")
        body = form(
            files=[] if video_file is None else [file_part("video_file", video_file)],
            model_name=model_name,
            video_url=None if video_url is None else checked_url(video_url, "video_url"),
            video_start_offset_sec=video_start_offset_sec,
            video_end_offset_sec=video_end_offset_sec,
            video_clip_length=video_clip_length,
            video_embedding_scope=several("video_embedding_scope", video_embedding_scope),
        )
        return await self._post("/embed/tasks", CreatedEmbeddingTask, retry="unsafe", form=body)

    @deprecated("embed.v_2.tasks.retrieve")
    async def retrieve(
        self, task_id: str, *, embedding_option: Sequence[EmbeddingOption] | None = None
    ) -> MediaEmbeddingTask:
        """One task with its vectors, once it is ready.

        Deprecated: use `embed.v_2.tasks.retrieve`.

        Args:
            task_id: The task.
            embedding_option: Kinds of vectors to include.
        """
        return await self._get(
            "/embed/tasks/{task_id}",
            MediaEmbeddingTask,
            query=given(embedding_option=several("embedding_option", embedding_option)),
            task_id=task_id,
        )

    @deprecated("embed.v_2.tasks.retrieve")
    async def status(self, task_id: str) -> MediaEmbeddingTask:
        """One task without its vectors.

        Deprecated: use `embed.v_2.tasks.retrieve`.
        """
        return await self._status(task_id)

    async def _status(self, task_id: str) -> MediaEmbeddingTask:
        return await self._get("/embed/tasks/{task_id}/status", MediaEmbeddingTask, task_id=task_id)

    @deprecated("embed.v_2.tasks.wait_for_done")
    async def wait_for_done(
        self,
        task_id: str,
        *,
        timeout: float | None = None,
        sleep_interval: float | None = None,
        callback: Callback[MediaEmbeddingTask] | None = None,
    ) -> MediaEmbeddingTask:
        """Wait until a task is ready; `retrieve` then gives the vectors.

        Deprecated: use `embed.v_2.tasks.wait_for_done`.

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
            lambda: self._status(task_id),
            life=LIFE,
            id=task_id,
            clock=self._caller.clock,
            timeout=timeout,
            sleep_interval=sleep_interval,
            callback=callback,
        )

    @deprecated("embed.v_2.tasks.wait_for_all")
    def wait_for_all(
        self, task_ids: Ids, *, timeout: float | None = None, sleep_interval: float | None = None
    ) -> AsyncIterator[Outcome[MediaEmbeddingTask]]:
        """Wait for many tasks, by reading lists: 50 of them cost one request a round.

        Deprecated: use `embed.v_2.tasks.wait_for_all`.

        Args:
            task_ids: The tasks.
            timeout: Seconds until those that are still on the way end with `WaitTimeoutError`; None is an hour.
            sleep_interval: Seconds between two rounds; None looks less and less often.

        Returns:
            An iterator of one `Outcome` for each, in the order in which they end.
        """
        outlook = Outlook(
            life=LIFE,
            pages=lambda _: self._list("/embed/tasks", MediaEmbeddingTask, page_limit=50).pages(),
            fetch=self._status,
        )
        return all_done(task_ids, outlook, clock=self._caller.clock, timeout=timeout, sleep_interval=sleep_interval)

    @deprecated("embed.v_2.tasks.list")
    def list(
        self,
        *,
        started_at: Moment | None = None,
        ended_at: Moment | None = None,
        status: str | None = None,
        page: int | None = None,
        page_limit: int | None = 50,
    ) -> Paginator[MediaEmbeddingTask]:
        """Tasks, newest first. Sends nothing until awaited or iterated.

        Deprecated: use `embed.v_2.tasks.list`.

        Args:
            started_at: Created at this time or later; None is a week ago.
            ended_at: Created at this time or earlier.
            status: `processing`, `ready` or `failed`.
            page: Where to start, from 1.
            page_limit: Items a page, 1 to 50.
        """
        query = given(started_at=started_at, ended_at=ended_at, status=status)
        return self._list("/embed/tasks", MediaEmbeddingTask, page=page, page_limit=page_limit, query=query)


class Embed(Resource):
    """Embeddings by the older endpoints; new code uses `v_2`."""

    @cached_property
    def tasks(self) -> EmbedTasks:
        """Embeddings of whole videos, the older way; new code uses `v_2.tasks`."""
        return EmbedTasks(self._caller)

    @cached_property
    def v_2(self) -> EmbedV2:
        """Embeddings of texts, pictures, sounds, videos and documents."""
        return EmbedV2(self._caller)

    @deprecated("embed.v_2.create")
    async def create(
        self,
        *,
        model_name: str,
        text: str | None = None,
        image_url: str | None = None,
        image_file: FileLike | None = None,
        audio_url: str | None = None,
        audio_file: FileLike | None = None,
        audio_start_offset_sec: float | None = None,
    ) -> EmbeddingResponse:
        """Embed a text, a picture, a sound, or each of them by itself.

        Deprecated: use `embed.v_2.create`.

        Args:
            model_name: Such as `marengo3.0`.
            text: Words.
            image_url: An address of a picture anyone can read.
            image_file: A picture, up to 5 MB.
            audio_url: An address of a sound anyone can read.
            audio_file: A sound.
            audio_start_offset_sec: Where in the sound to begin, in seconds.

        Raises:
            InvalidInputError: There is nothing to embed.
        """
        if not (text or image_url or image_file or audio_url or audio_file):
            raise InvalidInputError("there is nothing to embed: give a text, a picture or a sound")
        body = form(
            files=[*file_parts("image_file", image_file), *file_parts("audio_file", audio_file)],
            model_name=model_name,
            text=text,
            image_url=None if image_url is None else checked_url(image_url, "image_url"),
            audio_url=None if audio_url is None else checked_url(audio_url, "audio_url"),
            audio_start_offset_sec=audio_start_offset_sec,
        )
        return await self._post("/embed", EmbeddingResponse, retry="compute", form=body)
