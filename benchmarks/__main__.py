"""`python -m benchmarks [--quick] [--rounds N] [--only NAME] [--json FILE]`."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks.answers import CHECKED, SLOW
from benchmarks.cases import Case, cases
from benchmarks.machine import cores, machine, pin, versions
from benchmarks.memory import MIB
from benchmarks.runner import run, server
from benchmarks.table import summary, table

BLOCK = 16 * MIB


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Side by side with other clients.")
    parser.add_argument("--quick", action="store_true", help="3 rounds instead of 5, and 256 MiB instead of 1 GiB")
    parser.add_argument("--rounds", type=int, help="rounds, whatever --quick says")
    parser.add_argument("--only", metavar="NAME", help="the cases or the group whose name starts like this")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to FILE")
    return parser.parse_args()


def write_file(path: Path, size: int) -> None:
    """Random bytes, already on disk: what is being written slows the one who measures."""
    with path.open("wb") as file:
        for _ in range(size // BLOCK):
            file.write(os.urandom(BLOCK))
        file.flush()
        os.fsync(file.fileno())


def head(about: dict[str, Any]) -> str:
    """With what, where and how often."""
    place, core = about["machine"], about["pinned"]
    placed = "not pinned" if core[0] is None else f"client on core {core[0]}, server on core {core[1]}"
    return "\n".join(
        [
            ", ".join(f"{name} {number}" for name, number in about["versions"].items()),
            f"{place['system']}, {place['processor']}, {place['cores']} cores ({placed}), load {place['load']} before",
            f"{about['rounds']} rounds, each sample a fresh process; medians, and medians of the ratios of each round",
        ]
    )


def main() -> None:
    """Measure, print the tables, and write the file."""
    args = arguments()
    rounds: int = args.rounds or (3 if args.quick else 5)
    client_core, server_core = cores()
    about = {"versions": versions(), "machine": machine(), "pinned": [client_core, server_core], "rounds": rounds}
    print(head(about), end="\n\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as name, server(server_core, Path(name)) as at:
        pin(client_core)
        folder = Path(name)
        path, size = folder / "video.mp4", (256 if args.quick else 1024) * MIB
        rehearsal = path.with_name(f"{CHECKED}.mp4")
        slow = path.with_name(f"{SLOW}.mp4")
        every = cases(large=size, path=str(path), rehearsal=str(rehearsal), slow=str(slow))
        chosen = [case for case in every if _wanted(case, args.only)]
        if not chosen:
            raise SystemExit(f"there is no case {args.only!r}")
        if any("path" in case.options for case in chosen):
            write_file(path, size)
            for other in (rehearsal, slow):
                other.hardlink_to(path)
        samples = run(chosen, rounds, at, folder)
    for group, members in groupby(chosen, key=lambda case: case.group):
        print(table(group, list(members), samples))
    if args.json is not None:
        args.json.write_text(json.dumps({**about, "cases": summary(chosen, samples)}, indent=1), encoding="utf-8")


def _wanted(case: Case, name: str | None) -> bool:
    return name is None or case.name.startswith(name) or case.group.name == name


if __name__ == "__main__":
    main()
