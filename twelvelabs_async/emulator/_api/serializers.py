"""JSON of assets and videos."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twelvelabs_async.emulator._api.context import RequestContext
from twelvelabs_async.emulator._generation import embeddings
from twelvelabs_async.emulator._generation.embeddings import VectorSpec
from twelvelabs_async.emulator._json import rfc3339_millis, rfc3339_seconds
from twelvelabs_async.emulator._media import descriptions
from twelvelabs_async.emulator._media.media import PDF, Asset, Media, equal_segments, playlist_url, thumbnail_url
from twelvelabs_async.emulator._state import progress
from twelvelabs_async.emulator._state.entities import Video
from twelvelabs_async.emulator._state.service import Service

View = dict[str, Any]

EMBEDDING_OPTIONS = ("visual", "audio", "transcription", "visual-text")


def compact(**fields: Any) -> View:
    """Return an object without fields that are None or empty."""
    return {key: value for key, value in fields.items() if value not in (None, [], {})}


def asset_view(service: Service, asset: Asset) -> View:
    """Return an asset as in the response that creates it."""
    return compact(
        _id=asset.id,
        method=asset.method,
        status=progress.asset_status(service, asset),
        filename=asset.filename,
        file_type=asset.media.mime,
        created_at=rfc3339_millis(asset.created_at),
        user_metadata=asset.user_metadata,
    )


def asset_detail(service: Service, asset: Asset) -> View:
    """Return an asset as in lists and retrievals."""
    view = asset_view(service, asset)
    status: str = view["status"]
    if status == "failed":
        view["error"] = {"message": asset.media.problem}
    if status == "ready":
        view |= compact(size=asset.media.size, duration=asset.media.duration)
        view["technical_metadata"] = technical_metadata(asset.media)
    return view | _derived_files(service, asset, "error" if status == "failed" else status)


def _derived_files(service: Service, asset: Asset, status: str) -> View:
    """Return the HLS stream and the thumbnail of an asset, which are ready when the asset is."""
    view: View = {}
    ready = status == "ready"
    if asset.hls and asset.media.kind in {"video", "audio"}:
        view["hls"] = {"status": status} | ({"manifest_url": playlist_url(service.account_url, asset)} if ready else {})
    if asset.thumbnail and (asset.media.kind in {"video", "image"} or asset.media.mime == PDF):
        url = thumbnail_url(service.account_url, asset)
        view["thumbnail"] = {"status": status} | ({"representative_url": url} if ready else {})
    return view


def technical_metadata(media: Media) -> View:
    """Return the technical metadata of a file."""
    common = {"file_size_bytes": media.size, "file_mime_type": media.mime, "file_container_format": media.container}
    if media.kind == "image":
        image = {"image_width": media.width, "image_height": media.height, "image_format": media.video_codec}
        return compact(**common, **image)
    if media.kind == "document":
        return compact(**common)
    return compact(**common, **_streams(media)) | {"has_audio": media.has_audio}


def _streams(media: Media) -> View:
    seconds, has_audio = media.duration, media.has_audio
    video = {"codec": media.video_codec, "width": media.width, "height": media.height, "fps": media.fps}
    audio = {"codec": media.audio_codec, "sample_rate": media.sample_rate, "channels": media.channels}
    return {
        "video_codec": media.video_codec,
        "video_width": media.width,
        "video_height": media.height,
        "video_fps": media.fps,
        "video_duration_seconds": seconds if media.kind == "video" else None,
        "video_streams": [compact(**video, index=0, duration_seconds=seconds)] if media.kind == "video" else [],
        "total_video_streams": int(media.kind == "video"),
        "audio_codec": media.audio_codec,
        "audio_sample_rate": media.sample_rate,
        "audio_channels": media.channels,
        "audio_duration_seconds": seconds if has_audio else None,
        "audio_streams": [compact(**audio, index=0, duration_seconds=seconds)] if has_audio else [],
        "total_audio_streams": int(has_audio),
    }


def system_metadata(video: Video) -> View:
    """Return the system metadata of a video, by which lists can be filtered."""
    media = video.asset.media
    return compact(
        filename=video.asset.filename,
        duration=media.duration,
        fps=media.fps,
        width=media.width,
        height=media.height,
        size=media.size,
    )


def video_view(service: Service, video: Video) -> View:
    """Return the fields of a video that lists and details have in common."""
    indexed_at = progress.indexed_at(service, video)
    return compact(
        _id=video.id,
        asset_id=video.asset.id,
        created_at=rfc3339_seconds(video.created_at),
        updated_at=rfc3339_seconds(progress.updated_at(service, video)),
        indexed_at=rfc3339_seconds(indexed_at) if indexed_at is not None else None,
        system_metadata=system_metadata(video),
    )


def listed_video(service: Service, video: Video) -> View:
    """Return a video as in the lists of the older endpoints: with its HLS stream, which their description omits."""
    return video_view(service, video) | hls(service, video)


def indexed_asset(service: Service, video: Video) -> View:
    """Return an indexed asset as in lists."""
    return video_view(service, video) | {"status": progress.video_status(service, video)}


def indexed_asset_summary(service: Service, video: Video) -> View:
    """Return an indexed asset with the name of its index."""
    return {"_id": video.id, "index": {"_id": video.index_id, "name": service.state.indexes[video.index_id].name}}


def video_details(context: RequestContext, video: Video) -> View:
    """Return the fields that only the retrieval of a video has, some of them on request."""
    options = context.query_choices("embedding_option", EMBEDDING_OPTIONS)
    ready = progress.video_status(context.service, video) == "ready"
    view = compact(user_metadata=video.user_metadata) | hls(context.service, video)
    if options and ready:
        segments = _video_segments(context.service, video, options)
        view["embedding"] = {"model_name": "marengo3.0", "video_embedding": {"segments": segments}}
    if context.query_flag("transcription"):
        view["transcription"] = descriptions.sentences(video.asset) if ready else []
    return view


def hls(service: Service, video: Video) -> View:
    """Return the field with the HLS stream of a video, which is complete when the video is ready; {} without one."""
    if not video.stream:
        return {}
    status = {"ready": "COMPLETE", "failed": "ERROR"}.get(progress.video_status(service, video), "PROCESSING")
    account_url, asset = service.account_url, video.asset
    urls = {"video_url": playlist_url(account_url, asset), "thumbnail_urls": [thumbnail_url(account_url, asset)]}
    updated_at = rfc3339_seconds(progress.updated_at(service, video))
    return {"hls": {"status": status, **(urls if status == "COMPLETE" else {}), "updated_at": updated_at}}


def _video_segments(service: Service, video: Video, options: list[str]) -> list[View]:
    media = video.asset.media
    span = (0.0, media.duration or 0.0)
    specs = embeddings.file_vector_specs(options, ["clip"], span, equal_segments(span[1]))
    return segments(service, media.digest, embeddings.with_described_text(media, specs))


def segments(service: Service, digest: str, specs: Iterable[VectorSpec]) -> list[View]:
    """Return the embeddings of a file as the older endpoints serialize them."""
    return [
        {
            "float": embeddings.vector(service.settings.seed, digest, spec),
            "start_offset_sec": spec.start,
            "end_offset_sec": spec.end,
            "embedding_option": spec.option,
            "embedding_scope": spec.scope,
        }
        for spec in specs
    ]
