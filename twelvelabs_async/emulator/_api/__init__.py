"""The operations of the API, one module for each group."""

from __future__ import annotations

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
)
from twelvelabs_async.emulator._api.context import ApiResponse, Operation, RequestContext
from twelvelabs_async.emulator._errors import ApiError

REPLACEMENTS = {"POST /summarize": "POST /analyze", "POST /gist": "POST /analyze"}
"""Operation to use instead of each retired one."""


def _retire(name: str, replacement: str) -> Operation:
    async def reject(_context: RequestContext) -> ApiResponse:
        raise ApiError(410, "endpoint_deprecated", f"{name} has been removed from the API. Use {replacement}.")

    method, _, path = name.partition(" ")
    return Operation(method, path, reject)


OPERATIONS: tuple[Operation, ...] = (
    *indexes.OPERATIONS,
    *indexed_assets.OPERATIONS,
    *assets.OPERATIONS,
    *search.OPERATIONS,
    *tasks.OPERATIONS,
    *analyze.OPERATIONS,
    *analyze_tasks.OPERATIONS,
    *responses.OPERATIONS,
    *embed.OPERATIONS,
    *embed_v2.OPERATIONS,
    *entities.OPERATIONS,
    *knowledge_stores.OPERATIONS,
    *connections.OPERATIONS,
)

UNDESCRIBED_OPERATIONS: tuple[Operation, ...] = (
    *indexed_assets.UNDESCRIBED_OPERATIONS,
    *(_retire(name, replacement) for name, replacement in REPLACEMENTS.items()),
)
"""What the description of the API does not have: operations for older clients, and retired ones."""
