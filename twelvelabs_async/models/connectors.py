"""Connections to other places where files are, and imports from there.

https://docs.twelvelabs.io/v1.3/api-reference/connections
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import attrs

from twelvelabs_async.models.common import WIRE_ID, Model

ConnectionProvider = Literal["google_drive"]
"""Where files can be imported from."""

ConnectionStatus = Literal["active", "expired", "revoked"]
"""Whether a connection can be used; only a new authorization brings one back."""

ImportItemStatus = Literal["processing", "ready", "failed"]
"""How far the asset of an imported file is."""

ImportAction = Literal["created", "skipped", "retried", "rejected"]
"""What an import did with a file: new, there already, fetched again, or refused."""


@attrs.frozen(kw_only=True)
class ConnectionAuthorization(Model):
    """The start of an authorization, which a person completes in a browser."""

    authorize_url: str
    """Where to send them."""
    state: str | None = None
    """Comes back with them, to be compared."""


@attrs.frozen(kw_only=True)
class ConnectionAccount(Model):
    """Whose account a connection leads to."""

    external_id: str | None = None
    """The provider's identifier."""
    display_name: str | None = None
    """A name to show."""


@attrs.frozen(kw_only=True)
class Connection(Model):
    """Leave to read files of someone's account elsewhere."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Identifier the platform gave it."""
    status: ConnectionStatus
    """Whether it can be used."""
    provider: ConnectionProvider | None = None
    """Where the files are."""
    custom_id: str | None = None
    """What you named it; others may have the same name."""
    account: ConnectionAccount | None = None
    """Whose files they are."""
    scopes: tuple[str, ...] = ()
    """What was permitted."""
    connected_at: datetime | None = None
    """When it was authorized."""
    last_used_at: datetime | None = None
    """When it was used last."""


@attrs.frozen(kw_only=True)
class PickerToken(Model):
    """What a file picker of the provider needs, in a browser."""

    access_token: str = attrs.field(repr=False)
    """The provider's token: a secret, for a short while."""
    expires_in: int | None = None
    """Seconds for which it is good."""
    scope: str | None = None
    """What it permits, with spaces between."""
    app_id: str | None = None
    """The platform's application at the provider."""
    developer_key: str | None = attrs.field(default=None, repr=False)
    """Key for the picker."""


@attrs.frozen(kw_only=True)
class RedirectUri(Model):
    """An address of yours to which people may be sent back."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Identifier the platform gave it."""
    redirect_uri: str
    """The address."""
    created_at: datetime | None = None
    """When it was registered."""


@attrs.frozen(kw_only=True)
class ImportSource(Model):
    """A file to import."""

    source_id: str
    """The provider's identifier of it."""


@attrs.frozen(kw_only=True)
class ImportItemError(Model):
    """Why a file was rejected."""

    code: str | None = None
    """Machine-readable, such as `source_unavailable`."""
    message: str = ""
    """The platform's words, which may change."""


@attrs.frozen(kw_only=True)
class ImportItem(Model):
    """One file of an import."""

    source_id: str | None = None
    """The provider's identifier of it."""
    asset_id: str | None = None
    """The asset it becomes; None when it was rejected."""
    status: ImportItemStatus | None = None
    """How far that asset is; None when the file was rejected."""
    action: ImportAction | None = None
    """What was done with it; None for old imports."""
    error: ImportItemError | None = None
    """Why it was rejected; None unless it was."""


@attrs.frozen(kw_only=True)
class ImportResult(Model):
    """What asking for an import answers, which succeeds even if all files are rejected."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Identifier of the import, to wait for."""
    has_failures: bool = False
    """Whether a file was rejected."""
    items: tuple[ImportItem, ...] = ()
    """What was done with each file, in the order of the request."""


@attrs.frozen(kw_only=True)
class Import(Model):
    """Files that were asked for together."""

    id: str = attrs.field(metadata=WIRE_ID)
    """Identifier the platform gave it."""
    connection_id: str | None = None
    """The connection they came by."""
    provider: ConnectionProvider | None = None
    """Where they came from."""
    custom_id: str | None = None
    """What you named the connection."""
    item_count: int | None = None
    """How many files were asked for."""
    created_at: datetime | None = None
    """When they were asked for."""


@attrs.frozen(kw_only=True)
class ImportDetail(Import):
    """Files that were asked for together, and how far each is."""

    items: tuple[ImportItem, ...] = ()
    """The files; one whose asset was deleted is gone from here, too."""

    @property
    def status(self) -> Literal["processing", "ready"]:
        """`ready` when every file has ended, well or not; the API has no such field."""
        ended = all(item.status in {None, "ready", "failed"} for item in self.items)
        return "ready" if ended else "processing"
