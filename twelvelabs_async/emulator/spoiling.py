"""What a fault does to a request and its connection."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from contextvars import ContextVar
from typing import TYPE_CHECKING, cast

from aiohttp import web

from twelvelabs_async.emulator.errors import StorageError
from twelvelabs_async.emulator.faults import STORAGE
from twelvelabs_async.emulator.streaming import Spoiled, StreamedResponse

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

    from twelvelabs_async.emulator.faults import Fault
    from twelvelabs_async.emulator.world import World

CORRUPT: ContextVar[bool] = ContextVar("CORRUPT", default=False)
"""Whether the body of the request that is being answered must not be stored as it comes."""
_POLL = 0.02
_PIECES = 16
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_XML = "application/xml"


class Cut(web.Response):
    """Stands for an answer that is not sent, or not to its end."""


async def spoil(
    fault: Fault, request: web.Request, handler: Handler, world: World, stopping: asyncio.Event
) -> web.StreamResponse:
    """Answer a request the way a fault wants it."""
    await _read_some(request, fault.kib)
    if fault.delay:
        await world.clock.sleep(fault.delay)
    if fault.reset == "before":
        return _reset(request)
    if fault.stall == "before":
        return await _stall(request, stopping)
    answer = await _answer(fault, request, handler)
    if fault.reset == "after":
        return _reset(request)
    if fault.stall == "after":
        return await _stall(request, stopping)
    return await _spoil_answer(fault, request, answer, world, stopping)


async def _answer(fault: Fault, request: web.Request, handler: Handler) -> web.StreamResponse:
    if (made_up := _made_up(fault)) is not None:
        return made_up
    token = CORRUPT.set(fault.corrupt)
    try:
        return await handler(request)
    finally:
        CORRUPT.reset(token)


async def _spoil_answer(
    fault: Fault, request: web.Request, answer: web.StreamResponse, world: World, stopping: asyncio.Event
) -> web.StreamResponse:
    if fault.problem is not None and not world.fail(_made(answer), fault.problem):
        fault.pass_by()
    if fault.content_type:
        answer.headers["Content-Type"] = fault.content_type
    if fault.stream:
        return await _spoil_stream(fault, fault.stream, request, answer)
    if fault.truncate or fault.stall == "body":
        await _send_half(request, answer)
        return await _stall(request, stopping) if fault.stall == "body" else _close(request)
    return await _trickle(fault.drip, request, answer, world) if fault.drip else answer


async def _read_some(request: web.Request, kib: int | None) -> None:
    left = (kib or 0) << 10
    while left > 0 and (piece := await request.content.read(left)):
        left -= len(piece)


def _made_up(fault: Fault) -> web.Response | None:
    if fault.expired:
        refusal = StorageError(403, "AccessDenied", "Request has expired")
        return web.Response(status=refusal.status, body=refusal.body(), content_type=_XML)
    if fault.status is None:
        return None
    plain = fault.body is None and not fault.html
    if plain and fault.operation == STORAGE:
        code = {403: "AccessDenied", 503: "SlowDown"}.get(fault.status, "InternalError")
        body, kind = StorageError(fault.status, code, "The emulator was asked to fail.").body(), _XML
    else:
        body, kind = fault.content, "text/html" if fault.html else "application/json"
    return web.Response(status=fault.status, body=body, headers={"Content-Type": kind, **fault.headers})


def _made(answer: web.StreamResponse) -> list[str]:
    """Return the ids that an answer gives, most of them of what the request has made."""
    if not isinstance(answer, web.Response) or answer.status >= 400 or not isinstance(answer.body, bytes):
        return []
    try:
        content: object = json.loads(answer.body or b"null")
    except ValueError:
        return []
    if not isinstance(content, dict):
        return []
    fields = cast("dict[str, object]", content)
    return [str(fields[name]) for name in ("task_id", "_id", "id", "video_id", "asset_id") if name in fields]


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
        fault.pass_by()
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
    body = _body(answer)
    # At least one byte is missing, even of an answer that has none.
    part = await _begin(request, answer, max(1, len(body)))
    await part.write(body[: len(body) // 2])


async def _trickle(
    seconds: float, request: web.Request, answer: web.StreamResponse, world: World
) -> web.StreamResponse:
    """Send the answer in pieces, with a pause before each."""
    body = answer.content if isinstance(answer, StreamedResponse) else _body(answer)
    slow = await _begin(request, answer, len(body))
    size = max(1, -(-len(body) // _PIECES))
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    for piece in pieces:
        await world.clock.sleep(seconds / len(pieces))
        await slow.write(piece)
    await slow.write_eof()
    return slow


async def _begin(request: web.Request, answer: web.StreamResponse, length: int) -> web.StreamResponse:
    begun = web.StreamResponse(status=answer.status, headers=answer.headers)
    begun.content_length = length
    await begun.prepare(request)
    return begun


def _body(answer: web.StreamResponse) -> bytes:
    return answer.body if isinstance(answer, web.Response) and isinstance(answer.body, bytes) else b""
