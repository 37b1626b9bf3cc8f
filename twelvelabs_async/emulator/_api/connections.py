"""Connections to storage providers, redirect URIs and imports."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode, urlsplit

from twelvelabs_async.emulator._api import assets, listing, serializers, validation
from twelvelabs_async.emulator._api.context import NO_CONTENT, ApiResponse, Operation, RequestContext
from twelvelabs_async.emulator._api.validation import JsonObject, require_choice
from twelvelabs_async.emulator._errors import ApiError, invalid_parameter
from twelvelabs_async.emulator._json import rfc3339_millis
from twelvelabs_async.emulator._media import media
from twelvelabs_async.emulator._media.media import Media
from twelvelabs_async.emulator._state import deterministic, progress
from twelvelabs_async.emulator._state.entities import Import, ImportItem, RedirectUri
from twelvelabs_async.emulator._state.service import Service
from twelvelabs_async.emulator.connected_accounts import Connection, ConnectionStatus, RemoteFile

PROVIDERS = ("google_drive",)
SCOPES = ("https://www.googleapis.com/auth/drive.readonly",)
CONSENT_PAGE = "https://accounts.example.com/authorize"
"""Placeholder for the consent page of the provider, see `Emulator.connect`."""
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+\Z")
MAX_REDIRECT_URIS = 20
"""Invented: the API has a limit, but does not document it."""
PICKER_TOKEN_LIFETIME = 3600
IMPORTS_PATH = "/connections/{connection_id}/imports"
MAX_IMPORT_ITEMS = 100
MAX_IMPORT_SIZES = {"video": 10 * media.GIB, "audio": 4 * media.GIB, "image": 32 * media.MIB}


async def authorize(context: RequestContext) -> ApiResponse:
    """POST /connections:authorize."""
    body = await context.json()
    provider = require_choice("provider", body.get("provider"), PROVIDERS)
    uri, custom_id = validation.required_string(body, "redirect_uri"), validation.optional_string(body, "custom_id")
    if not _URI.match(uri):
        raise invalid_parameter("redirect_uri", "it must be a URI")
    registered = {known.uri for known in context.service.state.connectors.redirect_uris.values()}
    if registered and uri not in registered:  # without any, all are accepted
        raise _invalid_uri(f"The redirect URI {uri} is not registered.")
    state = context.service.state.ids.uuid_token()
    query = {"provider": provider, "redirect_uri": uri, "state": state}
    if custom_id:
        query["custom_id"] = custom_id
    return ApiResponse({"authorize_url": f"{CONSENT_PAGE}?{urlencode(query)}", "state": state})


def _invalid_uri(message: str) -> ApiError:
    return ApiError(422, "redirect_uri_invalid", message)


async def list_connections(context: RequestContext) -> ApiResponse:
    """GET /connections."""
    items = listing.newest_first(list(context.service.state.connectors.connections.values()))
    return listing.page_response(context, items, connection_view)


def _find_connection(context: RequestContext) -> Connection:
    """Return the connection in the path.

    Raises:
        ApiError: The connection does not exist.
    """
    return context.find(context.service.state.connectors.connections, "connection_id", "connection")


def _find_active_connection(context: RequestContext) -> Connection:
    """Return the connection in the path, and record its use.

    Raises:
        ApiError: The connection does not exist, or is not active.
    """
    connection = _find_connection(context)
    if connection.status != "active":
        message = f"The connection {connection.id} cannot be used: its status is {connection.status}."
        raise ApiError(409, "connection_not_active", message)
    connection.used_at = context.service.now()
    return connection


async def retrieve_connection(context: RequestContext) -> ApiResponse:
    """GET /connections/{connection_id}."""
    return ApiResponse(connection_view(_find_connection(context)))


async def delete_connection(context: RequestContext) -> ApiResponse:
    """DELETE /connections/{connection_id}; imported assets remain."""
    del context.service.state.connectors.connections[_find_connection(context).id]
    return NO_CONTENT


async def create_picker_token(context: RequestContext) -> ApiResponse:
    """POST /connections/{connection_id}/picker-token."""
    connection = _find_active_connection(context)
    return ApiResponse(
        {
            "access_token": f"picker-{context.service.state.ids.nonce()}",
            "expires_in": PICKER_TOKEN_LIFETIME,
            "scope": " ".join(SCOPES),
            "app_id": str(deterministic.stable_int("app", context.service.settings.seed) % 10**12),
            "developer_key": f"key-{connection.provider}",
        }
    )


def connection_view(connection: Connection) -> dict[str, Any]:
    """Return a connection as JSON."""
    used = connection.used_at
    return serializers.compact(
        _id=connection.id,
        provider=connection.provider,
        status=connection.status,
        custom_id=connection.custom_id,
        account={"external_id": connection.account_id, "display_name": connection.account_name},
        scopes=list(SCOPES),
        connected_at=rfc3339_millis(connection.created_at),
        last_used_at=None if used is None else rfc3339_millis(used),
    )


async def create_redirect_uri(context: RequestContext) -> ApiResponse:
    """POST /connections/redirect-uris."""
    uri = validation.required_string(await context.json(), "redirect_uri")
    state = context.service.state
    redirect_uris = state.connectors.redirect_uris
    _check_redirect_uri(uri)
    if any(known.uri == uri for known in redirect_uris.values()):
        raise ApiError(409, "redirect_uri_already_exists", f"The redirect URI {uri} is registered already.")
    if len(redirect_uris) >= MAX_REDIRECT_URIS:
        message = f"There may be no more than {MAX_REDIRECT_URIS} redirect URIs."
        raise ApiError(422, "redirect_uri_limit_exceeded", message)
    created = RedirectUri(id=state.ids.object_id(), uri=uri, created_at=context.service.now())
    redirect_uris[created.id] = created
    return ApiResponse(redirect_uri_view(created), 201)


def _check_redirect_uri(uri: str) -> None:
    try:
        parts = urlsplit(uri)
        public = _is_public(parts.hostname or "")
    except ValueError as error:
        raise _invalid_uri(f"{uri} is not a valid URI.") from error
    if parts.scheme != "https" or "*" in uri or not public:
        raise _invalid_uri(f"{uri} must use https, have no wildcards and lead to a public host.")


def _is_public(host: str) -> bool:
    """Return whether a host looks public by its name or address; nothing is resolved."""
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".localhost", ".local", ".internal"))


async def list_redirect_uris(context: RequestContext) -> ApiResponse:
    """GET /connections/redirect-uris."""
    items = listing.newest_first(list(context.service.state.connectors.redirect_uris.values()))
    return listing.page_response(context, items, redirect_uri_view)


async def delete_redirect_uri(context: RequestContext) -> ApiResponse:
    """DELETE /connections/redirect-uris/{redirect_uri_id}."""
    redirect_uris = context.service.state.connectors.redirect_uris
    del redirect_uris[context.find(redirect_uris, "redirect_uri_id", "redirect URI").id]
    return NO_CONTENT


def redirect_uri_view(redirect_uri: RedirectUri) -> dict[str, Any]:
    """Return a redirect URI as JSON."""
    return {
        "_id": redirect_uri.id,
        "redirect_uri": redirect_uri.uri,
        "created_at": rfc3339_millis(redirect_uri.created_at),
    }


def add_connection(
    service: Service,
    *,
    provider: str,
    files: Mapping[str, RemoteFile],
    custom_id: str | None,
    account: str,
    status: ConnectionStatus,
) -> Connection:
    """Create a connection, as the consent page of the provider does."""
    number = deterministic.stable_int("account", account)
    connection = Connection(
        id=service.state.ids.object_id(),
        provider=require_choice("provider", provider, PROVIDERS),
        status=status,
        custom_id=custom_id,
        account_id=f"{number % 10**18:018}",
        account_name=account,
        files=files,
        created_at=service.now(),
    )
    service.state.connectors.connections[connection.id] = connection
    return connection


async def create_import(context: RequestContext) -> ApiResponse:
    """POST /connections/{connection_id}/imports; a rejected item does not affect the others."""
    connection = _find_active_connection(context)
    service = context.service
    source_ids = _source_ids(validation.required_object_list(await context.json(), "items", 1, MAX_IMPORT_ITEMS))
    items = [await _import_file(service, connection, source_id) for source_id in source_ids]
    created = Import(
        id=service.state.ids.object_id(),
        connection_id=connection.id,
        provider=connection.provider,
        custom_id=connection.custom_id,
        items=tuple(items),
        created_at=service.now(),
    )
    service.state.connectors.imports[created.id] = created
    failures = any(item.action == "rejected" for item in items)
    return ApiResponse({"_id": created.id, "has_failures": failures, "items": _import_items(service, created)}, 202)


def _source_ids(entries: list[JsonObject]) -> list[str]:
    source_ids = [validation.required_string(entry, "source_id") for entry in entries]
    if len(set(source_ids)) < len(source_ids):
        raise invalid_parameter("source_id", "it must be unique within a request")
    return source_ids


async def _import_file(service: Service, connection: Connection, source_id: str) -> ImportItem:
    connectors = service.state.connectors
    key = (connection.account_id, source_id)
    existing = service.state.assets.get(connectors.asset_ids_by_source.get(key, ""))
    if existing is not None and progress.asset_status(service, existing) != "failed":
        return ImportItem(source_id=source_id, action="skipped", asset_id=existing.id)
    if (file := connection.files.get(source_id)) is None:
        return _rejected(source_id, "source_unavailable", "The account has no such file.")
    if rejection := _rejection_reason(file):
        return _rejected(source_id, *rejection)
    connectors.attempts[key] += 1
    info = await _inspect_remote_file(service, source_id, file)
    if connectors.attempts[key] <= file.failures:
        info = replace(info, problem="The file could not be fetched from its source.")
    if existing is not None:
        existing.media, existing.retried_at = info, service.now()
        return ImportItem(source_id=source_id, action="retried", asset_id=existing.id)
    asset = assets.add_asset(service, "connector", file.filename, info)
    connectors.asset_ids_by_source[key] = asset.id
    return ImportItem(source_id=source_id, action="created", asset_id=asset.id)


def _rejected(source_id: str, code: str, message: str) -> ImportItem:
    return ImportItem(source_id=source_id, action="rejected", code=code, message=message)


def _rejection_reason(file: RemoteFile) -> tuple[str, str] | None:
    """Return the code and message for a file that cannot be imported, None if it can."""
    if file.fetch_error is not None:
        return file.fetch_error, "The provider does not hand over the file."
    kind = (media.detect_kind(file.filename) or ("unknown", ""))[0]
    if kind not in MAX_IMPORT_SIZES:
        return "unsupported_media_type", f"{file.filename} is not a video, audio or image file."
    if _remote_size(file) > MAX_IMPORT_SIZES[kind]:
        message = f"The file has {_remote_size(file)} bytes; a file of type {kind} may have {MAX_IMPORT_SIZES[kind]}."
        return assets.too_large_code(kind), message
    return None


def _remote_size(file: RemoteFile) -> int:
    return file.size if file.size is not None else len(file.content or b"")


async def _inspect_remote_file(service: Service, source_id: str, file: RemoteFile) -> Media:
    if file.content is None:
        info = media.guess_remote_media(file.filename, source_id)
        return info if file.size is None else media.guess_media(file.filename, file.size, info.digest)
    return await assets.inspect_content(service, file.filename, file.content)


async def list_imports(context: RequestContext) -> ApiResponse:
    """GET /connections/{connection_id}/imports."""
    connection = _find_connection(context)
    imports = context.service.state.connectors.imports.values()
    items = listing.newest_first([entry for entry in imports if entry.connection_id == connection.id])
    return listing.page_response(context, items, import_view)


async def retrieve_import(context: RequestContext) -> ApiResponse:
    """GET /connections/{connection_id}/imports/{import_id}."""
    connection, imports = _find_connection(context), context.service.state.connectors.imports
    import_ = context.find(imports, "import_id", "import", where=lambda one: one.connection_id == connection.id)
    return ApiResponse(import_view(import_) | {"items": _import_items(context.service, import_)})


def import_view(import_: Import) -> dict[str, Any]:
    """Return an import as JSON."""
    return serializers.compact(
        _id=import_.id,
        connection_id=import_.connection_id,
        provider=import_.provider,
        custom_id=import_.custom_id,
        item_count=len(import_.items),
        created_at=rfc3339_millis(import_.created_at),
    )


def _import_items(service: Service, import_: Import) -> list[dict[str, Any]]:
    """Return the items with their current statuses, without those with deleted assets."""
    items: list[dict[str, Any]] = []
    for item in import_.items:
        view: dict[str, Any] = {"source_id": item.source_id, "action": item.action}
        asset = service.state.assets.get(item.asset_id or "")
        if asset is not None:
            items.append(view | {"asset_id": asset.id, "status": progress.asset_status(service, asset)})
        elif item.asset_id is None:
            items.append(view | {"error": {"code": item.code, "message": item.message}})
    return items


OPERATIONS = (
    Operation("POST", "/connections:authorize", authorize),
    Operation("GET", "/connections", list_connections),
    Operation("GET", "/connections/redirect-uris", list_redirect_uris),
    Operation("POST", "/connections/redirect-uris", create_redirect_uri),
    Operation("DELETE", "/connections/redirect-uris/{redirect_uri_id}", delete_redirect_uri),
    Operation("GET", "/connections/{connection_id}", retrieve_connection),
    Operation("DELETE", "/connections/{connection_id}", delete_connection),
    Operation("POST", "/connections/{connection_id}/picker-token", create_picker_token),
    Operation("GET", IMPORTS_PATH, list_imports),
    Operation("POST", IMPORTS_PATH, create_import),
    Operation("GET", IMPORTS_PATH + "/{import_id}", retrieve_import),
)
