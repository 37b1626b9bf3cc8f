"""What the emulator can do: one module for each group of operations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twelvelabs_async.emulator.handlers import (
    assets,
    indexed_assets,
    indexes,
    search,
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
)
