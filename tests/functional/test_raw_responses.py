"""`with_raw_response` returns the status, headers, attempts and times of a call together with its result."""

from __future__ import annotations

import asyncio
import copy
import pickle
from typing import Any

import pytest
from support import FastClock

from twelvelabs_async import AsyncTwelveLabs, ClientStateError, NotFoundError
from twelvelabs_async._cli.demo import SAMPLE_VIDEOS
from twelvelabs_async.emulator import Emulator

MODELS: Any = [{"model_name": "marengo3.0", "model_options": ["visual"]}]
CLIP = SAMPLE_VIDEOS / "sailing-boat-at-sunset.mp4"


async def test_a_raw_response_has_the_result_and_the_history(
    client: AsyncTwelveLabs, emulator: Emulator, clock: FastClock
) -> None:
    index = await client.indexes.create(index_name="holiday", models=MODELS)
    emulator.faults.add("GET /indexes/{index-id}", status=503, headers={"retry-after": "7"}, times=2)
    response = await client.with_raw_response.indexes.retrieve(index.id)
    assert response.data == await client.indexes.retrieve(index.id)
    assert (response.status_code, response.attempts) == (200, 3)
    assert response.headers["content-TYPE"].startswith("application/json")
    assert response.request_id == response.headers["x-trace-id"]
    assert response.elapsed >= sum(clock.sleeps) >= 14
    assert response.queue_time == 0


async def test_calls_that_run_at_the_same_time_have_their_own_responses(client: AsyncTwelveLabs) -> None:
    created = [await client.indexes.create(index_name=f"index {number}", models=MODELS) for number in range(10)]
    raw = client.with_raw_response.indexes
    responses = await asyncio.gather(*(raw.retrieve(index.id) for index in created))
    assert [response.data.id for response in responses] == [index.id for index in created]
    assert len({response.request_id for response in responses}) == 10


async def test_pages_have_the_response_of_their_request(client: AsyncTwelveLabs) -> None:
    for number in range(3):
        await client.indexes.create(index_name=f"index {number}", models=MODELS)
    raw = client.with_raw_response.indexes
    first = await raw.list(page_limit=2)
    assert (first.status_code, first.data.total, len(first.data.items)) == (200, 3, 2)
    pages = [page async for page in raw.list(page_limit=2).pages()]
    assert [page.data.number for page in pages] == [1, 2]
    assert len({page.request_id for page in pages}) == 2


async def test_streams_have_a_response_while_they_are_read(client: AsyncTwelveLabs) -> None:
    asset = await client.assets.upload(CLIP, wait=True)
    video: Any = {"type": "asset_id", "asset_id": asset.id}
    async with client.with_raw_response.analyze_stream(video=video, prompt="What happens?") as response:
        assert (response.status_code, response.attempts) == (200, 1)
        text = await response.data.text()
    analyzed = await client.with_raw_response.analyze(video=video, prompt="What happens?")
    assert text == analyzed.data.data


async def test_a_method_with_several_requests_has_the_response_of_the_last_one(
    client: AsyncTwelveLabs, emulator: Emulator
) -> None:
    response = await client.with_raw_response.indexes.ensure("holiday", MODELS)
    assert response.data.index_name == "holiday"
    assert emulator.requests[-1].status == response.status_code
    uploaded = await client.with_raw_response.assets.upload(CLIP, method="multipart", wait=True)
    assert (uploaded.status_code, uploaded.data.status) == (200, "ready")


async def test_raw_responses_have_the_same_options_and_errors(client: AsyncTwelveLabs, emulator: Emulator) -> None:
    raw = client.with_options(extra_headers={"User-Agent": "portal/3"}).with_raw_response
    response = await raw.request("GET", "/indexes")
    assert response.data["data"] == []
    assert emulator.requests[-1].headers["user-agent"] == "portal/3"
    with pytest.raises(NotFoundError):
        await raw.indexes.retrieve("f" * 24)


async def test_methods_without_a_raw_response_raise_an_error(client: AsyncTwelveLabs) -> None:
    raw: Any = client.with_raw_response
    with pytest.raises(ClientStateError, match="no raw response"):
        raw.assets.wait_for_all(["a"])
    with pytest.raises(ClientStateError, match="no raw response"):
        raw.assets.temporary(CLIP)
    with pytest.raises(AttributeError, match=r"use client\.indexes"):
        _ = raw.index
    with pytest.raises(AttributeError, match="with_raw_response has no 'ingest'"):
        _ = raw.ingest
    assert "await it" in repr(raw.indexes.list())


def pickle_and_unpickle(value: object) -> Any:
    return pickle.loads(pickle.dumps(value))  # noqa: S301  # a value of this test


@pytest.mark.parametrize("make_copy", [copy.copy, copy.deepcopy, pickle_and_unpickle])
async def test_a_raw_response_can_be_copied_pickled_and_hashed(client: AsyncTwelveLabs, make_copy: Any) -> None:
    raw = client.with_raw_response
    for response in (await raw.request("GET", "/indexes"), await raw.indexes.list()):
        copied = make_copy(response)
        assert copied == response
        assert hash(copied) == hash(response)
        assert copied.headers["content-TYPE"] == response.headers["Content-Type"]


@pytest.mark.parametrize("make_copy", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_client_with_raw_responses_cannot_be_copied(make_copy: Any) -> None:
    raw = AsyncTwelveLabs("key").with_raw_response
    for group in (raw, raw.indexes):
        with pytest.raises(TypeError, match="copied or pickled"):
            make_copy(group)
