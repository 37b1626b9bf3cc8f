"""`twelvelabs-async videos`: list, show and delete the videos of an index."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress

from twelvelabs_async._cli.arguments import open_client
from twelvelabs_async._cli.console import Column, Screen, format_date, format_duration, format_size, format_timecode
from twelvelabs_async._cli.exit_codes import ExitCode
from twelvelabs_async._cli.indexes import require_index
from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.errors import NotFoundError
from twelvelabs_async.models.indexed_assets import IndexedAssetDetailed, IndexedAssetStatus
from twelvelabs_async.models.indexes import Index
from twelvelabs_async.serialization import to_dict


async def list_videos(
    index: str, *, status: Sequence[IndexedAssetStatus] | None, limit: int | None, base_url: str | None, screen: Screen
) -> ExitCode:
    """Print the videos of an index, newest first."""
    async with open_client(base_url, screen) as client:
        found = await require_index(client, index)
        videos = await client.indexes.indexed_assets.list(found.id, status=status).to_list(limit)
    rows = [
        (
            video.id,
            video.system_metadata.filename or "",
            video.status,
            format_duration(video.system_metadata.duration),
            format_size(video.system_metadata.size),
            format_date(video.created_at),
        )
        for video in videos
    ]
    columns = (
        Column("id"),
        Column("filename", wraps=True),
        Column("status"),
        Column("duration", right=True),
        Column("size", right=True),
        Column("created"),
    )
    screen.print_results(map(to_dict, videos), rows, columns, none=f"no videos in {found.index_name}")
    return ExitCode.OK


async def show_video(
    index: str, video_id: str, *, transcription: bool, base_url: str | None, screen: Screen
) -> ExitCode:
    """Print the details of a video."""
    async with open_client(base_url, screen) as client:
        found = await require_index(client, index)
        video = await client.indexes.indexed_assets.retrieve(found.id, video_id, transcription=transcription or None)
    screen.print_json(to_dict(video))
    if not screen.json:
        screen.table(_details(video, found))
        for entry in video.transcription:
            screen.print(f"{format_timecode(entry.start)}  {entry.value}")
    return ExitCode.OK


def _details(video: IndexedAssetDetailed, index: Index) -> list[tuple[str, str]]:
    file = video.system_metadata
    frame = f"{file.width} x {file.height}" if file.width and file.height else ""
    rows = {
        "id": video.id,
        "index": f"{index.index_name} ({index.id})",
        "asset": video.asset_id or "",
        "status": video.status,
        "filename": file.filename or "",
        "duration": format_duration(file.duration),
        "frame": f"{frame}, {file.fps:g} frames/s" if frame and file.fps else frame,
        "size": format_size(file.size),
        "created": format_date(video.created_at),
        "indexed": format_date(video.indexed_at),
        "stream": video.hls.video_url or "" if video.hls else "",
        **{
            f"metadata {name}": value if isinstance(value, str) else json.dumps(value)
            for name, value in sorted(video.user_metadata.items())
        },
    }
    return [(name, text) for name, text in rows.items() if text]


async def find_videos_to_delete(
    index: str, video_ids: Iterable[str], *, base_url: str | None
) -> tuple[Index, list[IndexedAssetDetailed]]:
    """Return the videos with these ids, and their index.

    Raises:
        NotFoundError: The index contains no such video.
    """
    async with AsyncTwelveLabs(base_url=base_url) as client:
        found = await require_index(client, index)
        return found, [await client.indexes.indexed_assets.retrieve(found.id, video_id) for video_id in video_ids]


async def delete_videos(
    index: Index, videos: Sequence[IndexedAssetDetailed], *, base_url: str | None, screen: Screen
) -> ExitCode:
    """Remove videos from an index; their assets remain."""
    async with open_client(base_url, screen) as client:
        for video in videos:
            with suppress(NotFoundError):  # it was deleted meanwhile
                await client.indexes.indexed_assets.delete(index.id, video.id)
            name = video.system_metadata.filename or video.id
            screen.print_result(
                {"_id": video.id, "asset_id": video.asset_id, "deleted": True},
                f"deleted {name}; asset {video.asset_id} remains" if video.asset_id else f"deleted {name}",
            )
    return ExitCode.OK
