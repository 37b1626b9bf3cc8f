"""`twelvelabs-async ingest`: bring videos into an index, say what that would do, or clean up after it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

from twelvelabs_async.cli.codes import Code, of_summary
from twelvelabs_async.cli.commands import MODELS, by_id
from twelvelabs_async.cli.render import Screen
from twelvelabs_async.cli.running import Wishes, carry
from twelvelabs_async.cli.watch import Watch
from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.clock import SystemClock
from twelvelabs_async.errors import InvalidInputError


async def ingest(sources: Sequence[str], *, index: str, wishes: Wishes, base_url: str | None, screen: Screen) -> Code:
    """Bring files into an index, which is made if there is none of this name."""
    await asyncio.to_thread(_check_report, wishes)
    watch = Watch(screen, SystemClock())
    async with AsyncTwelveLabs(base_url=base_url, on_event=watch.limit) as client:
        found = await by_id(client, index) or await client.indexes.ensure(index, MODELS)
        screen.say(f"into the index {found.index_name} ({found.id})")
        return of_summary(await carry(client, sources, index=found, watch=watch, wishes=wishes))


def _check_report(wishes: Wishes) -> None:
    """Find out now, and not after a night's work, that the report cannot be written."""
    path = wishes.report
    if path is not None and (path.is_dir() or not os.access(path.absolute().parent, os.W_OK)):
        raise InvalidInputError(f"cannot write the report to {path}")
