"""Search in an index."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Any

from twelvelabs_async.emulator import _search
from twelvelabs_async.emulator._api import assets, listing
from twelvelabs_async.emulator._api.context import ApiResponse, Operation, RequestContext
from twelvelabs_async.emulator._api.validation import Form, check_text, require_choice
from twelvelabs_async.emulator._errors import ApiError, invalid_parameter, missing_parameter
from twelvelabs_async.emulator._json import rfc3339_seconds
from twelvelabs_async.emulator._media import descriptions
from twelvelabs_async.emulator._media.media import header_of, read_header, thumbnail_url
from twelvelabs_async.emulator._media.rules import MAX_UPLOAD_SIZES, marengo_problem
from twelvelabs_async.emulator._state import progress
from twelvelabs_async.emulator._state.entities import Hit, Index, Search
from twelvelabs_async.emulator._state.service import Service

OPTIONS = ("visual", "audio", "transcription")
TRANSCRIPTION_OPTIONS = ("lexical", "semantic")
MAX_IMAGES = 10
_PAGE_NUMBER = re.compile(r"[0-9]{1,400}")
FORMER_PARAMETERS = {
    "sort_option": ("score", "clip_count"),
    "threshold": ("high", "medium", "low", "none"),
}
"""Parameters that have no effect any more, and their values."""


async def search(context: RequestContext) -> ApiResponse:
    """POST /search."""
    service = context.service
    async with context.form() as form:
        index = service.index(form.require("index_id"))
        options = _options(form, index)
        query = await _query(service, form, options)
        conditions = _search.parse_filter(form.get("filter"))
        _search.check_ids(conditions, {video.id for video in service.state.videos_of_index(index.id)})
        for name, choices in FORMER_PARAMETERS.items():
            form.choice(name, choices)
        groups = form.choice("group_by", ("clip", "video")) == "video"
        limit = listing.parse_positive_int(
            "page_limit", form.get("page_limit") or str(listing.DEFAULT_PAGE_LIMIT), listing.MAX_PAGE_LIMIT
        )
        with_metadata = form.flag("include_user_metadata", default=False)
    videos = [video for video in progress.ready_videos(service, index.id) if _search.matches_filter(conditions, video)]
    hits = _search.find_hits(query, videos)
    search = Search(
        id=service.state.ids.uuid_token(),
        index_id=index.id,
        items=_search.group_by(hits, lambda hit: hit.video.id) if groups else hits,
        total_inner_matches=len(hits) if groups else None,
        limit=limit,
        transcription="transcription" in options,
        thumbnails="thumbnail" in index.addons,
        user_metadata=with_metadata,
        expires_at=service.now() + service.timing.token_lifetime,
    )
    _save_search(service, search)
    return ApiResponse(_page(service, search, 1))


def _options(form: Form, index: Index) -> frozenset[str]:
    value = form.fields.get("search_options")
    if not value:
        raise missing_parameter("search_options")
    options = frozenset(value)
    # An index with audio also supports transcription, which is not an option of an index.
    supported = {*index.options, "transcription"} if "audio" in index.options else index.options
    if options - supported:
        message = f"The index {index.id} does not support {sorted(options - supported)}, only {sorted(supported)}."
        raise ApiError(400, "search_option_not_supported", message)
    spoken = form.fields.get("transcription_options", [])
    for option in spoken:
        require_choice("transcription_options", option, TRANSCRIPTION_OPTIONS)
    if spoken and "transcription" not in options:
        message = "The transcription_options parameter needs transcription among the search_options."
        raise ApiError(400, "search_option_combination_not_supported", message)
    return options


async def _query(service: Service, form: Form, options: frozenset[str]) -> _search.Query:
    text, images = form.get("query_text"), await _images(service, form)
    if text is None and not images:
        raise missing_parameter("query_text, query_media_url or query_media_file")
    if text is not None:
        check_text("query_text", text)
    if images and "visual" not in options:
        raise invalid_parameter("search_options", "it must include visual for a query with images")
    return _search.Query(
        text=text or "",
        images=images,
        options=options,
        match_all_options=form.choice("operator", ("or", "and")) == "and",
        mode=service.settings.search,
        seed=service.settings.seed,
    )


async def _images(service: Service, form: Form) -> tuple[str, ...]:
    urls, files = form.fields.get("query_media_url", []), form.files.get("query_media_file", [])
    images = (*urls, *(file.digest for file in files))
    kind = form.choice("query_media_type", ("image",))
    if images and kind is None:
        raise missing_parameter("query_media_type")
    if kind is not None and not images:
        raise missing_parameter("query_media_url or query_media_file")
    if len(images) > MAX_IMAGES:
        raise invalid_parameter("query_media_file", f"at most {MAX_IMAGES} images are allowed")
    for url in urls:
        _check_image_url(url)
    for file in files:
        assets.check_size("image", file.size, MAX_UPLOAD_SIZES["direct"])
    for file in files if service.settings.inspect_media else ():
        if problem := marengo_problem(await asyncio.to_thread(read_header, file.path)):
            raise invalid_parameter("query_media_file", problem)
    return images


def _check_image_url(url: str) -> None:
    _, info = assets.media_from_url("query_media_url", url, kind="image")
    if problem := info.problem or marengo_problem(header_of(info)):
        raise invalid_parameter("query_media_url", problem.rstrip("."))


def _save_search(service: Service, search: Search) -> None:
    """Save the results for further pages, and delete searches with expired tokens."""
    searches, now = service.state.searches, service.now()
    for key in [key for key, old in searches.items() if old.expires_at <= now]:
        del searches[key]
    if len(search.items) > search.limit:
        searches[search.id] = search


async def retrieve_page(context: RequestContext) -> ApiResponse:
    """GET /search/{page-token}."""
    search_id, _, number = context.path_param("page-token").rpartition("-")
    page = int(number) if _PAGE_NUMBER.fullmatch(number) else 0
    search = context.service.state.searches.get(search_id)
    if search is None or context.service.now() >= search.expires_at or not 1 <= page <= _page_count(search):
        message = "The page token is unknown or has expired. Repeat the search to get a new one."
        raise ApiError(400, "search_page_token_expired", message)
    with_metadata = context.query_flag("include_user_metadata", default=search.user_metadata)
    return ApiResponse(_page(context.service, replace(search, user_metadata=with_metadata), page))


def _page_count(search: Search) -> int:
    return max(1, -(-len(search.items) // search.limit))


def _page(service: Service, search: Search, number: int) -> dict[str, Any]:
    start = (number - 1) * search.limit
    info: dict[str, Any] = {
        "limit_per_page": search.limit,
        "total_results": len(search.items),
        "page_expires_at": rfc3339_seconds(search.expires_at),
    }
    if search.total_inner_matches is not None:
        info["total_inner_matches"] = search.total_inner_matches
    if number < _page_count(search):
        info["next_page_token"] = f"{search.id}-{number + 1}"
    if number > 1:
        info["prev_page_token"] = f"{search.id}-{number - 1}"
    items = search.items[start : start + search.limit]
    videos = progress.ready_videos(service, search.index_id)
    total = sum(video.asset.media.duration or 0 for video in videos)
    pool = {"total_count": len(videos), "total_duration": round(total, 3), "index_id": search.index_id}
    return {"data": [_item(service, search, item) for item in items], "page_info": info, "search_pool": pool}


def _item(service: Service, search: Search, item: Hit | list[Hit]) -> dict[str, Any]:
    if isinstance(item, Hit):
        return _clip(service, search, item)
    return {"id": item[0].video.id, "clips": [_clip(service, search, hit) for hit in item]}


def _clip(service: Service, search: Search, hit: Hit) -> dict[str, Any]:
    view: dict[str, Any] = {"start": hit.start, "end": hit.end, "video_id": hit.video.id, "rank": hit.rank}
    if search.thumbnails:
        view["thumbnail_url"] = thumbnail_url(service.account_url, hit.video.asset, f"{hit.start:g}")
    if search.transcription:
        view["transcription"] = descriptions.spoken_between(hit.video.asset, hit.start, hit.end)
    metadata = hit.video.asset.user_metadata | hit.video.user_metadata
    if search.user_metadata and metadata:
        view["user_metadata"] = metadata
    return view


OPERATIONS = (
    Operation("POST", "/search", search),
    Operation("GET", "/search/{page-token}", retrieve_page),
)
