"""Entities: persons and things the platform is to recognize, in collections.

https://docs.twelvelabs.io/v1.3/api-reference/entities
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from twelvelabs_async.checks import checked_metadata
from twelvelabs_async.models.common import Ids, UserMetadata
from twelvelabs_async.models.entities import (
    BulkEntities,
    Entity,
    EntityCollection,
    EntitySort,
    EntityStatus,
    NewEntity,
)
from twelvelabs_async.paginator import Paginator
from twelvelabs_async.request import Request, given
from twelvelabs_async.resources.base import Resource
from twelvelabs_async.resources.inputs import several
from twelvelabs_async.waiting import Callback, Lifecycle, until_done

LIFE: Final = Lifecycle(resource="entity")


class Entities(Resource):
    """Persons and things to recognize, each learnt from pictures."""

    async def create(
        self,
        entity_collection_id: str,
        *,
        name: str,
        asset_ids: Ids,
        description: str | None = None,
        metadata: UserMetadata | None = None,
    ) -> Entity:
        """Teach the platform an entity. Returns at once; `wait_for_done` tells when it has been learnt.

        Args:
            entity_collection_id: The collection.
            name: Its name.
            asset_ids: Pictures to learn it from, at least one.
            description: Who or what it is.
            metadata: Your own keys, with plain values.
        """
        body = given(
            name=name,
            asset_ids=several("asset_ids", asset_ids),
            description=description,
            metadata=checked_metadata(metadata, name="metadata"),
        )
        return await self._post(
            "/entity-collections/{entity_collection_id}/entities",
            Entity,
            retry="reconcile",
            json=body,
            entity_collection_id=entity_collection_id,
        )

    async def create_bulk(
        self, entity_collection_id: str, *, entities: Sequence[NewEntity | Mapping[str, Any]]
    ) -> BulkEntities:
        """Teach the platform several entities. Succeeds even if some are refused: look at `errors`.

        Args:
            entity_collection_id: The collection.
            entities: Such as `[{"name": "Ada", "asset_ids": ["..."]}]`.
        """
        return await self._post(
            "/entity-collections/{entity_collection_id}/entities/bulk",
            BulkEntities,
            retry="reconcile",
            json={"entities": several("entities", entities)},
            entity_collection_id=entity_collection_id,
        )

    async def retrieve(self, entity_collection_id: str, entity_id: str) -> Entity:
        """One entity, and whether it has been learnt."""
        return await self._get(
            "/entity-collections/{entity_collection_id}/entities/{entity_id}",
            Entity,
            entity_collection_id=entity_collection_id,
            entity_id=entity_id,
        )

    async def update(
        self,
        entity_collection_id: str,
        entity_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        metadata: UserMetadata | None = None,
    ) -> Entity:
        """Change what is known of an entity; what is None stays as it is, and `metadata` replaces all keys there are.

        Args:
            entity_collection_id: The collection.
            entity_id: The entity.
            name: Its name.
            description: Who or what it is.
            metadata: Your own keys, with plain values.
        """
        body = given(name=name, description=description, metadata=checked_metadata(metadata, name="metadata"))
        return await self._patch(
            "/entity-collections/{entity_collection_id}/entities/{entity_id}",
            Entity,
            json=body,
            entity_collection_id=entity_collection_id,
            entity_id=entity_id,
        )

    async def delete(self, entity_collection_id: str, entity_id: str) -> None:
        """Delete an entity; its pictures remain."""
        await self._delete(
            "/entity-collections/{entity_collection_id}/entities/{entity_id}",
            entity_collection_id=entity_collection_id,
            entity_id=entity_id,
        )

    async def create_assets(self, entity_collection_id: str, entity_id: str, *, asset_ids: Ids) -> Entity:
        """Give an entity further pictures, from which it is learnt anew."""
        return await self._post(
            "/entity-collections/{entity_collection_id}/entities/{entity_id}/assets",
            Entity,
            retry="idempotent",
            json={"asset_ids": several("asset_ids", asset_ids)},
            entity_collection_id=entity_collection_id,
            entity_id=entity_id,
        )

    async def delete_assets(self, entity_collection_id: str, entity_id: str, *, asset_ids: Ids) -> Entity:
        """Take pictures from an entity, which is learnt anew from the others; the last one cannot be taken."""
        request = Request(
            method="DELETE",
            template="/entity-collections/{entity_collection_id}/entities/{entity_id}/assets",
            into=Entity,
            retry="idempotent",
            ids={"entity_collection_id": entity_collection_id, "entity_id": entity_id},
            json={"asset_ids": several("asset_ids", asset_ids)},
        )
        return await self._caller.call(request)

    async def wait_for_done(
        self,
        entity_collection_id: str,
        entity_id: str,
        *,
        timeout: float | None = None,
        sleep_interval: float | None = None,
        callback: Callback[Entity] | None = None,
    ) -> Entity:
        """Wait until an entity has been learnt.

        Args:
            entity_collection_id: The collection.
            entity_id: The entity.
            timeout: Seconds to wait; None is an hour.
            sleep_interval: Seconds between two looks; None looks less and less often.
            callback: Is shown the entity after each look.

        Raises:
            WaitTimeoutError: The time is over, learning goes on.
        """
        return await until_done(
            lambda: self.retrieve(entity_collection_id, entity_id),
            life=LIFE,
            id=entity_id,
            clock=self._caller.clock,
            timeout=timeout,
            sleep_interval=sleep_interval,
            callback=callback,
        )

    def list_by_asset(
        self, asset_id: str, *, page: int | None = None, page_limit: int | None = 50
    ) -> Paginator[Entity]:
        """The entities a picture is used for. Sends nothing until awaited or iterated.

        Args:
            asset_id: The picture.
            page: Where to start, from 1.
            page_limit: Items a page, 1 to 50.
        """
        return self._list("/assets/{asset_id}/entities", Entity, page=page, page_limit=page_limit, asset_id=asset_id)

    def list(
        self,
        entity_collection_id: str,
        *,
        page: int | None = None,
        page_limit: int | None = 50,
        name: str | None = None,
        status: EntityStatus | None = None,
        sort_by: EntitySort | None = None,
        sort_option: str | None = None,
    ) -> Paginator[Entity]:
        """What is in a collection. Sends nothing until awaited or iterated.

        Args:
            entity_collection_id: The collection.
            page: Where to start, from 1.
            page_limit: Items a page, 1 to 50.
            name: The name to look for.
            status: Only those that have been learnt, or have not.
            sort_by: What goes first.
            sort_option: `asc` or `desc`.
        """
        return self._list(
            "/entity-collections/{entity_collection_id}/entities",
            Entity,
            page=page,
            page_limit=page_limit,
            query=given(name=name, status=status, sort_by=sort_by, sort_option=sort_option),
            entity_collection_id=entity_collection_id,
        )


class EntityCollections(Resource):
    """Sets of entities that belong together."""

    @cached_property
    def entities(self) -> Entities:
        """What is in a collection."""
        return Entities(self._caller)

    async def create(self, *, name: str, description: str | None = None) -> EntityCollection:
        """Make a collection.

        Args:
            name: Its name.
            description: What it is about.
        """
        body = given(name=name, description=description)
        return await self._post("/entity-collections", EntityCollection, retry="reconcile", json=body)

    async def retrieve(self, entity_collection_id: str) -> EntityCollection:
        """One collection."""
        return await self._get(
            "/entity-collections/{entity_collection_id}", EntityCollection, entity_collection_id=entity_collection_id
        )

    async def update(
        self, entity_collection_id: str, *, name: str | None = None, description: str | None = None
    ) -> EntityCollection:
        """Change the name or the description; what is None stays as it is."""
        return await self._patch(
            "/entity-collections/{entity_collection_id}",
            EntityCollection,
            json=given(name=name, description=description),
            entity_collection_id=entity_collection_id,
        )

    async def delete(self, entity_collection_id: str) -> None:
        """Delete a collection and the entities in it."""
        await self._delete("/entity-collections/{entity_collection_id}", entity_collection_id=entity_collection_id)

    def list(
        self,
        *,
        page: int | None = None,
        page_limit: int | None = 50,
        name: str | None = None,
        sort_by: EntitySort | None = None,
        sort_option: str | None = None,
    ) -> Paginator[EntityCollection]:
        """Collections. Sends nothing until awaited or iterated.

        Args:
            page: Where to start, from 1.
            page_limit: Items a page, 1 to 50.
            name: The name to look for.
            sort_by: What goes first.
            sort_option: `asc` or `desc`.
        """
        query = given(name=name, sort_by=sort_by, sort_option=sort_option)
        return self._list("/entity-collections", EntityCollection, page=page, page_limit=page_limit, query=query)
