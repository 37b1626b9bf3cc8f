"""P21: cancellation leaks nothing. P23: misuse raises an error immediately. Also the rest of the life of a client."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import traceback
import warnings
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any

import aiohttp
import attrs
import pytest
import trio
from support import (
    KEY,
    FastClock,
    RawRequest,
    RawServer,
    always_respond,
    category_state,
    eventually,
    fail_on_loop_errors,
    raw_response,
    respond_in_order,
)

from twelvelabs_async import (
    APIError,
    AsyncTwelveLabs,
    ClientStateError,
    InvalidInputError,
    MalformedResponseError,
    NotFoundError,
    TwelveLabsError,
)
from twelvelabs_async._http.body import iter_chunks
from twelvelabs_async.emulator import Emulator, ThreadedEmulator
from twelvelabs_async.models import VideoAsset
from twelvelabs_async.requests import FilePart, Form, Method


async def stall(_request: RawRequest, _writer: asyncio.StreamWriter) -> bytes:
    await asyncio.sleep(3600)
    return b""


@pytest.mark.parametrize("step", [*range(0, 60, 3)])
async def test_p21_a_call_cancelled_at_any_time_leaks_nothing(emulator: Emulator, step: int) -> None:
    """`step` is the number of iterations of the event loop before the cancellation."""
    async with fail_on_loop_errors(), AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url) as client:
        if step % 2:
            await client.request("GET", "/indexes")  # opens a connection
        emulator.faults.add("GET /indexes", status=503, headers={"retry-after-ms": "1"})
        emulator.faults.add("GET /indexes", stall="body")
        tasks = [asyncio.create_task(client.request("GET", "/indexes")) for _ in range(3)]
        for _ in range(step):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(result) for result in results} <= {asyncio.CancelledError, dict}
        await eventually(lambda: emulator.in_flight == 0)
        queue = client._executor.limiter.category_queue("GET /indexes")
        assert (queue.in_flight, queue.waiting) == (0, 0)
        assert not category_state(client._executor.limiter, "GET /indexes").in_flight
        assert client._executor.retry_budget.tokens == client._executor.retry_budget.capacity
        emulator.faults.clear()
        assert (await client.with_options(timeout=5).request("GET", "/indexes"))["data"] == []


async def test_p21_a_hundred_cancelled_calls_end_soon_and_free_their_connections() -> None:
    asyncio.get_running_loop().set_debug(False)
    async with RawServer(stall) as server, AsyncTwelveLabs(KEY, base_url=server.base_url) as client:
        tasks = [asyncio.create_task(client.request("GET", f"/{number}")) for number in range(100)]
        await eventually(lambda: len(server.requests) == 100)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)  # the server would stall for an hour
        await eventually(lambda: server.open_connections == 0)


async def test_p21_cancelling_some_waiting_calls_does_not_affect_the_others() -> None:
    hold = asyncio.Event()

    async def answer(_request: RawRequest, _writer: asyncio.StreamWriter) -> bytes:
        await hold.wait()
        return raw_response()

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
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [result for number, result in enumerate(results) if number % 3] == [{}] * 8


@pytest.mark.parametrize("fault", [{"reset": "after"}, {"status": 500}, {"truncate": True}, {"html": True}], ids=str)
async def test_p21_failed_calls_release_their_permits(
    emulator: Emulator, client: AsyncTwelveLabs, fault: dict[str, Any]
) -> None:
    emulator.faults.add("GET /indexes", **fault, times=20)
    await asyncio.gather(
        *(client.with_options(max_retries=0).request("GET", "/indexes") for _ in range(20)), return_exceptions=True
    )
    assert client._executor.limiter.category_queue("GET /indexes").in_flight == 0
    await eventually(lambda: emulator.in_flight == 0)


async def test_p21_exceptions_of_the_caller_are_raised_unchanged() -> None:
    """`asyncio.timeout` around a call, and a task group in which another task fails, keep their exceptions."""
    async with RawServer(stall) as server, AsyncTwelveLabs(KEY, base_url=server.base_url) as client:
        with pytest.raises(TimeoutError) as timed_out:
            await _call_with_timeout(client)
        assert not isinstance(timed_out.value, TwelveLabsError)
        with pytest.raises(ExceptionGroup) as caught:
            await _call_with_failing_task(client)
        assert [type(error) for error in caught.value.exceptions] == [KeyError]


async def _call_with_timeout(client: AsyncTwelveLabs) -> None:
    async with asyncio.timeout(0.05):
        await client.request("GET", "/x")


async def _call_with_failing_task(client: AsyncTwelveLabs) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(client.request("GET", "/x"))
        group.create_task(_fail())


async def _fail() -> None:
    await asyncio.sleep(0.02)
    raise KeyError


def _run_without_a_loop(function: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    function().send(None)


def state_error_message(call: Coroutine[Any, Any, object]) -> str:
    """Return the message of the ClientStateError that the first step of a call raises, before it waits for anything."""
    with pytest.raises(ClientStateError) as caught:
        call.send(None)
    return str(caught.value)


async def test_p23_a_closed_client_raises_client_state_error(emulator: Emulator) -> None:
    client = AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url)
    derived = client.with_options(timeout=5)
    await client.request("GET", "/indexes")
    await client.close()
    await client.close()
    assert client.closed
    assert derived.closed
    assert "closed" in state_error_message(client.request("GET", "/indexes"))
    assert "closed" in state_error_message(derived.request("GET", "/indexes"))


async def test_closing_a_derived_client_does_not_close_the_original(client: AsyncTwelveLabs) -> None:
    async with client.with_options(timeout=5) as derived:
        await derived.request("GET", "/indexes")
    assert not client.closed
    await client.request("GET", "/indexes")


def test_p23_a_client_used_in_another_event_loop_raises_client_state_error() -> None:

    async def use(client: AsyncTwelveLabs, server: RawServer) -> None:
        async with server:
            object.__setattr__(client._settings, "base_url", server.base_url)
            await client.request("GET", "/x")
            await client.close()

    async def misuse(client: AsyncTwelveLabs) -> str:
        await asyncio.sleep(0)
        return state_error_message(client.request("GET", "/x"))

    client = AsyncTwelveLabs(KEY, base_url="http://127.0.0.1:9/v1.3")

    async def first() -> None:
        with pytest.raises(TwelveLabsError):
            await client.with_options(max_retries=0).request("GET", "/x")
        await client._executor.transport._api_client_session.close()  # type: ignore[union-attr]  # so that nothing is left open

    asyncio.run(first())
    assert "event loop" in asyncio.run(misuse(client))
    unused_client = AsyncTwelveLabs(KEY, base_url="http://127.0.0.1:9/v1.3")
    asyncio.run(use(unused_client, RawServer(always_respond(raw_response()))))


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
async def test_p23_a_client_used_before_a_fork_raises_client_state_error_in_the_child(client: AsyncTwelveLabs) -> None:
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
    _, status = os.waitpid(child, 0)  # noqa: ASYNC222  # the child ends immediately
    assert os.waitstatus_to_exitcode(status) == 0
    await client.request("GET", "/indexes")


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_client_created_before_a_fork_works_in_the_child(cli_emulator: ThreadedEmulator) -> None:
    """Gunicorn with a preloaded application creates the client before it forks its workers."""
    client = AsyncTwelveLabs(cli_emulator.api_key, base_url=cli_emulator.base_url)

    async def list_indexes() -> None:
        async with client:
            await client.indexes.list()

    child = os.fork()
    if child == 0:
        code = 1
        try:
            asyncio.run(list_indexes())
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_p23_closing_a_client_in_another_event_loop_raises_client_state_error(cli_emulator: ThreadedEmulator) -> None:
    client = AsyncTwelveLabs(cli_emulator.api_key, base_url=cli_emulator.base_url)
    with asyncio.Runner() as first, asyncio.Runner() as second:
        first.run(client.request("GET", "/indexes"))
        with pytest.raises(ClientStateError, match="another event loop"):
            second.run(client.close())
        assert not client.closed
        first.run(client.aclose())
    assert client.closed


@pytest.mark.parametrize("run", [trio.run, _run_without_a_loop])
def test_a_call_without_an_asyncio_event_loop_raises_client_state_error(
    run: Callable[[Callable[[], Any]], Any],
) -> None:
    async def use() -> None:
        async with AsyncTwelveLabs(KEY) as client:
            await client.indexes.list()

    with pytest.raises(ClientStateError, match="asyncio"):
        run(use)


async def test_p23_leaving_the_block_closes_all_connections() -> None:
    async with RawServer(always_respond(raw_response())) as server:
        async with AsyncTwelveLabs(KEY, base_url=server.base_url) as client:
            await asyncio.gather(*(client.request("GET", f"/{number}") for number in range(10)))
            assert server.open_connections > 0
        await eventually(lambda: server.open_connections == 0)


async def test_a_client_that_was_never_used_needs_no_closing() -> None:
    AsyncTwelveLabs(KEY)
    gc.collect()


async def test_p23_an_unclosed_client_warns_once_and_its_connections_are_closed() -> None:
    async with RawServer(always_respond(raw_response())) as server, fail_on_loop_errors():
        client = AsyncTwelveLabs(KEY, base_url=server.base_url)
        await client.request("GET", "/x")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del client
            gc.collect()
        assert [(warning.category, "async with" in str(warning.message)) for warning in caught] == [
            (ResourceWarning, True)
        ]
        await eventually(lambda: server.open_connections == 0)


async def test_p23_closing_the_client_ends_calls_in_progress_with_library_errors() -> None:
    async with RawServer(stall) as server:
        client = AsyncTwelveLabs(KEY, base_url=server.base_url, connection_limit=3)
        tasks = [asyncio.create_task(client.request("GET", f"/{number % 4}")) for number in range(12)]
        await eventually(lambda: len(server.requests) == 3)
        await client.close()
        async with asyncio.timeout(30):
            results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(result, TwelveLabsError) for result in results), results


async def test_an_external_session_is_used_and_not_closed() -> None:
    async with RawServer(always_respond(raw_response())) as server, aiohttp.ClientSession() as session:
        async with AsyncTwelveLabs(KEY, base_url=server.base_url, session=session) as client:
            await client.request("GET", "/x")
        assert not session.closed
        assert server.open_connections == 1
        async with AsyncTwelveLabs(KEY, base_url=server.base_url, session=session) as client:
            await client.request("GET", "/x")
        assert server.connection_count == 1


async def test_a_closed_external_session_raises_client_state_error() -> None:
    session = aiohttp.ClientSession()
    await session.close()
    async with AsyncTwelveLabs(KEY, session=session) as client:
        with pytest.raises(ClientStateError, match="passed in"):
            await client.request("GET", "/x")


async def test_an_external_session_closed_between_two_calls_raises_client_state_error() -> None:
    session = aiohttp.ClientSession()
    video = VideoAsset(asset_id="a1")
    async with (
        RawServer(always_respond(raw_response())) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, session=session) as client,
    ):
        await client.request("GET", "/x")
        await session.close()
        calls: list[Coroutine[Any, Any, object]] = [
            client.request("GET", "/x"),
            client.assets.upload(b"x", filename="a.mp4"),
            client.analyze_stream(video=video, prompt="What happens?").text(),
        ]
        for call in calls:
            with pytest.raises(ClientStateError, match=r"passed in is closed; .* was not executed"):
                await call
        assert len(server.requests) == 1


def test_an_external_session_of_another_event_loop_raises_client_state_error() -> None:
    async def open_session() -> aiohttp.ClientSession:
        await asyncio.sleep(0)
        return aiohttp.ClientSession()

    async def use(session: aiohttp.ClientSession) -> None:
        async with AsyncTwelveLabs(KEY, session=session) as client:
            with pytest.raises(ClientStateError, match="another event loop"):
                await client.request("GET", "/x")

    with asyncio.Runner() as first:
        session = first.run(open_session())
        with asyncio.Runner() as second:
            second.run(use(session))
        first.run(session.close())


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"], ids=["no response", "half"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_error_of_a_call_interrupted_by_close_says_that_it_may_have_been_executed(
    method: Any, sent: bytes
) -> None:
    async def respond(request: RawRequest, writer: asyncio.StreamWriter) -> bytes:
        writer.write(sent)
        return await stall(request, writer)

    async with RawServer(respond) as server:
        client = AsyncTwelveLabs(KEY, base_url=server.base_url)
        call = asyncio.create_task(client.request(method, "/x"))
        await eventually(lambda: len(server.requests) == 1)
        await client.close()
        with pytest.raises(ClientStateError, match=r"closed during the call; .* may have been executed"):
            await call


async def test_trace_configs_receive_every_request() -> None:
    methods = list[str]()

    async def record_method(_session: object, _context: object, params: aiohttp.TraceRequestStartParams) -> None:
        await asyncio.sleep(0)
        methods.append(params.method)

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(record_method)
    async with (
        RawServer(always_respond(raw_response())) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, trace_configs=[trace]) as client,
    ):
        await client.request("GET", "/x")
    assert methods == ["GET"]


async def read_whole_body(_session: object, _context: object, params: aiohttp.TraceRequestEndParams) -> None:
    await params.response.text()


@pytest.fixture
async def read_client() -> AsyncIterator[AsyncTwelveLabs]:
    """A client with a trace that reads each response before the client does."""
    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(read_whole_body)
    events = b'{"event_type": "text_generation", "text": "hi"}\n{"event_type": "stream_end", "metadata": {}}\n'

    async def respond(request: RawRequest, _writer: asyncio.StreamWriter) -> bytes:
        body = events if request.target.endswith("/analyze") else b'{"_id": "i", "index_name": "x"}'
        return raw_response(418 if request.target.endswith("/wrong") else 200, body=body)

    async with (
        RawServer(respond) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, trace_configs=[trace]) as client,
    ):
        yield client


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_response_that_a_trace_has_read_is_returned(read_client: AsyncTwelveLabs, method: Method) -> None:
    assert await read_client.request(method, "/x") == {"_id": "i", "index_name": "x"}


async def test_a_file_is_uploaded_although_a_trace_reads_the_response(read_client: AsyncTwelveLabs) -> None:
    form = Form.build([FilePart(name="file", filename="a", content=lambda: iter_chunks(b"x"), size=1)])
    assert (await read_client.request("POST", "/x", form=form))["_id"] == "i"


async def test_an_error_that_a_trace_has_read_keeps_its_body(read_client: AsyncTwelveLabs) -> None:
    with pytest.raises(APIError) as caught:
        await read_client.request("GET", "/wrong")
    assert "index_name" in caught.value.body


async def test_a_stream_that_a_trace_has_read_yields_its_events(read_client: AsyncTwelveLabs) -> None:
    stream = read_client.analyze_stream(video={"type": "asset_id", "asset_id": "a"}, prompt="?")
    assert (await stream.final()).data == "hi"


# Arguments and results of calls.


@attrs.frozen
class CustomModel:
    """A model of the caller."""

    name: str
    sizes: list[int] = attrs.field(factory=list[int])


async def test_any_operation_can_be_called_with_request() -> None:
    response = raw_response(body='{"name": "x", "sizes": [1, 2], "more": true}', headers={"X-Api-Version": "1.3.7"})
    async with RawServer(always_respond(response)) as server, AsyncTwelveLabs(KEY, base_url=server.base_url) as client:
        assert client.api_version is None
        raw = await client.request(
            "GET", "/new/{thing-id}", path_params={"thing_id": "a b"}, query={"page": 1, "x": ["a", "b"]}
        )
        assert raw == {"name": "x", "sizes": [1, 2], "more": True}
        model = await client.request("POST", "/new", response_type=CustomModel, json={"a": 1})
        assert model == CustomModel("x", [1, 2])
        await client.request("DELETE", "/new", response_type=type(None))
        await client.request("POST", "/new", form=Form.build(a="b"))
        assert client.api_version == "1.3.7"
        first, second, third, fourth = server.requests
        assert first.target == "/v1.3/new/a%20b?page=1&x=a&x=b"
        assert (second.headers["Content-Type"], second.body) == ("application/json", b'{"a":1}')
        assert (third.method, third.body) == ("DELETE", b"")
        assert fourth.headers["Content-Type"].startswith("multipart/form-data; boundary=")
        assert first.headers["User-Agent"].startswith("twelvelabs-async/")


INVALID_ARGUMENTS: dict[str, list[Any]] = {
    "path_template": [
        *(None, 5, b"/x", "", "x", "/x?a=b", "/x#f", "/a b", "/x\r\nA: b", "/é"),
        *("/a/../b", "/%2E%2e/b", "/{", "/{a b}", "/a\\b", "/%zz"),
    ],
    "method": [None, 5, "get", "TRACE", "GET /x"],
    "path_params": [5, "x", [], {5: "a"}],
    "query": [5, "x", [], {5: "a"}],
    "headers": [5, "x", {"a\n": "b"}],
    "form": [5, {}, "x"],
    "retry_class": [5, "none", ""],
    "response_type": [None, 5, "dict", {}, object, AsyncTwelveLabs],
    "json": [b"{}", float("nan")],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in INVALID_ARGUMENTS.items() for value in values], ids=repr
)
async def test_p18_an_invalid_argument_of_request_is_named_in_the_error_and_nothing_is_sent(
    name: str, value: Any
) -> None:
    async with RawServer(always_respond(raw_response())) as server:
        async with AsyncTwelveLabs(KEY, base_url=server.base_url) as client:
            arguments: dict[str, Any] = {"method": "POST", "path_template": "/x", name: value}
            with pytest.raises(InvalidInputError, match="must be a" if name == "json" else name):
                await client.request(**arguments)
        assert server.requests == []


async def test_p18_a_request_with_two_bodies_is_rejected(client: AsyncTwelveLabs) -> None:
    with pytest.raises(InvalidInputError, match="json= or form="):
        await client.request("POST", "/x", json={}, form=Form.build(a="b"))


async def test_request_raises_the_same_errors_as_methods(client: AsyncTwelveLabs) -> None:
    with pytest.raises(NotFoundError) as caught:
        await client.request("GET", "/indexes/{index-id}", path_params={"index-id": "0" * 24})
    assert caught.value.operation == "GET /indexes/{index-id}"
    assert caught.value.code == "resource_not_exist"
    assert caught.value.request_id
    with pytest.raises(MalformedResponseError):
        await client.request("GET", "/indexes", response_type=CustomModel)


@pytest.mark.parametrize(
    ("version", "warnings_count"),
    [("1.3", 0), ("v1.3", 0), ("1.3.9", 0), ("1.4", 1), ("2", 1), ("1.30", 1), ("", 1), ("\x1b[31m" * 5, 1)],
    ids=repr,
)
async def test_another_api_version_is_logged_once(
    version: str, warnings_count: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "twelvelabs_async")
    response = raw_response(headers={"X-Api-Version": version.replace("\x1b", "")})
    async with RawServer(always_respond(response)) as server, AsyncTwelveLabs(KEY, base_url=server.base_url) as client:
        for _ in range(3):
            await client.request("GET", "/x")
        await client.with_options(timeout=3).request("GET", "/x")
    client_records = [record for record in caplog.records if record.name.startswith("twelvelabs_async")]
    assert len([record for record in client_records if "version" in record.message]) == warnings_count


async def test_p13_connections_are_used_again(clock: FastClock) -> None:
    async with (
        RawServer(always_respond(raw_response())) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, clock=clock, connection_limit=4) as client,
    ):
        for _ in range(5):
            await asyncio.gather(*(client.request("GET", f"/{number}") for number in range(20)))
        assert server.connection_count <= 4


# Errors and tracebacks.


class CallerVariable:
    """An object that only a local variable of the caller refers to."""


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 404},
        {"status": 503, "headers": {"retry-after-ms": "1"}, "times": 2},
        {"status": 429, "headers": {"retry-after-ms": "1"}, "times": 2},
        {"reset": "after", "times": 2},
        {"truncate": True, "times": 2},
        {"html": True, "times": 2},
        {"stall": "before"},
    ],
    ids=str,
)
@pytest.mark.parametrize("with_listener", [False, True])
async def test_a_failed_call_leaves_no_reference_cycle(
    emulator: Emulator, clock: FastClock, fault: Mapping[str, Any], *, with_listener: bool
) -> None:
    """A reference cycle would keep the error, its body and the caller's variables until the next garbage collection."""
    async with AsyncTwelveLabs(
        emulator.api_key,
        base_url=emulator.base_url,
        timeout=0.3 if "stall" in fault else 60,
        max_retries=1,
        on_event=type if with_listener else None,
        clock=clock,
    ) as client:

        async def failing_call() -> weakref.ref[CallerVariable]:
            variable = CallerVariable()
            with pytest.raises(TwelveLabsError):
                await client.request("GET", "/indexes")
            return weakref.ref(variable)

        emulator.faults.add("GET /indexes", **fault)
        gc.collect()
        gc.disable()
        try:
            assert (await failing_call())() is None
        finally:
            gc.enable()


