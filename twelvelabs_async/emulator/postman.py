"""Notices that tasks have ended, and delivers the webhooks about it.

This is the one thing that works on its own, for nobody asks for a webhook. It does so only while there is somebody to
be told, and it looks at the clock of the emulator: one that stands still delivers nothing new.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import aiohttp

from twelvelabs_async.emulator import progress
from twelvelabs_async.emulator.clock import second
from twelvelabs_async.emulator.handlers import analyze_views
from twelvelabs_async.emulator.webhooks import HEADER, Delivery, Event, signature

if TYPE_CHECKING:
    from collections.abc import Iterator

    from twelvelabs_async.emulator.analyses import Analysis, Json
    from twelvelabs_async.emulator.state import Task
    from twelvelabs_async.emulator.world import World

_POLL = 0.02
_TIMEOUT = aiohttp.ClientTimeout(total=5)
_CROWD = 16
"""Attempts made at once."""


class Postman:
    """Delivers webhooks while the emulator runs."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._round: asyncio.Task[None] | None = None
        self._running = False

    def start(self) -> None:
        """Begin, if there is somebody to be told."""
        self._running = True
        self.wake()

    def wake(self) -> None:
        """Begin, now that there is somebody to be told."""
        if self._running and self._round is None and self._world.webhooks.endpoints:
            self._round = asyncio.get_running_loop().create_task(self._go_round())

    async def stop(self) -> None:
        """End, and leave undelivered what is."""
        self._running = False
        going, self._round = self._round, None
        if going is not None:
            going.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await going

    async def _go_round(self) -> None:
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            while True:
                self._collect()
                due = [one for one in self._world.webhooks.deliveries if one.open and one.due <= self._world.now()]
                await asyncio.gather(*(self._deliver(session, delivery) for delivery in due[:_CROWD]))
                await asyncio.sleep(0 if len(due) > _CROWD else _POLL)

    def _collect(self) -> None:
        for world in self._world.all():
            for task in tuple(world.state.tasks.values()):
                if event := _indexed(world, task):
                    world.webhooks.note(event, world.organisation)
            for analysis in tuple(world.state.analyses.tasks.values()):
                for event in _analyzed(world, analysis):
                    world.webhooks.note(event, world.organisation)

    async def _deliver(self, session: aiohttp.ClientSession, delivery: Delivery) -> None:
        now = self._world.now()
        delivery.due = now + self._world.timing.webhook_retry * 2**delivery.attempts
        delivery.attempts += 1
        headers = {
            "Content-Type": "application/json",
            HEADER: signature(delivery.body, delivery.endpoint.secret, now),
        }
        try:
            url = delivery.endpoint.url
            async with session.post(url, data=delivery.body, headers=headers, allow_redirects=False) as response:
                delivery.delivered = 200 <= response.status < 300
                delivery.last_error = None if delivery.delivered else f"the endpoint answered {response.status}"
        except (aiohttp.ClientError, TimeoutError) as error:
            delivery.last_error = str(error) or type(error).__name__


def _indexed(world: World, task: Task) -> Event | None:
    type_ = f"index.task.{world.task_status(task)}"
    if type_.rpartition(".")[2] not in {"ready", "failed"} or world.webhooks.has_seen(task.id, type_):
        return None
    index = world.state.indexes.get(task.video.index_id)
    data = {
        "id": task.id,
        "metadata": {"duration": task.video.asset.media.duration or 0.0},
        "status": world.task_status(task),
        "models": [] if index is None else index.models,
        "tags": [],
    }
    timing = world.timing.of(task.video.asset.media.duration)
    return Event(task_id=task.id, type=type_, at=task.created_at + timing.asset + timing.indexing, data=data)


def _analyzed(world: World, task: Analysis) -> Iterator[Event]:
    """Return what there is to be told of a task; of those in a batch nothing is."""
    status = progress.status(world, task)
    type_ = f"analyze.task.{status}"
    at = progress.ended_at(world, task)
    if task.batch is not None or at is None or world.webhooks.has_seen(task.id, type_):
        return
    data: Json = {"id": task.id, "custom_id": task.custom_id, "created_at": second(task.created_at), "status": status}
    if task.custom_id is None:
        del data["custom_id"]
    if task.ask.video is not None:
        data["video_source"] = analyze_views.video_source(task.ask.video, seen=True)
    if status == "failed":
        data["error"] = {"message": analyze_views.error(world, task)["error"]["message"]}
    yield Event(task_id=task.id, type=type_, at=at, data=data)
