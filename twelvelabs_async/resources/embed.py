"""Embeddings of text, images, audio, videos and documents, through the current and the legacy endpoints.

https://docs.twelvelabs.io/v1.3/api-reference/create-embeddings-v2

https://docs.twelvelabs.io/v1.3/api-reference/create-embeddings-v1
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, Final, TypedDict, Unpack, cast

from twelvelabs_async._arguments import describe, omit_none
from twelvelabs_async._codec.converter import to_wire
from twelvelabs_async._core.validation import (
    checked_items,
    checked_mapping,
    checked_sequence,
    checked_text,
    checked_url,
    is_given,
    one_or_more,
)
from twelvelabs_async._polling import EMBED_TASK_LIFECYCLE, EMBED_V2_TASK_LIFECYCLE
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.models.common import DatetimeLike, Ids, ObjectLike
from twelvelabs_async.models.embed import (
    AudioInput,
    AudioTaskInput,
    CreatedEmbeddingTask,
    DocumentTaskInput,
    EmbeddingInputType,
    EmbeddingModel,
    EmbeddingResponse,
    Embeddings,
    EmbeddingTask,
    EmbeddingTaskInputType,
    ImageInput,
    ImageTaskInput,
    MediaEmbeddingTask,
    MultiInput,
    TextImageInput,
    TextInput,
    VideoEmbeddingScope,
    VideoInput,
    VideoTaskInput,
)
from twelvelabs_async.models.indexed_assets import EmbeddingOption
from twelvelabs_async.models.tasks import BulkResult
from twelvelabs_async.pagination import Paginator
from twelvelabs_async.requests import Form
from twelvelabs_async.resources._base import Resource, create_each, deprecated, file_field
from twelvelabs_async.uploads._files import FileLike
from twelvelabs_async.waiting import PollCallback, WaitResult

_MEDIA_SOURCE_FIELDS: Final = ("url", "asset_id", "base64_string")
"""Fields that can locate a file; exactly one must be set."""


class EmbedV2Tasks(Resource):
    """Embedding tasks, for long media, large images and documents."""

    async def create(
        self,
        *,
        input_type: EmbeddingTaskInputType,
        model_name: EmbeddingModel,
        audio: AudioTaskInput | ObjectLike | None = None,
        video: VideoTaskInput | ObjectLike | None = None,
        image: ImageTaskInput | ObjectLike | None = None,
        document: DocumentTaskInput | ObjectLike | None = None,
        embedding_uncertainty: bool | None = None,
        embedding_dimension: int | None = None,
    ) -> EmbeddingTask:
        """Create an embedding task and return immediately; use `wait_for_done` to get the embeddings.

        The platform keeps embeddings for seven days.

        Args:
            input_type: Which of the inputs is passed.
            model_name: `marengo3.0` for up to 4 hours and 4 GB of audio or video, or `marengo3.5`.
            audio: Audio to embed.
            video: A video to embed.
            image: An image to embed; `marengo3.5` only.
            document: A PDF, text or Markdown document to embed; `marengo3.5` only.
            embedding_uncertainty: Whether to return the uncertainty of each dimension; `marengo3.5` only.
            embedding_dimension: Number of dimensions; `marengo3.5` only.

        Raises:
            InvalidInputError: The input does not match `input_type`.

        API: `POST /embed-v2/tasks`

        Example:
            video = {"media_source": {"asset_id": asset.id}, "embedding_scope": ["clip", "asset"]}
            created = await client.embed.v_2.tasks.create(input_type="video", model_name="marengo3.0", video=video)
            task = await client.embed.v_2.tasks.wait_for_done(created.id)
        """
        inputs = _one_input(input_type, audio=audio, video=video, image=image, document=document)
        body = omit_none(
            input_type=input_type,
            model_name=model_name,
            embedding_uncertainty=embedding_uncertainty,
            embedding_dimension=embedding_dimension,
        )
        return await self._send(
            "POST", "/embed-v2/tasks", EmbeddingTask, {**body, **inputs}, retry_class="non_idempotent"
        )

    async def retrieve(self, task_id: str) -> EmbeddingTask:
        """Return a task, with its embeddings once it is ready.

        Raises:
            NotFoundError: The task does not exist.

        API: `GET /embed-v2/tasks/{task_id}`

        Example:
            task = await client.embed.v_2.tasks.retrieve(embedding_task.id)
            print(task.status, len(task.data or ()))
        """
        return await self._get("/embed-v2/tasks/{task_id}", EmbeddingTask, task_id=task_id)

    async def wait_for_done(
        self,
        task_id: str,
        *,
        timeout: float | None = None,
        sleep_interval: float | None = None,
        callback: PollCallback[EmbeddingTask] | None = None,
    ) -> EmbeddingTask:
        """Wait until a task is ready, and return it with its embeddings.

        Args:
            task_id: Id of the task.
            timeout: Seconds to wait; None is one hour.
            sleep_interval: Seconds between two polls; None starts at one second and slows down to fifteen.
            callback: Called with the task after each poll.

        Raises:
            ProcessingFailedError: The task failed; `reason` says why.
            WaitTimeoutError: The task did not finish in time; it continues on the server.

        Example:
            task = await client.embed.v_2.tasks.wait_for_done(embedding_task.id, timeout=600)
            for segment in task.data:
                print(segment.start_sec, segment.end_sec, len(segment.embedding))
        """
        return await self._poll(self.retrieve, EMBED_V2_TASK_LIFECYCLE, task_id, timeout, sleep_interval, callback)

    def wait_for_all(
        self, task_ids: Ids, *, timeout: float | None = None, sleep_interval: float | None = None
    ) -> AsyncIterator[WaitResult[EmbeddingTask]]:
        """Wait for many tasks. Polls the list endpoint: one request per 50 tasks and round.

        Args:
            task_ids: Ids of the tasks.
            timeout: Seconds until pending ones end with `WaitTimeoutError`; None is one hour.
            sleep_interval: Seconds between two rounds; None starts at one second and slows down to fifteen.

        Returns:
            An iterator of one `WaitResult` per task, in the order in which they finish. Finished tasks are fetched once
            more, because lists omit their embeddings.

        Raises:
            InvalidInputError: An id is invalid.

        Example:
            async for outcome in client.embed.v_2.tasks.wait_for_all([embedding_task.id]):
                print(outcome.id, outcome.error or len(outcome.result().data))
        """
        return self._poll_all(
            self.retrieve, EMBED_V2_TASK_LIFECYCLE, task_ids, self.list, timeout, sleep_interval, refetch_finished=True
        )

    def list(
        self,
        *,
        started_at: DatetimeLike | None = None,
        ended_at: DatetimeLike | None = None,
        status: str | None = None,
        page: int | None = None,
        page_limit: int | None = 50,
    ) -> Paginator[MediaEmbeddingTask]:
        """List tasks without their embeddings, newest first. Sends nothing until awaited or iterated.

        Args:
            started_at: Created at or after this time; None is one week ago.
            ended_at: Created at or before this time.
            status: Filter by `processing`, `ready` or `failed`.
            page: First page, from 1.
            page_limit: Items per page, 1 to 50.

        Raises:
            BadRequestError: Raised while iterating: a parameter is invalid.

        API: `GET /embed-v2/tasks`

        Example:
            async for task in client.embed.v_2.tasks.list(status="ready"):
                print(task.id, task.created_at)
        """
        query = omit_none(started_at=started_at, ended_at=ended_at, status=status)
        return self._list("/embed-v2/tasks", MediaEmbeddingTask, page, page_limit, query)


class EmbedV2(Resource):
    """Embeddings of text, images, audio, videos and documents."""

    @cached_property
    def tasks(self) -> EmbedV2Tasks:
        """Embedding tasks, for long media and documents."""
        return EmbedV2Tasks(self._executor)

    async def create(
        self,
        *,
        input_type: EmbeddingInputType,
        model_name: EmbeddingModel,
        text: TextInput | ObjectLike | None = None,
        image: ImageInput | ObjectLike | None = None,
        text_image: TextImageInput | ObjectLike | None = None,
        audio: AudioInput | ObjectLike | None = None,
        video: VideoInput | ObjectLike | None = None,
        multi_input: MultiInput | ObjectLike | None = None,
        auto_truncate: bool | None = None,
        embedding_uncertainty: bool | None = None,
        embedding_dimension: int | None = None,
    ) -> Embeddings:
        """Embed a small input and return its embeddings.

        Args:
            input_type: Which of the inputs is passed.
            model_name: `marengo3.0` for up to 10 minutes and 36 MB, or `marengo3.5`, which accepts `multi_input` only.
            text: A text, such as `{"input_text": "a dog on a beach"}`.
            image: An image, such as `{"media_source": {"url": "https://..."}}`.
            text_image: An image and a text, embedded together.
            audio: Audio to embed.
            video: A video to embed.
            multi_input: A text and files, embedded together.
            auto_truncate: Whether to truncate input that is too long for the model, instead of failing; `marengo3.5`
                only.
            embedding_uncertainty: Whether to return the uncertainty of each dimension; `marengo3.5` only.
            embedding_dimension: Number of dimensions; `marengo3.5` only.

        Raises:
            InvalidInputError: The input does not match `input_type`.

        API: `POST /embed-v2`

        Example:
            text = {"input_text": "a boat"}
            embedded = await client.embed.v_2.create(input_type="text", model_name="marengo3.0", text=text)
            print(len(embedded.data[0].embedding))  # 512
        """
        inputs = _one_input(
            input_type, text=text, image=image, text_image=text_image, audio=audio, video=video, multi_input=multi_input
        )
        body = omit_none(
            input_type=input_type,
            model_name=model_name,
            auto_truncate=auto_truncate,
            embedding_uncertainty=embedding_uncertainty,
            embedding_dimension=embedding_dimension,
        )
        return await self._send("POST", "/embed-v2", Embeddings, {**body, **inputs}, retry_class="billable")


def _one_input(input_type: str, **inputs: Any) -> dict[str, Any]:
    """Return the single input, as plain JSON types.

    Raises:
        InvalidInputError: `input_type` names another input, or a file does not have exactly one location.
    """
    passed: dict[str, Any] = to_wire(omit_none(**inputs))
    if checked_text("input_type", input_type) in inputs and passed.keys() != {input_type}:
        raise InvalidInputError(f"input_type={input_type!r} requires {input_type}= and no other input")
    for name, value in passed.items():
        fields = checked_mapping(name, value)
        sources = [fields["media_source"]] if "media_source" in fields else fields.get("media_sources") or ()
        for item in checked_items(f"{name}.media_sources", sources) if sources else ():
            source = checked_mapping(f"{name}.media_source", item)
            if sum(source.get(field) is not None for field in _MEDIA_SOURCE_FIELDS) != 1:
                raise InvalidInputError(f"each file in {name} must have exactly one of url, asset_id and base64_string")
    return passed


class EmbeddingTaskVideo(TypedDict, total=False):
    """The parameters of a video in `EmbedTasks.create_bulk`."""

    video_file: FileLike | None
    """The video, up to 2 GB. Pass either `video_file` or `video_url`."""
    video_url: str | None
    """A publicly accessible http(s) URL."""
    video_start_offset_sec: float | None
    """Start of the embedded part, in seconds."""
    video_end_offset_sec: float | None
    """End of the embedded part, in seconds; requires the start."""
    video_clip_length: float | None
    """Duration of each segment in seconds, 2 to 10."""
    video_embedding_scope: Sequence[VideoEmbeddingScope] | None
    """Whether to embed segments, or also the whole video."""


def _task_video(video: EmbeddingTaskVideo | ObjectLike) -> EmbeddingTaskVideo:
    """Return the parameters of one video, whose file stays as it is."""
    names = EmbeddingTaskVideo.__annotations__
    fields = video if isinstance(video, Mapping) else {name: getattr(video, name, None) for name in names}
    if unknown := fields.keys() - names:
        raise InvalidInputError(f"videos must have the keys {', '.join(names)}, got {describe(min(map(str, unknown)))}")
    return cast("EmbeddingTaskVideo", fields)


class EmbedTasks(Resource):
    """Embeddings of videos through the legacy endpoint; use `embed.v_2.tasks` in new code."""

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
        """Create an embedding task for a video and return immediately; use `wait_for_done` to wait until it is ready.

        The platform keeps embeddings for seven days.

        Deprecated: use `embed.v_2.tasks.create`.

        Args:
            model_name: Name of the model, such as `marengo3.0`.
            video_file: The video, up to 2 GB. Pass either `video_file` or `video_url`.
            video_url: A publicly accessible http(s) URL.
            video_start_offset_sec: Start of the embedded part, in seconds.
            video_end_offset_sec: End of the embedded part, in seconds; requires the start.
            video_clip_length: Duration of each segment in seconds, 2 to 10.
            video_embedding_scope: Whether to embed segments, or also the whole video.

        Raises:
            InvalidInputError: Not exactly one of `video_file` and `video_url` was passed.

        API: `POST /embed/tasks`

        Example:
            task = await client.embed.tasks.create(model_name="marengo3.0", video_file="holiday.mp4")
            print(task.id)
        """
        return await self._create(
            model_name=model_name,
            video_file=video_file,
            video_url=video_url,
            video_start_offset_sec=video_start_offset_sec,
            video_end_offset_sec=video_end_offset_sec,
            video_clip_length=video_clip_length,
            video_embedding_scope=video_embedding_scope,
        )

    async def _create(self, *, model_name: str, **video: Unpack[EmbeddingTaskVideo]) -> CreatedEmbeddingTask:
        video_file, video_url = video.get("video_file"), video.get("video_url")
        if (video_file is None) == (video_url is None):
            raise InvalidInputError("pass exactly one of video_file= and video_url=")
        scope = checked_sequence("video_embedding_scope", video.get("video_embedding_scope"))
        body = Form.build(
            model_name=model_name,
            video_url=None if video_url is None else checked_url(video_url, "video_url"),
            video_start_offset_sec=video.get("video_start_offset_sec"),
            video_end_offset_sec=video.get("video_end_offset_sec"),
            video_clip_length=video.get("video_clip_length"),
            video_embedding_scope=scope,
        )
        files = file_field("video_file", video_file)
        return await self._send_files(
            "/embed/tasks", CreatedEmbeddingTask, retry_class="non_idempotent", form=body, files=files
        )

    @deprecated("embed.v_2.tasks.create")
    async def create_bulk(
        self, *, model_name: str, videos: Sequence[EmbeddingTaskVideo | ObjectLike], concurrency: int = 4
    ) -> BulkResult[CreatedEmbeddingTask]:
        """Create embedding tasks for many videos. A video that fails does not stop the others.

        Deprecated: use `embed.v_2.tasks.create` for each video.

        Args:
            model_name: Name of the model, such as `marengo3.0`.
            videos: For each video, a dict with the other parameters of `create`.
            concurrency: Maximum number of concurrent requests.

        Returns:
            The created tasks as `results`, and the videos that failed as `failures`, each with its error.

        Raises:
            InvalidInputError: There is no video.

        Example:
            videos = [{"video_file": "holiday.mp4", "video_clip_length": 6}]
            created = await client.embed.tasks.create_bulk(model_name="marengo3.0", videos=videos)
            for failure in created.failures:
                print(failure.source, failure.error)
        """

        async def create(video: EmbeddingTaskVideo | ObjectLike) -> CreatedEmbeddingTask:
            return await self._create(model_name=model_name, **_task_video(video))

        calls = [(video, partial(create, video)) for video in checked_items("videos", videos)]
        return await create_each(calls, concurrency)

    @deprecated("embed.v_2.tasks.retrieve")
    async def retrieve(
        self, task_id: str, *, embedding_option: EmbeddingOption | Sequence[EmbeddingOption] | None = None
    ) -> MediaEmbeddingTask:
        """Return a task, with its embeddings once it is ready.

        Deprecated: use `embed.v_2.tasks.retrieve`.

        Args:
            task_id: Id of the task.
            embedding_option: Kinds of embeddings to include.

        Raises:
            NotFoundError: The task does not exist; documented as 400, `BadRequestError`.

        API: `GET /embed/tasks/{task_id}`

        Example:
            task = await client.embed.tasks.retrieve(old_embedding_task.id, embedding_option="visual")
            print(len(task.video_embedding.segments))
        """
        query = omit_none(embedding_option=one_or_more("embedding_option", embedding_option))
        return await self._get("/embed/tasks/{task_id}", MediaEmbeddingTask, query, task_id=task_id)

    @deprecated("embed.v_2.tasks.retrieve")
    async def status(self, task_id: str) -> MediaEmbeddingTask:
        """Return a task without its embeddings.

        Deprecated: use `embed.v_2.tasks.retrieve`.

        Raises:
            NotFoundError: The task does not exist; documented as 400, `BadRequestError`.

        API: `GET /embed/tasks/{task_id}/status`

        Example:
            task = await client.embed.tasks.status(old_embedding_task.id)
            print(task.status)  # ready
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
        callback: PollCallback[MediaEmbeddingTask] | None = None,
    ) -> MediaEmbeddingTask:
        """Wait until a task is ready; `retrieve` then returns the embeddings.

        Deprecated: use `embed.v_2.tasks.wait_for_done`.

        Args:
            task_id: Id of the task.
            timeout: Seconds to wait; None is one hour.
            sleep_interval: Seconds between two polls; None starts at one second and slows down to fifteen.
            callback: Called with the task after each poll.

        Raises:
            ProcessingFailedError: The task failed.
            WaitTimeoutError: The task did not finish in time; it continues on the server.

        Example:
            await client.embed.tasks.wait_for_done(old_embedding_task.id)
            task = await client.embed.tasks.retrieve(old_embedding_task.id)
        """
        return await self._poll(self._status, EMBED_TASK_LIFECYCLE, task_id, timeout, sleep_interval, callback)

    @deprecated("embed.v_2.tasks.wait_for_all")
    def wait_for_all(
        self, task_ids: Ids, *, timeout: float | None = None, sleep_interval: float | None = None
    ) -> AsyncIterator[WaitResult[MediaEmbeddingTask]]:
        """Wait for many tasks. Polls the list endpoint: one request per 50 tasks and round.

        Deprecated: use `embed.v_2.tasks.wait_for_all`.

        Args:
            task_ids: Ids of the tasks.
            timeout: Seconds until pending ones end with `WaitTimeoutError`; None is one hour.
            sleep_interval: Seconds between two rounds; None starts at one second and slows down to fifteen.

        Returns:
            An iterator of one `WaitResult` per id, in the order in which they finish.

        Raises:
            InvalidInputError: An id is invalid.

        Example:
            async for outcome in client.embed.tasks.wait_for_all([old_embedding_task.id]):
                print(outcome.id, outcome.error or "ready")
        """
        list_all = partial(self._list, "/embed/tasks", MediaEmbeddingTask, page_limit=50)
        return self._poll_all(self._status, EMBED_TASK_LIFECYCLE, task_ids, list_all, timeout, sleep_interval)

    @deprecated("embed.v_2.tasks.list")
    def list(
        self,
        *,
        started_at: DatetimeLike | None = None,
        ended_at: DatetimeLike | None = None,
        status: str | None = None,
        page: int | None = None,
        page_limit: int | None = 50,
    ) -> Paginator[MediaEmbeddingTask]:
        """List tasks, newest first. Sends nothing until awaited or iterated.

        Deprecated: use `embed.v_2.tasks.list`.

        Args:
            started_at: Created at or after this time; None is one week ago.
            ended_at: Created at or before this time.
            status: Filter by `processing`, `ready` or `failed`.
            page: First page, from 1.
            page_limit: Items per page, 1 to 50.

        Raises:
            BadRequestError: Raised while iterating: a parameter is invalid.

        API: `GET /embed/tasks`

        Example:
            async for task in client.embed.tasks.list(status="ready"):
                print(task.id, task.created_at)
        """
        query = omit_none(started_at=started_at, ended_at=ended_at, status=status)
        return self._list("/embed/tasks", MediaEmbeddingTask, page, page_limit, query)


