"""What may still be sent: once for programs and pipes, as a table that moves on a terminal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, aclosing
from datetime import UTC, datetime
from typing import Any, Final

import attrs
from rich import box
from rich.console import RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from twelvelabs_async.cli.codes import Code
from twelvelabs_async.cli.render import Screen
from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.clock import SystemClock
from twelvelabs_async.errors import printable
from twelvelabs_async.limits import CategoryLimits, LearnedFrom
from twelvelabs_async.policy.budget import Budget
from twelvelabs_async.policy.stores import identity, open_store
from twelvelabs_async.settings import find_api_key

EVERY: Final = 1.0
"""Seconds between two looks at a shared budget, and between two pictures."""

CLOCK: Final = SystemClock()

ASK_EVERY: Final = 60.0
"""Seconds between two calls that have no other purpose."""

BAR: Final = 20
"""Characters of a bar."""


@attrs.frozen(kw_only=True)
class Row:
    """One window of one category."""

    category: str
    """The operations that share it."""
    dimension: str | None
    """What is counted; None if nothing was told."""
    limit: float | None
    """How much of it, in all."""
    remaining: float | None
    """What is left, less what is on the way."""
    resets_in: float | None
    """Seconds until the window is full again."""
    in_flight: int
    """Calls on the way."""
    waiting: int | None
    """Calls in the queue; None if that is known to other processes only."""
    learned_from: LearnedFrom
    """What the numbers rest on."""


Look = Callable[[], Awaitable[list[Row]]]


async def limits(*, budget: str | None, organization: str | None, base_url: str | None, screen: Screen) -> Code:
    """Show the limits that a shared budget knows, or those that two cheap calls tell."""
    async with AsyncExitStack() as stack:
        if budget is not None:
            store = open_store(budget, identity(find_api_key(None), organization), CLOCK.time)
            await stack.enter_async_context(aclosing(store))

            async def look() -> list[Row]:
                return of_budgets(await store.snapshot(), CLOCK.time())
        else:
            client = await stack.enter_async_context(AsyncTwelveLabs(base_url=base_url))
            look = _Asking(client).look
        if screen.live and not screen.json:
            await _watch(look, screen)
        return _once(await look(), screen)


class _Asking:
    """Looks at what a client knows, and makes it ask when that is old."""

    def __init__(self, client: AsyncTwelveLabs) -> None:
        self._client = client
        self._asked = -ASK_EVERY

    async def look(self) -> list[Row]:
        now = CLOCK.monotonic()
        if now >= self._asked + ASK_EVERY:
            self._asked = now
            await self._client.indexes.list(page_limit=1)
            await self._client.assets.list(page_limit=1)
        return of_client(self._client.limits, datetime.fromtimestamp(CLOCK.time(), UTC))


def of_client(known: Mapping[str, CategoryLimits], now: datetime) -> list[Row]:
    """What a client knows, as rows."""
    return [
        Row(
            category=name,
            dimension=window.dimension if window else None,
            limit=window.limit if window else None,
            remaining=window.remaining if window else None,
            resets_in=_ahead((window.resets_at - now).total_seconds()) if window and window.resets_at else None,
            in_flight=category.in_flight,
            waiting=category.waiting,
            learned_from=category.learned_from,
        )
        for name, category in sorted(known.items())
        for window in category.windows or (None,)
    ]


def of_budgets(states: Mapping[str, Mapping[str, Any]], now: float) -> list[Row]:
    """What a store keeps, as rows."""
    return [row for name, state in sorted(states.items()) for row in _of_budget(name, Budget.from_state(state), now)]


def _of_budget(category: str, budget: Budget, now: float) -> list[Row]:
    closed = _ahead(budget.closed_until - now)
    learned: LearnedFrom = "headers" if budget.windows else "nothing" if budget.pace.room is None else "refusals"
    common = Row(
        category=category,
        dimension=None,
        limit=budget.pace.room,
        remaining=0 if closed else None,
        resets_in=closed,
        in_flight=len(budget.flights),
        waiting=None,
        learned_from=learned,
    )
    if not budget.windows:
        return [common]
    rows: list[Row] = []
    for window in budget.windows:
        ahead = None if window.ends is None else _ahead(window.ends - now)
        seen = window.limit if window.seen is None or (window.ends is not None and ahead is None) else window.seen
        left = None if seen is None else max(0.0, seen - budget.flying.get(window.dimension, 0.0))
        shut = closed is not None and window.dimension == budget.closed_by
        rows.append(
            attrs.evolve(
                common,
                dimension=window.dimension,
                limit=window.limit,
                remaining=0.0 if shut else left,
                resets_in=max(ahead or 0.0, closed or 0.0) if shut else ahead,
            )
        )
    return rows


def _ahead(seconds: float) -> float | None:
    return seconds if seconds > 0 else None


async def _watch(look: Look, screen: Screen) -> None:
    with Live(console=screen.people, auto_refresh=False, transient=True) as live:
        while True:
            live.update(table(await look(), screen), refresh=True)
            await CLOCK.sleep(EVERY)


def _once(rows: Iterable[Row], screen: Screen) -> Code:
    found = list(rows)
    for row in found:
        screen.record(attrs.asdict(row))
    if not screen.json:
        screen.people.print(table(found, screen) if found else "nothing is known of any limit")
    return Code.OK


def table(rows: Iterable[Row], screen: Screen) -> RenderableType:
    """All rows; a category is named once."""
    shown = Table(
        box=box.SIMPLE_HEAD if screen.live else None,
        padding=(0, 1, 0, 0) if screen.live else (0, 2, 0, 0),
        pad_edge=False,
        header_style="dim" if screen.live else "",
    )
    shown.add_column("category", style="cyan", no_wrap=True)
    shown.add_column("counted", no_wrap=True)
    shown.add_column("left", justify="right", no_wrap=True)
    if screen.live:
        shown.add_column("", min_width=8, max_width=BAR)
    for head in ("full in", "sent", "waiting"):
        shown.add_column(head, justify="right", no_wrap=True)
    shown.add_column("known by", style="dim" if screen.live else "", no_wrap=True)
    before = None
    for row in rows:
        again = screen.live and row.category == before
        shown.add_row(*_cells(row, again=again, bar=screen.live))
        before = row.category
    return shown


def _cells(row: Row, *, again: bool, bar: bool) -> list[RenderableType]:
    left = "-" if row.limit is None else f"{_number(row.remaining)} of {_number(row.limit)}"
    named: list[RenderableType] = ["" if again else printable(row.category)]
    counted: list[RenderableType] = [row.dimension or "-", left, *([_bar(row)] if bar else []), duration(row.resets_in)]
    queue = ["", "", ""] if again else [f"{row.in_flight}", _number(row.waiting), row.learned_from]
    return [*named, *counted, *queue]


def _bar(row: Row) -> RenderableType:
    if not row.limit or row.remaining is None:
        return ""
    share = row.remaining / row.limit
    colour = "green" if share > 0.5 else "yellow" if share > 0.1 else "red"
    return ProgressBar(total=row.limit, completed=row.remaining, complete_style=colour, finished_style=colour)


def _number(amount: float | None) -> str:
    return "-" if amount is None else f"{amount:,.0f}"


def duration(seconds: float | None) -> str:
    """Seconds as people say them: `48 s`, `12 min`, `5 h 20 min`."""
    if seconds is None:
        return "-"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
