"""Entities: people and objects to recognize, in collections.

https://docs.twelvelabs.io/v1.3/api-reference/entities
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from typing import Final

from twelvelabs_async._arguments import omit_none
from twelvelabs_async._core.validation import checked_items, checked_metadata
from twelvelabs_async._polling import ENTITY_LIFECYCLE
from twelvelabs_async.models.common import Ids, ObjectLike, UserMetadata
from twelvelabs_async.models.entities import BulkEntities, Entity, EntityCollection, EntitySort, EntityStatus, NewEntity
from twelvelabs_async.pagination import Paginator
from twelvelabs_async.resources._base import Resource
from twelvelabs_async.waiting import PollCallback

_COLLECTION: Final = "/entity-collections/{entity_collection_id}"
_ENTITIES: Final = _COLLECTION + "/entities"
_ENTITY: Final = _ENTITIES + "/{entity_id}"
_ENTITY_ASSETS: Final = _ENTITY + "/assets"


class Entities(Resource):
    """People and objects to recognize, each learned from images."""

    async def create(
        self,
        entity_collection_id: str,
        *,
        name: str,
        asset_ids: Ids,
        description: str | None = None,
        metadata: UserMetadata | None = None,
    ) -> Entity:
        """Create an entity and return immediately; use `wait_for_done` to wait until it is ready.

        Args:
            entity_collection_id: Id of the collection.
            name: Name.
            asset_ids: Ids of its images, at least one.
            description: Description.
            metadata: Your own metadata; values cannot be nested.

        Raises:
            NotFoundError: The collection does not exist; documented as 400, `BadRequestError`.

        API: `POST /entity-collections/{entity_collection_id}/entities`

        Example:
            created = await client.entity_collections.entities.create(collection.id, name="Ada", asset_ids=[image.id])
            entity = await client.entity_collections.entities.wait_for_done(collection.id, created.id)
        """
        body = omit_none(
            name=name,
            asset_ids=checked_items("asset_ids", asset_ids),
            description=description,
            metadata=checked_metadata(metadata, name="metadata"),
        )
        return await self._send(
            "POST", _ENTITIES, Entity, body, retry_class="verify_first", entity_collection_id=entity_collection_id
        )

    async def create_bulk(
        self, entity_collection_id: str, *, entities: Sequence[NewEntity | ObjectLike]
    ) -> BulkEntities:
        """Create several entities. Succeeds even if some are rejected: check `errors`.

        Args:
            entity_collection_id: Id of the collection.
            entities: The entities, such as `[{"name": "Ada", "asset_ids": ["..."]}]`.

        Raises:
            NotFoundError: The collection does not exist; documented as 400, `BadRequestError`.

        API: `POST /entity-collections/{entity_collection_id}/entities/bulk`

        Example:
            people = [{"name": "Ada", "asset_ids": [image.id]}, {"name": "Grace", "asset_ids": [image.id]}]
            created = await client.entity_collections.entities.create_bulk(collection.id, entities=people)
            print(created.success_count, created.errors)
        """
        body = {"entities": checked_items("entities", entities)}
        return await self._send(
            "POST",
            _ENTITIES + "/bulk",
            BulkEntities,
            body,
            retry_class="verify_first",
            entity_collection_id=entity_collection_id,
        )

    async def retrieve(self, entity_collection_id: str, entity_id: str) -> Entity:
        """Return an entity, with its status.

        Raises:
            NotFoundError: The entity does not exist; documented as 400, `BadRequestError`.

        API: `GET /entity-collections/{entity_collection_id}/entities/{entity_id}`

        Example:
            entity = await client.entity_collections.entities.retrieve(collection.id, entity.id)
            print(entity.name, entity.status)
        """
        return await self._get(_ENTITY, Entity, entity_collection_id=entity_collection_id, entity_id=entity_id)

    async def update(
        self,
        entity_collection_id: str,
        entity_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        metadata: UserMetadata | None = None,
    ) -> Entity:
        """Update an entity. None leaves a value unchanged; `metadata` replaces all existing keys.

        Args:
            entity_collection_id: Id of the collection.
            entity_id: Id of the entity.
            name: Name.
            description: Description.
            metadata: Your own metadata; values cannot be nested.

        Raises:
            NotFoundError: The entity does not exist; documented as 400, `BadRequestError`.

        API: `PATCH /entity-collections/{entity_collection_id}/entities/{entity_id}`

        Example:
            await client.entity_collections.entities.update(collection.id, entity.id, description="Mathematician")
        """
        body = omit_none(name=name, description=description, metadata=checked_metadata(metadata, name="metadata"))
        return await self._send(
            "PATCH", _ENTITY, Entity, body, entity_collection_id=entity_collection_id, entity_id=entity_id
        )

    async def delete(self, entity_collection_id: str, entity_id: str) -> None:
        """Delete an entity; its images remain.

        Raises:
            NotFoundError: The entity does not exist; documented as 400, `BadRequestError`.

        API: `DELETE /entity-collections/{entity_collection_id}/entities/{entity_id}`

        Example:
            await client.entity_collections.entities.delete(collection.id, entity.id)
        """
        await self._send("DELETE", _ENTITY, type(None), entity_collection_id=entity_collection_id, entity_id=entity_id)

    async def create_assets(self, entity_collection_id: str, entity_id: str, *, asset_ids: Ids) -> Entity:
        """Add images to an entity, which is then processed again.

        Raises:
            NotFoundError: The entity does not exist; documented as 400, `BadRequestError`.

        API: `POST /entity-collections/{entity_collection_id}/entities/{entity_id}/assets`

        Example:
            await client.entity_collections.entities.create_assets(collection.id, entity.id, asset_ids=[image.id])
        """
        body = {"asset_ids": checked_items("asset_ids", asset_ids)}
        return await self._send(
            "POST",
            _ENTITY_ASSETS,
            Entity,
            body,
            retry_class="idempotent",
            entity_collection_id=entity_collection_id,
            entity_id=entity_id,
        )

    async def delete_assets(self, entity_collection_id: str, entity_id: str, *, asset_ids: Ids) -> Entity:
        """Remove images from an entity, which is then processed again. The last image cannot be removed.

        Raises:
            NotFoundError: The entity does not exist; documented as 400, `BadRequestError`.

        API: `DELETE /entity-collections/{entity_collection_id}/entities/{entity_id}/assets`

        Example:
            await client.entity_collections.entities.create_assets(collection.id, entity.id, asset_ids=[image.id])
            await client.entity_collections.entities.delete_assets(collection.id, entity.id, asset_ids=[image.id])
        """
        body = {"asset_ids": checked_items("asset_ids", asset_ids)}
        return await self._send(
            "DELETE", _ENTITY_ASSETS, Entity, body, entity_collection_id=entity_collection_id, entity_id=entity_id
        )

    async def wait_for_done(
        self,
        entity_collection_id: str,
        entity_id: str,
        *,
        timeout: float | None = None,
        sleep_interval: float | None = None,
        callback: PollCallback[Entity] | None = None,
    ) -> Entity:
        """Wait until an entity is ready.

        Args:
            entity_collection_id: Id of the collection.
            entity_id: Id of the entity.
            timeout: Seconds to wait; None is one hour.
            sleep_interval: Seconds between two polls; None starts at one second and slows down to fifteen.
            callback: Called with the entity after each poll.

        Raises:
            WaitTimeoutError: The entity was not ready in time; processing continues on the server.

        Example:
            entity = await client.entity_collections.entities.wait_for_done(collection.id, entity.id, timeout=600)
            print(entity.status)  # ready
        """
        fetch = partial(self.retrieve, entity_collection_id)
        return await self._poll(fetch, ENTITY_LIFECYCLE, entity_id, timeout, sleep_interval, callback)

    def list_by_asset(
        self, asset_id: str, *, page: int | None = None, page_limit: int | None = 50
    ) -> Paginator[Entity]:
        """List the entities that an image is used for. Sends nothing until awaited or iterated.

        Args:
            asset_id: Id of the image.
            page: First page, from 1.
            page_limit: Items per page, 1 to 50.

        Raises:
            NotFoundError: Raised while iterating: the asset does not exist; documented as 400, `BadRequestError`.

        API: `GET /assets/{asset_id}/entities`

        Example:
            async for entity in client.entity_collections.entities.list_by_asset(image.id):
                print(entity.name, entity.entity_collection_id)
        """
        return self._list("/assets/{asset_id}/entities", Entity, page, page_limit, asset_id=asset_id)

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
        """List the entities of a collection. Sends nothing until awaited or iterated.

        Args:
            entity_collection_id: Id of the collection.
            page: First page, from 1.
            page_limit: Items per page, 1 to 50.
            name: Filter by name.
            status: Filter by status.
            sort_by: Sort key.
            sort_option: `asc` or `desc`.

        Raises:
            NotFoundError: Raised while iterating: the collection does not exist; documented as 400, `BadRequestError`.

        API: `GET /entity-collections/{entity_collection_id}/entities`

        Example:
            async for entity in client.entity_collections.entities.list(collection.id, status="ready", sort_by="name"):
                print(entity.id, entity.name)
        """
        query = omit_none(name=name, status=status, sort_by=sort_by, sort_option=sort_option)
        return self._list(_ENTITIES, Entity, page, page_limit, query, entity_collection_id=entity_collection_id)


class EntityCollections(Resource):
    """Collections of entities."""

    @cached_property
    def entities(self) -> Entities:
        """Entities of a collection."""
        return Entities(self._executor)

    async def create(self, *, name: str, description: str | None = None) -> EntityCollection:
        """Create a collection.

        Args:
            name: Name.
            description: Description.

        Raises:
            BadRequestError: The name or the description is not accepted.

        API: `POST /entity-collections`

        Example:
            collection = await client.entity_collections.create(name="Family")
            print(collection.id)
        """
        body = omit_none(name=name, description=description)
        return await self._send("POST", "/entity-collections", EntityCollection, body, retry_class="verify_first")

    async def retrieve(self, entity_collection_id: str) -> EntityCollection:
        """Return a collection.

        Raises:
            NotFoundError: The collection does not exist; documented as 400, `BadRequestError`.

        API: `GET /entity-collections/{entity_collection_id}`

        Example:
            collection = await client.entity_collections.retrieve(collection.id)
            print(collection.name)
        """
        return await self._get(_COLLECTION, EntityCollection, entity_collection_id=entity_collection_id)

    async def update(
        self, entity_collection_id: str, *, name: str | None = None, description: str | None = None
    ) -> EntityCollection:
        """Update the name or the description; None leaves a value unchanged.

        Raises:
            NotFoundError: The collection does not exist; documented as 400, `BadRequestError`.

        API: `PATCH /entity-collections/{entity_collection_id}`

        Example:
            collection = await client.entity_collections.update(collection.id, description="Parents and children")
        """
        body = omit_none(name=name, description=description)
        return await self._send("PATCH", _COLLECTION, EntityCollection, body, entity_collection_id=entity_collection_id)

    async def delete(self, entity_collection_id: str) -> None:
        """Delete a collection and its entities.

        Raises:
            NotFoundError: The collection does not exist; documented as 400, `BadRequestError`.

        API: `DELETE /entity-collections/{entity_collection_id}`

        Example:
            await client.entity_collections.delete(collection.id)
        """
        await self._send("DELETE", _COLLECTION, type(None), entity_collection_id=entity_collection_id)

    def list(
        self,
        *,
        page: int | None = None,
        page_limit: int | None = 50,
        name: str | None = None,
        sort_by: EntitySort | None = None,
        sort_option: str | None = None,
    ) -> Paginator[EntityCollection]:
        """List collections. Sends nothing until awaited or iterated.

        Args:
            page: First page, from 1.
            page_limit: Items per page, 1 to 50.
            name: Filter by name.
            sort_by: Sort key.
            sort_option: `asc` or `desc`.

        Raises:
            BadRequestError: Raised while iterating: a parameter is invalid.

        API: `GET /entity-collections`

        Example:
            async for collection in client.entity_collections.list(sort_by="name", sort_option="asc"):
                print(collection.id, collection.name)
        """
        query = omit_none(name=name, sort_by=sort_by, sort_option=sort_option)
        return self._list("/entity-collections", EntityCollection, page, page_limit, query)
