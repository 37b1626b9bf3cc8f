"""Runs the programs of docs/emulator.md."""

from __future__ import annotations

import inspect
import os
import re
import sys
from pathlib import Path

import pytest
from processes import PIPE, run_program, start_process

from twelvelabs_async.emulator import Emulator, faults
from twelvelabs_async.emulator._admin import api

PAGE = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"```(?:python|js)\n(?:#|//) ([\w.]+)\n(.*?)```", PAGE, flags=re.DOTALL))
COMMANDS = re.findall(r"```sh\n(.*?)```", PAGE, flags=re.DOTALL)
((START_COMMAND, START_OUTPUT),) = re.findall(r"```console\n\$ python (.*?)\n(.*?)```", PAGE, flags=re.DOTALL)
(SEARCH_OUTPUT,) = re.findall(r"```text\n(.*?)```", PAGE, flags=re.DOTALL)
EXPECTED_OUTPUT = {
    "tour.py": "5.0 9.0\n[503, 503, 200]\n",
    "search.py": SEARCH_OUTPUT,
    "hours.py": "7 hours\n",
    "plans.py": "",
}
JAVASCRIPT = os.environ.get("TWELVELABS_JS", "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with all programs of the page."""
    for name, block in BLOCKS.items():
        (tmp_path / name).write_text(block)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")  # otherwise pytest could use the settings of this repository
    return tmp_path


@pytest.mark.parametrize("name", EXPECTED_OUTPUT)
async def test_a_program_prints_the_output_on_the_page(name: str, folder: Path) -> None:
    assert await run_program(sys.executable, "-W", "error", name, cwd=folder) == EXPECTED_OUTPUT[name]


async def test_the_tests_on_the_page_pass(folder: Path) -> None:
    output = await run_program(sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", cwd=folder)
    assert "3 passed" in output


async def test_the_command_prints_the_output_on_the_page() -> None:
    async with start_process(sys.executable, *START_COMMAND.replace("8765", "0").split(), stdout=PIPE) as process:
        assert process.stdout is not None
        lines = [(await process.stdout.readline()).decode() for _ in START_OUTPUT.splitlines()]
    origin = lines[0].removesuffix("/v1.3\n")
    assert "".join(lines).replace(origin, "http://127.0.0.1:8765") == START_OUTPUT


async def test_the_commands_control_an_emulator(folder: Path) -> None:
    async with Emulator() as emulator:
        origin = emulator.base_url.removesuffix("/v1.3")
        outputs: list[str] = []
        for commands in COMMANDS:
            script = commands.replace("http://127.0.0.1:8765", origin).replace("curl ", "curl --fail ")
            outputs.append(await run_program("bash", "-ec", script, cwd=folder))
    assert '"hits": 0' in outputs[-1]
    assert [fault.status for fault in emulator.faults] == [503]
    assert [asset.filename for asset in emulator.state.assets.values()] == ["a.mp4"]
    assert [answer["answer"] for answer in emulator.service.answers.to_json()] == ["One."]


@pytest.mark.skipif(not JAVASCRIPT, reason="TWELVELABS_JS is not a folder with twelvelabs-js")
async def test_the_javascript_program_runs(folder: Path) -> None:
    (folder / "node_modules").symlink_to(Path(JAVASCRIPT) / "node_modules")
    async with Emulator() as emulator:
        variables = {"TWELVELABS_BASE_URL": emulator.base_url, "TWELVE_LABS_API_KEY": emulator.api_key}
        assert await run_program("node", "tour.mjs", cwd=folder, variables=variables) == "films\n"


@pytest.mark.parametrize("module", [faults, api])
def test_the_page_contains_the_tables_of_the_docstrings(module: object) -> None:
    rows = [line for line in (inspect.getdoc(module) or "").splitlines() if line.startswith("| ") and "`" in line]
    assert rows
    assert [row for row in rows if row not in PAGE] == []


def test_every_program_on_the_page_is_tested() -> None:
    assert {*BLOCKS} == {*EXPECTED_OUTPUT, "app.py", "test_app.py", "test_clips.py", "tour.mjs"}
    assert PAGE.count("```python") + PAGE.count("```js") == len(BLOCKS)
