"""Names of operations, and the categories of rate limits that they belong to."""

from __future__ import annotations

ANY_OPERATION = "*"
"""Stands for every operation."""

STORAGE = "storage"
"""The PUT to a presigned URL."""


CATEGORIES = {
    "POST /tasks": "index",
    "POST /indexes/{index-id}/indexed-assets": "index",
    "POST /assets": "upload",
    "POST /search": "search",
    "POST /analyze": "analyze",
    "POST /analyze/tasks": "analyze-tasks",
    "POST /analyze/batches": "analyze-batches",
    "POST /knowledge-stores/{knowledge_store_id}/search": "knowledge-search",
    "POST /responses": "responses",
}
"""Category of each operation that has one; all others are `other`."""

CONTENT_DEPENDENT = {"POST /embed", "POST /embed/tasks", "POST /embed-v2", "POST /embed-v2/tasks"}
"""Operations whose category depends on the content to embed; their handlers determine it."""

OTHER_CATEGORY = "other"

TOTAL_MINUTES_CATEGORIES = frozenset({"index", "analyze", "analyze-tasks", "analyze-batches"})
"""Categories that count towards a plan's `total_minutes`."""
