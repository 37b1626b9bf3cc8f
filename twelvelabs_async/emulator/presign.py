"""Presigned URLs: made by the API, honoured by the storage, which asks for no key."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from twelvelabs_async.emulator.clock import moment
from twelvelabs_async.emulator.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twelvelabs_async.emulator.state import Chunk, Upload
    from twelvelabs_async.emulator.world import World


def presign(world: World, upload: Upload, index: int) -> dict[str, Any]:
    """Return a fresh URL for one chunk as the API writes it."""
    expires = min(world.now() + world.timing.url_lifetime, upload.expires_at)
    nonce = world.state.ids.nonce()
    query = {
        "expires": f"{expires:.3f}",
        "nonce": nonce,
        "signature": _signature(world, upload.id, index, f"{expires:.3f}", nonce),
    }
    url = f"{world.storage_url}/uploads/{upload.id}/{index}?{urlencode(query)}"
    return {"chunk_index": index, "url": url, "expires_at": moment(expires)}


def _signature(world: World, upload_id: str, index: int, expires: str, nonce: str) -> str:
    text = f"{upload_id}:{index}:{expires}:{nonce}"
    return blake2b(text.encode(), key=f"storage:{world.settings.seed}".encode(), digest_size=20).hexdigest()


@dataclass(frozen=True, slots=True)
class Ticket:
    """Leave to store one chunk once."""

    upload: Upload
    chunk: Chunk
    signature: str

    @property
    def offset(self) -> int:
        """Where in the file the chunk begins."""
        return (self.chunk.index - 1) * self.upload.chunk_size


def check(world: World, upload_id: str, index: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Ticket:
    """Return the leave that a presigned URL gives.

    Raises:
        StorageError: The URL was changed, has expired or been used, or headers that belong to it are missing.
    """
    upload = world.whole.any_upload(upload_id)
    given = query.get("signature", "")
    expires = query.get("expires", "")
    if upload is None or not index.isdecimal() or not 1 <= int(index) <= len(upload.chunks):
        raise StorageError(404, "NoSuchUpload", "There is no such upload.")
    signature = _signature(world, upload.id, int(index), expires, query.get("nonce", ""))
    if not hmac.compare_digest(signature.encode(), given.encode()):
        raise StorageError(403, "SignatureDoesNotMatch", "The signature does not fit the request.")
    if world.now() >= float(expires):
        raise StorageError(403, "AccessDenied", "Request has expired")
    _check_upload(upload, given, headers)
    return Ticket(upload, upload.chunks[int(index) - 1], given)


def _check_upload(upload: Upload, signature: str, headers: Mapping[str, str]) -> None:
    if upload.completed_at is not None or signature in upload.used:
        raise StorageError(403, "AccessDenied", "This URL has been used.")
    for name, value in upload.headers.items():
        if headers.get(name) != value:
            raise StorageError(403, "SignatureDoesNotMatch", f"The signed header {name} is missing or different.")
