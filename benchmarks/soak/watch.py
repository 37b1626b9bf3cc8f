"""What one process holds, looked at again and again, and how fast it grows."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import attrs

from benchmarks.memory import MIB, resident

DESCRIPTORS: Final = Path("/proc/self/fd")
WARM: Final = 0.25
"""Share of the looks that is left out of the slope: caches fill and pools grow at first."""


@attrs.frozen(kw_only=True)
class Look:
    """One look at the process."""

    minutes: float
    """Since the start."""
    memory: float
    """MiB that are resident."""
    tasks: int
    """Tasks of the running loop."""
    descriptors: int
    """Open files and sockets."""
    sockets: int
    """Open sockets among them."""


def look(minutes: float) -> Look:
    """What the process holds now."""
    targets = _targets()
    return Look(
        minutes=minutes,
        memory=resident() / MIB,
        tasks=len(asyncio.all_tasks()),
        descriptors=len(targets),
        sockets=sum(target.startswith("socket:") for target in targets),
    )


def _targets() -> list[str]:
    found = list[str]()
    for entry in DESCRIPTORS.iterdir():
        try:
            found.append(str(entry.readlink()))
        except OSError:  # the one by which the folder itself was read
            continue
    return found


def slope(looks: list[Look]) -> float:
    """MiB an hour that memory grows, by least squares over all looks but the first quarter."""
    steady = looks[int(len(looks) * WARM) :]
    if len(steady) < 3:
        return 0.0
    mean_time = sum(one.minutes for one in steady) / len(steady)
    mean_memory = sum(one.memory for one in steady) / len(steady)
    spread = sum((one.minutes - mean_time) ** 2 for one in steady)
    return 60 * sum((one.minutes - mean_time) * (one.memory - mean_memory) for one in steady) / spread
