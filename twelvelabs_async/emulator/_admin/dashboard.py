"""The dashboard: a page that shows the objects, limits, faults and latest requests of an emulator."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast

from aiohttp import web

from twelvelabs_async.emulator._admin import Controls
from twelvelabs_async.emulator._api import OPERATIONS, serializers
from twelvelabs_async.emulator._media.media import Asset
from twelvelabs_async.emulator._operations import ANY_OPERATION, STORAGE
from twelvelabs_async.emulator._state import deterministic, progress
from twelvelabs_async.emulator._state.entities import DEFAULT_ORGANIZATION, Index, Upload
from twelvelabs_async.emulator._state.service import Service
from twelvelabs_async.emulator.clock import AdjustableClock
from twelvelabs_async.emulator.faults import Fault

View = dict[str, Any]

MAX_JOBS: Final = 14
MAX_ASSETS: Final = 24
MAX_REQUESTS: Final = 60
MAX_STEPS: Final = 12
_TERMINAL_STATUSES: Final = frozenset({"ready", "completed", "failed", "expired", "canceled"})
_STAGES: Final = {
    "indexing": ("pending", "queued", "indexing", "ready"),
    "task": ("uploading", "validating", "pending", "queued", "indexing", "ready"),
    "analysis": ("queued", "pending", "processing", "ready"),
    "item": ("queued", "pending", "processing", "ready"),
}
_DEFAULT_STAGES: Final = ("processing", "ready")
_UNITS: Final = {"Request": "requests", "Duration": "min", "OutputToken": "tokens"}
_PERIODS: Final = {1: "second", 60: "minute", 3600: "hour", 86_400: "day"}
_COUNTER_FIELDS: Final = frozenset({"operation", "times", "seen", "hits"})
_PAGE: Final = "panel.html"
_CONTENT_TYPES: Final = {_PAGE: "text/html", "panel.css": "text/css", "panel.js": "text/javascript"}
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""The page loads nothing from other origins, and no uploaded content can run in it."""
_STATIC_DIRECTORY: Final = Path(__file__).parent / "static"


