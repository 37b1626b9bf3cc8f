"""What can be asked of the emulator itself, below `/_emulator` on the address of the API, without a key.

| | |
|---|---|
| `GET /_emulator/state` | the time, all objects as JSON, and how many requests are in flight |
| `POST /_emulator/reset` | forget objects, faults, requests and what was counted of limits; ids begin anew |
| `POST /_emulator/clock/advance` | `{"seconds": 60}`: let that much time have passed |
| `GET`, `POST`, `DELETE /_emulator/faults` | list, add (`{"operation": "POST /search", "status": 503}`), forget |
| `GET`, `DELETE /_emulator/requests` | the latest requests, of one operation with `?route=`; forget |
| `GET /_emulator/limits` | every window that has counted, and the 429 answers that were given |
| `POST /_emulator/scenes` | `describe`: `{"filename": "a.mp4", "scenes": [[0, 5, "a car"]], "transcript": ""}` |
| `GET /_emulator/` | all of that as a page for people |
| `PUT /_emulator/plan` | change the limits: `{"name": "developer"}`, with other fields of a plan, or without a name |

A fault takes the words of `Fault`, a plan those of `Plan`, where a window is `{"limit": 60, "seconds": 60, "dimension":
"Request"}` and a category has one or a list. What is wrong is answered 400 with `{"error": ...}`, and pages of other
sites get 403.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NotRequired, TypedDict, cast

import cattrs
from aiohttp import web

from twelvelabs_async.emulator import visitors
from twelvelabs_async.emulator.clock import moment
from twelvelabs_async.emulator.faults import Words
from twelvelabs_async.emulator.looking import look
from twelvelabs_async.emulator.panel import Panel
from twelvelabs_async.emulator.plans import Plan, Window, Windows

if TYPE_CHECKING:
    from collections.abc import Collection

    from aiohttp.typedefs import Handler

    from twelvelabs_async.emulator.server import Emulator

PREFIX: Final = "/_emulator"

_reader = cattrs.Converter(forbid_extra_keys=True)
_reader.register_structure_hook(bytes | str | None, lambda given, _: None if given is None else str(given))
_reader.register_structure_hook(
    Windows, lambda given, _: _reader.structure([given] if isinstance(given, dict) else given, tuple[Window, ...])
)


class _Told(TypedDict):
    """What a file is described by."""

    filename: str
    scenes: NotRequired[list[tuple[float, float, str]]]
    transcript: NotRequired[str]


class Control:
    """The routes of one emulator."""

    def __init__(self, emulator: Emulator, names: Collection[str]) -> None:
        self._emulator = emulator
        self._names = names

    async def admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Keep out what comes from pages of others."""
        why = visitors.refusal(request.headers, self._names)
        return await handler(request) if why is None else _json({"error": why}, 403)

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return them for a router."""
        return [
            *Panel(self._emulator).routes(PREFIX),
            web.post(f"{PREFIX}/scenes", _explained(self.describe)),
            web.get(f"{PREFIX}/state", _explained(self.state)),
            web.post(f"{PREFIX}/reset", _explained(self.reset)),
            web.post(f"{PREFIX}/clock/advance", _explained(self.advance)),
            web.get(f"{PREFIX}/faults", _explained(self.list_faults)),
            web.post(f"{PREFIX}/faults", _explained(self.add_fault)),
            web.delete(f"{PREFIX}/faults", _explained(self.clear_faults)),
            web.get(f"{PREFIX}/requests", _explained(self.list_requests)),
            web.delete(f"{PREFIX}/requests", _explained(self.clear_requests)),
            web.get(f"{PREFIX}/limits", _explained(self.limits)),
            web.put(f"{PREFIX}/plan", _explained(self.change_plan)),
        ]

    async def state(self, _request: web.Request) -> web.Response:
        """Show everything."""
        return _json({"in_flight": self._emulator.in_flight, **look(self._emulator.world)})

    async def reset(self, _request: web.Request) -> web.Response:
        """Forget everything."""
        self._emulator.reset()
        return web.Response(status=204)

    async def advance(self, request: web.Request) -> web.Response:
        """Move the hands of the clock, and show them."""
        self._emulator.advance(float((await _body(request))["seconds"]))
        return _json({"time": moment(self._emulator.world.now())})

    async def list_faults(self, _request: web.Request) -> web.Response:
        """Show the faults with how often each struck."""
        return _json([fault.told() for fault in self._emulator.faults])

    async def add_fault(self, request: web.Request) -> web.Response:
        """Add one."""
        body = await _body(request)
        operation = str(body.pop("operation"))
        fault = self._emulator.faults.add(operation, **_reader.structure(body, Words))
        return _json(fault.told(), 201)

    async def clear_faults(self, _request: web.Request) -> web.Response:
        """Forget them."""
        self._emulator.faults.clear()
        return web.Response(status=204)

    async def list_requests(self, request: web.Request) -> web.Response:
        """Show the latest requests."""
        route, journal = request.query.get("route"), self._emulator.requests
        return _json([received.told() for received in (journal if route is None else journal.of(route))])

    async def clear_requests(self, _request: web.Request) -> web.Response:
        """Forget them."""
        self._emulator.requests.clear()
        return web.Response(status=204)

    async def describe(self, request: web.Request) -> web.Response:
        """Tell what is to be seen and heard in a file."""
        told = _reader.structure(await _body(request), _Told)
        self._emulator.describe(told["filename"], told.get("scenes", []), transcript=told.get("transcript"))
        return web.Response(status=204)

    async def limits(self, _request: web.Request) -> web.Response:
        """Show what was counted."""
        told = [
            {"category": category, "dimension": dimension, "count": count}
            for (category, dimension), count in self._emulator.refusals.items()
        ]
        return _json({"windows": self._emulator.limits, "refusals": told})

    async def change_plan(self, request: web.Request) -> web.Response:
        """Change the limits."""
        body = await _body(request)
        name = body.pop("name", None)
        plan = _reader.structure(body, Plan)
        given = {field: getattr(plan, field) for field in body}
        self._emulator.plan = plan if name is None else Plan.named(str(name), **given)
        return web.Response(status=204)


async def _body(request: web.Request) -> dict[str, Any]:
    body: object = json.loads(await request.read() or b"{}")
    if not isinstance(body, dict):
        raise TypeError("the body must be a JSON object")
    return cast("dict[str, Any]", body)


def _json(content: object, status: int = 200) -> web.Response:
    return web.Response(body=json.dumps(content).encode(), status=status, content_type="application/json")


def _explained(handler: Handler) -> Handler:
    """Tell the caller what is wrong with a request."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except KeyError as error:
            return _json({"error": f"{error} is missing"}, 400)
        except cattrs.BaseValidationError as error:
            return _json({"error": "; ".join(cattrs.transform_error(error))}, 400)
        except (ValueError, TypeError) as error:
            return _json({"error": str(error)}, 400)

    return handle
