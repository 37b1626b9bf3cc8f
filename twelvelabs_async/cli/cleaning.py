"""Assets that an ingestion has uploaded and not brought into an index: finds them, and deletes them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import attrs

from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.errors import BadRequestError, ConflictError, NotFoundError
from twelvelabs_async.ingest import Entry, Ledger
from twelvelabs_async.ingest.lookup import TOKEN


@attrs.frozen
class Orphan:
    """An asset that is in no index."""

    asset_id: str
    filename: str
    size: int
    """Bytes; 0 if the platform does not tell."""
    entry: Entry
    """The entry of the ledger it was made for."""

    @property
    def why(self) -> str:
        """What has become of its item."""
        if self.entry.asset_id != self.asset_id or self.entry.state == "ready":
            return "another asset took its place"
        if self.entry.state == "failed":
            return f"failed: {self.entry.error}"
        return "not finished; the next run would go on with it"


async def orphans(client: AsyncTwelveLabs, ledger: Ledger, index_id: str) -> AsyncIterator[Orphan]:
    """Assets that bear the mark of an entry of this ledger and are in no index.

    Reads the list of all assets, and of each that is in question the indexes it is in.
    """
    entries = {entry.token: entry async for entry in ledger.entries() if entry.index_id == index_id}
    async for asset in client.assets.list():
        entry = entries.get(str((asset.user_metadata or {}).get(TOKEN)))
        if entry is None or (entry.state == "ready" and entry.asset_id == asset.id):
            continue
        if not await client.indexes.indexed_assets.list_by_asset(asset.id).collect(1):
            yield Orphan(asset.id, asset.filename or "?", asset.size or 0, entry)


async def delete(client: AsyncTwelveLabs, ledger: Ledger, found: Sequence[Orphan]) -> AsyncIterator[tuple[Orphan, str]]:
    """Delete them, and say of each why it could not be; what was not finished begins anew in the next run."""
    for orphan in found:
        try:
            await client.assets.delete(orphan.asset_id)
        except ConflictError as error:
            yield orphan, str(error)
            continue
        except (NotFoundError, BadRequestError):
            pass  # somebody else was faster
        if orphan.entry.asset_id == orphan.asset_id:
            await ledger.save(attrs.evolve(orphan.entry, stage="queued", asset_id=None, indexed_asset_id=None))
        yield orphan, ""
