"""The official Python client, in both its forms.

It blocks the event loop when it uploads, so each call gets a thread, and the asynchronous form a loop of its own there.
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

from peers.table import replaced
from twelvelabs_async.emulator import Emulator

RAW: Final = "with_raw_response"
"""The same methods again, with more told about their answers."""


def methods(thing: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Names of all that can be called, by walking through the groups."""
    # By class and dictionary apart: `dir` of their search group never ends.
    parts: list[tuple[str, Any]] = [*inspect.getmembers_static(thing.__class__), *vars(thing).items()]
    for name, part in parts:
        if name.startswith("_") or name == RAW:
            continue
        if inspect.isfunction(part):
            yield ".".join((*path, name))
        elif isinstance(part, property) or type(part).__module__.startswith("twelvelabs."):
            yield from methods(getattr(thing, name), (*path, name))


@attrs.frozen
class SyncPython:
    """`TwelveLabs`."""

    emulator: Emulator

    async def methods(self) -> set[str]:
        with httpx.Client() as connection:
            return {*methods(self._client(connection))}

    async def call(self, method: str, ids: list[str], given: dict[str, Any]) -> str:
        return await asyncio.to_thread(self._call, method, ids, given)

    def _client(self, connection: httpx.Client) -> Any:
        from twelvelabs import TwelveLabs  # noqa: PLC0415  # it takes seconds, and most tests do without

        address = self.emulator.base_url
        return TwelveLabs(base_url=address, api_key=self.emulator.api_key, httpx_client=connection)

    def _call(self, method: str, ids: list[str], given: dict[str, Any]) -> str:
        with httpx.Client() as connection:
            found: Any = reduce(getattr, method.split("."), self._client(connection))
            try:
                answer = found(*ids, **replaced(given, opened))
                for item in answer if goes_on(answer) else [answer]:
                    check(item)
            except Exception as error:  # noqa: BLE001  # whatever it is, the table says whether it is expected
                return said(error)
        return ""


@attrs.frozen
class AsyncPython:
    """`AsyncTwelveLabs`."""

    emulator: Emulator

    async def methods(self) -> set[str]:
        async with httpx.AsyncClient() as connection:
            return {*methods(self._client(connection))}

    async def call(self, method: str, ids: list[str], given: dict[str, Any]) -> str:
        return await asyncio.to_thread(asyncio.run, self._call(method, ids, given))

    def _client(self, connection: httpx.AsyncClient) -> Any:
        from twelvelabs import AsyncTwelveLabs  # noqa: PLC0415  # it takes seconds, and most tests do without

        address = self.emulator.base_url
        return AsyncTwelveLabs(base_url=address, api_key=self.emulator.api_key, httpx_client=connection)

    async def _call(self, method: str, ids: list[str], given: dict[str, Any]) -> str:
        async with httpx.AsyncClient() as connection:
            found: Any = reduce(getattr, method.split("."), self._client(connection))
            try:
                begun = found(*ids, **replaced(given, opened))
                answer = await begun if inspect.isawaitable(begun) else begun
                if not goes_on(answer):
                    check(answer)
                    return ""
                async for item in answer:
                    check(item)
            except Exception as error:  # noqa: BLE001  # whatever it is, the table says whether it is expected
                return said(error)
        return ""


def opened(value: Any) -> Any:
    """A file as this client takes it: its name, and what is in it."""
    return (value.name, value.read_bytes()) if isinstance(value, Path) else value


def goes_on(answer: Any) -> bool:
    """Whether there is more to read: a stream, or pages of a list."""
    return isinstance(answer, Iterator | AsyncIterator) or hasattr(answer, "has_next")


def check(item: Any) -> None:
    """Hold an answer to the client's own model of it, which the client itself does not do."""
    if hasattr(item, "model_validate"):
        type(item).model_validate(item.model_dump(by_alias=True, exclude_unset=True))


def said(error: Exception) -> str:
    """An error in a line."""
    return f"{type(error).__name__}: {error}"
