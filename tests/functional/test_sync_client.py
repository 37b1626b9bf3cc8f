"""`TwelveLabs`, the client without `await`: in scripts, threads, forks and notebooks."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import pickle
import subprocess
import sys
import threading
import traceback
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from support import KEY, UNREACHABLE_URL

from twelvelabs_async import APIConnectionError, AsyncTwelveLabs, ClientStateError, InvalidInputError, NotFoundError
from twelvelabs_async._cli.demo import SAMPLE_VIDEOS
from twelvelabs_async._sync_client import LoopThread, _Call  # pyright: ignore[reportPrivateUsage]  # interrupted here
from twelvelabs_async.emulator import ThreadedEmulator, Timing
from twelvelabs_async.models import StreamStart, TextGeneration
from twelvelabs_async.sync import SyncPager, TwelveLabs

MODELS: Any = [{"model_name": "marengo3.0", "model_options": ["visual"]}]
CLIP = SAMPLE_VIDEOS / "sailing-boat-at-sunset.mp4"


@pytest.fixture(scope="module")
def shared() -> Iterator[ThreadedEmulator]:
    with ThreadedEmulator(timing=Timing(asset=0, indexing=0, analysis=0)) as emulator:
        yield emulator


@pytest.fixture
def emulator(shared: ThreadedEmulator) -> ThreadedEmulator:
    shared.reset()
    return shared


@pytest.fixture
def client(emulator: ThreadedEmulator) -> Iterator[TwelveLabs]:
    with TwelveLabs(emulator.api_key, base_url=emulator.base_url) as opened:
        yield opened


def loop_threads() -> int:
    return sum(thread.name == "twelvelabs-loop" for thread in threading.enumerate())


def wait_until(condition: Any) -> None:
    deadline = threading.Event()
    for _ in range(6000):
        if condition():
            return
        deadline.wait(0.01)
    pytest.fail("timed out")


# Calls.


def test_methods_return_results_instead_of_coroutines(client: TwelveLabs) -> None:
    created = client.indexes.create(index_name="holiday", models=MODELS)
    assert client.indexes.retrieve(created.id).index_name == "holiday"
    assert client.request("GET", "/indexes")["data"][0]["_id"] == created.id
    assert client.indexes.delete(created.id) is None  # type: ignore[func-returns-value]  # the method is typed to return None


def test_a_list_is_fetched_by_the_call_and_each_page_once(client: TwelveLabs, emulator: ThreadedEmulator) -> None:
    for number in range(5):
        client.indexes.create(index_name=f"index {number}", models=MODELS)
    emulator.requests.clear()
    pager = client.indexes.list(page_limit=2)
    assert len(emulator.requests) == 1
    assert (len(pager.items), pager.total, pager.total_pages, pager.has_next) == (2, 5, 3, True)
    assert isinstance(pager, SyncPager)
    assert len(list(pager)) == 5
    assert len(emulator.requests) == 3
    assert len({index.id for index in pager}) == 5  # fetched again from the first page
    assert len(emulator.requests) == 6
    assert [page.number for page in client.indexes.list(page_limit=2).pages()] == [1, 2, 3]
    assert [len(page.items) for page in client.indexes.list(page_limit=2).iter_pages()] == [2, 2, 1]
    assert len(client.indexes.list(page_limit=2).to_list(3)) == 3
    assert len(list(client.indexes.list(page_limit=1).prefetch(4))) == 5


def test_a_list_call_raises_its_error_immediately(emulator: ThreadedEmulator) -> None:
    """A program that checks its API key with a list call relies on this."""
    with TwelveLabs("tlk_WRONG", base_url=emulator.base_url) as client, pytest.raises(Exception, match="401"):
        client.indexes.list()


def test_a_stream_is_iterated_with_for(client: TwelveLabs) -> None:
    asset = client.assets.upload(CLIP, wait=True)
    video: Any = {"type": "asset_id", "asset_id": asset.id}
    stream = client.analyze_stream(video=video, prompt="What happens?")
    events = list(stream)
    assert [type(event) for event in events][:2] == [StreamStart, TextGeneration]
    text = client.analyze_stream(video=video, prompt="What happens?").text()
    assert text == stream.text_so_far == client.analyze(video=video, prompt="What happens?").data
    with client.analyze_stream(video=video, prompt="What happens?") as opened:
        next(iter(opened))
        assert opened.final().data == text


def test_a_stream_that_is_not_read_to_its_end_frees_its_connection(
    client: TwelveLabs, emulator: ThreadedEmulator
) -> None:
    asset = client.assets.upload(CLIP, wait=True)
    for _ in client.analyze_stream(video={"type": "asset_id", "asset_id": asset.id}, prompt="What happens?"):
        break
    gc.collect()
    wait_until(lambda: emulator.run(lambda running: running.in_flight) == 0)
    assert client.indexes.list().items == ()


def test_a_temporary_asset_is_deleted(client: TwelveLabs) -> None:
    with client.assets.temporary(CLIP) as asset:
        assert client.assets.retrieve(asset.id).status == "ready"
    with pytest.raises(NotFoundError):
        client.assets.retrieve(asset.id)
    with pytest.raises(KeyboardInterrupt), client.assets.temporary(CLIP) as second:
        raise KeyboardInterrupt
    with pytest.raises(NotFoundError):
        client.assets.retrieve(second.id)


def test_ingestions_yield_results(client: TwelveLabs, tmp_path: Path) -> None:
    index = client.indexes.create(index_name="holiday", models=MODELS)
    results = list(client.ingest(SAMPLE_VIDEOS, index_id=index.id, ledger=str(tmp_path / "a.ledger")))
    assert [result.status for result in results] == ["ready"] * 3
    with client.ingest(SAMPLE_VIDEOS, index_id=index.id, ledger=str(tmp_path / "a.ledger")) as ingestion:
        assert ingestion.summary().ready == 3
    drained = client.ingest(SAMPLE_VIDEOS, index_id=index.id)
    drained.drain()
    assert {result.status for result in drained} <= {"ready", "skipped"}


def test_waits_return_the_finished_resource(client: TwelveLabs) -> None:
    statuses: list[str] = []
    asset = client.assets.upload(CLIP)
    completed = client.assets.wait_for_done(asset.id, callback=lambda state: statuses.append(str(state.status)))
    assert (completed.status, statuses[-1]) == ("ready", "ready")
    assert [result.result().id for result in client.assets.wait_for_all([asset.id])] == [asset.id]


def test_with_options_and_with_raw_response_return_working_clients(client: TwelveLabs) -> None:
    index = client.indexes.create(index_name="holiday", models=MODELS)
    client_with_options = client.with_options(max_retries=0, extra_headers={"X-Trial": "1"})
    response = client_with_options.with_raw_response.indexes.retrieve(index.id)
    assert (response.status_code, response.attempts, response.data.id) == (200, 1, index.id)
    pager = client_with_options.with_raw_response.indexes.list()
    assert pager.request_id == pager.headers["x-trace-id"]
    assert [page.data.number for page in pager.pages()] == [1]
    with client_with_options:
        pass
    assert not client.closed
    assert client.indexes.list().total == 1
    with pytest.raises(InvalidInputError):
        client.with_options(max_retries=-1)


def test_a_client_is_not_pickled() -> None:
    with TwelveLabs(KEY) as client, pytest.raises(TypeError, match="create one in the process that uses it"):
        pickle.dumps(client.indexes)


def test_an_aiohttp_session_is_rejected() -> None:
    async def with_session() -> None:
        async with aiohttp.ClientSession() as session:
            TwelveLabs(KEY, session=session)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # passed by mistake

    with pytest.raises(InvalidInputError, match="needs an event loop"):
        asyncio.run(with_session())


def test_an_unknown_attribute_has_an_error_with_a_suggestion(client: TwelveLabs) -> None:
    untyped: Any = client
    with pytest.raises(AttributeError, match=r"'TwelveLabs' object has no attribute 'index'; use client\.indexes"):
        _ = untyped.index
    with pytest.raises(AttributeError, match="no attribute '_executor'"):
        _ = untyped._executor
    assert {"indexes", "assets", "ingest", "with_options"} <= set(dir(client))
    assert "retrieve" in dir(client.indexes)
    assert repr(client).startswith("TwelveLabs(base_url=")
    assert repr(client.indexes.list()) == "<SyncPager of GET /indexes: iterate over it, or use items>"


def test_a_deprecated_method_warns_at_the_line_of_the_caller(client: TwelveLabs) -> None:
    with pytest.warns(DeprecationWarning, match="deprecated by Twelve Labs") as caught:
        client.tasks.list()
    assert caught[0].filename == __file__


# Errors.


def test_an_error_has_the_line_of_the_caller_and_no_reference_cycle(emulator: ThreadedEmulator) -> None:
    gc.collect()
    gc.disable()
    try:
        client = TwelveLabs(emulator.api_key, base_url=emulator.base_url)
        text, freed = "", weakref.ref[Any](client)
        try:  # pytest.raises keeps references
            client.indexes.retrieve("f" * 24)
        except NotFoundError as error:
            text = "".join(traceback.format_exception(error))
            freed = weakref.ref[Any](error)
        assert 'client.indexes.retrieve("f" * 24)' in text
        assert "During handling" not in text
        wait_until(lambda: freed() is None)  # the thread of the call may still have a reference
        owner = weakref.ref(client)
        del client
        wait_until(lambda: owner() is None)
    finally:
        gc.enable()


def test_connection_errors_are_the_same_as_in_the_async_client() -> None:
    with TwelveLabs(KEY, base_url=UNREACHABLE_URL, max_retries=0) as client, pytest.raises(APIConnectionError):
        client.indexes.list()


# Lifecycle of a client.


def test_a_closed_client_raises_client_state_error(client: TwelveLabs) -> None:
    client.indexes.list()
    threads = loop_threads()
    client.close()
    client.close()
    assert client.closed
    assert loop_threads() == threads - 1
    with pytest.raises(ClientStateError, match="the client is closed"):
        client.indexes.list()


def test_a_client_starts_its_thread_at_the_first_call_and_ends_it_when_it_is_collected(
    emulator: ThreadedEmulator,
) -> None:
    before = loop_threads()
    client = TwelveLabs(emulator.api_key, base_url=emulator.base_url)
    indexes = client.indexes
    assert loop_threads() == before
    client.indexes.list()
    del client
    assert indexes.list().items == ()  # a resource keeps the client alive
    assert loop_threads() == before + 1
    del indexes
    gc.collect()
    wait_until(lambda: loop_threads() == before)


def test_many_threads_share_a_client(client: TwelveLabs, emulator: ThreadedEmulator) -> None:
    index = client.indexes.create(index_name="holiday", models=MODELS)
    with ThreadPoolExecutor(16) as pool:
        indexes = list(pool.map(client.indexes.retrieve, [index.id] * 200))
    assert {index.index_name for index in indexes} == {"holiday"}
    assert len(emulator.requests) == 201


def test_closing_the_client_fails_calls_in_progress(client: TwelveLabs, emulator: ThreadedEmulator) -> None:
    emulator.faults.add("GET /indexes", stall="after")
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(client.request, "GET", "/indexes")
        wait_until(lambda: emulator.run(lambda running: running.in_flight) == 1)
        client.close()
        error = call.exception()
    assert isinstance(error, ClientStateError)


def test_a_callback_runs_in_the_context_of_the_caller(emulator: ThreadedEmulator) -> None:
    """Tracers find the span of the caller in this context."""
    variable = contextvars.ContextVar("span", default="none")
    values: list[str] = []

    def on_event(_: object) -> None:
        values.append(variable.get())

    with TwelveLabs(emulator.api_key, base_url=emulator.base_url, on_event=on_event) as client:
        client.indexes.list()
        variable.set("mine")
        client.indexes.list()
    assert values[0] == "none"
    assert values[-1] == "mine"


# Event loops.


async def test_a_call_in_a_coroutine_raises_client_state_error(client: TwelveLabs) -> None:
    def helper() -> None:
        client.indexes.list()

    for call in (client.indexes.list, helper):
        with pytest.raises(ClientStateError, match=r"called in the coroutine .*; use AsyncTwelveLabs and await"):
            call()


def test_a_call_in_a_callback_of_the_client_raises_client_state_error(client: TwelveLabs) -> None:
    asset = client.assets.upload(CLIP)

    def callback(_: object) -> None:
        client.indexes.list()

    with pytest.raises(ClientStateError, match="a callback of TwelveLabs must not call it"):
        client.assets.wait_for_done(asset.id, callback=callback)


def test_a_notebook_cell_can_use_the_client_despite_its_running_loop(emulator: ThreadedEmulator) -> None:
    variables: dict[str, Any] = {"key": emulator.api_key, "url": emulator.base_url}
    cell = compile(
        "from twelvelabs_async import TwelveLabs\n"
        "def count():\n"
        "    return client.indexes.list().total\n"
        "with TwelveLabs(key, base_url=url) as client:\n"
        "    total = count()\n",
        "<cell>",
        "exec",
    )

    async def run_cell() -> None:
        await asyncio.sleep(0)
        exec(cell, variables)  # noqa: S102  # a notebook runs cells like this

    asyncio.run(run_cell(), debug=False)
    assert variables["total"] == 0


# Processes.

PROGRAM = """
import os, sys
from twelvelabs_async import TwelveLabs
client = TwelveLabs()
"""


def run_program(emulator: ThreadedEmulator, code: str, *options: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "TWELVELABS_API_KEY": emulator.api_key, "TWELVELABS_BASE_URL": emulator.base_url}
    command = [sys.executable, "-W", "error", "-X", "dev", *options, "-c", PROGRAM + code]
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603


def test_a_program_with_an_unclosed_client_exits_without_warnings(emulator: ThreadedEmulator) -> None:
    completed = run_program(
        emulator, "print(client.indexes.list().total)\nheld = client.indexes.list().pages()\nnext(held)"
    )
    assert (completed.returncode, completed.stdout.strip()) == (0, "0")
    assert "Error" not in completed.stderr
    assert "Warning" not in completed.stderr


def test_a_program_with_an_error_prints_only_its_traceback(emulator: ThreadedEmulator) -> None:
    completed = run_program(emulator, "client.indexes.retrieve('f' * 24)")
    assert completed.returncode == 1
    assert completed.stderr.count("Error") == 1
    assert "Warning" not in completed.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_used_client_works_after_a_fork(emulator: ThreadedEmulator) -> None:
    completed = run_program(
        emulator,
        """
