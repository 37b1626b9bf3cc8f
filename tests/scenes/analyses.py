"""Analyses at once, one by one and in batches, and conversations."""

from __future__ import annotations

from scenes.stage import LONG, Stage, collected, ids, scene
from twelvelabs_async.models import CreatedAnalysisBatch, VideoAsset


async def video(stage: Stage) -> VideoAsset:
    return VideoAsset(asset_id=await stage.asset())


async def task(stage: Stage) -> str:
    return (await stage.client.analyze_async.tasks.create(video=await video(stage), prompt="What?")).id


async def new_batch(stage: Stage, *videos: VideoAsset) -> CreatedAnalysisBatch:
    return await stage.client.analyze_async.batches.create(
        model_name="pegasus1.5",
        analysis_mode="general",
        defaults={"prompt": {"input_text": "What?"}},
        requests=[{"video": video, "custom_id": f"n{number}"} for number, video in enumerate(videos)],
    )


async def batch(stage: Stage) -> CreatedAnalysisBatch:
    return await new_batch(stage, await video(stage), await video(stage))


@scene("analyze.create", of="analyze_stream")
async def analyze(stage: Stage) -> None:
    found = await stage.act(stage.client.analyze(video=await video(stage), prompt="What?", max_tokens=512))
    assert found.text
    assert found.finish_reason == "stop"


@scene("analyze_stream.create", of="analyze_stream")
async def analyze_in_pieces(stage: Stage) -> None:
    film = await video(stage)
    found = await stage.act(stage.client.analyze_stream(video=film, prompt="What?").final())
    assert found.text == (await stage.client.analyze(video=film, prompt="What?")).text


@scene("analyze_async.tasks.list")
async def list_tasks(stage: Stage) -> None:
    made = [await task(stage), await task(stage)]
    page = await stage.act(stage.client.analyze_async.tasks.list(status="queued", analysis_mode="general"))
    assert ids(page) == made[::-1]


@scene("analyze_async.tasks.create", Analysis=1)
async def create_task(stage: Stage) -> None:
    creation = stage.client.analyze_async.tasks.create(video=await video(stage), prompt="What?", custom_id="mine")
    made = await stage.act(creation)
    found = await stage.client.analyze_async.tasks.retrieve(made.id)
    assert (found.custom_id, found.status) == ("mine", "queued")


@scene("analyze_async.tasks.retrieve")
async def retrieve_task(stage: Stage) -> None:
    made = await task(stage)
    await stage.later()
    found = await stage.act(stage.client.analyze_async.tasks.retrieve(made))
    assert (found.id, found.status) == (made, "ready")
    assert found.result is not None
    assert found.result.text


@scene("analyze_async.tasks.cancel")
async def cancel_task(stage: Stage) -> None:
    made = await task(stage)
    told = await stage.act(stage.client.analyze_async.tasks.cancel(made))
    assert told.status == "canceled"
    assert (await stage.client.analyze_async.tasks.retrieve(made)).status == "canceled"


@scene("analyze_async.tasks.delete", Analysis=-1)
async def delete_task(stage: Stage) -> None:
    made = await task(stage)
    await stage.later()
    await stage.act(stage.client.analyze_async.tasks.delete(made))
    assert len(await stage.client.analyze_async.tasks.list()) == 0


@scene("analyze_async.batches.list")
async def list_batches(stage: Stage) -> None:
    made = [(await batch(stage)).id, (await batch(stage)).id]
    page = await stage.act(stage.client.analyze_async.batches.list(status=["pending"], analysis_mode=["general"]))
    assert ids(page) == made[::-1]


@scene("analyze_async.batches.create", Batch=1, Analysis=2)
async def create_batch(stage: Stage) -> None:
    made = await stage.act(new_batch(stage, await video(stage), await video(stage)))
    assert [item.custom_id for item in made.items] == ["n0", "n1"]
    assert (await stage.client.analyze_async.batches.retrieve(made.id)).total_items == 2


@scene("analyze_async.batches.retrieve")
async def retrieve_batch(stage: Stage) -> None:
    made = await batch(stage)
    await stage.later()
    found = await stage.act(stage.client.analyze_async.batches.retrieve(made.id))
    assert (found.status, found.ready_items) == ("completed", 2)


@scene("analyze_async.batches.results")
async def read_results(stage: Stage) -> None:
    made = await batch(stage)
    await stage.later()
    found = await stage.act(collected(stage.client.analyze_async.batches.results(made.id)))
    assert {item.task_id: item.status for item in found} == {item.task_id: "ready" for item in made.items}


@scene("analyze_async.batches.cancel")
async def cancel_batch(stage: Stage) -> None:
    made = await batch(stage)
    told = await stage.act(stage.client.analyze_async.batches.cancel(made.id))
    assert told.status in {"canceling", "canceled"}
    await stage.later()
    assert (await stage.client.analyze_async.batches.retrieve(made.id)).status == "canceled"


@scene("analyze_async.batches.delete", Batch=-1, Analysis=-2)
async def delete_batch(stage: Stage) -> None:
    made = await batch(stage)
    await stage.later(2 * LONG)
    await stage.act(stage.client.analyze_async.batches.delete(made.id))
    assert len(await stage.client.analyze_async.batches.list()) == 0


@scene("responses.create", of="responses.create_stream", Session=1)
async def respond(stage: Stage) -> None:
    store = await stage.store()
    await stage.item(store)
    found = await stage.act(stage.client.responses.create(knowledge_store_id=store, input="Which cars are there?"))
    assert found.status == "completed"
    assert found.text


@scene("responses.create_stream", Session=1)
async def respond_in_pieces(stage: Stage) -> None:
    store = await stage.store()
    await stage.item(store)
    stream = stage.client.responses.create_stream(knowledge_store_id=store, input="Which cars are there?")
    found = await stage.act(stream.final())
    assert found.text == stream.text_so_far
