"""What is told of an ingest: events while it runs, and one outcome for each item."""

from __future__ import annotations

from typing import Literal

import attrs

Stage = Literal["queued", "uploading", "processing", "indexing", "ready"]
"""How far an item is; `processing` is the platform looking into the file."""

OutcomeStatus = Literal["ready", "failed", "skipped"]
"""How an item ended; `skipped` was not begun, because nothing could have come of it."""


@attrs.frozen(kw_only=True)
class IngestEvent:
    """One item got on a bit."""

    source: str
    """Path or address."""
    stage: Stage
    """How far it is."""
    status: str = ""
    """What the platform calls it, such as `queued` while indexing; empty before it was asked."""
    sent: int = 0
    """Bytes handed to the network."""
    total: int = 0
    """Bytes of the file; 0 until known, and for addresses."""


@attrs.frozen(kw_only=True)
class Outcome:
    """How one item ended."""

    source: str
    """Path or address."""
    status: OutcomeStatus
    """How it ended."""
    stage: Stage
    """How far it came; for a failure, the stage that failed."""
    asset_id: str | None = None
    """The asset; None if there is none."""
    indexed_asset_id: str | None = None
    """The asset in the index, which search results call `video_id`; None if there is none."""
    error: str = ""
    """What went wrong, in one line; empty if nothing did."""
    exception: Exception | None = attrs.field(default=None, repr=False, eq=False)
    """The same, to look into."""
    bytes: int = 0
    """Bytes sent."""
    seconds: float = 0.0
    """From taking it up to its end."""
