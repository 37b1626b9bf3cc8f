"""What is told of an ingestion: one outcome for each input, and the sums at the end."""

from __future__ import annotations

from typing import Final, Literal

import attrs

Stage = Literal["queued", "uploading", "processing", "indexing", "ready"]
"""How far an item is; `processing` is the platform looking into the file."""

OutcomeStatus = Literal["ready", "failed", "skipped"]
"""How an item ended; `skipped` was not begun, because nothing could have come of it."""

Stopped = Literal["", "drained", "quota", "auth"]
"""Why an ingestion ended before its sources: it was asked to, a quota is used up, or the key was refused."""

KEPT_FAILURES: Final = 100
"""Outcomes that a summary keeps of those that are not `ready`; it counts all of them."""


@attrs.frozen(kw_only=True)
class Outcome:
    """How one item ended."""

    source: str
    """Path or address, as it was given or found in a folder."""
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
    """The same, to look into; None for a failure of an earlier run."""
    bytes: int = 0
    """Bytes of the file that this run sent."""
    seconds: float = 0.0
    """From taking it up to its end, in this run."""
    attempts: int = 0
    """How often its upload was begun, earlier runs included."""
    already: bool = False
    """It had ended before this run, which did nothing about it."""
    duplicate_of: str | None = None
    """The source whose asset it shares, being the same file; None if it has its own."""
    replaces: str | None = None
    """The asset of this file as it was before it changed; None if it did not. That asset is still there."""


@attrs.frozen(kw_only=True)
class Summary:
    """The outcomes of an ingestion, added up."""

    ready: int = 0
    """Inputs that are in the index now, duplicates included."""
    failed: int = 0
    """Inputs that are not, for a reason of their own."""
    skipped: int = 0
    """Inputs that were not begun."""
    already: int = 0
    """Of all these, inputs that had ended in an earlier run."""
    duplicates: int = 0
    """Of all these, inputs that share the asset of another one."""
    changed: int = 0
    """Of all these, files that had changed since they were uploaded."""
    bytes: int = 0
    """Bytes sent."""
    seconds: float = 0.0
    """From the first request for an outcome to the last outcome."""
    stopped: Stopped = ""
    """Why it ended before its sources; empty if it came to their end."""
    failures: tuple[Outcome, ...] = ()
    """The first hundred outcomes that are not `ready`."""

    @property
    def inputs(self) -> int:
        """Outcomes in all, one for each input."""
        return self.ready + self.failed + self.skipped

    def plus(self, outcome: Outcome, *, seconds: float) -> Summary:
        """The sums with one more outcome, which came after so many seconds."""
        bad = outcome.status != "ready" and len(self.failures) < KEPT_FAILURES
        return attrs.evolve(
            self,
            seconds=seconds,
            ready=self.ready + (outcome.status == "ready"),
            failed=self.failed + (outcome.status == "failed"),
            skipped=self.skipped + (outcome.status == "skipped"),
            already=self.already + outcome.already,
            duplicates=self.duplicates + (outcome.duplicate_of is not None),
            changed=self.changed + (outcome.replaces is not None),
            bytes=self.bytes + outcome.bytes,
            failures=(*self.failures, outcome) if bad else self.failures,
        )