@pytest.mark.parametrize(("status", "attempts"), [(404, 1), (503, 2)])
async def test_a_traceback_is_short_and_shows_the_line_of_the_caller(
    emulator: Emulator, status: int, attempts: int
) -> None:
    emulator.faults.add("GET /indexes/{index-id}", status=status, headers={"retry-after-ms": "1"}, times=attempts)
    async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, max_retries=1) as client:
        with pytest.raises(TwelveLabsError) as caught:
            await client.indexes.retrieve("652d4c2f9a1b3c4d5e6f7a8b")
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert len(frames) <= 7
    assert frames[0].line == 'await client.indexes.retrieve("652d4c2f9a1b3c4d5e6f7a8b")'
    assert not [frame for frame in frames if "tenacity" in frame.filename]
    assert caught.value.__cause__ is caught.value.__context__ is None


class Subclass(AsyncTwelveLabs):
    """A client with an attribute of its own."""

    def __init__(self, tag: str) -> None:
        super().__init__(KEY)
        self.tag = tag


def test_a_derived_client_has_the_class_and_the_attributes_of_the_original() -> None:
    client = Subclass("mine")
    assert client.indexes is client.indexes
    derived = client.with_options(timeout=5)
    assert type(derived) is Subclass
    assert derived.tag == "mine"
    assert derived.indexes is not client.indexes


