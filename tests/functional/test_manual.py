"""Every page of the manual is run from its top to its end, as a reader would type it."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import twelvelabs_async
from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator, Timing

import_module("twelvelabs_async.fleet")  # what it needs is read from the disk before any loop runs
DOCS = Path(__file__).parents[2] / "docs"
CLIP = Path(twelvelabs_async.__file__).parent / "cli" / "clips" / "sailing-boat-at-sunset.mp4"
RUN_ELSEWHERE = {
    "emulator.md",  # whole programs, which start a loop of their own: test_emulator_page.py
    "ingest.md",  # functions, which a reader calls with a bucket and a folder: test_manual_of_ingestion.py
}
PAGES = {
    page.name: blocks
    for page in sorted(DOCS.glob("*.md"))
    if page.name not in RUN_ELSEWHERE
    if (blocks := re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), flags=re.DOTALL))
}


async def run(block: str, where: str, names: dict[str, Any]) -> None:
    """Run one block, which may await."""
    code = compile(block, where, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    waiting = eval(code, names)  # noqa: S307  # our own manual
    if inspect.isawaitable(waiting):
        await waiting


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_runs_from_its_top_to_its_end(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside what it imports, a page may use `client`, `emulator`, an `index`, an `asset` in it, and `sailing.mp4`."""
    asyncio.get_running_loop().set_debug(False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sailing.mp4").write_bytes(CLIP.read_bytes())
    async with Emulator(timing=Timing(asset=0, indexing=0, analysis=0)) as emulator:
        monkeypatch.setenv("TWELVELABS_API_KEY", emulator.api_key)
        monkeypatch.setenv("TWELVELABS_BASE_URL", emulator.base_url)
        async with AsyncTwelveLabs() as client:
            index = await client.indexes.ensure("manual", [{"model_name": "marengo3.0", "model_options": ["visual"]}])
            asset = await client.assets.upload("sailing.mp4", wait=True)
            await client.indexes.indexed_assets.create(index.id, asset_id=asset.id)
            names: dict[str, Any] = {
                "__name__": __name__,
                "client": client,
                "emulator": emulator,
                "index": index,
                "asset": asset,
            }
            for number, block in enumerate(PAGES[page], start=1):
                await run(block, f"{page}, block {number}", names)
