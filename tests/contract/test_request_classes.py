"""Every request class of the official SDK is sent as by the official client; also as a dataclass, and as a dict."""

from __future__ import annotations

import dataclasses
import inspect
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, reduce
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl

import httpx
import pydantic
import pytest

from twelvelabs_async._codec.converter import encode
from twelvelabs_async._http.redaction import Redactor
from twelvelabs_async._options import Options
from twelvelabs_async.client import _ResourceGroups
from twelvelabs_async.clock import SystemClock
from twelvelabs_async.requests import Request

twelvelabs: Any = pytest.importorskip("twelvelabs")

CALLS: dict[str, Any] = tomllib.loads((Path(__file__).parents[1] / "peers" / "calls.toml").read_text("utf-8"))

EXCLUDED = {
    "image": {"video"},
    "prompt_v_2": {"prompt"},
}
"""Parameters that a call must not have besides this one."""

LOCATIONS = {"url", "asset_id", "base_64_string"}
"""Fields of which an object has one."""


class Stopped(Exception):  # noqa: N818  # it ends a call that has sent its request
    """Carries the request of a call."""


class RecordingExecutor:
    """Keeps the request of this client."""

    clock = SystemClock()
    options = Options()
    redactor = Redactor()

    async def execute(self, request: Request[Any]) -> Any:
        raise Stopped(request)

    async def open_stream(self, request: Request[Any], *, accept: str) -> Any:
        raise Stopped(request, accept)


class Groups(_ResourceGroups):
    def __init__(self) -> None:
        self._executor = cast("Any", RecordingExecutor())


def is_model(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, pydantic.BaseModel)


def models_in(hint: Any) -> set[type[pydantic.BaseModel]]:
    """Return the classes in an annotation, at any depth."""
    if is_model(hint):
        fields = cast("type[pydantic.BaseModel]", hint).model_fields.values()
        return {hint}.union(*(models_in(field.annotation) for field in fields))
    return set[Any]().union(*(models_in(part) for part in get_args(hint)))


def examples(hint: Any, name: str) -> list[Any]:
    """Return values for an annotation, so that each class in it occurs."""
    if is_model(hint):
        return list(instances(hint))
    origin = get_origin(hint)
    parts = [part for part in get_args(hint) if part is not type(None)]
    if origin in {Union, UnionType}:
        models = [part for part in parts if models_in(part)]
        return [value for part in models or parts[:1] for value in examples(part, name)]
    if origin is Literal:
        return [get_args(hint)[0]]
    if origin is dict:
        return [{"type": "object", "base_64_string": "own", "empty": None}]
    if origin in {list, Sequence}:
        return [[value] for value in examples(parts[0], name)]
    simple = {str: f"some_{name}", int: 3, float: 1.5, bool: True}
    return [simple[hint]] if hint in simple else examples(get_args(hint)[0], name)


def instances(model: type[pydantic.BaseModel]) -> Iterator[pydantic.BaseModel]:
    values = {name: examples(field.annotation, name) for name, field in model.model_fields.items()}
    located = LOCATIONS & values.keys()
    if len(located) > 1:
        others = {name: found[0] for name, found in values.items() if name not in located}
        yield from (model(**others, **{name: values[name][0]}) for name in sorted(located))
        return
    first = {name: found[0] for name, found in values.items()}
    yield model(**first)
    for name, found in values.items():
        yield from (model(**{**first, name: value}) for value in found[1:])


@cache
def official() -> Any:
    def answer(request: httpx.Request) -> httpx.Response:
        raise Stopped(request)

    connection = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return twelvelabs.AsyncTwelveLabs(api_key="nobody", httpx_client=connection)


def method_of(client: Any, name: str) -> Callable[..., Any]:
    found: Any = reduce(getattr, name.split("."), client)
    return found if inspect.ismethod(found) else getattr(found, "create", found)


