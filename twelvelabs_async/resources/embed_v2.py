"""Embeddings: texts, pictures, sounds, videos and documents as vectors in one space.

https://docs.twelvelabs.io/v1.3/api-reference/create-embeddings-v2
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from functools import cached_property
from typing import Any, Final

from twelvelabs_async.codec import to_dict
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.herd import Outcome, Outlook, all_done
from twelvelabs_async.models.common import Ids, Moment
from twelvelabs_async.models.embed import (
    EmbeddingInputType,
    EmbeddingModel,
    Embeddings,
    EmbeddingTask,
    EmbeddingTaskInputType,
    MediaEmbeddingTask,
)
from twelvelabs_async.models.embed_inputs import (
    AudioInput,
    AudioTaskInput,
    DocumentTaskInput,
    ImageInput,
    ImageTaskInput,
    MultiInput,
    TextImageInput,
    TextInput,
    VideoInput,
    VideoTaskInput,
)
from twelvelabs_async.paginator import Paginator
from twelvelabs_async.request import given
from twelvelabs_async.resources.base import Resource
from twelvelabs_async.waiting import Callback, Lifecycle, until_done

LIFE: Final = Lifecycle(resource="embedding task")

SOURCES: Final = ("url", "asset_id", "base64_string")
"""Where a file may be."""


class EmbedV2Tasks(Resource):
    """Embeddings of long recordings, large pictures and documents, made while you wait for something else."""

    async def create(
        self,
        *,
        input_type: EmbeddingTaskInputType,
        model_name: EmbeddingModel,
        audio: AudioTaskInput | Mapping[str, Any] | None = None,
        video: VideoTaskInput | Mapping[str, Any] | None = None,
        image: ImageTaskInput | Mapping[str, Any] | None = None,
        document: DocumentTaskInput | Mapping[str, Any] | None = None,
        embedding_uncertainty: bool | None = None,
        embedding_dimension: int | None = None,
    ) -> EmbeddingTask:
        """Have a file embedded. Returns at once; `wait_for_done` gives the vectors, which are kept for seven days.

        Args:
            input_type: Names which one of the inputs is given.
            model_name: `marengo3.0` for up to 4 hours and 4 GB of sound or video; `marengo3.5`.
            audio: A sound.
            video: A video.
            image: A picture, `marengo3.5` only.
            document: A PDF, a text or Markdown, `marengo3.5` only.
            embedding_uncertainty: Tell how sure the model is of each number, `marengo3.5` only.
            embedding_dimension: Numbers in each vector, `marengo3.5` only.

        Raises:
            InvalidInputError: The input given is not the one that `input_type` names.
        """
        inputs = _one_input(input_type, audio=audio, video=video, image=image, document=document)
        body = given(
            input_type=input_type,
            model_name=model_name,
            embedding_uncertainty=embedding_uncertainty,
            embedding_dimension=embedding_dimension,
        )
        return await self._post("/embed-v2/tasks", EmbeddingTask, retry="unsafe", json={**body, **inputs})

    async def retrieve(self, task_id: str) -> EmbeddingTask:
        """One task, with its vectors once it is ready.

        Raises:
            NotFoundError: No such task.
        """
        return await self._get("/embed-v2/tasks/{task_id}", EmbeddingTask, task_id=task_id)

    async def wait_for_done(
        self,
        task_id: str,
        *,
        timeout: float | None = None,
        sleep_interval: float | None = None,
        callback: Callback[EmbeddingTask] | None = None,
    ) -> EmbeddingTask:
        """Wait until a task is ready, and give it with its vectors.

        Args:
            task_id: The task.
            timeout: Seconds to wait; None is an hour.
            sleep_interval: Seconds between two looks; None looks less and less often.
            callback: Is shown the task after each look.

        Raises:
            ProcessingFailedError: The task failed; `reason` says why.
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
    ) -> AsyncIterator[Outcome[EmbeddingTask]]:
        """Wait for many tasks, by reading lists: 50 of them cost one request a round.

        Args:
            task_ids: The tasks.
            timeout: Seconds until those that are still on the way end with `WaitTimeoutError`; None is an hour.
            sleep_interval: Seconds between two rounds; None looks less and less often.

        Returns:
            An iterator of one `Outcome` for each, in the order in which they end;
            with its vectors, for which each that has ended is retrieved.
        """
        outlook = Outlook(life=LIFE, pages=lambda _: self.list().pages(), fetch=self.retrieve, summaries=True)
        return all_done(task_ids, outlook, clock=self._caller.clock, timeout=timeout, sleep_interval=sleep_interval)

    def list(
        self,
        *,
        started_at: Moment | None = None,
        ended_at: Moment | None = None,
        status: str | None = None,
        page: int | None = None,
        page_limit: int | None = 50,
    ) -> Paginator[MediaEmbeddingTask]:
        """Tasks without their vectors, newest first. Sends nothing until awaited or iterated.

        Args:
            started_at: Created at this time or later; None is a week ago.
            ended_at: Created at this time or earlier.
            status: `processing`, `ready` or `failed`.
            page: Where to start, from 1.
            page_limit: Items a page, 1 to 50.
        """
        query = given(started_at=started_at, ended_at=ended_at, status=status)
        return self._list("/embed-v2/tasks", MediaEmbeddingTask, page=page, page_limit=page_limit, query=query)


