"""P14: a proxy sees only the host name, never the API key or the content."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import trustme
from support import KEY, FastClock, RawRequest, RawServer, always_respond, raw_response

from twelvelabs_async import APIConnectionError, AsyncTwelveLabs, InvalidInputError
from twelvelabs_async._http.connections import FROM_ENVIRONMENT

HOST = "https://api.invalid/v1.3"


class Proxy:
    """An HTTP proxy that responds to CONNECT with `rejection`, or connects to `target`, whatever the host."""

    def __init__(self, *, rejection: bytes | None = None, target: int = 0) -> None:
        self._rejection = rejection
        self._target = target
        self.heads: list[bytes] = []
        self.url = ""

    async def on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.heads.append(await reader.readuntil(b"\r\n\r\n"))
            if self._rejection is not None:
                writer.write(self._rejection)
                await writer.drain()
                return
            upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", self._target)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_forward(reader, upstream), _forward(upstream_reader, writer))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def run_proxy(proxy: Proxy) -> AsyncGenerator[Proxy]:
    async with await asyncio.start_server(proxy.on_connection, "127.0.0.1", 0) as server:
        proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield proxy


def rejection(status: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


@pytest.mark.parametrize(
    ("status", "attempts"),
    [
        ("502 Bad Gateway", 3),
        ("503 Service Unavailable", 3),
        ("504 Gateway Timeout", 3),
        ("407 Proxy Authentication Required", 1),
        ("403 Forbidden", 1),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_rejection_by_a_proxy_names_the_proxy_and_is_not_ambiguous(
    status: str, attempts: int, method: str, clock: FastClock
) -> None:
    async with (
        run_proxy(Proxy(rejection=rejection(status))) as proxy,
        AsyncTwelveLabs(KEY, base_url=HOST, proxy=proxy.url, max_retries=2, clock=clock) as client,
    ):
        with pytest.raises(APIConnectionError) as caught:
            await client.request("POST" if method == "POST" else "GET", "/x", json={} if method == "POST" else None)
    error = caught.value
    assert (error.sent, error.ambiguous, error.attempts) == (False, False, attempts)
    assert f"the proxy {proxy.url.removeprefix('http://')}: the proxy answered {status}" in str(error)
    assert error.status_code is None
    assert all(head.startswith(b"CONNECT api.invalid:443 ") for head in proxy.heads)
    assert not any(KEY.encode() in head for head in proxy.heads)


@pytest.mark.parametrize("response", [b"", b"junk\r\n\r\n"], ids=["closed", "not HTTP"])
async def test_a_malformed_proxy_response_names_the_proxy_in_the_error(response: bytes, clock: FastClock) -> None:
    async with (
        run_proxy(Proxy(rejection=response)) as proxy,
        AsyncTwelveLabs(KEY, base_url=HOST, proxy=proxy.url, max_retries=1, clock=clock) as client,
    ):
        with pytest.raises(APIConnectionError, match="by way of the proxy") as caught:
            await client.request("POST", "/x", json={})
    assert (caught.value.sent, caught.value.ambiguous) == (False, False)


async def test_an_unreachable_proxy_is_named_without_its_password(clock: FastClock) -> None:
    proxy = "http://user:secret@127.0.0.1:9"
    async with AsyncTwelveLabs(KEY, base_url=HOST, proxy=proxy, max_retries=1, clock=clock) as client:
        assert "secret" not in repr(vars(client._executor.transport))
        with pytest.raises(APIConnectionError, match=r"by way of the proxy 127\.0\.0\.1:9") as caught:
            await client.request("POST", "/x", json={})
    assert (caught.value.sent, caught.value.ambiguous, caught.value.attempts) == (False, False, 2)
    assert "secret" not in str(caught.value)


async def test_an_unresponsive_proxy_ends_with_the_connect_timeout() -> None:
    async def silent(_request: RawRequest, _writer: asyncio.StreamWriter) -> bytes:
        await asyncio.sleep(3600)
        return b""

    async with (
        RawServer(silent) as proxy,
        AsyncTwelveLabs(KEY, base_url=HOST, proxy=proxy.origin, connect_timeout=0.1, max_retries=0) as client,
    ):
        with pytest.raises(
            APIConnectionError, match=r"timed out connecting to api\.invalid by way of the proxy"
        ) as caught:
            await client.request("POST", "/x", json={})
    assert not caught.value.ambiguous


@pytest.mark.parametrize("explicit", [True, False])
async def test_calls_use_the_proxy_without_exposing_the_key_to_it(
    monkeypatch: pytest.MonkeyPatch, *, explicit: bool
) -> None:
    authority = trustme.CA()
    context, trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("api.invalid").configure_cert(context)
    authority.configure_trust(trust)
    heads: list[bytes] = []

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(raw_response(headers={"Connection": "close"}))
        await writer.drain()
        writer.close()

    async with (
        await asyncio.start_server(respond, "127.0.0.1", 0, ssl=context) as server,
        run_proxy(Proxy(target=server.sockets[0].getsockname()[1])) as proxy,
    ):
        if not explicit:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url.removeprefix("http://"))
        proxy_option = proxy.url if explicit else FROM_ENVIRONMENT
        async with AsyncTwelveLabs(KEY, base_url=HOST, ssl=trust, proxy=proxy_option) as client:
            assert await client.request("GET", "/x") == {}
    assert KEY.encode() in heads[0]
    assert [head.split(b"\r\n")[0] for head in proxy.heads] == [b"CONNECT api.invalid:443 HTTP/1.1"]
    assert KEY.encode() not in proxy.heads[0]


async def test_p14_plain_http_never_uses_a_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        RawServer(always_respond(raw_response(body='{"by": "proxy"}'))) as proxy,
        RawServer(always_respond(raw_response())) as server,
    ):
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.origin)
        for trust_env in (False, True):
            async with AsyncTwelveLabs(KEY, base_url=server.base_url, trust_env=trust_env) as client:
                assert await client.request("GET", "/x") == {}
        assert not proxy.requests


async def forward_request(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    return await handler(request)


UNUSED_SETTINGS: dict[str, Any] = {
    "headers": {"X-Mine": "1"},
    "proxy": "http://127.0.0.1:9",
    "middlewares": (forward_request,),
}


@pytest.mark.parametrize("name", UNUSED_SETTINGS)
async def test_a_session_with_unused_settings_is_rejected(name: str) -> None:
    async with aiohttp.ClientSession(**{name: UNUSED_SETTINGS[name]}) as session:
        with pytest.raises(InvalidInputError, match=f"^{name} of session= would not be used"):
            AsyncTwelveLabs(KEY, session=session)


async def test_tls_settings_with_an_external_session_are_rejected() -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(InvalidInputError, match=r"^ssl= is for connections that this client opens"):
            AsyncTwelveLabs(KEY, session=session, ssl=ssl.create_default_context())


async def test_a_socks_proxy_in_the_environment_does_not_affect_an_external_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    async with (
        RawServer(always_respond(raw_response())) as server,
        aiohttp.ClientSession() as session,
        AsyncTwelveLabs(KEY, base_url=server.base_url, session=session) as client,
    ):
        assert await client.request("GET", "/x") == {}
