"""Analyses, batches and responses with the official client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from twelvelabs_async.emulator import Emulator, Timing, samples
from twelvelabs_async.emulator._state.entities import Item, KnowledgeStore

twelvelabs: Any = pytest.importorskip("twelvelabs")

Flow = Callable[[Any, Any], Awaitable[None]]


@pytest.fixture
def fragmented() -> bool:
    return False


@pytest.fixture
async def emulator(monkeypatch: pytest.MonkeyPatch, fragmented: bool) -> AsyncIterator[Emulator]:  # noqa: FBT001  # a fixture
    monkeypatch.delenv("TWELVELABS_BASE_URL", raising=False)
    timing = Timing(asset=0, indexing=0, analysis=0, batch=0)
    async with Emulator(timing=timing, fragment_streams=fragmented) as started:
        yield started


@pytest.fixture
def run_flow(emulator: Emulator) -> Callable[[Flow], Awaitable[None]]:
    """Run a flow with an official client and a video, in an event loop of its own."""

    async def run(flow: Flow) -> None:
        async def run_with_client() -> None:
            async with httpx.AsyncClient() as connection:
                client = twelvelabs.AsyncTwelveLabs(
                    base_url=emulator.base_url, api_key=emulator.api_key, httpx_client=connection
                )
                asset = await client.assets.create(method="direct", filename="car.mp4", file=samples.video(60))
                await flow(client, twelvelabs.VideoContext_AssetId(asset_id=asset.id))

        await asyncio.to_thread(asyncio.run, run_with_client())

    return run


RunFlow = Callable[[Flow], Awaitable[None]]


async def test_the_official_client_analyzes_synchronously_and_in_a_stream(run_flow: RunFlow) -> None:
    async def flow(client: Any, video: Any) -> None:
        result = await client.analyze(video=video, prompt="What happens?")
        assert result.data.startswith("car.mp4: an answer to What happens.")
        events = [event async for event in client.analyze_stream(video=video, prompt="What happens?")]
        assert [events[0].event_type, events[-1].event_type] == ["stream_start", "stream_end"]
        assert "".join(event.text for event in events[1:-1]) == result.data
        schema = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
        form = twelvelabs.SyncResponseFormat(type="json_schema", json_schema=schema)
        result = await client.analyze(video=video, prompt="What happens?", response_format=form)
        assert list(json.loads(result.data)) == ["title"]
        with pytest.raises(twelvelabs.BadRequestError):
            await client.analyze(video=video)

    await run_flow(flow)


@pytest.mark.parametrize("fragmented", [True])
async def test_the_official_client_loses_text_with_a_line_separator(run_flow: RunFlow) -> None:
    """The official client takes U+2028 for the end of a line, and silently drops both parts."""

    async def flow(client: Any, video: Any) -> None:
        result = await client.analyze(video=video, prompt="What happens?")
        events = [event async for event in client.analyze_stream(video=video, prompt="What happens?")]
        assert [events[0].event_type, events[-1].event_type] == ["stream_start", "stream_end"]
        text = "".join(event.text for event in events[1:-1])
        assert "\u2028" in result.data
        assert "naïve café” aloud, then 日本語" in text, "divided characters are complete"
        assert len(text) < len(result.data)

    await run_flow(flow)


async def test_the_official_client_analyzes_in_tasks_and_batches(run_flow: RunFlow) -> None:
    async def flow(client: Any, video: Any) -> None:
        tasks, batches = client.analyze_async.tasks, client.analyze_async.batches
        created = await tasks.create(video=video, prompt="What happens?", custom_id="mine")
        retrieved = await tasks.retrieve(created.task_id)
        assert (retrieved.status, retrieved.custom_id, retrieved.video_source.asset_id) == (
            "ready",
            "mine",
            video.asset_id,
        )
        assert retrieved.result.usage.output_tokens > 10
        assert [task.task_id async for task in await _pages(tasks.list(asset_id=video.asset_id))] == [created.task_id]
        prompt = twelvelabs.BatchPrompt(input_text="What happens?")
        source = twelvelabs.BatchVideoContext(type="asset_id", asset_id=video.asset_id)
        batch = await batches.create(
            model_name="pegasus1.5",
            analysis_mode="general",
            requests=[twelvelabs.BatchItemRequest(video=source, prompt=prompt, custom_id=name) for name in ("a", "b")],
        )
        assert (await batches.retrieve(batch.batch_id)).ready_items == 2
        results = [line async for line in batches.results(batch.batch_id)]
        assert [(line.custom_id, line.status) for line in results] == [("a", "ready"), ("b", "ready")]
        assert results[0].data.data == retrieved.result.data
        with pytest.raises(twelvelabs.ConflictError):
            await batches.cancel(batch.batch_id)
        await batches.delete(batch.batch_id)
        await tasks.delete(created.task_id)
        with pytest.raises(twelvelabs.NotFoundError):
            await tasks.retrieve(created.task_id)

    await run_flow(flow)


async def _pages(listed: Any) -> Any:
    """Return an async iterable, whether or not this version of the client pages the list."""
    pages = await listed
    return pages if hasattr(pages, "__aiter__") else _iterate(pages.data)


async def _iterate(data: Any) -> AsyncIterator[Any]:
    for entry in data:
        yield entry


async def test_the_official_client_creates_responses_about_a_knowledge_store(
    emulator: Emulator, run_flow: RunFlow
) -> None:
    async def flow(client: Any, video: Any) -> None:
        library = emulator.state.knowledge
        library.stores["ks_1"] = KnowledgeStore(
            id="ks_1", name="cars", description=None, ingestion_config=None, metadata={}, created_at=0, updated_at=0
        )
        asset = emulator.state.assets[video.asset_id]
        library.items["ksi_1"] = Item(id="ksi_1", store_id="ks_1", asset=asset, metadata={}, created_at=0)
        question = [twelvelabs.ResponseInputItem(type="message", role="user", content="Who?")]
        result = await client.responses.create(knowledge_store_id="ks_1", input=question)
        (part,) = result.output[0].content
        assert part.annotations[0].title == "car.mp4"
        events = [
            event
            async for event in client.responses.create_stream(
                knowledge_store_id="ks_1", input=question, session_id=result.session_id
            )
        ]
        assert events[-1].type == "response.completed"
        assert events[-1].response.output[0].content[0].text == part.text
        assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == part.text

    await run_flow(flow)
