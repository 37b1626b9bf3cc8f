"""The client of a command."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from twelvelabs_async._cli.console import Screen
from twelvelabs_async.client import AsyncTwelveLabs


@asynccontextmanager
async def open_client(base_url: str | None, screen: Screen, **options: Any) -> AsyncGenerator[AsyncTwelveLabs]:
    """Open a client with the API key of the environment, and say which proxy it uses, if it uses one.

    Args:
        base_url: Base URL of the API; None is the Twelve Labs API.
        screen: Prints the proxy.
        options: Options of the client.
    """
    async with AsyncTwelveLabs(base_url=base_url, **options) as client:
        screen.proxy(client.proxy)
        yield client
