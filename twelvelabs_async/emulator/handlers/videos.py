"""The older names of indexed assets, which show only those that are ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twelvelabs_async.emulator.call import NO_CONTENT, Call, Operation, Reply
from twelvelabs_async.emulator.errors import unknown
from twelvelabs_async.emulator.handlers import indexed_assets, views

if TYPE_CHECKING:
    from twelvelabs_async.emulator.state import Video


async def list_(call: Call) -> Reply:
    """GET /indexes/{index-id}/videos."""
    videos = call.world.ready_videos(call.world.index(call.id("index-id")).id)
    return Reply(indexed_assets.listed(call, videos, lambda video: views.video(call.world, video)))


async def retrieve(call: Call) -> Reply:
    """GET /indexes/{index-id}/videos/{video-id}."""
    video = _find(call)
    view = {**views.video(call.world, video), **views.video_details(call, video)}
    # Only lists tell the size.
    del view["system_metadata"]["size"]
    return Reply(view)


def _find(call: Call) -> Video:
    video = indexed_assets.find(call, "video-id")
    if call.world.video_status(video) != "ready":
        raise unknown("video", video.id)
    return video


async def update(call: Call) -> Reply:
    """PATCH /indexes/{index-id}/videos/{video-id}."""
    return await indexed_assets.patch(call, _find(call))


async def delete(call: Call) -> Reply:
    """DELETE /indexes/{index-id}/videos/{video-id}."""
    del call.world.state.videos[_find(call).id]
    return NO_CONTENT


OPERATIONS = (
    Operation("GET", "/indexes/{index-id}/videos", list_),
    Operation("GET", "/indexes/{index-id}/videos/{video-id}", retrieve),
    Operation("PATCH", "/indexes/{index-id}/videos/{video-id}", update),
    Operation("DELETE", "/indexes/{index-id}/videos/{video-id}", delete),
)
