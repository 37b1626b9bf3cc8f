"""What the platform tells your own server: that a task has ended.

https://docs.twelvelabs.io/docs/advanced/webhooks
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import attrs

from twelvelabs_async.models.analysis_tasks import VideoSource
from twelvelabs_async.models.analyze import AnalysisError
from twelvelabs_async.models.common import Model


@attrs.frozen(kw_only=True)
class WebhookEvent(Model):
    """What every webhook has. One may come more than once, and then has the same `id`."""

    id: str
    """Identifier of the event, the same in each delivery of it."""
    created_at: datetime | None = None
    """When it happened."""


@attrs.frozen(kw_only=True)
class IndexTaskMetadata(Model):
    """What was found out about an indexed video."""

    duration: float | None = None
    """Seconds."""


@attrs.frozen(kw_only=True)
class IndexTaskData(Model):
    """An indexing task that has ended."""

    id: str
    """The task; retrieve it for its `video_id`, which is not told here."""
    status: str | None = None
    """How it ended."""
    metadata: IndexTaskMetadata = attrs.field(factory=IndexTaskMetadata)
    """What was found out about the video."""
    models: tuple[dict[str, Any], ...] = ()
    """Models of the index, as JSON."""
    tags: tuple[str, ...] = ()
    """Its tags."""


@attrs.frozen(kw_only=True)
class IndexTaskReady(WebhookEvent):
    """A video was indexed."""

    type: Literal["index.task.ready"] = "index.task.ready"
    """Tells this from other events."""
    data: IndexTaskData
    """The task."""


@attrs.frozen(kw_only=True)
class IndexTaskFailed(WebhookEvent):
    """A video could not be indexed."""

    type: Literal["index.task.failed"] = "index.task.failed"
    """Tells this from other events."""
    data: IndexTaskData
    """The task."""


@attrs.frozen(kw_only=True)
class AnalyzeTaskData(Model):
    """An analysis task that has ended."""

    id: str
    """The task; retrieve it for its result, which is not told here."""
    custom_id: str | None = None
    """Your own name for it."""
    status: str | None = None
    """How it ended."""
    created_at: datetime | None = None
    """When it was created."""
    video_source: VideoSource | None = None
    """The video."""
    error: AnalysisError | None = None
    """Why it failed; on a task that is ready a warning."""


@attrs.frozen(kw_only=True)
class AnalyzeTaskReady(WebhookEvent):
    """An analysis has a result."""

    type: Literal["analyze.task.ready"] = "analyze.task.ready"
    """Tells this from other events."""
    data: AnalyzeTaskData
    """The task."""


@attrs.frozen(kw_only=True)
class AnalyzeTaskFailed(WebhookEvent):
    """An analysis failed."""

    type: Literal["analyze.task.failed"] = "analyze.task.failed"
    """Tells this from other events."""
    data: AnalyzeTaskData
    """The task."""


@attrs.frozen(kw_only=True)
class AnalyzeTaskCanceled(WebhookEvent):
    """An analysis was canceled. The platform does not promise to tell it."""

    type: Literal["analyze.task.canceled"] = "analyze.task.canceled"
    """Tells this from other events."""
    data: AnalyzeTaskData
    """The task."""


@attrs.frozen(kw_only=True)
class UnknownWebhook(WebhookEvent):
    """An event that is newer than this version."""

    id: str = ""
    """Identifier of the event, the same in each delivery of it."""
    type: str = ""
    """What it calls itself."""
    data: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """What it is about, as JSON."""


Webhook = IndexTaskReady | IndexTaskFailed | AnalyzeTaskReady | AnalyzeTaskFailed | AnalyzeTaskCanceled | UnknownWebhook
"""What the platform may tell."""
