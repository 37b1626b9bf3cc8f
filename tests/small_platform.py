"""A platform of assets, uploads and one index that is only dictionaries, and what can go wrong between it and a run."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from email.utils import formatdate
from typing import Any, Final, TypeVar, cast
from urllib.parse import parse_qs, urlsplit

import attrs
from support import parts_of, said
from typing_extensions import override

from twelvelabs_async.api import Api
from twelvelabs_async.body import Body
from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import APIConnectionError
from twelvelabs_async.ingest import Claim, Entry, MemoryLedger, SavedUpload
from twelvelabs_async.models.uploads import CompletedChunk
from twelvelabs_async.policy.limiter import RateLimiter
from twelvelabs_async.policy.retry import RetryQuota
from twelvelabs_async.reply import Reply
from twelvelabs_async.session import SessionManager
from twelvelabs_async.settings import Options
from twelvelabs_async.uploads.state import UploadState

T = TypeVar("T")

INDEX: Final = "6b0000000000000000000001"
LATE: Final = 2.0
"""Seconds after a crash at which the platform may still carry out what it had received."""

CHUNK: Final = 16
"""Bytes of a part of an upload in parts."""


class KilledError(BaseException):
    """The process was killed."""


@attrs.define
class Fate:
    """Decides at which step a process dies: each call of the ledger and of the platform is three of them.

    At the first nothing has happened, at the second the request is on its way, at the third all is done and the caller
    does not know.
    """

    dies_at: int = -1
    steps: int = 0
    dead: bool = False

    async def step(self) -> None:
        """Live on, or die."""
        await asyncio.sleep(0)
        if self.dead or self.steps == self.dies_at:
            self.dead = True
            raise KilledError
        self.steps += 1

    async def around(self, effect: Callable[[], T], *, late: Callable[[], None] | None = None) -> T:
        """Let `effect` happen, unless the process dies first; `late` is what comes of it when it dies in between."""
        await self.step()
        try:
            await self.step()
        except KilledError:
            if late is not None:
                late()
            raise
        result = effect()
        await self.step()
        return result


@attrs.define
class Platform:
    """What is on the other side; it outlives the process."""

    clock: Clock
    processing: float = 3.0
    indexing: float = 4.0
    lag: float = 0.5
    """Seconds before something new is in the lists."""
    assets: dict[str, dict[str, Any]] = attrs.field(factory=dict[str, dict[str, Any]])
    indexed: dict[str, dict[str, Any]] = attrs.field(factory=dict[str, dict[str, Any]])
    uploads: dict[str, dict[str, Any]] = attrs.field(factory=dict[str, dict[str, Any]])
    requests: list[str] = attrs.field(factory=list[str])
    received: int = 0
    """Bytes of parts that arrived."""
    limit: int = 0
    """Assets that may be made in a minute; 0 is any number."""
    created: list[float] = attrs.field(factory=list[float])
    """When each asset was made."""
    refused: int = 0
    _window: float = -1e9
    _used: int = 0
    faults: list[str] = attrs.field(factory=list[str])
    """What happens to the next writes: `lost` before, `blind` after they are done; else nothing."""

    def answer(self, method: str, target: str, body: Body) -> Reply:
        """One request, done."""
        parts = urlsplit(target)
        query = parse_qs(parts.query)
        self.requests.append(f"{method} {parts.path}")
        match method, parts.path.split("/")[1:]:
            case "POST", ["assets"]:
                return self._limited(body)
            case "GET", ["assets"]:
                return said(200, _page(self._listed_assets(query), query))
            case "GET", ["assets", asset_id]:
                found = self.assets.get(asset_id)
                return said(200, self._asset(found)) if found else said(404)
            case "GET", ["assets", asset_id, "indexed-assets"]:
                return said(200, _page([entry for entry in self._listed() if entry["asset_id"] == asset_id], query))
            case "POST", ["indexes", _, "indexed-assets"]:
                return said(202, self._put_into_index(json.loads(cast("bytes", body.content))))
            case "GET", ["indexes", _, "indexed-assets"]:
                return said(200, _page(self._listed(), query))
            case "GET", ["indexes", _, "indexed-assets", entry_id]:
                return said(200, self._indexed(self.indexed[entry_id]))
            case _, ["assets", "multipart-uploads", *rest]:
                return self._multipart(rest, body, query)
            case _:
                raise AssertionError((method, target))

    def _limited(self, body: Body) -> Reply:
        if not self.limit:
            return said(201, self._create(body))
        now = self.clock.time()
        if now >= self._window + 60:
            self._window, self._used = now, 0
        full = self._used >= self.limit
        self._used += not full
        self.refused += full
        told = {
            "Date": formatdate(now, usegmt=True),
            "X-Ratelimit-Limit": str(self.limit),
            "X-Ratelimit-Remaining": str(self.limit - self._used),
            "X-Ratelimit-Reset": str(-int(-(self._window + 60) // 1)),
        }
        if full:
            return said(429, {}, told)
        self.created.append(self.clock.monotonic())
        return said(201, self._create(body), told)

    def _create(self, body: Body) -> dict[str, Any]:
        content = cast("bytes", body.content)
        fields = {
            str(part.get_param("name", header="content-disposition")): str(part.get_payload())
            for part in parts_of(body, content)
        }
        return self._asset(self._add(fields["filename"], json.loads(fields["user_metadata"])))

    def _add(self, filename: str, metadata: dict[str, Any], asset_id: str = "") -> dict[str, Any]:
        asset_id = asset_id or f"a{len(self.assets) + 1:023}"
        self.assets[asset_id] = {
            "_id": asset_id,
            "filename": filename,
            "user_metadata": metadata,
            "since": self.clock.monotonic(),
        }
        return self.assets[asset_id]

    def _asset(self, asset: Mapping[str, Any]) -> dict[str, Any]:
        ready = self.clock.monotonic() >= asset["since"] + self.processing
        return {**asset, "status": "ready" if ready else "processing"}

    def _listed_assets(self, query: Mapping[str, list[str]]) -> list[dict[str, Any]]:
        ids, name = query.get("asset_ids"), query.get("filename", [""])[0]
        fits = [asset for key, asset in self.assets.items() if (not ids or key in ids) and name in asset["filename"]]
        return [self._asset(asset) for asset in reversed(fits) if self._visible(asset)]

    def _visible(self, thing: Mapping[str, Any]) -> bool:
        return bool(self.clock.monotonic() >= thing["since"] + self.lag)

    def _put_into_index(self, body: dict[str, Any]) -> dict[str, Any]:
        asset = self.assets[body["asset_id"]]
        assert self._asset(asset)["status"] == "ready"
        entry_id = f"e{len(self.indexed) + 1:023}"
        self.indexed[entry_id] = {"_id": entry_id, "asset_id": asset["_id"], "since": self.clock.monotonic()}
        return {"_id": entry_id, "asset_id": asset["_id"]}

    def _indexed(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        ready = self.clock.monotonic() >= entry["since"] + self.indexing
        return {**entry, "status": "ready" if ready else "indexing", "index": {"_id": INDEX}, "system_metadata": {}}

    def _listed(self) -> list[dict[str, Any]]:
        return [self._indexed(entry) for entry in reversed(self.indexed.values()) if self._visible(entry)]

    def _multipart(self, rest: list[str], body: Body, query: Mapping[str, list[str]]) -> Reply:
        match rest:
            case []:
                asked = json.loads(cast("bytes", body.content))
                upload_id = f"u{len(self.uploads) + 1:023}"
                count = -(-asked["total_size"] // CHUNK)
                self.uploads[upload_id] = {"asked": asked, "count": count, "there": {}, "reported": set()}
                asset_id = f"b{len(self.uploads):023}"
                self.uploads[upload_id]["asset_id"] = asset_id
                opened = {"upload_id": upload_id, "asset_id": asset_id, "chunk_size": CHUNK, "total_chunks": count}
                return said(201, {**opened, "upload_urls": [], "upload_headers": {}})
            case [upload_id, "presigned-urls"]:
                asked = json.loads(cast("bytes", body.content))
                last = min(asked["start"] + asked["count"] - 1, self.uploads[upload_id]["count"])
                urls = [_url(upload_id, index) for index in range(asked["start"], last + 1)]
                return said(200, {"upload_urls": urls})
            case [upload_id] if body.content:
                return self._report(upload_id, json.loads(cast("bytes", body.content))["completed_chunks"])
            case [upload_id]:
                upload = self.uploads[upload_id]
                done = upload["reported"]
                chunks = [
                    {"index": index, "status": "completed" if index in done else "pending"}
                    for index in range(1, upload["count"] + 1)
                ]
                return said(200, {"upload_id": upload_id, **_page(chunks, query, "uploaded_chunks")})
            case _:
                raise AssertionError(rest)

    def _report(self, upload_id: str, chunks: list[dict[str, Any]]) -> Reply:
        upload = self.uploads[upload_id]
        for chunk in chunks:
            if upload["there"].get(chunk["chunk_index"]) != chunk["proof"]:
                return said(400, {"code": "parameter_invalid", "message": "no such chunk"})
            upload["reported"].add(chunk["chunk_index"])
        whole = len(upload["reported"]) == upload["count"]
        if whole and upload["asset_id"] not in self.assets:
            self._add(upload["asked"]["filename"], upload["asked"]["user_metadata"], upload["asset_id"])
        url = {"url": "https://storage.test/whole"} if whole else {}
        return said(200, {"total_completed": len(upload["reported"]), **url})

    def store(self, url: str, content: bytes) -> Reply:
        """A part arrives."""
        _, upload_id, index = urlsplit(url).path.split("/")
        etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
        self.uploads[upload_id]["there"][int(index)] = etag
        self.received += len(content)
        return said(200, headers={"ETag": f'"{etag}"'})


def _url(upload_id: str, index: int) -> dict[str, Any]:
    return {"chunk_index": index, "url": f"https://storage.test/{upload_id}/{index}"}


def _page(items: list[dict[str, Any]], query: Mapping[str, list[str]], key: str = "data") -> dict[str, Any]:
    page, limit = int(query.get("page", ["1"])[0]), int(query.get("page_limit", ["10"])[0])
    pages = -(-len(items) // limit)
    return {key: items[(page - 1) * limit : page * limit], "page_info": {"page": page, "total_page": pages}}


class MortalSession:
    """Stands for the session manager of a process that may die at each request."""

    def __init__(self, platform: Platform, fate: Fate) -> None:
        self._platform = platform
        self._fate = fate

    def check(self) -> None:
        """Usable everywhere."""

    async def send(self, method: str, path: str, body: Body, *, idle: float | None = None) -> Reply:
        del idle
        platform = self._platform
        fault = platform.faults.pop(0) if method == "POST" and platform.faults else ""
        if fault == "lost":
            await self._fate.step()
            raise APIConnectionError(message="reset before it was read")
        reply = await self._fate.around(
            lambda: platform.answer(method, path, body), late=lambda: _later(platform, method, path, body)
        )
        if fault == "blind":
            raise APIConnectionError(message="reset after it was done")
        return reply

    async def store(self, url: str, headers: Mapping[str, str], body: Body, *, idle: float) -> Reply:
        del headers, idle
        pieces = [piece async for piece in cast("AsyncIterator[bytes]", body.start())]
        return await self._fate.around(lambda: self._platform.store(url, b"".join(pieces)))


def _later(platform: Platform, method: str, path: str, body: Body) -> None:
    """What a dead process had sent is still carried out."""
    if method == "POST" and not path.startswith("/assets/"):
        asyncio.get_running_loop().call_later(LATE, platform.answer, method, path, body)


class MortalLedger(MemoryLedger):
    """The memory of a process that may die at each call; what is written outlives it."""

    def __init__(self) -> None:
        super().__init__()
        self._name = "a ledger"
        self.fate = Fate()

    async def reborn(self, fate: Fate) -> MortalLedger:
        """The same ledger in the next process."""
        self.fate = fate
        await super().close()
        return self

    @override
    async def find(self, index_id: str, uri: str, size: int, mtime_ns: int) -> Entry | None:
        await self.fate.step()
        return await super().find(index_id, uri, size, mtime_ns)

    @override
    async def claim(self, entry: Entry) -> Claim:
        await self.fate.step()
        claim = await super().claim(entry)
        await self.fate.step()
        return claim

    @override
    async def save(self, entry: Entry) -> None:
        await self.fate.step()
        await super().save(entry)
        await self.fate.step()

    @override
    async def save_upload(self, token: str, state: UploadState) -> None:
        await self.fate.step()
        await super().save_upload(token, state)
        await self.fate.step()

    @override
    async def save_part(self, token: str, part: CompletedChunk) -> None:
        await self.fate.step()
        await super().save_part(token, part)
        await self.fate.step()

    @override
    async def upload(self, token: str) -> SavedUpload | None:
        await self.fate.step()
        return await super().upload(token)


def mortal_api(platform: Platform, fate: Fate) -> Api:
    """The road of one process to the platform."""
    return Api(
        session=cast("SessionManager", MortalSession(platform, fate)),
        limiter=RateLimiter(platform.clock),
        quota=RetryQuota(),
        clock=platform.clock,
        options=Options(max_retries=1),
    )
