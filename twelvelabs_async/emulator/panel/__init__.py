"""The page below `/_emulator/`, on which one can watch the emulator in a browser."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiohttp import web

from twelvelabs_async.emulator.overview import overview

if TYPE_CHECKING:
    from twelvelabs_async.emulator.server import Emulator

PAGE: Final = "panel.html"
TYPES: Final = {PAGE: "text/html", "panel.css": "text/css", "panel.js": "text/javascript"}
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Nothing is loaded from elsewhere, and nothing that was uploaded can become a part of the page."""
_HERE: Final = Path(__file__).parent


class Panel:
    """The page of one emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def routes(self, prefix: str) -> list[web.AbstractRouteDef]:
        """Return its routes for a router."""
        return [
            web.get(prefix, self._enter),
            web.get(f"{prefix}/", self._file),
            web.get(f"{prefix}/{{name:panel\\.(?:css|js)}}", self._file),
            web.get(f"{prefix}/overview", self._overview),
            web.get(f"{prefix}/pictures/{{asset_id}}", self._picture),
        ]

    async def _enter(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPPermanentRedirect(f"{request.path}/")

    async def _file(self, request: web.Request) -> web.Response:
        name = request.match_info.get("name", PAGE)
        content = await asyncio.to_thread((_HERE / name).read_bytes)
        return web.Response(body=content, content_type=TYPES[name], charset="utf-8", headers=HEADERS)

    async def _picture(self, request: web.Request) -> web.StreamResponse:
        world = self._emulator.world
        asset = world.whole.any_asset(request.match_info["asset_id"])
        picture = None if asset is None else await world.picture(asset)
        if picture is None:
            raise web.HTTPNotFound
        return web.Response(body=picture, content_type="image/jpeg", headers=HEADERS)

    async def _overview(self, _request: web.Request) -> web.Response:
        content = json.dumps(overview(self._emulator)).encode()
        return web.Response(body=content, content_type="application/json", headers=HEADERS)
