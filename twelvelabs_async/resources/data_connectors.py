"""Connections to other places where files are.

https://docs.twelvelabs.io/v1.3/api-reference/connections
"""

from __future__ import annotations

from twelvelabs_async.errors import ConflictError
from twelvelabs_async.models.connectors import (
    Connection,
    ConnectionAuthorization,
    ConnectionProvider,
    PickerToken,
    RedirectUri,
)
from twelvelabs_async.paginator import Paginator
from twelvelabs_async.request import given
from twelvelabs_async.resources.base import Resource


class DataConnectors(Resource):
    """Leave to read files of accounts elsewhere."""

    async def authorize_connection(
        self, *, provider: ConnectionProvider, redirect_uri: str, custom_id: str | None = None
    ) -> ConnectionAuthorization:
        """Begin an authorization, which a person completes in a browser. The connection is there once they did.

        Args:
            provider: Where the files are.
            redirect_uri: Where to send them back to; one of those registered, if any are.
            custom_id: Your own name for the connection.

        Raises:
            APIError: `redirect_uri` is not one of those registered; whether as 400 or 422 is not documented.
        """
        body = given(provider=provider, redirect_uri=redirect_uri, custom_id=custom_id)
        return await self._post("/connections:authorize", ConnectionAuthorization, retry="repeatable", json=body)

    async def retrieve_connection(self, connection_id: str) -> Connection:
        """One connection.

        Raises:
            NotFoundError: No such connection.
        """
        return await self._get("/connections/{connection_id}", Connection, connection_id=connection_id)

    async def delete_connection(self, connection_id: str) -> None:
        """Give a connection up; what was imported by it remains."""
        await self._delete("/connections/{connection_id}", connection_id=connection_id)

    async def create_connection_picker_token(self, connection_id: str) -> PickerToken:
        """What a file picker of the provider needs, in a browser.

        Raises:
            ConflictError: The connection is not active.
        """
        return await self._post(
            "/connections/{connection_id}/picker-token", PickerToken, retry="repeatable", connection_id=connection_id
        )

    async def create_redirect_uri(self, *, redirect_uri: str) -> RedirectUri:
        """Register an address to which people may be sent back after they authorized a connection.

        Args:
            redirect_uri: The address.

        Raises:
            ConflictError: It is registered already, which is as good.
            UnprocessableEntityError: It is no such address, or there are too many.
        """
        try:
            return await self._post(
                "/connections/redirect-uris", RedirectUri, retry="idempotent", json={"redirect_uri": redirect_uri}
            )
        except ConflictError as error:
            if error.attempts == 1:
                raise
            # An earlier attempt has registered it unseen.
            async for known in self.list_redirect_uris():
                if known.redirect_uri == redirect_uri:
                    return known
            raise

    async def delete_redirect_uri(self, redirect_uri_id: str) -> None:
        """Remove a registered address."""
        await self._delete("/connections/redirect-uris/{redirect_uri_id}", redirect_uri_id=redirect_uri_id)

    def list_redirect_uris(self, *, page: int | None = None, page_limit: int | None = 50) -> Paginator[RedirectUri]:
        """Registered addresses, newest first. Sends nothing until awaited or iterated.

        Args:
            page: Where to start, from 1.
            page_limit: Items a page, 1 to 50.
        """
        return self._list("/connections/redirect-uris", RedirectUri, page=page, page_limit=page_limit)

    def list_connections(self, *, page: int | None = None, page_limit: int | None = 50) -> Paginator[Connection]:
        """Connections, newest first. Sends nothing until awaited or iterated.

        Args:
            page: Where to start, from 1.
            page_limit: Items a page, 1 to 50.
        """
        return self._list("/connections", Connection, page=page, page_limit=page_limit)
