"""What is kept of assets beyond indexes: entities, knowledge stores and what is in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twelvelabs_async.emulator.state import Asset, UserMetadata


@dataclass(slots=True, kw_only=True)
class EntityCollection:
    """A set of people or things to be recognised."""

    id: str
    name: str
    description: str | None
    created_at: float
    updated_at: float


@dataclass(slots=True, kw_only=True)
class Entity:
    """Somebody or something, shown by assets."""

    id: str
    collection_id: str
    name: str
    description: str | None
    metadata: UserMetadata
    asset_ids: list[str]
    created_at: float
    updated_at: float
    starts_at: float
    """When the latest change of its assets began to be worked in."""


@dataclass(slots=True, kw_only=True)
class KnowledgeStore:
    """A collection of items that can be searched and asked."""

    id: str
    name: str
    description: str | None
    ingestion_config: dict[str, Any] | None
    metadata: UserMetadata
    created_at: float
    updated_at: float


@dataclass(slots=True, kw_only=True)
class Item:
    """An asset in a knowledge store."""

    id: str
    store_id: str
    asset: Asset
    metadata: UserMetadata
    created_at: float


@dataclass(slots=True, kw_only=True)
class ItemCollection:
    """Items of a store under one name."""

    id: str
    store_id: str
    name: str
    description: str | None
    metadata: UserMetadata
    item_ids: list[str]
    created_at: float
    updated_at: float


@dataclass(slots=True)
class Library:
    """All of that by id, oldest first."""

    collections: dict[str, EntityCollection] = field(default_factory=dict[str, EntityCollection])
    entities: dict[str, Entity] = field(default_factory=dict[str, Entity])
    stores: dict[str, KnowledgeStore] = field(default_factory=dict[str, KnowledgeStore])
    items: dict[str, Item] = field(default_factory=dict[str, Item])
    item_collections: dict[str, ItemCollection] = field(default_factory=dict[str, ItemCollection])

    def entities_of(self, collection_id: str) -> list[Entity]:
        """Return the entities of a collection."""
        return [entity for entity in self.entities.values() if entity.collection_id == collection_id]

    def entities_with(self, asset_id: str) -> list[Entity]:
        """Return the entities that an asset shows."""
        return [entity for entity in self.entities.values() if asset_id in entity.asset_ids]

    def delete_collection(self, collection_id: str) -> None:
        """Delete a collection with its entities; their assets stay."""
        del self.collections[collection_id]
        self.entities = {key: entity for key, entity in self.entities.items() if entity.collection_id != collection_id}

    def items_of(self, store_id: str) -> list[Item]:
        """Return the items of a store in every status."""
        return [item for item in self.items.values() if item.store_id == store_id]

    def collections_of(self, store_id: str) -> list[ItemCollection]:
        """Return the item collections of a store."""
        return [collection for collection in self.item_collections.values() if collection.store_id == store_id]

    def delete_store(self, store_id: str) -> None:
        """Delete a store with all that is in it; the assets stay."""
        del self.stores[store_id]
        self.items = {key: item for key, item in self.items.items() if item.store_id != store_id}
        self.item_collections = {key: kept for key, kept in self.item_collections.items() if kept.store_id != store_id}

    def delete_item(self, item: Item) -> None:
        """Delete an item, also from the collections it is in."""
        del self.items[item.id]
        for collection in self.collections_of(item.store_id):
            collection.item_ids = [kept for kept in collection.item_ids if kept != item.id]

    def uses(self, asset_id: str) -> bool:
        """Say whether an asset is in a knowledge store or shows an entity."""
        return bool(self.entities_with(asset_id)) or any(item.asset.id == asset_id for item in self.items.values())
