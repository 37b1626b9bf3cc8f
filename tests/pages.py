"""Examples of the README and the manual: code blocks and commands, with the output that follows them.

A `python` block may be followed by a `text` block with what it prints. In an output, `…` stands for any characters, and
spaces for any number of spaces.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
from processes import run_program

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async._cli.demo import SAMPLE_VIDEOS
from twelvelabs_async._cli.main import run
from twelvelabs_async.emulator import Emulator, Timing

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
CLIP = SAMPLE_VIDEOS / "sailing-boat-at-sunset.mp4"
MODELS = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]
_BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```$(?:\n\n^```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
_CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


@attrs.frozen
class Example:
    """A code block of a page."""

    code: str
    """The code."""
    output: str | None
    """The output that follows it on the page, or None."""

    @property
    def is_program(self) -> bool:
        """Whether it starts an event loop and therefore runs in a subprocess."""
        return "asyncio.run(" in self.code


def examples(page: Path, language: str = "python") -> list[Example]:
    """Return the code blocks of a page."""
    blocks = _BLOCK.findall(page.read_text("utf-8"))
    return [Example(code, output or None) for name, code, output in blocks if name == language]


def commands(page: Path) -> Iterator[tuple[str, str]]:
    """Yield each command of the `console` blocks of a page, and the output that follows it."""
    for block in _CONSOLE.findall(page.read_text("utf-8")):
        for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = example.partition("\n")
            yield command, output


def assert_prints(printed: str, expected: str, what: str = "") -> None:
    """Compare what was printed with an output of a page."""
    pattern = re.sub(r"(\\ )+", " +", re.escape(expected.rstrip("\n"))).replace("…", ".*")
    assert re.fullmatch(pattern, printed.rstrip("\n"), re.DOTALL), (
        f"{what}\nprinted:\n{printed}\nthe page has:\n{expected}"
    )


async def run_block(example: Example, filename: str, names: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """Run a block, which may contain await, and compare what it prints."""
    capsys.readouterr()
    code = compile(example.code, filename, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    result = eval(code, names)  # noqa: S307  # code of this repository
    if inspect.isawaitable(result):
        await result
    if example.output is not None:
        assert_prints(capsys.readouterr().out, example.output, filename)


async def run_page(
    page: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    scenes: Sequence[tuple[float, float, str]] = (),
    times: int = 1,
    **names: Any,
) -> dict[str, Any]:
    """Run the Python code of a page of the manual from top to bottom, and return its names.

    It may use `client`, `emulator`, an `index`, an `asset`, its `video` in the index, and the file `sailing.mp4`.

    Args:
        page: Name of the page.
        folder: Folder to run it in.
        monkeypatch: Changes the environment.
        capsys: Captures the output.
        scenes: Scenes of the video.
        times: Number of runs of the page, with the same index.
        names: More names that the page may use.
    """
    asyncio.get_running_loop().set_debug(False)
    monkeypatch.chdir(folder)
    (folder / "sailing.mp4").write_bytes(CLIP.read_bytes())
    async with Emulator(timing=Timing.immediate()) as emulator:
        monkeypatch.setenv("TWELVELABS_API_KEY", emulator.api_key)
        monkeypatch.setenv("TWELVELABS_BASE_URL", emulator.base_url)
        if scenes:
            emulator.describe("sailing.mp4", scenes)
        async with AsyncTwelveLabs() as client:
            index = await client.indexes.ensure("videos", MODELS)
            asset = await client.assets.upload("sailing.mp4", wait=True)
            video = await client.indexes.indexed_assets.create(index.id, asset_id=asset.id)
            names |= {"__name__": __name__, "client": client, "emulator": emulator}
            names |= {"index": index, "asset": asset, "video": video}
            for number, example in enumerate(examples(DOCS / page) * times, start=1):
                if example.is_program:
                    await _run_program(example, folder)
                else:
                    await run_block(example, f"{page}, block {number}", names, capsys)
    return names


async def _run_program(example: Example, folder: Path) -> None:
    """Run a program in a subprocess and compare what it prints."""
    (folder / "program.py").write_text(example.code)
    printed = await run_program(sys.executable, "-W", "error", "program.py", cwd=folder)
    if example.output is not None:
        assert_prints(printed, example.output)


def run_commands(page: Path, names: Mapping[str, str], capsys: pytest.CaptureFixture[str]) -> int:
    """Run the commands of a page in this process, compare their outputs, and return their number.

    Args:
        page: The page.
        names: Words to replace in commands and outputs, such as ids.
        capsys: Fixture that captures the output.
    """
    console_commands = list(commands(page))
    for command, output in console_commands:
        for name, value in names.items():
            command, output = command.replace(name, value), output.replace(name, value)  # noqa: PLW2901  # with their values
        program, *arguments = shlex.split(command)
        assert program == "twelvelabs-async"
        run(arguments)
        captured = capsys.readouterr()
        assert_prints(captured.out + captured.err, output, command)
    return len(console_commands)
