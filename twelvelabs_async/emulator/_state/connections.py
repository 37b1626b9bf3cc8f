"""Connected accounts, redirect URIs and imports."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from twelvelabs_async.emulator.connected_accounts import Connection


@dataclass(slots=True, kw_only=True)
class RedirectUri:
    """A URI to which users may be redirected after authorization."""

    id: str
    uri: str
    created_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportItem:
    """Result of an import for one file."""

    source_id: str
    action: Literal["created", "skipped", "retried", "rejected"]
    asset_id: str | None = None
    code: str | None = None
    """Code of the rejection."""
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """A request to import files."""

    id: str
    connection_id: str
    provider: str
    custom_id: str | None
    items: tuple[ImportItem, ...]
    created_at: float


@dataclass(slots=True)
class Connectors:
    """Connections, redirect URIs and imports by id, oldest first."""

    connections: dict[str, Connection] = field(default_factory=dict[str, Connection])
    redirect_uris: dict[str, RedirectUri] = field(default_factory=dict[str, RedirectUri])
    imports: dict[str, Import] = field(default_factory=dict[str, Import])
    asset_ids_by_source: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    """Asset id by account and file: connections to the same account share imported assets."""
    attempts: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    """Number of import attempts by account and file."""
