"""Media that a JSON body names: by URL, as base64 or as an asset."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator import media
from twelvelabs_async.emulator.errors import ApiError, invalid
from twelvelabs_async.emulator.handlers import assets

if TYPE_CHECKING:
    from twelvelabs_async.emulator.call import Call
    from twelvelabs_async.emulator.media import Media

NAMES = ("url", "base64_string", "asset_id")
_EXTENSIONS = {"video": "mp4", "audio": "wav", "image": "png"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file to work on."""

    media: Media
    url: str | None = None
    filename: str | None = None
    """Of an asset; a URL says it itself, and base64 has none."""
    content: bytes | None = None
    """Only of base64, for nothing else is kept."""

    @property
    def names(self) -> dict[str, Any]:
        """What the API tells of where a file is from."""
        if self.url is not None:
            return {"input_url": self.url}
        return {} if self.filename is None else {"input_filename": self.filename}


async def take(call: Call, given: dict[str, Any], kind: str, *, largest: int, too_large: int = 400) -> Source:
    """Return the file that an object names, which must be of a kind.

    Args:
        call: The request.
        given: Has exactly one of the three names.
        kind: Of the file.
        largest: Bytes that base64 may stand for.
        too_large: Status of the refusal of more.

    Raises:
        ApiError: It names no file or several, or one of another kind, or one that is too large.
    """
    named = [name for name in NAMES if given.get(name) is not None]
    if len(named) != 1 or not isinstance(given[named[0]], str):
        raise invalid("media_source", f"it must have exactly one of {', '.join(NAMES)}")
    name = named[0]
    source = await _READERS[name](call, given[name], kind)
    if source.media.kind != kind:
        raise ApiError(400, "unsupported_file_type", f"A file of type {source.media.mime} is no {kind}.")
    if source.content is not None and len(source.content) > largest:
        why = f"The file has {len(source.content)} bytes, and {largest} are allowed."
        raise ApiError(too_large, "media_filesize_too_large", why)
    return source


async def _from_url(call: Call, url: str, kind: str) -> Source:
    filename, look = assets.take_url("url", url)
    if media.kind_of(filename) is None and look.kind != kind:
        # What the name does not tell is taken for what it is said to be.
        look = media.guess_remote(f"{filename}.{_EXTENSIONS.get(kind, 'pdf')}", url)
        look = replace(look, problem=assets.problem_of(url))
    return Source(media=call.world.state.descriptions.put_on(filename, look), url=url)


async def _from_base64(call: Call, text: str, kind: str) -> Source:
    try:
        content = await asyncio.to_thread(base64.b64decode, text, validate=True)
    except ValueError as error:
        raise invalid("base64_string", "it is no base64") from error
    if not content:
        raise invalid("base64_string", "it is empty")
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    filename = f"upload.{_EXTENSIONS.get(kind) or _document_type(content)}"
    async with call.world.spool.temporary() as path:
        await asyncio.to_thread(path.write_bytes, content)
        look = await call.world.look_into(path, filename, len(content), digest)
    if look.problem is not None:
        raise invalid("base64_string", f"it is no {kind}")
    return Source(media=look, content=content)


def _document_type(content: bytes) -> str:
    return "pdf" if content.startswith(b"%PDF") else "txt"


async def _from_asset(call: Call, asset_id: str, _kind: str) -> Source:
    asset = call.world.state.assets.get(asset_id)
    if asset is None:
        raise invalid("asset_id", f"there is no asset with the id {asset_id}")
    status = call.world.asset_status(asset)
    if status != "ready":
        raise ApiError(400, "asset_not_ready", f"The asset {asset.id} cannot be used: its status is {status}.")
    return Source(media=asset.media, filename=asset.filename)


_READERS = {"url": _from_url, "base64_string": _from_base64, "asset_id": _from_asset}
