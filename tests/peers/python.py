"""The official Python clients.

Both block the event loop during uploads, so each call runs in a thread; the asynchronous client has its own loop there.
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
"""The attribute that has the same methods again, with raw responses."""


def iter_methods(thing: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the names of all methods of a client and its resources."""
    # Not `dir`: it does not end for the search resource.
    parts: list[tuple[str, Any]] = [*inspect.getmembers_static(thing.__class__), *vars(thing).items()]
    for name, part in parts:
        if name.startswith("_") or name == RAW_RESPONSE_ATTRIBUTE:
            continue
        if inspect.isfunction(part):
            yield ".".join((*path, name))
        elif isinstance(part, property) or type(part).__module__.startswith("twelvelabs."):
            yield from iter_methods(getattr(thing, name), (*path, name))


@attrs.frozen
class SyncPython:
    """`TwelveLabs`."""

    emulator: Emulator

    async def methods(self) -> set[str]:
        with httpx.Client() as connection:
            return {*iter_methods(self._client(connection))}

    async def call(self, method: str, ids: list[str], kwargs: dict[str, Any]) -> str:
        return await asyncio.to_thread(self._call, method, ids, kwargs)

    def _client(self, connection: httpx.Client) -> Any:
        from twelvelabs import TwelveLabs  # noqa: PLC0415  # slow to import, and most tests do not need it

        base_url = self.emulator.base_url
        return TwelveLabs(base_url=base_url, api_key=self.emulator.api_key, httpx_client=connection)

    def _call(self, method: str, ids: list[str], kwargs: dict[str, Any]) -> str:
        with httpx.Client() as connection:
            found: Any = reduce(getattr, method.split("."), self._client(connection))
            try:
                answer = found(*ids, **replace_values(kwargs, encode_file))
                for item in answer if is_iterable(answer) else [answer]:
                    validate_model(item)
            except Exception as error:  # noqa: BLE001  # the table says whether the error is expected
                return format_error(error)
        return ""


@attrs.frozen
class AsyncPython:
    """`AsyncTwelveLabs`."""

    emulator: Emulator

    async def methods(self) -> set[str]:
        async with httpx.AsyncClient() as connection:
            return {*iter_methods(self._client(connection))}

    async def call(self, method: str, ids: list[str], kwargs: dict[str, Any]) -> str:
        return await asyncio.to_thread(asyncio.run, self._call(method, ids, kwargs))

    def _client(self, connection: httpx.AsyncClient) -> Any:
        from twelvelabs import AsyncTwelveLabs  # noqa: PLC0415  # slow to import, and most tests do not need it

        base_url = self.emulator.base_url
        return AsyncTwelveLabs(base_url=base_url, api_key=self.emulator.api_key, httpx_client=connection)

    async def _call(self, method: str, ids: list[str], kwargs: dict[str, Any]) -> str:
        async with httpx.AsyncClient() as connection:
            found: Any = reduce(getattr, method.split("."), self._client(connection))
            try:
                pending = found(*ids, **replace_values(kwargs, encode_file))
                answer = await pending if inspect.isawaitable(pending) else pending
                if not is_iterable(answer):
                    validate_model(answer)
                    return ""
                async for item in answer:
                    validate_model(item)
            except Exception as error:  # noqa: BLE001  # the table says whether the error is expected
                return format_error(error)
        return ""


def encode_file(value: Any) -> Any:
    """Convert a path to the name and content that this client takes."""
    return (value.name, value.read_bytes()) if isinstance(value, Path) else value


def is_iterable(answer: Any) -> bool:
    """Return whether a result is a stream or a paginated list."""
    return isinstance(answer, Iterator | AsyncIterator) or hasattr(answer, "has_next")


def validate_model(item: Any) -> None:
    """Validate a response by the client's own model, which the client itself does not do."""
    if hasattr(item, "model_validate"):
        type(item).model_validate(item.model_dump(by_alias=True, exclude_unset=True))


def format_error(error: Exception) -> str:
    """Return an error as one line."""
    return f"{type(error).__name__}: {error}"
