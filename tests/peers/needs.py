"""What has to be there before a call: a function for each name in the table, whose parameters are what it needs."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator
from functools import reduce
from typing import Any, Final

from scenes import analyses, connections, embeddings
from scenes.stage import BACK, FILM, Stage

from twelvelabs_async.models import CompletedChunk, UploadSession

Need = Callable[..., Awaitable[Any]]

NEEDS: Final[dict[str, Need]] = {
    "analysis": analyses.task,
    "asset": Stage.asset,
    "batch": analyses.batch,
    "collection": Stage.collection,
    "connection": Stage.connection,
    "embed_task": embeddings.old_task,
    "embed_v2_task": embeddings.task,
    "entity": Stage.entity,
    "folder": Stage.folder,
    "index": Stage.index,
    "item": Stage.item,
    "made_import": connections.imported,
    "picture": Stage.picture,
    "store": Stage.store,
    "upload": Stage.upload,
    "video": Stage.indexed,
}
"""All functions by name."""


async def made(stage: Stage, path: str, done: dict[str, Any]) -> Any:
    """Make something and all it needs, each once; what follows a dot is an attribute of it."""
    name, *attributes = path.split(".")
    if name not in done:
        done[name] = await NEEDS[name](stage, *[await made(stage, other, done) for other in _needs_of(NEEDS[name])])
    return reduce(getattr, attributes, done[name])


def _needs_of(need: Need) -> Iterator[str]:
    for parameter in [*inspect.signature(need).parameters.values()][1:]:
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD:
            yield parameter.name


def _need(function: Need) -> Need:
    NEEDS[function.__name__] = function
    return function


@_need
async def finished_analysis(stage: Stage, analysis: str) -> str:
    await stage.later()
    return analysis


@_need
async def finished_batch(stage: Stage) -> str:
    found = await analyses.batch(stage)
    await stage.later()
    return found.id


@_need
async def redirect_uri(stage: Stage) -> Any:
    return await stage.client.data_connectors.create_redirect_uri(redirect_uri=BACK)


@_need
async def added_picture(stage: Stage, collection: str, entity: str, picture: str) -> str:
    """One more of an entity, which must keep at least one."""
    await stage.client.entity_collections.entities.create_assets(collection, entity, asset_ids=[picture])
    return picture


@_need
async def filled_store(stage: Stage, store: str) -> str:
    await stage.item(store)
    return store


@_need
async def filled_index(stage: Stage, index: str) -> str:
    for name in ("red car.mp4", "blue car.mp4"):
        await stage.indexed(index, name)
    return index


@_need
async def search(stage: Stage, filled_index: str) -> Any:
    return await stage.client.search.create(
        index_id=filled_index, search_options=["visual"], query_text="car", page_limit=1
    )


@_need
async def task(stage: Stage, index: str) -> Any:
    return await stage.client.tasks.create(index_id=index, video_file=FILM)


@_need
async def chunk(stage: Stage, upload: UploadSession) -> CompletedChunk:
    return await stage.stored(upload)


@_need
async def finished_upload(stage: Stage) -> str:
    """No list has it, so the emulator is asked."""
    await stage.client.assets.upload(FILM, filename="film.mp4", method="multipart")
    return next(iter(stage.emulator.state.uploads))
