"""The two steps that leave something on the platform, and where it can be seen what has come of them.

Each writes down what it is about to do, does it, and writes down what the platform called the result. Where it is in
doubt whether it was done before, it begins with a look at what is there. Neither waits for what the platform then does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

from twelvelabs_async.api import Road
from twelvelabs_async.herd import Outlook
from twelvelabs_async.ingest.ledger import SavedUpload
from twelvelabs_async.ingest.lookup import TOKEN, Lookup
from twelvelabs_async.ingest.sending import Sender
from twelvelabs_async.ingest.work import Work
from twelvelabs_async.models.common import UserMetadata
from twelvelabs_async.resources.assets import LIFE as ASSET_LIFE
from twelvelabs_async.resources.assets import Assets
from twelvelabs_async.resources.indexed_assets import LIFE as INDEXED_LIFE
from twelvelabs_async.resources.indexed_assets import IndexedAssets


class Steps:
    """Shared by all items of a run.

    Args:
        road: To the platform.
        direct_up_to: Bytes up to which a file is sent in one request.
        user_metadata: Keys for all of them.
    """

    def __init__(self, road: Road, *, direct_up_to: int, user_metadata: UserMetadata | None = None) -> None:
        self._metadata = dict(user_metadata or {})
        self._assets = Assets(road)
        self._indexed_assets = IndexedAssets(road)
        self._sender = Sender(road, self._assets, direct_up_to=direct_up_to)
        self._lookup = Lookup(self._assets, self._indexed_assets, road.clock)

    async def upload(self, work: Work) -> None:
        """Make an asset of the item, which the platform then looks into.

        Raises:
            InvalidInputError: It cannot be read, is empty or too large; nothing was sent.
            UploadError: It did not arrive whole, or is not the file that was listed.
            APIError: The platform refused it. `ambiguous` if it may have arrived all the same.
        """
        saved = await work.ledger.upload(work.entry.token) if work.entry.attempts else None
        asset_id = None
        if work.doubt is not None and saved is None:  # an upload in parts tells by itself how far it came
            asset_id = await self._lookup.asset(work)
        await work.save(stage="processing", asset_id=asset_id or await self._send(work, saved))
        work.doubt = None

    async def _send(self, work: Work, saved: SavedUpload | None) -> str:
        await work.save(stage="uploading", attempts=work.entry.attempts + 1)
        work.begin_sending()
        return await self._sender.send(work, {**self._keys(work), TOKEN: work.entry.token}, saved)

    async def put_into_index(self, work: Work) -> None:
        """Ask for the asset to be indexed, unless that was done before.

        Raises:
            APIError: The platform refused it. `ambiguous` if it may be there all the same.
        """
        found = await self._lookup.indexed_asset(work) if work.doubt is not None else None
        await work.save(indexed_asset_id=found or await self._create(work))
        work.doubt = None

    async def _create(self, work: Work) -> str:
        entry = work.entry
        created = await self._indexed_assets.create(
            entry.index_id, asset_id=entry.asset_id or "", user_metadata=self._keys(work) or None
        )
        return created.id

    def _keys(self, work: Work) -> dict[str, Any]:
        return {**self._metadata, **(work.item.user_metadata or {})}

    def processing(self) -> Outlook[Any]:
        """Where assets can be seen that the platform looks into."""
        return Outlook(life=ASSET_LIFE, pages=self._asset_pages, fetch=self._assets.retrieve)

    async def _asset_pages(self, asset_ids: Sequence[str]) -> AsyncIterator[Any]:
        for start in range(0, len(asset_ids), 50):
            yield await self._assets.list(asset_ids=asset_ids[start : start + 50])

    def indexing(self, index_id: str) -> Outlook[Any]:
        """Where assets can be seen that are being indexed."""
        return Outlook(
            life=INDEXED_LIFE,
            pages=lambda _: self._indexed_assets.list(index_id).pages(),
            fetch=partial(self._indexed_assets.retrieve, index_id),
        )
