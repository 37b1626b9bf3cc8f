"""The `Ledger` protocol, the values that a ledger stores, and `MemoryLedger`.

A ledger lets a run that was killed continue. The ingestion saves the entry of an item before each request that creates
something on the platform, and saves the id that the platform returns right after it. An entry therefore shows which
requests may have been executed. An entry never contains the API key or the signature of a presigned URL.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from os import PathLike
from typing import Literal, Protocol

import attrs

from twelvelabs_async.errors import LedgerError, LedgerInUseError
from twelvelabs_async.ingest.results import Stage
from twelvelabs_async.models.assets import CompletedChunk
from twelvelabs_async.uploads import UploadState

EntryState = Literal["open", "ready", "failed"]
"""Whether an item has ended. `failed` means that the platform rejected it or that its file has changed, so that a retry
would fail again, or that it was cancelled."""

MatchKind = Literal["new", "same_file", "duplicate"]
"""What a claim found: no entry, an entry of this file, or an entry of another file with the same content."""


@attrs.frozen(kw_only=True)
class Entry:
    """One item in a ledger."""

    token: str
    """Id of the entry; also stored in the user metadata of the asset."""
    index_id: str
    """Index that the item goes into."""
    uri: str
    """Absolute path, or URL without user name, password and signature."""
    size: int
    """Bytes of the file; 0 for a URL."""
    mtime_ns: int
    """Modification time of the file, in nanoseconds since the epoch; for an object a hash of its ETag, for a URL 0."""
    dedupe_key: str = ""
    """Key that all files that may have the same content share; empty if no other file counts as the same."""
    stage: Stage = "queued"
    """The stage that the item has reached. What this stage creates on the platform may already exist."""
    state: EntryState = "open"
    """Whether the item has ended."""
    asset_id: str | None = None
    """Id of the asset, once the platform has returned it."""
    indexed_asset_id: str | None = None
    """Id of the asset in the index, once the platform has returned it."""
    error: str = ""
    """The last error as one line."""
    attempts: int = 0
    """Number of times the upload was started."""
    run_id: str = ""
    """Id of the run that saved the entry."""
    created_at: float = 0.0
    """When the entry was created, in seconds since the epoch.

    By the clock of the platform as its responses show it, or by that of the database for a submitted item.
    """
    updated_at: float = 0.0
    """When the entry was saved, in seconds since the epoch, by the clock of the machine or database that saved it."""

    @property
    def keeps_upload(self) -> bool:
        """Whether a ledger keeps the saved upload of this entry: while its stage is `queued` or `uploading`."""
        return self.stage in {"queued", "uploading"}


@attrs.frozen(kw_only=True)
class Claim:
    """The entry of a file, and whether the file is new, known, or a duplicate of another one."""

    entry: Entry
    """The entry to continue with; for a `new` file, the entry that was passed in."""
    match: MatchKind
    """Whether the file has an entry."""
    previous: Entry | None = None
    """For a `new` file, the latest entry of the same path with another size or modification time."""


@attrs.frozen(kw_only=True)
class SavedUpload:
    """A multipart upload that can be resumed."""

    state: UploadState
    """The upload session."""
    parts: Sequence[CompletedChunk]
    """Parts that storage has confirmed, with their ETags."""


class EntryStore(Protocol):
    """What an item in progress writes to a ledger. When a method returns, its changes survive a crash.

    Each method that writes raises `LedgerInUseError` if another process has taken over, and `InvalidInputError` if the
    ledger cannot store a value. Nothing is written then; after `InvalidInputError` the ledger can be used.

    Example:
        from twelvelabs_async.ingest import EntryStore, MemoryLedger

        def store_of(ledger: MemoryLedger) -> EntryStore:  # a type checker accepts each ledger
            return ledger
    """

    async def ensure_owned(self) -> None:
        """Return if no other process has taken over; called right before each request that creates something.

        Raises:
            LedgerInUseError: Another process has taken over.
        """
        ...

    async def save(self, entry: Entry) -> None:
        """Replace the entry that has the same token. After the stage `uploading`, delete its saved upload."""
        ...

    async def save_upload(self, token: str, state: UploadState) -> None:
        """Save the session of a multipart upload, replacing an earlier session of the same entry and its parts."""
        ...

    async def save_part(self, token: str, part: CompletedChunk) -> None:
        """Save a part that storage has confirmed."""
        ...

    async def load_upload(self, token: str) -> SavedUpload | None:
        """Return the saved multipart upload of an entry, or None."""
        ...


class Ledger(EntryStore, Protocol):
    """Stores entries. When a method returns, its changes survive a crash.

    Example:
        from twelvelabs_async.ingest import SqliteLedger

        ledger = SqliteLedger("listed.ledger")
        await client.ingest("holiday/", index_id=index.id, ledger=ledger).summary()
        await ledger.open()
        async for entry in ledger.entries():
            print(entry.stage, entry.uri)
        await ledger.close()
    """

    async def open(self) -> str:
        """Lock the ledger and return its name, a random string that never changes.

        Raises:
            LedgerInUseError: Another process uses the ledger.
            LedgerError: The ledger is damaged, has another version, or is no ledger.
        """
        ...

    async def close(self) -> None:
        """Unlock and close the ledger."""
        ...

    async def find(self, index_id: str, uri: str, size: int, mtime_ns: int) -> Entry | None:
        """Return the entry of this file in this index, or None."""
        ...

    async def claim(self, entry: Entry) -> Claim:
        """Add `entry` in one atomic step, unless its file has an entry.

        An entry is of the same file if it has the same index, path, size and modification time, and of a duplicate if
        it has the same index and `dedupe_key`.
        """
        ...

    def entries(self) -> AsyncIterator[Entry]:
        """Yield all entries, oldest first."""
        ...


LedgerLike = Ledger | str | PathLike[str]
"""A ledger, the path of a ledger file, or a database: its URL, or keywords such as `host=db dbname=videos`."""


class MemoryLedger:
    """A ledger in memory, used when no ledger is passed. It does not outlive the process.

    Example:
        from twelvelabs_async.ingest import MemoryLedger

        ledger = MemoryLedger()
        await client.ingest("holiday/", index_id=index.id, ledger=ledger).summary()
        again = await client.ingest("holiday/", index_id=index.id, ledger=ledger).summary()
        print(again.already_done)  # 2
    """

    def __init__(self) -> None:
        self._name = secrets.token_hex(8)
        self._open = False
        self._entries: dict[str, Entry] = {}
        self._tokens_by_path: dict[tuple[str, str], tuple[str, ...]] = {}
        self._tokens_by_dedupe_key: dict[tuple[str, str], str] = {}
        self._uploads: dict[str, SavedUpload] = {}

    async def open(self) -> str:
        """Lock the ledger and return its name.

        Raises:
            LedgerInUseError: Another ingestion uses the ledger.
        """
        if self._open:
            raise LedgerInUseError("another ingestion uses this ledger")
        self._open = True
        return self._name

    async def close(self) -> None:
        """Unlock the ledger; its entries stay."""
        self._open = False

    async def ensure_owned(self) -> None:
        """Return: no other process can use the ledger."""

    async def find(self, index_id: str, uri: str, size: int, mtime_ns: int) -> Entry | None:
        """Return the entry of this file in this index, or None."""
        self._ensure_open()
        for token in self._tokens_by_path.get((index_id, uri), ()):
            entry = self._entries[token]
            if (entry.size, entry.mtime_ns) == (size, mtime_ns):
                return entry
        return None

    async def claim(self, entry: Entry) -> Claim:
        """Add `entry`, unless its file has an entry."""
        existing = await self.find(entry.index_id, entry.uri, entry.size, entry.mtime_ns)
        if existing is not None:
            return Claim(entry=existing, match="same_file")
        duplicate = self._tokens_by_dedupe_key.get((entry.index_id, entry.dedupe_key))
        if duplicate is not None:
            return Claim(entry=self._entries[duplicate], match="duplicate")
        path = (entry.index_id, entry.uri)
        earlier = self._tokens_by_path.get(path, ())
        self._entries[entry.token] = entry
        self._tokens_by_path[path] = (*earlier, entry.token)
        if entry.dedupe_key:
            self._tokens_by_dedupe_key[entry.index_id, entry.dedupe_key] = entry.token
        return Claim(entry=entry, match="new", previous=self._entries[earlier[-1]] if earlier else None)

    async def save(self, entry: Entry) -> None:
        """Replace the entry that has the same token."""
        self._ensure_open()
        self._entries[entry.token] = entry
        if not entry.keeps_upload:
            self._uploads.pop(entry.token, None)

    async def save_upload(self, token: str, state: UploadState) -> None:
        """Save the session of a multipart upload."""
        self._ensure_open()
        self._uploads[token] = SavedUpload(state=state, parts=())

    async def save_part(self, token: str, part: CompletedChunk) -> None:
        """Save a part that storage has confirmed."""
        self._ensure_open()
        saved = self._uploads[token]
        others = (other for other in saved.parts if other.chunk_index != part.chunk_index)
        self._uploads[token] = attrs.evolve(saved, parts=(*others, part))

    async def load_upload(self, token: str) -> SavedUpload | None:
        """Return the saved multipart upload of an entry, or None."""
        self._ensure_open()
        return self._uploads.get(token)

    async def entries(self) -> AsyncIterator[Entry]:
        """Yield all entries, oldest first."""
        self._ensure_open()
        for entry in tuple(self._entries.values()):
            yield entry

    def _ensure_open(self) -> None:
        if not self._open:
            raise LedgerError("the ledger is not open")
