"""Asynchronous analysis: single tasks, and batches of up to 1,000 items.

https://docs.twelvelabs.io/v1.3/api-reference/analyze-videos
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import attrs

from twelvelabs_async.models.analyze import (
    AnalysisError,
    FinishReason,
    ReferenceImage,
    ResponseFormat,
    TokenUsage,
    VideoAsset,
)
from twelvelabs_async.models.common import Model

AnalysisMode = Literal["general", "time_based_metadata"]
"""Text for a prompt, or segments of the video with generated fields."""

AnalysisTaskStatus = Literal["queued", "pending", "processing", "ready", "failed", "canceled"]
"""Status of a task; `ready`, `failed` and `canceled` are final."""

Unlimited = Literal["unlimited"]
"""No token limit; for segments with `pegasus1.6`."""


@attrs.frozen(kw_only=True)
class AnalysisResult(Model):
    """The result in an `AnalysisTask`; `analyze` returns an `Analysis` instead."""

    generation_id: str | None = None
    """Id of the generation."""
    data: str
    """The text; with a response format, a JSON document such as `{definition id: [segments]}`."""
    finish_reason: FinishReason | None = None
    """Reason for the end of the text; `length` if it was truncated."""
    usage: TokenUsage | None = None
    """Token usage."""

    @property
    def text(self) -> str:
        """Alias of `data`."""
        return self.data


@attrs.frozen(kw_only=True)
class VideoSourceMetadata(Model):
    """Metadata that the platform extracted from an analyzed video."""

    duration: float | None = None
    """Duration in seconds."""


@attrs.frozen(kw_only=True)
class VideoSource(Model):
    """Source of an analyzed video."""

    type: Literal["url", "base64_string", "asset_id", "video_id"] | None = None
    """Kind of source, which says which of the following fields is set."""
    url: str | None = None
    """URL of the video."""
    asset_id: str | None = None
    """Id of the asset."""
    video_id: str | None = None
    """Id of a video that was indexed through the legacy endpoints."""
    index_id: str | None = None
    """Id of the index that contains the video."""
    system_metadata: VideoSourceMetadata | None = None
    """Metadata that the platform extracted from the file."""


@attrs.frozen(kw_only=True)
class AnalysisTaskParams(Model):
    """Request parameters of a task. Lists return a shortened form."""

    analysis_mode: AnalysisMode | None = None
    """Whether the result is text or segments."""
    prompt: str | None = None
    """The prompt."""
    prompt_v_2: dict[str, Any] | None = attrs.field(default=None, metadata={"wire": "prompt_v2"})
    """The prompt with images, as JSON."""
    response_format: dict[str, Any] | None = None
    """The response format, as JSON."""
    temperature: float | None = None
    """Sampling temperature."""
    max_tokens: int | str | None = None
    """Maximum number of output tokens, or `unlimited`."""
    min_segment_duration: float | None = None
    """Minimum duration of a segment, in seconds."""
    max_segment_duration: float | None = None
    """Maximum duration of a segment, in seconds."""
    start_time: float | None = None
    """Start of the analyzed part of the video, in seconds."""
    end_time: float | None = None
    """End of the analyzed part of the video, in seconds."""
    image: tuple[dict[str, Any], ...] = ()
    """Images, as JSON without their content."""


@attrs.frozen(kw_only=True)
class WebhookDelivery(Model):
    """Delivery of a webhook."""

    url: str
    """URL of the endpoint."""
    delivered: bool
    """Whether the endpoint accepted the webhook."""
    attempts: int = 0
    """Number of delivery attempts."""
    last_error: str | None = None
    """Error of the last attempt."""


@attrs.frozen(kw_only=True)
class AnalysisTask(Model):
    """An asynchronous analysis."""

    task_id: str
    """Unique id."""
    custom_id: str | None = None
    """Your own id for it."""
    status: AnalysisTaskStatus
    """Current status."""
    video_source: VideoSource | None = None
    """Source of the video; None for images."""
    request_params: AnalysisTaskParams | None = None
    """Request parameters."""
    created_at: datetime | None = None
    """Creation time."""
    completed_at: datetime | None = None
    """When it finished; None until then."""
    result: AnalysisResult | None = None
    """The result; None unless the status is `ready`."""
    error: AnalysisError | None = None
    """Error of a task that failed or was canceled; a warning if the status is `ready`."""
    webhooks: tuple[WebhookDelivery, ...] = ()
    """Deliveries of your webhooks."""
    batch_id: str | None = None
    """Id of the batch that contains the task."""

    @property
    def id(self) -> str:
        """Alias of `task_id`."""
        return self.task_id


@attrs.frozen(kw_only=True)
class CreatedAnalysisTask(Model):
    """Response to the creation of a task."""

    task_id: str
    """Id of the task, for `wait_for_done`."""
    status: AnalysisTaskStatus
    """Current status."""

    @property
    def id(self) -> str:
        """Alias of `task_id`."""
        return self.task_id


@attrs.frozen(kw_only=True)
class CanceledAnalysisTask(Model):
    """Response to the cancellation of a task."""

    task_id: str
    """Id of the task."""
    status: AnalysisTaskStatus = "canceled"
    """Always `canceled`."""


BatchStatus = Literal["pending", "processing", "canceling", "canceled", "completed", "expired"]
"""Status of a batch; `completed` does not mean that every item succeeded."""

BatchItemStatus = Literal["queued", "processing", "ready", "failed", "canceled"]
"""Status of a batch item."""

BatchModel = Literal["pegasus1.5"]
"""A model that supports batches."""


@attrs.frozen(kw_only=True)
class BatchPrompt(Model):
    """A prompt for batch items."""

    input_text: str
    """The prompt; `<@name>` refers to an image."""
    media_sources: tuple[ReferenceImage, ...] | None = None
    """The images, up to 4."""


@attrs.frozen(kw_only=True)
class BatchDefaults(Model):
    """Default parameters of the items of a batch."""

    prompt: BatchPrompt | None = None
    """The prompt."""
    response_format: ResponseFormat | None = None
    """Format of the results."""
    temperature: float | None = None
    """Sampling temperature, from 0 to 1."""
    max_tokens: int | None = None
    """Maximum number of output tokens."""
    min_segment_duration: float | None = None
    """Minimum duration of a segment, in seconds; at least 2."""
    max_segment_duration: float | None = None
    """Maximum duration of a segment, in seconds."""
    start_time: float | None = None
    """Start of the analyzed part of each video, in seconds."""
    end_time: float | None = None
    """End of the analyzed part of each video, in seconds."""


@attrs.frozen(kw_only=True)
class BatchItemRequest(BatchDefaults):
    """One item of a batch. Its prompt or response format replaces the default as a whole."""

    video: VideoAsset
    """The video; batches accept assets only."""
    custom_id: str | None = None
    """Your own id for it, unique in the batch."""


@attrs.frozen(kw_only=True)
class CreatedBatchItem(Model):
    """An item of a new batch."""

    task_id: str
    """Id of the item's task."""
    custom_id: str | None = None
    """Your own id for it."""