class Embed(Resource):
    """Embeddings through the legacy endpoints; use `v_2` in new code."""

    @cached_property
    def tasks(self) -> EmbedTasks:
        """Embeddings of videos through the legacy endpoint; use `v_2.tasks` in new code."""
        return EmbedTasks(self._executor)

    @cached_property
    def v_2(self) -> EmbedV2:
        """Embeddings of text, images, audio, videos and documents."""
        return EmbedV2(self._executor)

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
        """Embed a text, an image and audio, each on its own.

        Deprecated: use `embed.v_2.create`.

        Args:
            model_name: Name of the model, such as `marengo3.0`.
            text: A text.
            image_url: Publicly accessible URL of an image.
            image_file: An image, up to 5 MB.
            audio_url: Publicly accessible URL of an audio file.
            audio_file: An audio file.
            audio_start_offset_sec: Start of the embedded part of the audio, in seconds.

        Raises:
            InvalidInputError: No input was passed.

        API: `POST /embed`

        Example:
            embedded = await client.embed.create(model_name="marengo3.0", text="a boat", image_file="beach.png")
            print(len(embedded.text_embedding.segments[0].float_))  # 512
        """
        if not any(map(is_given, (text, image_url, image_file, audio_url, audio_file))):
            raise InvalidInputError("no input; pass text=, an image or an audio file")
        body = Form.build(
            model_name=model_name,
            text=text,
            image_url=None if image_url is None else checked_url(image_url, "image_url"),
            audio_url=None if audio_url is None else checked_url(audio_url, "audio_url"),
            audio_start_offset_sec=audio_start_offset_sec,
        )
        files = [*file_field("image_file", image_file), *file_field("audio_file", audio_file)]
        return await self._send_files("/embed", EmbeddingResponse, retry_class="billable", form=body, files=files)
