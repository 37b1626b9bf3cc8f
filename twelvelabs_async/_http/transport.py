"""HTTP transport: two aiohttp sessions over one connection pool, and the responses they return.

The *API session* sends to the origin of `base_url` only; the API key is a header of each request, never of the session.
The *storage session* sends parts of files to presigned URLs, without the key and without cookies. Neither follows
redirects, keeps cookies, reads netrc, or resends a request: aiohttp does that for DELETE and PUT on a reused connection
by default, but whether to send again is up to the retry policy.

The pool is opened in the event loop of the first call. The pool of a session that the caller passes in is used, and
left open.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import ssl
import warnings
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Protocol, TypeVar
from weakref import WeakSet

import aiohttp
import attrs
from multidict import CIMultiDict
from yarl import URL

from twelvelabs_async._concurrency import NO_EVENT_LOOP
from twelvelabs_async._http.body import NO_BODY, Body, IdleTimer, RequestBodyStream
from twelvelabs_async._http.connections import (
    ApiRequest,
    Attempt,
    BorrowedConnectionRequest,
    Connector,
    ProxySettings,
    UnsolicitedDataError,
    current_attempt,
)
from twelvelabs_async._http.errors import map_exception
from twelvelabs_async._http.redaction import Redactor
from twelvelabs_async._options import Settings
from twelvelabs_async._system import call_in_forked_children, keep_forever
from twelvelabs_async.errors import (
    APIConnectionError,
    ClientStateError,
    InvalidInputError,
    MalformedResponseError,
    TwelveLabsError,
)

MAX_RESPONSE_SIZE: Final = 32 * 1024 * 1024
"""Most bytes of a response body, decompressed; reading stops with an error there."""

MAX_HEADER_SIZE: Final = 64 * 1024
"""Most bytes of a response header. Gateways add security policies and cookies that are longer than aiohttp's 8 KiB."""

SUPPORTED_API_VERSION: Final = "1.3"
"""Version of the API that the models describe."""

_API_VERSION: Final = re.compile(r"v?\d{1,4}(\.\d{1,4}){0,3}")
"""A version in `X-Api-Version`."""

_VERSION: Final = re.compile(r"/v\d")
"""The API version in a URL."""

_INVALID_PATH: Final = "the path of a request must begin with '/', so that the API key is sent to base_url only"

_SESSION_CLOSED: Final = "the session that was passed in is closed"

MAX_DROPPED_CONNECTIONS: Final = 100
"""Idle connections with unsolicited data that one attempt drops before it fails: a pool of the default size."""

_R = TypeVar("_R")

logger: Final = logging.getLogger("twelvelabs_async.http")


@attrs.define(kw_only=True, eq=False, repr=False)
class Response:
    """A response with its whole body."""

    status: int
    """HTTP status."""
    headers: Mapping[str, str]
    """Headers; names are case-insensitive."""
    body: bytes
    """The body, decompressed."""


class StreamReport(Protocol):
    """Receives what happens to a streamed response."""

    def on_chunk(self) -> None:
        """Bytes of the body have arrived."""
        ...

    def finish(self, error: BaseException | None = None, usage: object = None) -> None:
        """The stream has ended, with the error that is raised to its caller and the usage in its final event."""
        ...


