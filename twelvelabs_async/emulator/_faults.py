"""Injection of faults into requests, responses and connections."""

from __future__ import annotations

import asyncio
import json
import math
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import cast

from aiohttp import web
from aiohttp.typedefs import Handler

from twelvelabs_async.emulator._errors import (
    INJECTED_CODE,
    INJECTED_MESSAGE,
    ApiError,
    StorageError,
    error_shape,
)
from twelvelabs_async.emulator._json import rfc3339_seconds
from twelvelabs_async.emulator._operations import STORAGE
from twelvelabs_async.emulator._state.service import Service
from twelvelabs_async.emulator._streams import StreamedResponse, change_texts, damage_text
from twelvelabs_async.emulator.faults import ErrorFormat, Fault, PlanLimit, StreamFault

FAULT = web.RequestKey("fault", Fault)
"""Key of the fault in a request; handlers apply `corrupt` and `idempotency_conflict`."""
_POLL = 0.02
_TRICKLE_CHUNKS = 16
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_XML = "application/xml"
_CONFLICT = 409
_PLAN_LIMIT_ERRORS: Mapping[PlanLimit, tuple[int, str]] = {
    "plan_limit_exceeded": (429, "You have reached your free plan's daily Response limit (15/day)."),
    "usage_limit_exceeded": (400, "You have exceeded the usage limit of your plan."),
    "api_allowed_for_paid_plan": (403, "This API is available on paid plans only."),
}
"""Status and message by the code of an error that the account's plan causes."""


class AbortedResponse(web.Response):
    """Returned in place of a response that is not sent, or not completely."""


Stall = Callable[[web.Request], Awaitable[AbortedResponse]]
"""Send nothing more until the client disconnects or the emulator stops."""


async def inject_fault(
    fault: Fault, request: web.Request, handler: Handler, service: Service, stall: Stall
) -> web.StreamResponse:
    """Handle a request with an injected fault."""
    await _read_body_prefix(request, fault.after_body_kib)
    if fault.delay:
        await service.clock.sleep(fault.delay)
    if fault.reset == "before":
        return _reset(request)
    if fault.stall == "before":
        return await stall(request)
    response = await _respond(fault, request, handler, service)
    if fault.reset == "after":
        return _reset(request)
    if fault.stall == "after":
        return await stall(request)
    return await _apply_response_fault(fault, request, response, service, stall)


async def _respond(fault: Fault, request: web.Request, handler: Handler, service: Service) -> web.StreamResponse:
    if (injected := _injected_response(fault, service)) is not None:
        return injected
    request[FAULT] = fault
    return await handler(request)


async def _apply_response_fault(
    fault: Fault, request: web.Request, response: web.StreamResponse, service: Service, stall: Stall
) -> web.StreamResponse:
    effects: list[bool] = []
    if fault.processing_error is not None:
        effects.append(service.fail_processing(_created_ids(response), fault.processing_error))
    if fault.idempotency_conflict:
        effects.append(response.status == _CONFLICT)
    if fault.damage is not None:
        effects.append(_damage_texts(response, partial(damage_text, damage=fault.damage)))
    if fault.stream:
        effects.append(isinstance(response, StreamedResponse))
    if not all(effects):
        fault.undo_hit()
    if fault.content_type:
        response.headers["Content-Type"] = fault.content_type
    if fault.stream and isinstance(response, StreamedResponse):
        return await _apply_stream_fault(fault.stream, request, response)
    if fault.truncate or fault.stall == "body":
        await _send_half(request, response)
        return await stall(request) if fault.stall == "body" else _close(request)
    return await _trickle(fault.trickle, request, response, service) if fault.trickle else response


async def _read_body_prefix(request: web.Request, kib: int | None) -> None:
    remaining = (kib or 0) << 10
    while remaining > 0 and (chunk := await request.content.read(remaining)):
        remaining -= len(chunk)


def _damage_texts(response: web.StreamResponse, change: Callable[[str], str]) -> bool:
    """Damage the generated texts of a response, and return whether it has any."""
    if isinstance(response, StreamedResponse):
        return response.change_texts(change)
    content = _json_content(response)
    changed = change_texts(content, change)
    if changed == content or not isinstance(response, web.Response):
        return False
    response.body = json.dumps(changed).encode()
    return True


def _json_content(response: web.StreamResponse) -> object:
    """Return the JSON of a successful response, `None` if it has none."""
    try:
        return None if response.status >= 400 else json.loads(_body(response) or b"null")
    except ValueError:
        return None


def _injected_response(fault: Fault, service: Service) -> web.Response | None:
    if fault.plan_limit is not None:
        return _plan_limit_response(fault, fault.plan_limit, service)
    if fault.expired:
        error = StorageError(403, "AccessDenied", "Request has expired")
        return web.Response(status=error.status, body=error.body(), content_type=_XML)
    if fault.status is None:
        return None
    if fault.error_format is not None:
        body, content_type = _foreign_error_body(fault.error_format, fault.status)
    elif fault.operation == STORAGE and fault.body is None and not fault.html:
        code = {403: "AccessDenied", 429: "TooManyRequests", 503: "SlowDown"}.get(fault.status, "InternalError")
        body, content_type = StorageError(fault.status, code, INJECTED_MESSAGE).body(), _XML
    else:
        body, content_type = fault.error_body, "text/html" if fault.html else "application/json"
    return web.Response(status=fault.status, body=body, headers={"Content-Type": content_type, **fault.headers})


