"""`python -m benchmarks.fleet [--videos N] [--kills N] [--namespaces auto|on|off]`; `--help` tells the rest."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
from pathlib import Path

from benchmarks.fleet.namespaces import Place, namespaces
from benchmarks.fleet.scaling import ledger, speed
from benchmarks.fleet.servers import Budgets, Database
from benchmarks.fleet.surviving import survive


def arguments() -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description="Workers that are killed.")
    parser.add_argument("--videos", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--faults", type=float, default=0.05, help="share of requests that fail, API and storage alike")
    parser.add_argument("--others", action="store_true", help="limit what no category names, too, all of it as one")
    parser.add_argument("--slow", type=int, default=320, help="videos for the comparison with one worker")
    parser.add_argument(
        "--namespaces",
        choices=("auto", "on", "off"),
        default="auto",
        help="a network namespace for each worker: where the machine allows it (root, iproute2); in any case; never",
    )
    return parser.parse_args()


async def table(args: argparse.Namespace, folder: Path, place: Place) -> None:
    """Print it, unless somebody stops us."""
    running = asyncio.current_task()
    assert running is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    print(
        f"workers                 {args.workers:8}, {'each in a network namespace' if place.names else 'side by side'}"
    )
    database, budgets = Database(folder / "database", place.host), Budgets(folder / "budgets", place.host)
    try:
        database.start()
        budgets.start()
        await survive(args, folder, database, budgets, place)
        await speed(args.slow, args.workers, folder, database, place)
        await ledger(database)
    finally:
        database.kill()
        budgets.kill()


def main() -> None:
    """Measure, and leave nothing behind, whoever stops it."""
    args = arguments()
    with (
        namespaces(args.namespaces, args.workers) as place,
        tempfile.TemporaryDirectory(prefix="fleet-", ignore_cleanup_errors=True) as temporary,
    ):
        folder = Path(temporary)
        folder.chmod(0o755)
        try:
            asyncio.run(table(args, folder, place))
        except (KeyboardInterrupt, asyncio.CancelledError):
            sys.exit("stopped")


if __name__ == "__main__":
    main()
