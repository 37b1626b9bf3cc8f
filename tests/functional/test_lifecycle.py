"""P21: cancelling leaks nothing. P23: misuse is told at once. And what else belongs to the life of a client."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import time
import warnings
from collections.abc import Coroutine
from typing import Any

import aiohttp
import attrs
import pytest
from support import KEY, FastClock, Got, RawServer, always, budget_of, eventually, http, quiet

from twelvelabs_async import AsyncTwelveLabs, ClientStateError, MalformedResponseError, NotFoundError, TwelveLabsError
from twelvelabs_async.emulator import Emulator
from twelvelabs_async.request import form


async def stall(_got: Got, _writer: asyncio.StreamWriter) -> bytes:
    await asyncio.sleep(3600)
    return b""


# P21.


@pytest.mark.parametrize("step", [*range(0, 60, 3)])
async def test_p21_a_call_that_is_cancelled_at_any_moment_leaves_nothing_behind(emulator: Emulator, step: int) -> None:
    """P21. `step` is how often the loop goes round before the cancellation."""
    async with quiet(), AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url) as client:
        if step % 2:
            await client.request("GET", "/indexes")  # then a connection is open already
        emulator.faults.add("GET /indexes", status=503, headers={"retry-after-ms": "1"})
        emulator.faults.add("GET /indexes", stall="body")
        tasks = [asyncio.create_task(client.request("GET", "/indexes")) for _ in range(3)]
        for _ in range(step):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} <= {asyncio.CancelledError, dict}
        await eventually(lambda: emulator.in_flight == 0)
        lane = client._api.limiter.lane("GET /indexes")
        assert (lane.in_flight, lane.waiting) == (0, 0)
        assert not budget_of(client._api.limiter, "GET /indexes").flights
        assert client._api.quota.tokens == client._api.quota.capacity
        emulator.faults.clear()
        assert (await client.with_options(timeout=5).request("GET", "/indexes"))["data"] == []


async def test_p21_a_hundred_cancelled_calls_end_soon_and_free_their_connections() -> None:
    asyncio.get_running_loop().set_debug(False)
    async with RawServer(stall) as server, AsyncTwelveLabs(KEY, base_url=server.base_url) as client:
        tasks = [asyncio.create_task(client.request("GET", f"/{number}")) for number in range(100)]
        await eventually(lambda: len(server.requests) == 100, within=10)
        started = time.monotonic()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert time.monotonic() - started < 0.5
        await eventually(lambda: server.open == 0)


async def test_p21_one_of_many_waiting_calls_can_be_cancelled_without_harm_to_the_others() -> None:
    hold = asyncio.Event()

    async def answer(_got: Got, _writer: asyncio.StreamWriter) -> bytes:
        await hold.wait()
        return http()

    async with (
        RawServer(answer) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, connection_limit=2) as client,
    ):
        tasks = [asyncio.create_task(client.request("GET", f"/{number}")) for number in range(12)]
        await eventually(lambda: len(server.requests) == 2)
        for task in tasks[::3]:
            task.cancel()
        await asyncio.sleep(0.02)
        hold.set()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert [outcome for number, outcome in enumerate(outcomes) if number % 3] == [{}] * 8


@pytest.mark.parametrize("fault", [{"reset": "after"}, {"status": 500}, {"truncate": True}, {"html": True}], ids=str)
async def test_p21_failed_calls_leave_no_turn_taken(
    emulator: Emulator, client: AsyncTwelveLabs, fault: dict[str, Any]
) -> None:
    emulator.faults.add("GET /indexes", **fault, times=20)
    await asyncio.gather(
        *(client.with_options(max_retries=0).request("GET", "/indexes") for _ in range(20)), return_exceptions=True
    )
    assert client._api.limiter.lane("GET /indexes").in_flight == 0
    await eventually(lambda: emulator.in_flight == 0)


async def test_p21_the_exception_of_the_caller_passes_through_untouched() -> None:
    """P21: `asyncio.timeout` around a call, and a task group that fails beside it."""
    async with RawServer(stall) as server, AsyncTwelveLabs(KEY, base_url=server.base_url) as client:
        with pytest.raises(TimeoutError) as late:
            await _in_time(client)
        assert not isinstance(late.value, TwelveLabsError)
        with pytest.raises(ExceptionGroup) as caught:
            await _beside_a_failure(client)
        assert [type(error) for error in caught.value.exceptions] == [KeyError]


async def _in_time(client: AsyncTwelveLabs) -> None:
    async with asyncio.timeout(0.05):
        await client.request("GET", "/x")


async def _beside_a_failure(client: AsyncTwelveLabs) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(client.request("GET", "/x"))
        group.create_task(_fail())


async def _fail() -> None:
    await asyncio.sleep(0.02)
    raise KeyError


# P23.


def refusal(call: Coroutine[Any, Any, object]) -> str:
    """The words with which the first step of a call is refused, before it waits for anything."""
    started = time.monotonic()
    with pytest.raises(ClientStateError) as caught:
        call.send(None)
    assert time.monotonic() - started < 0.5
    return str(caught.value)


async def test_p23_a_closed_client_says_so(emulator: Emulator) -> None:
    client = AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url)
    view = client.with_options(timeout=5)
    await client.request("GET", "/indexes")
    await client.close()
    await client.close()
    assert client.closed
    assert view.closed
    assert "closed" in refusal(client.request("GET", "/indexes"))
    assert "closed" in refusal(view.request("GET", "/indexes"))


async def test_a_view_does_not_close_the_client_it_came_from(client: AsyncTwelveLabs) -> None:
    async with client.with_options(timeout=5) as view:
        await view.request("GET", "/indexes")
    assert not client.closed
    await client.request("GET", "/indexes")


def test_p23_a_client_of_another_loop_says_so() -> None:

    async def use(client: AsyncTwelveLabs, server: RawServer) -> None:
        async with server:
            object.__setattr__(client._settings, "base_url", server.base_url)
            await client.request("GET", "/x")
            await client.close()

    async def misuse(client: AsyncTwelveLabs) -> str:
        await asyncio.sleep(0)
        return refusal(client.request("GET", "/x"))

    client = AsyncTwelveLabs(KEY, base_url="http://127.0.0.1:9/v1.3")

    async def first() -> None:
        with pytest.raises(TwelveLabsError):
            await client.with_options(max_retries=0).request("GET", "/x")
        await client._api.session._api.close()  # type: ignore[union-attr]  # so that nothing is left open

    asyncio.run(first())
    assert "event loop" in asyncio.run(misuse(client))
    fresh = AsyncTwelveLabs(KEY, base_url="http://127.0.0.1:9/v1.3")
    asyncio.run(use(fresh, RawServer(always(http()))))


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
@pytest.mark.parametrize("used", [True, False])
async def test_p23_a_client_that_came_by_a_fork_says_so(client: AsyncTwelveLabs, *, used: bool) -> None:
    if used:
        await client.request("GET", "/indexes")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            client.request("GET", "/indexes").send(None)
        except ClientStateError as error:
            code = 0 if "fork" in str(error) else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)  # noqa: ASYNC222  # the child ends at once
    assert os.waitstatus_to_exitcode(status) == 0
    await client.request("GET", "/indexes")


async def test_p23_leaving_the_block_closes_all_connections() -> None:
    async with RawServer(always(http())) as server:
        async with AsyncTwelveLabs(KEY, base_url=server.base_url) as client:
            await asyncio.gather(*(client.request("GET", f"/{number}") for number in range(10)))
            assert server.open > 0
        await eventually(lambda: server.open == 0, within=0.5)


async def test_a_client_that_was_never_used_needs_no_closing() -> None:
    AsyncTwelveLabs(KEY)
    gc.collect()


async def test_p23_a_client_that_was_not_closed_is_told_once_and_its_connections_are_closed() -> None:
    async with RawServer(always(http())) as server, quiet():
        client = AsyncTwelveLabs(KEY, base_url=server.base_url)
        await client.request("GET", "/x")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del client
            gc.collect()
        assert [(warning.category, "async with" in str(warning.message)) for warning in caught] == [
            (ResourceWarning, True)
        ]
        await eventually(lambda: server.open == 0)


async def test_p23_closing_while_calls_are_under_way_ends_them_with_errors_of_ours() -> None:
    async with RawServer(stall) as server:
        client = AsyncTwelveLabs(KEY, base_url=server.base_url, connection_limit=3)
        tasks = [asyncio.create_task(client.request("GET", f"/{number % 4}")) for number in range(12)]
        await eventually(lambda: len(server.requests) == 3)
        await client.close()
        async with asyncio.timeout(2):
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(outcome, TwelveLabsError) for outcome in outcomes), outcomes


async def test_a_session_that_is_lent_is_used_and_left_open() -> None:
    async with RawServer(always(http())) as server, aiohttp.ClientSession() as lent:
        async with AsyncTwelveLabs(KEY, base_url=server.base_url, session=lent) as client:
            await client.request("GET", "/x")
        assert not lent.closed
        assert server.open == 1
        async with AsyncTwelveLabs(KEY, base_url=server.base_url, session=lent) as client:
            await client.request("GET", "/x")
        assert server.connections == 1


async def test_a_session_that_was_lent_and_closed_is_told() -> None:
    lent = aiohttp.ClientSession()
    await lent.close()
    async with AsyncTwelveLabs(KEY, session=lent) as client:
        with pytest.raises(ClientStateError, match="passed in"):
            await client.request("GET", "/x")


async def test_instruments_see_every_request() -> None:
    seen = list[str]()

    async def note(_session: object, _context: object, params: aiohttp.TraceRequestStartParams) -> None:
        await asyncio.sleep(0)
        seen.append(params.method)

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(note)
    async with (
        RawServer(always(http())) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, trace_configs=[trace]) as client,
    ):
        await client.request("GET", "/x")
    assert seen == ["GET"]


# What else every call has.


@attrs.frozen
class Mine:
    """A model of the caller's own."""

    name: str
    sizes: list[int] = attrs.field(factory=list[int])


