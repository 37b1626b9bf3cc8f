"""The object storage: an origin of its own, with presigned URLs instead of API keys, and errors in XML."""

from __future__ import annotations

import hmac
import re
from hashlib import blake2b
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.typedefs import Handler

from twelvelabs_async.emulator._errors import StorageError
from twelvelabs_async.emulator._faults import FAULT
from twelvelabs_async.emulator._json import rfc3339_millis
from twelvelabs_async.emulator._spool import UploadHasher
from twelvelabs_async.emulator._state.entities import Chunk, Upload
from twelvelabs_async.emulator._state.service import Service

UPLOAD_PATH = "/uploads/{upload_id}/{index}"
FILE_PATH = "/files/{asset_id}"
_CHUNK_INDEX = re.compile(r"[0-9]{1,9}")
THUMBNAIL_PATH = "/{account}/assets/{asset_id}/thumbnails/{name}.jpeg"
"""The thumbnail of an asset or a video, or of a search hit, which has the name of its start in seconds."""


def presign(service: Service, upload: Upload, index: int) -> dict[str, Any]:
    """Return a new presigned URL for one chunk, as the API serializes it."""
    expires_at = min(service.now() + service.timing.url_lifetime, upload.expires_at)
    expires, nonce = f"{expires_at:.3f}", service.state.ids.nonce()
    query = {"expires": expires, "nonce": nonce, "signature": _signature(service, upload.id, index, expires, nonce)}
    url = f"{service.storage_url}/uploads/{upload.id}/{index}?{urlencode(query)}"
    return {"chunk_index": index, "url": url, "expires_at": rfc3339_millis(expires_at)}


def _signature(service: Service, upload_id: str, index: int, expires: str, nonce: str) -> str:
    signed = f"{upload_id}:{index}:{expires}:{nonce}"
    return blake2b(signed.encode(), key=f"storage:{service.settings.seed}".encode(), digest_size=20).hexdigest()


def _verify(service: Service, request: web.Request) -> tuple[Upload, Chunk]:
    """Check the presigned URL and the headers of a request, and return the chunk that it may store, with its upload.

    Raises:
        StorageError: The URL was changed, has expired or was used before, or signed headers are missing.
    """
    query, index = request.query, request.match_info["index"]
    upload = service.root_state.find_upload(request.match_info["upload_id"])
    signature, expires = query.get("signature", ""), query.get("expires", "")
    number = int(index) if _CHUNK_INDEX.fullmatch(index) else 0
    if upload is None or not 1 <= number <= len(upload.chunks):
        raise StorageError(404, "NoSuchUpload", "There is no such upload.")
    expected = _signature(service, upload.id, number, expires, query.get("nonce", ""))
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise StorageError(403, "SignatureDoesNotMatch", "The signature does not match the request.")
    if service.now() >= float(expires):
        raise StorageError(403, "AccessDenied", "Request has expired")
    if upload.completed_at is not None or signature in upload.used_signatures:
        raise StorageError(403, "AccessDenied", "This URL has been used.")
    required = upload.headers if service.settings.require_upload_headers else {}
    for name, value in required.items():
        if request.headers.get(name) != value:
            raise StorageError(403, "SignatureDoesNotMatch", f"The signed header {name} is missing or different.")
    return upload, upload.chunks[number - 1]


class Storage:
    """Handlers that store chunks and return files; there is no handler that lists files."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def put(self, request: web.Request) -> web.StreamResponse:
        """Store one chunk."""
        upload, chunk = _verify(self._service, request)
        _check_length(request.content_length, chunk.size)
        hasher = UploadHasher(upload.spool_path, (chunk.index - 1) * upload.chunk_size)
        corrupt = FAULT in request and request[FAULT].corrupt
        while received := await request.content.readany():
            await hasher.feed(bytes([received[0] ^ 1]) + received[1:] if corrupt else received)
            corrupt = False
        etag = await hasher.finish()
        # An interrupted upload does not use up the URL.
        upload.used_signatures.add(request.query["signature"])
        if chunk.reported_at is None:
            chunk.etag, chunk.error, chunk.updated_at = etag, None, self._service.now()
        return web.Response(headers={"ETag": f'"{etag}"'})

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Return a file; files are stored only with a data directory."""
        asset = self._service.root_state.find_asset(request.match_info["asset_id"])
        path = None if asset is None else self._service.stored_file(asset)
        if asset is None or path is None:
            raise StorageError(404, "NoSuchKey", "There is no such file, or it was not kept.")
        return web.FileResponse(path, headers={"Content-Type": asset.media.mime, "X-Content-Type-Options": "nosniff"})

    async def thumbnail(self, request: web.Request) -> web.StreamResponse:
        """Return the thumbnail of an asset, a video or a search hit, which are the same."""
        asset = self._service.root_state.find_shown_asset(request.match_info["asset_id"])
        image = None if asset is None else await self._service.thumbnail(asset)
        if image is None:
            raise StorageError(404, "NoSuchKey", "There is no such thumbnail.")
        return web.Response(body=image, content_type="image/jpeg")


def _check_length(length: int | None, expected: int) -> None:
    if length is None:
        raise StorageError(411, "MissingContentLength", "A Content-Length header is required.")
    if length != expected:
        code = "EntityTooSmall" if length < expected else "EntityTooLarge"
        raise StorageError(400, code, f"The chunk must have {expected} bytes, and {length} were sent.")


@web.middleware
async def handle_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Convert exceptions into XML error responses."""
    try:
        return await handler(request)
    except StorageError as error:
        found = error
    except web.HTTPException as error:
        code = "MethodNotAllowed" if isinstance(error, web.HTTPMethodNotAllowed) else "NoSuchKey"
        found = StorageError(error.status, code, error.reason)
    return web.Response(status=found.status, body=found.body(), content_type="application/xml")
