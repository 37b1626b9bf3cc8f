"""P14: the API key is sent to one origin only. P15: it is never printed or logged."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import pickle
import traceback
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from support import KEY, UNREACHABLE_URL, FastClock, RawRequest, RawServer, always_respond, eventually, raw_response

from twelvelabs_async import APIConnectionError, APIError, AsyncTwelveLabs, InvalidInputError, TwelveLabsError
from twelvelabs_async._http.body import NO_BODY, encode_json
from twelvelabs_async._http.connections import Attempt
from twelvelabs_async.requests import FilePart, Form


@asynccontextmanager
async def server_pair(make_response: Callable[[RawServer], bytes]) -> AsyncGenerator[tuple[RawServer, RawServer]]:
    """Start a server that sends `first(other)` as its response, and the other server."""
    async with (
        RawServer(always_respond(raw_response())) as other,
        RawServer(always_respond(make_response(other))) as server,
    ):
        yield server, other


@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize(
    "target", ["{other}/v1.3/x", "//127.0.0.1:{port}/x", "/v1.3/elsewhere", "http://localhost:{port}/"]
)
async def test_p14_no_redirect_is_followed(status: int, method: Any, target: str) -> None:

    def redirect(other: RawServer) -> bytes:
        return raw_response(status, headers={"Location": target.format(other=other.origin, port=other.port)})

    async with server_pair(redirect) as (server, other), AsyncTwelveLabs(KEY, base_url=server.base_url) as client:
        with pytest.raises(APIError) as caught:
            await client.request(method, "/x", json={"secret": 1} if method == "POST" else None)
        assert caught.value.code == "redirect_refused"
        assert not caught.value.retryable
        assert other.requests == []
        assert other.connection_count == 0
        assert len(server.requests) == 1


async def test_p14_the_key_is_sent_to_the_api_and_not_to_storage() -> None:
    async with (
        RawServer(always_respond(raw_response(headers={"Set-Cookie": "session=1; Path=/", "ETag": '"x"'}))) as server,
        RawServer(always_respond(raw_response(headers={"Set-Cookie": "stored=1; Path=/"}))) as storage,
        AsyncTwelveLabs(KEY, base_url=server.base_url) as client,
    ):
        await client.request("GET", "/x")
        body = encode_json(b"{}")
        await client._executor.transport.put_to_storage(
            storage.origin + "/p?sig=1", {"x-amz-meta-a": "b"}, body, Attempt(), idle_timeout=5
        )
        await client._executor.transport.put_to_storage(
            storage.origin + "/p?sig=1", {}, body, Attempt(), idle_timeout=5
        )
        await client.request("GET", "/x")
        assert [request.headers["x-api-key"] for request in server.requests] == [KEY, KEY]
        for request in storage.requests:
            assert KEY not in f"{request}"
            assert "x-api-key" not in request.headers
        assert storage.requests[0].headers["x-amz-meta-a"] == "b"
        assert all("Cookie" not in request.headers for request in [*server.requests, *storage.requests])


async def test_p14_a_cookie_is_neither_kept_nor_sent() -> None:
    """A cookie jar rejects cookies of IP addresses and ignores ports, so the URLs contain a host name."""
    cookie = raw_response(headers={"Set-Cookie": "session=1; Path=/"})
    async with RawServer(always_respond(cookie)) as server, RawServer(always_respond(cookie)) as storage:
        localhost_url = server.base_url.replace("127.0.0.1", "localhost")
        async with AsyncTwelveLabs(KEY, base_url=localhost_url) as client:
            for _ in range(2):
                await client.request("GET", "/x")
                storage_url = storage.origin.replace("127.0.0.1", "localhost") + "/p"
                await client._executor.transport.put_to_storage(
                    storage_url, {}, encode_json(b"{}"), Attempt(), idle_timeout=5
                )
        assert len(server.requests) == len(storage.requests) == 2
        assert all("Cookie" not in request.headers for request in [*server.requests, *storage.requests])


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_p14_a_redirect_of_storage_is_not_followed(status: int) -> None:
    async with (
        server_pair(lambda other: raw_response(status, headers={"Location": other.origin + "/"})) as (storage, other),
        AsyncTwelveLabs(KEY, base_url=storage.base_url) as client,
    ):
        response = await client._executor.transport.put_to_storage(
            storage.origin + "/p", {}, encode_json(b"{}"), Attempt(), idle_timeout=5
        )
        assert response.status == status
        assert other.connection_count == 0


@pytest.mark.parametrize(
    "url",
    [
        *("http://storage.example/p", "ftp://storage.example/p", "file:///etc/passwd", "http://[", "", "//x/y", "p"),
        *("https://storage.example:99999/p", "https://storage.example:port/p", "https:///p"),
    ],
)
async def test_p14_a_video_is_not_sent_to_an_insecure_or_invalid_url(url: str) -> None:
    """The URL comes from the server; over plain HTTP, a third party could read the video."""
    async with AsyncTwelveLabs(KEY, base_url="https://api.invalid/v1.3") as client:
        with pytest.raises(APIConnectionError) as caught:
            await client._executor.transport.put_to_storage(url, {}, encode_json(b"{}"), Attempt(), idle_timeout=5)
        assert not caught.value.sent


async def test_p14_netrc_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for trust_env in (False, True):
        async with (
            RawServer(always_respond(raw_response())) as server,
            AsyncTwelveLabs(KEY, base_url=server.base_url, trust_env=trust_env) as client,
        ):
            await client.request("GET", "/x")
            assert "Authorization" not in server.requests[0].headers


SIGNATURE = "X-Amz-Signature=deadbeefcafe"


def secret_forms() -> list[bytes]:
    """Return the encodings of the key that must not appear, and the signature."""
    return [KEY.encode(), base64.b64encode(KEY.encode()), KEY.encode().hex().encode(), b"deadbeefcafe"]


def printed_text(error: BaseException) -> str:
    """Return everything that a program or a crash reporter might print about an error."""
    texts = [repr(error), str(error), str(vars(error)), "".join(traceback.format_exception(error))]
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    texts.append("".join(report.format()))
    cause: BaseException | None = error
    while cause is not None:
        texts += [repr(cause), str(vars(cause)), str(cause.args)]
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, TwelveLabsError):
        texts.append(repr(pickle.dumps(error)))
    return "\n".join(texts)


async def abort_connection(_request: RawRequest, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(0)
    writer.transport.abort()


async def stall(_request: RawRequest, _writer: asyncio.StreamWriter) -> bytes:
    await asyncio.sleep(3600)
    return b""


async def echo(request: RawRequest, _writer: asyncio.StreamWriter) -> bytes:
    await asyncio.sleep(0)
    return raw_response(500, f"<html>{request.headers}</html>", {"x-trace-id": f"t {KEY}", "Echo": KEY})


async def echo_json(_request: RawRequest, _writer: asyncio.StreamWriter) -> bytes:
    await asyncio.sleep(0)
    document = {
        "code": f"bad_{KEY}",
        "message": f"{KEY} and https://host/p?{SIGNATURE}",
        "docs_url": f"https://h/{KEY}",
    }
    return raw_response(400, json.dumps({**document, "details": [{KEY: f"https://host/p?{SIGNATURE} {KEY}"}]}))


async def echo_value(_request: RawRequest, _writer: asyncio.StreamWriter) -> bytes:
    await asyncio.sleep(0)
    return raw_response(200, json.dumps({KEY: f"{KEY} https://host/p#{SIGNATURE}"}) + KEY)


async def send_half_a_response(_request: RawRequest, writer: asyncio.StreamWriter) -> None:
    writer.write(raw_response(body=b"{", content_length=100))
    await writer.drain()
    writer.close()


async def echo_in_status_line(_request: RawRequest, _writer: asyncio.StreamWriter) -> bytes:
    await asyncio.sleep(0)
    return f"HTTP/1.1 {KEY} {SIGNATURE}\r\n\r\n".encode()


FAILURES: dict[str, Callable[[RawRequest, asyncio.StreamWriter], Awaitable[bytes | None]]] = {
    "401": always_respond(raw_response(401, '{"code": "api_key_invalid", "message": "no"}')),
    "503": echo,
    "the key in an invalid status line": echo_in_status_line,
    "the key as the version": always_respond(raw_response(500, headers={"X-Api-Version": KEY})),
    "the key in JSON": echo_json,
    "the key in invalid JSON": echo_value,
    "cookie": always_respond(raw_response(400, headers={"Set-Cookie": SIGNATURE, "Link": f"<https://h/?{SIGNATURE}>"})),
    "signature": always_respond(
        raw_response(403, f"<Error><StringToSign>deadbeefcafe</StringToSign>{SIGNATURE}</Error>")
    ),
    "redirect": always_respond(raw_response(302, headers={"Location": "http://evil.example/"})),
    "connection aborted": abort_connection,
    "half a response": send_half_a_response,
    "junk": always_respond(b"\x00\x01junk\r\n\r\n"),
    "bad header": always_respond(b"HTTP/1.1 200 OK\r\nBad Header\x00: x\r\n\r\n"),
    "not JSON": always_respond(raw_response(body="junk")),
    "other shape": always_respond(raw_response(body="[]")),
    "too long a header": always_respond(b"HTTP/1.1 200 OK\r\nA: " + b"x" * 100_000 + b"\r\n\r\n"),
}


async def error_of(call: Coroutine[Any, Any, object]) -> BaseException:
    try:
        await call
    except BaseException as error:  # noqa: BLE001  # every exception is returned
        return error
    raise AssertionError("it did not fail")


def part(*, streamed: bool) -> FilePart:
    async def blocks() -> AsyncIterator[bytes]:
        await asyncio.sleep(0)
        yield b"abc"

    return FilePart(name="file", filename="a", content=blocks if streamed else b"abc", size=3)


@pytest.mark.parametrize("handler", FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("streamed", [False, True])
async def test_p15_no_failure_exposes_the_key_even_in_traceback_locals(
    handler: Callable[[RawRequest, asyncio.StreamWriter], Awaitable[bytes | None]],
    clock: FastClock,
    caplog: pytest.LogCaptureFixture,
    *,
    streamed: bool,
) -> None:
    caplog.set_level(logging.DEBUG)
    events: list[object] = []
    body = Form.build(files=[part(streamed=streamed)])
    async with (
        RawServer(handler) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, clock=clock, on_event=events.append) as client,
    ):
        errors = [
            await error_of(client.request("POST", "/x", form=body, retry_class="billable")),
            await error_of(client.request("GET", "/x", response_type=int)),
        ]
        for error in errors:
            assert isinstance(error, TwelveLabsError)
            assert not any(secret.decode() in printed_text(error) for secret in secret_forms())
    assert not any(secret.decode() in caplog.text for secret in secret_forms())
    assert not any(secret.decode() in repr(events) for secret in secret_forms())
    assert {"RequestStarted", "AttemptStarted", "AttemptFinished", "RequestFinished"} <= {
        type(event).__name__ for event in events
    }


@pytest.mark.parametrize("end", ["deadline", "cancelled", "timeout of the caller"])
async def test_p15_a_cancelled_or_timed_out_call_does_not_expose_the_key(end: str) -> None:
    """The traceback of a cancellation contains frames of aiohttp, whose variables hold the headers."""
    async with (
        RawServer(stall) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, timeout=0.1 if end == "deadline" else 60) as client,
    ):
        if end == "cancelled":
            task = asyncio.create_task(client.request("GET", "/x"))
            await eventually(lambda: len(server.requests) == 1)
            task.cancel()
            error = await error_of(asyncio.wait_for(task, 5))
            assert isinstance(error, asyncio.CancelledError)
        elif end == "deadline":
            error = await error_of(client.request("GET", "/x"))
        else:
            error = await error_of(asyncio.wait_for(client.request("GET", "/x"), 0.1))
            assert type(error) is TimeoutError
        assert not any(secret.decode() in printed_text(error) for secret in secret_forms())


@pytest.mark.parametrize("handler", FAILURES.values(), ids=FAILURES)
async def test_p15_a_failed_upload_does_not_expose_the_url_signature(
    handler: Callable[[RawRequest, asyncio.StreamWriter], Awaitable[bytes | None]],
    clock: FastClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)

    async def upload_to(url: str) -> None:
        async def get_url() -> str:
            await asyncio.sleep(0)
            return url

        def reject(_: object) -> None:
            raise APIConnectionError(message="not proven")

        await client._executor.put_to_storage(get_url, {}, encode_json(b"{}"), verify_response=reject)

    async with RawServer(handler) as server, AsyncTwelveLabs(KEY, base_url=server.base_url, clock=clock) as client:
        for origin in (server.origin, "http://127.0.0.1:9"):
            error = await error_of(upload_to(f"{origin}/bucket/key?{SIGNATURE}"))
            assert isinstance(error, TwelveLabsError)
            assert "deadbeefcafe" not in f"{error!r} {error} {vars(error)} {error.__cause__!r} {error.__context__!r}"
            assert "deadbeefcafe" not in "".join(traceback.format_exception(error))
    assert "deadbeefcafe" not in caplog.text


async def test_p15_a_refused_connection_does_not_expose_the_key(
    clock: FastClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with AsyncTwelveLabs(KEY, base_url=UNREACHABLE_URL, clock=clock) as client:
        error = await error_of(client.request("GET", "/x"))
    assert KEY not in printed_text(error)
    assert KEY not in caplog.text


async def test_p15_slow_call_logs_of_asyncio_debug_mode_do_not_contain_the_key(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0.0
    async with (
        RawServer(always_respond(raw_response())) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url) as client,
    ):
        await client.request("GET", "/x")
    assert "Executing" in caplog.text
    assert KEY not in caplog.text


@pytest.mark.parametrize("start", ["@127.0.0.1:{port}/x", ":{port}/x", "x", "", "\\@127.0.0.1:{port}/x"])
async def test_p14_no_path_sends_the_key_to_another_host(start: str) -> None:
    """Without a path in the base URL, such a path would change the host."""
    async with (
        RawServer(always_respond(raw_response())) as server,
        RawServer(always_respond(raw_response())) as other,
        AsyncTwelveLabs(KEY, base_url=server.origin, max_retries=0) as client,
    ):
        path = start.format(port=other.port)
        with pytest.raises(InvalidInputError, match="begins with '/'"):
            await client.request("GET", path)
        transport = client._executor.transport
        transport.ensure_usable()
        with pytest.raises(InvalidInputError, match="base_url only"):
            await transport.send("GET", path, NO_BODY, Attempt())
        with pytest.raises(InvalidInputError, match="base_url only"):
            await transport.open_stream("GET", path, NO_BODY, Attempt(), accept="*/*")
        assert server.requests == other.requests == []


async def test_p14_cookies_of_an_external_session_are_not_sent() -> None:
    """The client uses the connections of the session and ignores its cookies."""
    async with (
        RawServer(always_respond(raw_response(headers={"Set-Cookie": "a=b"}))) as server,
        aiohttp.ClientSession(cookies={"c": "d"}) as session,
    ):
        async with AsyncTwelveLabs(KEY, base_url=server.base_url, session=session) as client:
            await client.request("GET", "/x")
            await client._executor.transport.put_to_storage(
                server.origin + "/p", {}, encode_json(b"{}"), Attempt(), idle_timeout=5
            )
        for request in server.requests:
            assert "Cookie" not in request.headers
        assert not session.closed
        assert {cookie.key for cookie in session.cookie_jar} == {"c"}
        async with session.get(server.origin) as response:
            assert response.status == 200


async def test_p15_a_key_in_a_path_is_not_logged_and_not_sent_by_request(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with (
        RawServer(always_respond(raw_response())) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url) as client,
    ):
        await client.indexes.delete(KEY)
        with pytest.raises(InvalidInputError, match="path_template must not contain the API key") as caught:
            await client.request("GET", f"/indexes/{KEY}")
        assert len(server.requests) == 1
    assert KEY not in str(caught.value)
    assert KEY not in caplog.text