client.indexes.create(index_name="a", models=[{"model_name": "marengo3.0", "model_options": ["visual"]}])
view, indexes = client.with_options(timeout=30), client.indexes
assert view.indexes.list().total == 1
child = os.fork()
total = client.indexes.list().total + view.indexes.list().total + indexes.list().total
if child == 0:
    sys.exit(10 + total)  # with all destructors
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), total, client.indexes.list().total)
""",
        "-W",
        "ignore:This process:DeprecationWarning",  # warning of CPython about forks with threads
    )
    assert (completed.returncode, completed.stdout.split()) == (0, ["13", "3", "1"]), completed.stderr
    assert "Error" not in completed.stderr
    assert "Warning" not in completed.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_ends_the_call_in_progress_and_later_calls_succeed(emulator: ThreadedEmulator) -> None:
    completed = run_program(
        emulator,
        """
import signal, socket, threading
signal.signal(signal.SIGINT, signal.default_int_handler)
server = socket.create_server(("127.0.0.1", 0))
closed = threading.Event()
def interrupt():
    connection, _ = server.accept()
    connection.recv(4096)
    os.kill(os.getpid(), signal.SIGINT)
    while connection.recv(4096):
        pass
    connection.close()
    closed.set()
thread = threading.Thread(target=interrupt)
thread.start()
with TwelveLabs("k", base_url=f"http://127.0.0.1:{server.getsockname()[1]}") as stalled:
    try:
        stalled.indexes.retrieve("a" * 24)
    except KeyboardInterrupt:
        assert closed.wait(60), "the connection is open"
        print("interrupted", client.indexes.list().total)
