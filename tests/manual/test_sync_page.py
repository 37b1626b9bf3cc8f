"""Runs the code of docs/sync.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from twelvelabs_async._cli.demo import SAMPLE_VIDEOS
from twelvelabs_async.emulator import ThreadedEmulator, Timing

PAGE = Path(__file__).parents[2] / "docs" / "sync.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)


def test_the_code_of_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sailing.mp4").write_bytes((SAMPLE_VIDEOS / "sailing-boat-at-sunset.mp4").read_bytes())
    with ThreadedEmulator(timing=Timing(asset=0, indexing=0, analysis=0)) as emulator:
        monkeypatch.setenv("TWELVELABS_API_KEY", emulator.api_key)
        monkeypatch.setenv("TWELVELABS_BASE_URL", emulator.base_url)
        variables: dict[str, Any] = {"__name__": __name__}
        for block in BLOCKS:
            exec(compile(block, "sync.md", "exec"), variables)  # noqa: S102  # code of this repository
        variables["client"].close()
    output = capsys.readouterr().out
    assert "ready sailing.mp4" in output
    assert re.search(r"^[0-9a-f]{24}$", output, flags=re.MULTILINE)
