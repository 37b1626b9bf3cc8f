"""A ledger that lives as long as its process: what an ingestion remembers when it is given none."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from typing import Final

import attrs

from twelvelabs_async.errors import LedgerError, LedgerInUseError
from twelvelabs_async.ingest.ledger import Claim, Entry, SavedUpload
from twelvelabs_async.models.uploads import CompletedChunk
from twelvelabs_async.uploads.state import UploadState

Path = tuple[str, str]
"""Index and path."""

BEFORE_ASSET: Final = frozenset({"queued", "uploading"})
"""Stages in which an upload may still have to be continued."""


class MemoryLedger:
    """Entries in dictionaries; safe from nothing but a second look."""

    def __init__(self) -> None:
        self._name = secrets.token_hex(8)
        self._open = False
        self._entries: dict[str, Entry] = {}
        self._paths: dict[Path, tuple[str, ...]] = {}
        self._twins: dict[tuple[str, str], str] = {}
        self._uploads: dict[str, SavedUpload] = {}

    async def open(self) -> str:
        """Take possession of it."""
        if self._open:
            raise LedgerInUseError("another ingestion works with this ledger")
        self._open = True
        return self._name

    async def close(self) -> None:
        """Let go of it."""
        self._open = False

    async def find(self, index_id: str, uri: str, size: int, mtime_ns: int) -> Entry | None:
        """The entry of this very file in this index."""
        self._check()
        for token in self._paths.get((index_id, uri), ()):
            entry = self._entries[token]
            if (entry.size, entry.mtime_ns) == (size, mtime_ns):
                return entry
        return None

    async def claim(self, entry: Entry) -> Claim:
        """Write `entry` down unless its file is known."""
        known = await self.find(entry.index_id, entry.uri, entry.size, entry.mtime_ns)
        if known is not None:
            return Claim(entry=known, kinship="known")
        path = (entry.index_id, entry.uri)
        older = self._paths.get(path, ())
        twin = self._twins.get((entry.index_id, entry.twin))
        if twin is not None:
            return Claim(entry=self._entries[twin], kinship="twin")
        self._entries[entry.token] = entry
        self._paths[path] = (*older, entry.token)
        if entry.twin:
            self._twins[entry.index_id, entry.twin] = entry.token
        return Claim(entry=entry, kinship="new", older=self._entries[older[-1]] if older else None)

    async def save(self, entry: Entry) -> None:
        """Put `entry` in the place of the one with its token."""
        self._check()
        self._entries[entry.token] = entry
        if entry.stage not in BEFORE_ASSET:
            self._uploads.pop(entry.token, None)

    async def save_upload(self, token: str, state: UploadState) -> None:
        """Note that an upload in parts has begun."""
        self._check()
        self._uploads[token] = SavedUpload(state=state, parts=())

    async def save_part(self, token: str, part: CompletedChunk) -> None:
        """Note that storage has confirmed a part."""
        self._check()
        saved = self._uploads[token]
        others = (other for other in saved.parts if other.chunk_index != part.chunk_index)
        self._uploads[token] = attrs.evolve(saved, parts=(*others, part))

    async def upload(self, token: str) -> SavedUpload | None:
        """The upload in parts that had begun."""
        self._check()
        return self._uploads.get(token)

    async def entries(self) -> AsyncIterator[Entry]:
        """All entries, oldest first."""
        self._check()
        for entry in tuple(self._entries.values()):
            yield entry

    def _check(self) -> None:
        if not self._open:
            raise LedgerError("the ledger is not open")
