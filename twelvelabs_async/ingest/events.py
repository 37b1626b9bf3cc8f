"""What people who watch an ingestion are told: values, one class for each kind of news."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import attrs

from twelvelabs_async.events import LimitWait
from twelvelabs_async.ingest.outcome import Outcome, Stage


@attrs.frozen(kw_only=True)
class ItemProgress:
    """One item got on a bit: it entered a stage, some bytes went out, or the platform told another status."""

    source: str
    """Path or address."""
    stage: Stage
    """How far it is."""
    status: str = ""
    """What the platform calls it, such as `queued` while indexing; empty before it was asked."""
    sent: int = 0
    """Bytes handed to the network; falls back when a part has to be sent again."""
    total: int = 0
    """Bytes of the file; 0 for addresses."""


@attrs.frozen(kw_only=True)
class AttemptFailed:
    """A step of one item failed and is going to be repeated, after a look at what came of it."""

    source: str
    """Path or address."""
    stage: Stage
    """What failed."""
    error: str
    """Why, in one line."""
    attempt: int
    """How often this step was tried, from 1."""
    retry_in: float
    """Seconds until the next try."""


@attrs.frozen(kw_only=True)
class QuotaWait:
    """A quota is used up, and the ingestion waits until it is back."""

    category: str
    """The group of endpoints that share the limit, such as `upload`."""
    dimension: str
    """What is counted, such as `request`."""
    seconds: float
    """How long it waits."""
    resets_at: datetime | None = None
    """When the quota is back, in UTC; None if the platform did not tell."""


@attrs.frozen(kw_only=True)
class ItemEnded:
    """One item ended. Comes before the outcome is handed out."""

    outcome: Outcome
    """How."""


IngestEvent = ItemProgress | AttemptFailed | QuotaWait | ItemEnded | LimitWait
"""Anything that is told while an ingestion runs; a `LimitWait` is one of those waits that are part of every day."""

OnEvent = Callable[[IngestEvent], None]
"""Is called in the event loop, with each block sent among others; must not block."""
