"""One emulator for all tests of a module."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from support import eventually

from twelvelabs_async.emulator import Emulator


@asynccontextmanager
async def reset_after_use(emulator: Emulator) -> AsyncGenerator[Emulator]:
    """Yield an emulator for one test, and reset it when its last request has ended."""
    plan = emulator.plan
    try:
        yield emulator
    finally:
        await eventually(lambda: not emulator.in_flight, timeout=60)
        emulator.reset()
        emulator.plan = plan
