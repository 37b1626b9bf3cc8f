"""Searches and their pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator import matching, paging, search_filter, speech
from twelvelabs_async.emulator.call import Call, Operation, Reply
from twelvelabs_async.emulator.clock import second
from twelvelabs_async.emulator.errors import ApiError, choice, invalid, missing
from twelvelabs_async.emulator.forms import Form
from twelvelabs_async.emulator.state import Hit, Index, Search

if TYPE_CHECKING:
    from twelvelabs_async.emulator.world import World

OPTIONS = ("visual", "audio", "transcription")
TRANSCRIPTION_OPTIONS = ("lexical", "semantic")
MOST_IMAGES = 10


async def create(call: Call) -> Reply:
    """POST /search."""
    world = call.world
    async with call.form() as form:
        index = world.index(form.required("index_id"))
        options = _options(form, index)
        query = _query(world, form, options)
        conditions = search_filter.read(form.text("filter"))
        groups = choice("group_by", form.text("group_by") or "clip", ("clip", "video")) == "video"
        limit = paging.whole("page_limit", form.text("page_limit") or str(paging.DEFAULT_LIMIT), paging.MOST)
        with_metadata = form.flag("include_user_metadata", default=False)
    videos = [video for video in world.ready_videos(index.id) if search_filter.fits(conditions, video)]
    hits = matching.hits(query, videos)
    search = Search(
        id=world.state.ids.token(),
        index_id=index.id,
        items=matching.by_video(hits) if groups else hits,
        inner=len(hits) if groups else None,
        limit=limit,
        transcription="transcription" in options,
        thumbnails="thumbnail" in index.addons,
        user_metadata=with_metadata,
        expires_at=world.now() + world.timing.token_lifetime,
    )
    _remember(world, search)
    return Reply(_page(world, search, 1, with_metadata=with_metadata))


def _options(form: Form, index: Index) -> frozenset[str]:
    given = form.texts.get("search_options")
    if not given:
        raise missing("search_options")
    options = frozenset(choice("search_options", option, OPTIONS) for option in given)
    # Speech is searched wherever there is sound; it is no option of an index.
    supported = {*index.options, "transcription"} if "audio" in index.options else index.options
    if options - supported:
        why = f"The index {index.id} does not support {sorted(options - supported)}, only {sorted(supported)}."
        raise ApiError(400, "search_option_not_supported", why)
    spoken = form.texts.get("transcription_options", [])
    for option in spoken:
        choice("transcription_options", option, TRANSCRIPTION_OPTIONS)
    if spoken and "transcription" not in options:
        why = "The transcription_options parameter needs transcription among the search_options."
        raise ApiError(400, "search_option_combination_not_supported", why)
    return options


def _query(world: World, form: Form, options: frozenset[str]) -> matching.Query:
    text, images = form.text("query_text"), _images(form)
    if text is None and not images:
        raise missing("query_text, query_media_url or query_media_file")
    if images and "visual" not in options:
        raise invalid("search_options", "a query with an image needs visual")
    return matching.Query(
        text=text or "",
        images=images,
        options=options,
        every_option=choice("operator", form.text("operator") or "or", ("or", "and")) == "and",
        seed=world.settings.seed,
    )


def _images(form: Form) -> tuple[str, ...]:
    urls = form.texts.get("query_media_url", [])
    images = (*urls, *(file.digest for file in form.files.get("query_media_file", [])))
    kind = form.text("query_media_type")
    if kind is not None:
        choice("query_media_type", kind, ("image",))
    if images and kind is None:
        raise missing("query_media_type")
    if kind is not None and not images:
        raise missing("query_media_url or query_media_file")
    if len(images) > MOST_IMAGES:
        raise invalid("query_media_file", f"there may be at most {MOST_IMAGES} images")
    return images


def _remember(world: World, search: Search) -> None:
    """Keep the results for the pages to come, and forget those whose tokens have expired."""
    searches, now = world.state.searches, world.now()
    for key in [key for key, old in searches.items() if old.expires_at <= now]:
        del searches[key]
    if len(search.items) > search.limit:
        searches[search.id] = search


async def retrieve(call: Call) -> Reply:
    """GET /search/{page-token}."""
    stem, _, number = call.text("page-token").rpartition("-")
    search = call.world.state.searches.get(stem)
    if search is None or call.world.now() >= search.expires_at or not number.isdecimal():
        raise _bad_token()
    page = int(number)
    if not 1 <= page <= _pages(search):
        raise _bad_token()
    with_metadata = (
        call.flag("include_user_metadata") if "include_user_metadata" in call.query else search.user_metadata
    )
    return Reply(_page(call.world, search, page, with_metadata=with_metadata))


def _bad_token() -> ApiError:
    why = "The page token is unknown or has expired. Repeat the search to get a new one."
    return ApiError(400, "search_page_token_expired", why, shape="page")


def _pages(search: Search) -> int:
    return max(1, -(-len(search.items) // search.limit))


def _page(world: World, search: Search, number: int, *, with_metadata: bool) -> dict[str, Any]:
    start = (number - 1) * search.limit
    info: dict[str, Any] = {
        "limit_per_page": search.limit,
        "total_results": len(search.items),
        "page_expires_at": second(search.expires_at),
    }
    if search.inner is not None:
        info["total_inner_matches"] = search.inner
    if number < _pages(search):
        info["next_page_token"] = f"{search.id}-{number + 1}"
    if number > 1:
        info["prev_page_token"] = f"{search.id}-{number - 1}"
    items = search.items[start : start + search.limit]
    data = [_item(world, search, item, with_metadata=with_metadata) for item in items]
    return {"data": data, "page_info": info, "search_pool": _pool(world, search)}


def _pool(world: World, search: Search) -> dict[str, Any]:
    videos = world.ready_videos(search.index_id)
    total = sum(video.asset.media.duration or 0 for video in videos)
    return {"total_count": len(videos), "total_duration": round(total, 3), "index_id": search.index_id}


def _item(world: World, search: Search, item: Hit | list[Hit], *, with_metadata: bool) -> dict[str, Any]:
    if isinstance(item, Hit):
        return _clip(world, search, item, with_metadata=with_metadata)
    clips = [_clip(world, search, hit, with_metadata=with_metadata) for hit in item]
    return {"id": item[0].video.id, "clips": clips}


def _clip(world: World, search: Search, hit: Hit, *, with_metadata: bool) -> dict[str, Any]:
    view: dict[str, Any] = {"start": hit.start, "end": hit.end, "video_id": hit.video.id, "rank": hit.rank}
    if search.thumbnails:
        view["thumbnail_url"] = f"{world.storage_url}/derived/{hit.video.id}/{hit.start:g}.jpg"
    if search.transcription:
        view["transcription"] = speech.within(hit.video.asset, hit.start, hit.end)
    metadata = hit.video.asset.user_metadata | hit.video.user_metadata
    if with_metadata and metadata:
        view["user_metadata"] = metadata
    return view


OPERATIONS = (
    Operation("POST", "/search", create),
    Operation("GET", "/search/{page-token}", retrieve),
)
