"""`python -m benchmarks.ingest [--videos N] [--kills N] [--faults SHARE] [--seed N] [--sizes]`."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from benchmarks.ingest.kills import Count, survive
from benchmarks.ingest.sizes import sizes


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description="Ingestion that is killed.")
    parser.add_argument("--videos", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--faults", type=float, default=0.05, help="share of requests that fail, API and storage alike")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--sizes", action="store_true", help="what large ingestions cost, instead")
    parser.add_argument("--only", choices=("ours", "naive"))
    return parser.parse_args()


def row(count: Count) -> str:
    """One line of the table."""
    name = {"ours": "twelvelabs_async, ledger", "naive": "gather over twelvelabs"}[count.program]
    return (
        f"{name:26} {count.videos:6} {count.kills:5} {count.runs:5} {count.once:6} {count.duplicated:10}"
        f" {count.missing:7} {count.assets:6} {count.bytes_ratio:8.2f}"
    )


async def main() -> None:
    """Kill both, and print the table."""
    args = arguments()
    if args.sizes:
        with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
            for line in await sizes(Path(folder)):
                print(line, flush=True)
        return
    print("                           videos kills  runs   once duplicated missing assets  bytes x", flush=True)
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        for program in ("ours", "naive") if args.only is None else (args.only,):
            place = Path(folder) / program
            count = await survive(
                program, place, videos=args.videos, kills=args.kills, faults=args.faults, seed=args.seed
            )
            print(row(count), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