thread.join()
server.close()
""",
    )
    assert (completed.returncode, completed.stdout.split()) == (0, ["interrupted", "0"]), completed.stderr
    assert "Warning" not in completed.stderr


@pytest.mark.parametrize("interrupted", ["before the start", "after the start", "at the end"])
def test_an_exception_that_interrupts_a_call_ends_it(
    interrupted: str, client: TwelveLabs, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit = LoopThread._submit  # pyright: ignore[reportPrivateUsage]  # replaced below
    wait: Callable[[_Call[Any]], None] = vars(_Call)["wait"]

    def interrupted_submit(thread: LoopThread, call: Any) -> None:
        if interrupted == "after the start":
            submit(thread, call)
        raise KeyboardInterrupt

    interruptions = iter([KeyboardInterrupt])

    def interrupted_wait(call: _Call[Any]) -> None:
        wait(call)
        for interruption in interruptions:
            raise interruption

    with monkeypatch.context() as patch:
        if interrupted == "at the end":
            patch.setattr(_Call, "wait", interrupted_wait)
        else:
            patch.setattr(LoopThread, "_submit", interrupted_submit)
        with pytest.raises(KeyboardInterrupt):
            client.indexes.list()
    assert client.indexes.list().total == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_lists_and_streams_of_the_parent_raise_client_state_error_after_a_fork(emulator: ThreadedEmulator) -> None:
    completed = run_program(
        emulator,
        f"""
