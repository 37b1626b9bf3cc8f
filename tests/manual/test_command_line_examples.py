"""The examples in docs/command-line.md show the output of the commands."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pages import DOCS, run_commands

from twelvelabs_async._cli.demo import SAMPLE_VIDEOS
from twelvelabs_async._options import API_KEY_VARIABLES, BASE_URL_VARIABLE
from twelvelabs_async.emulator import ThreadedEmulator, Timing


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory with a folder `videos`, and a state folder."""
    videos = tmp_path / "videos"
    videos.mkdir()
    shutil.copy(SAMPLE_VIDEOS / "sailing-boat-at-sunset.mp4", videos / "boat.mp4")
    shutil.copy(SAMPLE_VIDEOS / "night-train-through-the-city.mp4", videos / "train.mp4")
    (videos / "notes.mp4").write_text("buy bread")
    (videos / "cover.jpg").write_text("an image")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_each_command_prints_the_output_on_the_page(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with ThreadedEmulator(timing=Timing.immediate()) as emulator:
        monkeypatch.setenv(API_KEY_VARIABLES[0], emulator.api_key)
        monkeypatch.setenv(BASE_URL_VARIABLE, emulator.base_url)
        video = emulator.add_video("holiday", "boat.mp4", [(0, 30, "a boat")], user_metadata={"camera": "front"})
        emulator.answer("POST /analyze", "A boat leaves the harbor.")
        ids = {"VIDEO": video.id, "ASSET": video.asset.id, "INDEX": video.index_id}
        assert run_commands(DOCS / "command-line.md", ids, capsys) > 20
