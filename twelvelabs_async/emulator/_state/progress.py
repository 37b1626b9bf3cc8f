"""Status of every object, as a function of the time since its creation.

No background task changes a status: it is computed on each access. A clock that is advanced by an hour finishes an hour
of processing, and stopping the emulator leaves nothing running.
"""

from __future__ import annotations

import math

from twelvelabs_async.emulator._generation import analysis
from twelvelabs_async.emulator._generation.embeddings import EmbedTask
from twelvelabs_async.emulator._media.media import Asset
from twelvelabs_async.emulator._state.deterministic import stable_uuid
from twelvelabs_async.emulator._state.entities import (
    Analysis,
    AnalysisResult,
    Batch,
    Entity,
    Item,
    Task,
    Upload,
    Video,
)
from twelvelabs_async.emulator._state.service import Service
from twelvelabs_async.emulator.timing import Timing

UNFINISHED = ("queued", "pending", "processing")
"""Statuses of unfinished analysis tasks."""
ACTIVE = ("pending", "processing", "canceling")
"""Statuses of active batches."""
_EARLY_SHARE = 0.2
"""Share of an analysis spent in each of its first two statuses, and of a batch before its first item starts."""
_ITEM_STATUSES = {"pending": "queued", "queued": "pending", "indexing": "processing"}
"""Status of a knowledge store item by status of an indexed asset."""

Reason = tuple[str, str]
"""Error code and message."""


def asset_status(service: Service, asset: Asset) -> str:
    """Return `processing`, `ready` or `failed`."""
    if asset.is_finished:
        return "ready"
    duration = service.timing.for_media(asset.media.duration).asset
    since = asset.retried_at or asset.created_at
    return _processing_status(service, asset.id, since, duration, failed=asset.media.problem is not None)


def video_status(service: Service, video: Video) -> str:
    """Return the status of an indexed asset."""
    if video.is_finished:
        return "ready"
    timing = service.timing.for_media(video.asset.media.duration)
    elapsed = service.elapsed(video.id, video.indexing_started_at, timing.indexing)
    return _indexing_status(timing, elapsed, failed=video.problem is not None)


def task_status(service: Service, task: Task) -> str:
    """Return the status of a legacy task, which uploads and validates a video before indexing it.

    It is `uploading` for the first half of that time.
    """
    timing = service.timing.for_media(task.video.asset.media.duration)
    elapsed = service.elapsed(task.id, task.created_at, timing.asset + timing.indexing)
    if elapsed >= timing.asset:
        return _indexing_status(timing, elapsed - timing.asset, failed=task.video.problem is not None)
    return "uploading" if elapsed < timing.asset / 2 else "validating"


def item_status(service: Service, item: Item) -> str:
    """Return the status of a knowledge store item, which takes as long as indexing."""
    timing = service.timing.for_media(item.asset.media.duration)
    elapsed = service.elapsed(item.id, item.created_at, timing.indexing)
    status = _indexing_status(timing, elapsed, failed=item.asset.media.problem is not None)
    return _ITEM_STATUSES.get(status, status)


def _indexing_status(timing: Timing, elapsed: float, *, failed: bool) -> str:
    if elapsed >= timing.indexing:
        return "failed" if failed else "ready"
    if elapsed < timing.indexing * timing.pending_share:
        return "pending"
    if elapsed < timing.indexing * (timing.pending_share + timing.queued_share):
        return "queued"
    return "indexing"


def embed_timing(service: Service, task: EmbedTask) -> Timing:
    """Return the processing times of an embedding task."""
    return service.timing.for_media((task.request.metadata or {}).get("duration"))


def embed_status(service: Service, task: EmbedTask) -> str:
    """Return the status of an embedding task, which takes as long as indexing."""
    duration = embed_timing(service, task).indexing
    return _processing_status(service, task.id, task.created_at, duration, failed=task.problem is not None)


def entity_status(service: Service, entity: Entity) -> str:
    """Return `processing` or `ready`."""
    duration = service.timing.asset
    return _processing_status(service, entity.id, entity.processing_started_at, duration, failed=False)


def _processing_status(service: Service, identifier: str, since: float, duration: float, *, failed: bool) -> str:
    if service.elapsed(identifier, since, duration) < duration:
        return "processing"
    return "failed" if failed else "ready"


def upload_status(service: Service, upload: Upload) -> str:
    """Return `active`, `completed` or `expired`."""
    if upload.completed_at is not None:
        return "completed"
    return "active" if service.now() < upload.expires_at else "expired"


def indexed_at(service: Service, video: Video) -> float | None:
    """Return when indexing succeeded, or `None`."""
    if video_status(service, video) != "ready":
        return None
    if video.is_finished:
        return video.indexing_started_at
    ended_at = video.indexing_started_at + service.timing.for_media(video.asset.media.duration).indexing
    return ended_at if service.timing.polls is None else min(ended_at, service.now())