def cases() -> Iterator[tuple[str, str, Any]]:
    for method in CALLS:
        hints = get_type_hints(method_of(official(), method))
        for parameter, hint in hints.items():
            if parameter not in {"return", "request_options", "callback", "progress_callback"} and models_in(hint):
                yield from ((method, parameter, value) for value in examples(hint, parameter))


CASES = list(cases()) if twelvelabs else []


def arguments(method: str, parameter: str, value: Any) -> tuple[list[str], dict[str, Any]]:
    """Return the arguments of a call: those of the table, and the value."""
    call = CALLS[method]
    given = {name: other for name, other in call.get("given", {}).items() if name not in EXCLUDED.get(parameter, set())}
    if "input_type" in given:
        given = {"model_name": given["model_name"], "input_type": parameter}
    elif parameter == "image":
        given = {"prompt": "p"}
    pages = {"page", "page_limit", "page_size"} & inspect.signature(method_of(official(), method)).parameters.keys()
    given |= dict.fromkeys(pages, 10)  # their defaults differ
    return list(call.get("ids", ())), {**given, parameter: value}


async def sent_officially(method: str, ids: list[str], given: Mapping[str, Any]) -> tuple[Any, set[tuple[str, str]]]:
    called = method_of(official(), method)(*ids, **given)
    with pytest.raises(Stopped) as stopped:
        await (anext(called) if inspect.isasyncgen(called) else called)
    request: httpx.Request = stopped.value.args[0]
    return json.loads(request.content or b"null"), set(parse_qsl(request.url.query.decode()))


async def sent_here(method: str, ids: list[str], given: Mapping[str, Any]) -> tuple[Any, set[tuple[str, str]]]:
    called = method_of(Groups(), method)(*ids, **given)
    with pytest.raises(Stopped) as stopped:
        await (called.__aenter__() if hasattr(called, "__aenter__") else called)
    request: Request[Any] = stopped.value.args[0]
    body = encode(request).content
    return json.loads(cast("bytes", body) or b"null"), set(parse_qsl(request.path().partition("?")[2]))


def as_it_is(value: Any) -> Any:
    return value


def as_dataclass(value: Any) -> Any:
    """Return an object of the official SDK as an instance of a dataclass, and the objects in it, too."""
    if isinstance(value, list):
        return [as_dataclass(item) for item in cast("Sequence[Any]", value)]
    if not isinstance(value, pydantic.BaseModel):
        return value
    fields = {name: as_dataclass(getattr(value, name)) for name in type(value).model_fields}
    return dataclasses.make_dataclass(type(value).__name__, list(fields))(**fields)


def as_dict(value: Any) -> Any:
    if isinstance(value, list):
        return [as_dict(item) for item in cast("Sequence[Any]", value)]
    return value.model_dump(exclude_none=True)


@pytest.mark.filterwarnings("ignore:deprecated by Twelve Labs")
@pytest.mark.parametrize("form", [as_it_is, as_dataclass, as_dict])
@pytest.mark.parametrize("method", sorted({method for method, _, _ in CASES}))
async def test_each_request_class_is_sent_as_the_official_client_sends_it(
    method: str, form: Callable[[Any], Any]
) -> None:
    for _, parameter, value in (case for case in CASES if case[0] == method):
        ids, given = arguments(method, parameter, value)
        expected = await sent_officially(method, ids, given)
        assert await sent_here(method, ids, {**given, parameter: form(value)}) == expected


def test_every_request_class_is_tested() -> None:
    found: set[type[Any]] = {type(part) for _, _, value in CASES for part in parts_of(value)}
    expected = set[type]().union(
        *(
            models_in(hint)
            for method in CALLS
            for name, hint in get_type_hints(method_of(official(), method)).items()
            if name not in {"return", "request_options", "callback", "progress_callback"}
        )
    )
    assert found == expected
    assert len(found) == 74


def parts_of(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in cast("Sequence[Any]", value):
            yield from parts_of(item)
    elif isinstance(value, pydantic.BaseModel):
        yield value
        for name in type(value).model_fields:
            yield from parts_of(getattr(value, name))
