"""What the server answers, as the API would, rendered before anybody measures."""

from __future__ import annotations

import json
import random
from typing import Any, Final

PREFIX: Final = "/v1.3"
FAR: Final = "/far"
"""What stands before the path where the server is to be as far away as servers are."""

AWAY: Final = 0.02
"""Seconds that an answer from there takes."""

PAGES: Final = 100
PER_PAGE: Final = 50
CHUNK: Final = 5 * 2**20
FIRST_URLS: Final = 10
CREATED: Final = "2026-02-18T09:14:05.123Z"

INDEX_ID: Final = "69957b6d1f2a4c0012ab0000"
ASSET_ID: Final = "69957b6d1f2a4c0012abffff"
UPLOAD_ID: Final = "upload-1"

TASKS: Final = [f"69957b6d1f2a4c0012ac{number:04x}" for number in range(1000)]
TASKS_TAKE: Final = 3.0
"""Seconds from the first look at a task until all of them are ready."""

VECTORS: Final = 2000
SECONDS: Final = "seconds"
"""A video of this name is so short that it has one vector."""

DIMENSIONS: Final = 512
EVENTS: Final = 10_000

CHECKED: Final = "checked"
"""An upload under a file name that holds this gets the MD5 of each part as its ETag; others an ETag that costs nothing,
so that the speed of the client is measured and not that of the server's hashing."""

SLOW: Final = "slow"
"""Under a file name that holds this, storage answers each part only after `DIGESTS`."""

DIGESTS: Final = 0.2
"""Seconds that storage takes over a part then."""


def kind(filename: str) -> str:
    """How storage treats the parts of a file."""
    return next((kind for kind in (CHECKED, SLOW) if kind in filename), "plain")


def index(number: int) -> dict[str, Any]:
    """An index as `GET /indexes/{index-id}` answers it."""
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
    """A page of indexes; empty beyond the last."""
    first = (number - 1) * PER_PAGE
    return {
        "data": [index(first + offset) for offset in range(PER_PAGE)] if number <= PAGES else [],
        "page_info": {
            "page": number,
            "limit_per_page": PER_PAGE,
            "total_page": PAGES,
            "total_results": PAGES * PER_PAGE,
        },
    }


def asset(status: str) -> dict[str, Any]:
    """An asset as creating or retrieving one answers it."""
    return {
        "_id": ASSET_ID,
        "method": "direct",
        "status": status,
        "filename": "clip.mp4",
        "file_type": "video/mp4",
        "created_at": CREATED,
    }


def session(origin: str, filename: str, size: int) -> dict[str, Any]:
    """A new upload in parts."""
    total = -(-size // CHUNK)
    return {
        "upload_id": UPLOAD_ID,
        "asset_id": ASSET_ID,
        "chunk_size": CHUNK,
        "total_chunks": total,
        "upload_urls": urls(origin, 1, min(total, FIRST_URLS), kind(filename)),
        "upload_headers": {},
        "expires_at": CREATED,
    }


def urls(origin: str, start: int, count: int, storage: str) -> list[dict[str, Any]]:
    """Addresses for the parts from `start` on."""
    return [
        {"chunk_index": number, "url": f"{origin}/parts/{storage}/{number}", "expires_at": CREATED}
        for number in range(start, start + count)
    ]


def task(task_id: str, status: str) -> dict[str, Any]:
    """A video on its way into an index."""
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
    """A page of them."""
    shown = TASKS[(number - 1) * PER_PAGE : number * PER_PAGE]
    pages = len(TASKS) // PER_PAGE
    return {
        "data": [task(task_id, status) for task_id in shown],
        "page_info": {"page": number, "limit_per_page": PER_PAGE, "total_page": pages, "total_results": len(TASKS)},
    }


def embeddings(vectors: int = VECTORS) -> dict[str, Any]:
    """The embeddings of a video; the same numbers each time."""
    numbers = random.Random(1)  # noqa: S311  # no secret
    return {
        "data": [
            {
                "embedding": [round(numbers.gauss(0, 0.05), 8) for _ in range(DIMENSIONS)],
                "embedding_option": "visual",
                "embedding_scope": "clip",
                "start_sec": 6.0 * number,
                "end_sec": 6.0 * number + 6.0,
            }
            for number in range(vectors)
        ]
    }


def events() -> bytes:
    """An analysis as it is written, one JSON text a line."""
    start = {"event_type": "stream_start", "metadata": {"generation_id": "g"}}
    text = {"event_type": "text_generation", "text": "and then "}
    end = {"event_type": "stream_end", "finish_reason": "stop", "metadata": {"usage": {"output_tokens": EVENTS}}}
    return b"".join(rendered(event) + b"\n" for event in [start, *[text] * EVENTS, end])


def rendered(value: Any) -> bytes:
    """JSON as it goes over the wire."""
    return json.dumps(value, separators=(",", ":")).encode()
