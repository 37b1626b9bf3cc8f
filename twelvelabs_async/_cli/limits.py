"""`twelvelabs-async limits`: show the rate limits that are known, and how they are known."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import attrs
from rich.console import RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from twelvelabs_async._cli.arguments import open_client
from twelvelabs_async._cli.console import PIPE_WIDTH, Column, Screen
from twelvelabs_async._cli.exit_codes import ExitCode
from twelvelabs_async._options import resolve_api_key
from twelvelabs_async._rate_limit.stores import open_store, tenant_id
from twelvelabs_async._rate_limit.windows import CategoryState
from twelvelabs_async.clock import SystemClock
from twelvelabs_async.errors import TwelveLabsError
from twelvelabs_async.rate_limits import CategoryLimits, LimitsSource

LIMITS_REFRESH_INTERVAL: Final = 1.0
"""Seconds between two updates of the table."""

CLOCK: Final = SystemClock()

LIMITS_BAR_WIDTH: Final = 20
"""Width of a bar in characters."""

BILLED_CATEGORIES: Final = (
    "analyze",
    "embed-audio",
    "embed-image",
    "embed-text",
    "embed-video",
    "index",
    "search",
    "upload",
)
"""Categories whose requests are billed or limited by day, so that this command sends none of them."""

EXPLANATIONS: Final[Mapping[LimitsSource, str]] = {
    "headers": "from the headers of the response to one list request",
    "429s": "estimated from rejected requests",
    "none": "the response to one list request has no rate-limit headers, so no limit is known",
}
"""How the limits of a category are known."""

HEADINGS: Final = ("category", "dimension", "remaining", "resets in", "in flight", "waiting", "source")
NUMBERS: Final = frozenset({"remaining", "resets in", "in flight", "waiting"})
"""Headings of columns that are aligned to the right."""

BAR_POSITION: Final = HEADINGS.index("resets in")
"""Position of the column with bars."""

LIMITS_PAGE: Final = "https://docs.twelvelabs.io/docs/get-started/rate-limits"


@attrs.frozen(kw_only=True)
class LimitRow:
    """One rate-limit window of one category."""

    category: str
    """Operations that share the limit."""
    dimension: str | None = None
    """What is counted; None if unknown."""
    limit: float | None = None
    """Limit per window; None if unknown."""
    remaining: float | None = None
    """Remaining quota, less the requests in flight."""
    resets_in: float | None = None
    """Seconds until the window resets."""
    in_flight: int = 0
    """Requests in flight."""
    waiting: int | None = None
    """Requests in the queue; None for a shared store, where only each process knows its own."""
    learned_from: LimitsSource = "none"
    """Source of the numbers."""


async def show_limits(
    *, rate_limit_store: str | None, organization: str | None, base_url: str | None, screen: Screen
) -> ExitCode:
    """Show the limits in a shared store, live on a terminal; without a store, those reported for one list request."""
    if rate_limit_store is None:
        return await _show_reported_limits(base_url, screen)
    async with open_shared_limits(rate_limit_store, organization) as fetch_rows:
        if screen.live and not screen.json:
            with Live(console=screen.console, auto_refresh=False, transient=True) as live:
                while True:
                    live.update(limits_table(await fetch_rows(), screen), refresh=True)
                    await CLOCK.sleep(LIMITS_REFRESH_INTERVAL)
        rows = await fetch_rows()
        _show_once(rows, screen)
        if not rows:
            screen.print("no process has recorded limits of this organization in the store yet")
    return ExitCode.OK


@asynccontextmanager
async def open_shared_limits(
    rate_limit_store: str, organization: str | None
) -> AsyncGenerator[Callable[[], Awaitable[list[LimitRow]]]]:
    """Open a shared store; the block gets a function that reads its rows.

    Raises:
        TwelveLabsError: The store cannot be read.
    """
    async with aclosing(
        open_store(rate_limit_store, tenant_id(resolve_api_key(None), organization), CLOCK.time)
    ) as store:

        async def fetch_rows() -> list[LimitRow]:
            try:
                return rows_from_store(await store.snapshot(), CLOCK.time())
            except Exception as error:  # noqa: BLE001  # each kind of store has errors of its own
                raise TwelveLabsError(f"the rate-limit store cannot be read: {error}") from None

        yield fetch_rows


async def _show_reported_limits(base_url: str | None, screen: Screen) -> ExitCode:
    """Send one list request, which is not billed, and show which limits its response reports."""
    async with open_client(base_url, screen) as client:
        await client.indexes.list(page_limit=1)
        known = rows_from_client(client.limits, datetime.fromtimestamp(CLOCK.time(), UTC))
    rows = [*known, *(LimitRow(category=category) for category in BILLED_CATEGORIES)]
    _show_once(rows, screen)
    screen.print()
    for row in known:
        screen.print(f"{row.category}: {EXPLANATIONS[row.learned_from]}")
    screen.print(
        "The other categories are billed or limited by day, so nothing was sent to ask for their limits. Each reports"
        " them with its first request; --rate-limit-store shows what other processes have learned."
    )
    screen.print(f"Published limits of each plan: {LIMITS_PAGE}")
    return ExitCode.OK


def rows_from_client(known: Mapping[str, CategoryLimits], now: datetime) -> list[LimitRow]:
    """Convert the limits of a client to rows."""
    rows: list[LimitRow] = []
    for name, category in sorted(known.items()):
        common = LimitRow(
            category=name, in_flight=category.in_flight, waiting=category.waiting, learned_from=category.source
        )
        rows += [
            attrs.evolve(
                common,
                dimension=window.dimension,
                limit=window.limit,
                remaining=window.remaining,
                resets_in=_positive_or_none((window.resets_at - now).total_seconds()) if window.resets_at else None,
            )
            for window in category.windows
        ] or [common]
    return rows


def rows_from_store(states: Mapping[str, Mapping[str, Any]], now: float) -> list[LimitRow]:
    """Convert the state of a shared store to rows."""
    return [
        row
        for name, state in sorted(states.items())
        for row in _rows_from_state(name, CategoryState.from_state(state), now)
    ]


def _rows_from_state(category: str, state: CategoryState, now: float) -> list[LimitRow]:
    blocked_for = _positive_or_none(state.blocked_until - now)
    common = LimitRow(
        category=category,
        limit=state.adaptive.window_capacity,
        remaining=0 if blocked_for else None,
        resets_in=blocked_for,
        in_flight=state.in_flight_count,
        learned_from="headers" if state.windows else "none" if state.adaptive.window_capacity is None else "429s",
    )
    rows: list[LimitRow] = []
    for window in state.windows.values():
        resets_in = None if window.resets_at_local is None else _positive_or_none(window.resets_at_local - now)
        has_reset = window.resets_at_local is not None and resets_in is None
        remaining = window.limit if window.remaining is None or has_reset else window.remaining
        if remaining is not None:
            remaining = max(0.0, remaining - state.reserved.get(window.dimension, 0.0))
        if blocked_for is not None and window.dimension == state.blocked_by:
            remaining, resets_in = 0.0, max(resets_in or 0.0, blocked_for)
        rows.append(
            attrs.evolve(
                common, dimension=window.dimension, limit=window.limit, remaining=remaining, resets_in=resets_in
            )
        )
    return rows or [common]


def _positive_or_none(seconds: float) -> float | None:
    return seconds if seconds > 0 else None


def _show_once(rows: Sequence[LimitRow], screen: Screen) -> None:
    for row in rows:
        screen.print_json(attrs.asdict(row))
    if screen.json or not rows:
        return
    if screen.console.is_terminal:
        screen.console.print(limits_table(rows, screen))
        return
    screen.table(list(map(_cells, rows)), [Column(name, right=name in NUMBERS) for name in HEADINGS])


def limits_table(rows: Sequence[LimitRow], screen: Screen) -> RenderableType:
    """Return a table with as many columns as the terminal has space for; without space for any, one line for a row."""
    unlimited = screen.console.options.update(width=PIPE_WIDTH)
    for with_bars, with_queue in ((screen.live, True), (False, True), (False, False)):
        table = _table_of(rows, screen, with_bars=with_bars, with_queue=with_queue)
        if screen.console.measure(table, options=unlimited).maximum <= screen.console.width:
            return table
    return Text("\n".join(map(_describe_row, rows)))


def _table_of(rows: Iterable[LimitRow], screen: Screen, *, with_bars: bool, with_queue: bool) -> Table:
    table = screen.new_table(space=1 if screen.live else 2)
    for name in HEADINGS if with_queue else HEADINGS[: HEADINGS.index("in flight")]:
        if with_bars and name == "resets in":
            table.add_column("", min_width=8, max_width=LIMITS_BAR_WIDTH)
        style = "cyan" if name == "category" else "dim" if name == "source" and screen.live else ""
        table.add_column(name, justify="right" if name in NUMBERS else "left", style=style, no_wrap=True)
    previous = None
    for row in rows:
        cells: list[RenderableType] = [*_cells(row)]
        if screen.live and row.category == previous:
            cells = ["", *cells[1 : BAR_POSITION + 1], "", "", ""]
        if with_bars:
            cells.insert(BAR_POSITION, _remaining_bar(row))
        table.add_row(*cells[: len(table.columns)])
        previous = row.category
    return table


def _describe_row(row: LimitRow) -> str:
    name = " ".join(filter(None, (row.category, row.dimension)))
    if row.limit is None:
        return f"{name}: not known"
    resets = "" if row.resets_in is None else f", resets in {format_wait(row.resets_in)}"
    return f"{name}: {_format_remaining(row)}{resets}"


def _format_remaining(row: LimitRow) -> str:
    return "-" if row.limit is None else f"{_format_number(row.remaining)} of {_format_number(row.limit)}"


def _cells(row: LimitRow) -> list[str]:
    quota = [row.dimension or "-", _format_remaining(row), format_wait(row.resets_in)]
    return [row.category, *quota, f"{row.in_flight}", _format_number(row.waiting), row.learned_from]


def _remaining_bar(row: LimitRow) -> RenderableType:
    if not row.limit or row.remaining is None:
        return ""
    share = row.remaining / row.limit
    colour = "green" if share > 0.5 else "yellow" if share > 0.1 else "red"
    return ProgressBar(total=row.limit, completed=row.remaining, complete_style=colour, finished_style=colour)


def _format_number(amount: float | None) -> str:
    return "-" if amount is None else f"{amount:,.0f}"


def format_wait(seconds: float | None) -> str:
    """Format seconds as `48 s`, `12 min` or `5 h 20 min`."""
    if seconds is None:
        return "-"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
