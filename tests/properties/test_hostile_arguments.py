"""Every method with arguments of any type returns a result or raises an error of this package."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import io
import math
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import FastClock
from typing_extensions import override

from twelvelabs_async import NotFoundError, TwelveLabsError
from twelvelabs_async._codec.converter import encode
from twelvelabs_async._http.body import Body
from twelvelabs_async._http.transport import Response, StreamingResponse
from twelvelabs_async._options import Options
from twelvelabs_async.client import _ResourceGroups
from twelvelabs_async.clock import Clock
from twelvelabs_async.pagination import Paginator
from twelvelabs_async.requests import Request

T = TypeVar("T")


class EncodingExecutor:
    """Encodes each request completely, and raises NotFoundError."""

    options = Options(timeout=1)

    def __init__(self) -> None:
        self.clock: Clock = FastClock()
        self.encoded = 0

    async def execute(self, request: Request[T]) -> T:
        await self._encode(request)
        raise NotFoundError(message="nothing")

    async def open_stream(self, request: Request[Any], *, accept: str) -> StreamingResponse:
        await self._encode(request)
        raise NotFoundError(message=accept)

    async def put_to_storage(
        self,
        get_url: Callable[[], Any],
        headers: Mapping[str, str],
        body: Body,
        *,
        verify_response: Callable[[Response], None],
    ) -> Response:
        raise NotFoundError(message=f"{get_url} {headers} {body} {verify_response}")

    async def _encode(self, request: Request[Any]) -> None:
        assert request.path().isascii()
        content = encode(request).open()
        if content is not None and not isinstance(content, bytes):
            self.encoded += len([block async for block in content])
        self.encoded += 1


class FakeClient(_ResourceGroups):
    def __init__(self) -> None:
        executor: Any = EncodingExecutor()
        self._executor = executor


def find_methods(owner: object, path: str) -> dict[str, str]:
    """Return the paths of the public methods that can be reached from an object."""
    methods = dict[str, str]()
    for name in dir(type(owner)):
        if name.startswith("_"):
            continue
        value: object = getattr(owner, name)
        if inspect.ismethod(value):
            methods[f"{path}{name}"] = name
        elif type(value).__module__.startswith("twelvelabs_async.resources"):
            methods |= find_methods(value, f"{path}{name}.")
    return methods


METHODS = sorted(find_methods(FakeClient(), ""))


class Unprintable:
    @override
    def __str__(self) -> str:
        raise ValueError("no string")

    __repr__ = __str__


class BrokenIterable:
    def __iter__(self) -> Any:
        raise KeyError("no items")


class BrokenPath:
    def __fspath__(self) -> str:
        raise OSError("no path")


class Unsized(str):
    __slots__ = ()

    @override
    def __len__(self) -> int:
        raise ZeroDivisionError


class BrokenSequence(Sequence[Any]):
    @override
    def __getitem__(self, index: Any) -> Any:
        raise ValueError("no item")

    @override
    def __len__(self) -> int:
        return 2


class BrokenLength(list[str]):
    @override
    def __len__(self) -> int:
        raise LookupError("no length")


class BrokenMapping(dict[str, int]):
    @override
    def items(self) -> Any:
        raise ValueError("no items")


class BrokenModel:
    def model_dump(self, **_: object) -> dict[str, Any]:
        raise ValueError("no dump")


class Incomparable:
    """Like an array of numpy, whose comparisons have no truth value."""

    __hash__ = object.__hash__

    @override
    def __eq__(self, other: object) -> Any:
        raise ValueError("the truth value is ambiguous")

    def __bool__(self) -> bool:
        raise ValueError("the truth value is ambiguous")


class Color(str, Enum):  # noqa: UP042  # str() of a StrEnum differs
    RED = "red"


async def strings() -> AsyncIterator[str]:
    yield "text"


async def failing_stream() -> AsyncIterator[bytes]:
    yield b"x"
    raise ZeroDivisionError("mine")


def cycle() -> Any:
    items: list[Any] = []
    items.append(items)
    return items


def mapping_cycle() -> Any:
    fields: dict[str, Any] = {}
    fields["a"] = fields
    return fields


def deeply_nested() -> Any:
    items: list[Any] = []
    for _ in range(5000):
        items = [items]
    return items


class CallbackError(Exception):
    """Raised by a callback; the caller gets it unchanged."""


def fail(*_: object) -> object:
    raise CallbackError


HOSTILE_VALUES: list[Callable[[], Any]] = [
    cycle,
    mapping_cycle,
    deeply_nested,
    strings,
    failing_stream,
    Unprintable,
    BrokenIterable,
    BrokenPath,
    BrokenSequence,
    BrokenModel,
    Incomparable,
    object,
    lambda: BrokenLength("ab"),
    lambda: BrokenMapping(a=1),
    lambda: {"a": BrokenModel()},
    *[
        (lambda value=value: value)
        for value in (
            *("", " ", "x", "a/b", "..", "\0", "\ud800", "é" * 10, "x" * 100_000, "\r\nX: y", "https://[", "/etc", "~"),
            *("https://x.example/a.mp4", "http://x:99999/", "javascript:1", "HTTPS://x.example", "s3://x/y", "[a"),
            *(0, -1, 1, 10**400, 2**63, 1.5, math.nan, math.inf, True, None, 1j, ..., NotImplemented, Decimal("1.1")),
            *(b"", b"x", bytearray(b"x"), memoryview(b"abcd")[::2], datetime(2026, 1, 1), Color.RED),  # noqa: DTZ001  # naive
            *([], ["x"], [None], [1, "a", b"b"], [("a", "b")], [{"model_name": "m"}], [math.nan]),
            *({}, {"a": 1}, {1: 2}, {"a": math.nan}, {"a": object()}, {"a": b"x"}, {"x": "\ud800"}, {"a": [None]}),
            *(("a.mp4", b"x"), ("a", "b", "c", "d", "e"), set("ab"), range(3), int, Exception("x"), Unsized("q")),
            *(Path("/nonexistent"), Path("/tmp"), Path("/dev/null"), io.StringIO("x")),  # noqa: S108  # nothing is written
            {"type": "asset_id", "asset_id": 5},
            fail,
        )
    ],
    lambda: io.BytesIO(b"x" * 100),
    lambda: (letter for letter in "ab"),
]
ID = "6b0000000000000000000001"
VALID: dict[str, Any] = {
    "models": [{"model_name": "marengo3.0", "model_options": ["visual"]}],
    "search_options": ["visual"],
    "asset_ids": [ID],
    "url": "https://x.example/a.mp4",
    "source": ("a.mp4", b"x"),
    "file": ("a.mp4", b"x"),
    "video": {"type": "asset_id", "asset_id": ID},
    "model_name": "marengo3.0",
    "page": 1,
    "count": 1,
    "total_size": 1,
}


async def consume(result: Any) -> None:
    """Await the result of a method, enter it or iterate over it."""
    if isinstance(result, Paginator):
        await result.to_list(1)
    elif inspect.isawaitable(result):
        await consume(await result)
    elif hasattr(result, "__aenter__"):
        async with result:
            pass
    elif hasattr(result, "__aiter__"):
        async for _ in result:
            break


@pytest.mark.filterwarnings("ignore:deprecated by Twelve Labs")
@pytest.mark.parametrize("path", METHODS)
@given(data=st.data())
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
def test_p18_any_argument_is_sent_or_raises_a_package_error(path: str, data: st.DataObject) -> None:
    client: Any = FakeClient()
    method = client
    for name in path.split("."):
        method = getattr(method, name)
    parameters = [p for p in inspect.signature(method).parameters.values() if p.kind is not p.VAR_KEYWORD]
    names = [parameter.name for parameter in parameters]
    hostile_names = set[str]() if not names else data.draw(st.sets(st.sampled_from(names), max_size=3))
    arguments: dict[str, Any] = {}
    for parameter in parameters:
        if parameter.name in hostile_names:
            arguments[parameter.name] = HOSTILE_VALUES[data.draw(st.integers(0, len(HOSTILE_VALUES) - 1))]()
        elif parameter.default is parameter.empty:
            arguments[parameter.name] = VALID.get(parameter.name, ID)

    async def call() -> None:
        async with asyncio.timeout(60):
            with contextlib.suppress(TwelveLabsError, CallbackError):
                await consume(method(**arguments))

    asyncio.run(call())