class StreamingResponse:
    """A response whose body is still arriving."""

    def __init__(self, response: aiohttp.ClientResponse, host: str, transport: HttpTransport) -> None:
        self._response = response
        self._host = host
        self._transport = transport
        self.status: int = response.status
        self.headers: Mapping[str, str] = response.headers
        self.body: bytes = b""
        """The body of an error response."""
        self.report: StreamReport | None = None
        """Where the reader of the body reports its end; None without listeners."""
        self._has_read = False

    async def read_chunk(self, idle_timeout: float) -> bytes:
        """Return the next bytes of the body as they arrive; b"" at its end.

        Raises:
            APIConnectionError: The connection was lost, or nothing arrived for `idle_timeout` seconds.
            ClientStateError: The client was closed meanwhile.
        """
        failure: TwelveLabsError
        try:
            async with asyncio.timeout(idle_timeout):
                chunk = await self._response.content.readany()
            if not (chunk or self._has_read):
                chunk = body_read_elsewhere(self._response)
            self._has_read = True
            if chunk and self.report is not None:
                self.report.on_chunk()
            return chunk
        except (aiohttp.ClientError, OSError) as error:
            failure = map_exception(error, self._host, idle_timeout=idle_timeout)
        if self._transport.closed:
            failure = ClientStateError("the client was closed before the end of the stream")
        try:
            raise failure
        finally:
            del failure  # its traceback holds this frame

    def close(self) -> None:
        """Close the connection, unless the body was read to its end."""
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


AnyResponse = TypeVar("AnyResponse", Response, StreamingResponse)


