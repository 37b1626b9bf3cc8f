"""When two files are the same one."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Literal

from twelvelabs_async.ingest.plan import Item


async def twin_of(item: Item, dedupe: Literal["path", "name", "content"]) -> str:
    """What all files have in common that are the same as this one; empty if only its path tells.

    Raises:
        OSError: It cannot be read.
    """
    if item.is_address or dedupe == "path":
        return ""
    if dedupe == "name":
        return f"{item.size}-{item.mtime_ns}-{item.name}"
    return await asyncio.to_thread(_digest, item.source)


def _digest(path: str) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
