"""What the emulator can do: one module for each group of operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twelvelabs_async.emulator.handlers import (
    analyze,
    analyze_batches,
    analyze_tasks,
    assets,
    connections,
    embed,
    embed_tasks,
    embed_v2,
    embed_v2_tasks,
    entities,
    entity_collections,
    imports,
    indexed_assets,
    indexes,
    knowledge_stores,
    responses,
    search,
    store_collections,
    store_items,
    store_search,
    tasks,
    uploads,
    user_metadata,
    videos,
)

if TYPE_CHECKING:
    from twelvelabs_async.emulator.call import Operation

OPERATIONS: tuple[Operation, ...] = (
    *indexes.OPERATIONS,
    *indexed_assets.OPERATIONS,
    *videos.OPERATIONS,
    *assets.OPERATIONS,
    *user_metadata.OPERATIONS,
    *uploads.OPERATIONS,
    *search.OPERATIONS,
    *tasks.OPERATIONS,
    *analyze.OPERATIONS,
    *analyze_tasks.OPERATIONS,
    *analyze_batches.OPERATIONS,
    *responses.OPERATIONS,
    *embed.OPERATIONS,
    *embed_tasks.OPERATIONS,
    *embed_v2.OPERATIONS,
    *embed_v2_tasks.OPERATIONS,
    *entity_collections.OPERATIONS,
    *entities.OPERATIONS,
    *knowledge_stores.OPERATIONS,
    *store_items.OPERATIONS,
    *store_collections.OPERATIONS,
    *store_search.OPERATIONS,
    *connections.OPERATIONS,
    *imports.OPERATIONS,
)
