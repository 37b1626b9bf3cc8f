"""Embeddings over the whole road, above a session that is a function."""

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

MakeClient = Callable[[ResponseHandler], tuple[RequestExecutor, FakeSession]]


@pytest.fixture
def make_client(clock: FastClock) -> MakeClient:
    """Makes a road whose server is a function."""
    return lambda answer: make_executor(answer, clock)


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
    make_client: MakeClient, given: dict[str, Any], sent: dict[str, Any]
) -> None:
    api, session = make_client(responses_in_order(fake_response(content={"data": [{"embedding": VECTOR}]})))
    embedded = await EmbedV2(api).create(model_name="marengo3.0", **given)
    assert json.loads(session.bodies[0]) == {"input_type": given["input_type"], "model_name": "marengo3.0", **sent}
    assert embedded.data[0].embedding == array("d", VECTOR)


async def test_flat_and_temporal_segmentations_are_sent_as_given(make_client: MakeClient) -> None:
    cut = Segmentation(strategy="dynamic", dynamic=DynamicLength(min_duration_sec=4))
    inputs: list[Any] = [
        VideoTaskInput(media_source=MediaSource(asset_id="a"), segmentation=cut),
        VideoTaskInput(media_source=MediaSource(asset_id="a"), segmentation=TemporalSegmentation(temporal=cut)),
    ]
    api, session = make_client(responses_in_order(fake_response(202, TASK)))
    for video in inputs:
        await EmbedV2(api).tasks.create(input_type="video", model_name="marengo3.5", video=video)
    flat = {"strategy": "dynamic", "dynamic": {"min_duration_sec": 4}}
    assert [json.loads(body)["video"]["segmentation"] for body in session.bodies] == [flat, {"temporal": flat}]


async def test_a_document_can_be_segmented_by_sentences(make_client: MakeClient) -> None:
    api, session = make_client(responses_in_order(fake_response(202, TASK)))
    document = DocumentTaskInput(
        media_source=MediaSource(asset_id="a"),
        segmentation=DocumentSegmentation(sequential=SequentialSegmentation(max_sentences=5, overlap_sentences=1)),
        embedding_scope=["local"],
    )
    task = await EmbedV2(api).tasks.create(input_type="document", model_name="marengo3.5", document=document)
    assert json.loads(session.bodies[0])["document"]["segmentation"] == {
        "sequential": {"strategy": "sentence", "max_sentences": 5, "overlap_sentences": 1}
    }
    assert (task.id, task.status, task.data) == ("t", "processing", ())


@pytest.mark.parametrize(
    "wrong",
    [
        {"input_type": "text"},
        {"input_type": "text", "image": FILE},
        {"input_type": "text", "text": {"input_text": "x"}, "image": FILE},
        {"input_type": "image", "image": {"media_source": {}}},
        {"input_type": "image", "image": {"media_source": {"url": "https://x.example/a", "asset_id": "a"}}},
        {"input_type": "multi_input", "multi_input": {"media_sources": [{"media_type": "image"}]}},
    ],
)
async def test_an_invalid_input_is_rejected_before_it_is_sent(make_client: MakeClient, wrong: dict[str, Any]) -> None:
    api, session = make_client(responses_in_order(fake_response()))
    with pytest.raises(InvalidInputError):
        await EmbedV2(api).create(model_name="marengo3.0", **wrong)
    assert not session.sent


async def test_an_unknown_input_type_is_sent(make_client: MakeClient) -> None:
    """Nothing here knows what it takes, so the platform has to say."""
    api, session = make_client(responses_in_order(fake_response(content={"data": []})))
    new: Any = {"input_type": "smell", "text": {"input_text": "rain"}}
    await EmbedV2(api).create(model_name="marengo3.0", **new)
    assert json.loads(session.bodies[0])["input_type"] == "smell"


@pytest.mark.parametrize(
    "failure",
    [fake_response(503), APIConnectionError(message="reset", sent=True, retryable=True)],
    ids=["503", "reset"],
)
async def test_an_ambiguous_task_creation_is_not_retried(make_client: MakeClient, failure: Any) -> None:
    """Nothing distinguishes it from other tasks afterwards, and a second one would be billed."""
    api, session = make_client(responses_in_order(failure, fake_response(202, TASK)))
    with pytest.raises((InternalServerError, APIConnectionError)) as caught:
        await EmbedV2(api).tasks.create(input_type="video", model_name="marengo3.0", video=FILE)
    assert caught.value.ambiguous
    assert len(session.sent) == 1


