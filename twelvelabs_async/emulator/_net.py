"""Listening sockets, and which hosts belong to this machine."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import re
import socket
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

READ_BUFFER_SIZE: Final = 1 << 20
DRAIN_TIMEOUT: Final = 30.0
"""Seconds for which the rest of a body is read after the response has been sent."""
SHUTDOWN_TIMEOUT: Final = 0.05
"""Seconds for which running requests may continue when the emulator stops."""

_HOST: Final = re.compile(r"[\w.-]+|[0-9A-Fa-f:.]+")
"""A host name, or an IPv4 or IPv6 address."""


@web.middleware
async def drain_body(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Send a response that came before the end of the request body, and read the rest.

    Closing a connection with unread data resets it, and the client would lose the response.
    """
    response = await handler(request)
    if request.content.is_eof() or request.transport is None or request.transport.is_closing():
        return response
    with contextlib.suppress(TimeoutError, ConnectionError, web.RequestPayloadError):
        await response.prepare(request)
        await response.write_eof()
        async with asyncio.timeout(DRAIN_TIMEOUT):
            while not request.content.at_eof():
                await request.content.readany()
    return response


def is_loopback(host: str) -> bool:
    """Return whether a host name or IP address is reachable from this machine only."""
    address = _parse_address(host)
    return host == "localhost" if address is None else address.is_loopback


def _parse_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def host_rejection(host: str | None, host_names: Collection[str]) -> str | None:
    """Return why a request with this `Host` header must be rejected, `None` if it is allowed.

    A page of another site can resolve its own host name to the emulator, and then send any request and read the
    response. The header reveals this.

    Args:
        host: The header, `None` if it is missing; browsers always send it.
        host_names: Host names of the emulator, in addition to `localhost` and IP addresses.
    """
    if host is None:
        return None
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        name = ""
    if name in host_names or name == "localhost" or name.endswith(".localhost") or _parse_address(name):
        return None
    return f"unknown host {host!r}; pass public_host= or --public-host to allow this name"


class Listeners:
    """The listening sockets of an emulator.

    Args:
        host: Address to listen on.
        public_host: Name of this machine in the URLs that the emulator returns.
        allow_remote: Whether `host` may be reachable from other machines.

    Raises:
        ValueError: `host` is reachable from other machines, and `allow_remote` is false; or `public_host` is no host.
    """

    def __init__(self, host: str, public_host: str, *, allow_remote: bool) -> None:
        if not allow_remote and not is_loopback(host):
            raise ValueError(f"host {host!r} is reachable from other machines; pass allow_remote=True to allow that")
        if not _HOST.fullmatch(public_host):
            raise ValueError(f"public_host must be a host name or an address, got {public_host!r}")
        self._host, self._public_host = host, public_host
        self._runners: list[web.AppRunner] = []

    def __bool__(self) -> bool:
        return bool(self._runners)

    @web.middleware
    async def reject_other_hosts(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Reject a request for another host, on every path of every application."""
        reason = host_rejection(request.headers.get("Host"), (self._host.lower(), self._public_host.lower()))
        if reason is None:
            return await handler(request)
        return web.json_response({"code": "host_not_allowed", "message": reason}, status=403)

    async def open(self, app: web.Application, port: int) -> str:
        """Serve an application, and return its origin.

        Raises:
            OSError: The port is in use, or the host is unknown or not of this machine.
        """
        # `drain_body` reads the rest of a body; the lingering of aiohttp would outlive the connection.
        runner = web.AppRunner(
            app,
            access_log=None,
            shutdown_timeout=SHUTDOWN_TIMEOUT,
            read_bufsize=READ_BUFFER_SIZE,
            handle_signals=False,
            lingering_time=0,
        )
        await runner.setup()
        self._runners.append(runner)
        public_host = self._public_host
        try:
            await web.TCPSite(runner, self._host, port).start()
        except OSError as error:
            reason = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
            where = f"port {port} of {self._host}" if port else self._host
            raise OSError(error.errno, f"cannot listen on {where}: {str(reason).lower()}") from error
        bound_port: int = runner.addresses[0][1]
        return f"http://{f'[{public_host}]' if ':' in public_host else public_host}:{bound_port}"

    async def close(self) -> None:
        """Close all sockets and connections."""
        runners, self._runners = self._runners, []
        await asyncio.gather(*(runner.cleanup() for runner in runners))
