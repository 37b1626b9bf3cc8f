"""Video indexing tasks: the older way to upload and index in one step. The platform has announced their removal.

https://docs.twelvelabs.io/v1.3/api-reference/tasks
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import attrs

from twelvelabs_async.models.common import WIRE_ID, Model
from twelvelabs_async.models.indexes import Hls

IndexingTaskStatus = Literal["ready", "uploading", "validating", "pending", "queued", "indexing", "failed"]
"""How far a task is; all but `ready` and `failed` are on the way."""


@attrs.frozen(kw_only=True)
class TaskSystemMetadata(Model):
    """What the platform found out about the video of a task."""

    filename: str | None = None
    """Name of the file."""
    duration: float | None = None
    """Seconds."""
    width: int | None = None
    """Pixels."""
    height: int | None = None
    """Pixels."""


@attrs.frozen(kw_only=True)
class IndexingTask(Model):
    """The upload and indexing of one video."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Identifier the platform gave it."""
    status: IndexingTaskStatus
    """How far it is."""
    video_id: str | None = None
    """The video in the index."""
    index_id: str | None = None
    """The index."""
    created_at: datetime | None = None
    """When it was created."""
    updated_at: datetime | None = None
    """When it last changed."""
    system_metadata: TaskSystemMetadata = attrs.field(factory=TaskSystemMetadata)
    """What the platform found out about the video."""
    hls: Hls | None = None
    """The stream, if the platform keeps one; lists do not show it."""


@attrs.frozen(kw_only=True)
class CreatedIndexingTask(Model):
    """What creating a task answers."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Identifier of the task, to wait for."""
    video_id: str | None = None
    """The video this will become."""
