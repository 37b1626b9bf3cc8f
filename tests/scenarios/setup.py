"""The emulator, the client and the objects that scenarios use."""

from __future__ import annotations

import asyncio
import tomllib
from collections import Counter
from collections.abc import AsyncIterable, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar, cast

import aiohttp
import attrs
import pytest
from support import FastClock

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator, RecordedRequest, Timing, samples
from twelvelabs_async.models import CompletedChunk, UploadSession

T = TypeVar("T")

OPERATION_FACTS: Final[dict[str, dict[str, Any]]] = tomllib.loads(
    (Path(__file__).parents[1] / "data" / "operations.toml").read_text("utf-8")
)
"""Facts of each operation: its request, its status and its retry class."""
MODELS: Final = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]
IMAGE: Final = samples.image()
AUDIO: Final = samples.audio(4)
VIDEO: Final = samples.video(60)
CHUNK: Final = 1000
"""Bytes per part of an upload."""
REDIRECT_URI: Final = "https://example.com/back"
FILES: Final = {"film": "film.mp4", "song": "song.mp3"}
PROCESSING_SECONDS: Final = 600.0
"""Seconds that an analysis or a batch takes; processing assets and indexing takes none."""
TIMING: Final = Timing(asset=0, indexing=0, analysis=PROCESSING_SECONDS, batch=PROCESSING_SECONDS)

ScenarioFunction = Callable[["Harness"], Coroutine[Any, Any, None]]


class HasId(Protocol):
    """An object with an id."""

    @property
    def id(self) -> str: ...


def ids(items: Sequence[HasId] | Any) -> list[str]:
    """Return the ids of the items of a page."""
    return [item.id for item in items]


async def collect(items: AsyncIterable[T]) -> list[T]:
    """Return all items."""
    return [item async for item in items]


@attrs.frozen
class Scenario:
    """A test of one method of the client: its prerequisites, its call, and its effect."""

    method: str
    """Name of the method, such as `indexes.create`."""
    operation: str
    """Name of the operation that the method performs; it differs only for methods that the API does not have."""
    run: ScenarioFunction
    object_changes: Counter[str]
    """Change of the number of objects of each kind; negative after a deletion."""

    @property
    def facts(self) -> dict[str, Any]:
        """The facts of the operation."""
        return OPERATION_FACTS[self.operation]

    def warnings(self) -> AbstractContextManager[object]:
        """Expect a warning if the operation is deprecated."""
        return pytest.deprecated_call(match="; use ") if self.facts.get("deprecated") else nullcontext()


SCENARIOS: Final[dict[str, Scenario]] = {}
"""All scenarios by method."""


def scenario(
    method: str, *, operation: str = "", **object_changes: int
) -> Callable[[ScenarioFunction], ScenarioFunction]:
    """Register a scenario."""

    def register(function: ScenarioFunction) -> ScenarioFunction:
        assert method not in SCENARIOS
        SCENARIOS[method] = Scenario(method, operation or method, function, Counter(object_changes))
        return function

    return register


@attrs.define(kw_only=True)
class Harness:
    """An emulator, its client, and a record of the call that a scenario tests."""

    client: AsyncTwelveLabs
    emulator: Emulator
    clock: FastClock
    before_call: Callable[[], object] = lambda: None
    """Called immediately before the call."""
    object_changes: Counter[str] = attrs.field(factory=Counter[str])
    """Change of the number of objects of each kind by the call."""
    requests: list[RecordedRequest] = attrs.field(factory=list[RecordedRequest])
    """Requests of the call."""

    async def run(self, call: Awaitable[T]) -> T:
        """Await the call that the scenario tests, and record its requests and changes."""
        before = count_objects(self.emulator)
        self.emulator.requests.clear()
        self.before_call()
        try:
            return await call
        finally:
            while self.emulator.in_flight:
                await asyncio.sleep(0)
            self.requests = [*self.emulator.requests]
            self.object_changes = count_objects(self.emulator)
            self.object_changes.subtract(before)

    async def advance(self, seconds: float = PROCESSING_SECONDS) -> None:
        """Advance the clock of the client and the emulator."""
        await self.clock.sleep(seconds)

    async def create_index(self, name: str = "films") -> str:
        return (await self.client.indexes.create(index_name=name, models=MODELS)).id

    async def create_asset(self, filename: str = "car.mp4", content: bytes = VIDEO, **metadata: str) -> str:
        created = await self.client.assets.create(
            method="direct", file=content, filename=filename, user_metadata=metadata or None
        )
        return created.id

    async def create_image(self, filename: str = "ann.png") -> str:
        return await self.create_asset(filename, IMAGE)

    async def create_indexed_asset(self, index: str, filename: str = "car.mp4") -> str:
        """Create an asset and index it."""
        return (await self.client.indexes.indexed_assets.create(index, asset_id=await self.create_asset(filename))).id

    async def create_upload(self) -> UploadSession:
        """Create an upload session with two parts."""
        return await self.client.multipart_upload.create(filename="film.mp4", type="video", total_size=2 * CHUNK)

    async def upload_first_part(self, upload: UploadSession) -> CompletedChunk:
        """Send the first part of an upload to the storage."""
        headers = {"content-type": "application/octet-stream", **upload.upload_headers}
        async with (
            aiohttp.ClientSession() as session,
            session.put(upload.upload_urls[0].url, data=bytes(CHUNK), headers=headers) as response,
        ):
            assert response.status == 200
            return CompletedChunk(chunk_index=1, proof=response.headers["ETag"].strip('"'), chunk_size=CHUNK)

    async def create_entity_collection(self, name: str = "team") -> str:
        return (await self.client.entity_collections.create(name=name)).id

    async def create_entity(self, collection: str, name: str = "Ann") -> str:
        images = [await self.create_image()]
        return (await self.client.entity_collections.entities.create(collection, name=name, asset_ids=images)).id

    async def create_store(self, name: str = "cars") -> str:
        return (await self.client.knowledge_stores.create(name=name)).id

    async def create_item(self, store: str) -> str:
        return (await self.client.knowledge_store_items.create(store, asset_id=await self.create_asset())).id

    async def create_item_collection(self, store: str, name: str = "best") -> str:
        return (await self.client.knowledge_store_item_collections.create(store, name=name)).id

    async def create_connection(self) -> str:
        await asyncio.sleep(0)
        return self.emulator.connect(files=FILES, custom_id="me").id


def count_objects(emulator: Emulator) -> Counter[str]:
    """Return the number of objects of each kind in an emulator."""
    state = emulator.state
    counts = Counter[str]()
    for container in (state, state.knowledge, state.analyses, state.connectors):
        counts.update(type(item).__name__ for item in _objects(container))
    return counts


def _objects(container: Any) -> Iterator[object]:
    for name in cast("tuple[str, ...]", container.__slots__):
        content: Any = getattr(container, name)
        if isinstance(content, dict):
            yield from (item for item in cast("dict[Any, object]", content).values() if hasattr(item, "id"))