async def test_waiting_for_a_task_returns_its_vectors(make_client: MakeClient) -> None:
    api, session = make_client(responses_in_order(fake_response(content=TASK), fake_response(content=DONE)))
    task = await EmbedV2(api).tasks.wait_for_done("t")
    assert [one.embedding for one in task.data] == [array("d", VECTOR)]
    assert task.metadata is not None
    assert task.metadata.duration == 6
    assert task.usage is not None
    assert task.usage.input_tokens == {"video": 12}
    assert len(session.sent) == 2


async def test_a_failed_task_raises_an_error_with_the_reason(make_client: MakeClient) -> None:
    api, _ = make_client(
        responses_in_order(fake_response(content={**TASK, "status": "failed", "error": {"message": "too many pages"}}))
    )
    with pytest.raises(ProcessingFailedError, match="too many pages"):
        await EmbedV2(api).tasks.wait_for_done("t")


async def test_a_legacy_task_is_polled_by_its_status(make_client: MakeClient) -> None:
    """The vectors of a long video are megabytes, which nobody wants with each look."""
    api, session = make_client(
        responses_in_order(fake_response(content=TASK), fake_response(content={**TASK, "status": "ready"}))
    )
    with pytest.deprecated_call(match=r"embed\.v_2\.tasks\.wait_for_done"):
        done = Embed(api).tasks.wait_for_done("t")
    assert (await done).status == "ready"
    assert session.sent == [("GET", "/embed/tasks/t/status")] * 2


async def test_the_legacy_endpoint_embeds_several_inputs_in_one_request(make_client: MakeClient) -> None:
    answer = {
        "model_name": "marengo3.0",
        "text_embedding": {"segments": [{"float": VECTOR}]},
        "image_embedding": {"error_message": "not a picture", "metadata": {"input_filename": "upload"}},
    }
    api, _ = make_client(responses_in_order(fake_response(content=answer)))
    with pytest.deprecated_call():
        embedded = await Embed(api).create(model_name="marengo3.0", text="a dog", image_file=b"x")
    assert embedded.text_embedding is not None
    assert embedded.text_embedding.segments[0].float_ == array("d", VECTOR)
    assert embedded.image_embedding is not None
    assert embedded.image_embedding.error_message == "not a picture"


@pytest.mark.parametrize("wrong", [{}, {"text": ""}, {"image_url": "nowhere"}])
async def test_the_legacy_endpoint_refuses_missing_or_invalid_inputs(
    make_client: MakeClient, wrong: dict[str, Any]
) -> None:
    api, session = make_client(responses_in_order(fake_response()))
    with pytest.deprecated_call(), pytest.raises(InvalidInputError):
        await Embed(api).create(model_name="marengo3.0", **wrong)
    assert not session.sent


@pytest.mark.parametrize("wrong", [{}, {"video_file": b"x", "video_url": "https://x.example/a"}])
async def test_a_legacy_task_requires_either_a_file_or_a_url(make_client: MakeClient, wrong: dict[str, Any]) -> None:
    api, session = make_client(responses_in_order(fake_response()))
    with pytest.deprecated_call(), pytest.raises(InvalidInputError):
        await Embed(api).tasks.create(model_name="marengo3.0", **wrong)
    assert not session.sent


def test_a_deprecated_call_warns_with_the_file_of_its_caller_before_it_is_awaited() -> None:
    """A warning that names a line of this package helps nobody to find the call."""
    api, _ = make_executor(responses_in_order(fake_response()), FastClock())
    with pytest.deprecated_call() as received:
        Embed(api).tasks.status("t").close()
    assert [warning.filename for warning in received] == [__file__]


async def test_the_legacy_field_for_embedding_options_is_parsed(make_client: MakeClient) -> None:
    entry = {**TASK, "audio_embedding": {"metadata": {"audio_embedding_options": ["audio"], "duration": 3}}}
    api, _ = make_client(responses_in_order(fake_response(content={"data": [entry], "page_info": {"total_page": 1}})))
    (task,) = await EmbedV2(api).tasks.list().to_list()
    assert task.audio_embedding is not None
    assert task.audio_embedding.metadata is not None
    assert task.audio_embedding.metadata.audio_embedding_options == ("audio",)
