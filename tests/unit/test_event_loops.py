"""Calls without an event loop of asyncio."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import trio

from twelvelabs_async import AsyncTwelveLabs, ClientStateError


def step(call: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine up to its first wait, like a program without an event loop."""
    call().send(None)


async def upload(client: AsyncTwelveLabs, path: Path) -> None:
    await client.assets.upload(path)


async def upload_temporarily(client: AsyncTwelveLabs, path: Path) -> None:
    async with client.assets.temporary(path):
        pass


@pytest.mark.parametrize("run", [step, trio.run])
@pytest.mark.parametrize("use", [upload, upload_temporarily])
def test_an_upload_without_an_asyncio_event_loop_raises_client_state_error(
    tmp_path: Path, run: Callable[[Any], None], use: Callable[[AsyncTwelveLabs, Path], Awaitable[None]]
) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"x")

    async def call() -> None:
        await use(AsyncTwelveLabs("key"), path)

    with pytest.raises(ClientStateError, match="no running asyncio event loop"):
        run(call)
