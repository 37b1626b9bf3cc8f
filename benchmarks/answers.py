"""What the server answers, as the API would, rendered before anybody measures."""

from __future__ import annotations

import json
from typing import Any, Final

PREFIX: Final = "/v1.3"
PAGES: Final = 100
PER_PAGE: Final = 50
CHUNK: Final = 5 * 2**20
FIRST_URLS: Final = 10
CREATED: Final = "2026-02-18T09:14:05.123Z"

INDEX_ID: Final = "69957b6d1f2a4c0012ab0000"
ASSET_ID: Final = "69957b6d1f2a4c0012abffff"
UPLOAD_ID: Final = "upload-1"

CHECKED: Final = "checked"
"""An upload under a file name that holds this gets the MD5 of each part as its ETag; others an ETag that costs nothing,
so that the speed of the client is measured and not that of the server's hashing."""


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
        "upload_urls": urls(origin, 1, min(total, FIRST_URLS), checked=CHECKED in filename),
        "upload_headers": {},
        "expires_at": CREATED,
    }


def urls(origin: str, start: int, count: int, *, checked: bool) -> list[dict[str, Any]]:
    """Addresses for the parts from `start` on."""
    kind = "md5" if checked else "plain"
    return [
        {"chunk_index": number, "url": f"{origin}/parts/{kind}/{number}", "expires_at": CREATED}
        for number in range(start, start + count)
    ]


def rendered(value: Any) -> bytes:
    """JSON as it goes over the wire."""
    return json.dumps(value, separators=(",", ":")).encode()
