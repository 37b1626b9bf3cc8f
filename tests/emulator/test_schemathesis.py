"""Thousands of requests generated from the OpenAPI description get responses that it describes.

`nox -s schemathesis` installs the tool. Requests that should be refused are among them. What the description says of
itself wrongly is amended before, each time with the reason.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from description import SPEC_PATH
from peers.needs import create_prerequisite
from peers.table import CALLS
from scenarios.setup import CHUNK, TIMING, Harness
from support import FastClock

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import ThreadedEmulator

schemathesis: Any = pytest.importorskip("schemathesis")
checks: Any = pytest.importorskip("schemathesis.specs.openapi.checks")
NotSet: Any = pytest.importorskip("schemathesis.core").NotSet

if not SPEC_PATH.exists():
    pytest.skip("no description of the API beside the project", allow_module_level=True)

EXAMPLES = int(os.environ.get("TWELVELABS_EXAMPLES", "10"))
"""Random requests for each operation, in addition to those derived from the description."""

IDS = {call.operation: call.ids for call in reversed(CALLS.values()) if call.ids}
"""Values of path parameters."""
KNOWN = {"asset_id": "asset", "index_id": "index", "knowledge_store_id": "filled_store"}
"""Values of body fields that refer to existing objects."""

ANYWHERE = {
    "401": "every operation needs a key, and the introduction of the reference says so for all of them",
    "404": "the introduction lists it for all operations; many do not repeat it",
}
"""Statuses of every operation, and why."""
MORE = {
    ("POST", "/tasks", "201"): "the description says 200, and real answers were seen with 201",
    ("POST", "/knowledge-stores", "422"): "its prose names it for a schema that is not strict",
}
"""Statuses of one operation, and why."""
NULLABLE = {
    "uploaded_at": "its prose says null until the chunk has come",
    "incomplete_details": "its prose says null unless the answer is incomplete",
    "hls_url": "its prose says null while there is no stream",
    "expires_at": "its prose says null for what does not expire",
}
"""Fields that may be null although the description does not say so, and why."""


def amended(document: dict[str, Any]) -> dict[str, Any]:
    """The description without its known errors."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            added = [*ANYWHERE, *(status for verb, where, status in MORE if (verb, where) == (method.upper(), path))]
            for status in added:
                operation["responses"].setdefault(status, {"description": "amended"})
    for schema in document["components"]["schemas"].values():
        for name in NULLABLE.keys() & schema.get("properties", {}).keys():
            schema["properties"][name] = {"anyOf": [schema["properties"][name], {"type": "null"}]}
    return document


SCHEMA: Any = schemathesis.openapi.from_dict(amended(json.loads(SPEC_PATH.read_text())))
SCHEMA.config.generation.update(
    max_examples=EXAMPLES, deterministic=True, no_shrink=True, with_security_parameters=False
)
SCHEMA.config.phases.coverage.unexpected_methods = set()


CHECKS: Any = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
REFUSAL: Any = checks.negative_data_rejection
"""Whether to check that invalid requests are rejected."""


class Place:
    """An emulator in a thread, and the ids of its objects."""

    def __init__(self) -> None:
        self._clock = FastClock()
        self._done: dict[str, Any] = {}
        self.emulator = ThreadedEmulator(timing=TIMING, clock=self._clock, chunk_size=CHUNK)
        self.emulator.start()

    def need(self, names: Iterable[str]) -> list[Any]:
        """Ids by parameter name, created on first use."""
        wanted = [*names]
        return asyncio.run(self._made(wanted)) if wanted else []

    async def _made(self, names: list[str]) -> list[Any]:
        address, key = self.emulator.base_url, self.emulator.api_key
        async with AsyncTwelveLabs(key, base_url=address, clock=self._clock) as client:
            stage = Harness(client=client, emulator=self.emulator.run(lambda inner: inner), clock=self._clock)
            return [await create_prerequisite(stage, name.removeprefix("$"), self._done) for name in names]


@pytest.fixture(scope="module")
def places() -> Iterator[list[Place]]:
    """The place of today, which is replaced when a request has changed it."""
    found = [Place()]
    yield found
    found[0].emulator.stop()


SEEN: Counter[str] = Counter()


@pytest.fixture(scope="module", autouse=True)
def tell() -> Iterator[None]:
    yield
    print(f"\n{sum(SEEN.values())} requests, answered with {dict(sorted(SEEN.items()))}")  # noqa: T201  # figures for whoever asked for the session


@pytest.mark.filterwarnings("ignore:.*; use:DeprecationWarning")
@SCHEMA.parametrize()  # type: ignore[untyped-decorator]  # the library is there for this session only
def test_every_response_matches_the_description(case: Any, places: list[Place]) -> None:
    place = places[0]
    complete(case, place)
    response = case.call(base_url=place.emulator.base_url, headers={"x-api-key": place.emulator.api_key})
    SEEN[str(response.status_code)] += 1
    if case.method == "DELETE" or "cancel" in case.path:
        place.emulator.stop()
        places[0] = Place()
    case.validate_response(response, checks=CHECKS if _has_nothing(case.body) else [*CHECKS, REFUSAL])


def _has_nothing(body: Any) -> bool:
    """Whether the request has a null, an empty string or no body, which is how the official client omits a field."""
    match body.__class__.__name__:
        case "dict":
            return any(map(_has_nothing, body.values()))
        case "list":
            return any(map(_has_nothing, body))
        case _:
            return body in (None, "") or isinstance(body, NotSet)


def complete(case: Any, place: Place) -> None:
    """Insert ids of existing objects into a request, unless it tests invalid ids."""
    good = {location.value for location, part in case.meta.components.items() if part.mode.value == "positive"}
    if "path" in good:
        ids = place.need(IDS[f"{case.operation.method.upper()} {case.path}"])
        case.path_parameters = dict(zip(case.path_parameters, ids, strict=True))
    if "body" in good and isinstance(case.body, dict):
        fields = KNOWN.keys() & case.body.keys()
        case.body |= dict(zip(fields, place.need(KNOWN[name] for name in fields), strict=True))