def _plan_limit_response(fault: Fault, code: PlanLimit, service: Service) -> web.Response:
    status, message = _PLAN_LIMIT_ERRORS[code]
    if code == "plan_limit_exceeded" and fault.resets_after is not None:
        message += f" It resets at {rfc3339_seconds(math.ceil(service.now() + fault.resets_after))}."
    body = ApiError(status, code, message, shape=error_shape(fault.operation, status)).body()
    return web.Response(status=status, body=body, headers={"Content-Type": "application/json", **fault.headers})


def _created_ids(response: web.StreamResponse) -> list[str]:
    """Return the ids in a response, most of which belong to objects that the request created."""
    content = _json_content(response)
    if not isinstance(content, dict):
        return []
    fields = cast("dict[str, object]", content)
    return [str(fields[name]) for name in ("task_id", "_id", "id", "video_id", "asset_id") if name in fields]


def _reset(request: web.Request) -> AbortedResponse:
    """Reset the connection with a TCP RST instead of a FIN."""
    if transport := request.transport:
        connection = cast("socket.socket", transport.get_extra_info("socket"))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()
    return AbortedResponse()


def _close(request: web.Request) -> AbortedResponse:
    """Close the connection after the written bytes have been sent."""
    if request.transport:
        request.transport.close()
    return AbortedResponse()


async def wait_for_disconnect(request: web.Request, stopping: asyncio.Event) -> AbortedResponse:
    """Send nothing until the client disconnects or the emulator stops, and close the connection."""
    while request.transport is not None and not stopping.is_set():
        try:
            await asyncio.wait_for(stopping.wait(), _POLL)
        except TimeoutError:
            continue
    return _close(request)


async def _apply_stream_fault(
    kind: StreamFault, request: web.Request, response: StreamedResponse
) -> web.StreamResponse:
    response.inject_fault(kind)
    if response.abort_mode is None:
        return response
    await response.send(request)
    if response.abort_mode == "cut":
        return _close(request)
    # A reset discards data that the client has not read yet.
    await asyncio.sleep(_POLL)
    return _reset(request)


async def _send_half(request: web.Request, response: web.StreamResponse) -> None:
    if isinstance(response, StreamedResponse):
        response.inject_fault("cut")
        await response.send(request)
        return
    body = _body(response)
    # An empty body announces one byte, so that the response is incomplete in any case.
    partial = await _start_response(request, response, max(1, len(body)))
    await partial.write(body[: len(body) // 2])


async def _trickle(
    seconds: float, request: web.Request, response: web.StreamResponse, service: Service
) -> web.StreamResponse:
    """Send the response in chunks, with a pause before each."""
    body = response.content if isinstance(response, StreamedResponse) else _body(response)
    slow = await _start_response(request, response, len(body))
    size = max(1, -(-len(body) // _TRICKLE_CHUNKS))
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    for chunk in chunks:
        await service.clock.sleep(seconds / len(chunks))
        await slow.write(chunk)
    await slow.write_eof()
    return slow


async def _start_response(request: web.Request, response: web.StreamResponse, length: int) -> web.StreamResponse:
    started = web.StreamResponse(status=response.status, headers=response.headers)
    started.content_length = length
    await started.prepare(request)
    return started


def _body(response: web.StreamResponse) -> bytes:
    return response.body if isinstance(response, web.Response) and isinstance(response.body, bytes) else b""


def _foreign_error_body(error_format: ErrorFormat, status: int) -> tuple[bytes, str]:
    """Return an error body that gateways, firewalls and web frameworks send, and its content type."""
    code, message = INJECTED_CODE, INJECTED_MESSAGE
    content: dict[str, object] = {"code": code, "message": message}
    content_type = "application/json"
    match error_format:
        case "text":
            return message.encode(), "text/plain"
        case "html":
            page = f"<!DOCTYPE html><html><head><title>{message}</title></head><body><h1>Sorry</h1></body></html>"
            return page.encode(), "text/html"
        case "empty":
            return b"", content_type
        case "invalid-utf8":
            return json.dumps({**content, "message": f"{message} @"}).encode().replace(b"@", b"\xff"), content_type
        case "truncated":
            return json.dumps({**content, "docs_url": "https://docs.twelvelabs.io/errors"})[:-20].encode(), content_type
        case "detail":
            content = {"detail": message}
        case "errors":
            content = {"errors": [content]}
        case "title":
            content = {"type": "about:blank", "title": message, "status": status}
            content_type = "application/problem+json"
        case "error_description":
            content = {"error": code, "error_description": message}
    return json.dumps(content).encode(), content_type
