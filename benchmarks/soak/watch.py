"""Samples of the resources of this process, and the growth of its memory."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import attrs

from benchmarks.memory import MIB, resident

DESCRIPTORS: Final = Path("/proc/self/fd")
WARMUP_SHARE: Final = 0.25
"""Share of samples at the start that the slope ignores, while caches and pools fill."""


@attrs.frozen(kw_only=True)
class ResourceSample:
    """The resources at one time."""

    minutes: float
    """Minutes since the start."""
    memory: float
    """Resident memory in MiB."""
    tasks: int
    """Tasks of the running loop."""
    descriptors: int
    """Open files and sockets."""
    sockets: int
    """Open sockets."""


def sample_resources(minutes: float) -> ResourceSample:
    """Sample the resources now."""
    targets = _descriptor_targets()
    return ResourceSample(
        minutes=minutes,
        memory=resident() / MIB,
        tasks=len(asyncio.all_tasks()),
        descriptors=len(targets),
        sockets=sum(target.startswith("socket:") for target in targets),
    )


def _descriptor_targets() -> list[str]:
    found = list[str]()
    for entry in DESCRIPTORS.iterdir():
        try:
            found.append(str(entry.readlink()))
        except OSError:  # the descriptor that read the directory
            continue
    return found


def memory_slope(samples: list[ResourceSample]) -> float:
    """Return the growth of memory in MiB an hour, by least squares over all samples but the first quarter."""
    steady = samples[int(len(samples) * WARMUP_SHARE) :]
    if len(steady) < 3:
        return 0.0
    mean_time = sum(one.minutes for one in steady) / len(steady)
    mean_memory = sum(one.memory for one in steady) / len(steady)
    spread = sum((one.minutes - mean_time) ** 2 for one in steady)
    return 60 * sum((one.minutes - mean_time) * (one.memory - mean_memory) for one in steady) / spread
