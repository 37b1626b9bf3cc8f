"""Accounts of other providers, and the files that are fetched from them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Refusal = Literal["source_unavailable", "source_not_authorized"]
Status = Literal["active", "expired", "revoked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file in somebody's account."""

    filename: str
    content: bytes | None = None
    """What it consists of; without, its properties are made up from its name."""
    size: int | None = None
    """Bytes to claim, for a file that is too large to be written down."""
    refusal: Refusal | None = None
    """Why the provider does not hand it over."""
    failures: int = 0
    """How many times fetching it fails before it succeeds."""


@dataclass(slots=True, kw_only=True)
class Connection:
    """An account that somebody gave access to."""

    id: str
    provider: str
    status: Status
    custom_id: str | None
    account_id: str
    account_name: str
    files: Mapping[str, RemoteFile]
    created_at: float
    used_at: float | None = None


@dataclass(slots=True, kw_only=True)
class RedirectUri:
    """An address that people may be sent back to."""

    id: str
    uri: str
    created_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportItem:
    """What became of one file of an import."""

    source_id: str
    action: Literal["created", "skipped", "retried", "rejected"]
    asset_id: str | None = None
    code: str | None = None
    """Why it was rejected."""
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """A request to fetch files."""

    id: str
    connection_id: str
    provider: str
    custom_id: str | None
    items: tuple[ImportItem, ...]
    created_at: float


@dataclass(slots=True)
class Connectors:
    """All of that by id, oldest first."""

    connections: dict[str, Connection] = field(default_factory=dict[str, Connection])
    redirect_uris: dict[str, RedirectUri] = field(default_factory=dict[str, RedirectUri])
    imports: dict[str, Import] = field(default_factory=dict[str, Import])
    fetched: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    """Asset by account and file: connections to one account share what was fetched."""
    attempts: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
