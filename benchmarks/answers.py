"""Responses of the benchmark server, in the format of the API."""

from __future__ import annotations

import json
import random
from typing import Any, Final

PREFIX: Final = "/v1.3"
REMOTE_PREFIX: Final = "/far"
"""Path prefix under which the server adds the latency of a remote server."""

UNLIMITED_PREFIX: Final = "/unlimited"
"""Path prefix of responses without rate-limit headers."""

START_PREFIX: Final = "/start"
"""Path prefix of responses without rate-limit headers and with a latency of `START_DELAY`."""

START_DELAY: Final = 0.6
"""Latency of a response under `START_PREFIX`, in seconds."""

REMOTE_DELAY: Final = 0.02
"""Latency of a response under `REMOTE_PREFIX`, in seconds."""

PAGE_COUNT: Final = 100
PER_PAGE: Final = 50
CHUNK: Final = 5 * 2**20
FIRST_URLS: Final = 10
CREATED: Final = "2026-02-18T09:14:05.123Z"

INDEX_ID: Final = "69957b6d1f2a4c0012ab0000"
ASSET_ID: Final = "69957b6d1f2a4c0012abffff"
UPLOAD_ID: Final = "upload-1"

TASK_IDS: Final = [f"69957b6d1f2a4c0012ac{number:04x}" for number in range(1000)]
TASK_DURATION: Final = 3.0
"""Seconds from the first poll of a task until all tasks are ready."""

VECTOR_COUNT: Final = 2000
SHORT_VIDEO_NAME: Final = "seconds"
"""A video with this name has one vector."""

DIMENSIONS: Final = 512
EVENT_COUNT: Final = 10_000

HASHED_UPLOAD: Final = "checked"
"""Part of filenames. The ETag of each part of such a file is its MD5; for other files it is a constant, so that hashing
in the server is not measured."""

SLOW_UPLOAD: Final = "slow"
"""Part of filenames. Storage responds to each part of such a file after `SLOW_PART_DELAY`."""

SLOW_PART_DELAY: Final = 0.2
"""Latency of a response to a part of a slow upload, in seconds."""


def storage_kind(filename: str) -> str:
    """Return how the storage handles the parts of a file."""
    return next((kind for kind in (HASHED_UPLOAD, SLOW_UPLOAD) if kind in filename), "plain")


def index(number: int) -> dict[str, Any]:
    """Return an index as `GET /indexes/{index-id}` does."""
    return {
        "_id": f"69957b6d1f2a4c0012ab{number:04x}",
        "index_name": f"holiday {number}",
        "models": [
            {"model_name": "marengo3.0", "model_options": ["visual", "audio"]},
            {"model_name": "pegasus1.2", "model_options": ["visual", "audio"]},
        ],
        "video_count": 12,
        "total_duration": 6732.5,
        "addons": ["thumbnail"],
        "created_at": CREATED,
        "updated_at": CREATED,
        "expires_at": "2026-05-19T09:14:05.123Z",
    }


def page(number: int) -> dict[str, Any]:
    """Return a page of indexes; pages after the last are empty."""
    first = (number - 1) * PER_PAGE
    return {
        "data": [index(first + offset) for offset in range(PER_PAGE)] if number <= PAGE_COUNT else [],
        "page_info": {
            "page": number,
            "limit_per_page": PER_PAGE,
            "total_page": PAGE_COUNT,
            "total_results": PAGE_COUNT * PER_PAGE,
        },
    }


def asset(status: str) -> dict[str, Any]:
    """Return an asset in the format of the operations that create or retrieve one."""
    return {
        "_id": ASSET_ID,
        "method": "direct",
        "status": status,
        "filename": "clip.mp4",
        "file_type": "video/mp4",
        "created_at": CREATED,
    }


def session(origin: str, filename: str, size: int) -> dict[str, Any]:
    """Return a new multipart upload session."""
    total = -(-size // CHUNK)
    return {
        "upload_id": UPLOAD_ID,
        "asset_id": ASSET_ID,
        "chunk_size": CHUNK,
        "total_chunks": total,
        "upload_urls": urls(origin, 1, min(total, FIRST_URLS), storage_kind(filename)),
        "upload_headers": {},
        "expires_at": CREATED,
    }


def urls(origin: str, start: int, count: int, storage: str) -> list[dict[str, Any]]:
    """Return presigned URLs for `count` parts, from part `start`."""
    return [
        {"chunk_index": number, "url": f"{origin}/parts/{storage}/{number}", "expires_at": CREATED}
        for number in range(start, start + count)
    ]


def task(task_id: str, status: str) -> dict[str, Any]:
    """Return an indexing task."""
    return {
        "_id": task_id,
        "index_id": INDEX_ID,
        "video_id": task_id,
        "status": status,
        "created_at": CREATED,
        "updated_at": CREATED,
        "system_metadata": {"filename": "clip.mp4", "duration": 60.5, "width": 1920, "height": 1080},
    }


def tasks(number: int, status: str) -> dict[str, Any]:
    """Return a page of tasks."""
    page_ids = TASK_IDS[(number - 1) * PER_PAGE : number * PER_PAGE]
    pages = len(TASK_IDS) // PER_PAGE
    return {
        "data": [task(task_id, status) for task_id in page_ids],
        "page_info": {"page": number, "limit_per_page": PER_PAGE, "total_page": pages, "total_results": len(TASK_IDS)},
    }


def embeddings(vectors: int = VECTOR_COUNT) -> dict[str, Any]:
    """Return the embeddings of a video; the numbers are the same in each run."""
    rng = random.Random(1)  # noqa: S311  # not for cryptography
    return {
        "data": [
            {
                "embedding": [round(rng.gauss(0, 0.05), 8) for _ in range(DIMENSIONS)],
                "embedding_option": "visual",
                "embedding_scope": "clip",
                "start_sec": 6.0 * number,
                "end_sec": 6.0 * number + 6.0,
            }
            for number in range(vectors)
        ]
    }


def events() -> bytes:
    """Return a streamed analysis as JSON lines."""
    start = {"event_type": "stream_start", "metadata": {"generation_id": "g"}}
    text = {"event_type": "text_generation", "text": "and then "}
    end = {"event_type": "stream_end", "finish_reason": "stop", "metadata": {"usage": {"output_tokens": EVENT_COUNT}}}
    return b"".join(encode_json(event) + b"\n" for event in [start, *[text] * EVENT_COUNT, end])


def encode_json(value: Any) -> bytes:
    """Encode compact JSON."""
    return json.dumps(value, separators=(",", ":")).encode()