from twelvelabs_async import ClientStateError
asset = client.assets.upload({str(CLIP)!r}, wait=True)
found, pages = client.indexes.list(), client.indexes.list().pages()
stream = client.analyze_stream(video={{"type": "asset_id", "asset_id": asset.id}}, prompt="What happens?")
with stream:
    events = iter(stream)
    first = next(events)
    child = os.fork()
    if child == 0:
        for use in (lambda: next(pages), found.to_list, lambda: next(events), stream.text):
            try:
                use()
            except ClientStateError as error:
                print(error, flush=True)
        stream.close()
        stream.__exit__(None, None, None)
        os._exit(0)
    os.waitpid(child, 0)
    print(next(pages).total, len(list(events)) > 0)
""",
        "-W",
        "ignore:This process:DeprecationWarning",  # warning of CPython about forks with threads
    )
    message = "used after fork; call the method of the client again in this process"
    assert completed.stdout.splitlines() == [*[message] * 4, "0 True"], completed.stderr


@pytest.mark.parametrize("used", [False, True])
def test_a_call_while_the_program_exits_raises_client_state_error(emulator: ThreadedEmulator, *, used: bool) -> None:
    """The main thread has ended; another thread resolves a host name and reads a file."""
    completed = run_program(
        emulator,
        f"""
