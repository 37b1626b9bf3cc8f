"""`twelvelabs-async limits`: what may still be sent, for people and for programs."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from twelvelabs_async.cli.limits import Row, duration, of_budgets, of_client, table
from twelvelabs_async.cli.main import run
from twelvelabs_async.cli.render import Screen
from twelvelabs_async.emulator import Plan, ThreadedEmulator, Window
from twelvelabs_async.limits import CategoryLimits, WindowLimits
from twelvelabs_async.policy.budget import ONE, Budget
from twelvelabs_async.policy.headers import Advice, Quota
from twelvelabs_async.policy.stores.sqlite import SqliteStore

NOW = 1_900_000_000.0


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadedEmulator]:
    with ThreadedEmulator(plan=Plan(default=Window(60))) as emulator:
        monkeypatch.setenv("TWELVELABS_API_KEY", emulator.api_key)
        monkeypatch.setenv("TWELVELABS_BASE_URL", emulator.base_url)
        yield emulator


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A budget in which 31 of 40 searches are left, one of them on its way."""
    monkeypatch.setenv("TWELVELABS_API_KEY", "key")

    async def fill() -> None:
        now = time.time()
        store = SqliteStore(tmp_path / "budget.db", "acme", time.time)
        ticket = await store.reserve("search", ONE)
        assert isinstance(ticket, int)
        advice = Advice(server_time=now, quotas={"request": Quota(limit=40, remaining=31, reset=now + 600)})
        await store.settle("search", ticket, advice, refused=False, jitter=0.0)
        await store.reserve("search", ONE)
        await store.aclose()

    asyncio.run(fill())
    return f"sqlite:///{tmp_path}/budget.db"


def records(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_two_cheap_calls_tell_their_own_limits(served: ThreadedEmulator, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["limits", "--json"]) == 0
    rows = records(capsys.readouterr().out)
    assert [row["category"] for row in rows] == ["GET /assets", "GET /indexes"]
    assert {(row["dimension"], row["limit"], row["learned_from"]) for row in rows} == {("request", 60, "headers")}
    assert all(58 <= row["remaining"] <= 59 and 0 < row["resets_in"] <= 61 for row in rows)
    assert len(list(served.requests)) == 2


def test_a_shared_budget_is_read_without_asking_the_platform(shared: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["limits", "--budget", shared, "--organization", "acme", "--json"]) == 0
    (row,) = records(capsys.readouterr().out)
    assert (row["category"], row["dimension"], row["limit"], row["remaining"]) == ("search", "request", 40, 30)
    assert 590 < row["resets_in"] <= 601
    assert (row["in_flight"], row["waiting"], row["learned_from"]) == (1, None, "headers")


def test_people_in_a_pipe_get_plain_lines(shared: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["limits", "--budget", shared, "--organization", "acme"]) == 0
    head, line = capsys.readouterr().out.splitlines()
    assert " ".join(head.split()) == "category counted left full in sent waiting known by"
    assert line.split() == ["search", "request", "30", "of", "40", "10", "min", "1", "-", "headers"]


def test_of_an_organisation_nobody_has_heard_of_nothing_is_known(
    shared: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["limits", "--budget", shared]) == 0
    assert capsys.readouterr().out == "nothing is known of any limit\n"


def test_a_budget_that_is_none_is_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TWELVELABS_API_KEY", "key")
    assert run(["limits", "--budget", "budget.db"]) == 2
    assert "sqlite:///budget.db" in capsys.readouterr().err


def told(budget: Budget, quotas: dict[str, Quota], *, refused: bool = False, retry_after: float | None = None) -> None:
    ticket = budget.reserve(ONE, NOW)
    assert isinstance(ticket, int)
    advice = Advice(server_time=NOW, retry_after=retry_after, quotas=quotas)
    budget.settle(ticket, advice, NOW, refused=refused)


def test_a_window_that_is_over_is_full_again() -> None:
    budget = Budget()
    told(budget, {"request": Quota(limit=40, remaining=0, reset=NOW + 60)})
    (used,) = of_budgets({"search": budget.to_state()}, NOW + 10)
    assert (used.remaining, used.resets_in) == (0, 50)
    (full,) = of_budgets({"search": budget.to_state()}, NOW + 70)
    assert (full.remaining, full.resets_in) == (40, None)


def test_a_category_closed_by_a_refusal_has_nothing_left_whatever_was_told_before() -> None:
    budget = Budget()
    told(budget, {"request": Quota(limit=40, remaining=12, reset=NOW + 60)})
    told(budget, {}, refused=True, retry_after=90.0)
    (row,) = of_budgets({"search": budget.to_state()}, NOW)
    assert (row.remaining, row.resets_in) == (0, 90)


def test_a_category_of_which_nothing_was_told_is_known_by_its_refusals() -> None:
    budget = Budget()
    (fresh,) = of_budgets({"search": budget.to_state()}, NOW)
    assert (fresh.dimension, fresh.limit, fresh.learned_from) == (None, None, "nothing")
    told(budget, {})
    told(budget, {}, refused=True)
    (row,) = of_budgets({"search": budget.to_state()}, NOW)
    assert (row.limit, row.remaining, row.learned_from) == (1, 0, "refusals")


def test_a_client_shows_its_queue() -> None:
    resets_at = datetime.fromtimestamp(NOW + 30, UTC)
    window = WindowLimits(dimension="request", limit=40, remaining=0, resets_at=resets_at)
    known = CategoryLimits(
        category="search", windows=(window,), waiting=7, in_flight=3, refused=0, learned_from="headers"
    )
    (row,) = of_client({"search": known}, resets_at - timedelta(seconds=30))
    assert (row.waiting, row.in_flight, row.resets_in) == (7, 3, 30)


def test_a_terminal_gets_bars_that_turn_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    screen = Screen()
    screen.live = True
    common = Row(
        category="search",
        dimension="request",
        limit=40,
        remaining=40,
        resets_in=30,
        in_flight=0,
        waiting=0,
        learned_from="headers",
    )
    rows = [attrs.evolve(common, remaining=left) for left in (40, 15, 4)]
    with screen.people.capture() as shown:
        screen.people.print(table(rows, screen))
    text = shown.get()
    assert text.count("search") == 1
    assert [colour in text for colour in ("\x1b[32m", "\x1b[33m", "\x1b[31m")] == [True] * 3


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "-"), (48.2, "48 s"), (600, "10 min"), (19_200, "5 h 20 min"), (7200, "2 h 0 min")]
)
def test_a_duration_is_written_as_people_say_it(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text
