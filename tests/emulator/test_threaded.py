"""The emulator in a thread, for programs without an event loop."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError, URLError

import pytest

from twelvelabs_async.emulator import Emulator, Plan, ThreadedEmulator, Window
from twelvelabs_async.emulator._state.entities import State

MODELS = [{"model_name": "marengo3.0", "model_options": ["visual"]}]


@pytest.fixture
def emulator() -> Iterator[ThreadedEmulator]:
    with ThreadedEmulator(plan="free", seed=7) as started:
        yield started


def send_request(emulator: ThreadedEmulator, path: str, content: object = None) -> Any:
    body = None if content is None else json.dumps(content).encode()
    headers = {"x-api-key": emulator.api_key, "Content-Type": "application/json"}
    request = urllib.request.Request(emulator.base_url + path, body, headers)  # noqa: S310  # a URL of the emulator
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
        return json.load(response)


def make_index(emulator: ThreadedEmulator, name: str = "films") -> str:
    return str(send_request(emulator, "/indexes", {"index_name": name, "models": MODELS})["_id"])


def test_objects_and_requests_can_be_inspected(emulator: ThreadedEmulator) -> None:
    created = make_index(emulator)
    assert list(emulator.state.indexes) == [created]
    assert [request.route for request in emulator.requests] == ["POST /indexes"]
    assert emulator.storage_url.startswith("http://127.0.0.1:")


def test_the_same_seed_gives_the_same_ids(emulator: ThreadedEmulator) -> None:
    with ThreadedEmulator(seed=7) as same_seed, ThreadedEmulator(seed=8) as other_seed:
        assert make_index(emulator) == make_index(same_seed) != make_index(other_seed)


def test_a_fault_added_in_one_thread_is_injected_in_the_other(emulator: ThreadedEmulator) -> None:
    emulator.faults.add("GET /indexes", status=503)
    with pytest.raises(HTTPError, match="503"):
        send_request(emulator, "/indexes")
    assert send_request(emulator, "/indexes")["data"] == []
    emulator.faults.assert_all_hit()


def test_the_plan_can_be_changed_while_it_runs(emulator: ThreadedEmulator) -> None:
    emulator.plan = Plan(default=Window(1))
    assert emulator.plan.default == Window(1)
    make_index(emulator)
    with pytest.raises(HTTPError, match="429"):
        make_index(emulator, "more")
    assert [(window["category"], window["used"]) for window in emulator.limits] == [("other", 1)]
    assert emulator.rate_limited == {("other", "Request"): 1}
    emulator.reset()
    assert not emulator.state.indexes
    assert not emulator.rate_limited
    emulator.plan = "developer"
    make_index(emulator)


def test_changes_run_in_the_emulator_thread(emulator: ThreadedEmulator) -> None:
    emulator.describe("clip.mp4", [(0, 5, "a red car")])
    assert emulator.state.descriptions.by_filename["clip.mp4"].scenes[0].text == "a red car"
    assert emulator.run(lambda _: threading.current_thread().name) == "twelvelabs-emulator"
    assert emulator.run(lambda outer: emulator.run(lambda inner: inner is outer))
    with pytest.raises(ValueError, match="passage"):
        emulator.describe("clip.mp4", [(5, 0, "a red car")])


def test_a_threaded_emulator_can_be_used_before_start_and_after_stop() -> None:
    emulator = ThreadedEmulator()
    emulator.describe("clip.mp4", [(0, 5, "a red car")])
    with pytest.raises(RuntimeError, match="started"):
        _ = emulator.base_url
    with emulator:
        created = make_index(emulator)
    assert emulator.run(get_state).indexes[created].name == "films"
    with emulator:
        assert send_request(emulator, f"/indexes/{created}")["index_name"] == "films"


def get_state(emulator: Emulator) -> State:
    return emulator.state


def test_stopping_ends_the_thread_and_closes_the_socket() -> None:
    before = threading.active_count()
    emulator = ThreadedEmulator()
    emulator.start()
    base_url = emulator.base_url
    with pytest.raises(RuntimeError, match="already"):
        emulator.start()
    emulator.stop()
    emulator.stop()
    assert threading.active_count() == before
    with pytest.raises(URLError):
        urllib.request.urlopen(base_url, timeout=10)  # noqa: S310


def test_a_port_in_use_raises_in_start(emulator: ThreadedEmulator) -> None:
    before = threading.active_count()
    second = ThreadedEmulator(port=int(emulator.base_url.split(":")[-1].split("/")[0]))
    with pytest.raises(OSError, match="address"):
        second.start()
    assert threading.active_count() == before


def test_a_threaded_emulator_rejects_invalid_arguments() -> None:
    with pytest.raises(TypeError, match="sed"):
        ThreadedEmulator(sed=7)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # a misspelled argument
    with pytest.raises(ValueError, match="free, developer"):
        ThreadedEmulator(plan="gold")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # an unknown plan
