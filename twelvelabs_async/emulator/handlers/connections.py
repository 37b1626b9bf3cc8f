"""Connections to other providers, and where people are sent back to from there."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from twelvelabs_async.emulator import fields, paging, seeded
from twelvelabs_async.emulator.call import NO_CONTENT, Call, Operation, Reply
from twelvelabs_async.emulator.clock import moment
from twelvelabs_async.emulator.connectors import Connection, RedirectUri
from twelvelabs_async.emulator.errors import ApiError, choice, unknown
from twelvelabs_async.emulator.handlers import views

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twelvelabs_async.emulator.connectors import RemoteFile, Status
    from twelvelabs_async.emulator.world import World

PROVIDERS = ("google_drive",)
SCOPES = ("https://www.googleapis.com/auth/drive.readonly",)
CONSENT_PAGE = "https://accounts.example.com/authorize"
"""Stands for the provider's page: nobody can give a consent here, see `Emulator.connect`."""
MOST_URIS = 20
"""The API has a limit and does not say which."""
PICKER_SECONDS = 3600


async def authorize(call: Call) -> Reply:
    """POST /connections:authorize."""
    body = await call.json()
    provider = choice("provider", body.get("provider"), PROVIDERS)
    uri, custom_id = fields.required_text(body, "redirect_uri"), fields.text(body, "custom_id")
    registered = {known.uri for known in call.world.state.connectors.redirect_uris.values()}
    if registered and uri not in registered:  # without any, all are accepted
        raise _bad_uri(f"The redirect URI {uri} is not registered.")
    state = call.world.state.ids.token()
    query = {"provider": provider, "redirect_uri": uri, "state": state} | (
        {"custom_id": custom_id} if custom_id else {}
    )
    return Reply({"authorize_url": f"{CONSENT_PAGE}?{urlencode(query)}", "state": state})


def _bad_uri(why: str) -> ApiError:
    return ApiError(422, "redirect_uri_invalid", why)


async def list_(call: Call) -> Reply:
    """GET /connections."""
    found = paging.newest_first(list(call.world.state.connectors.connections.values()))
    return Reply(paging.page(call.query, found, _view))


def find(call: Call) -> Connection:
    """Return the connection that the path names.

    Raises:
        ApiError: There is none.
    """
    identifier = call.id("connection_id")
    found = call.world.state.connectors.connections.get(identifier)
    if found is None:
        raise unknown("connection", identifier)
    return found


def use(call: Call) -> Connection:
    """Return the connection that the path names, for something that needs access.

    Raises:
        ApiError: There is none, or the access is over.
    """
    connection = find(call)
    if connection.status != "active":
        why = f"The connection {connection.id} cannot be used: its status is {connection.status}."
        raise ApiError(409, "connection_not_active", why)
    connection.used_at = call.world.now()
    return connection


async def retrieve(call: Call) -> Reply:
    """GET /connections/{connection_id}."""
    return Reply(_view(find(call)))


async def delete(call: Call) -> Reply:
    """DELETE /connections/{connection_id}; what was imported stays."""
    del call.world.state.connectors.connections[find(call).id]
    return NO_CONTENT


async def create_picker_token(call: Call) -> Reply:
    """POST /connections/{connection_id}/picker-token."""
    connection = use(call)
    return Reply(
        {
            "access_token": f"picker-{call.world.state.ids.nonce()}",
            "expires_in": PICKER_SECONDS,
            "scope": " ".join(SCOPES),
            "app_id": str(seeded.number("app", call.world.settings.seed) % 10**12),
            "developer_key": f"key-{connection.provider}",
        }
    )


def _view(connection: Connection) -> dict[str, Any]:
    used = connection.used_at
    return views.compact(
        {
            "_id": connection.id,
            "provider": connection.provider,
            "status": connection.status,
            "custom_id": connection.custom_id,
            "account": {"external_id": connection.account_id, "display_name": connection.account_name},
            "scopes": list(SCOPES),
            "connected_at": moment(connection.created_at),
            "last_used_at": None if used is None else moment(used),
        }
    )


async def create_redirect_uri(call: Call) -> Reply:
    """POST /connections/redirect-uris."""
    uri = fields.required_text(await call.json(), "redirect_uri")
    state = call.world.state
    kept = state.connectors.redirect_uris
    _check_uri(uri)
    if any(known.uri == uri for known in kept.values()):
        raise ApiError(409, "redirect_uri_already_exists", f"The redirect URI {uri} is registered already.")
    if len(kept) >= MOST_URIS:
        raise ApiError(422, "redirect_uri_limit_exceeded", f"There may be no more than {MOST_URIS} redirect URIs.")
    made = RedirectUri(id=state.ids.object(), uri=uri, created_at=call.world.now())
    kept[made.id] = made
    return Reply(_uri_view(made), 201)


def _check_uri(uri: str) -> None:
    try:
        parts = urlsplit(uri)
        public = _is_public(parts.hostname or "")
    except ValueError as error:
        raise _bad_uri(f"{uri} is no URI.") from error
    if parts.scheme != "https" or "*" in uri or not public:
        raise _bad_uri(f"{uri} must use https, have no wildcards and lead to a public host.")


def _is_public(host: str) -> bool:
    """Say whether a host may be public, going by its name: nothing is looked up."""
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".localhost", ".local", ".internal"))


async def list_redirect_uris(call: Call) -> Reply:
    """GET /connections/redirect-uris."""
    found = paging.newest_first(list(call.world.state.connectors.redirect_uris.values()))
    return Reply(paging.page(call.query, found, _uri_view))


async def delete_redirect_uri(call: Call) -> Reply:
    """DELETE /connections/redirect-uris/{redirect_uri_id}."""
    identifier = call.id("redirect_uri_id")
    if call.world.state.connectors.redirect_uris.pop(identifier, None) is None:
        raise unknown("redirect URI", identifier)
    return NO_CONTENT


def _uri_view(known: RedirectUri) -> dict[str, Any]:
    return {"_id": known.id, "redirect_uri": known.uri, "created_at": moment(known.created_at)}


def add(
    world: World,
    *,
    provider: str,
    files: Mapping[str, RemoteFile],
    custom_id: str | None,
    account: str,
    status: Status,
) -> Connection:
    """Make a connection, as the provider's page does once somebody has given the consent."""
    number = seeded.number("account", account)
    connection = Connection(
        id=world.state.ids.object(),
        provider=choice("provider", provider, PROVIDERS),
        status=status,
        custom_id=custom_id,
        account_id=f"{number % 10**18:018}",
        account_name=account,
        files=files,
        created_at=world.now(),
    )
    world.state.connectors.connections[connection.id] = connection
    return connection


OPERATIONS = (
    Operation("POST", "/connections:authorize", authorize),
    Operation("GET", "/connections", list_),
    Operation("GET", "/connections/redirect-uris", list_redirect_uris),
    Operation("POST", "/connections/redirect-uris", create_redirect_uri),
    Operation("DELETE", "/connections/redirect-uris/{redirect_uri_id}", delete_redirect_uri),
    Operation("GET", "/connections/{connection_id}", retrieve),
    Operation("DELETE", "/connections/{connection_id}", delete),
    Operation("POST", "/connections/{connection_id}/picker-token", create_picker_token),
)
