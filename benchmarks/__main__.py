"""`python -m benchmarks [--quick] [--rounds N] [--only NAME] [--json FILE] [--write]`."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks.answers import HASHED_UPLOAD, SLOW_UPLOAD
from benchmarks.cases import Case, cases
from benchmarks.machine import cores, machine, pin, versions
from benchmarks.memory import MIB
from benchmarks.runner import run_rounds, start_server
from benchmarks.table import summary, table

BLOCK = 16 * MIB
README = Path(__file__).parent / "README.md"
CHART = Path(__file__).parent.parent / "docs" / "benchmarks.svg"
TABLE_START, TABLE_END = "<!-- table -->\n", "<!-- end of the table -->"
"""Lines of README.md between which `--write` puts the table."""


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Compare with other clients.")
    parser.add_argument(
        "--quick", action="store_true", help="2 rounds instead of 5, 256 MiB instead of 1 GiB, fewer requests"
    )
    parser.add_argument("--rounds", type=int, help="number of rounds, also with --quick")
    parser.add_argument("--only", metavar="NAME", help="only cases or groups whose name starts with NAME")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results to FILE")
    parser.add_argument("--write", action="store_true", help="write the table and the chart into the documentation")
    arguments = parser.parse_args()
    if arguments.write and arguments.only is not None:
        parser.error("--write needs all cases: leave out --only")
    return arguments


def write_file(path: Path, size: int) -> None:
    """Write random bytes and flush them to disk, so that no writing happens during the measurements."""
    with path.open("wb") as file:
        for _ in range(size // BLOCK):
            file.write(os.urandom(BLOCK))
        file.flush()
        os.fsync(file.fileno())


def report_header(metadata: dict[str, Any]) -> str:
    """Describe versions, machine and number of rounds."""
    host, core = metadata["machine"], metadata["pinned"]
    cores_used = "not pinned" if core[0] is None else f"client on core {core[0]}, server on core {core[1]}"
    return "\n".join(
        [
            ", ".join(f"{name} {number}" for name, number in metadata["versions"].items()),
            f"{host['system']}, {host['processor']}, {host['cores']} cores ({cores_used}), load {host['load']} before",
            f"{metadata['rounds']} rounds, a new process for each sample; medians, and medians of each round's ratios",
        ]
    )


def main() -> None:
    """Measure, print the tables and write the JSON file."""
    args = parse_arguments()
    rounds: int = args.rounds or (2 if args.quick else 5)
    client_core, server_core = cores()
    metadata = {"versions": versions(), "machine": machine(), "pinned": [client_core, server_core], "rounds": rounds}
    print(report_header(metadata), end="\n\n", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="benchmarks-") as name,
        start_server(server_core, Path(name)) as server,
    ):
        pin(client_core)
        folder = Path(name)
        path, size = folder / "video.mp4", (256 if args.quick else 1024) * MIB
        warmup_path = path.with_name(f"{HASHED_UPLOAD}.mp4")
        slow_path = path.with_name(f"{SLOW_UPLOAD}.mp4")
        all_cases = cases(
            large_size=size, path=str(path), warmup_path=str(warmup_path), slow_path=str(slow_path), quick=args.quick
        )
        selected = [case for case in all_cases if _is_selected(case, args.only)]
        if not selected:
            raise SystemExit(f"no case starts with {args.only!r}")
        if any("path" in case.options for case in selected):
            write_file(path, size)
            for link in (warmup_path, slow_path):
                link.hardlink_to(path)
        samples = run_rounds(selected, rounds, server, folder)
    tables = [table(group, list(members), samples) for group, members in groupby(selected, key=lambda case: case.group)]
    print("\n".join(tables))
    if args.write:
        write_documentation(report_header(metadata), tables, summary(selected, samples))
    if args.json is not None:
        args.json.write_text(json.dumps({**metadata, "cases": summary(selected, samples)}, indent=1), encoding="utf-8")


def write_documentation(header: str, tables: list[str], results: dict[str, Any]) -> None:
    """Replace the table in README.md and the chart in the manual."""
    from benchmarks.chart import draw  # noqa: PLC0415  # only this option needs matplotlib

    before, _, rest = README.read_text(encoding="utf-8").partition(TABLE_START)
    after = rest[rest.index(TABLE_END) :]
    text = "\n".join([header, "", *tables])
    README.write_text(f"{before}{TABLE_START}\n```text\n{text}```\n\n{after}", encoding="utf-8")
    draw(results, CHART)


def _is_selected(case: Case, name: str | None) -> bool:
    return name is None or case.name.startswith(name) or case.group.name == name


if __name__ == "__main__":
    main()