class EmbedV2(Resource):
    """Embeddings of texts, pictures, sounds, videos and documents."""

    @cached_property
    def tasks(self) -> EmbedV2Tasks:
        """The same for what takes longer."""
        return EmbedV2Tasks(self._caller)

    async def create(
        self,
        *,
        input_type: EmbeddingInputType,
        model_name: EmbeddingModel,
        text: TextInput | Mapping[str, Any] | None = None,
        image: ImageInput | Mapping[str, Any] | None = None,
        text_image: TextImageInput | Mapping[str, Any] | None = None,
        audio: AudioInput | Mapping[str, Any] | None = None,
        video: VideoInput | Mapping[str, Any] | None = None,
        multi_input: MultiInput | Mapping[str, Any] | None = None,
        auto_truncate: bool | None = None,
        embedding_uncertainty: bool | None = None,
        embedding_dimension: int | None = None,
    ) -> Embeddings:
        """Embed something short, and give its vectors.

        Args:
            input_type: Names which one of the inputs is given.
            model_name: `marengo3.0` for up to 10 minutes and 36 MB; `marengo3.5`, which takes `multi_input` only.
            text: Words, such as `{"input_text": "a dog on a beach"}`.
            image: A picture, such as `{"media_source": {"url": "https://..."}}`.
            text_image: A picture and words about it, as one.
            audio: A sound.
            video: A video.
            multi_input: Words and files, as one.
            auto_truncate: Leave out what is too much for the model instead of failing, `marengo3.5` only.
            embedding_uncertainty: Tell how sure the model is of each number, `marengo3.5` only.
            embedding_dimension: Numbers in each vector, `marengo3.5` only.

        Raises:
            InvalidInputError: The input given is not the one that `input_type` names.
        """
        inputs = _one_input(
            input_type, text=text, image=image, text_image=text_image, audio=audio, video=video, multi_input=multi_input
        )
        body = given(
            input_type=input_type,
            model_name=model_name,
            auto_truncate=auto_truncate,
            embedding_uncertainty=embedding_uncertainty,
            embedding_dimension=embedding_dimension,
        )
        return await self._post("/embed-v2", Embeddings, retry="compute", json={**body, **inputs})


def _one_input(input_type: str, **inputs: Any) -> dict[str, Any]:
    """The one input that was given, as plain JSON types.

    Raises:
        InvalidInputError: It is another one than `input_type` names, or a file in it is nowhere, or in two places.
    """
    found: dict[str, Any] = to_dict(given(**inputs))
    if input_type in inputs and found.keys() != {input_type}:
        raise InvalidInputError(f"input_type {input_type!r} takes {input_type}, and only that")
    for name, value in found.items():
        sources = [value["media_source"]] if "media_source" in value else value.get("media_sources") or ()
        for source in sources:
            if sum(source.get(place) is not None for place in SOURCES) != 1:
                raise InvalidInputError(f"a file in {name} is given by exactly one of url, asset_id and base64_string")
    return found
