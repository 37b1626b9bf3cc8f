"""A fake platform in memory, with assets, uploads and one index, and a process that can crash at each request to it."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from email.utils import formatdate
from typing import Any, Final, TypeVar, cast
from urllib.parse import parse_qs, urlsplit

import attrs
from support import fake_response, parse_form_parts
from typing_extensions import override

from twelvelabs_async._core.executor import RequestExecutor
from twelvelabs_async._core.retry import RetryBudget
from twelvelabs_async._http.body import Body
from twelvelabs_async._http.connections import Attempt
from twelvelabs_async._http.transport import HttpTransport, Response
from twelvelabs_async._options import Options
from twelvelabs_async._rate_limit.limiter import RateLimiter
from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import APIConnectionError
from twelvelabs_async.ingest import Claim, Entry, MemoryLedger, SavedUpload
from twelvelabs_async.models.assets import CompletedChunk
from twelvelabs_async.uploads import UploadState

T = TypeVar("T")

INDEX: Final = "6b0000000000000000000001"
LATE_DELIVERY: Final = 2.0
"""Seconds after a crash until the platform executes a request that it had received."""

CHUNK: Final = 16
"""Size of a part of a multipart upload, in bytes."""


class ProcessKilledError(BaseException):
    """The process has crashed."""


@attrs.define
class CrashPlan:
    """Decides at which step a process crashes. Each call to the ledger or the platform has up to three steps.

    At the first step the request is not sent yet, at the second it is in flight, at the third it was executed but the
    caller has not received the response.
    """

    crash_at: int = -1
    steps_taken: int = 0
    crashed: bool = False

    async def step(self) -> None:
        """Count a step, or crash."""
        await asyncio.sleep(0)
        if self.crashed or self.steps_taken == self.crash_at:
            self.crashed = True
            raise ProcessKilledError
        self.steps_taken += 1

    async def run_step(self, effect: Callable[[], T], *, on_late_delivery: Callable[[], None] | None = None) -> T:
        """Call `effect`, unless the process crashes before it.

        `on_late_delivery` is called if the process crashes while the request is in flight.
        """
        await self.step()
        try:
            await self.step()
        except ProcessKilledError:
            if on_late_delivery is not None:
                on_late_delivery()
            raise
        result = effect()
        await self.step()
        return result


@attrs.define
class FakePlatform:
    """A fake platform, which survives the crash of a process."""

    clock: Clock
    processing: float = 3.0
    indexing: float = 4.0
    listing_delay: float = 0.5
    """Seconds until lists show a new resource."""
    assets: dict[str, dict[str, Any]] = attrs.field(factory=dict[str, dict[str, Any]])
    indexed: dict[str, dict[str, Any]] = attrs.field(factory=dict[str, dict[str, Any]])
    uploads: dict[str, dict[str, Any]] = attrs.field(factory=dict[str, dict[str, Any]])
    requests: list[str] = attrs.field(factory=list[str])
    received_bytes: int = 0
    """Total size of the received parts, in bytes."""
    assets_per_minute: int = 0
    """Limit of created assets per minute; 0 for no limit."""
    asset_times: list[float] = attrs.field(factory=list[float])
    """When each asset was created."""
    rejected_count: int = 0
    _window_start: float = -1e9
    _used: int = 0
    faults: list[str] = attrs.field(factory=list[str])
    """Faults of the next POST requests: `lost` drops the request, `blind` the response; empty is no fault."""

    def handle(self, method: str, target: str, body: Body) -> Response:
        """Execute a request."""
        parts = urlsplit(target)
        query = parse_qs(parts.query)
        self.requests.append(f"{method} {parts.path}")
        match method, parts.path.split("/")[1:]:
            case "POST", ["assets"]:
                return self._create_rate_limited(body)
            case "GET", ["assets"]:
                return fake_response(200, _page(self._list_assets(query), query))
            case "GET", ["assets", asset_id]:
                found = self.assets.get(asset_id)
                return fake_response(200, self._asset_view(found)) if found else fake_response(404)
            case "GET", ["assets", asset_id, "indexed-assets"]:
                return fake_response(
                    200, _page([entry for entry in self._list_indexed() if entry["asset_id"] == asset_id], query)
                )
            case "POST", ["indexes", _, "indexed-assets"]:
                return fake_response(202, self._create_indexed(json.loads(cast("bytes", body.content))))
            case "GET", ["indexes", _, "indexed-assets"]:
                return fake_response(200, _page(self._list_indexed(), query))
            case "GET", ["indexes", _, "indexed-assets", entry_id]:
                return fake_response(200, self._indexed_view(self.indexed[entry_id]))
            case "GET", ["indexes", index_id]:
                return fake_response(200, {"_id": index_id, "index_name": "films", "models": []})
            case _, ["assets", "multipart-uploads", *rest]:
                return self._multipart(rest, body, query)
            case _:
                raise AssertionError((method, target))

    def _create_rate_limited(self, body: Body) -> Response:
        if not self.assets_per_minute:
            return fake_response(201, self._create(body))
        now = self.clock.time()
        if now >= self._window_start + 60:
            self._window_start, self._used = now, 0
        full = self._used >= self.assets_per_minute
        self._used += not full
        self.rejected_count += full
        headers = {
            "Date": formatdate(now, usegmt=True),
            "X-Ratelimit-Limit": str(self.assets_per_minute),
            "X-Ratelimit-Remaining": str(self.assets_per_minute - self._used),
            "X-Ratelimit-Reset": str(-int(-(self._window_start + 60) // 1)),
        }
        if full:
            return fake_response(429, {}, headers)
        self.asset_times.append(self.clock.monotonic())
        return fake_response(201, self._create(body), headers)

    def _create(self, body: Body) -> dict[str, Any]:
        content = cast("bytes", body.content)
        fields = {
            str(part.get_param("name", header="content-disposition")): str(part.get_payload())
            for part in parse_form_parts(body, content)
        }
        return self._asset_view(self._add(fields["filename"], json.loads(fields["user_metadata"])))

    def _add(self, filename: str, metadata: dict[str, Any], asset_id: str = "") -> dict[str, Any]:
        asset_id = asset_id or f"a{len(self.assets) + 1:023}"
        self.assets[asset_id] = {
            "_id": asset_id,
            "filename": filename,
            "user_metadata": metadata,
            "since": self.clock.monotonic(),
        }
        return self.assets[asset_id]

    def _asset_view(self, asset: Mapping[str, Any]) -> dict[str, Any]:
        ready = self.clock.monotonic() >= asset["since"] + self.processing
        return {**asset, "status": "ready" if ready else "processing"}

    def _list_assets(self, query: Mapping[str, list[str]]) -> list[dict[str, Any]]:
        ids, name = query.get("asset_ids"), query.get("filename", [""])[0]
        matching = [
            asset for key, asset in self.assets.items() if (not ids or key in ids) and name in asset["filename"]
        ]
        return [self._asset_view(asset) for asset in reversed(matching) if self._visible(asset)]

    def _visible(self, resource: Mapping[str, Any]) -> bool:
        return bool(self.clock.monotonic() >= resource["since"] + self.listing_delay)

    def _create_indexed(self, body: dict[str, Any]) -> dict[str, Any]:
        asset = self.assets[body["asset_id"]]
        assert self._asset_view(asset)["status"] == "ready"
        entry_id = f"e{len(self.indexed) + 1:023}"
        self.indexed[entry_id] = {"_id": entry_id, "asset_id": asset["_id"], "since": self.clock.monotonic()}
        return {"_id": entry_id, "asset_id": asset["_id"]}

    def _indexed_view(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        ready = self.clock.monotonic() >= entry["since"] + self.indexing
        return {**entry, "status": "ready" if ready else "indexing", "index": {"_id": INDEX}, "system_metadata": {}}

    def _list_indexed(self) -> list[dict[str, Any]]:
        return [self._indexed_view(entry) for entry in reversed(self.indexed.values()) if self._visible(entry)]

    def _multipart(self, rest: list[str], body: Body, query: Mapping[str, list[str]]) -> Response:
        match rest:
            case []:
                body_fields = json.loads(cast("bytes", body.content))
                upload_id = f"u{len(self.uploads) + 1:023}"
                count = -(-body_fields["total_size"] // CHUNK)
                self.uploads[upload_id] = {"body_fields": body_fields, "count": count, "stored": {}, "reported": set()}
                asset_id = f"b{len(self.uploads):023}"
                self.uploads[upload_id]["asset_id"] = asset_id
                session = {"upload_id": upload_id, "asset_id": asset_id, "chunk_size": CHUNK, "total_chunks": count}
                return fake_response(201, {**session, "upload_urls": [], "upload_headers": {}})
            case [upload_id, "presigned-urls"]:
                body_fields = json.loads(cast("bytes", body.content))
                last = min(body_fields["start"] + body_fields["count"] - 1, self.uploads[upload_id]["count"])
                urls = [_url(upload_id, index) for index in range(body_fields["start"], last + 1)]
                return fake_response(200, {"upload_urls": urls})
            case [upload_id] if body.content:
                return self._report(upload_id, json.loads(cast("bytes", body.content))["completed_chunks"])
            case [upload_id]:
                upload = self.uploads[upload_id]
                done = upload["reported"]
                chunks = [
                    {"index": index, "status": "completed" if index in done else "pending"}
                    for index in range(1, upload["count"] + 1)
                ]
                return fake_response(200, {"upload_id": upload_id, **_page(chunks, query, "uploaded_chunks")})
            case _:
                raise AssertionError(rest)

    def _report(self, upload_id: str, chunks: list[dict[str, Any]]) -> Response:
        upload = self.uploads[upload_id]
        for chunk in chunks:
            if upload["stored"].get(chunk["chunk_index"]) != chunk["proof"]:
                return fake_response(400, {"code": "parameter_invalid", "message": "no such chunk"})
            upload["reported"].add(chunk["chunk_index"])
        complete = len(upload["reported"]) == upload["count"]
        if complete and upload["asset_id"] not in self.assets:
            self._add(upload["body_fields"]["filename"], upload["body_fields"]["user_metadata"], upload["asset_id"])
        url = {"url": "https://storage.test/whole"} if complete else {}
        return fake_response(200, {"total_completed": len(upload["reported"]), **url})

    def store(self, url: str, content: bytes) -> Response:
        """Store a part."""
        _, upload_id, index = urlsplit(url).path.split("/")
        etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
        self.uploads[upload_id]["stored"][int(index)] = etag
        self.received_bytes += len(content)
        return fake_response(200, headers={"ETag": f'"{etag}"'})


def _url(upload_id: str, index: int) -> dict[str, Any]:
    return {"chunk_index": index, "url": f"https://storage.test/{upload_id}/{index}"}


def _page(items: list[dict[str, Any]], query: Mapping[str, list[str]], key: str = "data") -> dict[str, Any]:
    page, limit = int(query.get("page", ["1"])[0]), int(query.get("page_limit", ["10"])[0])
    pages = -(-len(items) // limit)
    return {key: items[(page - 1) * limit : page * limit], "page_info": {"page": page, "total_page": pages}}


class CrashingSession:
    """The transport of a process that may crash at each request."""

    not_found_hint = ""
    base_path = "/v1.3"

    def __init__(self, platform: FakePlatform, crash_plan: CrashPlan) -> None:
        self._platform = platform
        self._crash_plan = crash_plan

    def ensure_usable(self) -> None:
        """Always usable."""

    async def send(
        self, method: str, path: str, body: Body, attempt: Attempt, *, idle_timeout: float | None = None
    ) -> Response:
        del idle_timeout
        attempt.sent = True
        platform = self._platform
        fault = platform.faults.pop(0) if method == "POST" and platform.faults else ""
        if fault == "lost":
            await self._crash_plan.step()
            raise APIConnectionError(message="reset before it was read")
        response = await self._crash_plan.run_step(
            lambda: platform.handle(method, path, body),
            on_late_delivery=lambda: _deliver_late(platform, method, path, body),
        )
        if fault == "blind":
            raise APIConnectionError(message="reset after it was done")
        return response

    async def put_to_storage(
        self, url: str, headers: Mapping[str, str], body: Body, attempt: Attempt, *, idle_timeout: float
    ) -> Response:
        del headers, idle_timeout
        attempt.sent = True
        chunks = [chunk async for chunk in cast("AsyncIterator[bytes]", body.open())]
        return await self._crash_plan.run_step(lambda: self._platform.store(url, b"".join(chunks)))


def _deliver_late(platform: FakePlatform, method: str, path: str, body: Body) -> None:
    """Execute a request of a crashed process after `LATE_DELIVERY` seconds."""
    if method == "POST" and not path.startswith("/assets/"):
        asyncio.get_running_loop().call_later(LATE_DELIVERY, platform.handle, method, path, body)


class CrashingLedger(MemoryLedger):
    """A ledger that survives the crash of its process, which may crash at each call."""

    def __init__(self) -> None:
        super().__init__()
        self._name = "a ledger"
        self.crash_plan = CrashPlan()

    async def restart(self, crash_plan: CrashPlan) -> CrashingLedger:
        """Return the ledger for the next process."""
        self.crash_plan = crash_plan
        await super().close()
        return self

    @override
    async def find(self, index_id: str, uri: str, size: int, mtime_ns: int) -> Entry | None:
        await self.crash_plan.step()
        return await super().find(index_id, uri, size, mtime_ns)

    @override
    async def claim(self, entry: Entry) -> Claim:
        await self.crash_plan.step()
        claim = await super().claim(entry)
        await self.crash_plan.step()
        return claim

    @override
    async def save(self, entry: Entry) -> None:
        await self.crash_plan.step()
        await super().save(entry)
        await self.crash_plan.step()

    @override
    async def save_upload(self, token: str, state: UploadState) -> None:
        await self.crash_plan.step()
        await super().save_upload(token, state)
        await self.crash_plan.step()

    @override
    async def save_part(self, token: str, part: CompletedChunk) -> None:
        await self.crash_plan.step()
        await super().save_part(token, part)
        await self.crash_plan.step()

    @override
    async def load_upload(self, token: str) -> SavedUpload | None:
        await self.crash_plan.step()
        return await super().load_upload(token)


def crashing_executor(platform: FakePlatform, crash_plan: CrashPlan) -> RequestExecutor:
    """Return the executor of one process."""
    return RequestExecutor(
        transport=cast("HttpTransport", CrashingSession(platform, crash_plan)),
        limiter=RateLimiter(platform.clock),
        retry_budget=RetryBudget(),
        clock=platform.clock,
        options=Options(max_retries=1),
    )
