"""The package provides a pytest fixture to every project that installs it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

INI = "[pytest]\nfilterwarnings = error\naddopts = --strict-markers\n"
DISABLED_PLUGINS = [
    option
    for name in ("cacheprovider", "randomly", "hypothesispytest", "xdist", "timeout")
    for option in ("-p", f"no:{name}")
]
RunTests = Callable[..., str]

APPLICATION = """
import os
from twelvelabs_async import AsyncTwelveLabs

MODELS = [{"model_name": "marengo3.0", "model_options": ["visual"]}]

async def work():
    async with AsyncTwelveLabs() as client:
        await client.indexes.create(index_name="films", models=MODELS)
        return [index.index_name async for index in client.indexes.list()]
"""

SYNCHRONOUS_TESTS = """
import asyncio, os
from application import work

def test_one(twelvelabs_emulator):
    assert os.environ["TWELVELABS_BASE_URL"] == twelvelabs_emulator.base_url
    assert asyncio.run(work()) == ["films"]
    twelvelabs_emulator.faults.add("GET /indexes", status=503, times=None)

def test_the_next_test_finds_it_empty(twelvelabs_emulator):
    assert len(twelvelabs_emulator.requests) == 0
    assert asyncio.run(work()) == ["films"]

def test_the_environment_is_as_it_was():
    assert "TWELVELABS_BASE_URL" not in os.environ
"""

STRICT_MODE_TESTS = """
import pytest
from application import work

@pytest.mark.asyncio
async def test_one(twelvelabs_emulator):
    assert await work() == ["films"]
    assert len(twelvelabs_emulator.state.indexes) == 1
"""

ANYIO_TESTS = """
import pytest
from application import work

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.mark.anyio
async def test_one(twelvelabs_emulator):
    assert await work() == ["films"]
"""

MARKER_TESTS = """
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

@pytest.mark.twelvelabs("free")
def test_with_an_option_without_a_name(request):
    with pytest.raises(pytest.UsageError, match="options by name, such as seed=1, got .'free'"):
        request.getfixturevalue("twelvelabs_emulator")

@pytest.mark.parametrize("turn", [1, 2])
def test_without(twelvelabs_emulator, turn):
    SHARED.append(twelvelabs_emulator.base_url)
    assert len(set(SHARED)) == 1
    assert asyncio.run(work()) == ["films"]
"""

TIMING_TESTS = """
import asyncio
import pytest
from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Timing, samples

async def upload():
    async with AsyncTwelveLabs() as client:
        return (await client.assets.upload(samples.video(9), filename="a.mp4")).status

def test_an_upload_is_ready(twelvelabs_emulator):
    assert asyncio.run(upload()) == "ready"
    twelvelabs_emulator.timing = Timing(asset=1000)
    assert asyncio.run(upload()) == "processing"

def test_the_next_test_is_fast_again(twelvelabs_emulator):
    assert asyncio.run(upload()) == "ready"

@pytest.mark.twelvelabs(seed=1)
def test_a_marker_keeps_the_timing(twelvelabs_emulator):
    assert asyncio.run(upload()) == "ready"

@pytest.mark.twelvelabs(timing=Timing(asset=1000))
def test_a_marker_changes_the_timing(twelvelabs_emulator):
    assert asyncio.run(upload()) == "processing"
"""

UNUSED_FIXTURE_TESTS = """
import sys

def test_the_emulator_is_not_imported(request):
    assert request.config.pluginmanager.hasplugin("twelvelabs_async")
    assert "twelvelabs(" in "".join(request.config.getini("markers"))
    ours = {name for name in sys.modules if name.startswith("twelvelabs_async")}
    assert ours == {"twelvelabs_async", "twelvelabs_async._version", "twelvelabs_async.pytest_plugin"}
    assert "aiohttp" not in sys.modules
"""

DEPRECATION_TESTS = """
import sys
import warnings
import pytest

class Finder:
    def find_spec(name, path, target=None):
        if name == "twelvelabs_async.emulator":
            warnings.warn("an old import", DeprecationWarning)

@pytest.fixture(autouse=True)
def imports_warn(monkeypatch):
    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])

def test_deprecations_inside_the_emulator_are_ignored(imports_warn, twelvelabs_emulator):
    warnings.warn_explicit("old", DeprecationWarning, "app.py", 1, module="twelvelabs_async.emulator._app")

def test_deprecations_of_the_client_and_of_the_project_are_errors():
    with pytest.raises(DeprecationWarning):
        warnings.warn_explicit("old", DeprecationWarning, "client.py", 1, module="twelvelabs_async.client")
    with pytest.raises(DeprecationWarning):
        warnings.warn("old", DeprecationWarning)
"""


@pytest.fixture
def run_tests(tmp_path: Path) -> RunTests:
    """Run the tests of a project in another process, with warnings as errors, and return the output."""

    def run_pytest(tests: str, *arguments: str) -> str:
        (tmp_path / "application.py").write_text(APPLICATION)
        (tmp_path / "test_it.py").write_text(tests)
        (tmp_path / "pytest.ini").write_text(INI)
        options = [*DISABLED_PLUGINS, *arguments]
        if "no:asyncio" not in arguments:
            options += ["-o", "asyncio_default_fixture_loop_scope=function"]
        command = [sys.executable, "-m", "pytest", *options]
        completed = subprocess.run(  # noqa: S603  # a fixed command
            command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False
        )
        assert completed.returncode == 0, completed.stdout + completed.stderr
        return completed.stdout

    return run_pytest


def test_synchronous_tests_share_a_server_but_no_state(run_tests: RunTests) -> None:
    assert "3 passed" in run_tests(SYNCHRONOUS_TESTS)


def test_the_plugin_works_in_the_strict_mode_of_pytest_asyncio(run_tests: RunTests) -> None:
    assert "1 passed" in run_tests(STRICT_MODE_TESTS, "-o", "asyncio_mode=strict", "-p", "no:anyio")


def test_the_plugin_works_with_anyio_alone(run_tests: RunTests) -> None:
    assert "1 passed" in run_tests(ANYIO_TESTS, "-p", "no:asyncio")


def test_a_marker_gives_a_test_its_own_emulator(run_tests: RunTests) -> None:
    assert "4 passed" in run_tests(MARKER_TESTS)


def test_everything_is_processed_immediately(run_tests: RunTests) -> None:
    assert "4 passed" in run_tests(TIMING_TESTS)


def test_an_unused_plugin_imports_nothing(run_tests: RunTests) -> None:
    assert "1 passed" in run_tests(UNUSED_FIXTURE_TESTS)


def test_a_deprecation_inside_the_emulator_does_not_fail_a_test(run_tests: RunTests) -> None:
    assert "2 passed" in run_tests(DEPRECATION_TESTS)


def test_the_fixture_has_a_description(run_tests: RunTests) -> None:
    assert "empty at the start of each test" in run_tests(UNUSED_FIXTURE_TESTS, "--fixtures", "-v")
