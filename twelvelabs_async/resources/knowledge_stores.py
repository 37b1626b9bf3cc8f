"""Knowledge stores: videos and pictures that are enriched, searched, and asked about.

https://docs.twelvelabs.io/v1.3/api-reference/knowledge-stores
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twelvelabs_async.checks import checked_metadata
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.models.common import UserMetadata
from twelvelabs_async.models.knowledge import (
    IngestionConfig,
    KnowledgeStore,
    StoreGroupBy,
    StoreQuery,
    StoreSearchFilter,
    StoreSearchHit,
    StoreSearchOptions,
    StoreSort,
)
from twelvelabs_async.paginator import Paginator, by_body_token, expired
from twelvelabs_async.request import Request, given
from twelvelabs_async.resources.base import Resource


class KnowledgeStores(Resource):
    """Sets of videos and pictures that are searched and asked about together."""

    async def create(
        self,
        *,
        name: str,
        ingestion_config: IngestionConfig | Mapping[str, Any] | None = None,
        description: str | None = None,
        metadata: UserMetadata | None = None,
    ) -> KnowledgeStore:
        """Make a store.

        Args:
            name: Its name.
            ingestion_config: What to find out about each item; cannot be changed afterwards.
            description: What it is about.
            metadata: Your own keys, up to 10.

        Raises:
            UnprocessableEntityError: The JSON Schema is not in the platform's dialect.
        """
        body = given(
            name=name,
            ingestion_config=ingestion_config,
            description=description,
            metadata=checked_metadata(metadata, name="metadata"),
        )
        return await self._post("/knowledge-stores", KnowledgeStore, retry="reconcile", json=body)

    async def retrieve(self, knowledge_store_id: str) -> KnowledgeStore:
        """One store."""
        return await self._get(
            "/knowledge-stores/{knowledge_store_id}", KnowledgeStore, knowledge_store_id=knowledge_store_id
        )

    async def update(
        self,
        knowledge_store_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        metadata: UserMetadata | None = None,
    ) -> KnowledgeStore:
        """Change a store; what is None stays as it is, and `metadata` replaces all keys there are.

        Args:
            knowledge_store_id: The store.
            name: Its name.
            description: What it is about.
            metadata: Your own keys, up to 10.
        """
        body = given(name=name, description=description, metadata=checked_metadata(metadata, name="metadata"))
        return await self._patch(
            "/knowledge-stores/{knowledge_store_id}", KnowledgeStore, json=body, knowledge_store_id=knowledge_store_id
        )

    async def delete(self, knowledge_store_id: str) -> None:
        """Delete a store and what is in it; the assets remain."""
        await self._delete("/knowledge-stores/{knowledge_store_id}", knowledge_store_id=knowledge_store_id)

    def search(
        self,
        knowledge_store_id: str,
        *,
        query: StoreQuery | Mapping[str, Any] | str,
        filter: StoreSearchFilter | Mapping[str, Any] | None = None,
        search_options: StoreSearchOptions | Mapping[str, Any] | None = None,
        group_by: StoreGroupBy | None = None,
        page_size: int | None = 50,
        page_token: str | None = None,
        include_metadata: bool | None = None,
    ) -> Paginator[StoreSearchHit]:
        """Hits, best first. Sends nothing until awaited or iterated; each time the first page is a search anew.

        Args:
            knowledge_store_id: The store.
            query: What to look for, in words.
            filter: Conditions on the items, such as `{"asset_type": {"eq": "video"}}`.
            search_options: How to look, such as `{"video": {"modalities": ["visual"]}}`.
            group_by: `none`, or `item` for one hit an item.
            page_size: Hits a page, 1 to 50.
            page_token: Where to go on, from `next_page_token` of a page seen before.
            include_metadata: Include what is known about each item.

        Raises:
            InvalidInputError: There is nothing to look for.
            SearchExpiredError: The pages were read too slowly; only a new search helps.
        """
        looked_for: Any = {"text": query} if isinstance(query, str) else query
        if isinstance(query, str) and not query.strip():
            raise InvalidInputError("query is empty")
        if page_size is not None and not 1 <= page_size <= 50:
            raise InvalidInputError(f"page_size is 1 to 50, not {page_size}")
        body = given(
            query=looked_for,
            filter=filter,
            search_options=search_options,
            group_by=group_by,
            page_size=page_size,
            page_token=page_token,
            include_metadata=include_metadata,
        )
        request = Request[dict[str, Any]](
            method="POST",
            template="/knowledge-stores/{knowledge_store_id}/search",
            into=dict,
            retry="compute",
            ids={"knowledge_store_id": knowledge_store_id},
            json=body,
        )
        request.path()  # an id that cannot be sent is told here, where it was passed
        return Paginator(self._caller, request, by_body_token(StoreSearchHit), explain=expired)

    def list(
        self,
        *,
        page: int | None = None,
        page_limit: int | None = 50,
        sort_by: StoreSort | None = None,
        sort_option: str | None = None,
    ) -> Paginator[KnowledgeStore]:
        """Stores, newest first. Sends nothing until awaited or iterated.

        Args:
            page: Where to start, from 1.
            page_limit: Items a page, 1 to 50.
            sort_by: What goes first.
            sort_option: `asc` or `desc`.
        """
        query = given(sort_by=sort_by, sort_option=sort_option)
        return self._list("/knowledge-stores", KnowledgeStore, page=page, page_limit=page_limit, query=query)