class Dashboard:
    """The handlers of the dashboard of one emulator."""

    def __init__(self, emulator: Controls) -> None:
        self._emulator = emulator

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return the routes, relative to the prefix of the admin application."""
        return [
            web.get("", self._redirect),
            web.get("/", self._get_file),
            web.get("/{name:panel\\.(?:css|js)}", self._get_file),
            web.get("/overview", self._get_overview),
            web.get("/pictures/{asset_id}", self._get_thumbnail),
            web.get("/details/{asset_id}", self._get_details),
            web.get("/operations", self._get_operations),
        ]

    async def _redirect(self, request: web.Request) -> web.StreamResponse:
        raise web.HTTPPermanentRedirect(f"{request.path}/")

    async def _get_file(self, request: web.Request) -> web.Response:
        name = request.match_info.get("name", _PAGE)
        content = await asyncio.to_thread((_STATIC_DIRECTORY / name).read_bytes)
        return web.Response(body=content, content_type=_CONTENT_TYPES[name], charset="utf-8", headers=_HEADERS)

    async def _get_thumbnail(self, request: web.Request) -> web.StreamResponse:
        service = self._emulator.service
        asset = service.root_state.find_asset(request.match_info["asset_id"])
        thumbnail = None if asset is None else await service.thumbnail(asset)
        if thumbnail is None:
            raise web.HTTPNotFound
        return web.Response(body=thumbnail, content_type="image/jpeg", headers=_HEADERS)

    async def _get_overview(self, _request: web.Request) -> web.Response:
        return web.json_response(_overview(self._emulator), headers=_HEADERS)

    async def _get_details(self, request: web.Request) -> web.Response:
        asset_id = request.match_info["asset_id"]
        for service in self._emulator.service.for_all_organizations():
            if asset := service.state.assets.get(asset_id):
                return web.json_response(_details(service, asset), headers=_HEADERS)
        raise web.HTTPNotFound

    async def _get_operations(self, _request: web.Request) -> web.Response:
        return web.json_response(
            [ANY_OPERATION, STORAGE, *sorted(operation.name for operation in OPERATIONS)], headers=_HEADERS
        )


def _details(service: Service, asset: Asset) -> View:
    """Return an asset as the API shows it, what is seen and said in it, and its indexes."""
    videos = [video for video in service.state.videos.values() if video.asset.id == asset.id]
    return {
        **serializers.asset_detail(service, asset),
        "scenes": [[scene.start, scene.end, scene.text] for scene in asset.media.scenes],
        "indexes": [
            {"index": service.state.indexes[video.index_id].name, **serializers.indexed_asset(service, video)}
            for video in videos
            if video.index_id in service.state.indexes
        ],
    }


@dataclass(frozen=True, slots=True)
class Job:
    """An upload, asset, video or task with its progress."""

    kind: str
    name: str
    status: str
    created_at: float
    steps: int
    step: int

    @property
    def view(self) -> View:
        """The job as JSON."""
        return {"kind": self.kind, "name": self.name, "status": self.status, "steps": self.steps, "step": self.step}


def _overview(emulator: Controls) -> View:
    """Return the content of the dashboard."""
    service, services = emulator.service, emulator.service.for_all_organizations()
    jobs = [
        replace(job, name=_qualified_name(other.organization, job.name)) for other in services for job in _jobs(other)
    ]
    jobs.sort(key=lambda job: (job.status in _TERMINAL_STATUSES, -job.created_at))
    assets = [(other, asset) for other in services for asset in other.state.assets.values()]
    assets.sort(key=lambda pair: pair[1].created_at)
    indexes = [(other, index) for other in services for index in other.state.indexes.values()]
    indexes.sort(key=lambda pair: pair[1].created_at)
    faults = list(emulator.faults)
    return {
        "base": emulator.base_url,
        "time": service.now(),
        "movable": isinstance(service.clock, AdjustableClock),
        "counts": {
            "indexes": len(indexes),
            "assets": len(assets),
            "work": sum(job.status not in _TERMINAL_STATUSES for job in jobs),
            "requests": len(emulator.requests),
            "refused": sum(emulator.rate_limited.values()),
            "faults": sum(not fault.exhausted for fault in faults),
        },
        "work": [job.view for job in jobs[:MAX_JOBS]],
        "assets": [_asset(*pair) for pair in _newest(assets, MAX_ASSETS)],
        "indexes": [_index(*pair) for pair in reversed(indexes)],
        "limits": [_limit(service, usage) for usage in emulator.limits],
        "faults": [_fault(fault) for fault in faults],
        "requests": [recorded.to_json() for recorded in _newest(emulator.requests, MAX_REQUESTS)],
    }


def _newest(items: Iterable[Any], limit: int) -> list[Any]:
    return list(items)[::-1][:limit]


def _qualified_name(organization: str, name: str) -> str:
    """Return a name behind that of its organization; the name alone for the default organization."""
    return name if organization == DEFAULT_ORGANIZATION else f"{organization}: {name}"


def _jobs(service: Service) -> Iterator[Job]:
    state, knowledge = service.state, service.state.knowledge
    videos_of_tasks = {task.video.id for task in state.tasks.values()}
    yield from (_upload(service, upload) for upload in state.uploads.values())
    for asset in state.assets.values():
        yield _job("asset", asset.filename, progress.asset_status(service, asset), asset.created_at)
    for video in state.videos.values():
        if video.id not in videos_of_tasks:
            yield _job("indexing", video.asset.filename, progress.video_status(service, video), video.created_at)
    for task in state.tasks.values():
        yield _job("task", task.video.asset.filename, progress.task_status(service, task), task.created_at)
    for embedding in state.embed_tasks.values():
        yield _job("embedding", embedding.id, progress.embed_status(service, embedding), embedding.created_at)
    for analysis in state.analyses.tasks.values():
        name = ", ".join(source.filename for source in analysis.request.sources)
        yield _job("analysis", name, progress.analysis_status(service, analysis), analysis.created_at)
    for item in knowledge.items.values():
        yield _job("item", item.asset.filename, progress.item_status(service, item), item.created_at)


def _job(kind: str, name: str, status: str, created_at: float) -> Job:
    stages = _STAGES.get(kind, _DEFAULT_STAGES)
    step = stages.index(status) if status in stages else len(stages) - 1
    return Job(kind, name, status, created_at, len(stages) - 1, step)


def _upload(service: Service, upload: Upload) -> Job:
    total = len(upload.chunks)
    steps = min(total, MAX_STEPS)
    step = steps * upload.completed_chunks // total
    return Job("upload", upload.filename, progress.upload_status(service, upload), upload.created_at, steps, step)


def _asset(service: Service, asset: Asset) -> View:
    status = progress.asset_status(service, asset)
    return {
        "id": asset.id,
        "name": _qualified_name(service.organization, asset.filename),
        "kind": asset.media.kind,
        "status": status,
        "problem": asset.media.problem if status == "failed" else None,
        "size": asset.media.size,
        "duration": asset.media.duration,
        "scenes": len(asset.media.scenes),
        "shade": deterministic.stable_int("shade", asset.media.digest) % 360,
        "picture": f"pictures/{asset.id}" if service.has_thumbnail(asset) else None,
    }


def _index(service: Service, index: Index) -> View:
    models = ", ".join(f"{model['model_name']}: {' and '.join(model['model_options'])}" for model in index.models)
    name = _qualified_name(service.organization, index.name)
    return {"name": name, "videos": len(service.state.videos_of_index(index.id)), "models": models}


def _limit(service: Service, usage: View) -> View:
    period = _PERIODS.get(usage["seconds"], f"{usage['seconds']:g} s")
    resets = datetime.fromisoformat(usage["resets_at"]).timestamp() - service.now() if usage["used"] else 0
    return {
        "name": _qualified_name(usage["organisation"], f"{usage['category']} per {period}"),
        "unit": _UNITS[usage["dimension"]],
        "used": round(usage["used"], 1),
        "limit": usage["limit"],
        "resets": max(0, round(resets)),
    }


def _fault(fault: Fault) -> View:
    options = [
        f"{name} {_format_value(value)}" for name, value in fault.to_json().items() if name not in _COUNTER_FIELDS
    ]
    count = f"{fault.hits} of {'any' if fault.times is None else fault.times}"
    return {"operation": fault.operation, "words": ", ".join(options), "count": count, "pending": not fault.exhausted}


def _format_value(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key}: {text}" for key, text in cast("Mapping[str, str]", value).items())
    return str(value)
