"""All that an emulator holds, as JSON: the objects as the API shows them, whoever they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from twelvelabs_async.emulator import progress
from twelvelabs_async.emulator.clock import moment
from twelvelabs_async.emulator.handlers import analyze_views, embed_tasks, indexes, store_items, tasks, uploads, views
from twelvelabs_async.emulator.handlers import knowledge_stores as stores

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from twelvelabs_async.emulator.world import World

T = TypeVar("T")


def look(world: World) -> dict[str, Any]:
    """Return the moment, and all objects by kind, oldest first; those of other organisations under their names."""
    others = {one.organisation: _objects(one) for one in world.all() if one.organisation != world.organisation}
    return {"time": moment(world.now()), **_objects(world), "organisations": others}


def _objects(world: World) -> dict[str, Any]:
    state, library = world.state, world.state.library
    return {
        "indexes": [indexes.view(world, index) for index in world.indexes()],
        "assets": _all(state.assets, lambda asset: views.asset_detail(world, asset)),
        "indexed_assets": _all(
            state.videos, lambda video: {"index_id": video.index_id} | views.indexed_asset(world, video)
        ),
        "tasks": _all(state.tasks, lambda task: tasks.view(world, task)),
        "uploads": _all(state.uploads, lambda upload: uploads.summary(world, upload)),
        "embed_tasks": _all(state.embed_tasks, lambda task: embed_tasks.view(world, task)),
        "analyze_tasks": _all(state.analyses.tasks, lambda task: analyze_views.task(world, task, brief=True)),
        "batches": [analyze_views.batch(world, batch) for batch in progress.batches(world)],
        "knowledge_stores": _all(library.stores, lambda store: stores.view(world, store)),
        "items": _all(library.items, lambda item: {"store_id": item.store_id} | store_items.view(world, item)),
    }


def _all(found: Mapping[str, T], view: Callable[[T], dict[str, Any]]) -> list[dict[str, Any]]:
    return [view(one) for one in found.values()]
