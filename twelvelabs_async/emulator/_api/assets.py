"""Assets, their user metadata and their multipart uploads."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any
from urllib.parse import urlsplit

from twelvelabs_async.emulator._api import listing, serializers
from twelvelabs_async.emulator._api.context import NO_CONTENT, ApiResponse, Operation, RequestContext
from twelvelabs_async.emulator._api.validation import (
    Form,
    FormFile,
    JsonObject,
    merge_user_metadata,
    optional_bool,
    parse_user_metadata,
    parse_user_metadata_json,
    require_choice,
    require_given,
    required_int,
    required_object_list,
    required_string,
)
from twelvelabs_async.emulator._errors import ApiError, invalid_parameter, missing_parameter
from twelvelabs_async.emulator._json import rfc3339_millis
from twelvelabs_async.emulator._media import descriptions, media, rules
from twelvelabs_async.emulator._media.media import Asset, filename_of
from twelvelabs_async.emulator._media.rules import url_problem
from twelvelabs_async.emulator._state import progress
from twelvelabs_async.emulator._state.entities import Chunk, Upload
from twelvelabs_async.emulator._state.service import Service
from twelvelabs_async.emulator._storage import presign

METHODS = ("direct", "url")
ASSET_NOT_READY = "asset_not_ready"
TRANSCRIPTION_PARTS = ("words", "sentences", "utterances")
USER_METADATA_PATH = "/assets/{asset_id}/user-metadata"
LIST_PATH = "/assets/multipart-uploads"
ITEM_PATH = LIST_PATH + "/{upload_id}"
MAX_URLS = 50


async def create_asset(context: RequestContext) -> ApiResponse:
    """POST /assets."""
    async with context.form() as form:
        method = require_choice("method", form.require("method"), METHODS)
        user_metadata = parse_user_metadata_json(form.get("user_metadata"))
        filename, info = await _from_file(context, form) if method == "direct" else _from_url(form)
        hls, thumbnail = form.flag("enable_hls", default=True), form.flag("enable_thumbnail", default=True)
    asset = add_asset(
        context.service, method, filename, info, hls=hls, thumbnail=thumbnail, user_metadata=user_metadata
    )
    return ApiResponse(serializers.asset_view(context.service, asset), 201)


async def _from_file(context: RequestContext, form: Form) -> tuple[str, media.Media]:
    file = require_given(form.file("file"), "file")
    filename = form.get("filename") or file.filename
    return filename, await inspect_form_file(context.service, "file", file, filename, rules.MAX_UPLOAD_SIZES["direct"])


async def inspect_form_file(
    service: Service, name: str, file: FormFile, filename: str, limits: dict[str, int]
) -> media.Media:
    """Inspect a file from a form.

    Raises:
        ApiError: The file is empty, or too large for its kind.
    """
    if not file.size:
        raise invalid_parameter(name, "the file is empty")
    info = await service.inspect_media(file.path, filename, file.size, file.digest)
    check_size(info.kind, file.size, limits)
    return info


async def inspect_content(service: Service, filename: str, content: bytes, *, keep: bool = True) -> media.Media:
    """Inspect a file in memory; `keep` copies it to the data directory, if there is one."""
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    async with service.spool.temporary_file() as path:
        await asyncio.to_thread(path.write_bytes, content)
        return await service.inspect_media(path, filename, len(content), digest, keep=keep)


def check_size(kind: str, size: int, limits: dict[str, int]) -> None:
    """Check the size of a file.

    Raises:
        ApiError: The file is too large for its kind.
    """
    if size > limits[kind]:
        message = f"The file has {size} bytes, and {limits[kind]} are allowed for files of type {kind}."
        raise ApiError(400, too_large_code(kind), message)


def too_large_code(kind: str) -> str:
    """Return the error code for a file that is too large."""
    codes = {"video": "video_filesize_too_large", "audio": "audio_filesize_too_large"}
    return codes.get(kind, "media_filesize_too_large")


def _from_url(form: Form) -> tuple[str, media.Media]:
    return media_from_url("url", form.require("url"), form.get("filename"))


def media_from_url(name: str, url: str, filename: str | None = None, *, kind: str = "video") -> tuple[str, media.Media]:
    """Return the name and generated properties of the file at a URL; nothing is fetched.

    Args:
        name: The parameter, for the error.
        url: The URL.
        filename: The name, if it is not the one in the URL.
        kind: Kind of a file whose name has no known extension.

    Raises:
        ApiError: The URL is not an http or https URL.
    """
    check_url(name, url)
    filename = filename or filename_of(url)
    known = media.guess_kind(filename) is not None
    info = media.guess_remote_media(filename if known else f"{filename}.{media.DEFAULT_EXTENSIONS[kind]}", url)
    if problem := url_problem(url):
        info = media.Media(kind=info.kind, mime=info.mime, size=0, digest="", problem=problem)
    return filename, info


def check_url(name: str, url: str) -> None:
    """Check that a string is an http or https URL.

    Raises:
        ApiError: It is not.
    """
    if not is_url(url):
        raise invalid_parameter(name, "it must be an http or https URL")


def is_url(text: str) -> bool:
    """Return whether a string is an http or https URL."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def require_ready(service: Service, asset: Asset, use: str) -> None:
    """Check that an asset is ready to be used: analyzed, indexed or embedded.

    Raises:
        ApiError: It is not.
    """
    status = progress.asset_status(service, asset)
    if status != "ready":
        raise ApiError(400, ASSET_NOT_READY, f"The asset {asset.id} cannot be {use}: its status is {status}.")


