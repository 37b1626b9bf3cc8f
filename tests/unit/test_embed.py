"""Embeddings with a fake transport: requests, rejected arguments and parsed responses."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable
from typing import Any

import pytest
from support import FakeSession, FastClock, ResponseHandler, fake_response, make_executor, responses_in_order

from twelvelabs_async._core.executor import RequestExecutor
from twelvelabs_async.errors import APIConnectionError, InternalServerError, InvalidInputError, ProcessingFailedError
from twelvelabs_async.models.embed import (
    DocumentSegmentation,
    DocumentTaskInput,
    DynamicLength,
    FixedLength,
    ImageInput,
    MediaSource,
    MultiInput,
    MultiInputSource,
    Segmentation,
    SequentialSegmentation,
    TemporalSegmentation,
    TextInput,
    VideoInput,
    VideoTaskInput,
)
from twelvelabs_async.resources.embed import Embed, EmbedV2

FILE: dict[str, Any] = {"media_source": {"url": "https://x.example/a"}}
VECTOR: list[float] = [0.5] * 32
TASK: dict[str, Any] = {"_id": "t", "status": "processing", "data": None}
DONE: dict[str, Any] = {
    "_id": "t",
    "status": "ready",
    "data": [
        {"embedding": VECTOR, "embedding_option": "visual", "embedding_scope": "clip", "start_sec": 0, "end_sec": 6}
    ],
    "metadata": {"input_type": "video", "duration": 6, "embedding_scopes": ["clip"], "embedding_options": ["visual"]},
    "usage": {"input_tokens": {"video": 12}, "truncated": False},
}

ExecutorFactory = Callable[[ResponseHandler], tuple[RequestExecutor, FakeSession]]


@pytest.fixture
def executor_for(clock: FastClock) -> ExecutorFactory:
    """A function that returns an executor with the responses of a handler."""
    return lambda handler: make_executor(handler, clock)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (
            {"input_type": "text", "text": TextInput(input_text="a dog")},
            {"text": {"input_text": "a dog"}},
        ),
        (
            {"input_type": "image", "image": ImageInput(media_source=MediaSource(asset_id="a"))},
            {"image": {"media_source": {"asset_id": "a"}}},
        ),
        (
            {"input_type": "image", "image": ImageInput(media_source={"base64_string": "aGk="})},
            {"image": {"media_source": {"base64_string": "aGk="}}},
        ),
        (
            {"input_type": "image", "image": {"media_source": {"base_64_string": "aGk="}}},
            {"image": {"media_source": {"base64_string": "aGk="}}},
        ),
        (
            {
                "input_type": "video",
                "video": VideoInput(
                    media_source=MediaSource(asset_id="a"),
                    segmentation=Segmentation(strategy="fixed", fixed=FixedLength(duration_sec=6)),
                    embedding_option=["visual", "audio"],
                ),
            },
            {
                "video": {
                    "media_source": {"asset_id": "a"},
                    "segmentation": {"strategy": "fixed", "fixed": {"duration_sec": 6}},
                    "embedding_option": ["visual", "audio"],
                }
            },
        ),
        (
            {
                "input_type": "multi_input",
                "multi_input": MultiInput(
                    input_text="<@a> at night",
                    media_sources=[
                        MultiInputSource(media_type="image", name="a", asset_id="x"),
                        {"media_type": "image", "url": "https://x.example/b"},
                    ],
                ),
                "embedding_dimension": 256,
            },
            {
                "multi_input": {
                    "input_text": "<@a> at night",
                    "media_sources": [
                        {"media_type": "image", "name": "a", "asset_id": "x"},
                        {"media_type": "image", "url": "https://x.example/b"},
                    ],
                },
                "embedding_dimension": 256,
            },
        ),
    ],
)
async def test_embed_inputs_may_be_models_or_dicts_at_any_depth(
    executor_for: ExecutorFactory, given: dict[str, Any], sent: dict[str, Any]
) -> None:
    executor, session = executor_for(responses_in_order(fake_response(content={"data": [{"embedding": VECTOR}]})))
    response = await EmbedV2(executor).create(model_name="marengo3.0", **given)
    assert json.loads(session.bodies[0]) == {"input_type": given["input_type"], "model_name": "marengo3.0", **sent}
    assert response.data[0].embedding == array("d", VECTOR)


async def test_flat_and_temporal_segmentations_are_sent_as_given(executor_for: ExecutorFactory) -> None:
    dynamic = Segmentation(strategy="dynamic", dynamic=DynamicLength(min_duration_sec=4))
    inputs: list[Any] = [
        VideoTaskInput(media_source=MediaSource(asset_id="a"), segmentation=dynamic),
        VideoTaskInput(media_source=MediaSource(asset_id="a"), segmentation=TemporalSegmentation(temporal=dynamic)),
    ]
    executor, session = executor_for(responses_in_order(fake_response(202, TASK)))
    for video in inputs:
        await EmbedV2(executor).tasks.create(input_type="video", model_name="marengo3.5", video=video)
    segmentation = {"strategy": "dynamic", "dynamic": {"min_duration_sec": 4}}
    assert [json.loads(body)["video"]["segmentation"] for body in session.bodies] == [
        segmentation,
        {"temporal": segmentation},
    ]


async def test_a_document_can_be_segmented_by_sentences(executor_for: ExecutorFactory) -> None:
    executor, session = executor_for(responses_in_order(fake_response(202, TASK)))
    document = DocumentTaskInput(
        media_source=MediaSource(asset_id="a"),
        segmentation=DocumentSegmentation(sequential=SequentialSegmentation(max_sentences=5, overlap_sentences=1)),
        embedding_scope=["local"],
    )
    task = await EmbedV2(executor).tasks.create(input_type="document", model_name="marengo3.5", document=document)
    assert json.loads(session.bodies[0])["document"]["segmentation"] == {
        "sequential": {"strategy": "sentence", "max_sentences": 5, "overlap_sentences": 1}
    }
    assert (task.id, task.status, task.data) == ("t", "processing", ())


@pytest.mark.parametrize(
    "arguments",
    [
        {"input_type": "text"},
        {"input_type": "text", "image": FILE},
        {"input_type": "text", "text": {"input_text": "x"}, "image": FILE},
        {"input_type": "image", "image": {"media_source": {}}},
        {"input_type": "image", "image": {"media_source": {"url": "https://x.example/a", "asset_id": "a"}}},
        {"input_type": "multi_input", "multi_input": {"media_sources": [{"media_type": "image"}]}},
    ],
)
async def test_an_invalid_input_is_rejected_before_it_is_sent(
    executor_for: ExecutorFactory, arguments: dict[str, Any]
) -> None:
    executor, session = executor_for(responses_in_order(fake_response()))
    with pytest.raises(InvalidInputError):
        await EmbedV2(executor).create(model_name="marengo3.0", **arguments)
    assert not session.sent


async def test_an_unknown_input_type_is_sent(executor_for: ExecutorFactory) -> None:
    """Its requirements are unknown, so the platform validates it."""
    executor, session = executor_for(responses_in_order(fake_response(content={"data": []})))
    arguments: Any = {"input_type": "smell", "text": {"input_text": "rain"}}
    await EmbedV2(executor).create(model_name="marengo3.0", **arguments)
    assert json.loads(session.bodies[0])["input_type"] == "smell"


@pytest.mark.parametrize(
    "failure",
    [fake_response(503), APIConnectionError(message="reset", sent=True, retryable=True)],
    ids=["503", "reset"],
)
async def test_an_ambiguous_task_creation_is_not_retried(executor_for: ExecutorFactory, failure: Any) -> None:
    """The created task could not be identified, and a second task would be billed."""
    executor, session = executor_for(responses_in_order(failure, fake_response(202, TASK)))
    with pytest.raises((InternalServerError, APIConnectionError)) as caught:
        await EmbedV2(executor).tasks.create(input_type="video", model_name="marengo3.0", video=FILE)
    assert caught.value.ambiguous
    assert len(session.sent) == 1


async def test_wait_for_done_returns_the_vectors_of_a_task(executor_for: ExecutorFactory) -> None:
    executor, session = executor_for(responses_in_order(fake_response(content=TASK), fake_response(content=DONE)))
    task = await EmbedV2(executor).tasks.wait_for_done("t")
    assert [embedding.embedding for embedding in task.data] == [array("d", VECTOR)]
    assert task.metadata is not None
    assert task.metadata.duration == 6
    assert task.usage is not None
    assert task.usage.input_tokens == {"video": 12}
    assert len(session.sent) == 2


async def test_a_failed_task_raises_an_error_with_the_reason(executor_for: ExecutorFactory) -> None:
    executor, _ = executor_for(
        responses_in_order(fake_response(content={**TASK, "status": "failed", "error": {"message": "too many pages"}}))
    )
    with pytest.raises(ProcessingFailedError, match="too many pages"):
        await EmbedV2(executor).tasks.wait_for_done("t")


async def test_a_legacy_task_is_polled_by_its_status(executor_for: ExecutorFactory) -> None:
    """The vectors of a long video are megabytes, too large for each poll."""
    executor, session = executor_for(
        responses_in_order(fake_response(content=TASK), fake_response(content={**TASK, "status": "ready"}))
    )
    with pytest.deprecated_call(match=r"embed\.v_2\.tasks\.wait_for_done"):
        done = Embed(executor).tasks.wait_for_done("t")
    assert (await done).status == "ready"
    assert session.sent == [("GET", "/embed/tasks/t/status")] * 2


async def test_the_legacy_endpoint_embeds_several_inputs_in_one_request(executor_for: ExecutorFactory) -> None:
    response_json = {
        "model_name": "marengo3.0",
        "text_embedding": {"segments": [{"float": VECTOR}]},
        "image_embedding": {"error_message": "not a picture", "metadata": {"input_filename": "upload"}},
    }
    executor, _ = executor_for(responses_in_order(fake_response(content=response_json)))
    with pytest.deprecated_call():
        response = await Embed(executor).create(model_name="marengo3.0", text="a dog", image_file=b"x")
    assert response.text_embedding is not None
    assert response.text_embedding.segments[0].float_ == array("d", VECTOR)
    assert response.image_embedding is not None
    assert response.image_embedding.error_message == "not a picture"


@pytest.mark.parametrize("arguments", [{}, {"text": ""}, {"image_url": "nowhere"}])
async def test_the_legacy_endpoint_rejects_missing_or_invalid_inputs(
    executor_for: ExecutorFactory, arguments: dict[str, Any]
) -> None:
    executor, session = executor_for(responses_in_order(fake_response()))
    with pytest.deprecated_call(), pytest.raises(InvalidInputError):
        await Embed(executor).create(model_name="marengo3.0", **arguments)
    assert not session.sent


@pytest.mark.parametrize("arguments", [{}, {"video_file": b"x", "video_url": "https://x.example/a"}])
async def test_a_legacy_task_requires_either_a_file_or_a_url(
    executor_for: ExecutorFactory, arguments: dict[str, Any]
) -> None:
    executor, session = executor_for(responses_in_order(fake_response()))
    with pytest.deprecated_call(), pytest.raises(InvalidInputError):
        await Embed(executor).tasks.create(model_name="marengo3.0", **arguments)
    assert not session.sent


def test_a_deprecated_call_warns_with_the_file_of_its_caller_before_it_is_awaited() -> None:
    """A warning with a line of this package would not show the deprecated call."""
    executor, _ = make_executor(responses_in_order(fake_response()), FastClock())
    with pytest.deprecated_call() as warnings:
        Embed(executor).tasks.status("t").close()
    assert [warning.filename for warning in warnings] == [__file__]


async def test_the_legacy_field_for_embedding_options_is_parsed(executor_for: ExecutorFactory) -> None:
    entry = {**TASK, "audio_embedding": {"metadata": {"audio_embedding_options": ["audio"], "duration": 3}}}
    executor, _ = executor_for(
        responses_in_order(fake_response(content={"data": [entry], "page_info": {"total_page": 1}}))
    )
    (task,) = await EmbedV2(executor).tasks.list().to_list()
    assert task.audio_embedding is not None
    assert task.audio_embedding.metadata is not None
    assert task.audio_embedding.metadata.audio_embedding_options == ("audio",)
