"""One item on its way: what is known of it between two steps, and how that is told and kept."""

from __future__ import annotations

from typing import Any

import attrs

from twelvelabs_async.clock import Clock
from twelvelabs_async.ingest.events import ItemProgress, OnEvent
from twelvelabs_async.ingest.ledger import Entry, Ledger
from twelvelabs_async.ingest.outcome import Stage
from twelvelabs_async.ingest.plan import Item
from twelvelabs_async.uploads.state import UploadProgress


@attrs.define(eq=False, kw_only=True)
class Work:
    """One item on its way."""

    item: Item
    """What it is."""
    entry: Entry
    """What the ledger knows of it."""
    ledger: Ledger
    clock: Clock
    listener: OnEvent
    doubt: float | None = None
    """Since when it is unknown whether the present step has left something on the platform; None if it is known."""
    resumed: bool = False
    """Whether an earlier run had begun it."""
    status: str = ""
    sent: int = 0
    """Bytes that this run sent."""
    _reached: int = 0
    """Bytes of the file that are there or on their way."""
    _base: int = 0

    async def save(self, **changes: Any) -> None:
        """Write down what has become of it; returns when that is safe."""
        entry = attrs.evolve(self.entry, updated_at=self.clock.time(), **changes)
        await self.ledger.save(entry)
        self.entry = entry

    async def restart(self) -> None:
        """Forget how far it was. Its asset stays known as the one that is not to be found again."""
        self.resumed = False
        await self.save(stage="queued", state="open", indexed_asset_id=None, error="")

    def doubted(self) -> None:
        """The present step may have happened or not."""
        self.doubt = self.clock.monotonic()

    def enter(self, stage: Stage) -> None:
        """Tell of a stage."""
        self.status = ""
        self._tell(stage)

    def seen(self, status: str) -> None:
        """The platform said how far it is."""
        self.status = status
        self._tell(self.entry.stage)

    def begin_sending(self) -> None:
        """Another attempt to send the file begins; what it finds there already was not sent by it."""
        self._base = -1

    def uploaded(self, progress: UploadProgress) -> None:
        """Some bytes went out."""
        if self._base < 0:
            self._base = self._reached = progress.sent if progress.parts else 0
        self.sent += max(0, progress.sent - self._reached)
        self._reached = progress.sent
        self._tell("uploading")

    def _tell(self, stage: Stage) -> None:
        self.listener(
            ItemProgress(
                source=self.item.source, stage=stage, status=self.status, sent=self._reached, total=self.item.size
            )
        )
