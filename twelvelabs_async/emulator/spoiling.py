"""What a fault does to a request and its connection."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, cast

from aiohttp import web

from twelvelabs_async.emulator.streaming import Spoiled, StreamedResponse

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

    from twelvelabs_async.emulator.clock import Clock
    from twelvelabs_async.emulator.faults import Fault

_POLL = 0.02
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Cut(web.Response):
    """Stands for an answer that is not sent, or not to its end."""


async def spoil(
    fault: Fault, request: web.Request, handler: Handler, clock: Clock, stopping: asyncio.Event
) -> web.StreamResponse:
    """Answer a request the way a fault wants it."""
    if fault.delay:
        await clock.sleep(fault.delay)
    if fault.reset == "before":
        return _reset(request)
    if fault.stall == "before":
        return await _stall(request, stopping)
    answer = await handler(request) if fault.status is None else _made_up(fault)
    if fault.reset == "after":
        return _reset(request)
    if fault.stall == "after":
        return await _stall(request, stopping)
    if fault.stream:
        return await _spoil_stream(fault, fault.stream, request, answer)
    if fault.truncate or fault.stall == "body":
        await _send_half(request, answer)
        return await _stall(request, stopping) if fault.stall == "body" else _close(request)
    return answer


def _made_up(fault: Fault) -> web.Response:
    headers = {"Content-Type": fault.content_type, **fault.headers}
    return web.Response(status=fault.status or 200, body=fault.content, headers=headers)


def _reset(request: web.Request) -> Cut:
    """Cut the connection so hard that the peer sees a reset and not an end."""
    if transport := request.transport:
        plug = cast("socket.socket", transport.get_extra_info("socket"))
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()
    return Cut()


def _close(request: web.Request) -> Cut:
    """Close the connection after what was written has been sent."""
    if request.transport:
        request.transport.close()
    return Cut()


async def _stall(request: web.Request, stopping: asyncio.Event) -> Cut:
    """Say nothing until the caller leaves or the emulator stops."""
    while request.transport is not None and not stopping.is_set():
        try:
            await asyncio.wait_for(stopping.wait(), _POLL)
        except TimeoutError:
            continue
    return _close(request)


async def _spoil_stream(
    fault: Fault, kind: Spoiled, request: web.Request, answer: web.StreamResponse
) -> web.StreamResponse:
    if not isinstance(answer, StreamedResponse):
        # Nothing happened to it, so nothing may be counted.
        fault.hits -= 1
        return answer
    answer.spoil(kind)
    if answer.breaks is None:
        return answer
    await answer.send(request)
    if answer.breaks == "cut":
        return _close(request)
    # A reset overtakes what the peer has not read yet.
    await asyncio.sleep(_POLL)
    return _reset(request)


async def _send_half(request: web.Request, answer: web.StreamResponse) -> None:
    if isinstance(answer, StreamedResponse):
        answer.spoil("cut")
        await answer.send(request)
        return
    body = answer.body if isinstance(answer, web.Response) and isinstance(answer.body, bytes) else b""
    part = web.StreamResponse(status=answer.status, headers=answer.headers)
    # At least one byte is missing, even of an answer that has none.
    part.content_length = max(1, len(body))
    await part.prepare(request)
    await part.write(body[: len(body) // 2])
