"""How far the items of a ledger are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from twelvelabs_async.clock import SystemClock
from twelvelabs_async.fleet.roster import Roster
from twelvelabs_async.fleet.submission import opened
from twelvelabs_async.ingest.ledger import Entry

TOLD: Final = 20
"""Troubled entries that are told of."""


@attrs.frozen(kw_only=True)
class Status:
    """Counts of items by how far they are, all indexes together."""

    queued: int = 0
    """Nothing has been sent of them yet."""
    uploading: int = 0
    """Their upload has begun."""
    processing: int = 0
    """The platform looks into them."""
    indexing: int = 0
    """They are being indexed, or about to be."""
    ready: int = 0
    """They are in the index."""
    failed: int = 0
    """The platform refused them."""
    stuck: int = 0
    """Of those that are neither ready nor failed, those that were tried too often; submit them again to go on."""
    troubled: tuple[Entry, ...] = ()
    """The last of those that failed or are stuck, with their errors."""

    @property
    def open(self) -> int:
        """Items that somebody is going to carry on."""
        return self.queued + self.uploading + self.processing + self.indexing - self.stuck


async def status(url: str) -> Status:
    """Count the items of a ledger.

    Args:
        url: Of the ledger: `postgresql://user@host/database`.

    Raises:
        LedgerError: The database cannot be used.
    """
    async with opened(url, SystemClock()) as (ledger, _, _):
        roster = Roster(ledger)
        return _status(await roster.counts(), tuple(await roster.troubled(TOLD)))


def _status(counts: Sequence[Mapping[str, Any]], troubled: tuple[Entry, ...]) -> Status:
    sums: dict[str, int] = {}
    for row in counts:
        name = row["stage"] if row["state"] == "open" else row["state"]
        sums[name] = sums.get(name, 0) + row["entries"]
        sums["stuck"] = sums.get("stuck", 0) + row["stuck"]
    return Status(troubled=troubled, **sums)
