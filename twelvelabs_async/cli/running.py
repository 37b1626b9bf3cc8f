"""Runs an ingestion on the command line, from counting what there is to do to the page about what was done."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import attrs

from twelvelabs_async.cli.interrupts import interrupts
from twelvelabs_async.cli.render import outcome_record, size
from twelvelabs_async.cli.report import About, page
from twelvelabs_async.cli.tally import Total
from twelvelabs_async.cli.watch import Watch
from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.ingest import Dedupe, Ingestion, OnQuota, Stopped, Summary, expand
from twelvelabs_async.ingest.check import checker
from twelvelabs_async.models.indexes import Index

ENDINGS: Final[dict[Stopped, str]] = {
    "": "Came to its end",
    "drained": "Interrupted, to be continued",
    "quota": "Stopped by a used-up quota, to be continued",
    "auth": "Stopped, as the key was refused",
}


@attrs.frozen(kw_only=True)
class Wishes:
    """How an ingestion is to be done."""

    concurrency: int = 4
    ledger: str | None = None
    dedupe: Dedupe = "name"
    on_quota: OnQuota = "stop"
    retry_failed: bool = False
    report: Path | None = None
    """Where the page about it is to be written."""
    budget: str | None = None
    """Where processes keep their limits together."""
    sleep_interval: float | None = None


async def carry(
    client: AsyncTwelveLabs, sources: Sequence[str], *, index: Index, watch: Watch, wishes: Wishes
) -> Summary:
    """Ingest, and show how it gets on; the first Ctrl-C lets it finish what it has begun, the second ends it."""
    screen, clock = watch.screen, watch.clock
    began = datetime.fromtimestamp(clock.time(), UTC)
    total = watch.tally.total = await asyncio.to_thread(total_of, sources)
    items = "1 item" if total.items == 1 else f"{total.items:,} items"
    screen.say(f"{items}, {size(total.bytes)}" if total.bytes else items)
    running = client.ingest(
        sources,
        index_id=index.id,
        concurrency=wishes.concurrency,
        ledger=wishes.ledger,
        dedupe=wishes.dedupe,
        on_quota=wishes.on_quota,
        retry_failed=wishes.retry_failed,
        check=checker(model.model_name for model in index.models),
        sleep_interval=wishes.sleep_interval,
        on_event=watch.event,
    )
    try:
        await _run(running, watch)
    finally:  # whoever interrupts wants to know, too
        seconds = clock.monotonic() - watch.tally.began
        screen.summary(running.so_far, seconds)
        about = About(
            index_name=index.index_name,
            index_id=index.id,
            began=began,
            seconds=seconds,
            ending=ENDINGS[running.so_far.stopped],
            quotas=list(watch.quotas.values()),
        )
        await _report(wishes.report, about, watch)
    return running.so_far


async def _run(running: Ingestion, watch: Watch) -> None:
    def drain() -> None:
        running.drain()
        watch.board.say("finishing what is on its way; Ctrl-C again stops at once")

    with interrupts(drain) as asked:
        try:
            async with running, watch.showing():
                async for outcome in running:
                    watch.screen.record(outcome_record(outcome))
        except asyncio.CancelledError:
            if not asked.at_once:
                raise


async def _report(path: Path | None, about: About, watch: Watch) -> None:
    if path is not None:
        await asyncio.to_thread(lambda: path.write_text(page(about, watch.tally), "utf-8"))
        watch.screen.say(f"the report is in {path}")


def total_of(sources: Sequence[str]) -> Total:
    """How much there is to do. Walks the folders: call it in a thread."""
    items = amount = 0
    for source in sources:
        for item in expand(source):
            items, amount = items + 1, amount + item.size
    return Total(items, amount)
