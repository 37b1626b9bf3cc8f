"""Webhooks: events that the platform sends to your server when a task has finished.

https://docs.twelvelabs.io/docs/advanced/webhooks
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import attrs

from twelvelabs_async.models.analyze import AnalysisError
from twelvelabs_async.models.analyze_tasks import VideoSource
from twelvelabs_async.models.common import Model


@attrs.frozen(kw_only=True)
class WebhookEvent(Model):
    """Base class of webhook events. An event may be delivered more than once, with the same `id`."""

    id: str
    """Id of the event, the same for each delivery."""
    created_at: datetime | None = None
    """When the event occurred."""


@attrs.frozen(kw_only=True)
class IndexTaskMetadata(Model):
    """Metadata of an indexed video."""

    duration: float | None = None
    """Duration in seconds."""


@attrs.frozen(kw_only=True)
class IndexTaskData(Model):
    """A finished indexing task."""

    id: str
    """Id of the task; retrieve the task for its `video_id`."""
    status: str | None = None
    """Final status."""
    metadata: IndexTaskMetadata = attrs.field(factory=IndexTaskMetadata)
    """Metadata of the video."""
    models: tuple[dict[str, Any], ...] = ()
    """Models of the index, as JSON."""
    tags: tuple[str, ...] = ()
    """Tags of the task."""


@attrs.frozen(kw_only=True)
class IndexTaskReady(WebhookEvent):
    """A video was indexed."""

    type: Literal["index.task.ready"] = "index.task.ready"
    """Event type."""
    data: IndexTaskData
    """Id of the task."""


@attrs.frozen(kw_only=True)
class IndexTaskFailed(WebhookEvent):
    """Indexing of a video failed."""

    type: Literal["index.task.failed"] = "index.task.failed"
    """Event type."""
    data: IndexTaskData
    """Id of the task."""


@attrs.frozen(kw_only=True)
class AnalyzeTaskData(Model):
    """A finished analysis task."""

    id: str
    """Id of the task; retrieve the task for its result."""
    custom_id: str | None = None
    """Your own id for it."""
    status: str | None = None
    """Final status."""
    created_at: datetime | None = None
    """Creation time."""
    video_source: VideoSource | None = None
    """Source of the video."""
    error: AnalysisError | None = None
    """Error of a task that failed; a warning if the status is `ready`."""


@attrs.frozen(kw_only=True)
class AnalyzeTaskReady(WebhookEvent):
    """An analysis succeeded."""

    type: Literal["analyze.task.ready"] = "analyze.task.ready"
    """Event type."""
    data: AnalyzeTaskData
    """Id of the task."""


@attrs.frozen(kw_only=True)
class AnalyzeTaskFailed(WebhookEvent):
    """An analysis failed."""

    type: Literal["analyze.task.failed"] = "analyze.task.failed"
    """Event type."""
    data: AnalyzeTaskData
    """Id of the task."""


@attrs.frozen(kw_only=True)
class AnalyzeTaskCanceled(WebhookEvent):
    """An analysis was canceled. The platform does not promise to send this event."""

    type: Literal["analyze.task.canceled"] = "analyze.task.canceled"
    """Event type."""
    data: AnalyzeTaskData
    """Id of the task."""


@attrs.frozen(kw_only=True)
class UnknownWebhook(WebhookEvent):
    """An event of a type that this version does not know."""

    id: str = ""
    """Id of the event, the same for each delivery."""
    type: str = ""
    """Type of the event."""
    data: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """Data of the event, as JSON."""


Webhook = IndexTaskReady | IndexTaskFailed | AnalyzeTaskReady | AnalyzeTaskFailed | AnalyzeTaskCanceled | UnknownWebhook
"""A webhook event."""
