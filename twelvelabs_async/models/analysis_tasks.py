"""Analyses that run by themselves, one by one.

https://docs.twelvelabs.io/v1.3/api-reference/analyze-videos
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import attrs

from twelvelabs_async.models.analyze import AnalysisError, FinishReason, TokenUsage
from twelvelabs_async.models.common import Model

AnalysisMode = Literal["general", "time_based_metadata"]
"""Text for a prompt, or segments of the video with what is to be said of each."""

AnalysisTaskStatus = Literal["queued", "pending", "processing", "ready", "failed", "canceled"]
"""How far a task is; `ready`, `failed` and `canceled` are ends."""

Unlimited = Literal["unlimited"]
"""As many tokens as it takes; for segments with `pegasus1.6`."""


@attrs.frozen(kw_only=True)
class AnalysisResult(Model):
    """What a task wrote."""

    generation_id: str | None = None
    """Identifier of the generation."""
    data: str
    """The text; with a response format it is a JSON document, such as `{definition id: [segments]}`."""
    finish_reason: FinishReason | None = None
    """`length` if the text was cut."""
    usage: TokenUsage | None = None
    """What it cost."""

    @property
    def text(self) -> str:
        """The same as `data`."""
        return self.data


@attrs.frozen(kw_only=True)
class VideoSourceMetadata(Model):
    """What the platform found out about an analyzed video."""

    duration: float | None = None
    """Seconds."""


@attrs.frozen(kw_only=True)
class VideoSource(Model):
    """Where an analyzed video came from."""

    type: Literal["url", "base64_string", "asset_id", "video_id"] | None = None
    """Which of the fields below counts."""
    url: str | None = None
    """Its address."""
    asset_id: str | None = None
    """The asset."""
    video_id: str | None = None
    """The video, for those that came by the older way."""
    index_id: str | None = None
    """The index of such a video."""
    system_metadata: VideoSourceMetadata | None = None
    """What the platform found out about it."""


@attrs.frozen(kw_only=True)
class AnalysisTaskParams(Model):
    """What a task was asked for. Lists shorten it."""

    analysis_mode: AnalysisMode | None = None
    """Text or segments."""
    prompt: str | None = None
    """The prompt."""
    prompt_v2: dict[str, Any] | None = None
    """The prompt with pictures, as JSON."""
    response_format: dict[str, Any] | None = None
    """The shape of the result, as JSON."""
    temperature: float | None = None
    """How freely it was to be written."""
    max_tokens: int | str | None = None
    """Tokens at most, or `unlimited`."""
    min_segment_duration: float | None = None
    """Seconds of a segment at least."""
    max_segment_duration: float | None = None
    """Seconds of a segment at most."""
    start_time: float | None = None
    """Where to begin in the video, in seconds."""
    end_time: float | None = None
    """Where to end in the video, in seconds."""
    image: tuple[dict[str, Any], ...] = ()
    """Pictures, as JSON and without their bytes."""


@attrs.frozen(kw_only=True)
class WebhookDelivery(Model):
    """How one of your webhooks was told of the end."""

    url: str
    """Where it was sent."""
    delivered: bool
    """Whether it was taken."""
    attempts: int = 0
    """How often it was sent."""
    last_error: str | None = None
    """Why it was not taken."""


@attrs.frozen(kw_only=True)
class AnalysisTask(Model):
    """An analysis that runs by itself."""

    task_id: str
    """Identifier the platform gave it."""
    custom_id: str | None = None
    """Your own name for it."""
    status: AnalysisTaskStatus
    """How far it is."""
    video_source: VideoSource | None = None
    """The video; None for pictures."""
    request_params: AnalysisTaskParams | None = None
    """What it was asked for."""
    created_at: datetime | None = None
    """When it was created."""
    completed_at: datetime | None = None
    """When it ended; None until then."""
    result: AnalysisResult | None = None
    """What it wrote; None unless it is `ready`."""
    error: AnalysisError | None = None
    """Why it failed or was canceled; on a `ready` task a warning."""
    webhooks: tuple[WebhookDelivery, ...] = ()
    """How your webhooks were told."""
    batch_id: str | None = None
    """The batch it is an item of."""

    @property
    def id(self) -> str:
        """The same as `task_id`."""
        return self.task_id


@attrs.frozen(kw_only=True)
class CreatedAnalysisTask(Model):
    """What creating a task answers."""

    task_id: str
    """Identifier of the task, to wait for."""
    status: AnalysisTaskStatus
    """How far it is."""

    @property
    def id(self) -> str:
        """The same as `task_id`."""
        return self.task_id


@attrs.frozen(kw_only=True)
class CanceledAnalysisTask(Model):
    """What canceling a task answers."""

    task_id: str
    """The task."""
    status: AnalysisTaskStatus = "canceled"
    """`canceled`."""
