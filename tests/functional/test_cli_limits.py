"""`twelvelabs-async limits` shows the remaining rate limits as a table or as JSON."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from twelvelabs_async._cli.console import Screen
from twelvelabs_async._cli.limits import LimitRow, format_wait, limits_table, rows_from_client, rows_from_store
from twelvelabs_async._cli.main import run
from twelvelabs_async._rate_limit.stores.sqlite import SqliteStore
from twelvelabs_async._rate_limit.windows import SINGLE_REQUEST, CategoryState
from twelvelabs_async.emulator import Plan, ThreadedEmulator, Window
from twelvelabs_async.rate_limits import CategoryLimits, RateLimitInfo, WindowInfo, WindowLimits

NOW = 1_900_000_000.0


@pytest.fixture
def cli_emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadedEmulator]:
    with ThreadedEmulator(plan=Plan(default=Window(60))) as emulator:
        monkeypatch.setenv("TWELVELABS_API_KEY", emulator.api_key)
        monkeypatch.setenv("TWELVELABS_BASE_URL", emulator.base_url)
        yield emulator


@pytest.fixture
def store_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a shared store in which 31 of 40 searches remain and one is in flight."""
    monkeypatch.setenv("TWELVELABS_API_KEY", "key")

    async def fill() -> None:
        now = time.time()
        store = SqliteStore(tmp_path / "limits.db", "acme", time.time)
        reservation = await store.reserve("search", SINGLE_REQUEST)
        assert isinstance(reservation, int)
        info = RateLimitInfo(server_time=now, windows={"request": WindowInfo(limit=40, remaining=31, reset=now + 600)})
        await store.record_response("search", reservation, info, rate_limited=False, jitter=0.0)
        await store.reserve("search", SINGLE_REQUEST)
        await store.aclose()

    asyncio.run(fill())
    return f"sqlite:///{tmp_path}/limits.db"


