"""Indexes: sets of videos that are searched together.

https://docs.twelvelabs.io/v1.3/api-reference/indexes
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import attrs

from twelvelabs_async.models.common import WIRE_ID, Model

ModelOption = Literal["visual", "audio"]
"""What a model of an index pays attention to."""


@attrs.frozen(kw_only=True)
class IndexModel(Model):
    """A model that works on the videos of an index."""

    model_name: str
    """Such as `marengo3.0`; old indexes may still name models that are gone."""
    model_options: tuple[str, ...] = ()
    """What it pays attention to: `visual`, `audio`."""


@attrs.frozen(kw_only=True)
class Index(Model):
    """A set of videos that are searched together."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Identifier the platform gave it."""
    index_name: str
    """Name, unique in the account."""
    models: tuple[IndexModel, ...] = ()
    """Models enabled; fixed when the index is created."""
    addons: tuple[str, ...] = ()
    """Such as `thumbnail`."""
    video_count: int = 0
    """Videos in it."""
    total_duration: float = 0.0
    """Seconds of all videos together."""
    created_at: datetime | None = None
    """When it was created."""
    updated_at: datetime | None = None
    """When it last changed."""
    expires_at: datetime | None = None
    """When the platform deletes it: 90 days after creation on the free plan, else None."""


@attrs.frozen(kw_only=True)
class CreatedIndex(Model):
    """What creating an index answers."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Identifier of the new index."""
