"""Runs the Python code in docs/ingest.md."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async._cli import demo
from twelvelabs_async.emulator import Emulator

MANUAL = (Path(__file__).parents[2] / "docs" / "ingest.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", MANUAL, flags=re.DOTALL)
SHORT = Path(__file__).parents[1] / "data" / "media" / "short.mp4"
CLIP = demo.SAMPLE_VIDEOS / "sailing-boat-at-sunset.mp4"
MODELS = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]


@pytest.fixture
def functions() -> dict[str, Any]:
    """The functions on the page, by name."""
    namespace: dict[str, Any] = {}
    for block in BLOCKS[1:]:
        exec(block, namespace)  # noqa: S102  # code of this repository
    return namespace


async def test_the_first_example_ingests_a_folder(
    client: AsyncTwelveLabs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "videos").mkdir()
    shutil.copy(CLIP, tmp_path / "videos" / "sailing.mp4")
    monkeypatch.chdir(tmp_path)
    variables = {"client": client, "index": await client.indexes.ensure("holiday", MODELS)}
    code = compile(BLOCKS[0], "ingest.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    await eval(code, variables)  # noqa: S307  # code of this repository
    assert re.fullmatch(r"ready videos/sailing.mp4 [0-9a-f]{24}\n", capsys.readouterr().out)
    assert (tmp_path / "holiday.ledger").exists()


async def test_signed_bucket_urls_are_not_stored_in_the_ledger(
    client: AsyncTwelveLabs, functions: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Bucket:
        def sign(self, name: str) -> str:
            return f"https://bucket.example.com/{name}?X-Amz-Signature=secret"

    async def names() -> AsyncIterator[str]:
        for number in range(3):
            yield f"cam{number}/film.mp4"

    monkeypatch.chdir(tmp_path)
    index = await client.indexes.ensure("holiday", MODELS)
    await functions["ingest_bucket"](client, index, Bucket(), names())
    assets = await client.assets.list().to_list()
    assert {asset.user_metadata["camera"] for asset in assets} == {"cam0", "cam1", "cam2"}
    assert b"secret" not in (tmp_path / "bucket.ledger").read_bytes()


async def test_the_page_shows_the_error_for_a_short_clip(
    client: AsyncTwelveLabs, emulator: Emulator, functions: dict[str, Any], tmp_path: Path
) -> None:
    shutil.copy(SHORT, tmp_path)
    index = await client.indexes.ensure("holiday", MODELS)
    assert (
        await functions["ingest_small_files"](client, index, tmp_path)
    ).failed == 1  # without validation, the platform rejects it
    summary = await client.ingest(tmp_path, index_id=index.id).summary()
    (failure,) = summary.failures
    assert f"*{failure.error}*" in MANUAL.replace("\n", " ")
    assert len(emulator.state.assets) == 1


async def test_the_overnight_example_prints_its_result(
    client: AsyncTwelveLabs,
    functions: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(CLIP, tmp_path)
    await functions["ingest_overnight"](client, await client.indexes.ensure("holiday", MODELS), tmp_path)
    assert capsys.readouterr().out == "1 ready 0 failed complete\n"
