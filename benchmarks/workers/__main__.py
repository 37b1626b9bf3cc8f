"""`python -m benchmarks.workers [--videos N] [--kills N] [--namespaces auto|on|off]`; `--help` lists all options."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
from pathlib import Path

from benchmarks.workers.namespaces import Placement, namespaces
from benchmarks.workers.scaling import measure_ledger, measure_speedup
from benchmarks.workers.servers import PostgresServer, RateLimitRedis
from benchmarks.workers.survival import measure_survival


def parse_arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.workers", description="Ingest with workers that are killed."
    )
    parser.add_argument("--videos", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--faults", type=float, default=0.05, help="share of requests that fail, API and storage alike")
    parser.add_argument(
        "--others", action="store_true", help="also limit the operations without a category, all of them together"
    )
    parser.add_argument("--suspensions", type=int, default=2, help="workers stopped (SIGSTOP) beyond their lease")
    parser.add_argument("--lost-connections", type=int, default=2, help="times that all connections are ended")
    parser.add_argument("--outage", type=float, default=200.0, help="seconds without network")
    parser.add_argument("--slow", type=int, default=320, help="videos for the comparison with one worker")
    parser.add_argument(
        "--namespaces",
        choices=("auto", "on", "off"),
        default="auto",
        help="a network namespace for each worker: if possible (needs root and iproute2), always, or never",
    )
    return parser.parse_args()


async def run_benchmark(args: argparse.Namespace, folder: Path, placement: Placement) -> None:
    """Run the benchmarks until SIGTERM, and print their results."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    print(
        f"workers                 {args.workers:8}, "
        f"{'each in a network namespace' if placement.namespaces else 'in one namespace'}"
    )
    database, redis = (
        PostgresServer(folder / "database", placement.host),
        RateLimitRedis(folder / "redis", placement.host),
    )
    try:
        database.start()
        redis.start()
        await measure_survival(args, folder, database, redis, placement)
        await measure_speedup(args.slow, args.workers, folder, database, placement)
        await measure_ledger(database)
    finally:
        database.kill()
        redis.kill()


def main() -> None:
    """Run the benchmarks; clean up even if they are interrupted."""
    args = parse_arguments()
    with (
        namespaces(args.namespaces, args.workers) as placement,
        tempfile.TemporaryDirectory(prefix="workers-", ignore_cleanup_errors=True) as temporary,
    ):
        folder = Path(temporary)
        folder.chmod(0o755)
        try:
            asyncio.run(run_benchmark(args, folder, placement))
        except (KeyboardInterrupt, asyncio.CancelledError):
            sys.exit("stopped")


if __name__ == "__main__":
    main()
