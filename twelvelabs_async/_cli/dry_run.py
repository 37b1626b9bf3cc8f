"""`twelvelabs-async ingest --dry-run`: report what would be uploaded or rejected, and which rate limits apply."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterable, Iterator, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, Final, Literal

import attrs

from twelvelabs_async._cli.arguments import open_client
from twelvelabs_async._cli.console import Screen, basename, format_duration, format_size
from twelvelabs_async._cli.exit_codes import ExitCode
from twelvelabs_async._cli.forecast import (
    PUBLISHED_LIMITS,
    Demand,
    PlanName,
    additional_windows,
    bottleneck,
    format_rough_duration,
)
from twelvelabs_async._cli.indexes import DEFAULT_INDEX_MODELS, find_index
from twelvelabs_async._cli.ingest_run import IngestArgs, item_record
from twelvelabs_async._cli.ledger import describe_ledger, find_default_ledger, open_existing_ledger
from twelvelabs_async._cli.limits import LimitRow, open_shared_limits
from twelvelabs_async._cli.progress import MAX_ITEM_LINES, format_warning
from twelvelabs_async._cli.sources import LeftOut, SourceScan
from twelvelabs_async._text import printable
from twelvelabs_async.ingest import Entry, Item, Ledger
from twelvelabs_async.ingest._duplicates import compute_dedupe_key, have_same_content
from twelvelabs_async.ingest._validation import (
    ModelRules,
    SourceValidation,
    is_media_library_installed,
    not_inspected_warning,
    rules_for_models,
    validate_source,
)
from twelvelabs_async.models.indexes import Index

PlannedAction = Literal["upload", "resume", "done", "duplicate", "reject"]
"""Upload the item, resume an earlier run, or do nothing: it is done, a duplicate, or would be rejected."""

MAX_CONCURRENT_CHECKS: Final = 32
"""Files validated at the same time."""


@attrs.frozen(kw_only=True)
class PlannedItem:
    """What an ingestion would do with one item."""

    item: Item
    action: PlannedAction
    error: str = ""
    """Why the item would be rejected."""
    duplicate_of: str = ""
    """Source of which the item is a duplicate."""
    validation: SourceValidation | None = None
    """Result of the validation; None if it was not needed."""
    entry: Entry | None = None
    """Entry of the item in the ledger."""

    @property
    def seconds(self) -> float | None:
        """Duration in seconds, estimated from the file size if it cannot be read; None if unknown."""
        return self.validation.media.estimated_seconds if self.validation else None

    @property
    def reason(self) -> str:
        """Why the item would not be uploaded; empty if it would."""
        return self.error or (f"the same as {self.duplicate_of}" if self.duplicate_of else "")


def plan_record(planned: PlannedItem, index_id: str | None) -> dict[str, Any]:
    """Return the JSON object of an item in a dry run."""
    validation, entry = planned.validation, planned.entry
    media = validation.media if validation else None
    return item_record(
        index_id=index_id,
        source=planned.item.source,
        action=planned.action,
        asset_id=entry.asset_id if entry else None,
        indexed_asset_id=entry.indexed_asset_id if entry else None,
        error=planned.error,
        rejected=planned.action == "reject",
        already_done=planned.action == "done",
        duplicate_of=planned.duplicate_of,
        warning=validation.warning if validation else None,
        strategy=validation.strategy if validation else None,
        container=media.container if media else None,
        bytes=planned.item.size,
        duration=planned.seconds,
        duration_measured=media is not None and media.seconds is not None,
    )


@attrs.define
class DryRunPlanner:
    """Decides what an ingestion would do with each item."""

    rules: Sequence[ModelRules]
    args: IngestArgs
    index_id: str | None
    ledger: Ledger | None
    _first_items: dict[str, Item] = attrs.field(factory=dict[str, Item], init=False)

    async def plan_all(self, items: AsyncIterable[Item]) -> AsyncGenerator[PlannedItem]:
        """Yield the plan for each item, in order."""
        batch = list[Item]()
        async for item in items:
            batch.append(item)
            if len(batch) == MAX_CONCURRENT_CHECKS:
                for plan in await asyncio.gather(*map(self._plan, batch)):
                    yield await self._mark_duplicate(*plan)
                batch.clear()
        for plan in await asyncio.gather(*map(self._plan, batch)):
            yield await self._mark_duplicate(*plan)

    async def _plan(self, item: Item) -> tuple[PlannedItem, str]:
        """Return the plan for an item and its deduplication key."""
        if item.problem:
            return PlannedItem(item=item, action="reject", error=item.problem), ""
        entry = None
        if self.ledger is not None and self.index_id is not None:
            entry = await self.ledger.find(self.index_id, item.uri, item.size, item.mtime_ns)
        plan = partial(PlannedItem, item=item, entry=entry)
        if entry is not None and entry.state == "ready":
            return plan(action="done"), ""
        if entry is not None and entry.state == "failed" and not self.args.retry_failed:
            return plan(action="reject", error=f"failed in an earlier run: {entry.error}"), ""
        validation = await validate_source(item.source, self.rules, size=item.size)
        if error := validation.rejection_reason:
            return plan(action="reject", error=error, validation=validation), ""
        try:
            key = await compute_dedupe_key(item, self.args.dedupe) or item.uri
        except OSError as os_error:
            return plan(action="reject", error=f"cannot be read: {os_error.strerror}"), ""
        is_uploaded = entry is not None and entry.asset_id is not None
        return plan(action="resume" if is_uploaded else "upload", validation=validation), key

    async def _mark_duplicate(self, planned: PlannedItem, key: str) -> PlannedItem:
        item = planned.item
        first = self._first_items.setdefault(key, item) if key else item
        if first is item:
            return planned
        if self.args.dedupe == "name" and first.uri != item.uri:
            comparison = (item.source, first.source, first.size, first.mtime_ns)
            if not await asyncio.to_thread(have_same_content, *comparison):
                return planned
        return PlannedItem(item=item, action="duplicate", duplicate_of=first.source)


async def _load_known_limits(rate_limit_store: str | None) -> list[LimitRow]:
    """Return the limits that earlier runs recorded in the shared store."""
    if rate_limit_store is None:
        return []
    async with open_shared_limits(rate_limit_store, None) as fetch_rows:
        return await fetch_rows()


@attrs.define
class DryRunTotals:
    """Totals of all items."""

    actions: Counter[PlannedAction] = attrs.field(factory=Counter[PlannedAction])
    strategies: Counter[str] = attrs.field(factory=Counter[str])
    bytes_by_strategy: Counter[str] = attrs.field(factory=Counter[str])
    measured_seconds: float = 0.0
    """Media duration read from files, in seconds."""
    estimated_seconds: float = 0.0
    """Media duration estimated from file sizes, in seconds."""
    unknown_length: int = 0
    """Items of unknown duration."""
    unusable: int = 0
    """Rejected items whose source cannot be read."""

    def add(self, planned: PlannedItem) -> None:
        """Count an item."""
        self.actions[planned.action] += 1
        self.unusable += bool(planned.item.problem)
        validation = planned.validation
        if planned.action not in {"upload", "resume"} or validation is None:
            return
        if planned.action == "upload" and validation.strategy is not None:
            self.strategies[validation.strategy] += 1
            self.bytes_by_strategy[validation.strategy] += planned.item.size
        if validation.media.seconds is not None:
            self.measured_seconds += validation.media.seconds
        elif planned.seconds is not None:
            self.estimated_seconds += planned.seconds
        else:
            self.unknown_length += 1

    @property
    def demands(self) -> list[Demand]:
        """Requests and minutes of media that count against rate limits; multipart uploads have no published limit."""
        minutes = (self.measured_seconds + self.estimated_seconds) / 60
        return [
            Demand("upload", "request", self.strategies["direct"] + self.strategies["url"]),
            Demand("index", "request", self.actions["upload"] + self.actions["resume"]),
            Demand("index", "duration", minutes),
        ]


async def run_dry_run(
    *, index: str, args: IngestArgs, plan: PlanName | None, base_url: str | None, screen: Screen
) -> ExitCode:
    """Report what an ingestion would do; sends no file, and creates neither an index nor a ledger."""
    left_out, totals = LeftOut(), DryRunTotals()
    async with open_client(base_url, screen) as client, SourceScan(args.selection) as scan:
        found = await find_index(client, index)
        ledger_name = args.ledger
        if found is not None and ledger_name is None and not args.no_ledger:
            ledger_name = await find_default_ledger(client.base_url, found)
        async with open_existing_ledger(ledger_name, access="read") as ledger:
            name = f"index {printable(found.index_name)} ({found.id})" if found else f"new index {printable(index)}"
            screen.print(f"{name}, {describe_ledger(ledger_name if ledger else None)}")
            if not await asyncio.to_thread(is_media_library_installed):
                screen.warn(format_warning("", not_inspected_warning()))
            planner = DryRunPlanner(rules_for_models(_models(found, args)), args, found.id if found else None, ledger)
            items = scan.items(on_skipped=left_out.add, on_counted=lambda _: None)
            async with aclosing(items), aclosing(planner.plan_all(items)) as plans:
                async for planned in plans:
                    totals.add(planned)
                    screen.print_json(plan_record(planned, found.id if found else None))
                    _show_planned_item(planned, screen, totals.actions.total())
    _show_totals(totals, plan, await _load_known_limits(args.rate_limit_store), screen)
    if text := left_out.describe(scan.excluded):
        screen.print(f"left out: {text}")
    rejected = totals.actions["reject"] and not (args.allow_rejected and not totals.unusable)
    return ExitCode.FAILED if rejected else ExitCode.OK


def _models(index: Index | None, args: IngestArgs) -> list[str]:
    """Return the models of the index, or those that a new one would have."""
    if index is not None:
        return [model.model_name for model in index.models]
    return [str(model["model_name"]) for model in args.models or DEFAULT_INDEX_MODELS]


def _show_planned_item(planned: PlannedItem, screen: Screen, count: int) -> None:
    """Print a line for every rejected item, and for the first of all other items."""
    if planned.action == "reject":
        screen.warn(f"reject    {basename(planned.item.source)}: {printable(planned.error)}")
    elif count <= MAX_ITEM_LINES:
        cells = (
            basename(planned.item.source),
            planned.validation.strategy if planned.validation and planned.action == "upload" else "",
            format_size(planned.item.size or None),
            format_duration(planned.seconds),
            printable(planned.reason),
        )
        screen.print(f"{planned.action:9} {'  '.join(filter(None, cells))}")
    if planned.validation and planned.validation.warning and planned.action != "reject":
        screen.warn(format_warning(planned.item.source, planned.validation.warning))


def _show_totals(totals: DryRunTotals, plan: PlanName | None, known: Sequence[LimitRow], screen: Screen) -> None:
    """Print the totals as a table, and the rate limits that apply."""
    rows = [
        *(
            (f"to upload, {strategy}", f"{count:,}", format_size(totals.bytes_by_strategy[strategy] or None))
            for strategy, count in sorted(totals.strategies.items())
        ),
        ("to resume", f"{totals.actions['resume']:,}", ""),
        ("already done", f"{totals.actions['done']:,}", ""),
        ("duplicates", f"{totals.actions['duplicate']:,}", ""),
        ("rejected", f"{totals.actions['reject']:,}", ""),
        ("media duration", format_duration(totals.measured_seconds), ""),
        ("media duration, estimated", format_duration(totals.estimated_seconds), ""),
        ("unknown duration", f"{totals.unknown_length:,}", ""),
    ]
    screen.print()
    screen.table([row for row in rows if row[1] not in {"0", "0 s"}])
    for line in _describe_known_limits(totals, known):
        screen.print(line)
    if plan is not None or not known:
        screen.print(_describe_bottleneck(totals, plan))


def _describe_known_limits(totals: DryRunTotals, known: Sequence[LimitRow]) -> Iterator[str]:
    """Yield a line for each recorded limit that the ingestion uses."""
    demands: dict[tuple[str, str], Demand] = {(demand.category, demand.dimension): demand for demand in totals.demands}
    for limit in known:
        demand = demands.get((limit.category, limit.dimension or ""))
        if demand is None or not limit.limit or limit.remaining is None:
            continue
        reset = f", resets in {format_rough_duration(limit.resets_in)}" if limit.resets_in else ""
        windows = additional_windows(demand, limit.limit, limit.remaining)
        fit = f"needs {windows:,} more windows" if windows else "fits in the current window"
        yield (
            f"rate limit {limit.category} {limit.dimension}: {limit.remaining:,.0f} of {limit.limit:,.0f} remaining"
            f"{reset}; this run uses {demand.amount:,.0f} and {fit}"
        )


def _describe_bottleneck(totals: DryRunTotals, plan: PlanName | None) -> str:
    """Return which published limit takes the longest, and how long."""
    if plan is None:
        return "rate limits: unknown until the first upload; --assume-plan estimates the duration with published limits"
    slowest = bottleneck(totals.demands, PUBLISHED_LIMITS[plan])
    note = "; items of unknown duration are not included" if totals.unknown_length else ""
    if slowest is None:
        return f"rate limits: this run fits in the published limits of the {plan} plan{note}"
    limit, seconds = slowest
    duration = format_rough_duration(seconds)
    return f"rate limits: at least {duration} with the {plan} plan, limited by {limit.description}{note}"