async def test_create_task_with_a_list_raises_an_error_that_names_ensure_future(
    client: AsyncTwelveLabs,
) -> None:
    pages: Any = client.indexes.list()
    with pytest.raises(TypeError, match=r"asyncio\.ensure_future\(\)"):
        asyncio.get_running_loop().create_task(pages)
    assert list(await asyncio.ensure_future(client.indexes.list())) == []


class AsyncCallable:
    """A callable object whose `__call__` is async."""

    async def __call__(self, _: object) -> None: ...


@pytest.mark.parametrize("callback", [AsyncCallable().__call__, AsyncCallable()], ids=["function", "object"])
async def test_async_callbacks_are_rejected_before_anything_is_sent(
    emulator: Emulator, client: AsyncTwelveLabs, callback: Any
) -> None:
    with pytest.raises(InvalidInputError, match="on_progress must be a plain function"):
        await client.assets.upload(b"x", filename="a.mp4", on_progress=callback)
    with pytest.raises(InvalidInputError, match="on_progress must be a plain function"):
        async with client.assets.temporary(b"x", filename="a.mp4", on_progress=callback):
            pass
    with pytest.raises(InvalidInputError, match="on_event must be a plain function"):
        client.ingest(["a.mp4"], index_id="i", on_event=callback)
    with pytest.raises(InvalidInputError, match="on_event must be a plain function"):
        AsyncTwelveLabs(KEY, on_event=callback)
    assert len(emulator.requests) == 0


@pytest.mark.parametrize(
    ("path", "statuses", "expect_hint"),
    [("", [404], True), ("/api", [404, 404], True), ("/v1.3", [404], False), ("", [200, 404], False)],
    ids=["no path", "no version", "with a version", "after a success"],
)
async def test_a_base_url_without_its_version_gets_a_hint_if_each_response_is_404(
    path: str,
    statuses: list[int],
    expect_hint: bool,  # noqa: FBT001  # a pytest parameter
) -> None:
    responses = [raw_response(status, b'{"code": "not_found", "message": "nothing here"}') for status in statuses]
    async with (
        RawServer(respond_in_order(responses)) as server,
        AsyncTwelveLabs(KEY, base_url=server.origin + path) as client,
    ):
        for status in statuses:
            if status == 200:
                await client.request("GET", "/x")
        for _ in range(statuses.count(404)):
            with pytest.raises(NotFoundError) as caught:
                await client.request("GET", "/x")
            hint = f"nothing here; base_url has no API version: use {server.origin}{path}/v1.3"
            assert (hint in str(caught.value)) is expect_hint
