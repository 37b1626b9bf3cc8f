"""What the page about the emulator shows is run as it stands."""

from __future__ import annotations

import asyncio
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from twelvelabs_async.emulator import Emulator, control, faults

PAGE = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"```(?:python|js)\n(?:#|//) ([\w.]+)\n(.*?)```", PAGE, flags=re.DOTALL))
COMMANDS = re.findall(r"```sh\n(.*?)```", PAGE, flags=re.DOTALL)
SAID = {"tour.py": "5.0 9.0\n[503, 503, 200]\n", "hours.py": "7 hours\n", "plans.py": ""}
JAVASCRIPT = os.environ.get("TWELVELABS_JS", "")


async def run(*command: str, cwd: Path, **variables: str) -> str:
    """Run a program, and give what it prints."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env={**os.environ, **variables}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with all that the page shows."""
    for name, block in BLOCKS.items():
        (tmp_path / name).write_text(block)
    return tmp_path


@pytest.mark.parametrize("name", SAID)
async def test_a_program_prints_what_the_page_says(name: str, folder: Path) -> None:
    assert await run(sys.executable, "-W", "error", name, cwd=folder) == SAID[name]


async def test_the_tests_of_the_page_pass(folder: Path) -> None:
    output = await run(sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", cwd=folder)
    assert "3 passed" in output


async def test_faults_are_added_from_outside(folder: Path) -> None:
    async with Emulator() as emulator:
        address = emulator.base_url.removesuffix("/v1.3")
        told = await run("bash", "-ec", COMMANDS[-1].replace("http://127.0.0.1:8765", address), cwd=folder)
    assert '"hits": 0' in told
    assert [fault.status for fault in emulator.faults] == [503]


@pytest.mark.skipif(not JAVASCRIPT, reason="TWELVELABS_JS names no folder with twelvelabs-js in it")
async def test_the_javascript_finds_its_way(folder: Path) -> None:
    (folder / "node_modules").symlink_to(Path(JAVASCRIPT) / "node_modules")
    async with Emulator() as emulator:
        variables = {"TWELVELABS_BASE_URL": emulator.base_url, "TWELVE_LABS_API_KEY": emulator.api_key}
        assert await run("node", "tour.mjs", cwd=folder, **variables) == "films\n"


@pytest.mark.parametrize("module", [faults, control])
def test_the_tables_are_those_of_the_code(module: object) -> None:
    rows = [line for line in (inspect.getdoc(module) or "").splitlines() if line.startswith("| ") and "`" in line]
    assert rows
    assert [row for row in rows if row not in PAGE] == []


def test_every_program_of_the_page_is_run() -> None:
    assert {*BLOCKS} == {*SAID, "app.py", "test_app.py", "test_clips.py", "tour.mjs"}
    assert PAGE.count("```python") + PAGE.count("```js") == len(BLOCKS)
