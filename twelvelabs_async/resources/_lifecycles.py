"""The final statuses of each kind of resource."""

from __future__ import annotations

from typing import Final

from twelvelabs_async._polling import Lifecycle

ANALYSIS_TASK_LIFECYCLE: Final = Lifecycle(resource="analysis task", failed=frozenset({"failed", "canceled"}))

ANALYSIS_BATCH_LIFECYCLE: Final = Lifecycle(
    resource="analysis batch", ready=frozenset({"completed", "canceled", "expired"}), failed=frozenset()
)

ASSET_LIFECYCLE: Final = Lifecycle(resource="asset")

TRANSCRIPTION_LIFECYCLE: Final = Lifecycle(resource="transcription of asset")

IMPORT_LIFECYCLE: Final = Lifecycle(resource="import", failed=frozenset())

EMBED_V2_TASK_LIFECYCLE: Final = Lifecycle(resource="embedding task")

EMBED_TASK_LIFECYCLE: Final = Lifecycle(resource="embedding task")

ENTITY_LIFECYCLE: Final = Lifecycle(resource="entity")

INDEXED_ASSET_LIFECYCLE: Final = Lifecycle(resource="indexed asset")

KNOWLEDGE_STORE_ITEM_LIFECYCLE: Final = Lifecycle(resource="knowledge store item")

INDEXING_TASK_LIFECYCLE: Final = Lifecycle(resource="indexing task")

UPLOAD_LIFECYCLE: Final = Lifecycle(
    resource="upload", ready=frozenset({"completed"}), failed=frozenset({"failed", "expired"})
)
