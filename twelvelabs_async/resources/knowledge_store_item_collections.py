"""Collections of items within a knowledge store.

https://docs.twelvelabs.io/v1.3/api-reference/knowledge-stores/item-collections
"""

from __future__ import annotations

from twelvelabs_async.checks import checked_metadata
from twelvelabs_async.models.common import Ids, UserMetadata
from twelvelabs_async.models.knowledge import KnowledgeStoreItem, StoreCollectionSort, StoreItemCollection
from twelvelabs_async.paginator import Paginator
from twelvelabs_async.request import given
from twelvelabs_async.resources.base import Resource
from twelvelabs_async.resources.inputs import several


class KnowledgeStoreItemCollections(Resource):
    """Items of a store that belong together."""

    async def create(
        self,
        knowledge_store_id: str,
        *,
        name: str,
        description: str | None = None,
        metadata: UserMetadata | None = None,
    ) -> StoreItemCollection:
        """Make a collection.

        Args:
            knowledge_store_id: The store.
            name: Unique in the store.
            description: What it is about.
            metadata: Your own keys, up to 10.
        """
        body = given(name=name, description=description, metadata=checked_metadata(metadata, name="metadata"))
        return await self._post(
            "/knowledge-stores/{knowledge_store_id}/item-collections",
            StoreItemCollection,
            retry="reconcile",
            json=body,
            knowledge_store_id=knowledge_store_id,
        )

    async def retrieve(self, knowledge_store_id: str, collection_id: str) -> StoreItemCollection:
        """One collection, and how many items it has."""
        return await self._get(
            "/knowledge-stores/{knowledge_store_id}/item-collections/{collection_id}",
            StoreItemCollection,
            knowledge_store_id=knowledge_store_id,
            collection_id=collection_id,
        )

    async def update(
        self,
        knowledge_store_id: str,
        collection_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        metadata: UserMetadata | None = None,
    ) -> StoreItemCollection:
        """Change a collection; what is None stays as it is, and `metadata` replaces all keys there are.

        Args:
            knowledge_store_id: The store.
            collection_id: The collection.
            name: Unique in the store.
            description: What it is about.
            metadata: Your own keys, up to 10.
        """
        body = given(name=name, description=description, metadata=checked_metadata(metadata, name="metadata"))
        return await self._patch(
            "/knowledge-stores/{knowledge_store_id}/item-collections/{collection_id}",
            StoreItemCollection,
            json=body,
            knowledge_store_id=knowledge_store_id,
            collection_id=collection_id,
        )

    async def delete(self, knowledge_store_id: str, collection_id: str) -> None:
        """Delete a collection; its items remain in the store."""
        await self._delete(
            "/knowledge-stores/{knowledge_store_id}/item-collections/{collection_id}",
            knowledge_store_id=knowledge_store_id,
            collection_id=collection_id,
        )

    async def add_items(self, knowledge_store_id: str, collection_id: str, *, item_ids: Ids) -> StoreItemCollection:
        """Put items of the store into a collection; those that are in it already stay."""
        return await self._post(
            "/knowledge-stores/{knowledge_store_id}/item-collections/{collection_id}/items/add",
            StoreItemCollection,
            retry="idempotent",
            json={"item_ids": several("item_ids", item_ids)},
            knowledge_store_id=knowledge_store_id,
            collection_id=collection_id,
        )

    async def remove_items(self, knowledge_store_id: str, collection_id: str, *, item_ids: Ids) -> None:
        """Take items out of a collection; they remain in the store."""
        await self._post(
            "/knowledge-stores/{knowledge_store_id}/item-collections/{collection_id}/items/remove",
            type(None),
            retry="idempotent",
            json={"item_ids": several("item_ids", item_ids)},
            knowledge_store_id=knowledge_store_id,
            collection_id=collection_id,
        )

    def list_items(
        self,
        knowledge_store_id: str,
        collection_id: str,
        *,
        page: int | None = None,
        page_limit: int | None = 50,
    ) -> Paginator[KnowledgeStoreItem]:
        """What is in a collection. Sends nothing until awaited or iterated.

        Args:
            knowledge_store_id: The store.
            collection_id: The collection.
            page: Where to start, from 1.
            page_limit: Items a page, 1 to 50.
        """
        return self._list(
            "/knowledge-stores/{knowledge_store_id}/item-collections/{collection_id}/items",
            KnowledgeStoreItem,
            page=page,
            page_limit=page_limit,
            knowledge_store_id=knowledge_store_id,
            collection_id=collection_id,
        )

    def list(
        self,
        knowledge_store_id: str,
        *,
        page: int | None = None,
        page_limit: int | None = 50,
        sort_by: StoreCollectionSort | None = None,
        sort_option: str | None = None,
    ) -> Paginator[StoreItemCollection]:
        """Collections of a store, newest first. Sends nothing until awaited or iterated.

        Args:
            knowledge_store_id: The store.
            page: Where to start, from 1.
            page_limit: Items a page, 1 to 50.
            sort_by: What goes first.
            sort_option: `asc` or `desc`.
        """
        return self._list(
            "/knowledge-stores/{knowledge_store_id}/item-collections",
            StoreItemCollection,
            page=page,
            page_limit=page_limit,
            query=given(sort_by=sort_by, sort_option=sort_option),
            knowledge_store_id=knowledge_store_id,
        )