async def test_any_operation_can_be_called_without_a_method_for_it() -> None:
    answer = http(body='{"name": "x", "sizes": [1, 2], "more": true}', headers={"X-Api-Version": "1.3.7"})
    async with RawServer(always(answer)) as server, AsyncTwelveLabs(KEY, base_url=server.base_url) as client:
        assert client.api_version is None
        raw = await client.request(
            "GET", "/new/{thing-id}", ids={"thing_id": "a b"}, query={"page": 1, "x": ["a", "b"]}
        )
        assert raw == {"name": "x", "sizes": [1, 2], "more": True}
        mine = await client.request("POST", "/new", into=Mine, json={"a": 1})
        assert mine == Mine("x", [1, 2])
        await client.request("DELETE", "/new", into=type(None))
        await client.request("POST", "/new", form=form(a="b"))
        assert client.api_version == "1.3.7"
        first, second, third, fourth = server.requests
        assert first.target == "/v1.3/new/a%20b?page=1&x=a&x=b"
        assert (second.headers["Content-Type"], second.body) == ("application/json", b'{"a":1}')
        assert (third.method, third.body) == ("DELETE", b"")
        assert fourth.headers["Content-Type"].startswith("multipart/form-data; boundary=")
        assert first.headers["User-Agent"].startswith("twelvelabs-async/")


