"""An item between two steps, and what a step leaves to be done. Values only."""

from __future__ import annotations

import random
from typing import Final

import attrs

from twelvelabs_async.ingest.ledger import Entry
from twelvelabs_async.ingest.plan import Item

TRIES: Final = 8
"""How often in a row a step may fail for reasons that may pass; each try has the retries of its calls."""

SHORTEST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 600.0
"""Seconds between two tries, at least and at most."""

UNTOLD: Final = 60.0
"""Seconds to wait for a limit where the platform does not say how long."""


@attrs.frozen(kw_only=True)
class Card:
    """One item as a worker finds it."""

    entry: Entry
    """What the ledger knows of it."""
    item: Item
    """What it is, with its whole address and its own keys."""
    tries: int = 0
    """How often its present step has failed in a row."""
    doubt: bool = False
    """Whether somebody began the step before, and it is not known how that ended."""


@attrs.frozen(kw_only=True)
class Result:
    """What is left to be done after a step."""

    entry: Entry
    """What the ledger knows of the item now."""
    tries: int = 0
    """How often the step has failed in a row; `TRIES` if it is given up."""
    doubt: bool = False
    """Whether it is not known how the step ended."""
    again: float | None = None
    """Seconds after which to repeat it; None if there is nothing to repeat."""
    closed: bool = False
    """Whether a limit was the reason, which holds for others as well."""


def pause(tries: int) -> float:
    """Seconds to wait after so many failures in a row."""
    longest = min(LONGEST_PAUSE, SHORTEST_PAUSE * 2.0**tries)
    return max(SHORTEST_PAUSE, longest * random.uniform(0.5, 1.0))  # noqa: S311  # no secret


def after_limit(retry_after: float | None) -> float:
    """Seconds to wait for a limit; not all who wait come back at once."""
    return (UNTOLD if retry_after is None else retry_after) + random.uniform(0.0, 2.0)  # noqa: S311  # no secret
