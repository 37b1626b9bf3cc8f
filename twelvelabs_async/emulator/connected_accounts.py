"""Connections to accounts of storage providers, and imports of files from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

_FetchError = Literal["source_unavailable", "source_not_authorized"]
ConnectionStatus = Literal["active", "expired", "revoked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file in a connected account."""

    filename: str
    content: bytes | None = None
    """Content of the file; `None` guesses its properties from its name."""
    size: int | None = None
    """Reported size in bytes, for a file whose content is too large for a test; `None` is the actual size."""
    fetch_error: _FetchError | None = None
    """Reason why the provider refuses the file; `None` if it delivers the file."""
    failures: int = 0
    """Number of imports that fail before one succeeds."""


@dataclass(slots=True, kw_only=True)
class Connection:
    """A connected account."""

    id: str
    provider: str
    status: ConnectionStatus
    custom_id: str | None
    account_id: str
    account_name: str
    files: Mapping[str, RemoteFile]
    created_at: float
    used_at: float | None = None