async def test_any_operation_has_the_same_errors(client: AsyncTwelveLabs) -> None:
    with pytest.raises(NotFoundError) as caught:
        await client.request("GET", "/indexes/{index-id}", ids={"index-id": "0" * 24})
    assert caught.value.operation == "GET /indexes/{index-id}"
    assert caught.value.code == "resource_not_exist"
    assert caught.value.request_id
    with pytest.raises(MalformedResponseError):
        await client.request("GET", "/indexes", into=Mine)


@pytest.mark.parametrize(
    ("version", "warned"),
    [("1.3", 0), ("v1.3", 0), ("1.3.9", 0), ("1.4", 1), ("2", 1), ("1.30", 1), ("", 1), ("\x1b[31m" * 5, 1)],
    ids=repr,
)
async def test_another_version_of_the_api_is_warned_of_once(
    version: str, warned: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "twelvelabs_async")
    reply = http(headers={"X-Api-Version": version.replace("\x1b", "")})
    async with RawServer(always(reply)) as server, AsyncTwelveLabs(KEY, base_url=server.base_url) as client:
        for _ in range(3):
            await client.request("GET", "/x")
        await client.with_options(timeout=3).request("GET", "/x")
    ours = [record for record in caplog.records if record.name.startswith("twelvelabs_async")]
    assert len([record for record in ours if "version" in record.message]) == warned


async def test_p13_connections_are_used_again(clock: FastClock) -> None:
    async with (
        RawServer(always(http())) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, clock=clock, connection_limit=4) as client,
    ):
        for _ in range(5):
            await asyncio.gather(*(client.request("GET", f"/{number}") for number in range(20)))
        assert server.connections <= 4
