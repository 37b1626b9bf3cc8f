"""What is in a knowledge store.

https://docs.twelvelabs.io/v1.3/api-reference/knowledge-stores/items
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Final

from twelvelabs_async.checks import checked_metadata
from twelvelabs_async.herd import Outcome, Outlook, all_done
from twelvelabs_async.models.common import Ids, UserMetadata
from twelvelabs_async.models.knowledge import KnowledgeStoreItem, StoreAssetType, StoreItemStatus, StoreSort
from twelvelabs_async.paginator import Paginator
from twelvelabs_async.request import checked_id, given
from twelvelabs_async.resources.base import Resource
from twelvelabs_async.resources.inputs import several
from twelvelabs_async.waiting import Callback, Lifecycle, until_done

LIFE: Final = Lifecycle(resource="knowledge store item")


class KnowledgeStoreItems(Resource):
    """Videos and pictures in a store."""

    async def create(
        self,
        knowledge_store_id: str,
        *,
        asset_id: str,
        asset_type: StoreAssetType | None = None,
        metadata: UserMetadata | None = None,
    ) -> KnowledgeStoreItem:
        """Put an asset into a store. Returns at once; `wait_for_done` tells when it can be found.

        Args:
            knowledge_store_id: The store.
            asset_id: The asset, which has to be `ready`.
            asset_type: What it is.
            metadata: Your own keys, up to 50; they cannot be changed afterwards.
        """
        body = given(
            asset_id=checked_id(asset_id, "asset_id"),
            asset_type=asset_type,
            metadata=checked_metadata(metadata, name="metadata"),
        )
        return await self._post(
            "/knowledge-stores/{knowledge_store_id}/items",
            KnowledgeStoreItem,
            retry="reconcile",
            json=body,
            knowledge_store_id=knowledge_store_id,
        )

    async def retrieve(self, knowledge_store_id: str, item_id: str) -> KnowledgeStoreItem:
        """One item, and how far it is."""
        return await self._get(
            "/knowledge-stores/{knowledge_store_id}/items/{item_id}",
            KnowledgeStoreItem,
            knowledge_store_id=knowledge_store_id,
            item_id=item_id,
        )

    async def delete(self, knowledge_store_id: str, item_id: str) -> None:
        """Take an item out of a store; the asset remains."""
        await self._delete(
            "/knowledge-stores/{knowledge_store_id}/items/{item_id}",
            knowledge_store_id=knowledge_store_id,
            item_id=item_id,
        )

    async def wait_for_done(
        self,
        knowledge_store_id: str,
        item_id: str,
        *,
        timeout: float | None = None,
        sleep_interval: float | None = None,
        callback: Callback[KnowledgeStoreItem] | None = None,
    ) -> KnowledgeStoreItem:
        """Wait until an item is ready.

        Args:
            knowledge_store_id: The store.
            item_id: The item.
            timeout: Seconds to wait; None is an hour.
            sleep_interval: Seconds between two looks; None looks less and less often.
            callback: Is shown the item after each look.

        Raises:
            ProcessingFailedError: The item failed.
            WaitTimeoutError: The time is over, processing goes on.
        """
        return await until_done(
            lambda: self.retrieve(knowledge_store_id, item_id),
            life=LIFE,
            id=item_id,
            clock=self._caller.clock,
            timeout=timeout,
            sleep_interval=sleep_interval,
            callback=callback,
        )

    def wait_for_all(
        self,
        knowledge_store_id: str,
        item_ids: Ids,
        *,
        timeout: float | None = None,
        sleep_interval: float | None = None,
    ) -> AsyncIterator[Outcome[KnowledgeStoreItem]]:
        """Wait for many items, by reading lists: 50 of them cost one request a round.

        Args:
            knowledge_store_id: The store.
            item_ids: The items.
            timeout: Seconds until those that are still on the way end with `WaitTimeoutError`; None is an hour.
            sleep_interval: Seconds between two rounds; None looks less and less often.

        Returns:
            An iterator of one `Outcome` for each, in the order in which they end.
        """
        outlook = Outlook(
            life=LIFE,
            pages=lambda _: self.list(knowledge_store_id).pages(),
            fetch=partial(self.retrieve, knowledge_store_id),
        )
        return all_done(item_ids, outlook, clock=self._caller.clock, timeout=timeout, sleep_interval=sleep_interval)

    def list(
        self,
        knowledge_store_id: str,
        *,
        page: int | None = None,
        page_limit: int | None = 50,
        sort_by: StoreSort | None = None,
        sort_option: str | None = None,
        status: Sequence[StoreItemStatus] | None = None,
    ) -> Paginator[KnowledgeStoreItem]:
        """What is in a store, newest first. Sends nothing until awaited or iterated.

        Args:
            knowledge_store_id: The store.
            page: Where to start, from 1.
            page_limit: Items a page, 1 to 50.
            sort_by: What goes first.
            sort_option: `asc` or `desc`.
            status: Any of these.
        """
        return self._list(
            "/knowledge-stores/{knowledge_store_id}/items",
            KnowledgeStoreItem,
            page=page,
            page_limit=page_limit,
            query=given(sort_by=sort_by, sort_option=sort_option, status=several("status", status)),
            knowledge_store_id=knowledge_store_id,
        )
