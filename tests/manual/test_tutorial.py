"""Runs the commands and the code of docs/tutorial.md, and compares their output with the page."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from pages import DOCS, ROOT, assert_prints, examples, run_block
from processes import PIPE, run_program, start_process

from twelvelabs_async.emulator import Emulator, Timing

PAGE = DOCS / "tutorial.md"
INSTALL, START, SECOND_TERMINAL = examples(PAGE, "sh")
CODE = examples(PAGE)


async def test_the_code_prints_the_outputs_of_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    async with Emulator(timing=Timing.immediate()) as emulator:
        monkeypatch.setenv("TWELVELABS_API_KEY", emulator.api_key)
        monkeypatch.setenv("TWELVELABS_BASE_URL", emulator.base_url)
        variables: dict[str, Any] = {}
        for number, example in enumerate(CODE, start=1):
            await run_block(example, f"tutorial.md, block {number}", variables, capsys)


@pytest.mark.recipe
@pytest.mark.timeout(1200)
@pytest.mark.skipif(sys.platform == "win32", reason="the commands are those of a POSIX shell")
async def test_the_tutorial_works_in_an_empty_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command and line of Python is run as on the page, except for the port."""
    await run_program(sys.executable, "-m", "venv", "environment", cwd=tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'environment' / 'bin'}:/usr/bin:/bin")
    await run_program("sh", "-ec", INSTALL.code, cwd=ROOT)
    async with start_process("sh", "-ec", f"exec {START.code.replace('8765', '0')}", stdout=PIPE) as emulator:
        assert emulator.stdout is not None
        start_lines = [(await emulator.stdout.readline()).decode() for _ in str(START.output).splitlines()]
        origin = start_lines[0].removesuffix("/v1.3\n")
        assert_prints("".join(start_lines).replace(origin, "http://127.0.0.1:8765"), str(START.output))
        python_input = "".join(f"{example.code}\n" for example in CODE)
        (tmp_path / "entered").write_text(python_input)
        terminal = SECOND_TERMINAL.code.replace("http://127.0.0.1:8765", origin)
        output = await run_program("sh", "-ec", f"exec <entered\n{terminal}", cwd=tmp_path)
    session = output.partition(">>> import asyncio\n")[2].rpartition("exiting asyncio REPL")[0]
    assert_prints(re.sub(r"(>>> |\.\.\. )", "", session), "".join(str(example.output) for example in CODE) + "\n")
