"""What an ingestion remembers: the protocol of a ledger, and what is written into it.

A ledger is what makes a run that was killed continue. An entry is written before each step that leaves something on
the platform, and the identifiers the platform gives are written at once after it, so whoever finds an entry knows
which steps may have happened. An entry never holds the API key or a presigned address.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Literal, Protocol

import attrs

from twelvelabs_async.ingest.outcome import Stage
from twelvelabs_async.models.uploads import CompletedChunk
from twelvelabs_async.uploads.state import UploadState

State = Literal["open", "ready", "failed"]
"""Whether an item is still to be worked on; `failed` is the platform's verdict, which a repetition would not change."""

Kinship = Literal["new", "known", "twin"]
"""What a claim found: nothing, this very file, or another file with the same content."""


@attrs.frozen(kw_only=True)
class Entry:
    """One item as a ledger keeps it."""

    token: str
    """Names the entry, and marks its asset on the platform."""
    index_id: str
    """The index it goes into."""
    uri: str
    """Absolute path, or the address without what is secret in it."""
    size: int
    """Bytes of the file; 0 for an address."""
    mtime_ns: int
    """When the file was last changed, in nanoseconds since the epoch; 0 for an address."""
    twin: str = ""
    """What another file must have in common with it to be the same; empty if none may."""
    stage: Stage = "queued"
    """How far it is. Whatever this stage leaves on the platform may be there already."""
    state: State = "open"
    """Whether it has ended."""
    asset_id: str | None = None
    """The asset, once the platform named it."""
    indexed_asset_id: str | None = None
    """The asset in the index, once the platform named it."""
    error: str = ""
    """The last thing that went wrong, in one line."""
    attempts: int = 0
    """How often its upload was begun."""
    run: str = ""
    """The run that wrote this."""
    created_at: float = 0.0
    """When it was first met, in seconds since the epoch, by this machine's clock."""
    updated_at: float = 0.0
    """When this was written, likewise."""


@attrs.frozen(kw_only=True)
class Claim:
    """What a ledger knows of a file that somebody wants to ingest."""

    entry: Entry
    """The entry to go on from: the one that was offered, if it is `new`."""
    kinship: Kinship
    """Whose entry it is."""
    older: Entry | None = None
    """For a `new` one, the last entry of this path with another size or time: the file has changed since."""


@attrs.frozen(kw_only=True)
class SavedUpload:
    """An upload in parts that had begun."""

    state: UploadState
    """The platform's session."""
    parts: Sequence[CompletedChunk]
    """What storage has confirmed, with its ETags."""


class Ledger(Protocol):
    """Keeps entries. Whatever a method has written is safe from a crash when it returns."""

    async def open(self) -> str:
        """Take possession of it, and return its name: a random text that stays the same for its whole life.

        Raises:
            LedgerInUseError: Another process works with it.
            LedgerError: It is damaged, of a newer version, or no ledger at all.
        """
        ...

    async def close(self) -> None:
        """Let go of it."""
        ...

    async def find(self, index_id: str, uri: str, size: int, mtime_ns: int) -> Entry | None:
        """The entry of this very file in this index; None if there is none."""
        ...

    async def claim(self, entry: Entry) -> Claim:
        """Write `entry` down unless its file is known, in one step: by index, path, size and time, or by `twin`."""
        ...

    async def save(self, entry: Entry) -> None:
        """Put `entry` in the place of the one with its token. Past `uploading` its upload is forgotten."""
        ...

    async def save_upload(self, token: str, state: UploadState) -> None:
        """Note that an upload in parts has begun; an earlier one of the same entry is forgotten."""
        ...

    async def save_part(self, token: str, part: CompletedChunk) -> None:
        """Note that storage has confirmed a part."""
        ...

    async def upload(self, token: str) -> SavedUpload | None:
        """The upload in parts that had begun; None if there is none."""
        ...

    def entries(self) -> AsyncIterator[Entry]:
        """All entries, oldest first, a few at a time."""
        ...
