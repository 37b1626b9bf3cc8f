"""Entities: people and objects to recognize, in collections.

https://docs.twelvelabs.io/v1.3/api-reference/entities
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import attrs

from twelvelabs_async.models._interop import WIRE_ID
from twelvelabs_async.models.common import Model

EntityStatus = Literal["processing", "ready"]
"""Status of an entity; no failure is documented."""

EntitySort = Literal["created_at", "updated_at", "name"]
"""Sort key of collections and entities."""


@attrs.frozen(kw_only=True)
class EntityCollection(Model):
    """A collection of entities."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Unique id."""
    name: str | None = None
    """Name."""
    description: str | None = None
    """Description."""
    created_at: datetime | None = None
    """Creation time."""
    updated_at: datetime | None = None
    """Time of the last change."""


@attrs.frozen(kw_only=True)
class Entity(Model):
    """A person or object to recognize, learned from images."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Unique id."""
    status: EntityStatus
    """Current status; it returns to `processing` when the images change."""
    entity_collection_id: str | None = None
    """Id of the collection."""
    name: str | None = None
    """Name."""
    description: str | None = None
    """Description of the entity."""
    metadata: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """Your own metadata; empty if there is none."""
    asset_ids: tuple[str, ...] = ()
    """Ids of its images."""
    created_at: datetime | None = None
    """Creation time."""
    updated_at: datetime | None = None
    """Time of the last change."""


@attrs.frozen(kw_only=True)
class NewEntity(Model):
    """An entity to create with `create_bulk`."""

    name: str
    """Name."""
    asset_ids: Sequence[str]
    """Ids of its images, at least one."""
    description: str | None = None
    """Description of the entity."""
    metadata: Mapping[str, Any] | None = None
    """Your own metadata."""


@attrs.frozen(kw_only=True)
class BulkEntity(Model):
    """An entity created with `create_bulk`."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Unique id."""
    name: str | None = None
    """Name."""
    status: EntityStatus | None = None
    """Current status."""


@attrs.frozen(kw_only=True)
class BulkEntityError(Model):
    """An entity that `create_bulk` rejected."""

    entity_index: int | None = None
    """Index in the request, from 0."""
    entity_name: str | None = None
    """Name."""
    error_reason: str = ""
    """Message of the platform."""


@attrs.frozen(kw_only=True)
class BulkEntities(Model):
    """Response of `create_bulk`: some entities may be created while others are rejected."""

    success_count: int = 0
    """Number of created entities."""
    failed_count: int = 0
    """Number of rejected entities."""
    entities: tuple[BulkEntity, ...] = ()
    """The created entities."""
    errors: tuple[BulkEntityError, ...] = ()
    """The rejected entities, with their errors."""
