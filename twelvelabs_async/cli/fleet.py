"""`twelvelabs-async ingest --submit`, `worker` and `status`: videos that workers on many machines carry."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Final

import attrs

from twelvelabs_async.cli.codes import Code
from twelvelabs_async.cli.commands import MODELS, by_id
from twelvelabs_async.cli.interrupts import interrupts
from twelvelabs_async.cli.render import Screen, basename
from twelvelabs_async.cli.running import Wishes
from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.clock import SystemClock
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.ingest import in_database
from twelvelabs_async.ingest.check import checker

if TYPE_CHECKING:
    from twelvelabs_async.fleet import Status

LOOK_EVERY: Final = 2.0
"""Seconds between two lines about how far it is."""

COUNTS: Final = ("queued", "uploading", "processing", "indexing", "ready", "failed", "stuck")


def address_of(ledger: str | None) -> str:
    """The database that a ledger is in, once it is sure that there is one. Loads what it needs: call it in no loop.

    Raises:
        InvalidInputError: The ledger is none of a database, or what it needs is not installed.
    """
    if ledger is None or not in_database(ledger):
        raise InvalidInputError("workers share a --ledger in a database, like postgresql://user@host/videos")
    try:
        import_module("twelvelabs_async.fleet")
    except ImportError:
        raise InvalidInputError("workers need: pip install 'twelvelabs-async[postgres]'") from None
    return ledger


async def submit(
    sources: Sequence[str], url: str, *, index: str, wishes: Wishes, base_url: str | None, screen: Screen
) -> Code:
    """Hand files in for an index, which is made if there is none of this name."""
    from twelvelabs_async.fleet import submit as hand_in  # noqa: PLC0415  # an extra

    async with AsyncTwelveLabs(base_url=base_url) as client:
        found = await by_id(client, index) or await client.indexes.ensure(index, MODELS)
    screen.say(f"into the index {found.index_name} ({found.id})")
    done = await hand_in(
        url,
        sources,
        index_id=found.id,
        dedupe=wishes.dedupe,
        retry_failed=wishes.retry_failed,
        check=checker(model.model_name for model in found.models),
    )
    for source, problem in done.problems:
        screen.say(f"refused   {basename(source)}: {problem}")
    screen.say(f"{done.accepted:,} handed in, {done.ready:,} ready before, {done.duplicates:,} same as another")
    if done.failed:
        screen.say(f"{done.failed:,} were refused by the platform before; --retry-failed tries them again")
    screen.record({**attrs.asdict(done), "index_id": found.id})
    return Code.FAILED if done.problems or done.failed else Code.OK


async def work(
    url: str, *, concurrency: int, budget: str | None, organization: str | None, base_url: str | None, screen: Screen
) -> Code:
    """Carry what was handed in until interrupted; the first Ctrl-C finishes the steps under way."""
    for name in ("procrastinate", "psycopg"):  # what they complain of, a worker tells in its own words
        logging.getLogger(name).addHandler(logging.NullHandler())
    async with AsyncTwelveLabs(base_url=base_url, budget=budget, organization=organization) as client:
        worker = client.worker(url, concurrency=concurrency)

        def stop() -> None:
            worker.stop()
            screen.say("finishing the steps under way; Ctrl-C again stops at once")

        screen.say(f"a worker with {concurrency} steps at once; Ctrl-C ends it")
        with interrupts(stop) as asked:
            try:
                await worker.run()
            except asyncio.CancelledError:
                if not asked.at_once:
                    raise
    screen.say(f"{worker.done:,} steps done")
    return Code.INTERRUPTED if asked.at_once else Code.OK


async def status(url: str, *, watch: bool, screen: Screen) -> Code:
    """Say how far everything is, once or until nothing is left to do."""
    from twelvelabs_async.fleet import status as ask  # noqa: PLC0415  # an extra

    now = await ask(url)
    while watch and now.open:
        _show(now, screen)
        await SystemClock().sleep(LOOK_EVERY)
        now = await ask(url)
    _show(now, screen)
    for entry in now.troubled:
        screen.say(f"{'failed' if entry.state == 'failed' else 'stuck':9} {basename(entry.uri)}: {entry.error}")
    return Code.FAILED if now.failed or now.stuck else Code.OK


def _show(now: Status, screen: Screen) -> None:
    counts = {name: getattr(now, name) for name in COUNTS}
    screen.say(", ".join(f"{count:,} {name}" for name, count in counts.items() if count) or "nothing was handed in")
    troubled = [{"uri": entry.uri, "state": entry.state, "error": entry.error} for entry in now.troubled]
    screen.record({**counts, "troubled": troubled})
