"""Analyses that run by themselves, up to a thousand in a batch.

https://docs.twelvelabs.io/v1.3/api-reference/analyze-videos
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import attrs

from twelvelabs_async.models.analysis_tasks import AnalysisMode, AnalysisResult, WebhookDelivery
from twelvelabs_async.models.analyze import ReferenceImage, ResponseFormat, VideoAsset
from twelvelabs_async.models.common import Model

BatchStatus = Literal["pending", "processing", "canceling", "canceled", "completed", "expired"]
"""How far a batch is; `completed` says nothing about how its items ended."""

BatchItemStatus = Literal["queued", "processing", "ready", "failed", "canceled"]
"""How far an item of a batch is."""

BatchModel = Literal["pegasus1.5"]
"""A model that works on batches."""


@attrs.frozen(kw_only=True)
class BatchPrompt(Model):
    """A prompt of a batch."""

    input_text: str
    """The prompt; `<@name>` stands for a picture."""
    media_sources: tuple[ReferenceImage, ...] | None = None
    """The pictures, 4 at most."""


@attrs.frozen(kw_only=True)
class BatchDefaults(Model):
    """What holds for each item of a batch that does not say otherwise."""

    prompt: BatchPrompt | None = None
    """What to write."""
    response_format: ResponseFormat | None = None
    """The shape of the results."""
    temperature: float | None = None
    """How freely to write, 0 to 1."""
    max_tokens: int | None = None
    """Tokens at most."""
    min_segment_duration: float | None = None
    """Seconds of a segment at least, 2 or more."""
    max_segment_duration: float | None = None
    """Seconds of a segment at most."""
    start_time: float | None = None
    """Where to begin in each video, in seconds."""
    end_time: float | None = None
    """Where to end in each video, in seconds."""


@attrs.frozen(kw_only=True)
class BatchItemRequest(BatchDefaults):
    """One item of a batch; a prompt or a response format replaces the default as a whole."""

    video: VideoAsset
    """The video; batches take assets only."""
    custom_id: str | None = None
    """Your own name for it, unique in the batch."""


@attrs.frozen(kw_only=True)
class CreatedBatchItem(Model):
    """An item of a new batch."""

    task_id: str
    """Identifier of its task."""
    custom_id: str | None = None
    """Your own name for it."""


@attrs.frozen(kw_only=True)
class CreatedAnalysisBatch(Model):
    """What creating a batch answers."""

    batch_id: str
    """Identifier of the batch, to wait for."""
    status: BatchStatus
    """How far it is."""
    total_items: int = 0
    """Number of items."""
    created_at: datetime | None = None
    """When it was created."""
    expires_at: datetime | None = None
    """When items that have not begun are given up: a day later."""
    items: tuple[CreatedBatchItem, ...] = ()
    """Its items, in the order of the request."""

    @property
    def id(self) -> str:
        """The same as `batch_id`."""
        return self.batch_id


@attrs.frozen(kw_only=True)
class AnalysisBatch(Model):
    """Many analyses that were asked for together."""

    batch_id: str
    """Identifier the platform gave it."""
    analysis_mode: AnalysisMode | None = None
    """Text or segments."""
    model_name: str | None = None
    """Model that writes."""
    status: BatchStatus
    """How far it is; look at `failed_items` even when it is `completed`."""
    total_items: int = 0
    """Number of items."""
    queued_items: int = 0
    """Items that have not begun."""
    processing_items: int = 0
    """Items that are being worked on."""
    ready_items: int = 0
    """Items that ended well."""
    failed_items: int = 0
    """Items that ended badly."""
    canceled_items: int = 0
    """Items that were canceled."""
    created_at: datetime | None = None
    """When it was created."""
    expires_at: datetime | None = None
    """When items that have not begun are given up: a day later."""
    completed_at: datetime | None = None
    """When the last item ended."""
    canceled_at: datetime | None = None
    """When it was canceled."""
    expired_at: datetime | None = None
    """When it expired."""
    webhooks: tuple[WebhookDelivery, ...] = ()
    """How your webhooks were told."""

    @property
    def id(self) -> str:
        """The same as `batch_id`."""
        return self.batch_id


@attrs.frozen(kw_only=True)
class BatchItemError(Model):
    """Why an item of a batch failed."""

    message: str
    """What happened, in words that are no contract."""
    code: str | None = None
    """Machine-readable reason, such as `asset_unavailable`."""


@attrs.frozen(kw_only=True)
class BatchResultItem(Model):
    """How one item of a batch ended, or how far it is."""

    task_id: str
    """Identifier of its task."""
    custom_id: str | None = None
    """Your own name for it; results come in any order."""
    status: BatchItemStatus
    """How far it is."""
    data: AnalysisResult | None = None
    """What was written; None unless it is `ready`."""
    error: BatchItemError | None = None
    """Why it failed; None unless it is `failed`."""
