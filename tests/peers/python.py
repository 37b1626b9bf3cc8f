"""The official Python clients.

Both block the event loop during uploads, so each call runs in a thread; the asynchronous client has its own event loop.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from functools import reduce
from pathlib import Path
from typing import Any, Final

import attrs
import httpx

from peers.table import replace_values
from twelvelabs_async.emulator import Emulator

RAW_RESPONSE_ATTRIBUTE: Final = "with_raw_response"
"""The attribute with a second set of the same methods, which return raw responses."""


def iter_methods(client_or_resource: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the names of all methods of a client and its resources."""
    # `dir` never returns for the search resource.
    parts: list[tuple[str, Any]] = [
        *inspect.getmembers_static(client_or_resource.__class__),
        *vars(client_or_resource).items(),
    ]
    for name, member in parts:
        if name.startswith("_") or name == RAW_RESPONSE_ATTRIBUTE:
            continue
        if inspect.isfunction(member):
            yield ".".join((*path, name))
        elif isinstance(member, property) or type(member).__module__.startswith("twelvelabs."):
            yield from iter_methods(getattr(client_or_resource, name), (*path, name))


@attrs.frozen
class SyncPython:
    """`TwelveLabs`."""

    emulator: Emulator

    async def methods(self) -> set[str]:
        with httpx.Client() as http_client:
            return {*iter_methods(self._client(http_client))}

    async def call(self, method: str, ids: list[str], kwargs: dict[str, Any]) -> str:
        return await asyncio.to_thread(self._call, method, ids, kwargs)

    def _client(self, http_client: httpx.Client) -> Any:
        from twelvelabs import TwelveLabs  # noqa: PLC0415  # slow to import, and most tests do not need it

        base_url = self.emulator.base_url
        return TwelveLabs(base_url=base_url, api_key=self.emulator.api_key, httpx_client=http_client)

    def _call(self, method: str, ids: list[str], kwargs: dict[str, Any]) -> str:
        with httpx.Client() as http_client:
            function: Any = reduce(getattr, method.split("."), self._client(http_client))
            try:
                response = function(*ids, **replace_values(kwargs, encode_file))
                for item in response if is_iterable(response) else [response]:
                    validate_model(item)
            except Exception as error:  # noqa: BLE001  # the table says whether the error is expected
                return format_error(error)
        return ""


@attrs.frozen
class AsyncPython:
    """`AsyncTwelveLabs`."""

    emulator: Emulator

    async def methods(self) -> set[str]:
        async with httpx.AsyncClient() as http_client:
            return {*iter_methods(self._client(http_client))}

    async def call(self, method: str, ids: list[str], kwargs: dict[str, Any]) -> str:
        return await asyncio.to_thread(asyncio.run, self._call(method, ids, kwargs))

    def _client(self, http_client: httpx.AsyncClient) -> Any:
        from twelvelabs import AsyncTwelveLabs  # noqa: PLC0415  # slow to import, and most tests do not need it

        base_url = self.emulator.base_url
        return AsyncTwelveLabs(base_url=base_url, api_key=self.emulator.api_key, httpx_client=http_client)

    async def _call(self, method: str, ids: list[str], kwargs: dict[str, Any]) -> str:
        async with httpx.AsyncClient() as http_client:
            function: Any = reduce(getattr, method.split("."), self._client(http_client))
            try:
                result = function(*ids, **replace_values(kwargs, encode_file))
                response = await result if inspect.isawaitable(result) else result
                if not is_iterable(response):
                    validate_model(response)
                    return ""
                async for item in response:
                    validate_model(item)
            except Exception as error:  # noqa: BLE001  # the table says whether the error is expected
                return format_error(error)
        return ""


def encode_file(value: Any) -> Any:
    """Convert a path to the name and content that this client takes."""
    return (value.name, value.read_bytes()) if isinstance(value, Path) else value


def is_iterable(response: Any) -> bool:
    """Return whether a result is a stream or a paginated list."""
    return isinstance(response, Iterator | AsyncIterator) or hasattr(response, "has_next")


def validate_model(item: Any) -> None:
    """Validate a response with the client's model; the client itself does not validate it."""
    if hasattr(item, "model_validate"):
        type(item).model_validate(item.model_dump(by_alias=True, exclude_unset=True))


def format_error(error: Exception) -> str:
    """Return an error as one line."""
    return f"{type(error).__name__}: {error}"
