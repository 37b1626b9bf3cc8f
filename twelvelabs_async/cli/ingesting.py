"""`twelvelabs-async ingest`: bring videos into an index, say what that would do, or clean up after it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

from twelvelabs_async.cli.cleaning import Orphan, delete, orphans
from twelvelabs_async.cli.codes import Code, of_summary
from twelvelabs_async.cli.commands import MODELS, by_id, by_name
from twelvelabs_async.cli.dry_run import Judge, Sums, existing_ledger, known_limits, show, sum_up
from twelvelabs_async.cli.render import Screen, basename, size
from twelvelabs_async.cli.running import Wishes, carry
from twelvelabs_async.cli.watch import Watch
from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.clock import SystemClock
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.ingest.forecast import PlanName
from twelvelabs_async.ingest.rules import rules_of


async def ingest(sources: Sequence[str], *, index: str, wishes: Wishes, base_url: str | None, screen: Screen) -> Code:
    """Bring files into an index, which is made if there is none of this name."""
    await asyncio.to_thread(_check_report, wishes)
    watch = Watch(screen, SystemClock())
    async with AsyncTwelveLabs(base_url=base_url, budget=wishes.budget, on_event=watch.limit) as client:
        found = await by_id(client, index) or await client.indexes.ensure(index, MODELS)
        screen.say(f"into the index {found.index_name} ({found.id})")
        return of_summary(await carry(client, sources, index=found, watch=watch, wishes=wishes))


async def dry_run(
    sources: Sequence[str], *, index: str, wishes: Wishes, plan: PlanName | None, base_url: str | None, screen: Screen
) -> Code:
    """Say what bringing files into an index would do, and do nothing."""
    async with AsyncTwelveLabs(base_url=base_url) as client, existing_ledger(wishes) as ledger:
        found = await by_id(client, index) or await by_name(client, index)
        models = [model.model_name for model in found.models] if found else [str(each["model_name"]) for each in MODELS]
        screen.say(f"into the index {found.index_name} ({found.id})" if found else f"into a new index {index}")
        judge, sums = Judge(rules_of(models), wishes, found.id if found else None, ledger), Sums()
        async for judged in judge.all(sources):
            sums.add(judged)
            show(judged, screen, sums.actions.total())
    sum_up(sums, plan, await known_limits(wishes.budget), screen)
    return Code.FAILED if sums.actions["refuse"] else Code.OK


async def find_orphans(*, index: str, wishes: Wishes, base_url: str | None, screen: Screen) -> list[Orphan]:
    """List the assets that this ledger's ingestions uploaded and did not bring into an index."""
    async with AsyncTwelveLabs(base_url=base_url) as client, existing_ledger(wishes) as ledger:
        if ledger is None:
            raise InvalidInputError("--clean needs the --ledger of the ingestion it is to clean up after")
        found = await by_id(client, index) or await by_name(client, index)
        if found is None:
            raise InvalidInputError(f"there is no index {index!r}")
        left = [orphan async for orphan in orphans(client, ledger, found.id)]
    for orphan in left:
        screen.say(f"{orphan.asset_id}  {basename(orphan.filename)}  {orphan.why}")
    total = sum(orphan.size for orphan in left)
    screen.say(f"{len(left):,} assets, {size(total)}, are in no index" if left else "nothing is left behind")
    return left


async def delete_orphans(left: Sequence[Orphan], *, wishes: Wishes, base_url: str | None, screen: Screen) -> Code:
    """Delete what was found."""
    kept = 0
    async with AsyncTwelveLabs(base_url=base_url) as client, existing_ledger(wishes) as ledger:
        if ledger is None:
            raise InvalidInputError("the ledger is gone")
        async for orphan, problem in delete(client, ledger, left):
            screen.record({"asset_id": orphan.asset_id, "filename": orphan.filename, "deleted": not problem})
            if problem:
                kept += 1
                screen.say(f"kept      {orphan.asset_id}: {problem}")
    screen.say(f"{len(left) - kept:,} deleted")
    return Code.FAILED if kept else Code.OK


def _check_report(wishes: Wishes) -> None:
    """Find out now, and not after a night's work, that the report cannot be written."""
    path = wishes.report
    if path is not None and (path.is_dir() or not os.access(path.absolute().parent, os.W_OK)):
        raise InvalidInputError(f"cannot write the report to {path}")
