"""Page readers: build a page, and the request for the next one, from the response of a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import attrs

from twelvelabs_async._arguments import DEFAULT_PAGE_LIMIT, checked_int, omit_none
from twelvelabs_async._codec.converter import structure
from twelvelabs_async.errors import APIError, BadRequestError, GoneError, MalformedResponseError, SearchExpiredError
from twelvelabs_async.models.common import Model, PageInfo
from twelvelabs_async.pagination import Page
from twelvelabs_async.requests import Request

T = TypeVar("T")

RawRequest = Request[dict[str, Any]]

PageReader = Callable[[RawRequest, dict[str, Any]], Page[T]]
"""Builds a page from its request and the JSON body of the response."""


def page_number_reader(item_type: type[T], items_key: str = "data") -> PageReader[T]:
    """Return a reader for lists with `page` and `page_limit`; the items are under `items_key`."""

    def read(request: RawRequest, body: dict[str, Any]) -> Page[T]:
        items = _parse_items(request, body, items_key, item_type)
        info = structure(body.get("page_info") or {}, PageInfo, path="$.page_info")
        number = cast("int", request.query.get("page") or 1)
        if number > 1 and info.page is not None and info.page != number:
            message = f"requested page {number}, the server sent page {info.page}"
            raise MalformedResponseError(message=message, operation=request.operation, path="$.page_info.page")
        if not items and info.total_page is not None and number < info.total_page:
            message = f"page {number} of {info.total_page} is empty"
            raise MalformedResponseError(message=message, operation=request.operation, path=f"$.{items_key}")
        limit = info.limit_per_page or cast("int", request.query.get("page_limit") or DEFAULT_PAGE_LIMIT)
        has_more = len(items) >= limit if info.total_page is None else number < info.total_page

        following = attrs.evolve(request, query={**request.query, "page": number + 1}) if has_more and items else None
        return Page(
            items=items,
            number=number,
            total_pages=info.total_page,
            total=info.total_results,
            limit=limit,
            next_request=following,
            extra={name: value for name, value in body.items() if name != items_key},
            item_type=item_type,
        )

    return read


@attrs.frozen(kw_only=True)
class TokenPageInfo(Model):
    """The `page_info` of a list with page tokens."""

    next_page_token: str | None = None
    """Token of the next page; None on the last page."""
    total_results: int | None = None
    """Number of items on all pages, if the API reports it."""


def page_token_reader(item_type: type[T], request_for_token: Callable[[str], RawRequest]) -> PageReader[T]:
    """Return a reader for lists with `page_info.next_page_token`; `request_for_token` builds the next request."""

    def read(request: RawRequest, body: dict[str, Any]) -> Page[T]:
        info = structure(body.get("page_info") or {}, TokenPageInfo, path="$.page_info")
        token = info.next_page_token
        return Page(
            items=_parse_items(request, body, "data", item_type),
            total=info.total_results,
            next_request=request_for_token(token) if token else None,
            extra={name: value for name, value in body.items() if name != "data"},
            item_type=item_type,
        )

    return read


def body_token_reader(item_type: type[T]) -> PageReader[T]:
    """Return a reader for lists whose `next_page_token` is sent in the JSON body of the next request."""

    def read(request: RawRequest, body: dict[str, Any]) -> Page[T]:
        token = structure(omit_none(next_page_token=body.get("next_page_token")), TokenPageInfo).next_page_token
        return Page(
            items=_parse_items(request, body, "data", item_type),
            next_request=attrs.evolve(request, json={**request.json, "page_token": token}) if token else None,
            extra={name: value for name, value in body.items() if name != "data"},
            item_type=item_type,
        )

    return read


def _parse_items(request: RawRequest, body: dict[str, Any], items_key: str, item_type: type[T]) -> tuple[T, ...]:
    if items_key not in body:
        message = f"the page has no {items_key!r}"
        raise MalformedResponseError(message=message, operation=request.operation, path=f"$.{items_key}")
    return structure(body[items_key] or [], tuple[item_type, ...], path=f"$.{items_key}")  # type: ignore[valid-type]  # a type held in a variable


def search_expired_error(error: APIError, hits: int) -> APIError | None:
    """Return the error of a search whose next page is rejected: its token came from the server, so it has expired."""
    if not isinstance(error, BadRequestError | GoneError):
        return None
    values = {field.name: getattr(error, field.name) for field in attrs.fields(APIError)}
    values["message"] = f"the search expired after {hits} hits; repeat the search ({error.message})"
    return SearchExpiredError(**values, hit_count=hits)


def page_query(query: Mapping[str, Any], page: int | None, page_limit: int | None) -> dict[str, Any]:
    """Return the query of a list with its page parameters.

    Raises:
        InvalidInputError: `page` is below 1, or `page_limit` is not 1 to 50.
    """
    if page is not None:
        checked_int("page", page)
    if page_limit is not None:
        checked_int("page_limit", page_limit, 1, 50)
    return {**query, **omit_none(page=page, page_limit=page_limit)}
