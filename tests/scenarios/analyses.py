"""Synchronous analyses, analysis tasks, batches, and responses."""

from __future__ import annotations

from scenarios.setup import PROCESSING_SECONDS, Harness, collect, ids, scenario
from twelvelabs_async.models import CreatedAnalysisBatch, VideoAsset


async def create_video(harness: Harness) -> VideoAsset:
    return VideoAsset(asset_id=await harness.create_asset())


async def create_task_id(harness: Harness) -> str:
    return (await harness.client.analyze_async.tasks.create(video=await create_video(harness), prompt="What?")).id


async def create_batch_with(harness: Harness, *videos: VideoAsset) -> CreatedAnalysisBatch:
    return await harness.client.analyze_async.batches.create(
        model_name="pegasus1.5",
        analysis_mode="general",
        defaults={"prompt": {"input_text": "What?"}},
        requests=[{"video": video, "custom_id": f"n{number}"} for number, video in enumerate(videos)],
    )


async def create_two_item_batch(harness: Harness) -> CreatedAnalysisBatch:
    return await create_batch_with(harness, await create_video(harness), await create_video(harness))


@scenario("analyze.create", operation="analyze_stream")
async def analyze(harness: Harness) -> None:
    found = await harness.run(harness.client.analyze(video=await create_video(harness), prompt="What?", max_tokens=512))
    assert found.text
    assert found.finish_reason == "stop"


@scenario("analyze_stream.create", operation="analyze_stream")
async def analyze_streamed(harness: Harness) -> None:
    film = await create_video(harness)
    found = await harness.run(harness.client.analyze_stream(video=film, prompt="What?").final())
    assert found.text == (await harness.client.analyze(video=film, prompt="What?")).text


@scenario("analyze_async.tasks.list")
async def list_tasks(harness: Harness) -> None:
    created = [await create_task_id(harness), await create_task_id(harness)]
    page = await harness.run(harness.client.analyze_async.tasks.list(status="queued", analysis_mode="general"))
    assert ids(page) == created[::-1]


@scenario("analyze_async.tasks.create", Analysis=1)
async def create_task(harness: Harness) -> None:
    creation = harness.client.analyze_async.tasks.create(
        video=await create_video(harness), prompt="What?", custom_id="mine"
    )
    created = await harness.run(creation)
    found = await harness.client.analyze_async.tasks.retrieve(created.id)
    assert (found.custom_id, found.status) == ("mine", "queued")


@scenario("analyze_async.tasks.retrieve")
async def retrieve_task(harness: Harness) -> None:
    created = await create_task_id(harness)
    await harness.advance()
    found = await harness.run(harness.client.analyze_async.tasks.retrieve(created))
    assert (found.id, found.status) == (created, "ready")
    assert found.result is not None
    assert found.result.text


@scenario("analyze_async.tasks.cancel")
async def cancel_task(harness: Harness) -> None:
    created = await create_task_id(harness)
    result = await harness.run(harness.client.analyze_async.tasks.cancel(created))
    assert result.status == "canceled"
    assert (await harness.client.analyze_async.tasks.retrieve(created)).status == "canceled"


@scenario("analyze_async.tasks.delete", Analysis=-1)
async def delete_task(harness: Harness) -> None:
    created = await create_task_id(harness)
    await harness.advance()
    await harness.run(harness.client.analyze_async.tasks.delete(created))
    assert len(await harness.client.analyze_async.tasks.list()) == 0


@scenario("analyze_async.batches.list")
async def list_batches(harness: Harness) -> None:
    created = [(await create_two_item_batch(harness)).id, (await create_two_item_batch(harness)).id]
    page = await harness.run(harness.client.analyze_async.batches.list(status=["pending"], analysis_mode=["general"]))
    assert ids(page) == created[::-1]


@scenario("analyze_async.batches.create", Batch=1, Analysis=2)
async def create_batch(harness: Harness) -> None:
    created = await harness.run(create_batch_with(harness, await create_video(harness), await create_video(harness)))
    assert [item.custom_id for item in created.items] == ["n0", "n1"]
    assert (await harness.client.analyze_async.batches.retrieve(created.id)).total_items == 2


@scenario("analyze_async.batches.retrieve")
async def retrieve_batch(harness: Harness) -> None:
    created = await create_two_item_batch(harness)
    await harness.advance()
    found = await harness.run(harness.client.analyze_async.batches.retrieve(created.id))
    assert (found.status, found.ready_items) == ("completed", 2)


@scenario("analyze_async.batches.results")
async def read_results(harness: Harness) -> None:
    created = await create_two_item_batch(harness)
    await harness.advance()
    found = await harness.run(collect(harness.client.analyze_async.batches.results(created.id)))
    assert {item.task_id: item.status for item in found} == {item.task_id: "ready" for item in created.items}


@scenario("analyze_async.batches.cancel")
async def cancel_batch(harness: Harness) -> None:
    created = await create_two_item_batch(harness)
    result = await harness.run(harness.client.analyze_async.batches.cancel(created.id))
    assert result.status in {"canceling", "canceled"}
    await harness.advance()
    assert (await harness.client.analyze_async.batches.retrieve(created.id)).status == "canceled"


@scenario("analyze_async.batches.delete", Batch=-1, Analysis=-2)
async def delete_batch(harness: Harness) -> None:
    created = await create_two_item_batch(harness)
    await harness.advance(2 * PROCESSING_SECONDS)
    await harness.run(harness.client.analyze_async.batches.delete(created.id))
    assert len(await harness.client.analyze_async.batches.list()) == 0


@scenario("responses.create", operation="responses.create_stream", Session=1)
async def respond(harness: Harness) -> None:
    store = await harness.create_store()
    await harness.create_item(store)
    found = await harness.run(harness.client.responses.create(knowledge_store_id=store, input="Which cars are there?"))
    assert found.status == "completed"
    assert found.text


@scenario("responses.create_stream", Session=1)
async def respond_streamed(harness: Harness) -> None:
    store = await harness.create_store()
    await harness.create_item(store)
    stream = harness.client.responses.create_stream(knowledge_store_id=store, input="Which cars are there?")
    found = await harness.run(stream.final())
    assert found.text == stream.text_so_far
