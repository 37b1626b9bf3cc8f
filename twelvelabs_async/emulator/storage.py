"""The storage behind presigned URLs: another origin than the API, as in reality, and one that speaks XML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from twelvelabs_async.emulator import presign
from twelvelabs_async.emulator.errors import StorageError
from twelvelabs_async.emulator.spoiling import CORRUPT
from twelvelabs_async.emulator.spool import Intake

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

    from twelvelabs_async.emulator.world import World

PATH = "/uploads/{upload_id}/{index}"
FILE = "/files/{asset_id}"
THUMBNAIL = "/derived/{asset_id}/thumbnail.jpg"


class Storage:
    """Takes chunks in, and gives whole files back as far as they are kept; it has no list."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def put(self, request: web.Request) -> web.StreamResponse:
        """Store one chunk."""
        world, match = self._world, request.match_info
        ticket = presign.check(world, match["upload_id"], match["index"], request.query, request.headers)
        _check_length(request.content_length, ticket)
        intake = Intake(ticket.upload.spool, ticket.offset)
        corrupt = CORRUPT.get()
        while piece := await request.content.readany():
            await intake.feed(_changed(piece) if corrupt else piece)
            corrupt = False
        etag = await intake.finish()
        self._keep(ticket, etag)
        return web.Response(headers={"ETag": f'"{etag}"'})

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Give a file back, which needs a store."""
        asset = self._world.whole.any_asset(request.match_info["asset_id"])
        path = None if asset is None else self._world.kept(asset)
        if asset is None or path is None:
            raise StorageError(404, "NoSuchKey", "There is no such file, or it was not kept.")
        return web.FileResponse(path, headers={"Content-Type": asset.media.mime, "X-Content-Type-Options": "nosniff"})

    async def thumbnail(self, request: web.Request) -> web.StreamResponse:
        """Give the thumbnail of an asset, where there is one."""
        asset = self._world.whole.any_asset(request.match_info["asset_id"])
        picture = None if asset is None else await self._world.picture(asset)
        if picture is None:
            raise StorageError(404, "NoSuchKey", "There is no such thumbnail.")
        return web.Response(body=picture, content_type="image/jpeg")

    def _keep(self, ticket: presign.Ticket, etag: str) -> None:
        # Only now, for a body that broke off leaves the URL as good as it was.
        ticket.upload.used.add(ticket.signature)
        chunk = ticket.chunk
        if chunk.reported_at is None:
            chunk.etag, chunk.error, chunk.updated_at = etag, None, self._world.now()


def _changed(piece: bytes) -> bytes:
    return bytes([piece[0] ^ 1]) + piece[1:]


def _check_length(length: int | None, ticket: presign.Ticket) -> None:
    if length is None:
        raise StorageError(411, "MissingContentLength", "A Content-Length header is required.")
    if length != ticket.chunk.size:
        code = "EntityTooSmall" if length < ticket.chunk.size else "EntityTooLarge"
        raise StorageError(400, code, f"The chunk must have {ticket.chunk.size} bytes, and {length} were sent.")


@web.middleware
async def explain(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn refusals into XML."""
    try:
        return await handler(request)
    except StorageError as error:
        return web.Response(status=error.status, body=error.body(), content_type="application/xml")
    except web.HTTPException as error:
        code = "MethodNotAllowed" if isinstance(error, web.HTTPMethodNotAllowed) else "NoSuchKey"
        body = StorageError(error.status, code, error.reason).body()
        return web.Response(status=error.status, body=body, content_type="application/xml")
