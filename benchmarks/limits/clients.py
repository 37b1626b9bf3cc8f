"""The clients that are compared: this one, the official one, and aiohttp with a typical retry loop."""

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

MAX_RETRIES: Final = 10
"""Retries of each call, for every client."""

TIMEOUT: Final = 86_400.0
"""Timeout of each call in seconds, too long to be reached."""


@attrs.frozen(kw_only=True)
class Target:
    """The address of the emulator, and the settings of the clients."""

    base_url: str
    """Base URL of the emulator."""
    api_key: str
    """API key of the emulator."""
    index_id: str
    """The index to search."""
    clock: Clock | None = None
    """Clock of the client; None is the system clock."""
    rate_limit_store: str | None = None
    """URL of the shared store; None keeps limits in memory."""
    organization: str | None = None
    """Name of the organization in the store."""


class BenchmarkClient(Protocol):
    """Two operations, which use the retries of the client."""

    async def search(self) -> object:
        """Search the index."""
        ...

    async def index_asset(self, asset_id: str) -> object:
        """Retrieve an asset, then index it."""
        ...


class ClientFactory(Protocol):
    """Opens a client."""

    def __call__(self, target: Target) -> AbstractAsyncContextManager[BenchmarkClient]:
        """Open a client for a target."""
        ...


class TwelveLabsAsyncClient:
    """`twelvelabs_async` with its defaults, except for retries and timeouts."""

    def __init__(self, client: AsyncTwelveLabs, index_id: str) -> None:
        self._client = client
        self._index_id = index_id

    async def search(self) -> object:
        """Search the index."""
        results = self._client.search.query(index_id=self._index_id, search_options=["visual"], query_text="a boat")
        return await results.to_list(1)

    async def index_asset(self, asset_id: str) -> object:
        """Retrieve an asset, then index it."""
        await self._client.assets.retrieve(asset_id)
        return await self._client.indexes.indexed_assets.create(self._index_id, asset_id=asset_id)

    async def ingest(self, folder: str) -> Summary:
        """Upload and index all files of a folder."""
        return await self._client.ingest(folder, index_id=self._index_id).summary()


@asynccontextmanager
async def open_twelvelabs_async(target: Target) -> AsyncGenerator[TwelveLabsAsyncClient]:
    """Open `twelvelabs_async`."""
    async with AsyncTwelveLabs(
        target.api_key,
        base_url=target.base_url,
        clock=target.clock,
        rate_limit_store=target.rate_limit_store,
        organization=target.organization,
        timeout=TIMEOUT,
        max_wait=TIMEOUT,
        max_retries=MAX_RETRIES,
    ) as client:
        yield TwelveLabsAsyncClient(client, target.index_id)


class OfficialClient:
    """`twelvelabs` with its own retries."""

    def __init__(self, client: Any, index_id: str) -> None:
        self._client = client  # the declared class lacks search.query
        self._index_id = index_id

    async def search(self) -> object:
        """Search the index."""
        return await self._client.search.query(
            index_id=self._index_id,
            search_options=["visual"],
            query_text="a boat",
            request_options={"max_retries": MAX_RETRIES},
        )

    async def index_asset(self, asset_id: str) -> object:
        """Retrieve an asset, then index it."""
        request_options = {"max_retries": MAX_RETRIES}
        await self._client.assets.retrieve(asset_id, request_options=request_options)
        return await self._client.indexes.indexed_assets.create(
            self._index_id, asset_id=asset_id, request_options=request_options
        )


@asynccontextmanager
async def open_official(target: Target) -> AsyncGenerator[BenchmarkClient]:
    """Open `twelvelabs`."""
    client = twelvelabs.AsyncTwelveLabs(api_key=target.api_key, base_url=target.base_url, timeout=TIMEOUT)
    yield OfficialClient(client, target.index_id)
    await client._client_wrapper.httpx_client.httpx_client.aclose()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # there is no public method


class RateLimited(Exception):  # noqa: N818  # used for retries
    """The response has status 429."""


class TenacityClient:
    """aiohttp with tenacity's random exponential backoff."""

    def __init__(self, http: aiohttp.ClientSession, target: Target) -> None:
        self._http = http
        self._target = target

    async def search(self) -> object:
        """Search the index."""
        fields = {"index_id": self._target.index_id, "search_options": "visual", "query_text": "a boat"}
        return await self._request(
            "POST", "/search", lambda: {"data": aiohttp.FormData(fields, default_to_multipart=True)}
        )

    async def index_asset(self, asset_id: str) -> object:
        """Retrieve an asset, then index it."""
        await self._request("GET", f"/assets/{asset_id}", dict)
        path = f"/indexes/{self._target.index_id}/indexed-assets"
        return await self._request("POST", path, lambda: {"json": {"asset_id": asset_id}})

    async def _request(self, method: str, path: str, make_body: Callable[[], dict[str, Any]]) -> object:
        async def send() -> Any:
            async with self._http.request(method, self._target.base_url + path, **make_body()) as response:
                if response.status == 429:
                    raise RateLimited
                response.raise_for_status()
                return await response.json()

        retrying = AsyncRetrying(
            retry=retry_if_exception_type(RateLimited),
            wait=wait_random_exponential(max=60),
            stop=stop_after_attempt(MAX_RETRIES + 1),
            reraise=True,
        )
        return await retrying(send)


@asynccontextmanager
async def open_tenacity(target: Target) -> AsyncGenerator[BenchmarkClient]:
    """Open aiohttp."""
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(headers={"x-api-key": target.api_key}, timeout=timeout) as http:
        yield TenacityClient(http, target)


TWELVELABS_ASYNC: Final = "twelvelabs_async"
TENACITY_LOOP: Final = "tenacity loop"
CLIENTS: Final[Mapping[str, ClientFactory]] = {
    TWELVELABS_ASYNC: open_twelvelabs_async,
    "twelvelabs": open_official,
    TENACITY_LOOP: open_tenacity,
}
