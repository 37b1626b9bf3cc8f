"""How long things take, and what that makes of their status.

No task runs in the background: a status is worked out from the time that has passed whenever somebody asks for it. So a
clock that jumps an hour ahead finishes an hour of work, and stopping the emulator leaves nothing behind.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long the emulator takes over things, in seconds."""

    asset: float = 0.2
    """From the last byte of an asset to `ready` or `failed`."""
    indexing: float = 0.5
    """From the request to index an asset to `ready` or `failed`."""
    pending_share: float = 0.2
    """The part of `indexing` spent in `pending`."""
    queued_share: float = 0.2
    """The part of `indexing` spent in `queued`; what is left is spent in `indexing`."""
    url_lifetime: float = 3600
    """How long a presigned URL is good for."""
    session_lifetime: float = 24 * 3600
    """How long a multipart upload may take."""
    token_lifetime: float = 900
    """How long the pages of a search can be fetched."""


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
