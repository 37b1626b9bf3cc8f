"""The admin API: control an emulator over HTTP, below `/_emulator` on the origin of the API, without a key.

| | |
|---|---|
| `GET /_emulator/state` | the current time, all objects as JSON, and the number of requests in flight |
| `POST /_emulator/reset` | restore the initial state and settings |
| `POST /_emulator/clock/advance` | advance the clock: `{"seconds": 60}` |
| `GET /_emulator/faults` | list the faults |
| `POST /_emulator/faults` | add a fault: `{"operation": "POST /search", "status": 503}` |
| `DELETE /_emulator/faults` | remove all faults |
| `GET /_emulator/requests` | list the latest requests, of one operation with `?route=` |
| `DELETE /_emulator/requests` | clear the request log |
| `GET /_emulator/limits` | list the windows that have counted anything, and the number of 429 responses |
| `PUT /_emulator/plan` | change the plan: `{"name": "developer"}`, other fields of a plan, or both |
| `GET /_emulator/timing` | the processing times and lifetimes |
| `PUT /_emulator/timing` | change it: `{"seconds": 0}`, `{"polls": 3}`, `{"realtime": 0.5}`, or fields of `Timing` |
| `POST /_emulator/scenes` | describe a file: `{"filename": "a.mp4", "scenes": [[0, 5, "a car"]], "transcript": ""}` |
| `POST /_emulator/videos` | add a video: `{"index": "films", "filename": "a.mp4", "scenes": [[0, 5, "a car"]]}` |
| `POST /_emulator/connections` | connect an account of a storage provider: `{"files": {"film": "film.mp4"}}` |
| `GET /_emulator/answers` | list the given answers |
| `POST /_emulator/answers` | give an answer: `{"operation": "POST /analyze", "text": "Two.", "prompt": "how"}` |
| `DELETE /_emulator/answers` | remove all given answers |
| `GET /_emulator/webhooks` | list the webhook endpoints, each with its deliveries |
| `POST /_emulator/webhooks` | add a webhook endpoint: `{"url": "http://127.0.0.1:9000/hook", "secret": "s"}` |
| `DELETE /_emulator/webhooks` | remove all webhook endpoints |
| `GET /_emulator/` | the dashboard |

A fault takes the fields of `Fault`, and a plan those of `Plan`. A window is `{"limit": 60, "seconds": 60, "dimension":
"Request"}`; a category has one window or a list of them. An answer has `text`, or `json` for a document; a video may
have a `transcript`, a `duration` in seconds and `user_metadata`, and a connection a `custom_id`, an `account` and a
`status`. Fields that `PUT` omits get their defaults. An invalid request is answered with status 400 and
`{"error": ...}`, a request from a page of another site with 403.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, cast

import cattrs
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from twelvelabs_async.emulator._admin import Controls
from twelvelabs_async.emulator._admin.dashboard import Dashboard
from twelvelabs_async.emulator._api import (
    analyze_tasks,
    assets,
    connections,
    embed,
    entities,
    indexed_assets,
    indexes,
    knowledge_stores,
    serializers,
    tasks,
)
from twelvelabs_async.emulator._json import parse_json, rfc3339_millis
from twelvelabs_async.emulator._media import descriptions
from twelvelabs_async.emulator._state.entities import DEFAULT_ORGANIZATION
from twelvelabs_async.emulator._state.service import Service
from twelvelabs_async.emulator.connected_accounts import ConnectionStatus, RemoteFile
from twelvelabs_async.emulator.faults import FaultOptions
from twelvelabs_async.emulator.plans import Plan, Window, Windows
from twelvelabs_async.emulator.timing import Timing

ADMIN_PREFIX: Final = "/_emulator"

_converter = cattrs.Converter(forbid_extra_keys=True)
_converter.register_structure_hook(bytes | str | None, lambda value, _: None if value is None else str(value))
_converter.register_structure_hook(
    Windows, lambda value, _: _converter.structure([value] if isinstance(value, dict) else value, tuple[Window, ...])
)


@dataclass(frozen=True, slots=True)
class _DescribeBody:
    """Body of `POST /_emulator/scenes`."""

    filename: str
    scenes: list[tuple[float, float, str]] = field(default_factory=list[tuple[float, float, str]])
    transcript: str | None = None


@dataclass(frozen=True, slots=True)
class _VideoBody(_DescribeBody):
    """Body of `POST /_emulator/videos`."""

    duration: float | None = None
    user_metadata: dict[str, Any] | None = None
    index: str = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class _ConnectionBody:
    """Body of `POST /_emulator/connections`."""

    files: dict[str, str] = field(default_factory=dict[str, str])
    provider: Literal["google_drive"] = "google_drive"
    custom_id: str | None = None
    account: str = "someone@example.com"
    status: ConnectionStatus = "active"
    organization: str = DEFAULT_ORGANIZATION


@dataclass(frozen=True, slots=True)
class _AnswerBody:
    """Body of `POST /_emulator/answers`."""

    operation: str
    text: str | None = None
    json: Any = None
    prompt: str | None = None


@dataclass(frozen=True, slots=True)
class _WebhookBody:
    """Body of `POST /_emulator/webhooks`."""

    url: str
    secret: str
    organization: str = DEFAULT_ORGANIZATION


def build_admin(emulator: Controls, persist: Middleware) -> web.Application:
    """Return the admin application, for mounting below `ADMIN_PREFIX`.

    Args:
        emulator: The emulator to control.
        persist: Middleware that saves the state after a request that may have changed it.
    """
    handlers = _Handlers(emulator)
    app = web.Application(middlewares=[_reject_other_sites, persist, _handle_errors])
    app.router.add_routes(Dashboard(emulator).routes())
    app.router.add_routes(
        [
            web.get("/state", handlers.get_state),
            web.post("/reset", _calling(emulator.reset)),
            web.post("/clock/advance", handlers.advance_clock),
            web.get("/faults", handlers.list_faults),
            web.post("/faults", handlers.add_fault),
            web.delete("/faults", _calling(emulator.faults.clear)),
            web.get("/requests", handlers.list_requests),
            web.delete("/requests", _calling(emulator.requests.clear)),
            web.get("/limits", handlers.get_limits),
            web.put("/plan", handlers.change_plan),
            web.get("/timing", handlers.get_timing),
            web.put("/timing", handlers.change_timing),
            web.post("/scenes", handlers.describe),
            web.post("/videos", handlers.add_video),
            web.post("/connections", handlers.add_connection),
            web.get("/answers", handlers.list_answers),
            web.post("/answers", handlers.add_answer),
            web.delete("/answers", _calling(emulator.service.answers.clear)),
            web.get("/webhooks", handlers.list_webhooks),
            web.post("/webhooks", handlers.add_webhook),
            web.delete("/webhooks", handlers.clear_webhooks),
        ]
    )
    return app


def _calling(action: Callable[[], None]) -> Handler:
    """Return a handler that calls a function."""

    async def handle(_request: web.Request) -> web.Response:
        action()
        return web.Response(status=204)

    return handle


class _Handlers:
    """The handlers of the admin API."""

    def __init__(self, emulator: Controls) -> None:
        self._emulator = emulator

    async def get_state(self, _request: web.Request) -> web.Response:
        return web.json_response({"in_flight": self._emulator.in_flight, **_snapshot(self._emulator.service)})

    async def advance_clock(self, request: web.Request) -> web.Response:
        self._emulator.advance(float((await _read_body(request))["seconds"]))
        return web.json_response({"time": rfc3339_millis(self._emulator.service.now())})

    async def list_faults(self, _request: web.Request) -> web.Response:
        return web.json_response([fault.to_json() for fault in self._emulator.faults])

    async def add_fault(self, request: web.Request) -> web.Response:
        body = await _read_body(request)
        operation = str(body.pop("operation"))
        fault = self._emulator.faults.add(operation, **_converter.structure(body, FaultOptions))
        return web.json_response(fault.to_json(), status=201)

    async def list_requests(self, request: web.Request) -> web.Response:
        operation, log = request.query.get("route"), self._emulator.requests
        requests = log if operation is None else log.for_operation(operation)
        return web.json_response([recorded.to_json() for recorded in requests])

    async def get_limits(self, _request: web.Request) -> web.Response:
        rate_limited = [
            {"category": category, "dimension": dimension, "count": count}
            for (category, dimension), count in self._emulator.rate_limited.items()
        ]
        return web.json_response({"windows": self._emulator.limits, "refusals": rate_limited})

    async def change_plan(self, request: web.Request) -> web.Response:
        body = await _read_body(request)
        name = body.pop("name", None)
        plan = _converter.structure(body, Plan)
        overrides = {field: getattr(plan, field) for field in body}
        self._emulator.plan = plan if name is None else Plan.named(str(name), **overrides)
        return web.Response(status=204)

    async def describe(self, request: web.Request) -> web.Response:
        body = _converter.structure(await _read_body(request), _DescribeBody)
        description = descriptions.describe(body.scenes, body.transcript)
        self._emulator.service.root_state.describe(body.filename, description)
        return web.Response(status=204)

    async def get_timing(self, _request: web.Request) -> web.Response:
        return web.json_response(asdict(self._emulator.timing))

    async def change_timing(self, request: web.Request) -> web.Response:
        self._emulator.timing = Timing.of(await _read_body(request))
        return web.Response(status=204)

    async def add_video(self, request: web.Request) -> web.Response:
        body = _converter.structure(await _read_body(request), _VideoBody)
        video = indexed_assets.add_finished_video(
            self._emulator.service.for_organization(DEFAULT_ORGANIZATION),
            body.index,
            body.filename,
            body.scenes,
            transcript=body.transcript,
            duration=body.duration,
            user_metadata=body.user_metadata,
        )
        return web.json_response(
            {"index_id": video.index_id, "video_id": video.id, "asset_id": video.asset.id}, status=201
        )

    async def add_connection(self, request: web.Request) -> web.Response:
        body = _converter.structure(await _read_body(request), _ConnectionBody)
        connection = connections.add_connection(
            self._emulator.service.for_organization(body.organization),
            provider=body.provider,
            files={source_id: RemoteFile(filename=filename) for source_id, filename in body.files.items()},
            custom_id=body.custom_id,
            account=body.account,
            status=body.status,
        )
        return web.json_response({"connection_id": connection.id}, status=201)

    async def list_answers(self, _request: web.Request) -> web.Response:
        return web.json_response(self._emulator.service.answers.to_json())

    async def add_answer(self, request: web.Request) -> web.Response:
        body = _converter.structure(await _read_body(request), _AnswerBody)
        if (body.text is None) == (body.json is None):
            raise ValueError("an answer needs either text or json")
        answer: Any = body.json if body.text is None else body.text
        self._emulator.service.answers.add(body.operation, answer, body.prompt)
        return web.Response(status=204)

    async def list_webhooks(self, _request: web.Request) -> web.Response:
        webhooks = self._emulator.webhooks
        return web.json_response(
            [
                {
                    "url": endpoint.url,
                    "organization": endpoint.organization,
                    "deliveries": [
                        {"event": delivery.event.type, "task_id": delivery.event.task_id, **delivery.to_json()}
                        for delivery in webhooks.deliveries
                        if delivery.endpoint is endpoint
                    ],
                }
                for endpoint in webhooks.endpoints
            ]
        )

    async def add_webhook(self, request: web.Request) -> web.Response:
        body = _converter.structure(await _read_body(request), _WebhookBody)
        endpoint = self._emulator.webhooks.add(body.url, secret=body.secret, organization=body.organization)
        return web.json_response({"url": endpoint.url, "organization": endpoint.organization}, status=201)

    async def clear_webhooks(self, _request: web.Request) -> web.Response:
        for endpoint in self._emulator.webhooks.endpoints:
            self._emulator.webhooks.remove(endpoint)
        return web.Response(status=204)


@web.middleware
async def _handle_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except KeyError as error:
        return web.json_response({"error": f"{error} is missing"}, status=400)
    except cattrs.BaseValidationError as error:
        return web.json_response({"error": "; ".join(cattrs.transform_error(error))}, status=400)
    except RecursionError:
        return web.json_response({"error": "the body has too many levels"}, status=400)
    except (ValueError, TypeError, OverflowError) as error:
        return web.json_response({"error": str(error)}, status=400)


async def _read_body(request: web.Request) -> dict[str, Any]:
    body = parse_json(await request.read() or b"{}")
    if not isinstance(body, dict):
        raise TypeError("the body must be a JSON object")
    return cast("dict[str, Any]", body)


@web.middleware
async def _reject_other_sites(request: web.Request, handler: Handler) -> web.StreamResponse:
    reason = site_rejection(request.headers)
    return await handler(request) if reason is None else web.json_response({"error": reason}, status=403)


def site_rejection(headers: Mapping[str, str]) -> str | None:
    """Return why a request of a page must be rejected, `None` if it is allowed.

    A page of another site can send requests to this machine from the browser of its reader, but it cannot change the
    headers that reveal this.
    """
    origin = headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != headers.get("Host", ""):
        return f"requests from pages of {origin} are not allowed"
    if headers.get("Sec-Fetch-Site") == "cross-site":
        return "requests from pages of other sites are not allowed"
    return None


def _snapshot(service: Service) -> dict[str, Any]:
    """Return the current time and all objects by kind, oldest first, and those of other organizations by name."""
    others = {
        other.organization: _objects(other)
        for other in service.for_all_organizations()
        if other.organization != service.organization
    }
    return {"time": rfc3339_millis(service.now()), **_objects(service), "organisations": others}


def _objects(service: Service) -> dict[str, Any]:
    state, knowledge, connectors = service.state, service.state.knowledge, service.state.connectors
    return {
        "indexes": [indexes.index_view(service, index) for index in state.indexes.values()],
        "assets": [serializers.asset_detail(service, asset) for asset in state.assets.values()],
        "indexed_assets": [
            {"index_id": video.index_id} | serializers.indexed_asset(service, video) for video in state.videos.values()
        ],
        "tasks": [tasks.task_view(service, task) for task in state.tasks.values()],
        "uploads": [assets.upload_summary(service, upload) for upload in state.uploads.values()],
        "embed_tasks": [embed.task_view(service, task) for task in state.embed_tasks.values()],
        "analyze_tasks": [analyze_tasks.task_view(service, task, brief=True) for task in state.analyses.tasks.values()],
        "batches": [analyze_tasks.batch_view(service, batch) for batch in state.analyses.batches.values()],
        "knowledge_stores": [knowledge_stores.store_view(service, store) for store in knowledge.stores.values()],
        "items": [
            {"store_id": item.store_id} | knowledge_stores.item_view(service, item) for item in knowledge.items.values()
        ],
        "item_collections": [
            knowledge_stores.collection_view(collection) for collection in knowledge.item_collections.values()
        ],
        "entity_collections": [entities.collection_view(collection) for collection in knowledge.collections.values()],
        "entities": [entities.entity_view(service, entity) for entity in knowledge.entities.values()],
        "connections": [connections.connection_view(connection) for connection in connectors.connections.values()],
        "redirect_uris": [connections.redirect_uri_view(uri) for uri in connectors.redirect_uris.values()],
        "imports": [connections.import_view(import_) for import_ in connectors.imports.values()],
    }
