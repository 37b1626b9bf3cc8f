"""What every group of operations is built from: five verbs and a list."""

from __future__ import annotations

from typing import Any, TypeVar

from twelvelabs_async.api import Caller
from twelvelabs_async.paginator import Paginator, first_page, numbered
from twelvelabs_async.request import Form, Request, RetryClass

T = TypeVar("T")

Query = dict[str, Any]


class Resource:
    """A group of operations. Path variables go by keyword, `-` in the template written as `_`."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def _get(self, template: str, into: type[T], *, query: Query | None = None, **ids: str) -> T:
        return await self._caller.call(
            Request(method="GET", template=template, into=into, retry="safe", ids=ids, query=query or {})
        )

    async def _post(
        self, template: str, into: type[T], *, retry: RetryClass, json: Any = None, form: Form | None = None, **ids: str
    ) -> T:
        return await self._caller.call(
            Request(method="POST", template=template, into=into, retry=retry, ids=ids, json=json, form=form)
        )

    async def _put(self, template: str, into: type[T], *, json: Any = None, **ids: str) -> T:
        return await self._caller.call(
            Request(method="PUT", template=template, into=into, retry="idempotent", ids=ids, json=json)
        )

    async def _patch(self, template: str, into: type[T], *, json: Any = None, **ids: str) -> T:
        return await self._caller.call(
            Request(method="PATCH", template=template, into=into, retry="idempotent", ids=ids, json=json)
        )

    async def _delete(self, template: str, *, query: Query | None = None, json: Any = None, **ids: str) -> None:
        await self._caller.call(
            Request(
                method="DELETE",
                template=template,
                into=type(None),
                retry="idempotent",
                ids=ids,
                query=query or {},
                json=json,
            )
        )

    def _list(
        self,
        template: str,
        item: type[T],
        *,
        page: int | None = None,
        page_limit: int | None = None,
        query: Query | None = None,
        key: str = "data",
        **ids: str,
    ) -> Paginator[T]:
        request = Request[dict[str, Any]](
            method="GET",
            template=template,
            into=dict,
            retry="safe",
            ids=ids,
            query=first_page(query or {}, page, page_limit),
        )
        request.path()  # an id that cannot be sent is told here, where it was passed
        return Paginator(self._caller, request, numbered(item, key))