class HttpTransport:
    """Opens, checks and closes the sessions, and maps their exceptions to those of this package."""

    def __init__(
        self,
        settings: Settings,
        *,
        session: aiohttp.ClientSession | None = None,
        trace_configs: Sequence[aiohttp.TraceConfig] = (),
        proxy: ProxySettings | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        if session is not None:
            refuse_unused_settings(session, ssl_context)
        self.api_version: str | None = None
        """`X-Api-Version` of the last response that had one."""
        self._base_url_works = False
        """Whether a response had another status than 404."""
        self._warned_of_version = False
        self._settings = settings
        self._redactor = Redactor(settings.api_key)
        self._external_session = session
        self._trace_configs = [*(session.trace_configs if session is not None else ()), *trace_configs]
        self._default_headers = CIMultiDict({"User-Agent": settings.user_agent})
        self._default_headers.update(settings.default_headers)
        self._default_headers["x-api-key"] = settings.api_key.reveal()
        self.base_path: str = URL(settings.base_url).raw_path.rstrip("/")
        """Path of `base_url`, with which the path of each request begins."""
        self._proxy = proxy or ProxySettings()
        self._api_bypasses_proxy = self._proxy.for_url(URL(settings.base_url)) is None
        self._ssl_context = ssl_context
        self._api_client_session: aiohttp.ClientSession | None = None
        self._storage_client_session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid: int | None = None
        """Process of the first call."""
        self.closed: bool = False
        """Whether `close` was called."""

    @property
    def api_proxy_name(self) -> str | None:
        """Host and port of the proxy of calls to the API; None without one."""
        return None if self._api_bypasses_proxy else self._proxy.name

    def ensure_usable(self) -> None:
        """Raise `ClientStateError` if the client is closed, or was opened in another process or event loop."""
        if self.closed:
            raise ClientStateError("the client is closed; create a new one")
        try:
            is_bound = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            is_bound = False
        if not is_bound:
            self._bind_to_loop()

    def _bind_to_loop(self) -> None:
        loop = running_loop()
        if self._pid is not None and self._pid != os.getpid():
            raise ClientStateError("client used after fork; create one client in each process")
        if loop is None:
            raise ClientStateError(NO_EVENT_LOOP)
        if self._loop is not None:
            raise ClientStateError("client used in another event loop; create one client in each loop")
        self._loop, self._pid = loop, os.getpid()

    async def close(self) -> None:
        """Close the connections that this client has opened. A second call does nothing.

        Raises:
            ClientStateError: They were opened in another event loop.
        """
        if self._pid == os.getpid() and self._api_client_session is not None and self._loop is not running_loop():
            raise ClientStateError("client closed in another event loop; close it in the loop of its first call")
        self.closed = True
        sessions = (self._storage_client_session, self._api_client_session)
        self._api_client_session = self._storage_client_session = None
        if self._pid not in {None, os.getpid()}:
            return  # the connections belong to the parent process
        for session in sessions:
            if session is not None:
                if isinstance(session.connector, Connector):
                    session.connector.end_reads()
                await session.close()

    def keep_sessions(self) -> None:
        """Never run the destructors of the sessions."""
        keep_forever((self._api_client_session, self._storage_client_session))

    def __del__(self) -> None:
        api: aiohttp.ClientSession | None = getattr(self, "_api_client_session", None)
        if api is None or api.closed or self._pid not in {None, os.getpid()}:
            return
        for session in filter(None, (self._storage_client_session, api)):
            connector, owner = session.connector, session.connector_owner
            session.detach()
            if connector is not None and owner:
                connector._close()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # close() must be awaited
        warnings.warn(
            "a client was not closed: use `async with`, or await close()", ResourceWarning, source=self, stacklevel=2
        )

    def send(
        self, method: str, path: str, body: Body, attempt: Attempt, *, idle_timeout: float | None = None
    ) -> Awaitable[Response]:
        """Send one attempt to the API, with the key, and read the whole response.

        Args:
            method: HTTP method.
            path: Encoded path and query, relative to `base_url`.
            body: The request body.
            attempt: Is marked when the request is written to a connection.
            idle_timeout: Seconds without a byte after which the attempt fails, counted from when there is a connection;
                None leaves timeouts to the caller.

        Raises:
            APIConnectionError: There was no complete response.
            MalformedResponseError: The response is larger than `MAX_RESPONSE_SIZE`.
            InvalidInputError: The path does not begin with a slash.
            ClientStateError: The client, or the session that was passed in, was closed.
        """
        session = self._api_client_session or self._open_api_session()
        if path[:1] != "/":  # it would continue the name of the host
            raise InvalidInputError(_INVALID_PATH)
        url = URL(self._settings.base_url + path, encoded=True)
        headers = self._default_headers.copy()  # instrumentation may add its own
        if body is NO_BODY:
            return self._exchange(session, method, url, headers, None, attempt, self._read_response)
        headers.update(body.headers)
        if idle_timeout is not None:
            return self._exchange_with_idle_timeout(session, method, url, headers, body, attempt, idle_timeout)
        return self._exchange(session, method, url, headers, body.open, attempt, self._read_response_after_body)

    def open_stream(
        self, method: str, path: str, body: Body, attempt: Attempt, *, accept: str
    ) -> Awaitable[StreamingResponse]:
        """Send one attempt to the API, and return the response before its body; an error's body is read.

        Raises:
            APIConnectionError: There was no response.
            InvalidInputError: The path does not begin with a slash.
            ClientStateError: The client, or the session that was passed in, was closed.
        """
        if path[:1] != "/":
            raise InvalidInputError(_INVALID_PATH)
        headers = self._default_headers.copy()
        headers["Accept"] = accept
        headers.update(body.headers)
        url = URL(self._settings.base_url + path, encoded=True)
        return self._exchange(self._open_api_session(), method, url, headers, body.open, attempt, self._read_stream)

    async def put_to_storage(
        self, url: str, headers: Mapping[str, str], body: Body, attempt: Attempt, *, idle_timeout: float
    ) -> Response:
        """PUT bytes to a presigned URL, with the headers that the platform asked for, and without the key.

        Raises:
            APIConnectionError: There was no complete response, or the URL is invalid or not secure.
            ClientStateError: The client, or the session that was passed in, was closed.
        """
        self._ensure_open()
        target = _parse_presigned_url(url)
        allowed = {"https", "http"} if self._settings.base_url.lower().startswith("http:") else {"https"}
        if target.scheme not in allowed:
            raise APIConnectionError(message=f"refusing to upload to a {target.scheme}:// URL", sent=False)
        all_headers = CIMultiDict(body.headers)
        all_headers.update(headers)
        if self._storage_client_session is None:
            self._open_api_session()
            self._storage_client_session = self._new_client_session(owns_connector=False)
        return await self._exchange_with_idle_timeout(
            self._storage_client_session, "PUT", target, all_headers, body, attempt, idle_timeout
        )

    async def _exchange_with_idle_timeout(
        self,
        session: aiohttp.ClientSession,
        method: str,
        url: URL,
        headers: CIMultiDict[str],
        body: Body,
        attempt: Attempt,
        idle_timeout: float,
    ) -> Response:
        """Send a body of any length; fail when no byte has moved for `idle_timeout` seconds on its connection."""
        failure: Exception
        timeout = asyncio.timeout(None)
        timer = IdleTimer(timeout, idle_timeout)
        stream = RequestBodyStream(body, timer, attempt.body_started)
        read = partial(self._read_response_after_body, on_received=timer.on_received)
        attempt.on_connected = timer.start
        try:
            async with timeout:
                response = await self._exchange(session, method, url, headers, stream.iter_chunks, attempt, read)
            if stream.is_complete or response.status >= 300:
                return response
            message = f"{url.host} reported success before it had the whole body; it may have stored a part of it"
            failure = APIConnectionError(message=message, retryable=True)
        except APIConnectionError as error:
            failure = stream.failure or error  # an error of the source is not one of the network
        except TimeoutError as error:
            failure = self._map_exception(error, url, attempt, idle_timeout)
        finally:
            timer.stop()
            attempt.on_connected = None
        try:
            raise failure
        finally:
            del failure, read, stream, timer, timeout  # the traceback holds this frame

    async def _exchange(
        self,
        session: aiohttp.ClientSession,
        method: str,
        url: URL,
        headers: CIMultiDict[str],
        open_body: Callable[[], Any] | None,
        attempt: Attempt,
        read: Callable[[aiohttp.ClientResponse], Awaitable[_R]],
    ) -> _R:
        """Send an attempt, and read the response. A connection that must not be used is dropped."""
        if session is self._api_client_session:
            proxy = None if self._api_bypasses_proxy else self._proxy.url
        else:
            proxy = self._proxy.for_url(url)
        if attempt.on_send is not None:
            attempt.on_send(url, headers)
        token = current_attempt.set(attempt)
        response: aiohttp.ClientResponse | None = None
        failure: TwelveLabsError
        drop_count = 0
        try:
            while response is None:
                data = None if open_body is None else open_body()
                try:
                    response = await session.request(
                        method,
                        url,
                        headers=headers,
                        data=data,
                        allow_redirects=False,
                        proxy=proxy,
                        proxy_headers=None if proxy is None else self._proxy.headers,
                    )
                except UnsolicitedDataError as error:
                    drop_count += 1
                    if error.is_new or drop_count == MAX_DROPPED_CONNECTIONS:
                        raise
            if logger.isEnabledFor(logging.DEBUG):
                self._log(method, url, response.status)
            self._base_url_works = self._base_url_works or response.status != 404
            if response.headers.get("X-Api-Version", self.api_version) != self.api_version:
                self._on_new_version(response.headers["X-Api-Version"])
            return await read(response)
        except (aiohttp.ClientError, OSError, ValueError, RuntimeError, asyncio.IncompleteReadError) as error:
            failure = self._failure_of(error, session, url, attempt)
            self._log(method, url, failure.message)
        except asyncio.CancelledError:
            self._raise_if_closed()
            raise
        finally:
            current_attempt.reset(token)
        # Raised outside the handler, so that the error has no context: its frames hold the API key.
        try:
            raise failure
        finally:
            del failure  # aiohttp may keep its own exception, whose traceback holds this frame

    def _log(self, method: str, url: URL, result: object) -> None:
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("%s %s%s: %s", method, url.host, self._redactor.text(url.raw_path), result)

    async def _read_response(self, response: aiohttp.ClientResponse) -> Response:
        """Read the whole body, at whose end aiohttp releases the connection. `async with` would do more than needed."""
        try:
            content = await read_body(response)
        finally:
            if not response.closed:  # an exception, or another protocol
                response.close()
        return Response(status=response.status, headers=response.headers, body=content)

    async def _read_response_after_body(
        self, response: aiohttp.ClientResponse, on_received: Callable[[], None] | None = None
    ) -> Response:
        """Read the response to a request with a body, of which the server may not have waited for the end."""
        async with response:
            content = await read_body(response, on_received)
        return Response(status=response.status, headers=response.headers, body=content)

    async def _read_stream(self, response: aiohttp.ClientResponse) -> StreamingResponse:
        stream = StreamingResponse(response, response.host, self)
        if not 200 <= response.status < 300:
            try:
                stream.body = await read_body(response)
            finally:
                stream.close()
        return stream

    def _map_exception(
        self, error: Exception, url: URL, attempt: Attempt, idle_timeout: float | None = None
    ) -> APIConnectionError:
        proxy = None if self._proxy.for_url(url) is None else self._proxy.name
        failure = map_exception(error, url.host or "", sent=attempt.sent, proxy=proxy, idle_timeout=idle_timeout)
        self._redactor.redact(failure)
        return failure

    @property
    def not_found_hint(self) -> str:
        """Addition to the message of a 404, if each response so far was one and `base_url` has no API version."""
        if self._base_url_works or _VERSION.search(self._settings.base_url):
            return ""
        return f"; base_url has no API version: use {self._settings.base_url}/v{SUPPORTED_API_VERSION}"

    def _on_new_version(self, version: str) -> None:
        """Keep the API version that a response names, and warn once if the models are for another one."""
        self.api_version = version
        if not self._warned_of_version and version.lstrip("v").split(".")[:2] != SUPPORTED_API_VERSION.split("."):
            self._warned_of_version = True
            name = version if _API_VERSION.fullmatch(version) else "another API version"
            logger.warning(
                "the server uses %s, and this version of twelvelabs-async supports %s", name, SUPPORTED_API_VERSION
            )

    def _failure_of(
        self, error: Exception, session: aiohttp.ClientSession, url: URL, attempt: Attempt
    ) -> TwelveLabsError:
        """Return the error of a failed attempt, which says so if its connections were closed.

        Raises:
            RuntimeError: It is from the trace configurations of the caller.
        """
        if self.closed or session.closed:
            closed = "the client was closed during the call" if self.closed else _SESSION_CLOSED
            return ClientStateError(f"{closed}; the request {'may have been' if attempt.sent else 'was not'} executed")
        if isinstance(error, ClientStateError):  # no thread can be started for the look-up of the host
            return error.with_traceback(None)
        if isinstance(error, RuntimeError):
            raise error
        return self._map_exception(error, url, attempt)

    def _raise_if_closed(self) -> None:
        """Raise `ClientStateError` unless the caller has cancelled: a closing pool cancels calls that wait for it."""
        task = asyncio.current_task()
        if task is None or task.cancelling():
            return
        if self.closed:
            raise ClientStateError("the client was closed while the call waited for a connection") from None
        raise ClientStateError(_SESSION_CLOSED) from None

    def _ensure_open(self) -> None:
        if self.closed:  # meanwhile: the call has waited for a permit, or for a retry
            self.ensure_usable()

    def _open_api_session(self) -> aiohttp.ClientSession:
        self._ensure_open()
        if self._api_client_session is None:
            self._api_client_session = self._new_client_session(owns_connector=self._external_session is None)
            _TRANSPORTS.add(self)
        return self._api_client_session

    def _new_client_session(self, *, owns_connector: bool) -> aiohttp.ClientSession:
        session = aiohttp.ClientSession(
            connector=self._get_connector(),
            connector_owner=owns_connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._settings.connect_timeout),
            request_class=ApiRequest if self._external_session is None else BorrowedConnectionRequest,
            trace_configs=self._trace_configs,
            trust_env=False,
            max_line_size=MAX_HEADER_SIZE,
            max_field_size=MAX_HEADER_SIZE,
        )
        # aiohttp has no public switch for its own resending of PUT and DELETE; a test pins that this one works.
        session._retry_connection = False  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # see above
        return session

    def _get_connector(self) -> aiohttp.BaseConnector:
        source = self._external_session if self._external_session is not None else self._api_client_session
        if source is None:
            return Connector(
                limit=self._settings.connection_limit,
                connect_timeout=self._settings.connect_timeout,
                ssl_context=self._ssl_context,
            )
        if source.closed or source.connector is None:
            raise ClientStateError(_SESSION_CLOSED)
        # aiohttp has no public name for the loop of a connector.
        loop = asyncio.get_running_loop()
        if getattr(source.connector, "_loop", loop) is not loop:
            raise ClientStateError("the session that was passed in is of another event loop; create it in this one")
        return source.connector


