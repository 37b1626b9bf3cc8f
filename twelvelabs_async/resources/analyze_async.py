"""Asynchronous analysis: single tasks, and batches of up to 1,000 items.

https://docs.twelvelabs.io/v1.3/api-reference/analyze-videos
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from functools import cached_property
from typing import Any, Final, Unpack
from uuid import uuid4

from twelvelabs_async._arguments import describe, omit_none
from twelvelabs_async._codec.converter import structure
from twelvelabs_async._core.executor import StreamingExecutor
from twelvelabs_async._core.stream_decoders import NDJSON_MEDIA_TYPES, EventProtocol, JsonLinesDecoder
from twelvelabs_async._core.validation import (
    NoParameters,
    analysis_input,
    checked_items,
    checked_mapping,
    checked_text,
    checked_url,
    one_or_more,
    reject_unsupported,
)
from twelvelabs_async._polling import ANALYSIS_BATCH_LIFECYCLE, ANALYSIS_TASK_LIFECYCLE
from twelvelabs_async.errors import ConflictError, InvalidInputError
from twelvelabs_async.models.analyze import AnalyzeModel
from twelvelabs_async.models.analyze_tasks import (
    AnalysisBatch,
    AnalysisMode,
    AnalysisTask,
    AnalysisTaskStatus,
    BatchDefaults,
    BatchItemRequest,
    BatchModel,
    BatchResultItem,
    BatchStatus,
    CanceledAnalysisTask,
    CreatedAnalysisBatch,
    CreatedAnalysisTask,
    Unlimited,
)
from twelvelabs_async.models.common import Ids, ObjectLike
from twelvelabs_async.pagination import Paginator
from twelvelabs_async.requests import Request
from twelvelabs_async.resources._base import Resource
from twelvelabs_async.resources.analyze import ImageLike, PromptLike, ResponseFormatLike, VideoLike
from twelvelabs_async.streaming import EventStream
from twelvelabs_async.waiting import PollCallback, WaitResult

_CUSTOM_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class AnalysisTasks(Resource):
    """Analysis tasks: each analyzes one video, or a set of images, in the background."""

    async def create(
        self,
        *,
        model_name: AnalyzeModel | None = None,
        custom_id: str | None = None,
        video: VideoLike | None = None,
        image: Sequence[ImageLike] | None = None,
        prompt: str | None = None,
        prompt_v_2: PromptLike | None = None,
        analysis_mode: AnalysisMode | None = None,
        temperature: float | None = None,
        max_tokens: int | Unlimited | None = None,
        response_format: ResponseFormatLike | None = None,
        min_segment_duration: float | None = None,
        max_segment_duration: float | None = None,
        start_time: float | None = None,
        end_time: float | None = None,
        idempotency_key: str | None = None,
        **unsupported: Unpack[NoParameters],
    ) -> CreatedAnalysisTask:
        """Create an analysis task and return immediately; use `wait_for_done` to get its result.

        Args:
            model_name: Name of the model; images need `pegasus1.6`. None uses the platform's default.
            custom_id: Your own id for the task: 1 to 64 letters, digits, `-` and `_`; need not be unique.
            video: The video. Pass either `video` or `image`.
            image: Up to 20 images. Pass either `video` or `image`.
            prompt: The prompt.
            prompt_v_2: A prompt that refers to images, for a video; replaces `prompt`.
            analysis_mode: `general` generates text, `time_based_metadata` detects segments.
            temperature: Sampling temperature, from 0 to 1.
            max_tokens: Maximum number of output tokens.
            response_format: Structure of the result; segments require their definitions.
            min_segment_duration: Minimum duration of a segment, in seconds; at least 2.
            max_segment_duration: Maximum duration of a segment, in seconds.
            start_time: Start of the analyzed part of the video, in seconds.
            end_time: End of the analyzed part of the video, in seconds.
            idempotency_key: Key under which the platform creates the task only once. None generates a key that is used
                for this call and its retries.

        Raises:
            InvalidInputError: The arguments cannot be combined.

        API: `POST /analyze/tasks`

        Example:
            video = VideoAsset(asset_id=asset.id)
            created = await client.analyze_async.tasks.create(video=video, prompt="What happens?", custom_id="holiday")
            task = await client.analyze_async.tasks.wait_for_done(created.id)
            print(task.result.text)
        """
        reject_unsupported("analyze_async.tasks.create", unsupported)
        body = {
            **analysis_input(video=video, image=image, prompt=prompt, prompt_v_2=prompt_v_2),
            **omit_none(model_name=model_name, custom_id=_checked_custom_id(custom_id), analysis_mode=analysis_mode),
            **omit_none(temperature=temperature, max_tokens=max_tokens, response_format=response_format),
            **omit_none(min_segment_duration=min_segment_duration, max_segment_duration=max_segment_duration),
            **omit_none(start_time=start_time, end_time=end_time),
        }
        headers = {"Idempotency-Key": _idempotency_key(idempotency_key)}
        return await self._send(
            "POST", "/analyze/tasks", CreatedAnalysisTask, body, retry_class="verify_first", headers=headers
        )

    async def retrieve(self, task_id: str) -> AnalysisTask:
        """Return a task, with its result once it is ready.

        Raises:
            NotFoundError: The task does not exist.

        API: `GET /analyze/tasks/{task_id}`

        Example:
            task = await client.analyze_async.tasks.retrieve(task.id)
            print(task.status)
        """
        return await self._get("/analyze/tasks/{task_id}", AnalysisTask, task_id=task_id)

    async def cancel(self, task_id: str) -> CanceledAnalysisTask:
        """Cancel a task that has not finished.

        Raises:
            ConflictError: It has already finished.
            NotFoundError: The task does not exist.

        API: `POST /analyze/tasks/{task_id}/cancel`

        Example:
            canceled = await client.analyze_async.tasks.cancel(task.id)
            print(canceled.status)  # canceled
        """
        return await self._send(
            "POST", "/analyze/tasks/{task_id}/cancel", CanceledAnalysisTask, retry_class="idempotent", task_id=task_id
        )

    async def delete(self, task_id: str) -> None:
        """Delete a task and its result.

        Raises:
            ConflictError: It is in progress.
            NotFoundError: The task does not exist.

        API: `DELETE /analyze/tasks/{task_id}`

        Example:
            await client.analyze_async.tasks.delete(finished_task.id)
        """
        await self._send("DELETE", "/analyze/tasks/{task_id}", type(None), task_id=task_id)

    async def wait_for_done(
        self,
        task_id: str,
        *,
        timeout: float | None = None,
        sleep_interval: float | None = None,
        callback: PollCallback[AnalysisTask] | None = None,
    ) -> AnalysisTask:
        """Wait until a task has a result. Check `result.finish_reason`: the text may be truncated.

        Args:
            task_id: Id of the task.
            timeout: Seconds to wait; None is one hour.
            sleep_interval: Seconds between two polls; None starts at one second and slows down to fifteen.
            callback: Called with the task after each poll.

        Raises:
            ProcessingFailedError: The task failed or was canceled.
            WaitTimeoutError: The task did not finish in time; it continues on the server.

        Example:
            task = await client.analyze_async.tasks.wait_for_done(task.id, timeout=600)
            print(task.result.text, task.result.finish_reason)
        """
        return await self._poll(self.retrieve, ANALYSIS_TASK_LIFECYCLE, task_id, timeout, sleep_interval, callback)

    def wait_for_all(
        self, task_ids: Ids, *, timeout: float | None = None, sleep_interval: float | None = None
    ) -> AsyncIterator[WaitResult[AnalysisTask]]:
        """Wait for many tasks. Polls the list endpoint: one request per 50 tasks and round.

        Args:
            task_ids: Ids of the tasks.
            timeout: Seconds until pending ones end with `WaitTimeoutError`; None is one hour.
            sleep_interval: Seconds between two rounds; None starts at one second and slows down to fifteen.

        Returns:
            An iterator of one `WaitResult` per task, in the order in which they finish. Finished tasks are fetched once
            more, because lists omit their results.

        Raises:
            InvalidInputError: An id is invalid.

        Example:
            async for outcome in client.analyze_async.tasks.wait_for_all([task.id]):
                print(outcome.id, outcome.error or outcome.result().result.text)
        """
        return self._poll_all(
            self.retrieve, ANALYSIS_TASK_LIFECYCLE, task_ids, self.list, timeout, sleep_interval, refetch_finished=True
        )

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
        """List tasks, newest first. Sends nothing until awaited or iterated.

        Args:
            page: First page, from 1.
            page_limit: Items per page, 1 to 50.
            status: Filter by status.
            video_url: Filter by the URL of the video.
            asset_id: Filter by asset.
            analysis_mode: Filter by mode.

        Raises:
            BadRequestError: Raised while iterating: a parameter is invalid.

        API: `GET /analyze/tasks`

        Example:
            async for task in client.analyze_async.tasks.list(status="ready"):
                print(task.id, task.custom_id)
        """
        query = omit_none(
            status=status,
            video_url=None if video_url is None else checked_url(video_url, "video_url"),
            asset_id=asset_id,
            analysis_mode=analysis_mode,
        )
        return self._list("/analyze/tasks", AnalysisTask, page, page_limit, query)


def _checked_custom_id(custom_id: str | None) -> str | None:
    """Validate a `custom_id` and return it.

    Raises:
        InvalidInputError: It is empty, too long, or contains characters other than letters, digits, `-` and `_`.
    """
    if custom_id is not None and not _CUSTOM_ID.fullmatch(checked_text("custom_id", custom_id)):
        raise InvalidInputError(f"custom_id must be 1 to 64 letters, digits, - or _, got {describe(custom_id)}")
    return custom_id


def _idempotency_key(key: str | None) -> str:
    """Return the caller's idempotency key, or a new one."""
    if key is None:
        return str(uuid4())
    if not checked_text("idempotency_key", key).isascii() or not key.isprintable():
        raise InvalidInputError(f"idempotency_key must be printable ASCII, got {describe(key)}")
    return key


