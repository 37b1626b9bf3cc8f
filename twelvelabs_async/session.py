"""The only part that speaks HTTP: two aiohttp sessions over one pool of connections.

The *API session* talks to the origin of `base_url` and nowhere else; the key is put on each request, never on the
session. The *storage session* sends parts of a file to presigned URLs and carries nothing: no key, no cookies. Neither
follows redirects, keeps cookies, reads netrc, nor repeats a request by itself: aiohttp does that for DELETE and PUT on
a reused connection unless told otherwise, and a repetition must be the retry policy's decision.

The pool is opened in the event loop of the first call. One that is passed in, inside a session, is used and left open.
"""

from __future__ import annotations

import asyncio
import logging
import os
import warnings
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final
from urllib.request import getproxies, proxy_bypass

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from twelvelabs_async.body import NO_BODY, Body, in_blocks
from twelvelabs_async.errors import APIConnectionError, ClientStateError, InvalidInputError
from twelvelabs_async.reply import OpenReply, Reply, explain, read_whole
from twelvelabs_async.settings import Settings
from twelvelabs_async.sockets import read_first

logger: Final = logging.getLogger("twelvelabs_async.http")


class SessionManager:
    """Opens, checks and closes the sessions, and turns whatever goes wrong below into our own errors."""

    def __init__(
        self,
        settings: Settings,
        *,
        session: aiohttp.ClientSession | None = None,
        trace_configs: Sequence[aiohttp.TraceConfig] = (),
    ) -> None:
        self._settings = settings
        self._borrowed = session
        self._traces = [*(session.trace_configs if session is not None else ()), *trace_configs]
        ours = {"User-Agent": settings.user_agent, "x-api-key": settings.api_key.reveal()}
        self._ours: Mapping[str, str] = CIMultiDictProxy(CIMultiDict(ours))
        self._proxies = getproxies() if settings.trust_env else {}
        self._api: aiohttp.ClientSession | None = None
        self._storage: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = os.getpid()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def check(self) -> None:
        """Raise `ClientStateError` if the client cannot be used here: closed, forked, or in another loop."""
        if self._closed:
            raise ClientStateError("the client is closed; make a new one")
        try:
            at_home = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            at_home = False  # a fork leaves the running loop behind
        if not at_home:
            self._settle()

    def _settle(self) -> None:
        """Belong to the loop of the first call, and to no other."""
        if self._process != os.getpid():
            raise ClientStateError("the client was made before this process was forked; make one in each process")
        loop = asyncio.get_running_loop()
        if self._loop is not None:
            raise ClientStateError("the client belongs to another event loop; make one in each loop")
        self._loop = loop

    async def close(self) -> None:
        """Close the connections that were opened here; calling it again does nothing."""
        self._closed = True
        sessions, self._api, self._storage = (self._storage, self._api), None, None
        if self._process != os.getpid():
            return  # the parent's connections are the parent's
        for session in sessions:
            if session is not None:
                await session.close()

    def __del__(self) -> None:
        api: aiohttp.ClientSession | None = getattr(self, "_api", None)
        if api is None or api.closed or self._process != os.getpid():
            return
        for session in filter(None, (self._storage, api)):
            connector, owner = session.connector, session.connector_owner
            session.detach()
            if connector is not None and owner:
                connector._close()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # close() wants to be awaited
        warnings.warn(
            "a client was not closed: use `async with`, or await close()", ResourceWarning, source=self, stacklevel=2
        )

    async def send(self, method: str, path: str, body: Body, *, idle: float | None = None) -> Reply:
        """Send one attempt to the API, with the key, and read the whole answer.

        Args:
            method: HTTP verb.
            path: Escaped path and query below `base_url`.
            body: What to send.
            idle: Seconds without a byte after which the attempt is given up; None leaves that to the caller.

        Raises:
            APIConnectionError: No whole answer.
            MalformedResponseError: The answer is larger than `LARGEST_ANSWER`.
        """
        self.check()
        url = URL(self._settings.base_url + path, encoded=True)
        session, headers = self._api_session(), self._headers(body)
        if idle is None:
            return await self._exchange(session, method, url, headers, body.start())
        return await self._transfer(session, method, url, headers, body, idle)

    async def open(self, method: str, path: str, body: Body, *, accept: str) -> OpenReply:
        """Send one attempt to the API and leave the answer's body to be read while it comes. Must be closed.

        Raises:
            APIConnectionError: No answer.
        """
        self.check()
        headers = {**self._headers(body), "Accept": accept}
        url = URL(self._settings.base_url + path, encoded=True)
        failure: APIConnectionError
        try:
            response = await self._api_session().request(
                method, url, headers=headers, data=body.start(), allow_redirects=False, proxy=self._proxy(url)
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            failure = explain(error, url.host or "")
        except asyncio.CancelledError:
            self._check_cancelled()
            raise
        else:
            return OpenReply(response, url.host or "")
        raise failure

    def _headers(self, body: Body) -> Mapping[str, str]:
        return self._ours if body is NO_BODY else {**self._ours, **body.headers}

    async def store(self, url: str, headers: Mapping[str, str], body: Body, *, idle: float) -> Reply:
        """PUT bytes to a presigned URL with the headers the platform asked for, and nothing else of ours.

        Raises:
            APIConnectionError: No whole answer, or an address that is not to be trusted with a video.
        """
        self.check()
        try:
            target = URL(url, encoded=True)
        except ValueError:
            raise APIConnectionError(message="the address to upload to cannot be read", sent=False) from None
        if target.scheme != "https" and not (target.scheme == "http" and self._settings.origin.startswith("http:")):
            raise APIConnectionError(message=f"refused to upload to a {target.scheme}:// address", sent=False)
        wanted = CIMultiDict(body.headers)
        wanted.update(headers)
        return await self._transfer(self._storage_session(), "PUT", target, wanted, body, idle)

    async def _transfer(
        self,
        session: aiohttp.ClientSession,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        body: Body,
        idle: float,
    ) -> Reply:
        """An exchange without a deadline, that ends when nothing moves, and whose body is watched on its way."""
        failure: Exception
        outgoing = _Outgoing(body, idle)
        try:
            async with asyncio.timeout(idle) as watch:
                return await self._exchange(session, method, url, headers, outgoing.blocks(watch))
        except APIConnectionError as error:
            failure = outgoing.failure or error  # what its source raised is not the network's fault
        except TimeoutError as error:
            failure = explain(error, url.host or "", idle)
        raise failure

    async def _exchange(
        self, session: aiohttp.ClientSession, method: str, url: URL, headers: Mapping[str, str], data: Any
    ) -> Reply:
        failure: APIConnectionError
        try:
            async with session.request(
                method, url, headers=headers, data=data, allow_redirects=False, proxy=self._proxy(url)
            ) as response:
                logger.debug("%s %s%s -> %d", method, url.host, url.raw_path, response.status)
                return Reply(status=response.status, headers=response.headers, body=await read_whole(response))
        except (aiohttp.ClientError, OSError, ValueError, asyncio.IncompleteReadError) as error:
            failure = explain(error, url.host or "")
        except asyncio.CancelledError:
            self._check_cancelled()
            raise
        # Raised out here, so that the frames below, which know the key, are no part of the error's history.
        raise failure

    def _check_cancelled(self) -> None:
        """Nobody may have asked for it: aiohttp cancels those who wait for a connection when its pool is closed."""
        task = asyncio.current_task()
        if task is None or task.cancelling():
            return
        if self._closed:
            raise ClientStateError("the client was closed while the call waited for a connection") from None
        raise ClientStateError("the session that was passed in is closed") from None

    def _api_session(self) -> aiohttp.ClientSession:
        if self._api is None:
            self._api = self._open(owner=self._borrowed is None)
        return self._api

    def _storage_session(self) -> aiohttp.ClientSession:
        if self._storage is None:
            self._api_session()
            self._storage = self._open(owner=False)
        return self._storage

    def _open(self, *, owner: bool) -> aiohttp.ClientSession:
        session = aiohttp.ClientSession(
            connector=self._connector(),
            connector_owner=owner,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._settings.connect_timeout),
            trace_configs=self._traces,
            trust_env=False,
        )
        # aiohttp has no public switch for its own resending of PUT and DELETE; a test pins that this one works.
        session._retry_connection = False  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # see above
        return session

    def _connector(self) -> aiohttp.BaseConnector:
        source = self._borrowed if self._borrowed is not None else self._api
        if source is None:
            return aiohttp.TCPConnector(limit=self._settings.connection_limit, socket_factory=read_first)
        if source.closed or source.connector is None:
            raise ClientStateError("the session that was passed in is closed")
        return source.connector

    def _proxy(self, url: URL) -> str | None:
        return None if not self._proxies or proxy_bypass(url.host or "") else self._proxies.get(url.scheme)


class _Outgoing:
    """A body on its way: puts the timeout off with each block, holds to its size, remembers what its source raised."""

    def __init__(self, body: Body, idle: float) -> None:
        self._body = body
        self._idle = idle
        self.failure: Exception | None = None

    async def blocks(self, watch: asyncio.Timeout) -> AsyncIterator[bytes]:
        """The bytes, once."""
        start, sent = self._body.start(), 0
        try:
            async for block in in_blocks(start or b"") if isinstance(start, bytes | None) else start:
                sent += len(block)
                if sent > self._body.size:
                    break
                _put_off(watch, self._idle)
                yield block
            self._check(sent)
        except Exception as error:
            self.failure = error
            raise
        _put_off(watch, self._idle)

    def _check(self, sent: int) -> None:
        if sent != self._body.size:
            more = "more" if sent > self._body.size else f"only {sent}"
            raise InvalidInputError(f"a body of {self._body.size} bytes was announced, and its source gave {more}")


def _put_off(watch: asyncio.Timeout, idle: float) -> None:
    if not watch.expired():
        watch.reschedule(asyncio.get_running_loop().time() + idle)
