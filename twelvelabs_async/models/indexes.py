"""Indexes: collections of videos that are searched together.

https://docs.twelvelabs.io/v1.3/api-reference/indexes
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, TypedDict

import attrs

from twelvelabs_async.models._interop import WIRE_ID
from twelvelabs_async.models.common import Model

ModelOption = Literal["visual", "audio"]
"""A modality that a model of an index processes."""


@attrs.frozen(kw_only=True)
class IndexModel(Model):
    """A model of an index."""

    model_name: str
    """Name, such as `marengo3.0`; old indexes may name retired models."""
    model_options: tuple[str, ...] = ()
    """Modalities it processes: `visual`, `audio`."""


IndexModelName = Literal["marengo3.0"]
"""Name of a model that new indexes accept; more may be added."""

IndexModelOption = Literal["visual", "audio"]
"""A modality that a model processes."""


class IndexModelDict(TypedDict):
    """An `IndexModel` as a dict, for editors to complete."""

    model_name: IndexModelName | str
    """Name of the model."""
    model_options: Sequence[IndexModelOption | str]
    """Modalities it processes."""


@attrs.frozen(kw_only=True)
class Index(Model):
    """A collection of videos that are searched together."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Unique id."""
    index_name: str
    """Name, unique in the account."""
    models: tuple[IndexModel, ...] = ()
    """Enabled models; fixed at creation."""
    addons: tuple[str, ...] = ()
    """Add-ons, such as `thumbnail`."""
    video_count: int = 0
    """Number of videos."""
    total_duration: float = 0.0
    """Total duration of its videos, in seconds."""
    created_at: datetime | None = None
    """Creation time."""
    updated_at: datetime | None = None
    """Time of the last change."""
    expires_at: datetime | None = None
    """When the platform deletes it: 90 days after creation on the free plan, otherwise None."""


@attrs.frozen(kw_only=True)
class CreatedIndex(Model):
    """Response to the creation of an index."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Id of the new index."""
