"""`python -m benchmarks.limits [--quick] [--real] [--seed N ...] [--only NAME]`."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from contextlib import ExitStack, contextmanager
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.limits.callers import CALLERS, OURS
from benchmarks.limits.media import index_videos, ingest_videos
from benchmarks.limits.overhead import overhead
from benchmarks.limits.overtaking import overtake
from benchmarks.limits.processes import AT_ONCE, PROCESSES, Crowd, crowd
from benchmarks.limits.redis_server import program, redis_server
from benchmarks.limits.scenes import SCENES, play
from benchmarks.machine import machine, versions
from benchmarks.runner import say
from benchmarks.table import aligned

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from benchmarks.limits.figures import Figures
    from benchmarks.limits.scenes import Scene

HEADS = ("", "", "failed", "429s", "% of calls", "wall s", "ideal s", "wall / ideal", "quota used %")
INGESTION = "client.ingest"


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.limits", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed instead of three")
    parser.add_argument("--real", action="store_true", help="real time, with windows of two seconds")
    parser.add_argument("--seed", type=int, nargs="+", metavar="N", help="seeds, whatever --quick says")
    parser.add_argument("--only", metavar="NAME", help="scenes whose name starts like this")
    return parser.parse_args()


def table(scene: Scene, seeds: Sequence[int], *, real: bool) -> str:
    """All callers in one scene."""
    rows: list[Sequence[str]] = [HEADS]
    for name in CALLERS:
        found = [play(scene, name, seed=seed, real=real).figures for seed in seeds]
        rows.append(("", name, *cells(found)))
    return f"{scene.label}\n\n{aligned(rows)}\n"


def videos(seeds: Sequence[int]) -> str:
    """Videos into an index."""
    rows: list[Sequence[str]] = [HEADS]
    rows += [("", name, *cells([index_videos(name, seed) for seed in seeds])) for name in CALLERS]
    rows.append(("", INGESTION, *cells([ingest_videos(seed) for seed in seeds])))
    return f"300 videos of 10 to 90 s, 70 requests and 60 minutes a window\n\n{aligned(rows)}\n"


def overtaking(seeds: Sequence[int]) -> str:
    """An interactive call beside bulk calls."""
    rows: list[Sequence[str]] = [("", "", "waited s", "next free slot s", "queue s")]
    for seed in seeds:
        found = overtake(seed)
        figures = (found.waited, found.freed, found.queue)
        rows.append(("", f"seed {seed}", *(f"{seconds:.1f}" for seconds in figures)))
    return f"An interactive search while 500 bulk ones wait, 40 a window\n\n{aligned(rows)}\n"


def crowds(*, quick: bool) -> str:
    """Several processes, in real time."""
    work = Crowd(limit=50, seconds=10.0) if quick else Crowd(limit=100, seconds=60.0)
    rows: list[Sequence[str]] = [HEADS]
    with budgets() as known:
        for caller in CALLERS:
            for label, budget in known if caller == OURS else known[:1]:
                say(f"{PROCESSES} processes: {caller}, {label}")
                rows.append((label, caller, *cells([asyncio.run(crowd(caller, budget, work))])))
    say("")
    told = f"{PROCESSES} processes of {AT_ONCE} tasks, {work.calls} searches, {work.limit} every {work.seconds:.0f} s"
    return f"{told}, real time\n\n{aligned(rows)}\n"


def costs() -> str:
    """What reserving and settling costs."""
    rows: list[Sequence[str]] = [("", "", "us for both", "us of the processor")]
    with budgets() as known:
        for label, budget in known:
            figures = (f"{seconds * 1e6:,.1f}" for seconds in asyncio.run(overhead(budget)))
            rows.append(("", "memory" if budget is None else label, *figures))
    return f"Reserve and settle in three dimensions, one after the other\n\n{aligned(rows)}\n"


@contextmanager
def budgets() -> Generator[list[tuple[str, str | None]]]:
    """Places where processes keep their limits together, and none."""
    known: list[tuple[str, str | None]] = [("each by itself", None)]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        known.append(("one SQLite file", f"sqlite:///{folder}/budget.db"))
        if program() is not None:
            known.append(("one Redis", stack.enter_context(redis_server())))
        yield known


def cells(found: Sequence[Figures]) -> list[str]:
    """The median of the times, and the worst of everything else."""
    failed = max(figures.failed for figures in found)
    used = [figures.used for figures in found if figures.used is not None]
    return [
        f"{failed}",
        f"{max(figures.refused for figures in found):,}",
        f"{max(100 * figures.refused / figures.calls for figures in found):.1f}",
        f"{median(figures.wall for figures in found):.1f}",
        f"{median(figures.ideal for figures in found):.1f}",
        "-" if failed else f"{max(figures.wall / figures.ideal for figures in found):.3f}",
        f"{100 * min(used):.1f}" if used else "-",
    ]


def main() -> None:
    """Play all scenes and print their tables."""
    args = arguments()
    seeds: Sequence[int] = args.seed or ((1,) if args.quick else (1, 2, 3))
    tables: dict[str, Callable[[], str]] = {
        scene.name: partial(table, scene, seeds, real=args.real) for scene in SCENES
    }
    tables |= {
        "videos": partial(videos, seeds),
        "overtaking": partial(overtaking, seeds),
        "processes": partial(crowds, quick=args.quick),
        "overhead": costs,
    }
    chosen = [make for name, make in tables.items() if name.startswith(args.only or "")]
    if not chosen:
        raise SystemExit(f"there is no {args.only!r}: {', '.join(tables)}")
    about = ", ".join(f"{name} {number}" for name, number in versions().items())
    print(f"{about}\nload {machine()['load']} before; {len(seeds)} seeds: worst figures, median times\n")
    for make in chosen:
        print(make(), flush=True)


if __name__ == "__main__":
    main()
