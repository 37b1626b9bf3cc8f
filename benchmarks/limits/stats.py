"""Figures of a run, computed from the requests that the emulator recorded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

import attrs


@attrs.frozen
class RequestRecord:
    """A request that the emulator recorded."""

    time: float
    """Seconds since the start of the run."""
    rate_limited: bool
    """Whether the response was a 429."""


@attrs.frozen
class Window:
    """A fixed window; its first request opens it."""

    opened_at: float
    """Seconds since the start of the run."""
    accepted_at: tuple[float, ...]
    """When requests were accepted, in seconds since the start of the run."""


@attrs.frozen(kw_only=True)
class RunStats:
    """Figures of a run."""

    calls: int
    """Number of calls."""
    failed: int
    """Calls that failed."""
    rate_limited: int
    """429 responses."""
    duration: float
    """Seconds from the first request to the last response."""
    ideal: float
    """Minimum duration that the limit permits, in seconds."""
    utilization: float | None = None
    """Used share of the quota, from 0 to 1; None if there are several limits."""


def fixed_windows(records: Iterable[RequestRecord], seconds: float) -> list[Window]:
    """Group accepted requests into fixed windows of `seconds`."""
    windows: list[tuple[float, list[float]]] = []
    for record in sorted(records, key=lambda record: record.time):
        if record.rate_limited:
            continue
        if not windows or record.time >= windows[-1][0] + seconds:
            windows.append((record.time, []))
        windows[-1][1].append(record.time)
    return [Window(opened_at, tuple(accepted_at)) for opened_at, accepted_at in windows]


def ideal_duration(calls: int, limit: int, seconds: float, latency: float) -> float:
    """Return the minimum duration in seconds of `calls` calls, if each window accepts `limit` calls."""
    return (ceil(calls / limit) - 1) * seconds + latency


def utilization(windows: Sequence[Window], limit: int, seconds: float) -> float:
    """Return the used share of the quota until the start of the last window, in which the work ends."""
    if len(windows) < 2:
        return 1.0
    allowed = limit * (windows[-1].opened_at - windows[0].opened_at) / seconds
    return sum(len(window.accepted_at) for window in windows[:-1]) / allowed
