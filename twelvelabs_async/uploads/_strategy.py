"""Upload options, and the choice between an upload in one request and a multipart upload.

Limits as of https://docs.twelvelabs.io/v1.3/api-reference/upload-content. The documentation does not say whether a
megabyte is 10**6 or 2**20 bytes: the strategy is chosen by the smaller value, and a file is rejected by the larger one.
"""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Final, Literal, Protocol

import attrs

from twelvelabs_async._event_listeners import plain_function
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.models.assets import CompletedChunk
from twelvelabs_async.uploads import OnProgress, UploadState

MediaType = Literal["video", "audio", "image", "document"]
"""Kind of a file, by its extension."""

UploadStrategy = Literal["direct", "multipart", "url"]
"""One request that contains the file, parts sent to presigned URLs, or a URL that Twelve Labs downloads."""

MULTIPART_THRESHOLD: Final = 200 * 10**6
"""Largest file in bytes that is sent in one request."""

MAX_FILE_SIZE: Final[dict[MediaType, int]] = {
    "video": 10 * 2**30,
    "audio": 10 * 2**30,
    "image": 32 * 2**20,
    "document": 200 * 2**20,
}
"""Largest file in bytes that the API accepts, by kind."""

_EXTENSIONS: Final[dict[MediaType, str]] = {
    "video": "3g2 3gp asf avi dv f4v flv m1v m2ts m2v m4v mkv mov mp4 mpe mpeg mpg mts mxf ogv rm rmvb ts vob webm wmv",
    "audio": "aac ac3 aif aiff alac amr ape au caf flac m4a m4b mka mp2 mp3 oga ogg opus wav wma",
    "image": "jpeg jpg png",
    "document": "md pdf txt",
}
_TYPE_BY_EXTENSION: Final[dict[str, MediaType]] = {
    ext: kind for kind, names in _EXTENSIONS.items() for ext in names.split()
}
_EXTENSIONS_BY_CONTENT_TYPE: Final = {
    "application/mxf": "mxf",
    "application/vnd.rn-realmedia": "rm rmvb",
    "audio/ac3": "ac3",
    "audio/amr": "amr",
    "audio/flac": "flac",
    "audio/mp4": "alac m4a m4b",
    "audio/ogg": "oga ogg",
    "audio/x-ape": "ape",
    "audio/x-caf": "caf",
    "audio/x-matroska": "mka",
    "audio/x-ms-wma": "wma",
    "text/markdown": "md",
    "video/3gpp": "3gp",
    "video/3gpp2": "3g2",
    "video/dv": "dv",
    "video/mp2t": "m2ts mts ts",
    "video/mpeg": "m2v vob",
    "video/ogg": "ogv",
    "video/x-f4v": "f4v",
    "video/x-flv": "flv",
    "video/x-m4v": "m4v",
    "video/x-matroska": "mkv",
    "video/x-ms-asf": "asf",
    "video/x-ms-wmv": "wmv",
}
"""Content types that `mimetypes` does not know without the files of the system, or knows for audio only."""

_CONTENT_TYPES: Final = {
    extension: kind for kind, extensions in _EXTENSIONS_BY_CONTENT_TYPE.items() for extension in extensions.split()
}


def media_type(filename: str) -> MediaType:
    """Return the kind of a file, by its extension.

    Raises:
        InvalidInputError: The extension is missing or unknown.
    """
    extension = PurePath(filename).suffix.lower().lstrip(".")
    kind = _TYPE_BY_EXTENSION.get(extension)
    if kind is None:
        reason = f"unknown extension .{extension}" if extension else "no extension"
        raise InvalidInputError(f"cannot infer the media type of {filename!r} ({reason}); pass type=")
    return kind


def content_type(filename: str) -> str:
    """Return the Content-Type of a file, by its extension: the same on each machine, and without reading a file."""
    suffix = PurePath(filename).suffix.lower()
    known = _CONTENT_TYPES.get(suffix.lstrip("."))  # `guess_type` reads the files of the system, which may be damaged
    return known or mimetypes.types_map.get(suffix) or "application/octet-stream"


def choose_strategy(
    size: int, kind: MediaType, *, filename: str, multipart_threshold: int = MULTIPART_THRESHOLD
) -> UploadStrategy:
    """Return how to send a file of `size` bytes.

    Raises:
        InvalidInputError: The file is empty, or larger than the API accepts.
    """
    if size <= 0:
        raise InvalidInputError(f"{filename!r} is empty")
    if size > MAX_FILE_SIZE[kind]:
        raise InvalidInputError(
            f"{filename!r} is too large: {size} bytes, the limit for {kind} files is {MAX_FILE_SIZE[kind]}"
        )
    return "direct" if size <= multipart_threshold or kind == "document" else "multipart"


@attrs.frozen(kw_only=True)
class UploadOptions:
    """Properties of the new asset, and how to send the file."""

    type: MediaType
    """Kind of the file."""
    enable_hls: bool | None = None
    """Whether to create an HLS stream; None uses the default of the API."""
    enable_thumbnail: bool | None = None
    """Whether to create a thumbnail; None uses the default of the API."""
    user_metadata: Mapping[str, Any] | None = None
    """Metadata of the asset."""
    concurrency: int = 4
    """Parts sent at the same time."""
    report_batch_size: int = 16
    """Confirmed parts per report to the API; after a crash at most this many are sent again."""
    on_progress: OnProgress | None = attrs.field(default=None, validator=plain_function)
    """Called after each block."""
    journal: UploadJournal | None = None
    """Stores the progress, to resume the upload after a crash."""
    part_semaphore: asyncio.Semaphore | None = None
    """Limits the parts sent at the same time across several uploads."""


class UploadJournal(Protocol):
    """Stores the progress of a multipart upload, to resume it after a crash. Each call returns once it is stored."""

    async def on_session_created(self, state: UploadState) -> None:
        """Store a new upload session; nothing has been sent yet."""
        ...

    async def on_part_uploaded(self, part: CompletedChunk) -> None:
        """Store a part that storage has confirmed; it may not have been reported to the API yet."""
        ...
