"""Connections: proxies, look-up of names, sockets, the connector, and whether a request was written to one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import sys
from base64 import b64encode
from collections.abc import Callable, Coroutine, Mapping
from contextvars import ContextVar
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any, Final
from urllib.request import getproxies, getproxies_environment, proxy_bypass

import aiohttp
import attrs
from aiohttp.abc import AbstractResolver, ResolveResult
from multidict import CIMultiDict
from typing_extensions import override
from yarl import URL

from twelvelabs_async._concurrency import DNS_THREADS
from twelvelabs_async._options import is_loopback, masked
from twelvelabs_async.errors import InvalidInputError

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

FROM_ENVIRONMENT: Final = "environment"
"""Value of `proxy=` that reads `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`."""


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

current_attempt: ContextVar[Attempt] = ContextVar("current_attempt")
"""The attempt of the request that aiohttp is about to create."""


def _never(_host: str, _port: int) -> bool:
    return False


@attrs.frozen(eq=False, repr=False)
class ProxySettings:
    """The proxy of a client, if it has one."""

    url: URL | None = None
    """URL without credentials; None connects directly."""
    source: str = ""
    """Origin of the URL: `proxy=` or a variable of the environment."""
    bypasses: Callable[[str, int], bool] = attrs.field(default=_never, repr=False)
    """Returns whether a host and port is reached directly."""
    headers: Mapping[str, str] | None = attrs.field(default=None, repr=False)
    """Headers for the proxy: its user name and password."""

    @property
    def name(self) -> str | None:
        """Host and port, without credentials."""
        return None if self.url is None else f"{self.url.host}:{self.url.port}"

    def for_url(self, url: URL) -> URL | None:
        """Return the proxy for a request to `url`."""
        if self.url is None or url.scheme != "https" or self.bypasses(url.host or "", url.port or 443):
            return None
        return self.url


def resolve_proxy(explicit: str | None, base_url: str, *, required: bool = True) -> ProxySettings:
    """Return the proxy that `proxy=` names, or that of the environment.

    Args:
        explicit: URL of a proxy, None for none, or `FROM_ENVIRONMENT`.
        base_url: Base URL of the API.
        required: Whether a proxy of the environment that cannot be used is an error; else it is ignored.

    Raises:
        InvalidInputError: The URL is not that of an http proxy, or the API key would be visible to the proxy.
    """
    if explicit is None:
        return ProxySettings()
    target = URL(base_url)
    if explicit != FROM_ENVIRONMENT:
        if target.scheme == "http" and not is_loopback(target.host or ""):
            raise InvalidInputError("proxy= with an http:// base_url would show the API key to the proxy; use https://")
        return _proxy_settings(explicit, "proxy", "proxy=", _never)
    found = _from_environment()
    if found is None:
        return ProxySettings()
    text, source, bypasses = found
    del found

    def reached_directly(host: str, port: int) -> bool:
        return is_loopback(host) or bypasses(host, port)

    if target.scheme != "https" or reached_directly(target.host or "", target.port or 443):
        required = False  # calls do not use it; at most parts of files would
    try:
        return _proxy_settings(text, source, source, reached_directly)
    except InvalidInputError:
        if required:
            raise
        return ProxySettings()


def _proxy_settings(text: str, name: str, source: str, bypasses: Callable[[str, int], bool]) -> ProxySettings:
    """Separate the credentials from the URL: aiohttp would encode them as Latin-1, and proxies expect UTF-8."""
    url = parse_proxy_url(text, name)
    if url.raw_user is None:
        return ProxySettings(url, source, bypasses)
    credentials = b64encode(f"{url.user}:{url.password or ''}".encode()).decode()
    headers = {"Proxy-Authorization": masked(f"Basic {credentials}")}
    return ProxySettings(url.with_user(None), source, bypasses, headers)


def parse_proxy_url(text: str, name: str) -> URL:
    """Parse the URL of a proxy; one without a scheme is an http proxy.

    Raises:
        InvalidInputError: It is not the URL of an http or https proxy; `name` says where it is from.
    """
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may not type
        raise InvalidInputError(f"{name} must be a URL like http://proxy.example:3128, got {type(text).__name__}")
    text = masked(text)  # a traceback may show it
    url: URL | None
    try:
        url = URL(text.strip() if "://" in text else f"http://{text.strip()}")
        host, _ = url.host, url.port
    except ValueError:
        host = url = None
    if url is None or ":" in (url.user or ""):  # a colon separates the name from the password
        hint = "special characters of a user name or password must be percent-encoded"
        raise InvalidInputError(f"{name} must be a URL like http://proxy.example:3128; {hint}")
    scheme = url.scheme
    if scheme in {"http", "https"} and host and not any(character.isspace() for character in host):
        return url.origin() if url.raw_user is None else url.with_path("")
    del url  # a traceback would show the password in it
    if scheme.startswith("socks"):
        raise InvalidInputError(
            f"{name} is a SOCKS proxy ({scheme}://{host}); use an http:// proxy, or install aiohttp-socks and "
            "pass session= with its connector"
        )
    raise InvalidInputError(f"{name} must be a URL like http://proxy.example:3128, got one of {scheme}://")


def _from_environment() -> tuple[str, str, Callable[[str, int], bool]] | None:
    """Return the proxy of the environment, or of the settings of Windows or macOS, its name, and who bypasses it."""
    proxies = getproxies_environment()
    if proxies:
        scheme = next((scheme for scheme in ("https", "all") if proxies.get(scheme)), None)
        if scheme is None:
            return None
        entries = parse_no_proxy(proxies.get("no", ""))
        name = f"{scheme}_proxy"
        return masked(proxies[scheme]), name if os.environ.get(name) else name.upper(), entries
    system = getproxies().get("https")
    return None if system is None else (masked(system), "the system's proxy", lambda host, _: bool(proxy_bypass(host)))


def parse_no_proxy(text: str) -> Callable[[str, int], bool]:
    """Return a function that says whether `NO_PROXY` names a host and port.

    Entries are separated by commas: a host, which includes its subdomains, with or without a leading dot or `*.`; an IP
    address or network; each with an optional port; or `*`, which is every host.
    """
    entries = [entry.strip().lower() for entry in text.replace(",", " ").split()]

    def bypasses(host: str, port: int) -> bool:
        name = host.lower().rstrip(".")
        return any(_matches(entry, name, port) for entry in entries)

    return bypasses


def _matches(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    name, separator, port_text = entry.rpartition(":")
    if separator and port_text.isdecimal() and (":" not in name or name.startswith("[")):
        if int(port_text) != port:
            return False
        entry = name
    entry = entry.strip("[]").removeprefix("*").strip(".")
    try:
        return ip_address(host) in ip_network(entry, strict=False)
    except ValueError:
        return bool(entry) and (host == entry or host.endswith(f".{entry}"))


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
        # In place of aiohttp's resolver for threads, but not of the one that aiodns provides.
        resolver = ThreadResolver() if aiohttp.DefaultResolver is aiohttp.ThreadedResolver else None
        super().__init__(  # pyright: ignore[reportUnknownMemberType]  # the type of a socket factory is incomplete
            limit=limit, ssl=ssl_context or True, socket_factory=create_socket, resolver=resolver
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
        infos = await DNS_THREADS.run(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, flags=flags)
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


class DrainOnResetSocket(socket.socket):
    """A socket that reports a failed send only after all received data was read, so that an early response is not lost.

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
        try:
            unread = self.recv(1, socket.MSG_PEEK)
        except OSError:
            return
        if unread:
            raise BlockingIOError from None


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
