"""Videos that are ready without an upload, for tests of searches, analyses and lists."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from twelvelabs_async.emulator._api import assets, indexes
from twelvelabs_async.emulator._api.validation import parse_user_metadata
from twelvelabs_async.emulator._errors import ApiError
from twelvelabs_async.emulator._media import descriptions
from twelvelabs_async.emulator._media.media import check_indexable, guess_media_of_duration
from twelvelabs_async.emulator._state.entities import Index, Video

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from twelvelabs_async.emulator._media.descriptions import TimedText, Transcript
    from twelvelabs_async.emulator._state.service import Service

DEFAULT_DURATION: Final = 60.0
"""Seconds."""


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
    asset = assets.add_asset(
        service, method="direct", filename=filename, media_info=media, hls=False, thumbnail=False, user_metadata={}
    )
    now = service.now()
    video = Video(
        id=service.state.ids.object_id(),
        index_id=found.id,
        asset=asset,
        created_at=now,
        indexing_started_at=now,
        touched_at=now,
        stream=False,
        user_metadata=metadata,
    )
    asset.is_finished = video.is_finished = True
    service.state.videos[video.id] = video
    return video


def _find_or_create_index(service: Service, index: str) -> Index:
    """Return the index with an id or name; create one of this name if there is none."""
    existing = service.state.indexes
    found = existing.get(index) or next((one for one in existing.values() if one.name == index), None)
    return found or indexes.add_index(
        service, index, [{"model_name": indexes.MODELS[0], "model_options": [*indexes.OPTIONS]}]
    )
