"""What the README shows is run, not only read."""

from __future__ import annotations

import ast
import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

import twelvelabs_async
from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator, Timing

README = Path(__file__).parents[2] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), flags=re.DOTALL)
MANUAL = README.parent / "docs" / "webhooks.md"
HOOKS = re.findall(r"```python\n(.*?)```", MANUAL.read_text("utf-8"), flags=re.DOTALL)
CLIP = Path(twelvelabs_async.__file__).parent / "cli" / "clips" / "sailing-boat-at-sunset.mp4"


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[0][:30])
def test_each_example_is_python(block: str) -> None:
    compile(block, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


async def test_the_tour_runs_as_it_stands(tmp_path: Path) -> None:
    """A reader copies it, sets the key, and finds the boat."""
    (tmp_path / "sailing.mp4").write_bytes(CLIP.read_bytes())
    (tmp_path / "tour.py").write_text(BLOCKS[0].replace('"a boat"', '"sailing"'))
    async with Emulator() as emulator:
        environment = {
            **os.environ,
            "TWELVELABS_API_KEY": emulator.api_key,
            "TWELVELABS_BASE_URL": emulator.base_url,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-W",
            "error",
            "tour.py",
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
        )
        output, _ = await process.communicate()
    assert process.returncode == 0
    assert re.search(rb"^[0-9a-f]{24} [\d.]+ [\d.]+$", output, flags=re.MULTILINE)


@pytest.mark.parametrize("block", HOOKS, ids=["aiohttp", "fastapi"])
def test_each_receiver_is_python(block: str) -> None:
    compile(block, "webhooks.md", "exec")


async def test_the_receiver_of_the_manual_takes_what_the_emulator_delivers() -> None:
    """Signed, verified, and counted once although it could come twice."""
    made: dict[str, Any] = {}
    exec(HOOKS[0], made)  # noqa: S102  # our own manual
    runner = web.AppRunner(made["app"], shutdown_timeout=0.05)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with (
            Emulator(timing=Timing(asset=0, indexing=0, analysis=0)) as emulator,
            AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url) as client,
        ):
            emulator.webhooks.add(f"http://127.0.0.1:{runner.addresses[0][1]}/webhook", secret=made["SECRET"])
            video = {"type": "url", "url": "https://example.com/film.mp4"}
            task = await client.analyze_async.tasks.create(video=video, prompt="What happens?")
            while not made["ready"]:
                await asyncio.sleep(0.01)
    finally:
        await runner.cleanup()
    assert made["ready"] == [task.id]


APPLICATION = """
import asyncio
from twelvelabs_async import AsyncTwelveLabs

MODELS = [{"model_name": "marengo3.0", "model_options": ["visual"]}]
CLIP = "%s"

def find(words):
    return asyncio.run(work(words))

async def work(words):
    async with AsyncTwelveLabs() as client:
        index = await client.indexes.ensure("clips", MODELS)
        asset = await client.assets.upload(CLIP, filename="sailing.mp4", wait=True)
        entry = await client.indexes.indexed_assets.create(index.id, asset_id=asset.id)
        await client.indexes.indexed_assets.wait_for_done(index.id, entry.id)
        hits = client.search.query(index_id=index.id, search_options=["visual"], query_text=words)
        return [("sailing.mp4", hit.start, hit.end) async for hit in hits]
"""


@pytest.mark.timeout(180)
def test_the_example_for_tests_runs(tmp_path: Path) -> None:
    """The emulator as other people's tests use it."""
    (tmp_path / "my_application.py").write_text(APPLICATION % CLIP.as_posix())
    (tmp_path / "test_it.py").write_text(BLOCKS[-1])
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "--strict-markers"]
    options = ["-p", "no:cacheprovider", "-p", "no:randomly", "-o", "asyncio_default_fixture_loop_scope=function"]
    done = subprocess.run(  # noqa: S603  # all of it is ours
        [*command, *options], cwd=tmp_path, capture_output=True, encoding="utf-8", check=False
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr
