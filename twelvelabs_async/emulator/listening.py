"""The sockets of the emulator, all on one address."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from twelvelabs_async.emulator.hosts import is_loopback

BUFFER: Final = 1 << 20
PATIENCE: Final = 0.05
"""Seconds that requests get to finish when the emulator stops."""


class Listeners:
    """What listens at the moment.

    Args:
        host: Address to listen on.
        public_host: Name of this machine in the addresses that are given out.
        allow_remote: Whether other machines may reach it.

    Raises:
        ValueError: They would, and may not.
    """

    def __init__(self, host: str, public_host: str, *, allow_remote: bool) -> None:
        if not allow_remote and not is_loopback(host):
            raise ValueError(f"{host} can be reached from other machines, which has to be allowed with allow_remote")
        self.names: tuple[str, str] = (host, public_host)
        self._runners: list[web.AppRunner] = []

    def __bool__(self) -> bool:
        return bool(self._runners)

    async def open(self, app: web.Application, port: int) -> str:
        """Serve an application, and return where it is.

        Raises:
            OSError: The port is taken.
        """
        # Without lingering: a request that is answered before its body was read must not outlive its caller.
        runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=PATIENCE, read_bufsize=BUFFER, handle_signals=False, lingering_time=0
        )
        await runner.setup()
        self._runners.append(runner)
        host, public = self.names
        await web.TCPSite(runner, host, port).start()
        bound: int = runner.addresses[0][1]
        return f"http://{f'[{public}]' if ':' in public else public}:{bound}"

    async def close(self) -> None:
        """Close all connections at once."""
        runners, self._runners = self._runners, []
        await asyncio.gather(*(runner.cleanup() for runner in runners))
