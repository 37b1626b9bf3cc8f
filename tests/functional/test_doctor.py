"""`twelvelabs-async doctor`: what it finds, and what it does not tell."""

from __future__ import annotations

import json
from typing import Any

import pytest

from twelvelabs_async.cli.doctor import doctor
from twelvelabs_async.cli.render import Screen
from twelvelabs_async.emulator import Emulator, Plan
from twelvelabs_async.emulator.clock import SystemClock
from twelvelabs_async.emulator.plans import Window

KEY = "tlk_only_for_the_doctor"


@pytest.fixture
def with_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWELVELABS_API_KEY", KEY)


async def examined(
    emulator: Emulator, capsys: pytest.CaptureFixture[str], *, session: bool = False
) -> tuple[int, dict[str, dict[str, Any]]]:
    code = await doctor(session=session, base_url=emulator.base_url, screen=Screen(json=True))
    printed = capsys.readouterr()
    assert KEY not in printed.out + printed.err
    findings = [json.loads(line) for line in printed.out.splitlines()]
    return code, {finding["about"]: finding for finding in findings}


@pytest.mark.usefixtures("with_key")
async def test_it_tells_what_is_well_and_what_nobody_documents(capsys: pytest.CaptureFixture[str]) -> None:
    async with Emulator(api_key=KEY, plan=Plan(default=Window(500, 60))) as emulator:
        code, found = await examined(emulator, capsys, session=True)
        assert len(emulator.requests) < 16
    assert code == 0
    assert {found[about]["state"] for about in ("key", "clock", "latency", "version")} == {"ok"}
    assert "x-ratelimit-limit: 500" in found["limits"]["text"].lower()
    assert found["page of 51"]["text"] == "400, code parameter_invalid"
    assert found["unknown index"]["text"] == "404, code resource_not_exist"
    assert found["filter by name"]["text"] == "no index to try it with"
    assert "1 GiB in parts of" in found["upload session"]["text"]


@pytest.mark.usefixtures("with_key")
async def test_it_announces_no_upload_unless_asked_to(capsys: pytest.CaptureFixture[str]) -> None:
    async with Emulator(api_key=KEY) as emulator:
        _, found = await examined(emulator, capsys)
        assert {received.method for received in emulator.requests} == {"GET"}
    assert "upload session" not in found


@pytest.mark.usefixtures("with_key")
async def test_a_key_that_is_refused_ends_it(capsys: pytest.CaptureFixture[str]) -> None:
    async with Emulator(api_key="another") as emulator:
        code, found = await examined(emulator, capsys)
    assert code == 1
    assert list(found) == ["key"]
    assert found["key"]["state"] == "problem"


@pytest.mark.usefixtures("with_key")
async def test_a_clock_that_is_wrong_is_a_problem(capsys: pytest.CaptureFixture[str]) -> None:
    async with Emulator(api_key=KEY, clock=SystemClock(skew=-300.0)) as emulator:
        code, found = await examined(emulator, capsys)
    assert code == 1
    assert found["clock"]["state"] == "problem"


@pytest.mark.usefixtures("with_key")
async def test_one_question_without_an_answer_does_not_end_it(capsys: pytest.CaptureFixture[str]) -> None:
    async with Emulator(api_key=KEY) as emulator:
        emulator.faults.add("GET /indexes", status=500, after=5, times=2)
        code, found = await examined(emulator, capsys)
    assert code == 0
    assert "could not be found out" in found["page of 51"]["text"] or "500" in found["page of 51"]["text"]
    assert found["unknown index"]["text"].startswith("404")