def updated_at(service: Service, video: Video) -> float:
    """Return when an indexed asset was last changed by a request or by the end of indexing."""
    return max(video.touched_at, indexed_at(service, video) or 0)


def ready_videos(service: Service, index_id: str) -> list[Video]:
    """Return the searchable videos of an index."""
    return [video for video in service.state.videos_of_index(index_id) if video_status(service, video) == "ready"]


def ensure_result(service: Service, task: Analysis) -> AnalysisResult:
    """Return the result of an analysis task; compute it on first access."""
    if task.result is None:
        settings = service.settings
        generation_id = stable_uuid(settings.seed, "generation", task.id)
        task.result = analysis.compute_result(
            task.request, generation_id, seed=settings.seed, multibyte=settings.fragment_streams
        )
    return task.result


def analysis_timing(service: Service, task: Analysis) -> Timing:
    """Return the processing times of an analysis task outside a batch."""
    return service.timing.for_media(None if task.request.video is None else task.request.end - task.request.start)


def analysis_status(service: Service, task: Analysis) -> str:
    """Return the status of an analysis task."""
    if task.canceled_at is not None:
        return "canceled"
    if task.batch is not None:
        return _batch_item_status(service, task, task.batch)
    duration = analysis_timing(service, task).analysis
    elapsed = service.elapsed(task.id, task.created_at, duration)
    if elapsed >= duration:
        return _final_status(service, task)
    if elapsed < duration * _EARLY_SHARE:
        return "queued"
    return "pending" if elapsed < duration * 2 * _EARLY_SHARE else "processing"


def _final_status(service: Service, task: Analysis) -> str:
    return "failed" if ensure_result(service, task).failure else "ready"


def _batch_item_status(service: Service, task: Analysis, batch: Batch) -> str:
    now = batch.created_at + service.elapsed(batch.id, batch.created_at, service.timing.batch)
    begin, end = _batch_item_window(service, task, batch)
    stop = _stopped_at(batch)
    if begin > stop:
        return "queued" if now < stop else "canceled"
    if end > batch.expires_at and now >= batch.expires_at:
        return "failed"
    if now >= end:
        return _final_status(service, task)
    return "queued" if now < begin else "processing"


def _batch_item_window(service: Service, task: Analysis, batch: Batch) -> tuple[float, float]:
    """Return when an item of a batch starts and ends; the items start one after another and overlap."""
    share = 1 - 2 * _EARLY_SHARE
    count = len(batch.items)
    begin = _EARLY_SHARE + share * task.position / count
    end = min(1.0, begin + _EARLY_SHARE + share / count)
    return batch.created_at + service.timing.batch * begin, batch.created_at + service.timing.batch * end


def _stopped_at(batch: Batch) -> float:
    """Return the time after which no more items start."""
    return min(batch.canceled_at or math.inf, batch.expires_at)


def analysis_ended_at(service: Service, task: Analysis) -> float | None:
    """Return when an analysis task ended with any status, or `None`."""
    if analysis_status(service, task) in UNFINISHED:
        return None
    if task.canceled_at is not None:
        return task.canceled_at
    if task.batch is None:
        return task.created_at + analysis_timing(service, task).analysis
    begin, end = _batch_item_window(service, task, task.batch)
    stop = _stopped_at(task.batch)
    return stop if begin > stop else min(end, task.batch.expires_at)


def failure_reason(service: Service, task: Analysis) -> Reason | None:
    """Return why an analysis task failed or was canceled, or `None`."""
    status = analysis_status(service, task)
    if status == "failed":
        timeout = "batch_processing_timeout", "The batch expired before this item was done."
        return ensure_result(service, task).failure or timeout
    if status != "canceled":
        return None
    if task.batch is None:
        return "user_canceled", "The task was canceled by a request."
    if _stopped_at(task.batch) == task.batch.canceled_at:
        return "batch_canceled", "The batch was canceled before this item began."
    return "batch_expired", "The batch expired before this item began."


def batch_status(service: Service, batch: Batch) -> str:
    """Return the status of a batch."""
    statuses = [analysis_status(service, item) for item in batch.items]
    if any(status in UNFINISHED for status in statuses):
        if batch.canceled_at is not None:
            return "canceling"
        return "pending" if all(status == "queued" for status in statuses) else "processing"
    if batch.canceled_at is not None:
        return "canceled"
    late = any(_batch_item_window(service, item, batch)[1] > batch.expires_at for item in batch.items)
    return "expired" if late else "completed"


def batch_ended_at(service: Service, batch: Batch) -> float:
    """Return when the last item of a finished batch ended."""
    return max(analysis_ended_at(service, item) or batch.created_at for item in batch.items)
