"""Request classes of the official SDK, dataclasses and dicts are sent as the official client sends its classes."""

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
"""Parameters that a call must not have together with the given parameter."""

LOCATIONS = {"url", "asset_id", "base_64_string"}
"""Fields of which an object has exactly one."""


class RequestRecorded(Exception):  # noqa: N818  # ends the call and is not an error
    """Carries the recorded request."""


class RecordingExecutor:
    """Raises RequestRecorded with each request of this client."""

    clock = SystemClock()
    options = Options()
    redactor = Redactor()

    async def execute(self, request: Request[Any]) -> Any:
        raise RequestRecorded(request)

    async def open_stream(self, request: Request[Any], *, accept: str) -> Any:
        raise RequestRecorded(request, accept)


class Resources(_ResourceGroups):
    def __init__(self) -> None:
        self._executor = cast("Any", RecordingExecutor())


def is_model(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, pydantic.BaseModel)


def models_in(hint: Any) -> set[type[pydantic.BaseModel]]:
    """Return the model classes in an annotation, at any depth."""
    if is_model(hint):
        fields = cast("type[pydantic.BaseModel]", hint).model_fields.values()
        return {hint}.union(*(models_in(field.annotation) for field in fields))
    return set[Any]().union(*(models_in(part) for part in get_args(hint)))


def examples(hint: Any, name: str) -> list[Any]:
    """Return values for an annotation that together contain each class in it."""
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
    locations = LOCATIONS & values.keys()
    if len(locations) > 1:
        other_fields = {name: candidates[0] for name, candidates in values.items() if name not in locations}
        yield from (model(**other_fields, **{name: values[name][0]}) for name in sorted(locations))
        return
    first = {name: candidates[0] for name, candidates in values.items()}
    yield model(**first)
    for name, candidates in values.items():
        yield from (model(**{**first, name: value}) for value in candidates[1:])


@cache
def official_client() -> Any:
    def record_request(request: httpx.Request) -> httpx.Response:
        raise RequestRecorded(request)

    http_client = httpx.AsyncClient(transport=httpx.MockTransport(record_request))
    return twelvelabs.AsyncTwelveLabs(api_key="key", httpx_client=http_client)


def method_of(client: Any, name: str) -> Callable[..., Any]:
    result: Any = reduce(getattr, name.split("."), client)
    return result if inspect.ismethod(result) else getattr(result, "create", result)


def cases() -> Iterator[tuple[str, str, Any]]:
    for method in CALLS:
        hints = get_type_hints(method_of(official_client(), method))
        for parameter, hint in hints.items():
            if parameter not in {"return", "request_options", "callback", "progress_callback"} and models_in(hint):
                yield from ((method, parameter, value) for value in examples(hint, parameter))


CASES = list(cases()) if twelvelabs else []


def arguments(method: str, parameter: str, value: Any) -> tuple[list[str], dict[str, Any]]:
    """Return the arguments of a call: those of the table and the given value."""
    call = CALLS[method]
    kwargs = {
        name: argument for name, argument in call.get("given", {}).items() if name not in EXCLUDED.get(parameter, set())
    }
    if "input_type" in kwargs:
        kwargs = {"model_name": kwargs["model_name"], "input_type": parameter}
    elif parameter == "image":
        kwargs = {"prompt": "p"}
    pages = {"page", "page_limit", "page_size"} & inspect.signature(
        method_of(official_client(), method)
    ).parameters.keys()
    kwargs |= dict.fromkeys(pages, 10)  # the default page sizes differ
    return list(call.get("ids", ())), {**kwargs, parameter: value}


async def request_of_official_client(
    method: str, ids: list[str], kwargs: Mapping[str, Any]
) -> tuple[Any, set[tuple[str, str]]]:
    call = method_of(official_client(), method)(*ids, **kwargs)
    with pytest.raises(RequestRecorded) as caught:
        await (anext(call) if inspect.isasyncgen(call) else call)
    request: httpx.Request = caught.value.args[0]
    return json.loads(request.content or b"null"), set(parse_qsl(request.url.query.decode()))


async def request_of_this_client(
    method: str, ids: list[str], kwargs: Mapping[str, Any]
) -> tuple[Any, set[tuple[str, str]]]:
    call = method_of(Resources(), method)(*ids, **kwargs)
    with pytest.raises(RequestRecorded) as caught:
        await (call.__aenter__() if hasattr(call, "__aenter__") else call)
    request: Request[Any] = caught.value.args[0]
    body = encode(request).content
    return json.loads(cast("bytes", body) or b"null"), set(parse_qsl(request.path().partition("?")[2]))


def unchanged(value: Any) -> Any:
    return value


def as_dataclass(value: Any) -> Any:
    """Return an object of the official SDK, with its nested objects, as dataclass instances."""
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
@pytest.mark.parametrize("convert", [unchanged, as_dataclass, as_dict])
@pytest.mark.parametrize("method", sorted({method for method, _, _ in CASES}))
async def test_each_request_class_is_sent_as_the_official_client_sends_it(
    method: str, convert: Callable[[Any], Any]
) -> None:
    for _, parameter, value in (case for case in CASES if case[0] == method):
        ids, kwargs = arguments(method, parameter, value)
        expected = await request_of_official_client(method, ids, kwargs)
        assert await request_of_this_client(method, ids, {**kwargs, parameter: convert(value)}) == expected


def test_every_request_class_is_tested() -> None:
    result: set[type[Any]] = {type(part) for _, _, value in CASES for part in parts_of(value)}
    expected = set[type]().union(
        *(
            models_in(hint)
            for method in CALLS
            for name, hint in get_type_hints(method_of(official_client(), method)).items()
            if name not in {"return", "request_options", "callback", "progress_callback"}
        )
    )
    assert result == expected
    assert len(result) == 74


def parts_of(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in cast("Sequence[Any]", value):
            yield from parts_of(item)
    elif isinstance(value, pydantic.BaseModel):
        yield value
        for name in type(value).model_fields:
            yield from parts_of(getattr(value, name))
