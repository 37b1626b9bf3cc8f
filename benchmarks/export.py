"""Peak memory of `export` by the number of videos, against an emulator in another process.

python -m benchmarks.export                      # 1,000 and 10,000 videos, each format
python -m benchmarks.export --videos 1000 --formats parquet
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import memory

VECTORS_PER_VIDEO = 4
"""Two segments with two embedding options."""

HEADER = """\
| format | videos | vectors | file, MB | peak RSS, MB | since the import, MB | s |
|---|---|---|---|---|---|---|"""


def main() -> None:
    """Run the exports and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--formats", nargs="+", default=["parquet", "csv", "jsonl"])
    parser.add_argument("--child", nargs=2, metavar=("INDEX", "FILE"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        export(*args.child)
        return
    print(HEADER)
    for videos in args.videos:
        for row in measure(videos, args.formats):
            print("| " + " | ".join(row) + " |", flush=True)


def export(index: str, file: str) -> None:
    """Export an index in this process, and print its peak memory as JSON."""
    from twelvelabs_async._cli import export as _  # noqa: F401, PLC0415  # the memory of its imports is measured separately
    from twelvelabs_async._cli.main import run  # noqa: PLC0415

    imported = memory.peak()
    started = time.perf_counter()
    code = run(["export", index, file, "--concurrency", "8", "--json"])
    seconds = time.perf_counter() - started
    print(json.dumps({"code": code, "peak": memory.peak(), "imported": imported, "seconds": seconds}))


def measure(videos: int, formats: list[str]) -> list[list[str]]:
    """Return a row of the table for each format."""
    from twelvelabs_async.emulator import ThreadedEmulator  # noqa: PLC0415  # not needed in the child process

    rows: list[list[str]] = []
    with ThreadedEmulator() as emulator, tempfile.TemporaryDirectory() as folder:
        for number in range(videos):
            scenes = [(0, 6, f"a boat, take {number}"), (6, 12, f"a train, take {number}")]
            emulator.add_video("large", f"{number}.mp4", scenes, user_metadata={"take": number})
        variables = {"TWELVELABS_API_KEY": emulator.api_key, "TWELVELABS_BASE_URL": emulator.base_url}
        for name in formats:
            path = Path(folder) / f"large.{name}"
            command = [sys.executable, "-m", "benchmarks.export", "--child", "large", str(path)]
            process = subprocess.run(command, env=os.environ | variables, check=True, capture_output=True, text=True)
            summary, result = (json.loads(line) for line in process.stdout.splitlines())
            rows.append(_row(name, videos, summary, result))
    return rows


def _row(name: str, videos: int, summary: dict[str, Any], result: dict[str, Any]) -> list[str]:
    assert (result["code"], summary["videos"], summary["rows"]) == (0, videos, videos * VECTORS_PER_VIDEO)
    growth = (result["peak"] - result["imported"]) / 1e6
    figures = (f"{summary['bytes'] / 1e6:.1f}", f"{result['peak'] / 1e6:.0f}", f"{growth:.0f}")
    return [name, f"{videos:,}", f"{summary['rows']:,}", *figures, f"{result['seconds']:.0f}"]


if __name__ == "__main__":
    main()
