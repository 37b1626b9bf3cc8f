"""What an ingestion would do: what is sent and how, what is refused and why, and which limit holds it up."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal

import attrs

from twelvelabs_async.cli.board import FEW
from twelvelabs_async.cli.limits import of_budgets
from twelvelabs_async.cli.render import Screen, basename, size
from twelvelabs_async.cli.running import Wishes
from twelvelabs_async.clock import SystemClock
from twelvelabs_async.ingest import Entry, Item, Ledger, in_database, ledger_of
from twelvelabs_async.ingest.check import Checked, check
from twelvelabs_async.ingest.eta import about
from twelvelabs_async.ingest.forecast import PUBLISHED, Known, Need, PlanName, binding, more_windows
from twelvelabs_async.ingest.rules import Rules, duration
from twelvelabs_async.ingest.sources import items_of
from twelvelabs_async.ingest.twins import twin_of
from twelvelabs_async.policy.stores import identity, open_store
from twelvelabs_async.settings import find_api_key

Action = Literal["send", "continue", "done", "same", "refuse"]
"""Send it, go on with what an earlier run began, nothing as it is done, nothing as it is another one's double, or
nothing as it would come to nothing."""

AT_ONCE: Final = 32
"""Files that are looked into at the same time."""


@attrs.frozen(kw_only=True)
class Judged:
    """What would be done with one item."""

    item: Item
    action: Action
    why: str = ""
    """Why it is refused."""
    checked: Checked | None = None
    """What it is; None where nobody had to look."""

    @property
    def seconds(self) -> float | None:
        """Seconds of media, guessed from the size where nobody could look."""
        return self.checked.media.estimated_seconds if self.checked else None

    @property
    def record(self) -> dict[str, Any]:
        """As a line of JSON."""
        media = self.checked.media if self.checked else None
        return {
            "source": self.item.source,
            "action": self.action,
            "why": self.why,
            "way": self.checked.way if self.checked else None,
            "bytes": self.item.size,
            "seconds": self.seconds,
            "measured": media is not None and media.seconds is not None,
            "container": media.container if media else None,
        }


class Judge:
    """Says of one item after the other what would be done with it."""

    def __init__(self, rules: Sequence[Rules], wishes: Wishes, index_id: str | None, ledger: Ledger | None) -> None:
        self._rules = rules
        self._wishes = wishes
        self._index_id = index_id
        self._ledger = ledger
        self._met = set[str]()

    async def all(self, sources: Sequence[str]) -> AsyncIterator[Judged]:
        """Everything that `sources` stand for, in order."""
        batch = list[Item]()
        async for item in items_of(list(sources)):
            batch.append(item)
            if len(batch) == AT_ONCE:
                for judged in await asyncio.gather(*map(self._judged, batch)):
                    yield self._once(judged)
                batch.clear()
        for judged in await asyncio.gather(*map(self._judged, batch)):
            yield self._once(judged)

    async def _judged(self, item: Item) -> tuple[Judged, str]:
        if item.problem:
            return Judged(item=item, action="refuse", why=item.problem), ""
        entry = await self._known(item)
        if entry is not None and entry.state == "ready":
            return Judged(item=item, action="done"), ""
        if entry is not None and entry.state == "failed" and not self._wishes.retry_failed:
            return Judged(item=item, action="refuse", why=f"in an earlier run: {entry.error}"), ""
        checked = await check(item.source, self._rules)
        if checked.refusal:
            return Judged(item=item, action="refuse", why=checked.refusal, checked=checked), ""
        begun = entry is not None and entry.asset_id is not None
        twin = await twin_of(item, self._wishes.dedupe) or item.uri
        return Judged(item=item, action="continue" if begun else "send", checked=checked), twin

    async def _known(self, item: Item) -> Entry | None:
        if self._ledger is None or self._index_id is None:
            return None
        return await self._ledger.find(self._index_id, item.uri, item.size, item.mtime_ns)

    def _once(self, found: tuple[Judged, str]) -> Judged:
        judged, twin = found
        if twin and twin in self._met:
            return Judged(item=judged.item, action="same")
        self._met.add(twin)
        return judged


@asynccontextmanager
async def existing_ledger(wishes: Wishes) -> AsyncGenerator[Ledger | None]:
    """The ledger, if there is one already: looking makes none."""
    path = wishes.ledger
    if path is None or not (in_database(path) or await asyncio.to_thread(Path(path).exists)):
        yield None
        return
    ledger = ledger_of(path)
    await ledger.open()
    try:
        yield ledger
    finally:
        await ledger.close()


async def known_limits(budget: str | None) -> list[Known]:
    """What earlier runs were told, if they keep their limits where this one finds them."""
    if budget is None:
        return []
    now = SystemClock().time
    async with aclosing(open_store(budget, identity(find_api_key(None), None), now)) as store:
        rows = of_budgets(await store.snapshot(), now())
    return [
        Known(row.category, row.dimension, row.limit, row.remaining, row.resets_in)
        for row in rows
        if row.dimension and row.limit and row.remaining is not None
    ]


@attrs.define
class Sums:
    """What a job would take, added up."""

    actions: Counter[Action] = attrs.field(factory=Counter[Action])
    ways: Counter[str] = attrs.field(factory=Counter[str])
    bytes: Counter[str] = attrs.field(factory=Counter[str])
    measured: float = 0.0
    """Seconds of media in files somebody looked into."""
    guessed: float = 0.0
    """Seconds of media, guessed from sizes."""
    unknown: int = 0
    """Items whose length nobody can tell."""

    def add(self, judged: Judged) -> None:
        """One more."""
        self.actions[judged.action] += 1
        if judged.action not in {"send", "continue"} or judged.checked is None:
            return
        if judged.action == "send" and judged.checked.way is not None:
            self.ways[judged.checked.way] += 1
            self.bytes[judged.checked.way] += judged.item.size
        if judged.checked.media.seconds is not None:
            self.measured += judged.checked.media.seconds
        elif judged.seconds is not None:
            self.guessed += judged.seconds
        else:
            self.unknown += 1

    @property
    def needs(self) -> list[Need]:
        """What it draws on the limits. An upload in parts has none that is known."""
        minutes = (self.measured + self.guessed) / 60
        return [
            Need("upload", "request", self.ways["direct"] + self.ways["url"]),
            Need("index", "request", self.actions["send"] + self.actions["continue"]),
            Need("index", "duration", minutes),
        ]


def show(judged: Judged, screen: Screen, count: int) -> None:
    """A line for an item that is refused, and for the first of all others."""
    screen.record(judged.record)
    if judged.action == "refuse":
        screen.say(f"refuse    {basename(judged.item.source)}: {judged.why}")
    elif count <= FEW:
        way = judged.checked.way or "" if judged.checked and judged.action == "send" else ""
        length = duration(judged.seconds) if judged.seconds is not None else ""
        weight = size(judged.item.size) if judged.item.size else ""
        words = filter(None, (basename(judged.item.source), way, weight, length))
        screen.say(f"{judged.action:9} {'  '.join(words)}")


def sum_up(sums: Sums, plan: PlanName | None, known: Sequence[Known], screen: Screen) -> None:
    """The sums as a table, and what the limits make of them."""
    rows = [
        *(
            (f"to send, {way}", f"{count:,}", size(sums.bytes[way]) if sums.bytes[way] else "")
            for way, count in sorted(sums.ways.items())
        ),
        ("to continue", f"{sums.actions['continue']:,}", ""),
        ("done before", f"{sums.actions['done']:,}", ""),
        ("same as another", f"{sums.actions['same']:,}", ""),
        ("refused", f"{sums.actions['refuse']:,}", ""),
        ("media, measured", duration(sums.measured), ""),
        ("media, guessed from sizes", duration(sums.guessed), ""),
        ("of unknown length", f"{sums.unknown:,}", ""),
    ]
    screen.say()
    screen.table([row for row in rows if row[1] not in {"0", "0 s"}])
    for line in told(sums, known):
        screen.say(line)
    if plan is not None or not known:
        screen.say(limits(sums, plan))


def told(sums: Sums, known: Sequence[Known]) -> Iterator[str]:
    """What the limits mean for the job that the platform has told."""
    needs: dict[tuple[str, str], Need] = {(need.category, need.dimension): need for need in sums.needs}
    for limit in known:
        need = needs.get((limit.category, limit.dimension))
        if need is None:
            continue
        back = f" for {about(limit.resets_in)}" if limit.resets_in else ""
        windows = more_windows(need, limit)
        further = f"{windows:,} windows more" if windows else "no window more"
        yield (
            f"limits: {limit.category} {limit.dimension}: {limit.remaining:,.0f} of {limit.limit:,.0f} left{back};"
            f" this takes {need.amount:,.0f}, and {further}"
        )


def limits(sums: Sums, plan: PlanName | None) -> str:
    """Which limit holds the job up, and for how long."""
    if plan is None:
        return (
            "limits: the platform tells them with its answers to uploads, and has told none yet;"
            " --plan reckons with published ones"
        )
    worst = binding(sums.needs, PUBLISHED[plan])
    longer = ", and longer for what is of unknown length" if sums.unknown else ""
    if worst is None:
        return f"limits: none of those published for {plan} holds it up{longer}"
    limit, seconds = worst
    return f"limits: of those published for {plan}, {limit.words} holds it up: at least {about(seconds)}{longer}"
