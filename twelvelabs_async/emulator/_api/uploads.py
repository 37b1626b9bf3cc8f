"""Multipart uploads."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from twelvelabs_async.emulator._api import assets, listing
from twelvelabs_async.emulator._api.context import ApiResponse, Operation, RequestContext
from twelvelabs_async.emulator._api.validation import (
    JsonObject,
    optional_bool,
    parse_user_metadata,
    require_choice,
    required_int,
    required_object_list,
    required_string,
)
from twelvelabs_async.emulator._errors import ApiError, invalid_parameter, missing_parameter, require_found
from twelvelabs_async.emulator._media import media
from twelvelabs_async.emulator._state import progress
from twelvelabs_async.emulator._state.entities import Chunk, Upload
from twelvelabs_async.emulator._storage import presign
from twelvelabs_async.emulator._timestamps import rfc3339_millis

if TYPE_CHECKING:
    from twelvelabs_async.emulator._state.service import Service

LIST_PATH = "/assets/multipart-uploads"
ITEM_PATH = LIST_PATH + "/{upload_id}"
MAX_URLS = 50


async def create_upload(context: RequestContext) -> ApiResponse:
    """POST /assets/multipart-uploads."""
    service, body = context.service, await context.json()
    await _purge_expired(service)
    upload = await _new_upload(service, body)
    service.state.uploads[upload.id] = upload
    urls = [presign(service, upload, chunk.index) for chunk in upload.chunks[: service.settings.initial_presigned_urls]]
    view = {
        "upload_id": upload.id,
        "asset_id": upload.asset_id,
        "upload_urls": urls,
        "upload_headers": upload.headers,
        "chunk_size": upload.chunk_size,
        "total_chunks": len(upload.chunks),
        "expires_at": rfc3339_millis(upload.expires_at),
    }
    return ApiResponse(view, 201)


async def _new_upload(service: Service, body: JsonObject) -> Upload:
    for name in ("filename", "type", "total_size"):
        if body.get(name) in (None, ""):
            raise missing_parameter(name)
    filename = required_string(body, "filename")
    kind = require_choice("type", body["type"], media.MAX_UPLOAD_SIZES["multipart"])
    total = required_int(body, "total_size", 1)
    assets.check_size(kind, total, media.MAX_UPLOAD_SIZES["multipart"])
    now, chunk_size = service.now(), service.settings.chunk_size
    upload_id = service.state.ids.object_id()
    headers = service.settings.upload_headers
    return Upload(
        id=upload_id,
        asset_id=service.state.ids.object_id(),
        filename=filename,
        kind=kind,
        total_size=total,
        chunk_size=chunk_size,
        chunks=_chunks(total, chunk_size, now),
        headers={"x-upload-session": upload_id} if headers is None else dict(headers),
        created_at=now,
        expires_at=now + service.timing.session_lifetime,
        hls=optional_bool(body, "enable_hls"),
        thumbnail=optional_bool(body, "enable_thumbnail"),
        user_metadata=parse_user_metadata(body.get("user_metadata") or {}),
        spool_path=await service.spool.create_file()
        if service.settings.inspect_media and total <= service.settings.max_inspected_upload
        else None,
    )


def _chunks(total: int, size: int, now: float) -> list[Chunk]:
    starts = range(0, total, size)
    return [Chunk(number, min(size, total - start), now) for number, start in enumerate(starts, 1)]


async def _purge_expired(service: Service) -> None:
    """Delete the files of expired uploads."""
    for upload in service.state.uploads.values():
        if progress.upload_status(service, upload) == "expired":
            await _delete_bytes(upload)


async def _delete_bytes(upload: Upload) -> None:
    path, upload.spool_path = upload.spool_path, None
    upload.used_signatures.clear()
    if path is not None:
        await asyncio.to_thread(path.unlink, missing_ok=True)


async def list_incomplete_uploads(context: RequestContext) -> ApiResponse:
    """GET /assets/multipart-uploads."""
    service = context.service
    active = [
        upload for upload in service.state.uploads.values() if progress.upload_status(service, upload) == "active"
    ]
    return listing.page_response(context, listing.newest_first(active), lambda upload: upload_summary(service, upload))


def upload_summary(service: Service, upload: Upload) -> dict[str, Any]:
    """Return an upload as in lists."""
    return {
        "upload_id": upload.id,
        "status": progress.upload_status(service, upload),
        "total_size": upload.total_size,
        "chunk_size": upload.chunk_size,
        "total_chunks": len(upload.chunks),
        "created_at": rfc3339_millis(upload.created_at),
        "expires_at": rfc3339_millis(upload.expires_at),
    }


async def get_upload_status(context: RequestContext) -> ApiResponse:
    """GET /assets/multipart-uploads/{upload_id}."""
    upload = _find(context)
    failed = sum(chunk.status == "failed" for chunk in upload.chunks)
    counters = {
        "upload_id": upload.id,
        "status": progress.upload_status(context.service, upload),
        "chunks_completed": upload.completed_chunks,
        "chunks_failed": failed,
        "chunks_pending": len(upload.chunks) - upload.completed_chunks - failed,
        "total_size": upload.total_size,
        "uploaded_size": sum(chunk.size for chunk in upload.chunks if chunk.reported_at is not None),
        "created_at": rfc3339_millis(upload.created_at),
        "updated_at": rfc3339_millis(max(chunk.updated_at for chunk in upload.chunks)),
    }
    return ApiResponse(counters | listing.paginate(context.query, upload.chunks, _chunk_view, name="uploaded_chunks"))


def _chunk_view(chunk: Chunk) -> dict[str, Any]:
    view = {
        "index": chunk.index,
        "status": chunk.status,
        "uploaded_at": None if chunk.reported_at is None else rfc3339_millis(chunk.reported_at),
        "updated_at": rfc3339_millis(chunk.updated_at),
    }
    return view | ({"error": chunk.error} if chunk.error else {})


def _find(context: RequestContext) -> Upload:
    identifier = context.path_id("upload_id")
    return require_found(context.service.state.uploads.get(identifier), "upload", identifier)


def _find_active(context: RequestContext) -> Upload:
    upload = _find(context)
    if progress.upload_status(context.service, upload) == "expired":
        raise ApiError(400, "parameter_invalid", f"The upload {upload.id} has expired.")
    return upload


async def request_urls(context: RequestContext) -> ApiResponse:
    """POST /assets/multipart-uploads/{upload_id}/presigned-urls."""
    service, upload, body = context.service, _find_active(context), await context.json()
    start = required_int(body, "start", 1, len(upload.chunks))
    count = required_int(body, "count", 1, MAX_URLS)
    urls = [presign(service, upload, chunk.index) for chunk in upload.chunks[start - 1 : start - 1 + count]]
    view = {
        "upload_id": upload.id,
        "start_index": start,
        "count": len(urls),
        "upload_urls": urls,
        "generated_at": rfc3339_millis(service.now()),
        "expires_at": urls[0]["expires_at"],
    }
    return ApiResponse(view)


async def report_chunks(context: RequestContext) -> ApiResponse:
    """POST /assets/multipart-uploads/{upload_id}.

    A wrong entry invalidates its chunk, which must be sent again, and the response is an error. Correct entries of the
    same request count, so repeating the whole request is safe.
    """
    upload, body = _find_active(context), await context.json()
    reports = [_read_report(upload, entry) for entry in required_object_list(body, "completed_chunks")]
    completed_before, wrong, duplicates = upload.completed_chunks, list[int](), 0
    for chunk, entry in reports:
        if chunk.reported_at is not None:
            duplicates += 1
        elif not _accept(context.service, chunk, entry):
            wrong.append(chunk.index)
    if wrong:
        raise invalid_parameter("completed_chunks", f"the proof or size of these chunks is wrong: {wrong}")
    await _complete(context.service, upload)
    return ApiResponse(_report_view(context.service, upload, upload.completed_chunks - completed_before, duplicates))


def _read_report(upload: Upload, entry: JsonObject) -> tuple[Chunk, JsonObject]:
    if not isinstance(entry.get("proof"), str):
        raise missing_parameter("proof")
    require_choice("proof_type", entry.get("proof_type"), ("etag",))
    required_int(entry, "chunk_size", 1)
    return upload.chunks[required_int(entry, "chunk_index", 1, len(upload.chunks)) - 1], entry


def _accept(service: Service, chunk: Chunk, entry: JsonObject) -> bool:
    chunk.updated_at = service.now()
    if chunk.etag is not None and entry["proof"].strip('"') == chunk.etag and entry["chunk_size"] == chunk.size:
        chunk.reported_at = service.now()
        return True
    chunk.error = "The chunk has not arrived." if chunk.etag is None else "The proof or the size is wrong."
    chunk.etag = None
    return False


async def _complete(service: Service, upload: Upload) -> None:
    """Create the asset when all chunks have been reported."""
    async with upload.lock:
        if upload.completed_chunks == len(upload.chunks) and upload.completed_at is None:
            await _make_asset(service, upload)


async def _make_asset(service: Service, upload: Upload) -> None:
    digest = "".join(str(chunk.etag) for chunk in upload.chunks)
    info = await service.inspect_media(upload.spool_path, upload.filename, upload.total_size, digest)
    assets.add_asset(
        service,
        method="multipart",
        filename=upload.filename,
        media_info=info,
        hls=upload.hls,
        thumbnail=upload.thumbnail,
        user_metadata=upload.user_metadata,
        asset_id=upload.asset_id,
    )
    upload.completed_at = service.now()
    await _delete_bytes(upload)


def _report_view(service: Service, upload: Upload, processed: int, duplicates: int) -> dict[str, Any]:
    view: dict[str, Any] = {
        "asset_id": upload.asset_id,
        "processed_chunks": processed,
        "duplicate_chunks": duplicates,
        "total_completed": upload.completed_chunks,
    }
    if upload.completed_at is not None:
        view["url"] = f"{service.storage_url}/files/{upload.asset_id}"
    return view


OPERATIONS = (
    Operation("GET", LIST_PATH, list_incomplete_uploads),
    Operation("POST", LIST_PATH, create_upload),
    Operation("GET", ITEM_PATH, get_upload_status),
    Operation("POST", ITEM_PATH, report_chunks),
    Operation("POST", ITEM_PATH + "/presigned-urls", request_urls),
)
