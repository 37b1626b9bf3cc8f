"""Objects as the API shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator import embedding, speech
from twelvelabs_async.emulator.clock import moment, second
from twelvelabs_async.emulator.errors import choice
from twelvelabs_async.emulator.passages import segments
from twelvelabs_async.emulator.state import Asset, Video

if TYPE_CHECKING:
    from twelvelabs_async.emulator.call import Call
    from twelvelabs_async.emulator.media import Media
    from twelvelabs_async.emulator.world import World

View = dict[str, Any]
VideoView = Callable[[Video], View]

EMBEDDING_OPTIONS = ("visual", "audio", "transcription", "visual-text")


def compact(view: View) -> View:
    """Leave out what is not known or does not apply."""
    return {key: value for key, value in view.items() if value not in (None, [], {})}


def asset(world: World, asset: Asset) -> View:
    """Return what the creation of an asset answers."""
    return compact(
        {
            "_id": asset.id,
            "method": asset.method,
            "status": world.asset_status(asset),
            "filename": asset.filename,
            "file_type": asset.media.mime,
            "created_at": moment(asset.created_at),
            "user_metadata": asset.user_metadata,
        }
    )


def asset_detail(world: World, asset_: Asset) -> View:
    """Return what the list and the retrieval of assets answer."""
    view = asset(world, asset_)
    status: str = view["status"]
    if status == "failed":
        view["error"] = {"message": asset_.media.problem}
    if status == "ready":
        view |= compact({"size": asset_.media.size, "duration": asset_.media.duration})
        view["technical_metadata"] = technical_metadata(asset_.media)
    return view | _derived(world, asset_, "error" if status == "failed" else status)


def _derived(world: World, asset_: Asset, status: str) -> View:
    """Return the stream and the picture made of an asset, which are done when the asset is."""
    view: View = {}
    ready = status == "ready"
    stem = f"{world.storage_url}/derived/{asset_.id}"
    if asset_.hls and asset_.media.kind in {"video", "audio"}:
        view["hls"] = {"status": status} | ({"manifest_url": f"{stem}/master.m3u8"} if ready else {})
    if asset_.thumbnail and asset_.media.kind in {"video", "image"}:
        view["thumbnail"] = {"status": status} | ({"representative_url": f"{stem}/thumbnail.jpg"} if ready else {})
    return view


def technical_metadata(media: Media) -> View:
    """Return what a look into the file revealed, in the terms of its kind."""
    common = {"file_size_bytes": media.size, "file_mime_type": media.mime, "file_container_format": media.container}
    if media.kind == "image":
        picture = {"image_width": media.width, "image_height": media.height, "image_format": media.video_codec}
        return compact(common | picture)
    if media.kind == "document":
        return compact(common)
    return compact(common | _streams(media)) | {"has_audio": media.has_sound}


def _streams(media: Media) -> View:
    seconds, heard = media.duration, media.has_sound
    video = {"codec": media.video_codec, "width": media.width, "height": media.height, "fps": media.fps}
    audio = {"codec": media.audio_codec, "sample_rate": media.sample_rate, "channels": media.channels}
    return {
        "video_codec": media.video_codec,
        "video_width": media.width,
        "video_height": media.height,
        "video_fps": media.fps,
        "video_duration_seconds": seconds if media.kind == "video" else None,
        "video_streams": [compact(video | {"index": 0, "duration_seconds": seconds})] if media.kind == "video" else [],
        "total_video_streams": int(media.kind == "video"),
        "audio_codec": media.audio_codec,
        "audio_sample_rate": media.sample_rate,
        "audio_channels": media.channels,
        "audio_duration_seconds": seconds if heard else None,
        "audio_streams": [compact(audio | {"index": 0, "duration_seconds": seconds})] if heard else [],
        "total_audio_streams": int(heard),
    }


def system_metadata(video: Video) -> View:
    """Return the properties of a video that lists can be filtered by."""
    media = video.asset.media
    return compact(
        {
            "filename": video.asset.filename,
            "duration": media.duration,
            "fps": media.fps,
            "width": media.width,
            "height": media.height,
            "size": media.size,
        }
    )


def video(world: World, video: Video) -> View:
    """Return a video as its older endpoints list it."""
    indexed_at = world.indexed_at(video)
    return compact(
        {
            "_id": video.id,
            "asset_id": video.asset.id,
            "created_at": second(video.created_at),
            "updated_at": second(world.updated_at(video)),
            "indexed_at": second(indexed_at) if indexed_at is not None else None,
            "system_metadata": system_metadata(video),
        }
    )


def indexed_asset(world: World, video_: Video) -> View:
    """Return a video as its newer endpoints list it."""
    return video(world, video_) | {"status": world.video_status(video_)}


def indexed_asset_summary(video_: Video, names: Mapping[str, str]) -> View:
    """Return where an asset is indexed, with the name of the index."""
    return {"_id": video_.id, "index": {"_id": video_.index_id, "name": names[video_.index_id]}}


def video_details(call: Call, video_: Video) -> View:
    """Return what only the retrieval of one video shows, some of it only on demand."""
    options = [
        choice("embedding_option", option, EMBEDDING_OPTIONS) for option in call.query.getall("embedding_option", [])
    ]
    ready = call.world.video_status(video_) == "ready"
    view: View = compact({"user_metadata": video_.user_metadata})
    if video_.stream:
        view["hls"] = hls(call.world, video_)
    if options and ready:
        view["embedding"] = {
            "model_name": "marengo3.0",
            "video_embedding": {"segments": _segments(call.world, video_, options)},
        }
    if call.flag("transcription"):
        view["transcription"] = speech.sentences(video_.asset) if ready else []
    return view


def hls(world: World, video_: Video) -> View:
    """Return the stream of a video, which is done when indexing is."""
    stem = f"{world.storage_url}/derived/{video_.id}"
    updated = {"updated_at": second(world.updated_at(video_))}
    match world.video_status(video_):
        case "ready":
            urls = {"video_url": f"{stem}/master.m3u8", "thumbnail_urls": [f"{stem}/thumbnail.jpg"]}
            return {"status": "COMPLETE"} | urls | updated
        case "failed":
            return {"status": "ERROR"} | updated
        case _:
            return {"status": "PROCESSING"} | updated


def _segments(world: World, video_: Video, options: list[str]) -> list[View]:
    media = video_.asset.media
    span = (0.0, media.duration or 0.0)
    pieces = embedding.of_file(options, ["clip"], span, segments(span[1]))
    return [
        {
            "float": embedding.vector(world.settings.seed, media.digest, piece),
            "start_offset_sec": piece.start,
            "end_offset_sec": piece.end,
            "embedding_option": piece.option,
            "embedding_scope": piece.scope,
        }
        for piece in embedding.told(media, pieces)
    ]