_TRANSPORTS: Final = WeakSet[HttpTransport]()
"""Those with connections."""


def _keep_connections_of_parent() -> None:
    """Never close inherited connections: that would remove them from the selector that the parent process uses too."""
    for transport in tuple(_TRANSPORTS):
        transport.keep_sessions()


call_in_forked_children(_keep_connections_of_parent)


def _parse_presigned_url(text: str) -> URL:
    """Parse a URL that the platform has sent.

    Raises:
        APIConnectionError: It cannot be parsed, or has no host.
    """
    try:
        url = URL(text, encoded=True)
        host, _ = url.host, url.port  # parsed when they are read
    except ValueError:
        host = url = None
    if url is None or not host:
        raise APIConnectionError(message="the presigned URL cannot be parsed", sent=False)
    return url


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the running event loop of asyncio; None in a forked process, under trio, and without a loop."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def refuse_unused_settings(session: aiohttp.ClientSession, ssl_context: ssl.SSLContext | None) -> None:
    """Raise `InvalidInputError` if the session that was passed in has settings that this client does not use."""
    if ssl_context is not None:
        raise InvalidInputError("ssl= is for connections that this client opens; pass it to the connector of session=")
    unused = {
        "headers": session.headers,
        "auth": session.auth,
        "middlewares": getattr(session, "_middlewares", ()),  # aiohttp has no public name for these two
        "proxy": getattr(session, "_default_proxy", None),
    }
    names = [name for name, value in unused.items() if value]
    if names:
        raise InvalidInputError(
            f"{' and '.join(names)} of session= would not be used: its connector and trace_configs are; "
            "pass proxy= to the client, and do the rest in trace_configs="
        )


async def read_body(response: aiohttp.ClientResponse, on_received: Callable[[], None] | None = None) -> bytes:
    """Read the whole body, decompressed, and call `on_received` after each chunk.

    A refusal may be cut off or wrongly compressed: its status and headers are valid, and its start can be read.

    Raises:
        MalformedResponseError: It is larger than `MAX_RESPONSE_SIZE`.
    """
    content = response.content
    chunks: list[bytes] = []
    size = 0
    while True:
        try:
            chunk = await content.readany()
        except (aiohttp.ClientError, OSError):
            if response.status < 400:
                raise
            response.close()
            return b"".join(chunks)
        if on_received is not None:
            on_received()
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_RESPONSE_SIZE:
            response.close()
            raise MalformedResponseError(
                message=f"the response is larger than {MAX_RESPONSE_SIZE} bytes", status_code=response.status
            )
        if content.at_eof():
            return b"".join(chunks) or body_read_elsewhere(response)


def body_read_elsewhere(response: aiohttp.ClientResponse) -> bytes:
    """Return the body that a trace configuration or a tool has read, such as one that logs or records responses.

    aiohttp keeps it for others who call `read`, but its `content` is at the end then.
    """
    return getattr(response, "_body", None) or b""  # `read` would wait for the end of the request, too