def add_asset(
    service: Service,
    method: str,
    filename: str,
    info: media.Media,
    *,
    hls: bool = False,
    thumbnail: bool = False,
    user_metadata: dict[str, Any] | None = None,
    asset_id: str | None = None,
) -> Asset:
    """Create an asset, and start to process it."""
    asset = Asset(
        id=asset_id or service.state.ids.object_id(),
        method=method,
        filename=filename,
        media=service.state.descriptions.apply_to(filename, info),
        created_at=service.now(),
        user_metadata=user_metadata or {},
        hls=hls,
        thumbnail=thumbnail,
    )
    service.state.assets[asset.id] = asset
    return asset


async def list_assets(context: RequestContext) -> ApiResponse:
    """GET /assets."""
    query = context.query
    ids = set(query.getall("asset_ids", []))
    kinds = context.query_choices("asset_types", media.MIME_TYPES)
    part = query.get("filename", "").lower()
    assets = [
        asset
        for asset in context.service.state.assets.values()
        if (not ids or asset.id in ids) and (not kinds or asset.media.kind in kinds) and part in asset.filename.lower()
    ]
    in_order = listing.newest_first(assets)
    return listing.page_response(context, in_order, lambda asset: serializers.asset_detail(context.service, asset))


async def retrieve_asset(context: RequestContext) -> ApiResponse:
    """GET /assets/{asset_id}."""
    return ApiResponse(serializers.asset_detail(context.service, context.asset))


async def retrieve_transcription(context: RequestContext) -> ApiResponse:
    """GET /assets/{asset_id}/transcription; 404 for an asset without audio."""
    asset = context.asset
    if not asset.media.has_audio:
        raise ApiError(404, "resource_not_exist", f"The asset {asset.id} has no transcription.")
    # One value may contain several parts, separated by commas.
    included = ",".join(context.query.getall("include", ["words"])).split(",")
    included_parts = {require_choice("include", part, TRANSCRIPTION_PARTS) for part in included}
    status = progress.asset_status(context.service, asset)
    view: dict[str, Any] = {"status": status}
    if status == "ready":
        parts = {
            "words": list(descriptions.spoken_words(asset)),
            "sentences": descriptions.sentences(asset),
            "utterances": [sentence | {"speaker": "A"} for sentence in descriptions.sentences(asset)],
        }
        view |= {part: entries for part, entries in parts.items() if part in included_parts}
    return ApiResponse(view)


async def delete_asset(context: RequestContext) -> ApiResponse:
    """DELETE /assets/{asset_id}; with `force` also one in use, whose indexed assets remain.

    Entities with the asset lose it, and do not count as uses.
    """
    asset = context.asset
    state = context.service.state
    if not context.query_flag("force") and (
        state.videos_of_asset(asset.id) or state.knowledge.has_item_of_asset(asset.id)
    ):
        raise ApiError(409, "asset_in_use", f"The asset {asset.id} is in use; pass force=true to delete it anyway.")
    state.knowledge.remove_asset_from_entities(asset.id)
    del state.assets[asset.id]
    return NO_CONTENT


