"""Runs the code and the commands of the README, and compares their output with it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pages import ROOT, Example, assert_prints, examples, run_block, run_commands
from processes import run_program

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async._cli.demo import SAMPLE_VIDEOS
from twelvelabs_async.emulator import Emulator, Plan, ThreadedEmulator, Timing, Window

README = ROOT / "README.md"
FIRST, ERROR, LIMITS, PYTEST, SYNC = examples(README)
MODELS = [{"model_name": "marengo3.0", "model_options": ["visual"]}]
APPLICATION = """
from twelvelabs_async import TwelveLabs

def find(index_name, words):
    with TwelveLabs() as client:
        (index,) = client.indexes.list(index_name=index_name)
        hits = client.search.query_with_videos(index_id=index.id, search_options=["visual"], query_text=words)
        return [(hit.filename, hit.result.start, hit.result.end) for hit in hits]
"""


def test_the_readme_is_short_and_each_example_has_its_output() -> None:
    text = README.read_text("utf-8")
    assert len(text.splitlines()) < 180
    assert all(example.output for example in examples(README))


async def test_the_first_program_prints_the_output_below_it(tmp_path: Path) -> None:
    (tmp_path / "first.py").write_text(FIRST.code)
    assert_prints(await run_program(sys.executable, "-W", "error", "first.py", cwd=tmp_path), str(FIRST.output))


@pytest.mark.parametrize("example", [ERROR, LIMITS], ids=["error", "limits"])
async def test_an_example_prints_the_output_below_it(example: Example, capsys: pytest.CaptureFixture[str]) -> None:
    plan = Plan(windows={"search": Window(50, seconds=86_400)})
    async with (
        Emulator(timing=Timing.immediate(), plan=plan) as emulator,
        AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url) as client,
    ):
        index = await client.indexes.create(index_name="holiday", models=MODELS)
        variables: dict[str, Any] = {"client": client, "emulator": emulator, "models": MODELS, "index": index}
        await run_block(example, "README.md", variables, capsys)


def test_the_commands_print_the_outputs_below_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(SAMPLE_VIDEOS, tmp_path / "videos")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with ThreadedEmulator(timing=Timing.immediate()) as emulator:
        monkeypatch.setenv("TWELVELABS_API_KEY", emulator.api_key)
        monkeypatch.setenv("TWELVELABS_BASE_URL", emulator.base_url)
        assert run_commands(README, {}, capsys) == 1


def test_the_pytest_example_passes_in_another_project(tmp_path: Path) -> None:
    (tmp_path / "my_application.py").write_text(APPLICATION)
    (tmp_path / "test_it.py").write_text(PYTEST.code)
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "--strict-markers", "-p", "no:cacheprovider"]
    options = ["-p", "no:randomly", "-o", "asyncio_default_fixture_loop_scope=function"]
    completed = subprocess.run(  # noqa: S603  # a fixed command
        [*command, *options], cwd=tmp_path, capture_output=True, encoding="utf-8", check=False
    )
    assert_prints(completed.stdout.splitlines()[-1] + "\n", str(PYTEST.output), completed.stdout + completed.stderr)


def test_the_example_without_asyncio_prints_the_output_below_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with ThreadedEmulator() as emulator:
        emulator.add_video("holiday", "sailing.mp4")
        monkeypatch.setenv("TWELVELABS_API_KEY", emulator.api_key)
        monkeypatch.setenv("TWELVELABS_BASE_URL", emulator.base_url)
        exec(compile(SYNC.code, "README.md", "exec"), {})  # noqa: S102  # code of this repository
    assert_prints(capsys.readouterr().out, str(SYNC.output))


@pytest.mark.recipe
async def test_the_comparison_prints_the_table_of_the_readme() -> None:
    """The comparison takes half a minute and needs an idle machine."""
    output = await run_program(sys.executable, "-m", "benchmarks.comparison", cwd=ROOT)
    (table,) = re.findall(r"^\| \| official SDK.*?(?=\n\n)", README.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert_prints(output.strip(), table)
