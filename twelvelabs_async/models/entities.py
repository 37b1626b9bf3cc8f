"""Entities: persons and things the platform is to recognize, in collections.

https://docs.twelvelabs.io/v1.3/api-reference/entities
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import attrs

from twelvelabs_async.models.common import WIRE_ID, Model

EntityStatus = Literal["processing", "ready"]
"""How far an entity is; no failure is documented."""

EntitySort = Literal["created_at", "updated_at", "name"]
"""What collections and entities can be sorted by."""


@attrs.frozen(kw_only=True)
class EntityCollection(Model):
    """A set of entities that belong together."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Identifier the platform gave it."""
    name: str | None = None
    """Its name."""
    description: str | None = None
    """What it is about."""
    created_at: datetime | None = None
    """When it was created."""
    updated_at: datetime | None = None
    """When it last changed."""


@attrs.frozen(kw_only=True)
class Entity(Model):
    """Someone or something to recognize, learnt from pictures."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Identifier the platform gave it."""
    status: EntityStatus
    """Whether it has been learnt; back to `processing` when its pictures change."""
    entity_collection_id: str | None = None
    """The collection it is in."""
    name: str | None = None
    """Its name."""
    description: str | None = None
    """Who or what it is."""
    metadata: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """Your own keys; empty if there are none."""
    asset_ids: tuple[str, ...] = ()
    """Pictures it is learnt from."""
    created_at: datetime | None = None
    """When it was created."""
    updated_at: datetime | None = None
    """When it last changed."""


@attrs.frozen(kw_only=True)
class NewEntity(Model):
    """One of several entities to create at once."""

    name: str
    """Its name."""
    asset_ids: Sequence[str]
    """Pictures to learn it from, at least one."""
    description: str | None = None
    """Who or what it is."""
    metadata: Mapping[str, Any] | None = None
    """Your own keys."""


@attrs.frozen(kw_only=True)
class BulkEntity(Model):
    """One of several entities, created."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Identifier the platform gave it."""
    name: str | None = None
    """Its name."""
    status: EntityStatus | None = None
    """Whether it has been learnt."""


@attrs.frozen(kw_only=True)
class BulkEntityError(Model):
    """One of several entities, refused."""

    entity_index: int | None = None
    """Its place in the request, from 0."""
    entity_name: str | None = None
    """Its name."""
    error_reason: str = ""
    """The platform's words."""


@attrs.frozen(kw_only=True)
class BulkEntities(Model):
    """What became of several entities: some may be created while others are refused."""

    success_count: int = 0
    """How many were created."""
    failed_count: int = 0
    """How many were refused."""
    entities: tuple[BulkEntity, ...] = ()
    """Those that were created."""
    errors: tuple[BulkEntityError, ...] = ()
    """Those that were refused, and why."""
