"""Draws the ratios of a run as a bar chart, for `python -m benchmarks --write`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

BARS: Final = {
    "concurrent-64": ("GETs, 64 at once", "per second", False),
    "concurrent-256": ("GETs, 256 at once", "per second", False),
    "concurrent-64-unlimited": ("GETs, 64 at once, no limit headers", "per second", False),
    "paging": ("list of 5,000 items", "items/s", False),
    "events": ("10,000 events of a stream", "events/s", False),
    "embeddings": ("2,000 embeddings", "ms", True),
    "small-uploads": ("uploads of 10 kB", "per second", False),
    "large-upload": ("large upload", "MB/s", False),
    "first-get": ("construct, first GET", "ms", True),
    "import": ("import, construct", "ms", True),
}
"""Cases of the chart: label, column, and whether a lower figure is better."""

OFFICIAL_COLOR, BARE_COLOR = "#94a3b8", "#2563eb"


def draw(cases: Mapping[str, Any], path: Path) -> None:
    """Draw the speeds of this client and of bare aiohttp as multiples of the speed of the official client."""
    speeds = [
        (label, *_speeds(cases[name], column, inverse=inverse)) for name, (label, column, inverse) in BARS.items()
    ]
    matplotlib: Any = import_module("matplotlib")  # its types are incomplete; only `nox -s bench` installs it
    matplotlib.rcParams["svg.hashsalt"] = "benchmarks"  # makes the file reproducible
    figure: Any = import_module("matplotlib.figure").Figure(figsize=(8, 4.6), layout="constrained")
    axes = figure.subplots()
    rows = range(len(speeds))
    axes.barh([row + 0.2 for row in rows], [this_client for _, this_client, _ in speeds], 0.38, color=BARE_COLOR)
    axes.barh([row - 0.2 for row in rows], [bare_aiohttp for _, _, bare_aiohttp in speeds], 0.38, color=OFFICIAL_COLOR)
    axes.set_yticks(list(rows), [label for label, _, _ in speeds])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.axvline(1, color="#64748b", linewidth=1)
    axes.set_xlabel("times as fast as the official client, which is 1 (logarithmic)")
    labels = ["official client", "twelvelabs_async", "aiohttp without a client library"]
    figure.legend([*axes.lines, *axes.containers], labels, loc="outside upper center", ncols=3)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, metadata={"Date": None})
    # matplotlib ends lines with a space; pre-commit removes it.
    lines = (line.rstrip() for line in path.read_text("utf-8").splitlines())
    path.write_text("\n".join(lines) + "\n", "utf-8")


def _speeds(case: Mapping[str, Any], column: str, *, inverse: bool) -> tuple[float, float]:
    """Return the speeds of this client and of bare aiohttp, relative to the official client."""
    this_client, bare_aiohttp = (case[client]["ratio"]["official"][column] for client in ("ours", "aiohttp"))
    return (1 / this_client, 1 / bare_aiohttp) if inverse else (this_client, bare_aiohttp)
