"""A request as the handlers see it, and what they answer."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from twelvelabs_async.emulator.errors import ApiError, invalid
from twelvelabs_async.emulator.forms import Form, read_flag, read_form
from twelvelabs_async.emulator.limits import METER

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from aiohttp import web
    from multidict import MultiMapping

    from twelvelabs_async.emulator.world import World

_OBJECT_ID = re.compile(r"[0-9a-f]{24}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; without content there is no body."""

    content: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


NO_CONTENT = Reply(status=204)


@dataclass(frozen=True, slots=True)
class Call:
    """One request to an operation."""

    world: World
    request: web.Request

    @property
    def query(self) -> MultiMapping[str]:
        """The query parameters."""
        return self.request.query

    def id(self, name: str) -> str:
        """Return an id from the path.

        Raises:
            ApiError: It is not 24 hex digits, so it cannot name anything.
        """
        value = self.request.match_info[name.replace("-", "_")]
        if not _OBJECT_ID.fullmatch(value):
            raise invalid(name, "it must be 24 hexadecimal digits")
        return value.lower()

    def count(self, *categories: str) -> None:
        """Count the request in the categories of its content.

        Raises:
            ApiError: It is one too many.
        """
        METER.get().count(*categories)

    def spend(self, seconds: float | None) -> None:
        """Count media of that length, which may be known or not.

        Raises:
            ApiError: It is more than is left.
        """
        if seconds:
            METER.get().spend(seconds)

    def settle(self, tokens: int) -> None:
        """Count the text of the answer."""
        METER.get().settle(tokens)

    def text(self, name: str) -> str:
        """Return a part of the path as it is."""
        return self.request.match_info[name.replace("-", "_")]

    def flag(self, name: str) -> bool:
        """Return a boolean query parameter, false if it is absent."""
        return read_flag(name, self.query.get(name), default=False)

    async def json(self) -> dict[str, Any]:
        """Return the body; none at all is an empty object, for that is how the official client sends no fields.

        Raises:
            ApiError: The body is no JSON object, or does not claim to be.
        """
        raw = await self.request.read()
        if not raw:
            return {}
        if self.request.content_type != "application/json":
            raise ApiError(400, "content_type_invalid", "The content type must be application/json.")
        try:
            body = _parsed(raw)
        except (ValueError, RecursionError) as error:
            raise ApiError(400, "parameter_invalid", "The request body is no valid JSON.") from error
        if not isinstance(body, dict):
            raise ApiError(400, "parameter_invalid", "The request body must be a JSON object.")
        return cast("dict[str, Any]", body)

    def form(self) -> AbstractAsyncContextManager[Form]:
        """Give the form in the body; its files are deleted at the end of the block.

        Raises:
            ApiError: The body is no multipart form.
        """
        return read_form(self.request, self.world.spool)


def _parsed(raw: bytes) -> object:
    """Read JSON by the letter of its standard, which knows neither NaN nor half of a surrogate pair."""
    body: object = json.loads(raw, parse_constant=_finite, parse_float=_finite)
    if b"\\ud" in raw.lower():
        json.dumps(body, ensure_ascii=False).encode()
    return body


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no number of JSON")
    return value


Handler = Callable[[Call], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Operation:
    """What the API can be asked to do, by verb and path template as the API prints them."""

    method: str
    template: str
    handler: Handler

    @property
    def name(self) -> str:
        """Verb and template in one, as faults and limits name an operation."""
        return f"{self.method} {self.template}"
