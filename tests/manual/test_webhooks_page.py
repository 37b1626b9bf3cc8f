"""The receivers in docs/webhooks.md accept deliveries of the emulator."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from pages import DOCS, examples
from support import eventually

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator, Timing


async def test_the_webhook_receiver_accepts_deliveries_of_the_emulator() -> None:
    """The receiver verifies signatures and counts each event once."""
    namespace: dict[str, Any] = {}
    exec(examples(DOCS / "webhooks.md")[0].code, namespace)  # noqa: S102  # code of this repository
    runner = web.AppRunner(namespace["app"], shutdown_timeout=0.05)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with (
            Emulator(timing=Timing.immediate()) as emulator,
            AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url) as client,
        ):
            emulator.webhooks.add(f"http://127.0.0.1:{runner.addresses[0][1]}/webhook", secret=namespace["SECRET"])
            video = {"type": "url", "url": "https://example.com/film.mp4"}
            task = await client.analyze_async.tasks.create(video=video, prompt="What happens?")
            await eventually(lambda: bool(namespace["ready"]), timeout=60)
    finally:
        await runner.cleanup()
    assert namespace["ready"] == [task.id]
