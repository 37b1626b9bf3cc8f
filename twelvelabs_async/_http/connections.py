"""Connections: how they are opened, which of them are used, and whether a request was written to one.

An `Attempt` is shared by the executor, which starts it, and the `ApiRequest`, which marks it when it gets a connection.
aiohttp creates the request objects, so the attempt reaches them in a context variable.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import sys
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from multidict import CIMultiDict
from typing_extensions import override
from yarl import URL

from twelvelabs_async._http.threads import NAMES
from twelvelabs_async._options import is_loopback

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

KEEPALIVE_IDLE: Final = 45
"""Seconds without data after which TCP probes a connection. Routers forget connections that are silent for minutes,
and an analysis takes up to ten."""

KEEPALIVE_INTERVAL: Final = 15
"""Seconds between two probes."""

KEEPALIVE_PROBES: Final = 4
"""Probes without an answer after which the connection is lost."""


_KEEPALIVE_OPTIONS: Final = (
    (("TCP_KEEPIDLE", "TCP_KEEPALIVE"), KEEPALIVE_IDLE),  # the second name is that of macOS
    (("TCP_KEEPINTVL",), KEEPALIVE_INTERVAL),
    (("TCP_KEEPCNT",), KEEPALIVE_PROBES),
)
_TCP_FAMILIES: Final = (socket.AF_INET, socket.AF_INET6)


class Attempt:
    """State of the current attempt of a call, for the transport."""

    sent: bool = False
    """Whether the head of the request was handed to a connection."""
    on_connected: Callable[[asyncio.Transport], None] | None = None
    """Called with the connection, for bodies that are streamed; these set `sent` with their first chunk."""

    on_send: Callable[[URL, CIMultiDict[str]], None] | None = None
    """Called with the URL and the headers right before the request is sent; it may add headers."""

    def body_started(self) -> None:
        """Note that the head of the request is sent with the first chunk of a streamed body."""
        self.sent = True


current_attempt: ContextVar[Attempt] = ContextVar("current_attempt")
"""The attempt of the request that aiohttp is about to create."""


class UnsolicitedDataError(aiohttp.ClientConnectionError):
    """A server has sent something that was not asked for; nothing was sent on this connection."""

    def __init__(self, *, is_new: bool) -> None:
        super().__init__("unsolicited data")
        self.is_new = is_new
        """Whether the connection was opened for this request."""


class ApiRequest(aiohttp.ClientRequest):
    """A request that marks its attempt as sent, and refuses a connection on which data has arrived while it was idle.

    Otherwise that would count as the response (aiohttp issue 13656). aiohttp closes a connection that was refused.
    """

    connection_is_new: bool = False
    """Whether a connection was opened for this request; set by `Connector`."""

    @override
    def send(  # pyright: ignore[reportIncompatibleMethodOverride]  # the same coroutine, without one around it
        self, conn: Connection
    ) -> Coroutine[Any, Any, aiohttp.ClientResponse]:
        protocol = conn.protocol
        if protocol is None or protocol.should_close:
            raise UnsolicitedDataError(is_new=self.connection_is_new)
        attempt = current_attempt.get()
        if attempt.on_connected is None:
            attempt.sent = True
        elif conn.transport is not None:
            attempt.on_connected(conn.transport)
        return super().send(conn)


class BorrowedConnectionRequest(ApiRequest):
    """A request on a connection of a session that the caller has passed in, which gets TCP keep-alive here."""

    @override
    def send(  # pyright: ignore[reportIncompatibleMethodOverride]  # as in `ApiRequest`
        self, conn: Connection
    ) -> Coroutine[Any, Any, aiohttp.ClientResponse]:
        connected = None if conn.transport is None else conn.transport.get_extra_info("socket")
        if connected is not None and connected.family in _TCP_FAMILIES:
            enable_keepalive(connected)
        return super().send(conn)


class Connector(aiohttp.TCPConnector):
    """The pool of a client. `connect_timeout` covers all of it: name, proxy, connection and TLS."""

    def __init__(self, *, limit: int, connect_timeout: float, ssl_context: ssl.SSLContext | None) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType]  # the type of a socket factory is incomplete
            limit=limit, ssl=ssl_context or True, socket_factory=create_socket, resolver=_resolver()
        )
        self._connect_timeout = connect_timeout

    @override
    async def _create_connection(
        self, req: aiohttp.ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout
    ) -> ResponseHandler:
        async with asyncio.timeout(self._connect_timeout):
            protocol = await super()._create_connection(req, traces, timeout)
        if isinstance(req, ApiRequest):
            req.connection_is_new = True
        return protocol

    def end_reads(self) -> None:
        """Wake all calls that wait for the rest of a body: aiohttp forgets them when it closes their connection."""
        for protocol in tuple(self._acquired):
            body: aiohttp.StreamReader | None = getattr(protocol, "_payload", None)  # aiohttp has no public name
            if body is not None:
                body.set_exception(aiohttp.ClientConnectionError("closed"))


class ThreadResolver(AbstractResolver):
    """Looks up names in threads that do nothing else: those of the loop may be busy with work of the application."""

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        flags = 0 if is_loopback(host) else socket.AI_ADDRCONFIG  # a machine without a network has a loopback, too
        infos = await NAMES.run(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, flags=flags)
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=int(address[1]),
                family=found_family,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for found_family, _, protocol, _, address in infos
        ]

    @override
    async def close(self) -> None:
        """Do nothing: the threads are shared."""


def _resolver() -> AbstractResolver | None:
    """Return our resolver in place of aiohttp's for threads, but not of the one that aiodns provides."""
    return ThreadResolver() if aiohttp.DefaultResolver is aiohttp.ThreadedResolver else None


class DrainOnResetSocket(socket.socket):
    """A socket that reports a failed send only when nothing is left to read: until then it claims that it would block.

    A server may reject an upload early, and close the connection while the body is being sent. asyncio drops a
    connection at the first failed write, together with unread data: a plain 429 would look like a lost connection,
    after which it is unknown whether the request was accepted. uvloop does not use this object to send; there, a body
    lets the loop read between two chunks.
    """

    @override
    def send(self, data: Any, flags: int = 0, /) -> int:
        try:
            return super().send(data, flags)
        except (ConnectionResetError, BrokenPipeError):
            self._defer_error_if_unread()
            raise

    if sys.platform != "win32":

        @override
        def sendmsg(self, *arguments: Any) -> int:
            try:
                return super().sendmsg(*arguments)
            except (ConnectionResetError, BrokenPipeError):
                self._defer_error_if_unread()
                raise

    def _defer_error_if_unread(self) -> None:
        """Let the event loop read first, if there is anything to read."""
        if self._has_unread_data():
            raise BlockingIOError from None

    def _has_unread_data(self) -> bool:
        try:
            return bool(self.recv(1, socket.MSG_PEEK))
        except OSError:
            return False


def create_socket(addr_info: tuple[int, int, int, *tuple[Any, ...]]) -> socket.socket:
    """Create the socket for an address of `getaddrinfo`, with TCP keep-alive; aiohttp calls it."""
    created = DrainOnResetSocket(*addr_info[:3])
    enable_keepalive(created)
    return created


def enable_keepalive(connected: socket.socket) -> None:
    """Let TCP probe a connection on which no data moves."""
    with contextlib.suppress(OSError):  # closed meanwhile
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for names, value in _KEEPALIVE_OPTIONS:
        option = next((getattr(socket, name) for name in names if hasattr(socket, name)), None)
        if option is not None:
            with contextlib.suppress(OSError):  # the defaults of the system then apply
                connected.setsockopt(socket.IPPROTO_TCP, option, value)
