"""Where an upload stands, as values: one to save and resume from, one to show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import attrs

from twelvelabs_async.models.uploads import CompletedChunk
from twelvelabs_async.uploads.plan import Chunk, chunks


@attrs.frozen(kw_only=True)
class UploadState:
    """An upload in parts that has begun. It holds no secret and can be saved as JSON with `to_dict`."""

    upload_id: str
    """The platform's session; it lives 24 hours."""
    asset_id: str
    """What the asset will be; usable once the upload is complete."""
    filename: str
    """Name the platform knows the file by."""
    total_size: int
    """Bytes of the file."""
    chunk_size: int
    """Bytes of a part; the platform chose it."""
    fingerprint: str
    """Size, modification time and identity of the file; another one means another file."""
    upload_headers: dict[str, str] = attrs.field(factory=dict[str, str], repr=False)
    """Headers the platform wants with each part."""

    def chunks(self) -> list[Chunk]:
        """All parts, in order."""
        return list(chunks(self.total_size, self.chunk_size))


class UploadJournal(Protocol):
    """Keeps what an upload in parts would need after a crash. Each call returns when it is kept."""

    async def opened(self, state: UploadState) -> None:
        """The platform has opened a session; nothing has been sent."""
        ...

    async def confirmed(self, part: CompletedChunk) -> None:
        """Storage has taken a part, which the platform need not know yet."""
        ...


@attrs.frozen(kw_only=True)
class UploadProgress:
    """How far an upload is."""

    filename: str
    """Name the platform knows the file by."""
    sent: int
    """Bytes handed to the network; falls back when a part has to be sent again."""
    total: int
    """Bytes of the file."""
    parts_done: int = 0
    """Parts that storage has confirmed; 0 for a file sent in one request."""
    parts: int = 0
    """Parts in all; 0 for a file sent in one request."""
    state: UploadState | None = None
    """What to save in order to resume; None for a file sent in one request."""


OnProgress = Callable[[UploadProgress], None]
"""Is called in the event loop with each block sent; must not block."""


@attrs.define
class Meter:
    """Adds up what is sent and tells whoever wants to know."""

    filename: str
    total: int
    listener: OnProgress | None = None
    parts: int = 0
    parts_done: int = 0
    state: UploadState | None = None
    _sent: int = 0

    def add(self, amount: int) -> None:
        """Bytes were sent, or turned out to have been sent in vain (below 0)."""
        self._sent += amount
        self.tell()

    def part_done(self, unsent: int = 0) -> None:
        """A part is confirmed, of which `unsent` bytes had been there before."""
        self.parts_done += 1
        self._sent += unsent
        self.tell()

    def tell(self) -> None:
        """Show how far it is."""
        if self.listener is not None:
            self.listener(
                UploadProgress(
                    filename=self.filename,
                    sent=self._sent,
                    total=self.total,
                    parts_done=self.parts_done,
                    parts=self.parts,
                    state=self.state,
                )
            )