import threading
from twelvelabs_async import ClientStateError
client = TwelveLabs(base_url=os.environ["TWELVELABS_BASE_URL"].replace("127.0.0.1", "localhost"))
if {used}:
    client.indexes.list()
def work():
    threading.main_thread().join()
    for call in (client.indexes.list, lambda: client.assets.upload({str(CLIP)!r})):
        try:
            print(type(call()).__name__)
        except ClientStateError as error:
            print(type(error).__name__)
threading.Thread(target=work).start()
""",
    )
    assert completed.stdout.split() == ["SyncPager" if used else "ClientStateError", "ClientStateError"], (
        completed.stderr
    )
    assert "Traceback" not in completed.stderr


def test_a_second_thread_that_waits_for_the_same_page_gets_client_state_error(
    client: TwelveLabs, emulator: ThreadedEmulator
) -> None:
    for name in "ab":
        client.indexes.create(index_name=name, models=MODELS)
    pages = client.indexes.list(page_limit=1).pages()
    assert next(pages).number == 1
    emulator.faults.add("GET /indexes", stall="after")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: next(pages))
        wait_until(lambda: emulator.run(lambda running: running.in_flight) == 1)
        with pytest.raises(ClientStateError, match="another thread"):
            next(pages)
        client.close()
        assert isinstance(waiting.exception(), ClientStateError)


def test_a_list_with_raw_responses_is_iterated_by_page(client: TwelveLabs) -> None:
    pages: Any = client.with_raw_response.indexes.list()
    with pytest.raises(TypeError, match=r"pages\(\)"):
        list(pages)
    assert [response.status_code for response in pages.pages()] == [200]


# The asynchronous client without `await`.


async def test_the_async_client_without_await_raises_errors_that_name_twelvelabs(emulator: ThreadedEmulator) -> None:
    async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url) as client:
        pager: Any = client.indexes.list()
        with pytest.raises(AttributeError, match=r"await the list for its first page: .*items. TwelveLabs needs no"):
            _ = pager.items
        with pytest.raises(TypeError, match="TwelveLabs, the client without `await`"):
            list(pager)
        stream: Any = client.analyze_stream(video={"type": "url", "url": "https://a.example/b.mp4"}, prompt="?")
        with pytest.raises(TypeError, match="TwelveLabs"):
            list(stream)
        untyped: Any = client
        with pytest.raises(TypeError, match="TwelveLabs"), untyped:
            pass