async def replace_user_metadata(context: RequestContext) -> ApiResponse:
    """PUT /assets/{asset_id}/user-metadata."""
    asset = context.asset
    asset.user_metadata = parse_user_metadata(await _requested_metadata(context))
    return NO_CONTENT


async def update_user_metadata(context: RequestContext) -> ApiResponse:
    """PATCH /assets/{asset_id}/user-metadata."""
    asset = context.asset
    asset.user_metadata = merge_user_metadata(asset.user_metadata, await _requested_metadata(context))
    return NO_CONTENT


async def _requested_metadata(context: RequestContext) -> object:
    body = await context.json()
    if "user_metadata" not in body:
        raise missing_parameter("user_metadata")
    return body["user_metadata"]


async def delete_user_metadata(context: RequestContext) -> ApiResponse:
    """DELETE /assets/{asset_id}/user-metadata."""
    context.asset.user_metadata = {}
    return NO_CONTENT


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
    kind = require_choice("type", body["type"], rules.MAX_UPLOAD_SIZES["multipart"])
    total = required_int(body, "total_size", 1)
    check_size(kind, total, rules.MAX_UPLOAD_SIZES["multipart"])
    now, chunk_size = service.now(), service.settings.chunk_size
    upload_id = service.state.ids.object_id()
    headers = service.settings.upload_headers
    return Upload(
        id=upload_id,
        asset_id=service.state.ids.object_id(),
        filename=filename,
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
    return context.find(context.service.state.uploads, "upload_id", "upload")


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
    service, upload, body = context.service, _find_active(context), await context.json()
    reports = [_read_report(upload, entry) for entry in required_object_list(body, "completed_chunks")]
    completed_before, wrong, duplicates = upload.completed_chunks, list[int](), 0
    for chunk, entry in reports:
        if chunk.reported_at is not None:
            duplicates += 1
        elif not _accept(service, chunk, entry):
            wrong.append(chunk.index)
    if wrong:
        raise invalid_parameter("completed_chunks", f"the proof or size of these chunks is wrong: {wrong}")
    await _complete(service, upload)
    view: dict[str, Any] = {
        "asset_id": upload.asset_id,
        "processed_chunks": upload.completed_chunks - completed_before,
        "duplicate_chunks": duplicates,
        "total_completed": upload.completed_chunks,
    }
    if upload.completed_at is not None:
        view["url"] = f"{service.storage_url}/files/{upload.asset_id}"
    return ApiResponse(view)


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
        if upload.completed_chunks < len(upload.chunks) or upload.completed_at is not None:
            return
        digest = "".join(str(chunk.etag) for chunk in upload.chunks)
        info = await service.inspect_media(upload.spool_path, upload.filename, upload.total_size, digest)
        add_asset(
            service,
            "multipart",
            upload.filename,
            info,
            hls=upload.hls,
            thumbnail=upload.thumbnail,
            user_metadata=upload.user_metadata,
            asset_id=upload.asset_id,
        )
        upload.completed_at = service.now()
        await _delete_bytes(upload)


OPERATIONS = (
    Operation("GET", "/assets", list_assets),
    Operation("POST", "/assets", create_asset),
    Operation("GET", "/assets/{asset_id}", retrieve_asset),
    Operation("DELETE", "/assets/{asset_id}", delete_asset),
    Operation("GET", "/assets/{asset_id}/transcription", retrieve_transcription),
    Operation("PUT", USER_METADATA_PATH, replace_user_metadata),
    Operation("PATCH", USER_METADATA_PATH, update_user_metadata),
    Operation("DELETE", USER_METADATA_PATH, delete_user_metadata),
    Operation("GET", LIST_PATH, list_incomplete_uploads),
    Operation("POST", LIST_PATH, create_upload),
    Operation("GET", ITEM_PATH, get_upload_status),
    Operation("POST", ITEM_PATH, report_chunks),
    Operation("POST", ITEM_PATH + "/presigned-urls", request_urls),
)
