"""Analyses that run by themselves, one by one.

https://docs.twelvelabs.io/v1.3/api-reference/analyze-videos
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from typing import Final
from uuid import uuid4

from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.herd import Outcome, Outlook, all_done
from twelvelabs_async.models.analysis_tasks import (
    AnalysisMode,
    AnalysisTask,
    AnalysisTaskStatus,
    CanceledAnalysisTask,
    CreatedAnalysisTask,
    Unlimited,
)
from twelvelabs_async.models.analyze import AnalyzeModel
from twelvelabs_async.models.common import Ids
from twelvelabs_async.paginator import Paginator
from twelvelabs_async.request import Request, given
from twelvelabs_async.resources.analyze import FormatLike, ImageLike, PromptLike, VideoLike, subject
from twelvelabs_async.resources.base import Resource
from twelvelabs_async.resources.inputs import checked_url
from twelvelabs_async.waiting import Callback, Lifecycle, until_done

LIFE: Final = Lifecycle(resource="analysis task", failed=frozenset({"failed", "canceled"}))

_CUSTOM_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class AnalysisTasks(Resource):
    """Analyses that run by themselves, one by one."""

    async def create(
        self,
        *,
        model_name: AnalyzeModel | None = None,
        custom_id: str | None = None,
        video: VideoLike | None = None,
        image: Sequence[ImageLike] | None = None,
        prompt: str | None = None,
        prompt_v2: PromptLike | None = None,
        analysis_mode: AnalysisMode | None = None,
        temperature: float | None = None,
        max_tokens: int | Unlimited | None = None,
        response_format: FormatLike | None = None,
        min_segment_duration: float | None = None,
        max_segment_duration: float | None = None,
        start_time: float | None = None,
        end_time: float | None = None,
        idempotency_key: str | None = None,
    ) -> CreatedAnalysisTask:
        """Have a video or pictures analyzed. Returns at once; `wait_for_done` tells when there is a result.

        Args:
            model_name: Model that writes; pictures need `pegasus1.6`.
            custom_id: Your own name for the task: 1 to 64 letters, digits, `-` and `_`; need not be unique.
            video: The video; this or `image`.
            image: Up to 20 pictures; this or `video`.
            prompt: What to write.
            prompt_v2: The same with pictures in it, about a video.
            analysis_mode: `general` writes a text, `time_based_metadata` finds segments.
            temperature: How freely to write, 0 to 1.
            max_tokens: Tokens to write at most.
            response_format: Shape of the result; segments need their definitions.
            min_segment_duration: Seconds of a segment at least, 2 or more.
            max_segment_duration: Seconds of a segment at most.
            start_time: Where to begin in the video, in seconds.
            end_time: Where to end in the video, in seconds.
            idempotency_key: Names this task among those to be created, so that it is created once; None makes one
                that holds for this call and its repetitions.

        Raises:
            InvalidInputError: What was given does not go together.
        """
        body = {
            **subject(video=video, image=image, prompt=prompt, prompt_v2=prompt_v2),
            **given(model_name=model_name, custom_id=checked_custom_id(custom_id), analysis_mode=analysis_mode),
            **given(temperature=temperature, max_tokens=max_tokens, response_format=response_format),
            **given(min_segment_duration=min_segment_duration, max_segment_duration=max_segment_duration),
            **given(start_time=start_time, end_time=end_time),
        }
        return await self._caller.call(
            Request(
                method="POST",
                template="/analyze/tasks",
                into=CreatedAnalysisTask,
                retry="reconcile",
                json=body,
                headers={"Idempotency-Key": _key(idempotency_key)},
            )
        )

    async def retrieve(self, task_id: str) -> AnalysisTask:
        """One task: how far it is, and what it wrote."""
        return await self._get("/analyze/tasks/{task_id}", AnalysisTask, task_id=task_id)

    async def cancel(self, task_id: str) -> CanceledAnalysisTask:
        """Stop a task that has not ended.

        Raises:
            ConflictError: It has ended already.
        """
        return await self._post(
            "/analyze/tasks/{task_id}/cancel", CanceledAnalysisTask, retry="idempotent", task_id=task_id
        )

    async def delete(self, task_id: str) -> None:
        """Delete a task and its result.

        Raises:
            ConflictError: It is being worked on.
        """
        await self._delete("/analyze/tasks/{task_id}", task_id=task_id)

    async def wait_for_done(
        self,
        task_id: str,
        *,
        timeout: float | None = None,
        sleep_interval: float | None = None,
        callback: Callback[AnalysisTask] | None = None,
    ) -> AnalysisTask:
        """Wait until a task has a result. The text may have been cut: look at `result.finish_reason`.

        Args:
            task_id: The task.
            timeout: Seconds to wait; None is an hour.
            sleep_interval: Seconds between two looks; None looks less and less often.
            callback: Is shown the task after each look.

        Raises:
            ProcessingFailedError: The task failed or was canceled.
            WaitTimeoutError: The time is over, the task goes on.
        """
        return await until_done(
            lambda: self.retrieve(task_id),
            life=LIFE,
            id=task_id,
            clock=self._caller.clock,
            timeout=timeout,
            sleep_interval=sleep_interval,
            callback=callback,
        )

    def wait_for_all(
        self, task_ids: Ids, *, timeout: float | None = None, sleep_interval: float | None = None
    ) -> AsyncIterator[Outcome[AnalysisTask]]:
        """Wait for many tasks, by reading lists: 50 of them cost one request a round.

        Args:
            task_ids: The tasks.
            timeout: Seconds until those that are still on the way end with `WaitTimeoutError`; None is an hour.
            sleep_interval: Seconds between two rounds; None looks less and less often.

        Returns:
            An iterator of one `Outcome` for each, in the order in which they end;
            with its result, for which each that has ended is retrieved.
        """
        outlook = Outlook(life=LIFE, pages=lambda _: self.list().pages(), fetch=self.retrieve, summaries=True)
        return all_done(task_ids, outlook, clock=self._caller.clock, timeout=timeout, sleep_interval=sleep_interval)

    def list(
        self,
        *,
        page: int | None = None,
        page_limit: int | None = 50,
        status: AnalysisTaskStatus | None = None,
        video_url: str | None = None,
        asset_id: str | None = None,
        analysis_mode: AnalysisMode | None = None,
    ) -> Paginator[AnalysisTask]:
        """Tasks, newest first. Sends nothing until awaited or iterated.

        Args:
            page: Where to start, from 1.
            page_limit: Items a page, 1 to 50.
            status: Only those.
            video_url: Only about the video at this address.
            asset_id: Only about this asset.
            analysis_mode: Only of this kind.
        """
        query = given(
            status=status,
            video_url=None if video_url is None else checked_url(video_url, "video_url"),
            asset_id=asset_id,
            analysis_mode=analysis_mode,
        )
        return self._list("/analyze/tasks", AnalysisTask, page=page, page_limit=page_limit, query=query)


def checked_custom_id(custom_id: str | None) -> str | None:
    """`custom_id`, if the platform takes it.

    Raises:
        InvalidInputError: It is empty, too long, or has other characters than letters, digits, `-` and `_`.
    """
    if custom_id is not None and not _CUSTOM_ID.fullmatch(custom_id):
        raise InvalidInputError(f"custom_id is 1 to 64 letters, digits, - and _, not {custom_id!r:.100}")
    return custom_id


def _key(key: str | None) -> str:
    """A value of the `Idempotency-Key` header: the caller's, or a new one."""
    if key is None:
        return str(uuid4())
    if not key or not key.isascii() or not key.isprintable():
        raise InvalidInputError("idempotency_key must be printable ASCII text")
    return key
