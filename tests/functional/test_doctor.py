"""`twelvelabs-async doctor` reports its findings and never prints the API key."""

from __future__ import annotations

import json
from typing import Any

import pytest

from twelvelabs_async._cli.console import Screen
from twelvelabs_async._cli.doctor import Finding, describe_clock, exit_code_for_findings, run_doctor
from twelvelabs_async.emulator import Emulator, Plan
from twelvelabs_async.emulator.clock import SystemClock
from twelvelabs_async.emulator.plans import Window

KEY = "tlk_only_for_the_doctor"


@pytest.fixture
def with_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWELVELABS_API_KEY", KEY)


async def examine(
    emulator: Emulator, capsys: pytest.CaptureFixture[str], *, session: bool = False
) -> tuple[int, dict[str, dict[str, Any]]]:
    code = await run_doctor(session=session, base_url=emulator.base_url, screen=Screen(json=True))
    printed = capsys.readouterr()
    assert KEY not in printed.out + printed.err
    rows = [json.loads(line) for line in printed.out.splitlines()]
    return code, {finding["about"]: finding for finding in rows}


@pytest.mark.usefixtures("with_key")
async def test_doctor_reports_documented_and_undocumented_behavior(capsys: pytest.CaptureFixture[str]) -> None:
    async with Emulator(api_key=KEY, plan=Plan(default=Window(500, 60))) as emulator:
        code, findings = await examine(emulator, capsys, session=True)
        assert len(emulator.requests) < 16
    assert code == 0
    assert {findings[about]["state"] for about in ("key", "clock", "latency", "version")} == {"ok"}
    assert "x-ratelimit-limit: 500" in findings["limits"]["text"].lower()
    assert findings["page of 51"]["text"] == "400, code parameter_invalid"
    assert findings["unknown index"]["text"] == "404, code resource_not_exist"
    assert findings["filter by name"]["text"] == "not checked: no index with a name of 4 characters"
    assert "1 GiB in parts of" in findings["upload session"]["text"]


@pytest.mark.usefixtures("with_key")
async def test_no_upload_session_is_created_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    async with Emulator(api_key=KEY) as emulator:
        _, findings = await examine(emulator, capsys)
        assert {received.method for received in emulator.requests} == {"GET"}
    assert "upload session" not in findings


@pytest.mark.usefixtures("with_key")
async def test_a_rejected_api_key_ends_the_checks(capsys: pytest.CaptureFixture[str]) -> None:
    async with Emulator(api_key="another") as emulator:
        code, findings = await examine(emulator, capsys)
    assert code == 3
    assert list(findings) == ["proxy", "key"]
    assert findings["key"]["state"] == "problem"


@pytest.mark.usefixtures("with_key")
async def test_a_wrong_clock_is_a_problem(capsys: pytest.CaptureFixture[str]) -> None:
    async with Emulator(api_key=KEY, clock=SystemClock(skew=-300.0)) as emulator:
        code, findings = await examine(emulator, capsys)
    assert code == 1
    assert findings["clock"]["state"] == "problem"


@pytest.mark.usefixtures("with_key")
async def test_a_failed_check_does_not_end_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    async with Emulator(api_key=KEY) as emulator:
        emulator.faults.add("GET /indexes", status=500, after=5, times=2)
        code, findings = await examine(emulator, capsys)
    assert code == 0
    assert "check failed" in findings["page of 51"]["text"] or "500" in findings["page of 51"]["text"]
    assert findings["unknown index"]["text"].startswith("404")


@pytest.mark.parametrize(
    ("offset", "text"),
    [
        (-0.9, "the server's clock agrees, to a second"),
        (-0.1, "the server's clock agrees, to a second"),
        (2.8, "the server's clock is 3 s ahead of the local clock"),
        (-7200.6, "the server's clock is 7,200 s behind the local clock"),
    ],
)
def test_a_clock_difference_is_described_in_words(offset: float, text: str) -> None:
    assert describe_clock(offset) == text


@pytest.mark.usefixtures("with_key")
async def test_a_terminal_gets_a_table_and_a_pipe_gets_markdown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Emulator(api_key=KEY) as emulator:
        await run_doctor(session=False, base_url=emulator.base_url, screen=Screen())
        assert "| check | result | details |\n|---|---|---|\n| proxy | note | none |\n" in capsys.readouterr().out
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("TERM", "dumb")
        monkeypatch.setenv("COLUMNS", "80")
        await run_doctor(session=False, base_url=emulator.base_url, screen=Screen())
    lines = capsys.readouterr().out.splitlines()
    assert not any(line.startswith("|") for line in lines)
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("problems", "code"), [([], 0), (["clock"], 1), (["key"], 3), (["connection"], 3), (["version", "clock"], 1)]
)
def test_findings_determine_the_exit_code(problems: list[str], code: int) -> None:
    findings = [Finding(about=about, state="problem", text="") for about in problems]
    assert exit_code_for_findings([Finding(about="proxy", state="note", text="none"), *findings]) == code
