"""Video indexing tasks: upload and index in one step. Deprecated by Twelve Labs.

https://docs.twelvelabs.io/v1.3/api-reference/tasks
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

import attrs

from twelvelabs_async.errors import TwelveLabsError
from twelvelabs_async.models._interop import WIRE_ID
from twelvelabs_async.models.common import Model
from twelvelabs_async.models.indexed_assets import Hls

_T = TypeVar("_T")

IndexingTaskStatus = Literal["ready", "uploading", "validating", "pending", "queued", "indexing", "failed"]
"""Status of a task; `ready` and `failed` are final."""


@attrs.frozen(kw_only=True)
class TaskSystemMetadata(Model):
    """Metadata that the platform extracted from the video of a task."""

    filename: str | None = None
    """Name of the file."""
    duration: float | None = None
    """Duration in seconds."""
    width: int | None = None
    """Size in pixels."""
    height: int | None = None
    """Size in pixels."""


@attrs.frozen(kw_only=True)
class IndexingTask(Model):
    """A task that uploads and indexes one video."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Unique id."""
    status: IndexingTaskStatus
    """Current status."""
    video_id: str | None = None
    """Id of the video in the index."""
    index_id: str | None = None
    """Id of the index."""
    created_at: datetime | None = None
    """Creation time."""
    updated_at: datetime | None = None
    """Time of the last change."""
    system_metadata: TaskSystemMetadata = attrs.field(factory=TaskSystemMetadata)
    """Metadata that the platform extracted from the video."""
    hls: Hls | None = None
    """The HLS stream; lists omit it."""


@attrs.frozen(kw_only=True)
class CreatedIndexingTask(Model):
    """Response to the creation of a task."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Id of the task, for `wait_for_done`."""
    video_id: str | None = None
    """Id of the future video."""


@attrs.frozen(kw_only=True)
class BulkFailure:
    """One input of a bulk creation that failed."""

    source: Any = attrs.field(repr=False, hash=False)
    """The input: a file, a URL, or a dict of parameters."""
    position: int
    """Position among the inputs, from 0; files come before URLs."""
    error: TwelveLabsError
    """Why it failed."""


@attrs.frozen(kw_only=True)
class BulkResult(Generic[_T]):
    """The result of a bulk creation; iterate over it for its `results`."""

    results: tuple[_T, ...] = ()
    """What was created, in the order of the inputs."""
    failures: tuple[BulkFailure, ...] = ()
    """The inputs that failed, in their order."""

    def __iter__(self) -> Iterator[_T]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)
