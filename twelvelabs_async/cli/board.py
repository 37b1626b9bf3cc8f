"""Shows how an ingest gets on: moving on a terminal, line by line elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Final, Protocol, Self

from rich.console import RenderableType
from rich.progress import BarColumn, Progress, SpinnerColumn, Task, TaskID, TextColumn
from rich.table import Column
from rich.text import Text
from typing_extensions import override

from twelvelabs_async.cli.render import STYLES, Screen, basename, shortened, size
from twelvelabs_async.errors import printable
from twelvelabs_async.ingest import IngestEvent, ItemProgress, Outcome, OutcomeStatus

NAME_WIDTH: Final = 40
"""Characters of a file name in the live display."""

MARKS: Final[Mapping[OutcomeStatus, str]] = {"ready": "✓", "failed": "✗", "skipped": "·"}
ASCII_MARKS: Final[Mapping[OutcomeStatus, str]] = {"ready": "+", "failed": "x", "skipped": "-"}


class Board(Protocol):
    """Shows how an ingest gets on."""

    def event(self, event: IngestEvent) -> None:
        """An item got on a bit."""

    def outcome(self, outcome: Outcome) -> None:
        """An item ended."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def board(screen: Screen) -> Board:
    """The display that suits the screen."""
    return LiveBoard(screen) if screen.live else LineBoard(screen)


class LineBoard:
    """A line when an item is begun, and one when it ends."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._begun = set[str]()

    def event(self, event: IngestEvent) -> None:
        """Say that an item is begun."""
        if isinstance(event, ItemProgress) and event.source not in self._begun:
            self._begun.add(event.source)
            self._screen.say(f"begun    {basename(event.source)}")

    def outcome(self, outcome: Outcome) -> None:
        """Say how it ended."""
        self._begun.discard(outcome.source)
        self._screen.say(f"{outcome.status:8} {_ending(outcome)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing has to be put back."""


class _Spinner(SpinnerColumn):
    """Turns until the line is gone: a full bar means that the file is sent, not that it is ready."""

    @override
    def render(self, task: Task) -> RenderableType:
        return self.spinner.render(task.get_time())


class LiveBoard:
    """A moving line for each item on its way; those that ended stay above them."""

    def __init__(self, screen: Screen) -> None:
        self._marks = MARKS if screen.people.encoding.startswith("utf") else ASCII_MARKS
        self._tasks: dict[str, TaskID] = {}
        self._progress = Progress(
            _Spinner(style="cyan", table_column=Column(width=2)),
            TextColumn("{task.description}", markup=False, table_column=Column(width=NAME_WIDTH, no_wrap=True)),
            BarColumn(bar_width=16, complete_style="cyan", finished_style="cyan", pulse_style="cyan"),
            TextColumn(
                "{task.fields[amount]}", markup=False, style="dim", table_column=Column(width=8, justify="right")
            ),
            TextColumn("{task.fields[stage]}", markup=False, table_column=Column(no_wrap=True)),
            console=screen.people,
            transient=True,
        )

    def event(self, event: IngestEvent) -> None:
        """Move the line of an item."""
        if not isinstance(event, ItemProgress):
            return
        task = self._tasks.get(event.source)
        if task is None:
            name = shortened(basename(event.source), NAME_WIDTH)
            task = self._tasks[event.source] = self._progress.add_task(name, total=None, amount="", stage="")
        total = event.total or None if event.stage == "uploading" else event.total or 1
        done = event.sent if event.stage == "uploading" else total or 1
        self._progress.update(task, total=total, completed=done, amount=_amount(event), stage=_stage(event))

    def outcome(self, outcome: Outcome) -> None:
        """Take the line of an item away and leave what became of it."""
        task = self._tasks.pop(outcome.source, None)
        if task is not None:
            self._progress.remove_task(task)
        style = STYLES[outcome.status]
        line = Text.assemble((f"{self._marks[outcome.status]}  ", style))
        line.append(_ending(outcome, width=NAME_WIDTH), style if outcome.error else "")
        self._progress.console.print(line)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()


def _amount(event: ItemProgress) -> str:
    return size(event.total) if event.total else ""


def _stage(event: ItemProgress) -> str:
    if event.stage == "uploading" and event.total:
        return f"uploading {event.sent * 100 // event.total} %"
    apart = event.status and event.status not in {event.stage, "ready"}
    return f"{event.stage}: {event.status}" if apart else event.stage


def _ending(outcome: Outcome, width: int = 0) -> str:
    name = basename(outcome.source)
    if outcome.error:
        where = f" while {outcome.stage}" if outcome.stage not in {"queued", "ready"} else ""
        return f"{name}{where}: {printable(outcome.error)}"
    sent, took = size(outcome.bytes) if outcome.bytes else "", f"{outcome.seconds:.1f} s"
    if width:
        return f"{shortened(name, width):{width}}  {sent:>8}  {took:>7}"
    return "  ".join(filter(None, (name, sent, took)))
