"""Knowledge stores: collections of videos and images that are enriched, searched and used to answer questions.

https://docs.twelvelabs.io/v1.3/api-reference/knowledge-stores

https://docs.twelvelabs.io/v1.3/api-reference/knowledge-stores/items

https://docs.twelvelabs.io/v1.3/api-reference/knowledge-stores/item-collections
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any, Final

from twelvelabs_async._arguments import checked_id, checked_int, omit_none
from twelvelabs_async._codec.converter import to_wire
from twelvelabs_async._core.validation import checked_items, checked_metadata, checked_text, one_or_more
from twelvelabs_async._page_readers import body_token_reader, search_expired_error
from twelvelabs_async._polling import KNOWLEDGE_STORE_ITEM_LIFECYCLE
from twelvelabs_async.models.common import Ids, ObjectLike, UserMetadata
from twelvelabs_async.models.knowledge import (
    IngestionConfig,
    KnowledgeStore,
    KnowledgeStoreItem,
    StoreAssetType,
    StoreCollectionSort,
    StoreGroupBy,
    StoreItemCollection,
    StoreItemStatus,
    StoreQuery,
    StoreSearchFilter,
    StoreSearchHit,
    StoreSearchOptions,
    StoreSort,
)
from twelvelabs_async.pagination import Paginator
from twelvelabs_async.requests import Request
from twelvelabs_async.resources._base import Resource
from twelvelabs_async.waiting import PollCallback, WaitResult

_STORE: Final = "/knowledge-stores/{knowledge_store_id}"
_ITEMS: Final = _STORE + "/items"
_ITEM: Final = _ITEMS + "/{item_id}"
_COLLECTIONS: Final = _STORE + "/item-collections"
_COLLECTION: Final = _COLLECTIONS + "/{collection_id}"
_COLLECTION_ITEMS: Final = _COLLECTION + "/items"


class KnowledgeStores(Resource):
    """Collections of videos and images that are searched together and used to answer questions."""

    async def create(
        self,
        *,
        name: str,
        ingestion_config: IngestionConfig | ObjectLike | None = None,
        description: str | None = None,
        metadata: UserMetadata | None = None,
    ) -> KnowledgeStore:
        """Create a store.

        Args:
            name: Name.
            ingestion_config: What to extract from each item; cannot be changed later.
            description: Description.
            metadata: Your own metadata, up to 10 keys.

        Raises:
            UnprocessableEntityError: The JSON schema is not supported by the platform.

        API: `POST /knowledge-stores`

        Example:
            store = await client.knowledge_stores.create(name="Holidays", description="Videos since 2020")
            print(store.id)
        """
        body = omit_none(
            name=name,
            ingestion_config=ingestion_config,
            description=description,
            metadata=checked_metadata(metadata, name="metadata"),
        )
        return await self._send("POST", "/knowledge-stores", KnowledgeStore, body, retry_class="verify_first")

    async def retrieve(self, knowledge_store_id: str) -> KnowledgeStore:
        """Return a store.

        Raises:
            NotFoundError: The store does not exist; documented as 400, `BadRequestError`.

        API: `GET /knowledge-stores/{knowledge_store_id}`

        Example:
            store = await client.knowledge_stores.retrieve(store.id)
            print(store.name, store.item_count)
        """
        return await self._get(_STORE, KnowledgeStore, knowledge_store_id=knowledge_store_id)

    async def update(
        self,
        knowledge_store_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        metadata: UserMetadata | None = None,
    ) -> KnowledgeStore:
        """Update a store. None leaves a value unchanged; `metadata` replaces all existing keys.

        Args:
            knowledge_store_id: Id of the store.
            name: Name.
            description: Description.
            metadata: Your own metadata, up to 10 keys.

        Raises:
            NotFoundError: The store does not exist; documented as 400, `BadRequestError`.

        API: `PATCH /knowledge-stores/{knowledge_store_id}`

        Example:
            await client.knowledge_stores.update(store.id, description="Videos since 2019")
        """
        body = omit_none(name=name, description=description, metadata=checked_metadata(metadata, name="metadata"))
        return await self._send("PATCH", _STORE, KnowledgeStore, body, knowledge_store_id=knowledge_store_id)

    async def delete(self, knowledge_store_id: str) -> None:
        """Delete a store and its items; the assets remain.

        Raises:
            NotFoundError: The store does not exist; documented as 400, `BadRequestError`.

        API: `DELETE /knowledge-stores/{knowledge_store_id}`

        Example:
            await client.knowledge_stores.delete(store.id)
        """
        await self._send("DELETE", _STORE, type(None), knowledge_store_id=knowledge_store_id)

    def search(
        self,
        knowledge_store_id: str,
        *,
        query: StoreQuery | ObjectLike | str,
        filter: StoreSearchFilter | ObjectLike | None = None,
        search_options: StoreSearchOptions | ObjectLike | None = None,
        group_by: StoreGroupBy | None = None,
        page_size: int | None = 50,
        page_token: str | None = None,
        include_metadata: bool | None = None,
    ) -> Paginator[StoreSearchHit]:
        """Search a store; best match first. Sends nothing until awaited or iterated.

        Each iteration sends a new search, which is billed.

        Args:
            knowledge_store_id: Id of the store.
            query: The query text.
            filter: Conditions on the items, such as `{"asset_type": {"eq": "video"}}`.
            search_options: Search options, such as `{"video": {"modalities": ["visual"]}}`.
            group_by: `none` returns single hits, `item` one hit per item.
            page_size: Hits per page, 1 to 50.
            page_token: Token of the first page, from `next_page_token` of another page.
            include_metadata: Whether to include the metadata of each item.

        Raises:
            InvalidInputError: The query is empty.
            SearchExpiredError: The page tokens have expired; search again.
            NotFoundError: Raised while iterating: the store does not exist.

        API: `POST /knowledge-stores/{knowledge_store_id}/search`

        Example:
            async for hit in client.knowledge_stores.search(store.id, query="a boat", group_by="item"):
                print(hit.rank, hit.item_id, [(match.start_sec, match.end_sec) for match in hit.matches])
        """
        store_query: Any = {"text": query} if isinstance(query, str) else query
        if isinstance(query, str):
            checked_text("query", query)
        if page_size is not None:
            checked_int("page_size", page_size, 1, 50)
        body = omit_none(
            query=store_query,
            filter=filter,
            search_options=search_options,
            group_by=group_by,
            page_size=page_size,
            page_token=page_token,
            include_metadata=include_metadata,
        )
        request = Request[dict[str, Any]](
            method="POST",
            path_template=_STORE + "/search",
            response_type=dict,
            retry_class="billable",
            path_params={"knowledge_store_id": knowledge_store_id},
            json=to_wire(body),  # an invalid argument raises here, in the call it was passed to
        )
        request.path()
        return Paginator(self._executor, request, body_token_reader(StoreSearchHit), map_error=search_expired_error)

    def list(
        self,
        *,
        page: int | None = None,
        page_limit: int | None = 50,
        sort_by: StoreSort | None = None,
        sort_option: str | None = None,
    ) -> Paginator[KnowledgeStore]:
        """List stores, newest first. Sends nothing until awaited or iterated.

        Args:
            page: First page, from 1.
            page_limit: Items per page, 1 to 50.
            sort_by: Sort key.
            sort_option: `asc` or `desc`.

        Raises:
            BadRequestError: Raised while iterating: a parameter is invalid.

        API: `GET /knowledge-stores`

        Example:
            async for store in client.knowledge_stores.list():
                print(store.id, store.name, store.item_count)
        """
        query = omit_none(sort_by=sort_by, sort_option=sort_option)
        return self._list("/knowledge-stores", KnowledgeStore, page, page_limit, query)


class KnowledgeStoreItems(Resource):
    """Videos and images in a store."""

    async def create(
        self,
        knowledge_store_id: str,
        *,
        asset_id: str,
        asset_type: StoreAssetType | None = None,
        metadata: UserMetadata | None = None,
    ) -> KnowledgeStoreItem:
        """Add an asset to a store and return immediately; use `wait_for_done` to wait until it can be searched.

        Args:
            knowledge_store_id: Id of the store.
            asset_id: Id of the asset, which must be `ready`.
            asset_type: Kind of item.
            metadata: Your own metadata, up to 50 keys; cannot be changed later.

        Raises:
            NotFoundError: The store or the asset does not exist; documented as 400, `BadRequestError`.

        API: `POST /knowledge-stores/{knowledge_store_id}/items`

        Example:
            created = await client.knowledge_store_items.create(store.id, asset_id=asset.id, metadata={"year": 2026})
            item = await client.knowledge_store_items.wait_for_done(store.id, created.id)
        """
        body = omit_none(
            asset_id=checked_id("asset_id", asset_id),
            asset_type=asset_type,
            metadata=checked_metadata(metadata, name="metadata"),
        )
        return await self._send(
            "POST", _ITEMS, KnowledgeStoreItem, body, retry_class="verify_first", knowledge_store_id=knowledge_store_id
        )

    async def retrieve(self, knowledge_store_id: str, item_id: str) -> KnowledgeStoreItem:
        """Return an item, with its status.

        Raises:
            NotFoundError: The item does not exist; documented as 400, `BadRequestError`.

        API: `GET /knowledge-stores/{knowledge_store_id}/items/{item_id}`

        Example:
            item = await client.knowledge_store_items.retrieve(store.id, item.id)
            print(item.status, item.metadata)
        """
        return await self._get(_ITEM, KnowledgeStoreItem, knowledge_store_id=knowledge_store_id, item_id=item_id)

    async def delete(self, knowledge_store_id: str, item_id: str) -> None:
        """Remove an item from a store; the asset remains.

        Raises:
            NotFoundError: The item does not exist; documented as 400, `BadRequestError`.

        API: `DELETE /knowledge-stores/{knowledge_store_id}/items/{item_id}`

        Example:
            await client.knowledge_store_items.delete(store.id, item.id)
        """
        await self._send("DELETE", _ITEM, type(None), knowledge_store_id=knowledge_store_id, item_id=item_id)

    async def wait_for_done(
        self,
        knowledge_store_id: str,
        item_id: str,
        *,
        timeout: float | None = None,
        sleep_interval: float | None = None,
        callback: PollCallback[KnowledgeStoreItem] | None = None,
    ) -> KnowledgeStoreItem:
        """Wait until an item is ready.

        Args:
            knowledge_store_id: Id of the store.
            item_id: Id of the item.
            timeout: Seconds to wait; None is one hour.
            sleep_interval: Seconds between two polls; None starts at one second and slows down to fifteen.
            callback: Called with the item after each poll.

        Raises:
            ProcessingFailedError: The item failed.
            WaitTimeoutError: It was not ready in time; processing continues on the server.

        Example:
            item = await client.knowledge_store_items.wait_for_done(store.id, item.id, timeout=600)
            print(item.status)  # ready
        """
        fetch = partial(self.retrieve, knowledge_store_id)
        return await self._poll(fetch, KNOWLEDGE_STORE_ITEM_LIFECYCLE, item_id, timeout, sleep_interval, callback)

    def wait_for_all(
        self,
        knowledge_store_id: str,
        item_ids: Ids,
        *,
        timeout: float | None = None,
        sleep_interval: float | None = None,
    ) -> AsyncIterator[WaitResult[KnowledgeStoreItem]]:
        """Wait for many items. Polls the list endpoint: one request per 50 items and round.

        Args:
            knowledge_store_id: Id of the store.
            item_ids: Ids of the items.
            timeout: Seconds until pending ones end with `WaitTimeoutError`; None is one hour.
            sleep_interval: Seconds between two rounds; None starts at one second and slows down to fifteen.

        Returns:
            An iterator of one `WaitResult` per id, in the order in which they finish.

        Raises:
            InvalidInputError: An id is invalid.

        Example:
            async for outcome in client.knowledge_store_items.wait_for_all(store.id, [item.id]):
                print(outcome.id, outcome.error or "ready")
        """
        fetch, list_all = partial(self.retrieve, knowledge_store_id), partial(self.list, knowledge_store_id)
        return self._poll_all(fetch, KNOWLEDGE_STORE_ITEM_LIFECYCLE, item_ids, list_all, timeout, sleep_interval)

    def list(
        self,
        knowledge_store_id: str,
        *,
        page: int | None = None,
        page_limit: int | None = 50,
        sort_by: StoreSort | None = None,
        sort_option: str | None = None,
        status: StoreItemStatus | Sequence[StoreItemStatus] | None = None,
    ) -> Paginator[KnowledgeStoreItem]:
        """List the items of a store, newest first. Sends nothing until awaited or iterated.

        Args:
            knowledge_store_id: Id of the store.
            page: First page, from 1.
            page_limit: Items per page, 1 to 50.
            sort_by: Sort key.
            sort_option: `asc` or `desc`.
            status: Filter by status; any of these.

        Raises:
            NotFoundError: Raised while iterating: the store does not exist; documented as 400, `BadRequestError`.

        API: `GET /knowledge-stores/{knowledge_store_id}/items`

        Example:
            async for item in client.knowledge_store_items.list(store.id, status=["ready", "failed"]):
                print(item.id, item.status)
        """
        query = omit_none(sort_by=sort_by, sort_option=sort_option, status=one_or_more("status", status))
        return self._list(_ITEMS, KnowledgeStoreItem, page, page_limit, query, knowledge_store_id=knowledge_store_id)


class KnowledgeStoreItemCollections(Resource):
    """Collections of items within a store."""

    async def create(
        self,
        knowledge_store_id: str,
        *,
        name: str,
        description: str | None = None,
        metadata: UserMetadata | None = None,
    ) -> StoreItemCollection:
        """Create a collection.

        Args:
            knowledge_store_id: Id of the store.
            name: Name, unique in the store.
            description: Description.
            metadata: Your own metadata, up to 10 keys.

        Raises:
            NotFoundError: The store does not exist; documented as 400, `BadRequestError`.

        API: `POST /knowledge-stores/{knowledge_store_id}/item-collections`

        Example:
            best = await client.knowledge_store_item_collections.create(store.id, name="Best of")
            await client.knowledge_store_item_collections.add_items(store.id, best.id, item_ids=[item.id])
        """
        body = omit_none(name=name, description=description, metadata=checked_metadata(metadata, name="metadata"))
        return await self._send(
            "POST",
            _COLLECTIONS,
            StoreItemCollection,
            body,
            retry_class="verify_first",
            knowledge_store_id=knowledge_store_id,
        )

    async def retrieve(self, knowledge_store_id: str, collection_id: str) -> StoreItemCollection:
        """Return a collection, with its number of items.

        Raises:
            NotFoundError: The collection does not exist; documented as 400, `BadRequestError`.

        API: `GET /knowledge-stores/{knowledge_store_id}/item-collections/{collection_id}`

        Example:
            found = await client.knowledge_store_item_collections.retrieve(store.id, item_collection.id)
            print(found.name, found.member_count)
        """
        return await self._get(
            _COLLECTION, StoreItemCollection, knowledge_store_id=knowledge_store_id, collection_id=collection_id
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
        """Update a collection. None leaves a value unchanged; `metadata` replaces all existing keys.

        Args:
            knowledge_store_id: Id of the store.
            collection_id: Id of the collection.
            name: Name, unique in the store.
            description: Description.
            metadata: Your own metadata, up to 10 keys.

        Raises:
            NotFoundError: The collection does not exist; documented as 400, `BadRequestError`.

        API: `PATCH /knowledge-stores/{knowledge_store_id}/item-collections/{collection_id}`

        Example:
            await client.knowledge_store_item_collections.update(store.id, item_collection.id, name="Best of 2026")
        """
        body = omit_none(name=name, description=description, metadata=checked_metadata(metadata, name="metadata"))
        return await self._send(
            "PATCH",
            _COLLECTION,
            StoreItemCollection,
            body,
            knowledge_store_id=knowledge_store_id,
            collection_id=collection_id,
        )

    async def delete(self, knowledge_store_id: str, collection_id: str) -> None:
        """Delete a collection; its items remain in the store.

        Raises:
            NotFoundError: The collection does not exist; documented as 400, `BadRequestError`.

        API: `DELETE /knowledge-stores/{knowledge_store_id}/item-collections/{collection_id}`

        Example:
            await client.knowledge_store_item_collections.delete(store.id, item_collection.id)
        """
        await self._send(
            "DELETE", _COLLECTION, type(None), knowledge_store_id=knowledge_store_id, collection_id=collection_id
        )

    async def add_items(self, knowledge_store_id: str, collection_id: str, *, item_ids: Ids) -> StoreItemCollection:
        """Add items of the store to a collection; items that it already contains are ignored.

        Raises:
            NotFoundError: The collection or an item does not exist; documented as 400, `BadRequestError`.

        API: `POST /knowledge-stores/{knowledge_store_id}/item-collections/{collection_id}/items/add`

        Example:
            collections = client.knowledge_store_item_collections
            found = await collections.add_items(store.id, item_collection.id, item_ids=[item.id])
            print(found.member_count)  # 1
        """
        body = {"item_ids": checked_items("item_ids", item_ids)}
        return await self._send(
            "POST",
            _COLLECTION_ITEMS + "/add",
            StoreItemCollection,
            body,
            retry_class="idempotent",
            knowledge_store_id=knowledge_store_id,
            collection_id=collection_id,
        )

    async def remove_items(self, knowledge_store_id: str, collection_id: str, *, item_ids: Ids) -> None:
        """Remove items from a collection; they remain in the store.

        Raises:
            NotFoundError: The collection does not exist; documented as 400, `BadRequestError`.

        API: `POST /knowledge-stores/{knowledge_store_id}/item-collections/{collection_id}/items/remove`

        Example:
            await client.knowledge_store_item_collections.remove_items(store.id, item_collection.id, item_ids=[item.id])
        """
        body = {"item_ids": checked_items("item_ids", item_ids)}
        await self._send(
            "POST",
            _COLLECTION_ITEMS + "/remove",
            type(None),
            body,
            retry_class="idempotent",
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
        """List the items of a collection. Sends nothing until awaited or iterated.

        Args:
            knowledge_store_id: Id of the store.
            collection_id: Id of the collection.
            page: First page, from 1.
            page_limit: Items per page, 1 to 50.

        Raises:
            NotFoundError: Raised while iterating: the collection does not exist; documented as 400, `BadRequestError`.

        API: `GET /knowledge-stores/{knowledge_store_id}/item-collections/{collection_id}/items`

        Example:
            async for item in client.knowledge_store_item_collections.list_items(store.id, item_collection.id):
                print(item.id, item.asset_id)
        """
        return self._list(
            _COLLECTION_ITEMS,
            KnowledgeStoreItem,
            page,
            page_limit,
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
        """List the collections of a store, newest first. Sends nothing until awaited or iterated.

        Args:
            knowledge_store_id: Id of the store.
            page: First page, from 1.
            page_limit: Items per page, 1 to 50.
            sort_by: Sort key.
            sort_option: `asc` or `desc`.

        Raises:
            NotFoundError: Raised while iterating: the store does not exist; documented as 400, `BadRequestError`.

        API: `GET /knowledge-stores/{knowledge_store_id}/item-collections`

        Example:
            async for found in client.knowledge_store_item_collections.list(store.id, sort_by="name"):
                print(found.id, found.name)
        """
        query = omit_none(sort_by=sort_by, sort_option=sort_option)
        return self._list(
            _COLLECTIONS, StoreItemCollection, page, page_limit, query, knowledge_store_id=knowledge_store_id
        )
