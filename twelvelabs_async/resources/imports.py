"""Imports: files fetched by way of a connection.

https://docs.twelvelabs.io/v1.3/api-reference/imports
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.models.connectors import Import, ImportDetail, ImportResult, ImportSource
from twelvelabs_async.paginator import Paginator
from twelvelabs_async.resources.base import Resource
from twelvelabs_async.resources.inputs import several
from twelvelabs_async.waiting import Callback, Lifecycle, until_done

LIFE: Final = Lifecycle(resource="import", failed=frozenset())

MOST_FILES: Final = 100
"""Files the platform takes in one import."""


class Imports(Resource):
    """Files fetched by way of a connection; each becomes an asset."""

    async def import_files(
        self, connection_id: str, *, items: Sequence[ImportSource | Mapping[str, Any] | str]
    ) -> ImportResult:
        """Fetch files. Returns at once, and succeeds even if files are rejected: look at `has_failures`.

        A file that was imported before is skipped, and told with the asset it became.

        Args:
            connection_id: The connection.
            items: The provider's identifiers of 1 to 100 files, each once.

        Raises:
            InvalidInputError: There are more, or none.
            ConflictError: The connection is not active.
        """
        files = [{"source_id": item} if isinstance(item, str) else item for item in several("items", items) or ()]
        if len(files) > MOST_FILES:
            raise InvalidInputError(f"an import takes {MOST_FILES} files at most, not {len(files)}")
        return await self._post(
            "/connections/{connection_id}/imports",
            ImportResult,
            retry="idempotent",
            json={"items": files},
            connection_id=connection_id,
        )

    async def retrieve_import(self, connection_id: str, import_id: str) -> ImportDetail:
        """One import, and how far each file is.

        Raises:
            NotFoundError: No such import.
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
        callback: Callback[ImportDetail] | None = None,
    ) -> ImportDetail:
        """Wait until every file of an import has ended, well or not: look at the `status` of each item.

        Args:
            connection_id: The connection.
            import_id: The import.
            timeout: Seconds to wait; None is an hour.
            sleep_interval: Seconds between two looks; None looks less and less often.
            callback: Is shown the import after each look.

        Raises:
            WaitTimeoutError: The time is over, the import goes on.
        """
        return await until_done(
            lambda: self.retrieve_import(connection_id, import_id),
            life=LIFE,
            id=import_id,
            clock=self._caller.clock,
            timeout=timeout,
            sleep_interval=sleep_interval,
            callback=callback,
        )

    def list_imports(
        self, connection_id: str, *, page: int | None = None, page_limit: int | None = 50
    ) -> Paginator[Import]:
        """Imports of a connection, newest first. Sends nothing until awaited or iterated.

        Args:
            connection_id: The connection.
            page: Where to start, from 1.
            page_limit: Items a page, 1 to 50.
        """
        return self._list(
            "/connections/{connection_id}/imports",
            Import,
            page=page,
            page_limit=page_limit,
            connection_id=connection_id,
        )
