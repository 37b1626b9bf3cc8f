"""Where analyses stand at this moment, worked out from the time that has passed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from twelvelabs_async.emulator import answering, timeline
from twelvelabs_async.emulator.seeded import uuid_of

if TYPE_CHECKING:
    from twelvelabs_async.emulator.analyses import Analysis, Batch, Outcome
    from twelvelabs_async.emulator.timeline import Timing
    from twelvelabs_async.emulator.world import World

DAY = 86_400
RETENTION = 30 * DAY
"""Seconds after which a batch is deleted."""
RUNNING = ("queued", "pending", "processing")
ACTIVE = ("pending", "processing", "canceling")

Reason = tuple[str, str]
"""Code and message."""


def outcome(world: World, task: Analysis) -> Outcome:
    """Return what a task comes to."""
    if task.outcome is None:
        settings = world.settings
        identifier = uuid_of(settings.seed, "generation", task.id)
        task.outcome = answering.outcome(task.ask, identifier, seed=settings.seed, awkward=settings.awkward_streams)
    return task.outcome


def status(world: World, task: Analysis) -> str:
    """Return the status of a task."""
    if task.canceled_at is not None:
        return "canceled"
    if task.batch is not None:
        return _item_status(world, task, task.batch)
    timing = timing_of(world, task)
    elapsed = world.passed(task.id, task.created_at, timing.analysis)
    found = timeline.analysis_status(timing, elapsed, failed=False)
    return _end(world, task) if found == "ready" else found


def timing_of(world: World, task: Analysis) -> Timing:
    """Return how long a task takes that is in no batch."""
    return world.timing.of(None if task.ask.video is None else task.ask.end - task.ask.start)


def _end(world: World, task: Analysis) -> str:
    return "failed" if outcome(world, task).failure else "ready"


def _item_status(world: World, task: Analysis, batch: Batch) -> str:
    now = batch.created_at + world.passed(batch.id, batch.created_at, world.timing.batch)
    begin, end = _window(world, task, batch)
    stop = _stop(batch)
    if begin > stop:
        return "queued" if now < stop else "canceled"
    if end > batch.expires_at and now >= batch.expires_at:
        return "failed"
    if now >= end:
        return _end(world, task)
    return "queued" if now < begin else "processing"


def _window(world: World, task: Analysis, batch: Batch) -> tuple[float, float]:
    begin, end = timeline.batch_item_window(world.timing, task.position, len(batch.items))
    return batch.created_at + begin, batch.created_at + end


def _stop(batch: Batch) -> float:
    """Return when no more items were begun."""
    return min(batch.canceled_at or math.inf, batch.expires_at)


def ended_at(world: World, task: Analysis) -> float | None:
    """Return when a task got done in whatever way, nothing while it is not."""
    if status(world, task) in RUNNING:
        return None
    if task.canceled_at is not None:
        return task.canceled_at
    if task.batch is None:
        return task.created_at + timing_of(world, task).analysis
    begin, end = _window(world, task, task.batch)
    stop = _stop(task.batch)
    return stop if begin > stop else min(end, task.batch.expires_at)


def reason(world: World, task: Analysis) -> Reason | None:
    """Return why a task failed or was canceled."""
    match status(world, task):
        case "canceled" if task.batch is None:
            return "user_canceled", "The task was canceled by a request."
        case "canceled":
            if task.batch is not None and _stop(task.batch) == task.batch.canceled_at:
                return "batch_canceled", "The batch was canceled before this item began."
            return "batch_expired", "The batch expired before this item began."
        case "failed":
            late = "batch_processing_timeout", "The batch expired before this item was done."
            return outcome(world, task).failure or late
        case _:
            return None


def batch_status(world: World, batch: Batch) -> str:
    """Return the status of a batch."""
    found = [status(world, item) for item in batch.items]
    if any(one in RUNNING for one in found):
        if batch.canceled_at is not None:
            return "canceling"
        return "pending" if all(one == "queued" for one in found) else "processing"
    if batch.canceled_at is not None:
        return "canceled"
    late = any(_window(world, item, batch)[1] > batch.expires_at for item in batch.items)
    return "expired" if late else "completed"


def batch_ended_at(world: World, batch: Batch) -> float:
    """Return when the last item of a finished batch got done."""
    return max(ended_at(world, item) or batch.created_at for item in batch.items)


def batches(world: World) -> list[Batch]:
    """Return all batches, after those that were kept long enough are deleted."""
    kept = world.state.analyses
    for batch in list(kept.batches.values()):
        if batch.created_at + RETENTION <= world.now():
            kept.delete_batch(batch)
    return list(kept.batches.values())
