"""`wait_for_all`: one outcome for each id, with few requests, in virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs
import pytest
from support import FastClock, LoopClock, fake_response, make_executor, run_in_virtual_time

from twelvelabs_async._core.executor import RequestExecutor
from twelvelabs_async._http.transport import Response
from twelvelabs_async.errors import (
    AuthenticationError,
    InvalidInputError,
    NotFoundError,
    ProcessingFailedError,
    QuotaExhaustedError,
    WaitTimeoutError,
)
from twelvelabs_async.models.embed import EmbeddingTask
from twelvelabs_async.resources.assets import Assets
from twelvelabs_async.resources.embed import Embed, EmbedV2
from twelvelabs_async.resources.indexed_assets import IndexedAssets
from twelvelabs_async.resources.knowledge_stores import KnowledgeStoreItems
from twelvelabs_async.resources.tasks import Tasks
from twelvelabs_async.waiting import WaitResult

PAGE = 50


@attrs.define
class FakePlatform:
    """A fake platform whose resources finish at given times, listed from the newest to the oldest."""

    clock: Any
    finish_times: dict[str, float]
    """The time at which each resource finishes."""
    failing_ids: frozenset[str] = frozenset()
    """Ids of the resources that fail."""
    is_unlisted: Callable[[str, float], bool] = lambda _id, _now: False
    """Returns whether lists omit an id at a time."""
    fault: Callable[[str, float], Response | None] = lambda _path, _now: None
    """Returns a response to send in place of the normal one, or None."""
    requests: list[str] = attrs.field(factory=list[str])

    def entry(self, id: str) -> dict[str, Any]:
        status = "processing"
        if self.clock.monotonic() >= self.finish_times[id]:
            status = "failed" if id in self.failing_ids else "ready"
        return {"_id": id, "status": status}

    async def handle(self, _method: str, path: str) -> Response:
        now = self.clock.monotonic()
        self.requests.append(path)
        fault = self.fault(path, now)
        if fault is not None:
            return fault
        url = urlsplit(path)
        segments, query = url.path.strip("/").split("/"), parse_qs(url.query)
        if segments[-1] == "status":
            segments.pop()
        if segments[-1] in self.finish_times:
            resource = {**self.entry(segments[-1]), "data": [{"embedding": [1.0]}], "error": {"message": "it broke"}}
            return fake_response(content=resource)
        if "page_limit" not in query:
            return fake_response(404, {"code": "resource_not_exist", "message": "nothing of this name"})
        listed_ids = [
            id
            for id in self.finish_times
            if id in query.get("asset_ids", self.finish_times) and not self.is_unlisted(id, now)
        ]
        page = int(query.get("page", ["1"])[0])
        return fake_response(
            content={
                "data": [self.entry(id) for id in listed_ids[(page - 1) * PAGE : page * PAGE]],
                "page_info": {"page": page, "limit_per_page": PAGE, "total_page": -(-len(listed_ids) // PAGE)},
            }
        )

    @property
    def list_count(self) -> int:
        return sum("page_limit" in path for path in self.requests)

    @property
    def lookup_count(self) -> int:
        return len(self.requests) - self.list_count


def ids(count: int, name: str = "t") -> list[str]:
    return [f"{name}{number}" for number in range(count)]


def executor_for(platform: FakePlatform) -> RequestExecutor:
    return make_executor(platform.handle, platform.clock)[0]


async def collect(waiting: AsyncIterator[WaitResult[Any]]) -> list[WaitResult[Any]]:
    return [outcome async for outcome in waiting]


def ids_of(outcomes: Iterable[WaitResult[Any]]) -> list[str]:
    return [outcome.id for outcome in outcomes]


def wait_for_all(executor: RequestExecutor) -> Callable[..., AsyncIterator[WaitResult[Any]]]:
    return KnowledgeStoreItems(executor).wait_for_all


def test_p22_waiting_for_a_thousand_tasks_needs_about_twenty_requests_per_round() -> None:
    """Polling each task individually would exceed the rate limit."""

    async def main() -> None:
        clock = LoopClock()
        platform = FakePlatform(clock, {id: 120.0 + number for number, id in enumerate(ids(1000))})
        outcomes = await collect(wait_for_all(executor_for(platform))("s", ids(1000), sleep_interval=10))
        assert sorted(ids_of(outcomes)) == sorted(ids(1000))
        assert all(outcome.result().status == "ready" for outcome in outcomes)
        rounds = 1120 / 10 + 1
        assert platform.list_count <= 20 * rounds
        assert platform.lookup_count < 1000

    run_in_virtual_time(main())


async def test_each_result_is_yielded_as_soon_as_its_resource_finishes(clock: FastClock) -> None:
    now = clock.monotonic()
    platform = FakePlatform(clock, {"slow": now + 300, "quick": now, "middling": now + 60})
    finished_at: dict[str, float] = {}
    async for outcome in wait_for_all(executor_for(platform))("s", ["slow", "quick", "middling"], sleep_interval=5):
        finished_at[outcome.id] = clock.monotonic() - now
    assert list(finished_at) == ["quick", "middling", "slow"]
    assert finished_at["quick"] < 1
    assert 60 <= finished_at["middling"] < 70
    assert 300 <= finished_at["slow"] < 310


async def test_p24_the_failure_of_one_task_does_not_end_the_wait_for_the_others(clock: FastClock) -> None:
    platform = FakePlatform(clock, dict.fromkeys(["good", "bad"], 0.0), failing_ids=frozenset({"bad"}))
    good, bad = await collect(wait_for_all(executor_for(platform))("s", ["good", "bad"]))
    assert good.error is None
    assert isinstance(bad.error, ProcessingFailedError)
    assert bad.item is not None
    with pytest.raises(ProcessingFailedError):
        bad.result()


async def test_p22_an_unfinished_resource_ends_with_a_timeout_result(clock: FastClock) -> None:
    """Each id has one outcome."""
    platform = FakePlatform(clock, {"quick": 0.0, "stuck": float("inf")})
    started = clock.monotonic()
    quick, stuck = await collect(wait_for_all(executor_for(platform))("s", ["stuck", "quick"], timeout=100))
    assert (quick.id, quick.error) == ("quick", None)
    assert isinstance(stuck.error, WaitTimeoutError)
    assert stuck.error.status == "processing"
    assert stuck.item is not None
    assert 100 <= clock.monotonic() - started < 101


async def test_p22_an_unknown_id_ends_immediately_with_its_own_error(clock: FastClock) -> None:
    platform = FakePlatform(clock, {"known": 0.0})
    known, unknown = await collect(wait_for_all(executor_for(platform))("s", ["unknown", "known"]))
    assert known.error is None
    assert (unknown.id, unknown.item) == ("unknown", None)
    assert isinstance(unknown.error, NotFoundError)


async def test_a_task_missing_from_the_list_is_requested_individually(clock: FastClock) -> None:
    """Embedding tasks are listed for seven days; a wait may last longer."""
    end = clock.monotonic() + 60
    platform = FakePlatform(clock, dict.fromkeys(ids(3), end), is_unlisted=lambda id, _: id == "t1")
    outcomes = await collect(wait_for_all(executor_for(platform))("s", ids(3), sleep_interval=10))
    assert sorted(ids_of(outcomes)) == ids(3)
    rounds = 7
    assert platform.list_count <= rounds
    assert platform.lookup_count == rounds


async def test_tasks_too_new_for_the_list_are_requested_individually_only_once(clock: FastClock) -> None:
    now = clock.monotonic()
    platform = FakePlatform(clock, dict.fromkeys(ids(100), now + 200), is_unlisted=lambda _, at: at < now + 5)
    await collect(wait_for_all(executor_for(platform))("s", ids(100), sleep_interval=10))
    assert platform.lookup_count == 100  # in the first poll only


async def test_a_few_tasks_among_many_do_not_require_reading_the_whole_list(clock: FastClock) -> None:
    """The list is read only as far as that costs fewer requests than individual lookups."""
    others = dict.fromkeys(ids(5000, "other"), 0.0)
    platform = FakePlatform(clock, {**others, **dict.fromkeys(ids(3), clock.monotonic() + 100)})
    outcomes = await collect(wait_for_all(executor_for(platform))("s", ids(3), sleep_interval=10))
    rounds = 11
    assert len(outcomes) == 3
    assert platform.list_count == 6  # three pages twice, then none
    assert platform.lookup_count == 3 * rounds


async def test_p22_an_outage_of_the_list_causes_no_individual_lookups(clock: FastClock) -> None:
    """A recovering service must not receive many requests at the same time."""
    now = clock.monotonic()

    def fault(path: str, at: float) -> Response | None:
        return fake_response(503) if "page_limit" in path and at < now + 60 else None

    platform = FakePlatform(clock, dict.fromkeys(ids(40), now), fault=fault)
    outcomes = await collect(wait_for_all(executor_for(platform))("s", ids(40), timeout=600))
    assert len(outcomes) == 40
    assert platform.lookup_count == 0


async def test_a_lookup_that_fails_for_a_while_is_retried(clock: FastClock) -> None:
    now = clock.monotonic()

    def fault(path: str, at: float) -> Response | None:
        return fake_response(503) if "page_limit" not in path and at < now + 60 else None

    platform = FakePlatform(clock, {"t0": now}, is_unlisted=lambda _id, _now: True, fault=fault)
    (outcome,) = await collect(wait_for_all(executor_for(platform))("s", ["t0"], timeout=600))
    assert outcome.error is None


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (fake_response(401, {"code": "api_key_invalid"}), AuthenticationError),
        (fake_response(429, headers={"Retry-After": "9000"}), QuotaExhaustedError),
    ],
)
async def test_p22_a_list_that_cannot_be_read_ends_the_wait(
    clock: FastClock, response: Response, kind: type[Exception]
) -> None:
    """Otherwise a wait with a revoked key would never end."""
    platform = FakePlatform(clock, {"t0": 0.0}, fault=lambda _path, _now: response)
    with pytest.raises(kind):
        await collect(wait_for_all(executor_for(platform))("s", ["t0"]))


async def test_a_wait_for_no_ids_sends_no_request(clock: FastClock) -> None:
    platform = FakePlatform(clock, {})
    assert await collect(wait_for_all(executor_for(platform))("s", [])) == []
    assert platform.requests == []


async def test_a_duplicate_id_is_yielded_once(clock: FastClock) -> None:
    platform = FakePlatform(clock, {"t0": 0.0})
    assert ids_of(await collect(wait_for_all(executor_for(platform))("s", ["t0", "t0"]))) == ["t0"]


@pytest.mark.parametrize("arguments", [{"timeout": 0}, {"sleep_interval": -1}])
def test_a_timeout_of_zero_is_rejected_when_the_wait_is_created(clock: FastClock, arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        wait_for_all(executor_for(FakePlatform(clock, {})))("s", ["t0"], **arguments)


def test_a_string_instead_of_a_list_of_ids_is_rejected(clock: FastClock) -> None:
    """Otherwise each character would be used as an id."""
    with pytest.raises(InvalidInputError, match="expected a list of ids, got the string"):
        wait_for_all(executor_for(FakePlatform(clock, {})))("s", "t0")


async def test_an_abandoned_wait_leaves_no_task(clock: FastClock) -> None:
    platform = FakePlatform(clock, dict.fromkeys(ids(100), 0.0))
    async for _ in wait_for_all(executor_for(platform))("s", ids(100)):
        break
    assert platform.list_count == 2


async def test_assets_are_requested_by_id_so_that_other_assets_cause_no_requests(clock: FastClock) -> None:
    others = dict.fromkeys(ids(500, "other"), 0.0)
    platform = FakePlatform(clock, {**others, **dict.fromkeys(ids(120), 0.0)})
    executor: Any = executor_for(platform)
    outcomes = await collect(Assets(executor).wait_for_all(ids(120)))
    assert sorted(ids_of(outcomes)) == sorted(ids(120))
    assert (platform.list_count, platform.lookup_count) == (3, 0)
    assert all("asset_ids=t" in path for path in platform.requests)


async def test_finished_embedding_tasks_are_retrieved_with_their_embeddings(clock: FastClock) -> None:
    end = clock.monotonic() + 50
    platform = FakePlatform(clock, dict.fromkeys(ids(60), end), failing_ids=frozenset({"t7"}))
    outcomes = await collect(EmbedV2(executor_for(platform)).tasks.wait_for_all(ids(60), sleep_interval=10))
    assert platform.lookup_count == 60  # each task once, after it has finished
    for outcome in outcomes:
        assert isinstance(outcome.item, EmbeddingTask)
        assert len(outcome.item.data) == 1
    (failed,) = [outcome for outcome in outcomes if outcome.error is not None]
    assert isinstance(failed.error, ProcessingFailedError)
    assert (failed.id, failed.error.reason) == ("t7", "it broke")


GROUPS: list[tuple[Callable[[RequestExecutor, list[str]], AsyncIterator[WaitResult[Any]]], str]] = [
    (lambda executor, ids: IndexedAssets(executor).wait_for_all("i", ids), "/indexes/i/indexed-assets"),
    (lambda executor, ids: Tasks(executor).wait_for_all(ids), "/tasks"),
    (lambda executor, ids: Embed(executor).tasks.wait_for_all(ids), "/embed/tasks"),
]


@pytest.mark.parametrize(("waiting", "path"), GROUPS)
@pytest.mark.filterwarnings("ignore:deprecated by Twelve Labs:DeprecationWarning")
async def test_every_group_uses_its_own_list_and_lookup_paths(
    clock: FastClock, waiting: Callable[[RequestExecutor, list[str]], AsyncIterator[WaitResult[Any]]], path: str
) -> None:
    platform = FakePlatform(clock, dict.fromkeys(ids(2), 0.0), is_unlisted=lambda id, _: id == "t1")
    outcomes = await collect(waiting(executor_for(platform), ids(2)))
    assert [outcome.result().status for outcome in outcomes] == ["ready", "ready"]
    listed, single = platform.requests
    assert listed == f"{path}?page_limit=50"
    assert single.startswith(f"{path}/t1")
