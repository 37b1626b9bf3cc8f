"""Webhooks about finished tasks."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from twelvelabs_async.emulator import Emulator, samples

pytestmark = pytest.mark.own_emulator  # the task that delivers webhooks runs until the emulator stops

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]
MakeSource = Callable[..., Awaitable[dict[str, str]]]
Advance = Callable[[float], None]
WaitUntil = Callable[[Callable[[], bool]], Awaitable[None]]

SECRET = "whsec_test"
URL = {"type": "url", "url": "https://example.com/clip.mp4"}


class Receiver:
    """Receives webhooks and returns the configured statuses."""

    def __init__(self) -> None:
        self.deliveries: list[tuple[str, bytes]] = []
        self.statuses: deque[int] = deque()
        self.url = ""

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.deliveries]

    def has_received(self, count: int) -> bool:
        return len(self.deliveries) == count

    async def handle_delivery(self, request: web.Request) -> web.Response:
        self.deliveries.append((request.headers["TL-Signature"], await request.read()))
        return web.Response(status=self.statuses.popleft() if self.statuses else 200)


@pytest.fixture
async def receiver(stack: AsyncExitStack) -> Receiver:
    created = Receiver()
    app = web.Application()
    app.router.add_post("/hook", created.handle_delivery)
    runner = web.AppRunner(app, shutdown_timeout=0.05, handle_signals=False)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    created.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    return created


async def analyze(call: SendRequest, video: dict[str, str], **options: Any) -> str:
    _, created = await call("POST", "/analyze/tasks", json={"video": video, "prompt": "What happens?"} | options)
    return str(created["task_id"])


async def test_a_finished_analysis_is_delivered(
    emulator: Emulator, receiver: Receiver, call: SendRequest, advance: Advance, wait_until: WaitUntil
) -> None:
    emulator.webhooks.add(receiver.url, secret=SECRET)
    ready = await analyze(call, URL, custom_id="mine")
    emulator.faults.add("POST /analyze/tasks", processing_error="The video is dark.")
    failed = await analyze(call, URL)
    advance(20)
    await wait_until(lambda: len(receiver.deliveries) == 2)
    by_task = {event["data"]["id"]: event for event in receiver.events}
    assert (by_task[ready]["type"], by_task[failed]["type"]) == ("analyze.task.ready", "analyze.task.failed")
    assert by_task[ready]["data"]["custom_id"] == "mine"
    assert by_task[ready]["data"]["status"] == "ready"
    assert by_task[ready]["data"]["created_at"] == "2026-01-01T00:00:00Z"
    assert by_task[ready]["created_at"] == "2026-01-01T00:00:20.000Z"
    assert by_task[failed]["data"]["error"] == {"message": "The video is dark."}
    assert all(event["id"].startswith("whe_") for event in receiver.events)


async def test_a_webhook_is_signed(
    emulator: Emulator, receiver: Receiver, call: SendRequest, advance: Advance, wait_until: WaitUntil
) -> None:
    emulator.webhooks.add(receiver.url, secret=SECRET)
    await analyze(call, URL)
    advance(20)
    await wait_until(lambda: len(receiver.deliveries) == 1)
    header, body = receiver.deliveries[0]
    timestamp = header.split(",")[0].removeprefix("t=")
    assert timestamp == "1767225620"
    expected = hmac.new(SECRET.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert header == f"t={timestamp},v1={expected}"


async def test_a_finished_indexing_task_is_delivered(
    emulator: Emulator,
    receiver: Receiver,
    call: SendRequest,
    make_index: CreateResource,
    form: Callable[..., aiohttp.FormData],
    advance: Advance,
    wait_until: WaitUntil,
) -> None:
    emulator.webhooks.add(receiver.url, secret=SECRET)
    index = await make_index()
    tasks: list[str] = []
    emulator.faults.add("POST /tasks", processing_error="The video has no frames.", after=1)
    for seconds in (20, 30):
        data = form("film.mp4", index_id=index, video_file=samples.video(seconds))
        _, created = await call("POST", "/tasks", data=data)
        tasks.append(created["_id"])
    advance(60)
    await wait_until(lambda: len(receiver.deliveries) == 2)
    by_task = {event["data"]["id"]: event for event in receiver.events}
    ready = by_task[tasks[0]]
    assert (ready["type"], by_task[tasks[1]]["type"]) == ("index.task.ready", "index.task.failed")
    assert ready["data"]["metadata"] == {"duration": 20.0}
    assert (ready["data"]["status"], ready["data"]["tags"]) == ("ready", [])
    assert ready["data"]["models"][0]["model_name"] == "marengo3.0"
    assert "video_id" not in ready["data"]


def _has_settled(emulator: Emulator, error: str | None) -> bool:
    """Return whether the only delivery has this error, or was delivered if `error` is None."""
    return any(
        delivery.delivered if error is None else error in (delivery.last_error or "")
        for delivery in emulator.webhooks.deliveries
    )


async def test_a_failed_delivery_is_retried(
    emulator: Emulator, receiver: Receiver, call: SendRequest, advance: Advance, wait_until: WaitUntil
) -> None:
    receiver.statuses.extend([500, 302])
    emulator.webhooks.add(receiver.url, secret=SECRET)
    task = await analyze(call, URL)
    advance(20)
    deliveries: list[dict[str, Any]] = []
    for expected_error, wait in (("500", 0.1), ("302", 0.2), (None, 0)):
        await wait_until(partial(_has_settled, emulator, expected_error))
        _, task_body = await call("GET", f"/analyze/tasks/{task}")
        deliveries += task_body["webhooks"]
        advance(wait)
    assert [(delivery["delivered"], delivery["attempts"]) for delivery in deliveries] == [
        (False, 1),
        (False, 2),
        (True, 3),
    ]
    assert "500" in deliveries[0]["last_error"]
    assert len({event["id"] for event in receiver.events}) == 1, "the event keeps its id"
    assert len({body for _, body in receiver.deliveries}) == 1


async def test_the_number_of_attempts_is_limited(
    emulator: Emulator, receiver: Receiver, call: SendRequest, advance: Advance, wait_until: WaitUntil
) -> None:
    receiver.statuses.extend([500] * 100)
    emulator.webhooks.add(receiver.url, secret=SECRET)
    await analyze(call, URL)

    def is_given_up() -> bool:
        advance(20)
        return bool(emulator.webhooks.deliveries) and not emulator.webhooks.deliveries[0].is_pending

    await wait_until(is_given_up)
    await wait_until(partial(receiver.has_received, 4))
    advance(100)
    await asyncio.sleep(0.05)
    assert (emulator.webhooks.deliveries[0].attempts, len(receiver.deliveries)) == (4, 4)
    assert not emulator.webhooks.deliveries[0].delivered


async def test_a_connection_error_is_a_failed_attempt(
    emulator: Emulator, call: SendRequest, advance: Advance, wait_until: WaitUntil, unused_tcp_port: int
) -> None:
    emulator.webhooks.add(f"http://127.0.0.1:{unused_tcp_port}/", secret=SECRET)
    task = await analyze(call, URL)
    advance(20)
    await wait_until(lambda: any(delivery.last_error for delivery in emulator.webhooks.deliveries))
    _, response = await call("GET", f"/analyze/tasks/{task}")
    assert response["webhooks"][0]["attempts"] == 1


async def test_earlier_events_are_not_delivered(
    emulator: Emulator, receiver: Receiver, call: SendRequest, advance: Advance, wait_until: WaitUntil
) -> None:
    before = await analyze(call, URL)
    advance(30)
    assert "webhooks" not in (await call("GET", f"/analyze/tasks/{before}"))[1]
    endpoint = emulator.webhooks.add(receiver.url, secret=SECRET)
    after = await analyze(call, URL)
    _, response = await call("GET", f"/analyze/tasks/{after}")
    assert response["webhooks"] == [{"url": receiver.url, "delivered": False, "attempts": 0}]
    advance(20)
    await wait_until(lambda: len(receiver.deliveries) == 1)
    assert receiver.events[0]["data"]["id"] == after
    emulator.webhooks.remove(endpoint)
    assert "webhooks" not in (await call("GET", f"/analyze/tasks/{after}"))[1]


async def test_canceled_tasks_are_delivered_and_batches_are_not(
    emulator: Emulator,
    receiver: Receiver,
    call: SendRequest,
    make_source: MakeSource,
    advance: Advance,
    wait_until: WaitUntil,
) -> None:
    emulator.webhooks.add(receiver.url, secret=SECRET)
    body = {
        "model_name": "pegasus1.5",
        "analysis_mode": "general",
        "requests": [{"video": await make_source(), "prompt": {"input_text": "What?"}}],
    }
    await call("POST", "/analyze/batches", json=body)
    advance(100)
    task = await analyze(call, URL)
    await call("POST", f"/analyze/tasks/{task}/cancel")
    await wait_until(lambda: len(receiver.deliveries) >= 1)
    assert [(event["type"], event["data"]["id"]) for event in receiver.events] == [("analyze.task.canceled", task)]


async def test_every_endpoint_has_its_own_secret(
    emulator: Emulator, receiver: Receiver, call: SendRequest, advance: Advance, wait_until: WaitUntil
) -> None:
    for secret in ("one", "two"):
        emulator.webhooks.add(receiver.url, secret=secret)
    await analyze(call, URL)
    advance(20)
    await wait_until(lambda: len(receiver.deliveries) == 2)
    assert len({header for header, _ in receiver.deliveries}) == 2
    assert len({event["id"] for event in receiver.events}) == 1


async def test_remote_endpoints_are_rejected(emulator: Emulator) -> None:
    for url in ("https://example.com/hook", "nonsense"):
        with pytest.raises(ValueError, match="not on this machine"):
            emulator.webhooks.add(url, secret=SECRET)


async def test_the_repr_does_not_contain_the_secret(emulator: Emulator) -> None:
    assert SECRET not in repr(emulator.webhooks.add("http://localhost:1/", secret=SECRET))


async def test_deliveries_continue_after_a_restart(
    emulator: Emulator,
    receiver: Receiver,
    call: SendRequest,
    advance: Advance,
    wait_until: WaitUntil,
    restart: Callable[[], Awaitable[SendRequest]],
) -> None:
    before = asyncio.all_tasks()
    emulator.webhooks.add(receiver.url, secret=SECRET)
    await analyze(call, URL)
    await emulator.stop()
    assert asyncio.all_tasks() <= before
    advance(20)
    await emulator.start()
    await wait_until(lambda: len(receiver.deliveries) == 1)
    await restart()


async def test_endpoints_can_be_added_over_http(
    emulator: Emulator,
    receiver: Receiver,
    session: aiohttp.ClientSession,
    call: SendRequest,
    advance: Advance,
    wait_until: WaitUntil,
) -> None:
    url = emulator.base_url.removesuffix("/v1.3") + "/_emulator/webhooks"
    async with session.post(url, json={"url": receiver.url, "secret": SECRET}) as response:
        assert response.status == 201
    task = await analyze(call, URL)
    advance(20)
    await wait_until(lambda: [delivery.delivered for delivery in emulator.webhooks.deliveries] == [True])
    async with session.get(url) as response:
        (endpoint,) = await response.json()
    assert (endpoint["url"], endpoint["organization"]) == (receiver.url, "default")
    delivery = {"event": "analyze.task.ready", "task_id": task, "url": receiver.url, "delivered": True, "attempts": 1}
    assert endpoint["deliveries"] == [delivery]
    async with session.delete(url) as response:
        assert response.status == 204
    assert emulator.webhooks.endpoints == ()
    for invalid_body in ({"url": receiver.url}, {"url": "https://example.com/hook", "secret": SECRET}):
        async with session.post(url, json=invalid_body) as response:
            assert response.status == 400
            assert (await response.json())["error"]
