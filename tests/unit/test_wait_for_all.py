"""Waiting for many: one outcome each, with as few requests as lists allow. Time is arithmetic."""

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
class Platform:
    """Resources that end at a given second, in a list from the newest to the oldest."""

    clock: Any
    ends: dict[str, float]
    """When each ends."""
    failing: frozenset[str] = frozenset()
    """Those that end badly."""
    unlisted: Callable[[str, float], bool] = lambda _id, _now: False
    """Which of them lists omit at a time."""
    broken: Callable[[str, float], Response | None] = lambda _path, _now: None
    """What is answered instead."""
    asked: list[str] = attrs.field(factory=list[str])

    def entry(self, id: str) -> dict[str, Any]:
        status = "processing"
        if self.clock.monotonic() >= self.ends[id]:
            status = "failed" if id in self.failing else "ready"
        return {"_id": id, "status": status}

    async def answer(self, _method: str, path: str) -> Response:
        now = self.clock.monotonic()
        self.asked.append(path)
        broken = self.broken(path, now)
        if broken is not None:
            return broken
        url = urlsplit(path)
        segments, query = url.path.strip("/").split("/"), parse_qs(url.query)
        if segments[-1] == "status":
            segments.pop()
        if segments[-1] in self.ends:
            whole = {**self.entry(segments[-1]), "data": [{"embedding": [1.0]}], "error": {"message": "it broke"}}
            return fake_response(content=whole)
        if "page_limit" not in query:
            return fake_response(404, {"code": "resource_not_exist", "message": "nothing of this name"})
        shown = [id for id in self.ends if id in query.get("asset_ids", self.ends) and not self.unlisted(id, now)]
        page = int(query.get("page", ["1"])[0])
        return fake_response(
            content={
                "data": [self.entry(id) for id in shown[(page - 1) * PAGE : page * PAGE]],
                "page_info": {"page": page, "limit_per_page": PAGE, "total_page": -(-len(shown) // PAGE)},
            }
        )

    @property
    def lists(self) -> int:
        return sum("page_limit" in path for path in self.asked)

    @property
    def lookups(self) -> int:
        return len(self.asked) - self.lists


def ids(count: int, name: str = "t") -> list[str]:
    return [f"{name}{number}" for number in range(count)]


def on(platform: Platform) -> RequestExecutor:
    return make_executor(platform.answer, platform.clock)[0]


async def everything(waiting: AsyncIterator[WaitResult[Any]]) -> list[WaitResult[Any]]:
    return [outcome async for outcome in waiting]


def names(outcomes: Iterable[WaitResult[Any]]) -> list[str]:
    return [outcome.id for outcome in outcomes]


def tasks_of(api: RequestExecutor) -> Callable[..., AsyncIterator[WaitResult[Any]]]:
    return KnowledgeStoreItems(api).wait_for_all


def test_p22_waiting_for_a_thousand_tasks_needs_about_twenty_requests_per_round() -> None:
    """One request for each of them, each second, is what a rate limit is made against."""

    async def main() -> None:
        clock = LoopClock()
        platform = Platform(clock, {id: 120.0 + number for number, id in enumerate(ids(1000))})
        outcomes = await everything(tasks_of(on(platform))("s", ids(1000), sleep_interval=10))
        assert sorted(names(outcomes)) == sorted(ids(1000))
        assert all(outcome.result().status == "ready" for outcome in outcomes)
        rounds = 1120 / 10 + 1
        assert platform.lists <= 20 * rounds
        assert platform.lookups < 1000

    run_in_virtual_time(main())


async def test_each_result_is_yielded_as_soon_as_its_resource_finishes(clock: FastClock) -> None:
    now = clock.monotonic()
    platform = Platform(clock, {"slow": now + 300, "quick": now, "middling": now + 60})
    seen: dict[str, float] = {}
    async for outcome in tasks_of(on(platform))("s", ["slow", "quick", "middling"], sleep_interval=5):
        seen[outcome.id] = clock.monotonic() - now
    assert list(seen) == ["quick", "middling", "slow"]
    assert seen["quick"] < 1
    assert 60 <= seen["middling"] < 70
    assert 300 <= seen["slow"] < 310


async def test_p24_the_failure_of_one_task_does_not_end_the_wait_for_the_others(clock: FastClock) -> None:
    platform = Platform(clock, dict.fromkeys(["good", "bad"], 0.0), failing=frozenset({"bad"}))
    good, bad = await everything(tasks_of(on(platform))("s", ["good", "bad"]))
    assert good.error is None
    assert isinstance(bad.error, ProcessingFailedError)
    assert bad.item is not None
    with pytest.raises(ProcessingFailedError):
        bad.result()


async def test_p22_an_unfinished_resource_ends_with_a_timeout_result(clock: FastClock) -> None:
    """There is one outcome for each id."""
    platform = Platform(clock, {"quick": 0.0, "stuck": float("inf")})
    started = clock.monotonic()
    quick, stuck = await everything(tasks_of(on(platform))("s", ["stuck", "quick"], timeout=100))
    assert (quick.id, quick.error) == ("quick", None)
    assert isinstance(stuck.error, WaitTimeoutError)
    assert stuck.error.status == "processing"
    assert stuck.item is not None
    assert 100 <= clock.monotonic() - started < 101


async def test_p22_an_unknown_id_ends_immediately_with_its_own_error(clock: FastClock) -> None:
    platform = Platform(clock, {"known": 0.0})
    known, lost = await everything(tasks_of(on(platform))("s", ["lost", "known"]))
    assert known.error is None
    assert (lost.id, lost.item) == ("lost", None)
    assert isinstance(lost.error, NotFoundError)


async def test_a_task_missing_from_the_list_is_requested_individually(clock: FastClock) -> None:
    """Lists of embedding tasks end after seven days; a wait may go on longer."""
    end = clock.monotonic() + 60
    platform = Platform(clock, dict.fromkeys(ids(3), end), unlisted=lambda id, _: id == "t1")
    outcomes = await everything(tasks_of(on(platform))("s", ids(3), sleep_interval=10))
    assert sorted(names(outcomes)) == ids(3)
    rounds = 7
    assert platform.lists <= rounds
    assert platform.lookups == rounds


async def test_tasks_too_new_for_the_list_are_requested_individually_only_once(clock: FastClock) -> None:
    now = clock.monotonic()
    platform = Platform(clock, dict.fromkeys(ids(100), now + 200), unlisted=lambda _, at: at < now + 5)
    await everything(tasks_of(on(platform))("s", ids(100), sleep_interval=10))
    assert platform.lookups == 100  # in the first round only


async def test_a_few_tasks_among_many_do_not_require_reading_the_whole_list(clock: FastClock) -> None:
    """The list is read no further than looking them up would cost."""
    others = dict.fromkeys(ids(5000, "other"), 0.0)
    platform = Platform(clock, {**others, **dict.fromkeys(ids(3), clock.monotonic() + 100)})
    outcomes = await everything(tasks_of(on(platform))("s", ids(3), sleep_interval=10))
    rounds = 11
    assert len(outcomes) == 3
    assert platform.lists == 6  # twice three pages, then never again
    assert platform.lookups == 3 * rounds


async def test_p22_an_outage_of_the_list_causes_no_individual_lookups(clock: FastClock) -> None:
    """A recovering service must not receive a thousand requests at the same time."""
    now = clock.monotonic()

    def broken(path: str, at: float) -> Response | None:
        return fake_response(503) if "page_limit" in path and at < now + 60 else None

    platform = Platform(clock, dict.fromkeys(ids(40), now), broken=broken)
    outcomes = await everything(tasks_of(on(platform))("s", ids(40), timeout=600))
    assert len(outcomes) == 40
    assert platform.lookups == 0


async def test_a_lookup_that_fails_for_a_while_is_retried(clock: FastClock) -> None:
    now = clock.monotonic()

    def broken(path: str, at: float) -> Response | None:
        return fake_response(503) if "page_limit" not in path and at < now + 60 else None

    platform = Platform(clock, {"t0": now}, unlisted=lambda _id, _now: True, broken=broken)
    (outcome,) = await everything(tasks_of(on(platform))("s", ["t0"], timeout=600))
    assert outcome.error is None


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (fake_response(401, {"code": "api_key_invalid"}), AuthenticationError),
        (fake_response(429, headers={"Retry-After": "9000"}), QuotaExhaustedError),
    ],
)
async def test_p22_a_list_that_cannot_be_read_ends_the_wait(
    clock: FastClock, answer: Response, kind: type[Exception]
) -> None:
    """Polling on with a revoked key would go on for ever."""
    platform = Platform(clock, {"t0": 0.0}, broken=lambda _path, _now: answer)
    with pytest.raises(kind):
        await everything(tasks_of(on(platform))("s", ["t0"]))


