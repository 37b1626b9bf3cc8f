"""Prerequisites of calls: a function creates each object; its parameters are the names of other objects."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator
from functools import reduce
from typing import Any, Final

from scenarios import analyses, connections, embeddings
from scenarios.setup import REDIRECT_URI, VIDEO, Harness

from twelvelabs_async.models import CompletedChunk, UploadSession

Prerequisite = Callable[..., Awaitable[Any]]

PREREQUISITES: Final[dict[str, Prerequisite]] = {
    "analysis": analyses.create_task_id,
    "asset": Harness.create_asset,
    "batch": analyses.create_two_item_batch,
    "collection": Harness.create_entity_collection,
    "connection": Harness.create_connection,
    "embed_task": embeddings.create_v1_task_id,
    "embed_v2_task": embeddings.create_task_id,
    "entity": Harness.create_entity,
    "item_collection": Harness.create_item_collection,
    "index": Harness.create_index,
    "item": Harness.create_item,
    "created_import": connections.create_import,
    "image": Harness.create_image,
    "store": Harness.create_store,
    "upload": Harness.create_upload,
    "video": Harness.create_indexed_asset,
}
"""The functions by the name of the object that they create."""


async def create_prerequisite(harness: Harness, path: str, created: dict[str, Any]) -> Any:
    """Create an object and its own prerequisites, each once; a name after a dot is an attribute of the object."""
    name, *attributes = path.split(".")
    if name not in created:
        created[name] = await PREREQUISITES[name](
            harness,
            *[
                await create_prerequisite(harness, dependency, created)
                for dependency in _dependencies(PREREQUISITES[name])
            ],
        )
    return reduce(getattr, attributes, created[name])


def _dependencies(prerequisite: Prerequisite) -> Iterator[str]:
    for parameter in [*inspect.signature(prerequisite).parameters.values()][1:]:
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD:
            yield parameter.name


def _register(function: Prerequisite) -> Prerequisite:
    PREREQUISITES[function.__name__] = function
    return function


@_register
async def finished_analysis(harness: Harness, analysis: str) -> str:
    await harness.advance()
    return analysis


@_register
async def finished_batch(harness: Harness) -> str:
    batch = await analyses.create_two_item_batch(harness)
    await harness.advance()
    return batch.id


@_register
async def redirect_uri(harness: Harness) -> Any:
    return await harness.client.data_connectors.create_redirect_uri(redirect_uri=REDIRECT_URI)


@_register
async def added_image(harness: Harness, collection: str, entity: str, image: str) -> str:
    """Add a second image to an entity, which must keep at least one image."""
    await harness.client.entity_collections.entities.create_assets(collection, entity, asset_ids=[image])
    return image


@_register
async def filled_store(harness: Harness, store: str) -> str:
    await harness.create_item(store)
    return store


@_register
async def filled_index(harness: Harness, index: str) -> str:
    for name in ("red car.mp4", "blue car.mp4"):
        await harness.create_indexed_asset(index, name)
    return index


@_register
async def search(harness: Harness, filled_index: str) -> Any:
    return await harness.client.search.create(
        index_id=filled_index, search_options=["visual"], query_text="car", page_limit=1
    )


@_register
async def task(harness: Harness, index: str) -> Any:
    return await harness.client.tasks.create(index_id=index, video_file=VIDEO)


@_register
async def task_without_video(harness: Harness, index: str, task: Any) -> Any:
    """Return a task whose video is deleted, so that it can be deleted, too."""
    await harness.client.indexes.videos.delete(index, task.video_id)
    return task


@_register
async def chunk(harness: Harness, upload: UploadSession) -> CompletedChunk:
    return await harness.upload_first_part(upload)


@_register
async def finished_upload(harness: Harness) -> str:
    """Return the id of a finished upload from the emulator: no list of the API has it."""
    await harness.client.assets.upload(VIDEO, filename="film.mp4", method="multipart")
    return next(iter(harness.emulator.state.uploads))
