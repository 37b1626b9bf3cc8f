"""What docs/ingest.md shows is run, not only read."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.cli import demo
from twelvelabs_async.cli.codes import Code
from twelvelabs_async.emulator import Emulator

MANUAL = (Path(__file__).parents[2] / "docs" / "ingest.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", MANUAL, flags=re.DOTALL)
SHORT = Path(__file__).parents[1] / "data" / "media" / "short.mp4"
CLIP = demo.CLIPS / "sailing-boat-at-sunset.mp4"
MODELS = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]


@pytest.fixture
def made() -> dict[str, Any]:
    """The functions of the manual."""
    found: dict[str, Any] = {}
    for block in BLOCKS[1:]:
        exec(block, found)  # noqa: S102  # our own manual
    return found


async def test_a_folder_is_ingested_by_the_first_two_lines(
    client: AsyncTwelveLabs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "videos").mkdir()
    shutil.copy(CLIP, tmp_path / "videos" / "sailing.mp4")
    monkeypatch.chdir(tmp_path)
    names = {"client": client, "index": await client.indexes.ensure("holiday", MODELS)}
    code = compile(BLOCKS[0], "ingest.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    await eval(code, names)  # noqa: S307  # our own manual
    assert re.fullmatch(r"ready videos/sailing.mp4 [0-9a-f]{24}\n", capsys.readouterr().out)
    assert (tmp_path / "holiday.ledger").exists()


async def test_a_bucket_is_signed_as_it_is_read(
    client: AsyncTwelveLabs, made: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Bucket:
        def sign(self, name: str) -> str:
            return f"https://bucket.example.com/{name}?X-Amz-Signature=secret"

    async def names() -> AsyncIterator[str]:
        for number in range(3):
            yield f"cam{number}/film.mp4"

    monkeypatch.chdir(tmp_path)
    index = await client.indexes.ensure("holiday", MODELS)
    await made["ingest_bucket"](client, index, Bucket(), names())
    assets = await client.assets.list().collect()
    assert {asset.user_metadata["camera"] for asset in assets} == {"cam0", "cam1", "cam2"}
    assert b"secret" not in (tmp_path / "bucket.ledger").read_bytes()


async def test_a_clip_of_three_seconds_is_told_in_the_words_of_the_manual(
    client: AsyncTwelveLabs, emulator: Emulator, made: dict[str, Any], tmp_path: Path
) -> None:
    shutil.copy(SHORT, tmp_path)
    index = await client.indexes.ensure("holiday", MODELS)
    assert (await made["ingest_small_ones"](client, index, tmp_path)).failed == 1  # there it is for the platform to say
    summary = await client.ingest(tmp_path, index_id=index.id).summary()
    (failure,) = summary.failures
    assert f"*{failure.error}*" in MANUAL.replace("\n", " ")
    assert len(emulator.state.assets) == 1


async def test_an_ingestion_overnight_says_how_it_ended(
    client: AsyncTwelveLabs,
    made: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(CLIP, tmp_path)
    await made["ingest_overnight"](client, await client.indexes.ensure("holiday", MODELS), tmp_path)
    assert capsys.readouterr().out == "1 ready 0 failed came to its end\n"


def test_its_exit_codes_are_all_there_are() -> None:
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", MANUAL, flags=re.MULTILINE)] == sorted(Code)
