"""Assets in an index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator import filters, metadata, paging
from twelvelabs_async.emulator.call import NO_CONTENT, Call, Operation, Reply
from twelvelabs_async.emulator.errors import ApiError, invalid, missing, unknown
from twelvelabs_async.emulator.handlers import views
from twelvelabs_async.emulator.media import rejection
from twelvelabs_async.emulator.state import Video

if TYPE_CHECKING:
    from twelvelabs_async.emulator.state import Asset, Index

STATUSES = ("ready", "pending", "queued", "indexing", "failed", "validating")


async def create(call: Call) -> Reply:
    """POST /indexes/{index-id}/indexed-assets.

    Nobody says what happens to an asset that is in the index already: here it is indexed once more.
    """
    index = call.world.index(call.id("index-id"))
    body = await call.json()
    if not body.get("asset_id"):
        raise missing("asset_id")
    stream = body.get("enable_video_stream") or False
    if not isinstance(stream, bool):
        raise invalid("enable_video_stream", "it must be a boolean")
    asset = _indexable(call, str(body["asset_id"]))
    user_metadata = metadata.read(body.get("user_metadata") or {})
    call.spend(asset.media.duration)
    video = add(call, index, asset, user_metadata=user_metadata, stream=stream)
    where = f"{call.request.path}/{video.id}"
    return Reply({"_id": video.id, "asset_id": asset.id}, 202, {"Location": where})


def _indexable(call: Call, asset_id: str) -> Asset:
    asset = call.world.asset(asset_id)
    status = call.world.asset_status(asset)
    if status != "ready":
        raise ApiError(400, "asset_not_ready", f"The asset {asset.id} cannot be indexed: its status is {status}.")
    if refused := rejection(asset.media):
        raise ApiError(400, refused.code, refused.message)
    return asset


def add(
    call: Call, index: Index, asset: Asset, *, user_metadata: dict[str, Any], stream: bool, wait: float = 0.0
) -> Video:
    """Put an asset into an index, with `wait` seconds before indexing begins."""
    world = call.world
    refused = rejection(asset.media)
    now = world.now()
    video = Video(
        id=world.state.ids.object(),
        index_id=index.id,
        asset=asset,
        created_at=now,
        starts_at=now + wait,
        touched_at=now,
        stream=stream,
        user_metadata=user_metadata,
        problem=asset.media.problem or (refused.message if refused else None),
    )
    world.state.videos[video.id] = video
    return video


async def list_(call: Call) -> Reply:
    """GET /indexes/{index-id}/indexed-assets."""
    index = call.world.index(call.id("index-id"))
    wanted = filters.statuses(call.query, STATUSES)
    world = call.world
    videos = [video for video in world.state.videos_of_index(index.id) if world.video_status(video) in wanted]
    return Reply(listed(call, videos, lambda video: views.indexed_asset(world, video)))


def listed(call: Call, videos: list[Video], view: views.VideoView) -> dict[str, Any]:
    """Return the page of those videos that pass the filters which both families of endpoints have."""
    filters.check(call.query)
    found = [video for video in videos if _fits(call, video)]
    return paging.page(call.query, paging.ordered(call.query, found, call.world.updated_at), view)


def _fits(call: Call, video: Video) -> bool:
    query = call.query
    return (
        filters.exactly(query, "filename", video.asset.filename)
        and filters.within(query, views.system_metadata(video))
        and filters.since(query, "created_at", video.created_at)
        and filters.since(query, "updated_at", call.world.updated_at(video))
        and filters.described(query, video.user_metadata)
    )


async def list_by_asset(call: Call) -> Reply:
    """GET /assets/{asset_id}/indexed-assets."""
    world = call.world
    asset = world.asset(call.id("asset_id"))
    # Asking for the indexes first drops the expired ones, with the videos in them.
    names = {index.id: index.name for index in world.indexes()}
    videos = paging.newest_first(world.state.videos_of_asset(asset.id))
    return Reply(paging.page(call.query, videos, lambda video: views.indexed_asset_summary(video, names)))


async def retrieve(call: Call) -> Reply:
    """GET /indexes/{index-id}/indexed-assets/{indexed-asset-id}."""
    video = find(call, "indexed-asset-id")
    return Reply({**views.indexed_asset(call.world, video), **views.video_details(call, video)})


def find(call: Call, name: str) -> Video:
    """Return the video that the path names.

    Raises:
        ApiError: It is not in that index.
    """
    index = call.world.index(call.id("index-id"))
    identifier = call.id(name)
    video = call.world.state.videos.get(identifier)
    if video is None or video.index_id != index.id:
        raise unknown("indexed asset", identifier)
    return video


async def update(call: Call) -> Reply:
    """PATCH /indexes/{index-id}/indexed-assets/{indexed-asset-id}."""
    return await patch(call, find(call, "indexed-asset-id"))


async def patch(call: Call, video: Video) -> Reply:
    """Merge user metadata; a request without any changes nothing."""
    body = await call.json()
    if body.get("user_metadata") is not None:
        video.user_metadata = metadata.merge(video.user_metadata, body["user_metadata"])
        video.touched_at = call.world.now()
    return NO_CONTENT


async def delete(call: Call) -> Reply:
    """DELETE /indexes/{index-id}/indexed-assets/{indexed-asset-id}."""
    del call.world.state.videos[find(call, "indexed-asset-id").id]
    return NO_CONTENT


OPERATIONS = (
    Operation("GET", "/indexes/{index-id}/indexed-assets", list_),
    Operation("POST", "/indexes/{index-id}/indexed-assets", create),
    Operation("GET", "/indexes/{index-id}/indexed-assets/{indexed-asset-id}", retrieve),
    Operation("PATCH", "/indexes/{index-id}/indexed-assets/{indexed-asset-id}", update),
    Operation("DELETE", "/indexes/{index-id}/indexed-assets/{indexed-asset-id}", delete),
    Operation("GET", "/assets/{asset_id}/indexed-assets", list_by_asset),
)