def json_records(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_limits_sends_one_list_request_and_shows_its_headers(
    cli_emulator: ThreadedEmulator, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["limits", "--json"]) == 0
    captured = capsys.readouterr()
    row, *unknown = json_records(captured.out)
    assert (row["category"], row["dimension"], row["limit"]) == ("GET /indexes", "request", 60)
    assert row["remaining"] == 59
    assert 0 < row["resets_in"] <= 61
    assert {row["learned_from"] for row in unknown} == {"none"}
    assert "from the headers of the response" in captured.err
    assert len(cli_emulator.requests.for_operation("GET /indexes")) == len(list(cli_emulator.requests)) == 1


def test_limits_of_a_new_free_plan_key_need_one_list_request(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with ThreadedEmulator(plan="free") as emulator:
        monkeypatch.setenv("TWELVELABS_API_KEY", emulator.api_key)
        assert run(["limits", "--base-url", emulator.base_url]) == 0
        assert len(emulator.requests.for_operation("GET /indexes")) == len(list(emulator.requests)) == 1
    out = capsys.readouterr().out
    assert "GET /indexes: the response to one list request has no rate-limit headers, so no limit is known\n" in out
    assert re.search("^search +- +- +- +0 +- +none *$", out, re.MULTILINE)
    assert "https://docs.twelvelabs.io/docs/get-started/rate-limits" in out


@pytest.mark.parametrize(
    ("width", "expected"),
    [(120, "━"), (90, "in flight"), (70, "resets in"), (40, "embed-text-image request: 2,900 of")],
)
def test_the_limits_table_fits_the_terminal_width(width: int, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    screen = Screen()
    row = LimitRow(
        category="embed-text-image",
        dimension="request",
        limit=3000,
        remaining=2900,
        resets_in=30_000,
        in_flight=0,
        waiting=0,
        learned_from="headers",
    )
    with screen.console.capture() as captured:
        screen.console.print(limits_table([row], screen))
    text = re.sub(r"\x1b\[[0-9;]*m", "", captured.get())
    assert expected in text
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width


def test_shared_limits_are_read_from_the_store(store_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["limits", "--rate-limit-store", store_url, "--organization", "acme", "--json"]) == 0
    (row,) = json_records(capsys.readouterr().out)
    assert (row["category"], row["dimension"], row["limit"], row["remaining"]) == ("search", "request", 40, 30)
    assert 590 < row["resets_in"] <= 601
    assert (row["in_flight"], row["waiting"], row["learned_from"]) == (1, None, "headers")


def test_limits_in_a_pipe_are_plain_lines(store_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["limits", "--rate-limit-store", store_url, "--organization", "acme"]) == 0
    head, line = capsys.readouterr().out.splitlines()
    assert " ".join(head.split()) == "category dimension remaining resets in in flight waiting source"
    assert line.split() == ["search", "request", "30", "of", "40", "10", "min", "1", "-", "headers"]


def test_an_unknown_organization_has_no_known_limits(store_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["limits", "--rate-limit-store", store_url]) == 0
    assert capsys.readouterr().out == "no process has recorded limits of this organization in the store yet\n"


def test_an_invalid_rate_limit_store_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TWELVELABS_API_KEY", "key")
    assert run(["limits", "--rate-limit-store", "limits.db"]) == 2
    assert "sqlite:///limits.db" in capsys.readouterr().err


def record(
    state: CategoryState,
    windows: dict[str, WindowInfo],
    *,
    rate_limited: bool = False,
    retry_after: float | None = None,
) -> None:
    reservation = state.reserve(SINGLE_REQUEST, NOW)
    assert isinstance(reservation, int)
    info = RateLimitInfo(server_time=NOW, retry_after=retry_after, windows=windows)
    state.record_response(reservation, info, NOW, rate_limited=rate_limited)


def test_an_expired_window_has_its_full_quota() -> None:
    state = CategoryState()
    record(state, {"request": WindowInfo(limit=40, remaining=0, reset=NOW + 60)})
    (used,) = rows_from_store({"search": state.to_state()}, NOW + 10)
    assert (used.remaining, used.resets_in) == (0, 50)
    (full,) = rows_from_store({"search": state.to_state()}, NOW + 70)
    assert (full.remaining, full.resets_in) == (40, None)


def test_a_category_blocked_by_a_429_has_no_remaining_quota() -> None:
    state = CategoryState()
    record(state, {"request": WindowInfo(limit=40, remaining=12, reset=NOW + 60)})
    record(state, {}, rate_limited=True, retry_after=90.0)
    (row,) = rows_from_store({"search": state.to_state()}, NOW)
    assert (row.remaining, row.resets_in) == (0, 90)


def test_limits_of_a_category_without_headers_come_from_429s() -> None:
    state = CategoryState()
    (fresh,) = rows_from_store({"search": state.to_state()}, NOW)
    assert (fresh.dimension, fresh.limit, fresh.learned_from) == (None, None, "none")
    record(state, {})
    record(state, {}, rate_limited=True)
    (row,) = rows_from_store({"search": state.to_state()}, NOW)
    assert (row.limit, row.remaining, row.learned_from) == (1, 0, "429s")


def test_the_limits_of_a_client_include_its_queue() -> None:
    resets_at = datetime.fromtimestamp(NOW + 30, UTC)
    window = WindowLimits(dimension="request", limit=40, remaining=0, resets_at=resets_at)
    known = CategoryLimits(
        category="search", windows=(window,), waiting=7, in_flight=3, rate_limited_count=0, source="headers"
    )
    (row,) = rows_from_client({"search": known}, resets_at - timedelta(seconds=30))
    assert (row.waiting, row.in_flight, row.resets_in) == (7, 3, 30)


def test_limit_bars_change_from_green_to_yellow_to_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    screen = Screen()
    screen.live = True
    template = LimitRow(
        category="search",
        dimension="request",
        limit=40,
        remaining=40,
        resets_in=30,
        in_flight=0,
        waiting=0,
        learned_from="headers",
    )
    rows = [attrs.evolve(template, remaining=remaining) for remaining in (40, 15, 4)]
    with screen.console.capture() as capture:
        screen.console.print(limits_table(rows, screen))
    text = capture.get()
    assert text.count("search") == 1
    assert [escape_code in text for escape_code in ("\x1b[32m", "\x1b[33m", "\x1b[31m")] == [True] * 3


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "-"), (48.2, "48 s"), (600, "10 min"), (19_200, "5 h 20 min"), (7200, "2 h 0 min")]
)
def test_durations_are_formatted_in_readable_units(seconds: float | None, text: str) -> None:
    assert format_wait(seconds) == text
