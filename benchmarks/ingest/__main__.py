"""`python -m benchmarks.ingest [--videos N] [--kills N] [--faults SHARE] [--seed N] [--sizes] [--only PROGRAM]`."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from benchmarks.ingest.faults import run_with_fault
from benchmarks.ingest.kills import KillResult, run_with_kills
from benchmarks.ingest.sizes import measure_sizes


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ingest", description="Ingest while the process is killed."
    )
    parser.add_argument("--videos", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--faults", type=float, default=0.05, help="share of requests that fail, API and storage alike")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--sizes", action="store_true", help="measure large ingestions instead")
    parser.add_argument("--only", choices=("ours", "naive", "faults"), help="one program, or the other faults")
    parser.add_argument("--outage", type=float, default=200.0, help="seconds without network")
    return parser.parse_args()


def format_row(result: KillResult) -> str:
    """Return a row of the table."""
    name = {"ours": "twelvelabs_async, ledger", "naive": "gather over twelvelabs"}[result.program]
    return (
        f"{name:26} {result.videos:6} {result.kills:5} {result.runs:5} {result.exactly_once:6} {result.duplicated:10}"
        f" {result.missing:7} {result.assets:6} {result.bytes_ratio:8.2f}"
    )


async def main() -> None:
    """Run both programs, kill them repeatedly, and print the table."""
    args = parse_arguments()
    if args.sizes:
        with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
            for line in await measure_sizes(Path(folder)):
                print(line, flush=True)
        return
    if args.only == "faults":
        with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
            await print_faults(Path(folder), args.videos, args.outage)
        return
    print("                           videos kills  runs   once duplicated missing assets  bytes x", flush=True)
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        for program in ("ours", "naive") if args.only is None else (args.only,):
            program_folder = Path(folder) / program
            result = await run_with_kills(
                program, program_folder, videos=args.videos, kills=args.kills, fault_rate=args.faults, seed=args.seed
            )
            print(format_row(result), flush=True)
        if args.only is None:
            await print_faults(Path(folder), args.videos, args.outage)


async def print_faults(folder: Path, videos: int, outage: float) -> None:
    """Ingest during the other faults, each with the ledgers it affects, and print a table."""
    await asyncio.to_thread(folder.chmod, 0o755)  # the database runs as another user
    print("fault      ledger      videos   once more than once missing rejected runs seconds", flush=True)
    for fault, ledger in (
        ("lock lost", "PostgreSQL"),
        ("suspended", "PostgreSQL"),
        ("suspended", "SQLite"),
        ("outage", "SQLite"),
    ):
        scenario = folder / f"{fault}-{ledger}".replace(" ", "-")
        result = await run_with_fault(fault, ledger, scenario, videos=videos, outage_seconds=outage)
        print(
            f"{fault:10} {ledger:10} {result.videos:7} {result.once:6} {result.more:14} {result.missing:7}"
            f" {result.rejected:13} {result.seconds:7.0f}",
            flush=True,
        )


if __name__ == "__main__":
    asyncio.run(main())
