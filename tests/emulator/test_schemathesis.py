"""Requests generated from the OpenAPI description get responses that the description allows.

`nox -s schemathesis` installs the tool. Some of the requests are invalid and should be rejected. Known errors of the
description are corrected first; each correction has its reason.
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
    pytest.skip("no copy of the OpenAPI description", allow_module_level=True)

EXAMPLES = int(os.environ.get("TWELVELABS_EXAMPLES", "10"))
"""Random requests per operation, in addition to those derived from the description."""

IDS = {call.operation: call.ids for call in reversed(CALLS.values()) if call.ids}
"""Values of path parameters."""
KNOWN = {"asset_id": "asset", "index_id": "index", "knowledge_store_id": "filled_store"}
"""Values of body fields that refer to existing objects."""

ADDED_STATUSES = {
    "401": "every operation needs a key, and the introduction of the reference says so for all of them",
    "404": "the introduction lists it for all operations; many do not repeat it",
}
"""Statuses added to every operation, and the reason."""
ADDED_OPERATION_STATUSES = {
    ("POST", "/tasks", "201"): "the description says 200; the platform responds with 201",
    ("POST", "/knowledge-stores", "422"): "the text of the description names it for a schema that is not strict",
}
"""Statuses added to one operation, and the reason."""
NULLABLE = {
    "uploaded_at": "the text says null until the chunk is uploaded",
    "incomplete_details": "the text says null unless the response is incomplete",
    "hls_url": "the text says null while there is no stream",
    "expires_at": "the text says null for objects that do not expire",
}
"""Fields that may be null although their schema does not allow it, and the reason."""


def corrected(document: dict[str, Any]) -> dict[str, Any]:
    """Return the description without its known errors."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            added = [
                *ADDED_STATUSES,
                *(
                    status
                    for operation_method, operation_path, status in ADDED_OPERATION_STATUSES
                    if (operation_method, operation_path) == (method.upper(), path)
                ),
            ]
            for status in added:
                operation["responses"].setdefault(status, {"description": "amended"})
    for schema in document["components"]["schemas"].values():
        for name in NULLABLE.keys() & schema.get("properties", {}).keys():
            schema["properties"][name] = {"anyOf": [schema["properties"][name], {"type": "null"}]}
    return document


SCHEMA: Any = schemathesis.openapi.from_dict(corrected(json.loads(SPEC_PATH.read_text())))
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
REJECTION_CHECK: Any = checks.negative_data_rejection
"""Checks that invalid requests are rejected."""


class RunningEmulator:
    """An emulator in a thread, and the ids of its objects."""

    def __init__(self) -> None:
        self._clock = FastClock()
        self._created: dict[str, Any] = {}
        self.emulator = ThreadedEmulator(timing=TIMING, clock=self._clock, chunk_size=CHUNK)
        self.emulator.start()

    def ids_of(self, names: Iterable[str]) -> list[Any]:
        """Return ids of objects by kind; an object is created on first use."""
        names_to_create = [*names]
        return asyncio.run(self._create(names_to_create)) if names_to_create else []

    async def _create(self, names: list[str]) -> list[Any]:
        base_url, key = self.emulator.base_url, self.emulator.api_key
        async with AsyncTwelveLabs(key, base_url=base_url, clock=self._clock) as client:
            harness = Harness(client=client, emulator=self.emulator.run(lambda emulator: emulator), clock=self._clock)
            return [await create_prerequisite(harness, name.removeprefix("$"), self._created) for name in names]


@pytest.fixture(scope="module")
def emulators() -> Iterator[list[RunningEmulator]]:
    """A list with the current emulator, which is replaced after a request that changes its objects."""
    current = [RunningEmulator()]
    yield current
    current[0].emulator.stop()


STATUS_COUNTS: Counter[str] = Counter()


@pytest.fixture(scope="module", autouse=True)
def print_status_counts() -> Iterator[None]:
    yield
    print(f"\n{sum(STATUS_COUNTS.values())} requests, answered with {dict(sorted(STATUS_COUNTS.items()))}")  # noqa: T201  # statistics for the developer


@pytest.mark.filterwarnings("ignore:.*; use:DeprecationWarning")
@SCHEMA.parametrize()  # type: ignore[untyped-decorator]  # the library is installed in one session only
def test_every_response_matches_the_description(case: Any, emulators: list[RunningEmulator]) -> None:
    running = emulators[0]
    complete(case, running)
    response = case.call(base_url=running.emulator.base_url, headers={"x-api-key": running.emulator.api_key})
    STATUS_COUNTS[str(response.status_code)] += 1
    if case.method == "DELETE" or "cancel" in case.path:
        running.emulator.stop()
        emulators[0] = RunningEmulator()
    case.validate_response(response, checks=CHECKS if _has_empty_value(case.body) else [*CHECKS, REJECTION_CHECK])


def _has_empty_value(body: Any) -> bool:
    """Return whether a body is missing, or contains a null or an empty string: the official client omits fields so."""
    match body.__class__.__name__:
        case "dict":
            return any(map(_has_empty_value, body.values()))
        case "list":
            return any(map(_has_empty_value, body))
        case _:
            return body in (None, "") or isinstance(body, NotSet)


def complete(case: Any, running: RunningEmulator) -> None:
    """Insert ids of existing objects into a request, unless it tests invalid ids."""
    valid_parts = {location.value for location, part in case.meta.components.items() if part.mode.value == "positive"}
    if "path" in valid_parts:
        ids = running.ids_of(IDS[f"{case.operation.method.upper()} {case.path}"])
        case.path_parameters = dict(zip(case.path_parameters, ids, strict=True))
    if "body" in valid_parts and isinstance(case.body, dict):
        fields = KNOWN.keys() & case.body.keys()
        case.body |= dict(zip(fields, running.ids_of(KNOWN[name] for name in fields), strict=True))