BatchItemLike = BatchItemRequest | ObjectLike
"""A `BatchItemRequest`, or a dict with its fields."""

BatchDefaultsLike = BatchDefaults | ObjectLike
"""A `BatchDefaults`, or a dict with its fields."""


_MAX_BATCH_ITEMS: Final = 1000
"""Maximum number of items per batch."""


class BatchResults(EventStream[BatchResultItem]):
    """The items of a batch, as a stream: `async for item in ...`."""

    def __init__(self, executor: StreamingExecutor, request: Request[Any]) -> None:
        super().__init__(executor, request, _BATCH_RESULTS_PROTOCOL, JsonLinesDecoder(), accept=NDJSON_MEDIA_TYPES)


class AnalysisBatches(Resource):
    """Batches of up to 1,000 analyses, in the background."""

    async def create(
        self,
        *,
        model_name: BatchModel,
        analysis_mode: AnalysisMode,
        requests: Sequence[BatchItemLike],
        defaults: BatchDefaultsLike | None = None,
    ) -> CreatedAnalysisBatch:
        """Create a batch of analyses and return immediately; use `wait_for_done` to wait for its end.

        Args:
            model_name: Name of the model.
            analysis_mode: `general` generates text, `time_based_metadata` detects segments.
            requests: The items, 1 to 1,000.
            defaults: Default parameters of the items.

        Raises:
            InvalidInputError: There are no items, too many, or two with the same `custom_id`.
            NotFoundError: A video does not exist.

        API: `POST /analyze/batches`

        Example:
            batch = await client.analyze_async.batches.create(
                model_name="pegasus1.5",
                analysis_mode="general",
                defaults={"prompt": {"input_text": "What happens?"}},
                requests=[{"video": VideoAsset(asset_id=asset.id), "custom_id": "holiday"}],
            )
            await client.analyze_async.batches.wait_for_done(batch.id)
        """
        items = checked_items("requests", requests)
        if len(items) > _MAX_BATCH_ITEMS:
            raise InvalidInputError(f"requests must contain 1 to {_MAX_BATCH_ITEMS} items, got {len(items)}")
        _check_unique(items)
        body = omit_none(model_name=model_name, analysis_mode=analysis_mode, defaults=defaults, requests=items)
        return await self._send("POST", "/analyze/batches", CreatedAnalysisBatch, body, retry_class="verify_first")

    async def retrieve(self, batch_id: str) -> AnalysisBatch:
        """Return a batch, with the number of items in each status.

        Raises:
            NotFoundError: The batch does not exist.

        API: `GET /analyze/batches/{batch_id}`

        Example:
            batch = await client.analyze_async.batches.retrieve(batch.id)
            print(batch.status, batch.ready_items, batch.failed_items)
        """
        return await self._get("/analyze/batches/{batch_id}", AnalysisBatch, batch_id=batch_id)

    async def cancel(self, batch_id: str) -> AnalysisBatch:
        """Cancel a batch. Items in progress are finished, all others are not started.

        Raises:
            ConflictError: It has already finished.
            NotFoundError: The batch does not exist.

        API: `POST /analyze/batches/{batch_id}/cancel`

        Example:
            batch = await client.analyze_async.batches.cancel(batch.id)
            print(batch.status)
        """
        try:
            return await self._send(
                "POST", "/analyze/batches/{batch_id}/cancel", AnalysisBatch, retry_class="idempotent", batch_id=batch_id
            )
        except ConflictError as error:
            # An earlier attempt may have succeeded unnoticed. A batch with no item in progress ends
            # immediately.
            batch = await self.retrieve(batch_id) if error.attempts > 1 else None
            if batch is None or batch.status != "canceled":
                raise
            return batch

    async def delete(self, batch_id: str) -> None:
        """Delete a batch and its results.

        Raises:
            ConflictError: It has not finished yet.
            NotFoundError: The batch does not exist.

        API: `DELETE /analyze/batches/{batch_id}`

        Example:
            await client.analyze_async.batches.delete(finished_batch.id)
        """
        await self._send("DELETE", "/analyze/batches/{batch_id}", type(None), batch_id=batch_id)

    def results(self, batch_id: str) -> BatchResults:
        """Stream the status and result of each item, in no particular order. Sends nothing until entered or iterated.

        The platform keeps results for 30 days.

        Raises:
            NotFoundError: Raised when the stream is entered or iterated: the batch does not exist.
            StreamError: The stream broke off, or a line cannot be decoded.

        API: `GET /analyze/batches/{batch_id}/results`

        Example:
            async for item in client.analyze_async.batches.results(finished_batch.id):
                print(item.custom_id, item.data.text if item.data else item.error)
        """
        request = Request[dict[str, Any]](
            method="GET",
            path_template="/analyze/batches/{batch_id}/results",
            response_type=dict,
            retry_class="safe",
            path_params={"batch_id": batch_id},
        )
        return BatchResults(self._executor, request)

    async def wait_for_done(
        self,
        batch_id: str,
        *,
        timeout: float | None = None,
        sleep_interval: float | None = None,
        callback: PollCallback[AnalysisBatch] | None = None,
    ) -> AnalysisBatch:
        """Wait until a batch is completed, canceled or expired. None of these says whether its items succeeded.

        Args:
            batch_id: Id of the batch.
            timeout: Seconds to wait; None is one hour, but a batch may take a day.
            sleep_interval: Seconds between two polls; None starts at one second and slows down to fifteen.
            callback: Called with the batch after each poll.

        Raises:
            WaitTimeoutError: The batch did not finish in time; it continues on the server.

        Example:
            batch = await client.analyze_async.batches.wait_for_done(batch.id, timeout=86_400)
            print(batch.status)  # completed
        """
        return await self._poll(self.retrieve, ANALYSIS_BATCH_LIFECYCLE, batch_id, timeout, sleep_interval, callback)

    def list(
        self,
        *,
        page: int | None = None,
        page_limit: int | None = 50,
        status: BatchStatus | Sequence[BatchStatus] | None = None,
        analysis_mode: AnalysisMode | Sequence[AnalysisMode] | None = None,
    ) -> Paginator[AnalysisBatch]:
        """List batches, newest first. Sends nothing until awaited or iterated.

        Args:
            page: First page, from 1.
            page_limit: Items per page, 1 to 50.
            status: Filter by status; any of these.
            analysis_mode: Filter by mode; any of these.

        Raises:
            BadRequestError: Raised while iterating: a parameter is invalid.

        API: `GET /analyze/batches`

        Example:
            async for batch in client.analyze_async.batches.list(status=["pending", "processing"]):
                print(batch.id, batch.total_items)
        """
        query = omit_none(
            status=one_or_more("status", status), analysis_mode=one_or_more("analysis_mode", analysis_mode)
        )
        return self._list("/analyze/batches", AnalysisBatch, page, page_limit, query)


def _check_unique(requests: Sequence[BatchItemLike]) -> None:
    seen: set[str] = set()
    for request in requests:
        custom_id = checked_mapping("requests", request).get("custom_id")
        if custom_id is None:
            continue
        if _checked_custom_id(custom_id) in seen:
            raise InvalidInputError(f"custom_id must be unique in a batch, got {custom_id!r} twice")
        seen.add(custom_id)


def _parse_result(_: str, payload: dict[str, Any]) -> BatchResultItem:
    return structure(payload, BatchResultItem)


_BATCH_RESULTS_PROTOCOL: Final = EventProtocol[BatchResultItem](
    type_field="status", event_types={}, make_unknown=_parse_result
)


class AnalyzeAsync(Resource):
    """Analyses in the background: single tasks, and batches."""

    @cached_property
    def tasks(self) -> AnalysisTasks:
        """Analysis tasks."""
        return AnalysisTasks(self._executor)

    @cached_property
    def batches(self) -> AnalysisBatches:
        """Batches of up to 1,000 analyses."""
        return AnalysisBatches(self._executor)
