"""Results of an ingestion: one `IngestResult` for each input, and a `Summary` of all of them."""

from __future__ import annotations

from typing import Final, Literal

import attrs

Stage = Literal["queued", "uploading", "processing", "indexing", "ready"]
"""How far an item is. During `processing` the platform inspects the uploaded file."""

IngestStatus = Literal["ready", "failed", "skipped"]
"""How an item ended. A `skipped` item was not started, because the run had stopped."""

StopReason = Literal["", "drained", "quota", "auth", "outage"]
"""Why a run stopped early: `drain()` was called, a quota was exhausted, the API key was rejected, or the platform could
not be reached; empty if it did not."""

OnQuota = Literal["stop", "wait"]
"""What to do when a quota is exhausted: stop the run, or wait until the quota resets."""

OnOutage = Literal["wait", "stop"]
"""What to do when no request has got an answer for a while: wait for the platform, or stop the run."""

Transfer = Literal["auto", "url", "stream"]
"""How an object gets to the platform: by a signed URL that the platform fetches, or through this machine. `auto` takes
a URL unless the object is too large for one or its storage is not on the public internet."""

_MAX_SUMMARY_FAILURES: Final = 100
"""Number of results with a status other than `ready` that a summary keeps; the counts include all of them."""


@attrs.frozen(kw_only=True)
class IngestResult:
    """The result of one item."""

    source: str
    """Path or URL, as passed in or as found in a folder."""
    status: IngestStatus
    """How the item ended."""
    stage: Stage
    """The last stage that the item reached; for a failed item, the stage that failed."""
    asset_id: str | None = None
    """Id of the asset; None if there is none."""
    indexed_asset_id: str | None = None
    """Id of the asset in the index, called `video_id` in search results; None if there is none."""
    error: str = ""
    """The error as one line; empty if there was none."""
    exception: Exception | None = attrs.field(default=None, repr=False, eq=False)
    """The exception behind `error`; None if the item failed in an earlier run."""
    rejected: bool = False
    """Whether the item itself was rejected, before its upload or by the platform, so that it would fail again."""
    bytes_sent: int = 0
    """Bytes of the file that this run sent."""
    seconds: float = 0.0
    """Seconds that this run spent on the item."""
    attempts: int = 0
    """Number of times the upload was started, including earlier runs."""
    already_done: bool = False
    """Whether the item had ended in an earlier run, so that this run did nothing."""
    duplicate_of: str | None = None
    """The source whose asset this item shares, because both are the same file; None if it has its own asset."""
    replaced_asset_id: str | None = None
    """Id of the asset of an older version of this file, which still exists; None if the file has not changed."""


@attrs.frozen(kw_only=True)
class Summary:
    """Totals of the results of an ingestion."""

    ready: int = 0
    """Inputs that are in the index, including duplicates."""
    failed: int = 0
    """Inputs that failed."""
    skipped: int = 0
    """Inputs that were not started."""
    rejected: int = 0
    """Inputs, among those that failed, that would fail again."""
    already_done: int = 0
    """Inputs, among those above, that had ended in an earlier run."""
    duplicates: int = 0
    """Inputs, among those above, that share the asset of another input."""
    changed: int = 0
    """Inputs, among those above, whose file has changed since an earlier upload."""
    bytes_sent: int = 0
    """Bytes that this run sent."""
    seconds: float = 0.0
    """Seconds from the start of the run to the last result."""
    stop_reason: StopReason = ""
    """Why the run stopped early; empty if it processed all sources."""
    failures: tuple[IngestResult, ...] = ()
    """The first hundred results with a status other than `ready`."""

    @property
    def inputs(self) -> int:
        """Number of results, one for each input."""
        return self.ready + self.failed + self.skipped

    def _repr_html_(self) -> str:
        """Return a table of the totals and the failures, for notebooks."""
        from twelvelabs_async._html import object_table  # noqa: PLC0415  # notebooks only

        return object_table(self)

    def plus(self, result: IngestResult, *, seconds: float) -> Summary:
        """Return the totals including one more result, which came `seconds` after the start.

        Example:
            from twelvelabs_async.ingest import Summary

            total, clock = Summary(), SystemClock()
            started = clock.monotonic()
            async for outcome in client.ingest("holiday/", index_id=index.id):
                total = total.plus(outcome, seconds=clock.monotonic() - started)
            print(total.ready)  # 2
        """
        keep = result.status != "ready" and len(self.failures) < _MAX_SUMMARY_FAILURES
        return attrs.evolve(
            self,
            seconds=seconds,
            ready=self.ready + (result.status == "ready"),
            failed=self.failed + (result.status == "failed"),
            skipped=self.skipped + (result.status == "skipped"),
            rejected=self.rejected + result.rejected,
            already_done=self.already_done + result.already_done,
            duplicates=self.duplicates + (result.duplicate_of is not None),
            changed=self.changed + (result.replaced_asset_id is not None),
            bytes_sent=self.bytes_sent + result.bytes_sent,
            failures=(*self.failures, result) if keep else self.failures,
        )
