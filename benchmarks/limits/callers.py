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
    from collections.abc import AsyncGenerator, Awaitable, Mapping
    from contextlib import AbstractAsyncContextManager

    from twelvelabs_async.clock import Clock

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


class Search(Protocol):
    """One search, repeated as the caller sees fit."""

    def __call__(self) -> Awaitable[object]:
        """Make it."""
        ...


class Caller(Protocol):
    """A way to make calls."""

    def __call__(self, place: Place) -> AbstractAsyncContextManager[Search]:
        """Open a client."""
        ...


@asynccontextmanager
async def ours(place: Place) -> AsyncGenerator[Search]:
    """`twelvelabs_async`; nothing is configured but patience."""
    async with AsyncTwelveLabs(
        place.api_key,
        base_url=place.base_url,
        clock=place.clock,
        budget=place.budget,
        timeout=PATIENCE,
        max_wait=PATIENCE,
        max_retries=RETRIES,
    ) as client:
        yield lambda: client.search.query(
            index_id=place.index_id, search_options=["visual"], query_text="a boat"
        ).collect(1)


@asynccontextmanager
async def official(place: Place) -> AsyncGenerator[Search]:
    """`twelvelabs` with its own retries."""
    client = twelvelabs.AsyncTwelveLabs(api_key=place.api_key, base_url=place.base_url, timeout=PATIENCE)
    searches: Any = client.search  # declared as a class that has no query, made as one that has

    async def search() -> object:
        return await searches.query(
            index_id=place.index_id,
            search_options=["visual"],
            query_text="a boat",
            request_options={"max_retries": RETRIES},
        )

    yield search
    await client._client_wrapper.httpx_client.httpx_client.aclose()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # there is no other way


class Refused(Exception):  # noqa: N818  # a 429 is no error of anybody
    """A 429."""


@asynccontextmanager
async def loop(place: Place) -> AsyncGenerator[Search]:
    """aiohttp, and tenacity's random exponential wait."""
    fields = {"index_id": place.index_id, "search_options": "visual", "query_text": "a boat"}
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(headers={"x-api-key": place.api_key}, timeout=timeout) as http:

        async def once() -> Any:
            form = aiohttp.FormData(fields, default_to_multipart=True)
            async with http.post(f"{place.base_url}/search", data=form) as response:
                if response.status == 429:
                    raise Refused
                response.raise_for_status()
                return await response.json()

        yield lambda: AsyncRetrying(
            retry=retry_if_exception_type(Refused),
            wait=wait_random_exponential(max=60),
            stop=stop_after_attempt(RETRIES + 1),
            reraise=True,
        )(once)


OURS: Final = "twelvelabs_async"
PLAIN: Final = "tenacity loop"
CALLERS: Final[Mapping[str, Caller]] = {OURS: ours, "twelvelabs": official, PLAIN: loop}
