"""Detect finished tasks and deliver webhooks.

This is the only background task of the emulator. It starts with the first endpoint, and follows the emulator's clock:
while the clock is stopped, no new events occur.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac

import aiohttp

from twelvelabs_async.emulator._api import analyze_tasks, serializers
from twelvelabs_async.emulator._json import rfc3339_seconds
from twelvelabs_async.emulator._state import progress
from twelvelabs_async.emulator._state.entities import Analysis, Task
from twelvelabs_async.emulator._state.service import Service
from twelvelabs_async.emulator.webhooks import Delivery, WebhookEvent

SIGNATURE_HEADER = "TL-Signature"

_POLL = 0.02
_TIMEOUT = aiohttp.ClientTimeout(total=5)
_MAX_CONCURRENT = 16
"""Maximum number of concurrent delivery attempts."""


class WebhookDispatcher:
    """Delivers webhooks while the emulator runs."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._task: asyncio.Task[None] | None = None
        self._running = False

    def start(self) -> None:
        """Allow the background task to run, and start it if there are endpoints."""
        self._running = True
        self.wake()

    def wake(self) -> None:
        """Start the background task if there are endpoints and it is not running."""
        if self._running and self._task is None and self._service.webhooks.endpoints:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Stop the background task; pending deliveries remain undelivered."""
        self._running = False
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _run(self) -> None:
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            while True:
                self._record_events()
                due = [
                    one
                    for one in self._service.webhooks.deliveries
                    if one.is_pending and one.next_attempt_at <= self._service.now()
                ]
                await asyncio.gather(*(self._deliver(session, delivery) for delivery in due[:_MAX_CONCURRENT]))
                await asyncio.sleep(0 if len(due) > _MAX_CONCURRENT else _POLL)

    def _record_events(self) -> None:
        for service in self._service.for_all_organizations():
            events = [_index_event(service, task) for task in service.state.tasks.values()]
            events += [_analyze_event(service, task) for task in service.state.analyses.tasks.values()]
            for event in filter(None, events):
                service.webhooks.record(event, service.organization)

    async def _deliver(self, session: aiohttp.ClientSession, delivery: Delivery) -> None:
        now = self._service.now()
        delivery.next_attempt_at = now + self._service.timing.webhook_retry * 2**delivery.attempts
        delivery.attempts += 1
        headers = {
            "Content-Type": "application/json",
            SIGNATURE_HEADER: signature_header(delivery.body, delivery.endpoint.secret, now),
        }
        try:
            url = delivery.endpoint.url
            async with session.post(url, data=delivery.body, headers=headers, allow_redirects=False) as response:
                delivery.delivered = 200 <= response.status < 300
                delivery.last_error = (
                    None if delivery.delivered else f"the endpoint responded with status {response.status}"
                )
        except (aiohttp.ClientError, TimeoutError) as error:
            delivery.last_error = str(error) or type(error).__name__


def _index_event(service: Service, task: Task) -> WebhookEvent | None:
    status = progress.task_status(service, task)
    type_ = f"index.task.{status}"
    if status not in {"ready", "failed"} or service.webhooks.has_recorded(task.id, type_):
        return None
    index = service.state.indexes.get(task.video.index_id)
    data = {
        "id": task.id,
        "metadata": {"duration": task.video.asset.media.duration or 0.0},
        "status": status,
        "models": [] if index is None else index.models,
        "tags": [],
    }
    timing = service.timing.for_media(task.video.asset.media.duration)
    return WebhookEvent(
        task_id=task.id, type=type_, occurred_at=task.created_at + timing.asset + timing.indexing, data=data
    )


def _analyze_event(service: Service, task: Analysis) -> WebhookEvent | None:
    """Return the event of a finished analysis task; tasks of a batch have none."""
    status = progress.analysis_status(service, task)
    type_ = f"analyze.task.{status}"
    ended_at = progress.analysis_ended_at(service, task)
    if task.batch is not None or ended_at is None or service.webhooks.has_recorded(task.id, type_):
        return None
    created_at = rfc3339_seconds(task.created_at)
    data = serializers.compact(id=task.id, custom_id=task.custom_id, created_at=created_at, status=status)
    if task.request.video is not None:
        data["video_source"] = analyze_tasks.video_source_view(task.request.video, include_duration=True)
    if status == "failed":
        data["error"] = {"message": analyze_tasks.error_view(service, task)["error"]["message"]}
    return WebhookEvent(task_id=task.id, type=type_, occurred_at=ended_at, data=data)


def signature_header(body: bytes, secret: str, timestamp: float) -> str:
    """Return the value of the `TL-Signature` header."""
    signed = f"{int(timestamp)}.".encode() + body
    return f"t={int(timestamp)},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"
