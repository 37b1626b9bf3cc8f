"""Three ways to make calls: this client, the official one, and aiohttp with the retry loop that everybody writes."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

import aiohttp
import attrs
import twelvelabs
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from twelvelabs_async import AsyncTwelveLabs

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from twelvelabs_async.clock import Clock
    from twelvelabs_async.ingest import Summary

RETRIES: Final = 10
"""How often each of them may repeat a call."""

PATIENCE: Final = 86_400.0
"""Seconds that a call may take; nobody is to fail by a deadline."""


@attrs.frozen(kw_only=True)
class Place:
    """Where calls go, and what they go by."""

    base_url: str
    """The emulator's."""
    api_key: str
    """One that it accepts."""
    index_id: str
    """What is searched."""
    clock: Clock | None = None
    """Time, if it is not the machine's."""
    budget: str | None = None
    """Where processes keep their limits together; each by itself if there is no such place."""


class Calls(Protocol):
    """Two operations, repeated as the caller sees fit."""

    async def search(self) -> object:
        """Search the index."""
        ...

    async def add(self, asset_id: str) -> object:
        """Look whether an asset is ready, and bring it into the index."""
        ...


class Caller(Protocol):
    """A way to make calls."""

    def __call__(self, place: Place) -> AbstractAsyncContextManager[Calls]:
        """Open a client."""
        ...


class Ours:
    """`twelvelabs_async`; nothing is configured but patience."""

    def __init__(self, client: AsyncTwelveLabs, index_id: str) -> None:
        self._client = client
        self._index_id = index_id

    async def search(self) -> object:
        """Search the index."""
        asked = self._client.search.query(index_id=self._index_id, search_options=["visual"], query_text="a boat")
        return await asked.collect(1)

    async def add(self, asset_id: str) -> object:
        """Bring an asset into the index."""
        await self._client.assets.retrieve(asset_id)
        return await self._client.indexes.indexed_assets.create(self._index_id, asset_id=asset_id)

    async def ingest(self, folder: str) -> Summary:
        """Bring all files of a folder into the index."""
        return await self._client.ingest(folder, index_id=self._index_id).summary()


@asynccontextmanager
async def ours(place: Place) -> AsyncGenerator[Ours]:
    """Open `twelvelabs_async`."""
    async with AsyncTwelveLabs(
        place.api_key,
        base_url=place.base_url,
        clock=place.clock,
        budget=place.budget,
        timeout=PATIENCE,
        max_wait=PATIENCE,
        max_retries=RETRIES,
    ) as client:
        yield Ours(client, place.index_id)


class Official:
    """`twelvelabs` with its own retries."""

    def __init__(self, client: Any, index_id: str) -> None:
        self._client = client  # declared as a class whose search has no query, made as one that has
        self._index_id = index_id

    async def search(self) -> object:
        """Search the index."""
        return await self._client.search.query(
            index_id=self._index_id,
            search_options=["visual"],
            query_text="a boat",
            request_options={"max_retries": RETRIES},
        )

    async def add(self, asset_id: str) -> object:
        """Bring an asset into the index."""
        patient = {"max_retries": RETRIES}
        await self._client.assets.retrieve(asset_id, request_options=patient)
        return await self._client.indexes.indexed_assets.create(
            self._index_id, asset_id=asset_id, request_options=patient
        )


@asynccontextmanager
async def official(place: Place) -> AsyncGenerator[Calls]:
    """Open `twelvelabs`."""
    client = twelvelabs.AsyncTwelveLabs(api_key=place.api_key, base_url=place.base_url, timeout=PATIENCE)
    yield Official(client, place.index_id)
    await client._client_wrapper.httpx_client.httpx_client.aclose()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # there is no other way


class Refused(Exception):  # noqa: N818  # a 429 is no error of anybody
    """A 429."""


class Loop:
    """aiohttp, and tenacity's random exponential wait."""

    def __init__(self, http: aiohttp.ClientSession, place: Place) -> None:
        self._http = http
        self._place = place

    async def search(self) -> object:
        """Search the index."""
        fields = {"index_id": self._place.index_id, "search_options": "visual", "query_text": "a boat"}
        return await self._ask("POST", "/search", lambda: {"data": aiohttp.FormData(fields, default_to_multipart=True)})

    async def add(self, asset_id: str) -> object:
        """Bring an asset into the index."""
        await self._ask("GET", f"/assets/{asset_id}", dict)
        path = f"/indexes/{self._place.index_id}/indexed-assets"
        return await self._ask("POST", path, lambda: {"json": {"asset_id": asset_id}})

    async def _ask(self, method: str, path: str, body: Callable[[], dict[str, Any]]) -> object:
        async def once() -> Any:
            async with self._http.request(method, self._place.base_url + path, **body()) as response:
                if response.status == 429:
                    raise Refused
                response.raise_for_status()
                return await response.json()

        patient = AsyncRetrying(
            retry=retry_if_exception_type(Refused),
            wait=wait_random_exponential(max=60),
            stop=stop_after_attempt(RETRIES + 1),
            reraise=True,
        )
        return await patient(once)


@asynccontextmanager
async def loop(place: Place) -> AsyncGenerator[Calls]:
    """Open aiohttp."""
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(headers={"x-api-key": place.api_key}, timeout=timeout) as http:
        yield Loop(http, place)


OURS: Final = "twelvelabs_async"
PLAIN: Final = "tenacity loop"
CALLERS: Final[Mapping[str, Caller]] = {OURS: ours, "twelvelabs": official, PLAIN: loop}
