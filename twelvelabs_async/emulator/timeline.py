"""How long things take, and what that makes of their status.

A status advances at once (`Timing(asset=0, indexing=0)`), after some seconds (`Timing(indexing=30)`), after some looks
at it (`Timing(polls=3)`), or as the media are long (`Timing(realtime=0.5)`).

No task runs in the background: a status is worked out from the time that has passed whenever somebody asks for it. So a
clock that jumps an hour ahead finishes an hour of work, and stopping the emulator leaves nothing behind.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

FIRST_SHARE = 0.2
"""The part of an analysis that each of its first two statuses takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long the emulator takes over things, in seconds."""

    asset: float = 0.2
    """From the last byte of an asset to `ready` or `failed`."""
    indexing: float = 0.5
    """From the request to index an asset to `ready` or `failed`, also to embed it or to put it into a store."""
    analysis: float = 0.5
    """From the request of an analysis task to `ready` or `failed`; a fifth in `queued`, and a fifth in `pending`."""
    batch: float = 1.0
    """From the request of a batch until its last item is done."""
    pending_share: float = 0.2
    """The part of `indexing` spent in `pending`."""
    queued_share: float = 0.2
    """The part of `indexing` spent in `queued`; what is left is spent in `indexing`."""
    realtime: float = 0.0
    """Seconds that each of these, but for a batch, takes longer for each second of its media."""
    polls: int | None = None
    """How many answers show something unfinished, whatever the time, before the next one shows it done: retrievals and
    lists count, each object for itself. What takes no time is done at once all the same."""
    url_lifetime: float = 3600
    """How long a presigned URL is good for."""
    session_lifetime: float = 24 * 3600
    """How long a multipart upload may take."""
    token_lifetime: float = 900
    """How long the pages of a search can be fetched."""
    batch_lifetime: float = 24 * 3600
    """How long a batch may take."""
    webhook_retry: float = 0.1
    """From a webhook that was refused to the next attempt; doubled with each further one."""

    def of(self, seconds: float | None) -> Self:
        """Return how long it takes for media of that length."""
        more = self.realtime * (seconds or 0.0)
        if not more:
            return self
        return replace(self, asset=self.asset + more, indexing=self.indexing + more, analysis=self.analysis + more)


def asset_status(timing: Timing, elapsed: float, *, failed: bool) -> str:
    """Return the status of an asset whose last byte came `elapsed` seconds ago."""
    if elapsed < timing.asset:
        return "processing"
    return "failed" if failed else "ready"


def indexing_status(timing: Timing, elapsed: float, *, failed: bool) -> str:
    """Return the status of an asset that was given to an index `elapsed` seconds ago."""
    if elapsed >= timing.indexing:
        return "failed" if failed else "ready"
    if elapsed < timing.indexing * timing.pending_share:
        return "pending"
    if elapsed < timing.indexing * (timing.pending_share + timing.queued_share):
        return "queued"
    return "indexing"


def task_status(timing: Timing, elapsed: float, *, failed: bool, fetched: bool) -> str:
    """Return the status of a legacy task, which takes in the video before it indexes it.

    A video that has to be `fetched` from a URL spends half of that first time in `uploading`.
    """
    if elapsed >= timing.asset:
        return indexing_status(timing, elapsed - timing.asset, failed=failed)
    return "uploading" if fetched and elapsed < timing.asset / 2 else "validating"


def analysis_status(timing: Timing, elapsed: float, *, failed: bool) -> str:
    """Return the status of an analysis task that was asked for `elapsed` seconds ago."""
    if elapsed >= timing.analysis:
        return "failed" if failed else "ready"
    if elapsed < timing.analysis * FIRST_SHARE:
        return "queued"
    return "pending" if elapsed < timing.analysis * 2 * FIRST_SHARE else "processing"


def batch_item_window(timing: Timing, position: int, count: int) -> tuple[float, float]:
    """Return when an item of a batch begins and when it is done, in seconds after the batch was asked for.

    The items begin one after the other, and each overlaps with the next.
    """
    share = 1 - 2 * FIRST_SHARE
    begin = FIRST_SHARE + share * position / count
    return timing.batch * begin, timing.batch * min(1.0, begin + FIRST_SHARE + share / count)


def embed_status(timing: Timing, elapsed: float, *, failed: bool) -> str:
    """Return the status of an embedding task, which takes as long as indexing."""
    if elapsed < timing.indexing:
        return "processing"
    return "failed" if failed else "ready"


def item_status(timing: Timing, elapsed: float, *, failed: bool) -> str:
    """Return the status of an item, which goes the way of an indexed asset under names in another order."""
    status = indexing_status(timing, elapsed, failed=failed)
    return {"pending": "queued", "queued": "pending", "indexing": "processing"}.get(status, status)