@attrs.frozen(kw_only=True)
class CreatedAnalysisBatch(Model):
    """Response to the creation of a batch."""

    batch_id: str
    """Id of the batch, for `wait_for_done`."""
    status: BatchStatus
    """Current status."""
    total_items: int = 0
    """Number of items."""
    created_at: datetime | None = None
    """Creation time."""
    expires_at: datetime | None = None
    """When unstarted items expire, one day after creation."""
    items: tuple[CreatedBatchItem, ...] = ()
    """The items, in the order of the request."""

    @property
    def id(self) -> str:
        """Alias of `batch_id`."""
        return self.batch_id


@attrs.frozen(kw_only=True)
class AnalysisBatch(Model):
    """A batch of analyses."""

    batch_id: str
    """Unique id."""
    analysis_mode: AnalysisMode | None = None
    """Whether the result is text or segments."""
    model_name: str | None = None
    """Name of the model."""
    status: BatchStatus
    """Current status; check `failed_items` even if it is `completed`."""
    total_items: int = 0
    """Number of items."""
    queued_items: int = 0
    """Number of unstarted items."""
    processing_items: int = 0
    """Number of items in progress."""
    ready_items: int = 0
    """Number of items that succeeded."""
    failed_items: int = 0
    """Number of items that failed."""
    canceled_items: int = 0
    """Number of canceled items."""
    created_at: datetime | None = None
    """Creation time."""
    expires_at: datetime | None = None
    """When unstarted items expire, one day after creation."""
    completed_at: datetime | None = None
    """When the last item finished."""
    canceled_at: datetime | None = None
    """When it was canceled."""
    expired_at: datetime | None = None
    """When it expired."""
    webhooks: tuple[WebhookDelivery, ...] = ()
    """Deliveries of your webhooks."""

    @property
    def id(self) -> str:
        """Alias of `batch_id`."""
        return self.batch_id


@attrs.frozen(kw_only=True)
class BatchItemError(Model):
    """Error of a batch item."""

    message: str
    """Message of the platform; its wording may change."""
    code: str | None = None
    """Machine-readable error code, such as `asset_unavailable`."""


@attrs.frozen(kw_only=True)
class BatchResultItem(Model):
    """Status and result of one batch item."""

    task_id: str
    """Id of the item's task."""
    custom_id: str | None = None
    """Your own id for it; results come in no particular order."""
    status: BatchItemStatus
    """Current status."""
    data: AnalysisResult | None = None
    """The result; None unless the status is `ready`."""
    error: BatchItemError | None = None
    """The error; None unless the status is `failed`."""
