"""The operations of the API, one module for each group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twelvelabs_async.emulator._api import (
    analyze,
    analyze_tasks,
    assets,
    connections,
    embed,
    embed_v2,
    entities,
    indexed_assets,
    indexes,
    knowledge_stores,
    responses,
    search,
    tasks,
    uploads,
)

if TYPE_CHECKING:
    from twelvelabs_async.emulator._api.context import Operation

OPERATIONS: tuple[Operation, ...] = (
    *indexes.OPERATIONS,
    *indexed_assets.OPERATIONS,
    *indexed_assets.OPERATIONS,
    *assets.OPERATIONS,
    *assets.OPERATIONS,
    *uploads.OPERATIONS,
    *search.OPERATIONS,
    *tasks.OPERATIONS,
    *analyze.OPERATIONS,
    *analyze_tasks.OPERATIONS,
    *analyze_tasks.OPERATIONS,
    *responses.OPERATIONS,
    *embed.OPERATIONS,
    *embed.OPERATIONS,
    *embed_v2.OPERATIONS,
    *embed_v2.OPERATIONS,
    *entities.OPERATIONS,
    *entities.OPERATIONS,
    *knowledge_stores.OPERATIONS,
    *knowledge_stores.OPERATIONS,
    *knowledge_stores.OPERATIONS,
    *knowledge_stores.OPERATIONS,
    *connections.OPERATIONS,
    *connections.OPERATIONS,
)
