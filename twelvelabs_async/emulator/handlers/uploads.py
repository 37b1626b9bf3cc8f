"""Multipart uploads."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from twelvelabs_async.emulator import media, metadata, paging
from twelvelabs_async.emulator.call import Call, Operation, Reply
from twelvelabs_async.emulator.clock import moment
from twelvelabs_async.emulator.errors import ApiError, choice, invalid, missing, unknown
from twelvelabs_async.emulator.handlers import assets
from twelvelabs_async.emulator.presign import presign
from twelvelabs_async.emulator.state import Chunk, Upload

if TYPE_CHECKING:
    from twelvelabs_async.emulator.world import World

TEMPLATE = "/assets/multipart-uploads"
ONE = TEMPLATE + "/{upload_id}"
MOST_URLS = 50


async def create(call: Call) -> Reply:
    """POST /assets/multipart-uploads."""
    world, body = call.world, await call.json()
    await _forget_expired(world)
    upload = await _opened(world, body)
    world.state.uploads[upload.id] = upload
    urls = [presign(world, upload, chunk.index) for chunk in upload.chunks[: world.settings.first_urls]]
    view = {
        "upload_id": upload.id,
        "asset_id": upload.asset_id,
        "upload_urls": urls,
        "upload_headers": upload.headers,
        "chunk_size": upload.chunk_size,
        "total_chunks": len(upload.chunks),
        "expires_at": moment(upload.expires_at),
    }
    return Reply(view, 201)


async def _opened(world: World, body: dict[str, Any]) -> Upload:
    for name in ("filename", "type", "total_size"):
        if body.get(name) in (None, ""):
            raise missing(name)
    kind = choice("type", body["type"], media.LIMITS["multipart"])
    total = _whole(body, "total_size", 1)
    assets.check_size(kind, total, media.LIMITS["multipart"])
    now, chunk_size = world.now(), world.settings.chunk_size
    upload_id = world.state.ids.object()
    headers = world.settings.upload_headers
    return Upload(
        id=upload_id,
        asset_id=world.state.ids.object(),
        filename=str(body["filename"]),
        kind=kind,
        total_size=total,
        chunk_size=chunk_size,
        chunks=_chunks(total, chunk_size, now),
        headers={"x-upload-session": upload_id} if headers is None else dict(headers),
        created_at=now,
        expires_at=now + world.timing.session_lifetime,
        hls=_flag(body, "enable_hls"),
        thumbnail=_flag(body, "enable_thumbnail"),
        user_metadata=metadata.read(body.get("user_metadata") or {}),
        spool=await world.spool.file() if world.settings.probe and total <= world.settings.spool_limit else None,
    )


def _chunks(total: int, size: int, now: float) -> list[Chunk]:
    starts = range(0, total, size)
    return [Chunk(number, min(size, total - start), now) for number, start in enumerate(starts, 1)]


def _whole(body: dict[str, Any], name: str, least: int, most: int | None = None) -> int:
    value = body.get(name)
    if value is None:
        raise missing(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < least or (most is not None and value > most):
        raise invalid(name, f"it must be a whole number from {least}" + (f" to {most}" if most else ""))
    return value


def _flag(body: dict[str, Any], name: str) -> bool:
    value = body.get(name) or False
    if not isinstance(value, bool):
        raise invalid(name, "it must be a boolean")
    return value


async def _forget_expired(world: World) -> None:
    """Delete the bytes of uploads that nobody can finish any more."""
    for upload in world.state.uploads.values():
        if world.upload_status(upload) == "expired":
            await _drop_bytes(upload)


async def _drop_bytes(upload: Upload) -> None:
    path, upload.spool = upload.spool, None
    upload.used.clear()
    if path is not None:
        await asyncio.to_thread(path.unlink, missing_ok=True)


async def list_incomplete(call: Call) -> Reply:
    """GET /assets/multipart-uploads; neither file name nor asset id are told."""
    world = call.world
    active = [upload for upload in world.state.uploads.values() if world.upload_status(upload) == "active"]
    return Reply(paging.page(call.query, paging.newest_first(active), lambda upload: summary(world, upload)))


def summary(world: World, upload: Upload) -> dict[str, Any]:
    """Return an upload as lists show it."""
    return {
        "upload_id": upload.id,
        "status": world.upload_status(upload),
        "total_size": upload.total_size,
        "chunk_size": upload.chunk_size,
        "total_chunks": len(upload.chunks),
        "created_at": moment(upload.created_at),
        "expires_at": moment(upload.expires_at),
    }


async def get_status(call: Call) -> Reply:
    """GET /assets/multipart-uploads/{upload_id}."""
    upload = _find(call)
    failed = sum(chunk.status == "failed" for chunk in upload.chunks)
    counters = {
        "upload_id": upload.id,
        "status": call.world.upload_status(upload),
        "chunks_completed": upload.completed,
        "chunks_failed": failed,
        "chunks_pending": len(upload.chunks) - upload.completed - failed,
        "total_size": upload.total_size,
        "uploaded_size": sum(chunk.size for chunk in upload.chunks if chunk.reported_at is not None),
        "created_at": moment(upload.created_at),
        "updated_at": moment(max(chunk.updated_at for chunk in upload.chunks)),
    }
    return Reply(counters | paging.page(call.query, upload.chunks, _chunk, name="uploaded_chunks"))


def _chunk(chunk: Chunk) -> dict[str, Any]:
    view = {
        "index": chunk.index,
        "status": chunk.status,
        "uploaded_at": None if chunk.reported_at is None else moment(chunk.reported_at),
        "updated_at": moment(chunk.updated_at),
    }
    return view | ({"error": chunk.error} if chunk.error else {})


def _find(call: Call) -> Upload:
    identifier = call.id("upload_id")
    upload = call.world.state.uploads.get(identifier)
    if upload is None:
        raise unknown("upload", identifier)
    return upload


def _find_open(call: Call) -> Upload:
    upload = _find(call)
    if call.world.upload_status(upload) == "expired":
        raise ApiError(400, "parameter_invalid", f"The upload {upload.id} has expired.")
    return upload


async def request_urls(call: Call) -> Reply:
    """POST /assets/multipart-uploads/{upload_id}/presigned-urls."""
    world, upload, body = call.world, _find_open(call), await call.json()
    start = _whole(body, "start", 1, len(upload.chunks))
    count = _whole(body, "count", 1, MOST_URLS)
    urls = [presign(world, upload, chunk.index) for chunk in upload.chunks[start - 1 : start - 1 + count]]
    view = {
        "upload_id": upload.id,
        "start_index": start,
        "count": len(urls),
        "upload_urls": urls,
        "generated_at": moment(world.now()),
        "expires_at": urls[0]["expires_at"],
    }
    return Reply(view)


async def report(call: Call) -> Reply:
    """POST /assets/multipart-uploads/{upload_id}.

    A wrong report spoils its own chunk, which has to be sent again, and the answer is a refusal; the right ones beside
    it count all the same, so repeating the whole report does no harm.
    """
    upload, body = _find_open(call), await call.json()
    given = body.get("completed_chunks")
    if not isinstance(given, list) or not given:
        raise invalid("completed_chunks", "it must be a list with at least one entry")
    reports = [_read_report(upload, entry) for entry in cast("list[object]", given)]
    before, wrong, duplicates = upload.completed, list[int](), 0
    for chunk, entry in reports:
        if chunk.reported_at is not None:
            duplicates += 1
        elif not _accept(call.world, chunk, entry):
            wrong.append(chunk.index)
    if wrong:
        raise invalid("completed_chunks", f"the proof or size of these chunks is wrong: {wrong}")
    await _complete(call.world, upload)
    return Reply(_progress(call.world, upload, upload.completed - before, duplicates))


def _read_report(upload: Upload, entry: object) -> tuple[Chunk, dict[str, Any]]:
    if not isinstance(entry, dict):
        raise invalid("completed_chunks", "each entry must be an object")
    fields = cast("dict[str, Any]", entry)
    if not isinstance(fields.get("proof"), str):
        raise missing("proof")
    choice("proof_type", fields.get("proof_type"), ("etag",))
    _whole(fields, "chunk_size", 1)
    return upload.chunks[_whole(fields, "chunk_index", 1, len(upload.chunks)) - 1], fields


def _accept(world: World, chunk: Chunk, fields: dict[str, Any]) -> bool:
    chunk.updated_at = world.now()
    if chunk.etag is not None and fields["proof"].strip('"') == chunk.etag and fields["chunk_size"] == chunk.size:
        chunk.reported_at = world.now()
        return True
    chunk.error = "The chunk has not arrived." if chunk.etag is None else "The proof or the size is wrong."
    chunk.etag = None
    return False


async def _complete(world: World, upload: Upload) -> None:
    """Make the asset when the last chunk has been reported."""
    async with upload.lock:
        if upload.completed == len(upload.chunks) and upload.completed_at is None:
            await _make_asset(world, upload)


async def _make_asset(world: World, upload: Upload) -> None:
    digest = "".join(str(chunk.etag) for chunk in upload.chunks)
    look = await world.look_into(upload.spool, upload.filename, upload.total_size, digest)
    assets.add(
        world,
        method="multipart",
        filename=upload.filename,
        look=look,
        hls=upload.hls,
        thumbnail=upload.thumbnail,
        user_metadata=upload.user_metadata,
        asset_id=upload.asset_id,
    )
    upload.completed_at = world.now()
    await _drop_bytes(upload)


def _progress(world: World, upload: Upload, processed: int, duplicates: int) -> dict[str, Any]:
    view: dict[str, Any] = {
        "asset_id": upload.asset_id,
        "processed_chunks": processed,
        "duplicate_chunks": duplicates,
        "total_completed": upload.completed,
    }
    if upload.completed_at is not None:
        view["url"] = f"{world.storage_url}/files/{upload.asset_id}"
    return view


OPERATIONS = (
    Operation("GET", TEMPLATE, list_incomplete),
    Operation("POST", TEMPLATE, create),
    Operation("GET", ONE, get_status),
    Operation("POST", ONE, report),
    Operation("POST", ONE + "/presigned-urls", request_urls),
)
