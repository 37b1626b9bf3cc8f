"""Connections to external storage accounts, and imports through them.

https://docs.twelvelabs.io/v1.3/api-reference/connections
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import attrs

from twelvelabs_async.models._interop import WIRE_ID
from twelvelabs_async.models.common import Model

ConnectionProvider = Literal["google_drive"]
"""A provider that files can be imported from."""

ConnectionStatus = Literal["active", "expired", "revoked"]
"""Status of a connection; only a new authorization makes it active again."""

ImportItemStatus = Literal["processing", "ready", "failed"]
"""Status of the asset of an imported file."""

ImportAction = Literal["created", "skipped", "retried", "rejected"]
"""Action of an import for a file: created a new asset, skipped a known file, retried, or rejected it."""


@attrs.frozen(kw_only=True)
class ConnectionAuthorization(Model):
    """A started authorization, which a user completes in a browser."""

    authorize_url: str
    """URL to open in the user's browser."""
    state: str | None = None
    """Value that the redirect returns, to compare."""


@attrs.frozen(kw_only=True)
class ConnectionAccount(Model):
    """The account of a connection."""

    external_id: str | None = None
    """Id at the provider."""
    display_name: str | None = None
    """Display name."""


@attrs.frozen(kw_only=True)
class Connection(Model):
    """A connection to an external account, for importing files."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Unique id."""
    status: ConnectionStatus
    """Current status."""
    provider: ConnectionProvider | None = None
    """The provider."""
    custom_id: str | None = None
    """Your own id for it; need not be unique."""
    account: ConnectionAccount | None = None
    """The account."""
    scopes: tuple[str, ...] = ()
    """Granted scopes."""
    connected_at: datetime | None = None
    """When it was authorized."""
    last_used_at: datetime | None = None
    """When it was last used."""


@attrs.frozen(kw_only=True)
class PickerToken(Model):
    """A token for the provider's file picker, which runs in a browser."""

    access_token: str = attrs.field(repr=False)
    """Short-lived access token of the provider; treat it as a secret."""
    expires_in: int | None = None
    """Lifetime in seconds."""
    scope: str | None = None
    """Granted scopes, separated by spaces."""
    app_id: str | None = None
    """Id of the platform's application at the provider."""
    developer_key: str | None = attrs.field(default=None, repr=False)
    """API key for the picker."""


@attrs.frozen(kw_only=True)
class RedirectUri(Model):
    """A registered URL that users may be redirected to."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Unique id."""
    redirect_uri: str
    """The URL."""
    created_at: datetime | None = None
    """When it was registered."""


@attrs.frozen(kw_only=True)
class ImportSource(Model):
    """A file to import."""

    source_id: str
    """Id of the file at the provider."""


@attrs.frozen(kw_only=True)
class ImportItemError(Model):
    """Error of a rejected file."""

    code: str | None = None
    """Machine-readable error code, such as `source_unavailable`."""
    message: str = ""
    """Message of the platform; its wording may change."""


@attrs.frozen(kw_only=True)
class ImportItem(Model):
    """One file of an import."""

    source_id: str | None = None
    """Id of the file at the provider."""
    asset_id: str | None = None
    """Id of the asset; None if the file was rejected."""
    status: ImportItemStatus | None = None
    """Status of the asset; None if the file was rejected."""
    action: ImportAction | None = None
    """Action for the file; None for old imports."""
    error: ImportItemError | None = None
    """The error; None unless the file was rejected."""


@attrs.frozen(kw_only=True)
class ImportResult(Model):
    """Response to an import request, which succeeds even if all files are rejected."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Id of the import, for `wait_for_done`."""
    has_failures: bool = False
    """Whether a file was rejected."""
    items: tuple[ImportItem, ...] = ()
    """The files, in the order of the request."""


@attrs.frozen(kw_only=True)
class Import(Model):
    """An import of several files."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Unique id."""
    connection_id: str | None = None
    """Id of the connection."""
    provider: ConnectionProvider | None = None
    """The provider."""
    custom_id: str | None = None
    """Your own id for the connection."""
    item_count: int | None = None
    """Number of requested files."""
    created_at: datetime | None = None
    """When it was requested."""


@attrs.frozen(kw_only=True)
class ImportDetail(Import):
    """An import, with the status of each file."""

    items: tuple[ImportItem, ...] = ()
    """The files, without those whose asset was deleted."""

    @property
    def status(self) -> Literal["processing", "ready"]:
        """`ready` when every file is done, whether it succeeded or failed. Computed here; the API has no such field."""
        ended = all(item.status in {None, "ready", "failed"} for item in self.items)
        return "ready" if ended else "processing"
