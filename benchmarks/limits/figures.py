"""What a run was like, from the server's own account of it. Arithmetic only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

import attrs


@attrs.frozen
class Mark:
    """One request, as the server counted it."""

    at: float
    """Seconds since the run began."""
    refused: bool
    """Whether it was one too many."""


@attrs.frozen
class Window:
    """A stretch in which so much is allowed, opened by the first request in it."""

    opened: float
    """Seconds since the run began."""
    served: tuple[float, ...]
    """When requests were let through."""


@attrs.frozen(kw_only=True)
class Figures:
    """What a run took."""

    calls: int
    """Calls that were wanted."""
    failed: int
    """Calls that never got through."""
    refused: int
    """Answers 429."""
    wall: float
    """Seconds from the first request to the last answer."""
    ideal: float
    """Seconds that the limit itself asks for."""
    used: float | None = None
    """Share of the quota that was used while there was work, where there is one quota."""


def windows(marks: Iterable[Mark], seconds: float) -> list[Window]:
    """Fixed windows of `seconds`, as the platform has them."""
    found: list[tuple[float, list[float]]] = []
    for mark in sorted(marks, key=lambda mark: mark.at):
        if mark.refused:
            continue
        if not found or mark.at >= found[-1][0] + seconds:
            found.append((mark.at, []))
        found[-1][1].append(mark.at)
    return [Window(opened, tuple(served)) for opened, served in found]


def ideal(calls: int, limit: int, seconds: float, latency: float) -> float:
    """Seconds for `calls` at once, when so many are let through in each window."""
    return (ceil(calls / limit) - 1) * seconds + latency


def used(found: Sequence[Window], limit: int, seconds: float) -> float:
    """Share of the quota that was used until the last window opened; in that one the work ends."""
    if len(found) < 2:
        return 1.0
    allowed = limit * (found[-1].opened - found[0].opened) / seconds
    return sum(len(window.served) for window in found[:-1]) / allowed
