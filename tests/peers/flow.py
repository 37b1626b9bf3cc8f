"""Typical calls of applications with the official Python client, against the emulator command.

This is a program, not a test: `nox -s peer_versions` runs it for each version of the client. It runs the methods that
the version has with the synchronous and the asynchronous client, and prints their names. With arguments, it runs them
as a command, which finds the emulator by environment variables.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twelvelabs_async.emulator import samples

VIDEO = samples.video(9)


@contextmanager
def running_emulator() -> Generator[None]:
    """Start the command, and set the environment variables that it prints."""
    command = [sys.executable, "-m", "twelvelabs_async", "emulator", "--timing", "seconds=0.2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  # a fixed command
        assert process.stdout is not None
        try:
            lines = [process.stdout.readline().strip() for _ in range(6)]
            exports = [line.removeprefix("export ").split("=", 1) for line in lines if line.startswith("export ")]
            os.environ.update(dict(exports))
            yield
        finally:
            process.terminate()


async def resolve(value: Any) -> Any:
    """Return a result of either client; await that of the asynchronous client."""
    return await value if inspect.isawaitable(value) else value


async def collect(pages: Any) -> list[Any]:
    """Return all items of a list or stream of either client."""
    pages = await resolve(pages)
    return [item async for item in pages] if hasattr(pages, "__aiter__") else list(pages)


async def run(client: Any, model_type: Any) -> list[str]:
    """Upload, index, search, embed, analyze and delete; return the names of the methods that were called."""
    called_methods: list[str] = []

    async def call(method: str, /, *ids: str, **fields: Any) -> Any:
        target = client
        for name in method.split("."):
            target = getattr(target, name)
        called_methods.append(method)
        return await resolve(target(*ids, **fields))

    models = [model_type(model_name="marengo3.0", model_options=["visual", "audio"])]
    index = await call("indexes.create", index_name="films", models=models)
    task = await call("tasks.create", index_id=index.id, video_file=("red car.mp4", VIDEO))
    finished_task = await call("tasks.wait_for_done", task.id, sleep_interval=0.1)
    assert finished_task.status == "ready", finished_task
    for query, expected in (("a red car", True), ("an otter swims", True)):
        hits = await collect(await call("search.query", index_id=index.id, search_options=["visual"], query_text=query))
        assert bool(hits) is expected
        assert hits[0].video_id == task.video_id
    embedding = await call("embed.create", model_name="marengo3.0", text="a red car")
    assert len(embedding.text_embedding.segments[0].float_) == 512
    short_task = await call("embed.tasks.create", model_name="marengo3.0", video_file=("short.mp4", samples.video(5)))
    assert (await call("embed.tasks.wait_for_done", short_task.id, sleep_interval=0.1)).status == "ready"
    assert [index.index_name for index in await collect(await call("indexes.list"))] == ["films"]
    if hasattr(client, "assets"):
        await _use_assets(client, call, index.id)
    await call("indexes.delete", index.id)
    return called_methods


async def _use_assets(client: Any, call: Any, index_id: str) -> None:
    """Use resources of later versions: assets, indexed assets, large uploads, and analyses of assets."""
    asset = await call("assets.create", method="direct", file=("blue boat.mp4", VIDEO))
    while (await call("assets.retrieve", asset.id)).status == "processing":
        await asyncio.sleep(0.1)
    if hasattr(client.indexes, "indexed_assets"):
        indexed = await call("indexes.indexed_assets.create", index_id, asset_id=asset.id)
        while (await call("indexes.indexed_assets.retrieve", index_id, indexed.id)).status not in {"ready", "failed"}:
            await asyncio.sleep(0.1)
    if hasattr(getattr(client, "multipart_upload", None), "upload_file"):
        with TemporaryDirectory() as folder:
            path = Path(folder, "large.mp4")
            path.write_bytes(samples.video(60, size=12 << 20))
            uploaded = await call("multipart_upload.upload_file", path)
        assert (await call("assets.retrieve", uploaded.asset_id)).filename == "large.mp4"
    if "video" in inspect.signature(client.analyze).parameters:
        response = await call("analyze", video={"type": "asset_id", "asset_id": asset.id}, prompt="What happens?")
        assert response.data
        chunks = await collect(
            await call("analyze_stream", video={"type": "asset_id", "asset_id": asset.id}, prompt="What happens?")
        )
        assert chunks


def main() -> None:
    """Run both clients, or the command in the arguments."""
    with running_emulator():
        if command := sys.argv[1:]:
            sys.exit(subprocess.run(command, check=False).returncode)  # noqa: S603  # a command of nox
        # Version 1.0 reads the environment variables on import; version 1.3 does not read the API key.
        key = os.environ["TWELVE_LABS_API_KEY"]
        twelvelabs: Any = importlib.import_module("twelvelabs")
        model_type: Any = importlib.import_module("twelvelabs.indexes").IndexesCreateRequestModelsItem
        for name in ("TwelveLabs", "AsyncTwelveLabs"):
            called = asyncio.run(run(getattr(twelvelabs, name)(api_key=key), model_type))
            line = f"{name} {version('twelvelabs')}: {len(called)} calls: {' '.join(dict.fromkeys(called))}"
            sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
