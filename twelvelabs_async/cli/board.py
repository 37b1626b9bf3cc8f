"""Shows how an ingestion gets on: moving on a terminal, line by line elsewhere. Draws what the tally holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Final, Protocol, Self

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from twelvelabs_async.cli.render import STYLES, Screen, basename, shortened, size
from twelvelabs_async.cli.tally import Tally
from twelvelabs_async.errors import printable
from twelvelabs_async.ingest import ItemProgress, Outcome, OutcomeStatus
from twelvelabs_async.ingest.eta import about

NAME_WIDTH: Final = 40
"""Characters of a file name in the live display."""

BAR_WIDTH: Final = 24

FEW: Final = 40
"""Items up to which each that became ready leaves a line, too."""

ROWS: Final = 10
"""Items on their way that are shown at most."""

AROUND: Final = 8
"""Lines of a terminal that are left to all else."""

EVERY: Final = 10.0
"""Seconds between two lines about the whole, where nothing can move."""

MARKS: Final[Mapping[OutcomeStatus, str]] = {"ready": "✓", "failed": "✗", "skipped": "·"}
ASCII_MARKS: Final[Mapping[OutcomeStatus, str]] = {"ready": "+", "failed": "x", "skipped": "-"}


class Board(Protocol):
    """Shows how an ingestion gets on."""

    def outcome(self, outcome: Outcome) -> None:
        """An item ended."""

    def say(self, text: str) -> None:
        """Something people should know at once."""

    def refresh(self, now: float) -> None:
        """Show what is so now; called several times a second."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def board(screen: Screen, tally: Tally) -> Board:
    """The display that suits the screen."""
    return LiveBoard(screen, tally) if screen.live else LineBoard(screen, tally)


class LineBoard:
    """A line for each item that ended, and now and then one about the whole."""

    def __init__(self, screen: Screen, tally: Tally) -> None:
        self._screen = screen
        self._tally = tally
        self._next = tally.began + EVERY

    def outcome(self, outcome: Outcome) -> None:
        """Say how it ended."""
        self._screen.say(f"{outcome.status:8} {ending(outcome)}")

    def say(self, text: str) -> None:
        """A line."""
        self._screen.say(text)

    def refresh(self, now: float) -> None:
        """Say how far it is, every ten seconds."""
        if now < self._next:
            return
        self._next = now + EVERY
        waits = [wait.words(now) for wait in self._tally.waits(now)]
        self._screen.say(" · ".join([*summary(self._tally, now), *waits]))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing has to be put back."""


class LiveBoard:
    """A few moving lines: the whole, the stages, what is waited for, and some of the items on their way."""

    def __init__(self, screen: Screen, tally: Tally) -> None:
        self._marks = MARKS if screen.people.encoding.startswith("utf") else ASCII_MARKS
        self._tally = tally
        self._console = screen.people
        self._live = Live(console=screen.people, transient=True, auto_refresh=False, vertical_overflow="crop")

    def outcome(self, outcome: Outcome) -> None:
        """Leave a line about what became of it, if it failed or there are few."""
        total = self._tally.total
        if outcome.status == "ready" and total is not None and total.items > FEW:
            return
        style = STYLES[outcome.status]
        line = Text.assemble((f"{self._marks[outcome.status]}  ", style))
        line.append(ending(outcome, width=NAME_WIDTH), style if outcome.error else "")
        self._console.print(line)

    def say(self, text: str) -> None:
        """A line above the moving ones."""
        self._console.print(Text(text, "yellow"))

    def refresh(self, now: float) -> None:
        """Draw anew."""
        self._live.update(self._drawn(now), refresh=True)

    def _drawn(self, now: float) -> RenderableType:
        return Group(*self._whole(now), *self._waiting(now), self._items(now))

    def _whole(self, now: float) -> Iterator[RenderableType]:
        tally = self._tally
        line = Table.grid(padding=(0, 2, 0, 0))
        words = Text(" · ".join(summary(tally, now)), "bold")
        if tally.total is None:
            line.add_row(words)
        else:
            items = max(1, tally.total.items)
            bar = ProgressBar(items, tally.done, width=BAR_WIDTH, complete_style="green", finished_style="green")
            line.add_row(bar, words)
        yield line
        stages = tally.stages()
        if stages:
            yield Text(" · ".join(f"{count:,} {stage}" for stage, count in stages.items()), "dim")

    def _waiting(self, now: float) -> Iterator[RenderableType]:
        for wait in self._tally.waits(now):
            yield Text(wait.words(now), "yellow")

    def _items(self, now: float) -> RenderableType:
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(width=NAME_WIDTH, no_wrap=True)
        grid.add_column(width=16)
        grid.add_column(width=8, justify="right", style="dim")
        grid.add_column(no_wrap=True)
        for event in self._tally.moving(max(1, min(ROWS, self._console.height - AROUND))):
            name = shortened(basename(event.source), NAME_WIDTH)
            grid.add_row(Text(name), _bar(event, now), size(event.total) if event.total else "", Text(_stage(event)))
        return grid

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.update(Text(""))
        self._live.stop()


def summary(tally: Tally, now: float) -> list[str]:
    """How far all of it is, in a few words each."""
    of_all = f" of {tally.total.items:,}" if tally.total is not None else ""
    speed, left = tally.speed(now), tally.seconds_left(now)
    words = (
        f"{tally.done:,}{of_all} done",
        f"{tally.counts['failed']:,} failed" if tally.counts["failed"] else "",
        f"{tally.already:,} done before" if tally.already else "",
        f"{size(tally.sent)} sent" if tally.sent else "",
        f"{size(round(speed))}/s" if speed else "",
        f"about {about(left)} left" if left else "",
    )
    return list(filter(None, words))


def ending(outcome: Outcome, width: int = 0) -> str:
    """How an item ended, in one line."""
    name = basename(outcome.source)
    if outcome.error:
        where = f" while {outcome.stage}" if outcome.stage not in {"queued", "ready"} else ""
        return f"{name}{where}: {printable(outcome.error)}"
    notes = "done before" if outcome.already else "same as another" if outcome.duplicate_of else ""
    sent, took = size(outcome.bytes) if outcome.bytes else "", f"{outcome.seconds:.1f} s"
    if width:
        return f"{shortened(name, width):{width}}  {sent:>8}  {took:>7}  {notes}".rstrip()
    return "  ".join(filter(None, (name, sent, took, notes)))


def _bar(event: ItemProgress, now: float) -> ProgressBar:
    sending = event.stage == "uploading"
    if sending and event.total:
        return ProgressBar(total=event.total, completed=event.sent, width=16, complete_style="cyan")
    return ProgressBar(total=1, completed=0, width=16, pulse=True, animation_time=now, pulse_style="cyan")


def _stage(event: ItemProgress) -> str:
    if event.stage == "uploading" and event.total:
        return f"uploading {event.sent * 100 // event.total} %"
    apart = event.status and event.status not in {event.stage, "ready"}
    return f"{event.stage}: {event.status}" if apart else event.stage
