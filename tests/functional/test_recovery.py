"""Transient failures (P1), requested delays (P2) and outages (P3) that the client handles for its caller."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from support import KEY, FastClock, RawHandler, RawRequest, RawServer, always_respond, raw_response, respond_in_order

from twelvelabs_async import APIError, AsyncTwelveLabs, InternalServerError, NotFoundError
from twelvelabs_async.emulator import Emulator

INDEX: dict[str, Any] = {
    "index_name": "one",
    "models": [{"model_name": "marengo3.0", "model_options": ["visual"]}],
}

FAULTS: dict[str, Mapping[str, Any]] = {
    **{str(status): {"status": status} for status in (408, 425, 429, 500, 502, 503, 504, 520, 524, 530)},
    "HTML with status 200": {"html": True},
    "HTML with status 502": {"html": True, "status": 502},
    "empty 503": {"status": 503, "body": b""},
    "truncated JSON": {"status": 200, "body": b'{"data": [{"_id": "'},
    "reset before": {"reset": "before"},
    "reset after": {"reset": "after"},
    "truncated body": {"truncate": True},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("times", [1, 3])
async def test_p1_a_transient_failure_is_hidden_from_the_caller(
    emulator: Emulator, client: AsyncTwelveLabs, fault: Mapping[str, Any], times: int
) -> None:
    emulator.faults.add("GET /indexes", **fault, times=times)
    assert list(await client.indexes.list()) == []
    assert len(emulator.requests.for_operation("GET /indexes")) == times + 1


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_p1_a_persistent_failure_raises_an_error_with_full_details(
    emulator: Emulator, client: AsyncTwelveLabs, fault: Mapping[str, Any]
) -> None:
    emulator.faults.add("GET /indexes", **fault, times=None)
    with pytest.raises(APIError) as caught:
        await client.with_options(max_retries=2).indexes.list()
    error = caught.value
    assert error.operation == "GET /indexes"
    assert (error.attempts, len(error.previous_attempts), error.give_up_reason) == (3, 2, "max_retries")
    assert (error.retryable, error.ambiguous) == (True, False)
    assert error.elapsed > 0.0
    if "status" in fault or "html" in fault:
        assert error.request_id
    assert str(error).isprintable()


@pytest.mark.parametrize("retries", [0, 1, 5])
async def test_p1_max_retries_n_means_n(emulator: Emulator, client: AsyncTwelveLabs, retries: int) -> None:
    emulator.faults.add("GET /indexes", status=500, times=None)
    with pytest.raises(InternalServerError):
        await client.with_options(max_retries=retries).indexes.list()
    assert len(emulator.requests) == retries + 1


async def test_p1_a_connection_closed_while_idle_causes_no_failed_call(clock: FastClock) -> None:

    async def answer(request: RawRequest, writer: asyncio.StreamWriter) -> bytes | None:
        if request.request_index == 1:
            writer.transport.abort()
            return None
        await asyncio.sleep(0)
        return raw_response(body='{"data": []}')

    async with RawServer(answer) as server, AsyncTwelveLabs(KEY, base_url=server.base_url, clock=clock) as client:
        for _ in range(10):
            await client.indexes.list()
        assert server.connection_count > 1


def short_response(body: bytes) -> bytes:
    return raw_response(body=body, content_length=len(body) + 10)


TRUNCATED_RESPONSES: dict[str, Callable[[], RawHandler]] = {
    "closed immediately": lambda: respond_in_order([None, None, None, raw_response()]),
    "half a head": lambda: respond_in_order([b"HTTP/1.1 200 OK\r\nContent-Le", raw_response()]),
    "shorter than announced": lambda: respond_in_order(
        [short_response(b'{"data": ['), short_response(b""), raw_response()]
    ),
    "half a chunk": lambda: respond_in_order(
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{", raw_response()]
    ),
    "truncated gzip": lambda: respond_in_order(
        [raw_response(body=b"\x1f\x8b\x08\x00\x00", headers={"Content-Encoding": "gzip"}), raw_response()]
    ),
}


@pytest.mark.parametrize("make_handler", TRUNCATED_RESPONSES.values(), ids=TRUNCATED_RESPONSES)
async def test_p1_a_truncated_response_is_retried(make_handler: Callable[[], RawHandler], clock: FastClock) -> None:
    handler = make_handler()

    async def respond_and_close(request: RawRequest, writer: asyncio.StreamWriter) -> bytes | None:
        response = await handler(request, writer)
        if response is not None and response != raw_response():
            writer.write(response)
            await writer.drain()
            writer.close()
            return None
        return response

    async with (
        RawServer(respond_and_close) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, clock=clock) as client,
    ):
        assert await client.request("GET", "/x") == {}


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("headers", "min_delay"),
    [({"Retry-After": "3"}, 3.0), ({"retry-after-ms": "1500"}, 1.5), ({"Retry-After": "0.4"}, 0.4)],
)
async def test_p2_a_retry_waits_at_least_retry_after(
    clock: FastClock, status: int, headers: dict[str, str], min_delay: float
) -> None:
    times = list[float]()

    async def answer(_request: RawRequest, _writer: asyncio.StreamWriter) -> bytes:
        times.append(clock.monotonic())
        await asyncio.sleep(0)
        return raw_response(status, headers=headers) if len(times) == 1 else raw_response()

    async with RawServer(answer) as server, AsyncTwelveLabs(KEY, base_url=server.base_url, clock=clock) as client:
        await client.request("GET", "/x")
    assert times[1] - times[0] >= min_delay


async def test_p3_an_outage_causes_few_retries_and_the_first_call_after_it_succeeds(
    emulator: Emulator, client: AsyncTwelveLabs
) -> None:
    asyncio.get_running_loop().set_debug(False)  # debug mode would take most of the time of the calls
    emulator.faults.add("GET /indexes", status=503, times=None)
    calls, reasons = 1000, list[str | None]()
    for _ in range(calls // 50):
        results = await asyncio.gather(*(client.request("GET", "/indexes") for _ in range(50)), return_exceptions=True)
        reasons += [result.give_up_reason for result in results if isinstance(result, InternalServerError)]
    assert len(reasons) == calls
    assert len(emulator.requests) / calls <= 1.05
    assert set(reasons[100:]) == {"retry_budget_exhausted"}
    emulator.faults.clear()
    assert list(await client.indexes.list()) == []


async def test_permanent_errors_are_not_retried(emulator: Emulator, client: AsyncTwelveLabs) -> None:
    for status in (400, 401, 403, 404, 405, 409, 410, 413, 422, 501, 505):
        emulator.faults.add("GET /indexes", status=status)
        with pytest.raises(APIError) as caught:
            await client.indexes.list()
        assert caught.value.status_code == status
        assert not caught.value.retryable
    assert len(emulator.requests) == 11


async def test_p1_a_delete_with_a_lost_response_succeeds(emulator: Emulator, client: AsyncTwelveLabs) -> None:
    """The retry gets a 404 because the first attempt deleted the index."""
    created = await client.indexes.create(**INDEX)
    emulator.faults.add("DELETE /indexes/{index-id}", reset="after")
    await client.indexes.delete(created.id)
    with pytest.raises(NotFoundError):
        await client.indexes.delete(created.id)


async def test_p18_the_html_error_page_of_a_proxy_has_a_short_message(clock: FastClock) -> None:
    page = raw_response(502, "<html><h1>Bad Gateway</h1>\x1b[31m" + "<br>" * 100_000, {"Content-Type": "text/html"})
    async with (
        RawServer(always_respond(page)) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, clock=clock, max_retries=0) as client,
    ):
        with pytest.raises(InternalServerError) as caught:
            await client.request("GET", "/x")
        assert str(caught.value) == "502 on GET /x: Bad Gateway [31m (no retries left: max_retries=0)"