async def test_a_wait_for_no_ids_sends_no_request(clock: FastClock) -> None:
    platform = Platform(clock, {})
    assert await everything(tasks_of(on(platform))("s", [])) == []
    assert platform.asked == []


async def test_a_duplicate_id_is_yielded_once(clock: FastClock) -> None:
    platform = Platform(clock, {"t0": 0.0})
    assert names(await everything(tasks_of(on(platform))("s", ["t0", "t0"]))) == ["t0"]


@pytest.mark.parametrize("wrong", [{"timeout": 0}, {"sleep_interval": -1}])
def test_a_timeout_of_zero_is_rejected_when_the_wait_is_created(clock: FastClock, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        tasks_of(on(Platform(clock, {})))("s", ["t0"], **wrong)


def test_a_string_instead_of_a_list_of_ids_is_rejected(clock: FastClock) -> None:
    """Its letters would all be looked up."""
    with pytest.raises(InvalidInputError, match="expected a list of ids, got the string"):
        tasks_of(on(Platform(clock, {})))("s", "t0")


async def test_a_wait_that_is_abandoned_leaves_no_task(clock: FastClock) -> None:
    platform = Platform(clock, dict.fromkeys(ids(100), 0.0))
    async for _ in tasks_of(on(platform))("s", ids(100)):
        break
    assert platform.lists == 2


async def test_assets_are_requested_by_id_so_that_other_assets_cause_no_requests(clock: FastClock) -> None:
    others = dict.fromkeys(ids(500, "other"), 0.0)
    platform = Platform(clock, {**others, **dict.fromkeys(ids(120), 0.0)})
    api: Any = on(platform)
    outcomes = await everything(Assets(api).wait_for_all(ids(120)))
    assert sorted(names(outcomes)) == sorted(ids(120))
    assert (platform.lists, platform.lookups) == (3, 0)
    assert all("asset_ids=t" in path for path in platform.asked)


async def test_finished_embedding_tasks_are_retrieved_with_their_embeddings(clock: FastClock) -> None:
    end = clock.monotonic() + 50
    platform = Platform(clock, dict.fromkeys(ids(60), end), failing=frozenset({"t7"}))
    outcomes = await everything(EmbedV2(on(platform)).tasks.wait_for_all(ids(60), sleep_interval=10))
    assert platform.lookups == 60  # each once, when it had ended
    for outcome in outcomes:
        assert isinstance(outcome.item, EmbeddingTask)
        assert len(outcome.item.data) == 1
    (failed,) = [outcome for outcome in outcomes if outcome.error is not None]
    assert isinstance(failed.error, ProcessingFailedError)
    assert (failed.id, failed.error.reason) == ("t7", "it broke")


GROUPS: list[tuple[Callable[[RequestExecutor, list[str]], AsyncIterator[WaitResult[Any]]], str]] = [
    (lambda api, ids: IndexedAssets(api).wait_for_all("i", ids), "/indexes/i/indexed-assets"),
    (lambda api, ids: Tasks(api).wait_for_all(ids), "/tasks"),
    (lambda api, ids: Embed(api).tasks.wait_for_all(ids), "/embed/tasks"),
]


@pytest.mark.parametrize(("waiting", "path"), GROUPS)
@pytest.mark.filterwarnings("ignore:deprecated by Twelve Labs:DeprecationWarning")
async def test_every_group_uses_its_own_list_and_lookup_paths(
    clock: FastClock, waiting: Callable[[RequestExecutor, list[str]], AsyncIterator[WaitResult[Any]]], path: str
) -> None:
    platform = Platform(clock, dict.fromkeys(ids(2), 0.0), unlisted=lambda id, _: id == "t1")
    outcomes = await everything(waiting(on(platform), ids(2)))
    assert [outcome.result().status for outcome in outcomes] == ["ready", "ready"]
    listed, single = platform.asked
    assert listed == f"{path}?page_limit=50"
    assert single.startswith(f"{path}/t1")
