"""Samples of the resources of this process, and the growth of its memory."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import attrs

from benchmarks.memory import MIB, resident

DESCRIPTORS: Final = Path("/proc/self/fd")
WARMUP_SHARE: Final = 0.25
"""Share of the samples at the start that the slope ignores, because caches and pools are not full yet."""


@attrs.frozen(kw_only=True)
class ResourceSample:
    """The resources of this process at one time."""

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
    targets = list[str]()
    for entry in DESCRIPTORS.iterdir():
        try:
            targets.append(str(entry.readlink()))
        except OSError:  # the descriptor that read the directory
            continue
    return targets


def memory_slope(samples: list[ResourceSample]) -> float:
    """Return the memory growth in MiB an hour, by least squares over all samples except the first quarter."""
    steady = samples[int(len(samples) * WARMUP_SHARE) :]
    if len(steady) < 3:
        return 0.0
    mean_time = sum(sample.minutes for sample in steady) / len(steady)
    mean_memory = sum(sample.memory for sample in steady) / len(steady)
    squared_deviations = sum((sample.minutes - mean_time) ** 2 for sample in steady)
    return (
        60 * sum((sample.minutes - mean_time) * (sample.memory - mean_memory) for sample in steady) / squared_deviations
    )
