"""A project that installs this package tests against the emulator by naming a fixture."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

INI = "[pytest]\nfilterwarnings = error\naddopts = --strict-markers\n"
QUICK = [
    word
    for name in ("cacheprovider", "randomly", "hypothesispytest", "xdist", "timeout")
    for word in ("-p", f"no:{name}")
]
Run = Callable[..., str]
pytestmark = pytest.mark.timeout(180)

APPLICATION = """
import os
from twelvelabs_async import AsyncTwelveLabs

MODELS = [{"model_name": "marengo3.0", "model_options": ["visual"]}]

async def work():
    async with AsyncTwelveLabs() as client:
        await client.indexes.create(index_name="films", models=MODELS)
        return [index.index_name async for index in client.indexes.list()]
"""

PLAIN = """
import asyncio, os
from application import work

def test_one(twelvelabs_emulator):
    assert os.environ["TWELVELABS_BASE_URL"] == twelvelabs_emulator.base_url
    assert asyncio.run(work()) == ["films"]
    twelvelabs_emulator.faults.add("GET /indexes", status=503, times=None)

def test_the_next_one_finds_it_empty(twelvelabs_emulator):
    assert len(twelvelabs_emulator.requests) == 0
    assert asyncio.run(work()) == ["films"]

def test_the_environment_is_as_it_was():
    assert "TWELVELABS_BASE_URL" not in os.environ
"""

STRICT = """
import pytest
from application import work

@pytest.mark.asyncio
async def test_one(twelvelabs_emulator):
    assert await work() == ["films"]
    assert len(twelvelabs_emulator.state.indexes) == 1
"""

ANYIO = """
import pytest
from application import work

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.anyio
async def test_one(twelvelabs_emulator):
    assert await work() == ["films"]
"""

MARKED = """
import asyncio
import pytest
from application import work
from twelvelabs_async import QuotaExhaustedError
from twelvelabs_async.emulator import Plan, Window

SHARED = []

@pytest.mark.twelvelabs(plan=Plan(default=Window(1, 3600)), api_key="mine")
def test_with_a_plan(twelvelabs_emulator):
    assert twelvelabs_emulator.api_key == "mine"
    with pytest.raises(QuotaExhaustedError):
        asyncio.run(work())

@pytest.mark.parametrize("turn", [1, 2])
def test_without(twelvelabs_emulator, turn):
    SHARED.append(twelvelabs_emulator.base_url)
    assert len(set(SHARED)) == 1
    assert asyncio.run(work()) == ["films"]
"""

UNUSED = """
import sys

def test_nothing_was_imported_that_nobody_asked_for(request):
    assert request.config.pluginmanager.hasplugin("twelvelabs_async")
    assert "twelvelabs(" in "".join(request.config.getini("markers"))
    ours = {name for name in sys.modules if name.startswith("twelvelabs_async")}
    assert ours == {"twelvelabs_async", "twelvelabs_async._version", "twelvelabs_async.pytest_plugin"}
    assert "aiohttp" not in sys.modules
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the tests of a project in a process of their own, where warnings are errors, and give what was printed."""

    def run_pytest(tests: str, *arguments: str) -> str:
        (tmp_path / "application.py").write_text(APPLICATION)
        (tmp_path / "test_it.py").write_text(tests)
        (tmp_path / "pytest.ini").write_text(INI)
        options = [*QUICK, *arguments]
        if "no:asyncio" not in arguments:
            options += ["-o", "asyncio_default_fixture_loop_scope=function"]
        command = [sys.executable, "-m", "pytest", *options]
        done = subprocess.run(  # noqa: S603  # all of it is ours
            command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run_pytest


def test_plain_tests_share_a_server_and_no_state(run: Run) -> None:
    assert "3 passed" in run(PLAIN)


def test_it_works_in_the_strict_mode_of_pytest_asyncio(run: Run) -> None:
    assert "1 passed" in run(STRICT, "-o", "asyncio_mode=strict", "-p", "no:anyio")


def test_it_works_with_anyio_alone(run: Run) -> None:
    assert "1 passed" in run(ANYIO, "-p", "no:asyncio")


def test_a_marker_gives_a_test_an_emulator_of_its_own(run: Run) -> None:
    assert "3 passed" in run(MARKED)


def test_it_costs_nothing_where_it_is_not_used(run: Run) -> None:
    assert "1 passed" in run(UNUSED)


def test_the_fixture_is_explained(run: Run) -> None:
    assert "empty at the start of each test" in run(UNUSED, "--fixtures", "-v")
