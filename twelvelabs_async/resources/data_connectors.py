"""Connections to external storage accounts, and imports of files through them.

https://docs.twelvelabs.io/v1.3/api-reference/connections

https://docs.twelvelabs.io/v1.3/api-reference/imports
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from twelvelabs_async._arguments import omit_none
from twelvelabs_async._core.validation import checked_items
from twelvelabs_async._polling import IMPORT_LIFECYCLE
from twelvelabs_async.errors import ConflictError, InvalidInputError
from twelvelabs_async.models.common import ObjectLike
from twelvelabs_async.models.connectors import (
    Connection,
    ConnectionAuthorization,
    ConnectionProvider,
    Import,
    ImportDetail,
    ImportResult,
    ImportSource,
    PickerToken,
    RedirectUri,
)
from twelvelabs_async.pagination import Paginator
from twelvelabs_async.resources._base import Resource
from twelvelabs_async.waiting import PollCallback


class DataConnectors(Resource):
    """OAuth connections to external storage accounts."""

    async def authorize_connection(
        self, *, provider: ConnectionProvider, redirect_uri: str, custom_id: str | None = None
    ) -> ConnectionAuthorization:
        """Start an authorization, which a user completes in a browser. The connection exists once they have done so.

        Args:
            provider: The provider.
            redirect_uri: URL to redirect the user to; one of the registered ones, if there are any.
            custom_id: Your own id for the connection.

        Raises:
            APIError: `redirect_uri` is not registered; the documentation does not say whether the status is 400 or 422.

        API: `POST /connections:authorize`

        Example:
            authorization = await client.data_connectors.authorize_connection(
                provider="google_drive", redirect_uri=redirect_uri.redirect_uri, custom_id="user-1"
            )
            print(authorization.authorize_url, authorization.state)
        """
        body = omit_none(provider=provider, redirect_uri=redirect_uri, custom_id=custom_id)
        return await self._send(
            "POST", "/connections:authorize", ConnectionAuthorization, body, retry_class="leaves_orphan"
        )

    async def retrieve_connection(self, connection_id: str) -> Connection:
        """Return a connection.

        Raises:
            NotFoundError: The connection does not exist.

        API: `GET /connections/{connection_id}`

        Example:
            found = await client.data_connectors.retrieve_connection(connection.id)
            print(found.provider, found.status)
        """
        return await self._get("/connections/{connection_id}", Connection, connection_id=connection_id)

    async def delete_connection(self, connection_id: str) -> None:
        """Delete a connection; the imported assets remain.

        Raises:
            NotFoundError: The connection does not exist.

        API: `DELETE /connections/{connection_id}`

        Example:
            await client.data_connectors.delete_connection(connection.id)
        """
        await self._send("DELETE", "/connections/{connection_id}", type(None), connection_id=connection_id)

    async def create_connection_picker_token(self, connection_id: str) -> PickerToken:
        """Create a token for the provider's file picker, which runs in a browser.

        Raises:
            ConflictError: The connection is not active.
            NotFoundError: The connection does not exist.

        API: `POST /connections/{connection_id}/picker-token`

        Example:
            token = await client.data_connectors.create_connection_picker_token(connection.id)
            print(token.expires_in)
        """
        return await self._send(
            "POST",
            "/connections/{connection_id}/picker-token",
            PickerToken,
            retry_class="leaves_orphan",
            connection_id=connection_id,
        )

    async def create_redirect_uri(self, *, redirect_uri: str) -> RedirectUri:
        """Register a URL that users may be redirected to after an authorization.

        Args:
            redirect_uri: The URL.

        Raises:
            ConflictError: It is already registered.
            UnprocessableEntityError: The URL is invalid, or there are too many.

        API: `POST /connections/redirect-uris`

        Example:
            registered = await client.data_connectors.create_redirect_uri(redirect_uri="https://example.com/connected")
            print(registered.id)
        """
        try:
            body = {"redirect_uri": redirect_uri}
            return await self._send("POST", "/connections/redirect-uris", RedirectUri, body, retry_class="idempotent")
        except ConflictError as error:
            if error.attempts == 1:
                raise
            # An earlier attempt may have registered it unnoticed.
            async for registered in self.list_redirect_uris():
                if registered.redirect_uri == redirect_uri:
                    return registered
            raise

    async def delete_redirect_uri(self, redirect_uri_id: str) -> None:
        """Remove a registered URL.

        Raises:
            NotFoundError: The URL is not registered.

        API: `DELETE /connections/redirect-uris/{redirect_uri_id}`

        Example:
            await client.data_connectors.delete_redirect_uri(redirect_uri.id)
        """
        await self._send(
            "DELETE", "/connections/redirect-uris/{redirect_uri_id}", type(None), redirect_uri_id=redirect_uri_id
        )

    def list_redirect_uris(self, *, page: int | None = None, page_limit: int | None = 50) -> Paginator[RedirectUri]:
        """List registered URLs, newest first. Sends nothing until awaited or iterated.

        Args:
            page: First page, from 1.
            page_limit: Items per page, 1 to 50.

        Raises:
            BadRequestError: Raised while iterating: a parameter is invalid.

        API: `GET /connections/redirect-uris`

        Example:
            async for registered in client.data_connectors.list_redirect_uris():
                print(registered.id, registered.redirect_uri)
        """
        return self._list("/connections/redirect-uris", RedirectUri, page, page_limit)

    def list_connections(self, *, page: int | None = None, page_limit: int | None = 50) -> Paginator[Connection]:
        """List connections, newest first. Sends nothing until awaited or iterated.

        Args:
            page: First page, from 1.
            page_limit: Items per page, 1 to 50.

        Raises:
            BadRequestError: Raised while iterating: a parameter is invalid.

        API: `GET /connections`

        Example:
            async for found in client.data_connectors.list_connections():
                print(found.id, found.provider, found.status)
        """
        return self._list("/connections", Connection, page, page_limit)


_MAX_IMPORT_FILES: Final = 100
"""Maximum number of files per import."""


_IMPORTS: Final = "/connections/{connection_id}/imports"


class Imports(Resource):
    """Imports of files through a connection; each file becomes an asset."""

    async def import_files(
        self, connection_id: str, *, items: Sequence[ImportSource | ObjectLike | str]
    ) -> ImportResult:
        """Import files and return immediately. Succeeds even if files are rejected: check `has_failures`.

        A file that was imported before is skipped, and returned with its asset.

        Args:
            connection_id: Id of the connection.
            items: The provider's ids of the files, 1 to 100 without duplicates.

        Raises:
            InvalidInputError: There are no files, or too many.
            ConflictError: The connection is not active.
            NotFoundError: The connection does not exist.

        API: `POST /connections/{connection_id}/imports`

        Example:
            started = await client.imports.import_files(connection.id, items=["film"])
            finished = await client.imports.wait_for_done(connection.id, started.id)
            for item in finished.items:
                print(item.source_id, item.asset_id, item.status)
        """
        files = [{"source_id": item} if isinstance(item, str) else item for item in checked_items("items", items)]
        if len(files) > _MAX_IMPORT_FILES:
            raise InvalidInputError(f"items must contain at most {_MAX_IMPORT_FILES} files, got {len(files)}")
        return await self._send(
            "POST", _IMPORTS, ImportResult, {"items": files}, retry_class="idempotent", connection_id=connection_id
        )

    async def retrieve_import(self, connection_id: str, import_id: str) -> ImportDetail:
        """Return an import, with the status of each file.

        Raises:
            NotFoundError: The import does not exist.

        API: `GET /connections/{connection_id}/imports/{import_id}`

        Example:
            found = await client.imports.retrieve_import(connection.id, started_import.id)
            print(found.status, [item.status for item in found.items])
        """
        return await self._get(
            "/connections/{connection_id}/imports/{import_id}",
            ImportDetail,
            connection_id=connection_id,
            import_id=import_id,
        )

    async def wait_for_done(
        self,
        connection_id: str,
        import_id: str,
        *,
        timeout: float | None = None,
        sleep_interval: float | None = None,
        callback: PollCallback[ImportDetail] | None = None,
    ) -> ImportDetail:
        """Wait until every file of an import has succeeded or failed: check the `status` of each item.

        Args:
            connection_id: Id of the connection.
            import_id: Id of the import.
            timeout: Seconds to wait; None is one hour.
            sleep_interval: Seconds between two polls; None starts at one second and slows down to fifteen.
            callback: Called with the import after each poll.

        Raises:
            WaitTimeoutError: The import did not finish in time; it continues on the server.
            NotFoundError: The import does not exist.

        Example:
            finished = await client.imports.wait_for_done(connection.id, started_import.id, timeout=600)
            print(finished.status)  # ready
        """
        fetch = partial(self.retrieve_import, connection_id)
        return await self._poll(fetch, IMPORT_LIFECYCLE, import_id, timeout, sleep_interval, callback)

    def list_imports(
        self, connection_id: str, *, page: int | None = None, page_limit: int | None = 50
    ) -> Paginator[Import]:
        """List the imports of a connection, newest first. Sends nothing until awaited or iterated.

        Args:
            connection_id: Id of the connection.
            page: First page, from 1.
            page_limit: Items per page, 1 to 50.

        Raises:
            NotFoundError: Raised while iterating: the connection does not exist.

        API: `GET /connections/{connection_id}/imports`

        Example:
            async for found in client.imports.list_imports(connection.id):
                print(found.id, found.item_count)
        """
        return self._list(_IMPORTS, Import, page, page_limit, connection_id=connection_id)
