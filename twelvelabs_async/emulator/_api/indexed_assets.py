"""Indexed assets, and the older endpoints for the same objects as videos."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from twelvelabs_async.emulator._api import assets, indexes, listing, serializers
from twelvelabs_async.emulator._api.context import NO_CONTENT, ApiResponse, Operation, RequestContext
from twelvelabs_async.emulator._api.validation import (
    merge_user_metadata,
    optional_bool,
    parse_user_metadata,
    required_string,
)
from twelvelabs_async.emulator._errors import ApiError, not_found
from twelvelabs_async.emulator._media import descriptions
from twelvelabs_async.emulator._media.descriptions import TimedText, Transcript
from twelvelabs_async.emulator._media.media import Asset, guess_media_of_duration
from twelvelabs_async.emulator._media.rules import check_indexable
from twelvelabs_async.emulator._state import progress
from twelvelabs_async.emulator._state.entities import Index, Video
from twelvelabs_async.emulator._state.service import Service

STATUSES = ("ready", "pending", "queued", "indexing", "failed", "validating")


DEFAULT_DURATION: Final = 60.0
"""Seconds."""


async def create_indexed_asset(context: RequestContext) -> ApiResponse:
    """POST /indexes/{index-id}/indexed-assets.

    The behavior for an asset that is already in the index is not documented; the emulator indexes it again.
    """
    index = context.index
    body = await context.json()
    asset_id = required_string(body, "asset_id")
    stream = optional_bool(body, "enable_video_stream")
    asset = context.service.asset(asset_id)
    assets.require_ready(context.service, asset, "indexed")
    if rejection := check_indexable(asset.media):
        raise ApiError(400, rejection.code, rejection.message)
    user_metadata = parse_user_metadata(body.get("user_metadata") or {})
    context.usage.count_media(asset.media.duration)
    video = add_video(context.service, index, asset, user_metadata=user_metadata, stream=stream)
    location = f"{context.request.path}/{video.id}"
    return ApiResponse({"_id": video.id, "asset_id": asset.id}, 202, {"Location": location})


def add_video(
    service: Service,
    index: Index,
    asset: Asset,
    *,
    user_metadata: dict[str, Any],
    stream: bool,
    delay: float = 0.0,
) -> Video:
    """Add an asset to an index; indexing starts after `delay` seconds."""
    rejection = check_indexable(asset.media)
    now = service.now()
    video = Video(
        id=service.state.ids.object_id(),
        index_id=index.id,
        asset=asset,
        created_at=now,
        indexing_started_at=now + delay,
        touched_at=now,
        stream=stream,
        user_metadata=user_metadata,
        problem=asset.media.problem or (rejection.message if rejection else None),
    )
    service.state.videos[video.id] = video
    return video


async def list_indexed_assets(context: RequestContext) -> ApiResponse:
    """GET /indexes/{index-id}/indexed-assets."""
    service = context.service
    index = context.index
    statuses = context.query_choices("status", STATUSES, STATUSES)
    videos = [
        video for video in service.state.videos_of_index(index.id) if progress.video_status(service, video) in statuses
    ]
    return _list_page(context, videos, serializers.indexed_asset)


def _list_page(
    context: RequestContext, videos: list[Video], view: Callable[[Service, Video], dict[str, Any]]
) -> ApiResponse:
    """Return a page of the videos that match the filters of both groups of endpoints."""
    service, query = context.service, context.query
    listing.validate_bounds(query)
    matching_videos = [video for video in videos if _matches_filters(context, video)]
    in_order = listing.sort_items(query, matching_videos, lambda video: progress.updated_at(service, video))
    return listing.page_response(context, in_order, lambda video: view(service, video))


def _matches_filters(context: RequestContext, video: Video) -> bool:
    query = context.query
    return (
        listing.equals(query, "filename", video.asset.filename)
        and listing.in_ranges(query, serializers.system_metadata(video))
        and listing.at_or_after(
            query, created_at=video.created_at, updated_at=progress.updated_at(context.service, video)
        )
        and listing.matches_user_metadata(query, video.user_metadata)
    )


async def list_indexed_assets_of_asset(context: RequestContext) -> ApiResponse:
    """GET /assets/{asset_id}/indexed-assets."""
    service = context.service
    asset = context.asset
    videos = listing.newest_first(service.state.videos_of_asset(asset.id))
    return listing.page_response(context, videos, lambda video: serializers.indexed_asset_summary(service, video))


async def retrieve_indexed_asset(context: RequestContext) -> ApiResponse:
    """GET /indexes/{index-id}/indexed-assets/{indexed-asset-id}."""
    video = _find(context, "indexed-asset-id")
    return ApiResponse(serializers.indexed_asset(context.service, video) | serializers.video_details(context, video))


def _find(context: RequestContext, name: str) -> Video:
    """Return the video in the path.

    Raises:
        ApiError: The video is not in the index.
    """
    index = context.index
    return context.find(context.service.state.videos, name, "indexed asset", where=lambda one: one.index_id == index.id)


async def update_indexed_asset(context: RequestContext) -> ApiResponse:
    """PATCH /indexes/{index-id}/indexed-assets/{indexed-asset-id}."""
    return await _patch_user_metadata(context, _find(context, "indexed-asset-id"))


async def _patch_user_metadata(context: RequestContext, video: Video) -> ApiResponse:
    """Merge the user metadata of the request, if any."""
    body = await context.json()
    if body.get("user_metadata") is not None:
        video.user_metadata = merge_user_metadata(video.user_metadata, body["user_metadata"])
        video.touched_at = context.service.now()
    return NO_CONTENT


async def delete_indexed_asset(context: RequestContext) -> ApiResponse:
    """DELETE /indexes/{index-id}/indexed-assets/{indexed-asset-id}."""
    del context.service.state.videos[_find(context, "indexed-asset-id").id]
    return NO_CONTENT


async def list_videos(context: RequestContext) -> ApiResponse:
    """GET /indexes/{index-id}/videos."""
    videos = progress.ready_videos(context.service, context.index.id)
    return _list_page(context, videos, serializers.listed_video)


async def retrieve_video(context: RequestContext) -> ApiResponse:
    """GET /indexes/{index-id}/videos/{video-id}."""
    video = _find_ready_video(context)
    view = serializers.video_view(context.service, video) | serializers.video_details(context, video)
    # Only lists have the size.
    del view["system_metadata"]["size"]
    return ApiResponse(view)


def _find_ready_video(context: RequestContext) -> Video:
    video = _find(context, "video-id")
    if progress.video_status(context.service, video) != "ready":
        raise not_found("video", video.id)
    return video


async def update_video(context: RequestContext) -> ApiResponse:
    """PATCH or PUT /indexes/{index-id}/videos/{video-id}."""
    return await _patch_user_metadata(context, _find_ready_video(context))


async def delete_video(context: RequestContext) -> ApiResponse:
    """DELETE /indexes/{index-id}/videos/{video-id}."""
    del context.service.state.videos[_find_ready_video(context).id]
    return NO_CONTENT


OPERATIONS = (
    Operation("GET", "/indexes/{index-id}/indexed-assets", list_indexed_assets),
    Operation("POST", "/indexes/{index-id}/indexed-assets", create_indexed_asset),
    Operation("GET", "/indexes/{index-id}/indexed-assets/{indexed-asset-id}", retrieve_indexed_asset),
    Operation("PATCH", "/indexes/{index-id}/indexed-assets/{indexed-asset-id}", update_indexed_asset),
    Operation("DELETE", "/indexes/{index-id}/indexed-assets/{indexed-asset-id}", delete_indexed_asset),
    Operation("GET", "/assets/{asset_id}/indexed-assets", list_indexed_assets_of_asset),
    Operation("GET", "/indexes/{index-id}/videos", list_videos),
    Operation("GET", "/indexes/{index-id}/videos/{video-id}", retrieve_video),
    Operation("PATCH", "/indexes/{index-id}/videos/{video-id}", update_video),
    Operation("DELETE", "/indexes/{index-id}/videos/{video-id}", delete_video),
)

UNDESCRIBED_OPERATIONS = (Operation("PUT", "/indexes/{index-id}/videos/{video-id}", update_video),)
"""What the platform still supports for older clients; the description of the API only mentions it."""


def add_finished_video(
    service: Service,
    index: str,
    file: str | Path,
    scenes: Iterable[TimedText],
    *,
    transcript: Transcript | None,
    duration: float | None,
    user_metadata: Mapping[str, Any] | None,
) -> Video:
    """Add a video that is ready, see `Emulator.add_video`."""
    filename = file.name if isinstance(file, Path) else file
    description = descriptions.describe(scenes, transcript, file if isinstance(file, Path) else None)
    ends = [passage.end for passage in (*description.scenes, *description.timed_transcript)]
    seconds = max(ends, default=DEFAULT_DURATION) if duration is None else duration
    if ends and seconds < max(ends):
        raise ValueError(f"duration must be at least the end of the last scene, {max(ends):g} s, got {seconds:g}")
    media = guess_media_of_duration(filename, seconds)
    if rejection := check_indexable(media):
        raise ValueError(f"{filename!r} cannot be indexed: {rejection.message}")
    try:
        metadata = parse_user_metadata(dict(user_metadata or {}))
    except ApiError as error:
        raise ValueError(error.message) from error
    found = _find_or_create_index(service, index)
    if description.scenes or description.transcript or description.timed_transcript:
        service.root_state.describe(filename, description)
    asset = assets.add_asset(service, "direct", filename, media)
    video = add_video(service, found, asset, user_metadata=metadata, stream=False)
    asset.is_finished = video.is_finished = True
    return video


def _find_or_create_index(service: Service, index: str) -> Index:
    """Return the index with an id or name; create one of this name if there is none."""
    existing = service.state.indexes
    found = existing.get(index) or next((one for one in existing.values() if one.name == index), None)
    model = {"model_name": indexes.MODELS[0], "model_options": [*indexes.OPTIONS]}
    return found or indexes.add_index(service, index, [model])
