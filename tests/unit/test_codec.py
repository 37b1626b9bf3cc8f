from __future__ import annotations

import dataclasses
import json
import math
import threading
from array import array
from types import NoneType
from typing import Any

import attrs
import pytest

from twelvelabs_async._codec import codegen, converter
from twelvelabs_async._codec.converter import MIN_VECTOR_LENGTH, THREAD_THRESHOLD, decode, json_bytes, to_dict
from twelvelabs_async.errors import InvalidInputError, MalformedResponseError
from twelvelabs_async.models._interop import SDK_FIELD_NAMES, wire_names
from twelvelabs_async.models.common import Model, Vector
from twelvelabs_async.models.indexes import Index


@attrs.frozen(kw_only=True)
class Segment(Model):
    """A model with a vector and a renamed field."""

    float_: Vector = attrs.field(metadata={"wire": "float"})
    start: float = 0.0


@attrs.frozen(kw_only=True)
class Embedding(Model):
    """A model with a list of models."""

    segments: tuple[Segment, ...]


@attrs.frozen(kw_only=True)
class Anything(Model):
    """A model with an untyped field."""

    embedding: Any


@attrs.frozen(kw_only=True)
class Nested(Segment):
    """A model with an additional field."""

    more: int = 0


@dataclasses.dataclass
class PlainSegment:
    """A dataclass with a field of a segment."""

    start: float


@pytest.mark.parametrize(
    ("item", "sent"),
    [
        ({"start": 1.0}, {"start": 1.0}),
        (PlainSegment(start=1.0), {"start": 1.0}),
        (Nested(float_=array("d"), more=2), {"float": [], "start": 0.0, "more": 2}),
    ],
)
def test_a_list_field_of_a_model_accepts_dicts_objects_and_models(item: Any, sent: Any) -> None:
    assert to_dict(Embedding(segments=(item,))) == {"segments": [sent]}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  \n",
        b"{",
        b'{"a": ',
        b"not json",
        b"<html></html>",
        b"\xff\xfe\x00",
        b'{"a": 1} {"b": 2}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"1" * 5000,
        b" " * (THREAD_THRESHOLD + 1),
        b"{" + b" " * THREAD_THRESHOLD,
        b"[" * (THREAD_THRESHOLD + 1),
    ],
    ids=lambda body: f"{body[:12]!r}x{len(body)}",
)
async def test_p18_an_invalid_json_response_raises_a_retryable_error(body: bytes) -> None:
    with pytest.raises(MalformedResponseError) as caught:
        await decode(body, Embedding)
    assert caught.value.retryable
    assert len(caught.value.body) <= 1000
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("body", [b"[]", b"7", b"null", b'"text"', b"true", b"{}", b'{"segments": 7}'])
async def test_p20_a_response_of_the_wrong_shape_raises_an_error_that_is_not_retryable(body: bytes) -> None:
    with pytest.raises(MalformedResponseError) as caught:
        await decode(body, Embedding)
    assert not caught.value.retryable
    assert caught.value.path.startswith("$")


async def test_the_error_contains_the_path_of_the_invalid_field() -> None:
    with pytest.raises(MalformedResponseError) as caught:
        await decode(b'{"segments": [{"float": [1]}, {"float": [1], "start": "soon"}]}', Embedding)
    assert caught.value.path == "$.segments[1].start"
    assert "float" in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"junk", b"<html>", b"[" * 100_000])
async def test_an_unused_response_body_is_not_parsed(body: bytes) -> None:
    await decode(body, NoneType)


async def test_an_empty_response_is_decoded_as_an_empty_dict() -> None:
    assert await decode(b"", dict) == {}


@pytest.mark.parametrize("size", [MIN_VECTOR_LENGTH - 1, MIN_VECTOR_LENGTH, 1024, THREAD_THRESHOLD])
async def test_vectors_are_arrays_whatever_their_size(size: int) -> None:
    body = json.dumps({"segments": [{"float": [0.5] * size}]}).encode()
    decoded = await decode(body, Embedding)
    assert decoded.segments[0].float_ == array("d", [0.5] * size)


@pytest.mark.parametrize("invalid", ["text", None, [1], {"a": 1}, 10**400])
@pytest.mark.parametrize("filler", [0, THREAD_THRESHOLD])
async def test_p18_an_invalid_vector_raises_malformed_response_error(invalid: object, filler: int) -> None:
    """10**400 is a valid JSON number that is too large for a float."""
    body = json.dumps({"segments": [{"float": [*([0.5] * 20), invalid]}], "filler": "x" * filler}).encode()
    with pytest.raises(MalformedResponseError):
        await decode(body, Embedding)


@pytest.mark.parametrize("value", ["text", 10**400])
async def test_an_untyped_field_of_a_large_response_accepts_any_value(value: object) -> None:
    body = json.dumps({"embedding": [*([0.5] * 20), value], "filler": "x" * THREAD_THRESHOLD}).encode()
    decoded = await decode(body, Anything)
    assert decoded.embedding[-1] == value


async def test_nan_and_infinity_are_decoded_as_floats() -> None:
    decoded = await decode(b'{"segments": [{"float": [NaN], "start": Infinity}]}', Embedding)
    assert math.isnan(decoded.segments[0].float_[0])
    assert decoded.segments[0].start == math.inf


@pytest.mark.parametrize(("size", "same_thread"), [(10, True), (THREAD_THRESHOLD + 1, False)])
async def test_large_responses_are_decoded_in_a_thread(
    size: int, *, same_thread: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = list[threading.Thread]()
    decode_now = converter.decode_now

    def decode_and_record_thread(*arguments: Any) -> Any:
        threads.append(threading.current_thread())
        return decode_now(*arguments)

    monkeypatch.setattr(converter, "decode_now", decode_and_record_thread)
    await decode(json.dumps({"filler": "x" * size}).encode(), dict)
    assert (threads[0] is threading.main_thread()) is same_thread


def test_json_is_compact_utf8_and_keeps_nested_nulls() -> None:
    assert json_bytes({"a": "é", "b": [1, {"c": None}]}) == '{"a":"é","b":[1,{"c":null}]}'.encode()


@pytest.mark.parametrize(("sdk_name", "wire_name"), SDK_FIELD_NAMES.items())
def test_a_dict_key_may_be_the_sdk_name_or_the_api_name_but_not_both(sdk_name: str, wire_name: str) -> None:
    sent = f'{{"a":[{{"{wire_name}":"x"}}]}}'.encode()
    assert json_bytes({"a": [{sdk_name: "x"}]}) == sent
    assert json_bytes({"a": ({wire_name: "x"},)}) == sent
    with pytest.raises(InvalidInputError, match=f"{wire_name!r} is given twice"):
        json_bytes({sdk_name: "x", wire_name: "y"})
    with pytest.raises(InvalidInputError, match=f"{wire_name!r} is given twice"):
        json_bytes({wire_name: "y", sdk_name: "x"})


@pytest.mark.parametrize("field", ["user_metadata", "metadata", "json_schema", "schema"])
def test_keys_of_the_caller_are_never_renamed(field: str) -> None:
    assert json_bytes({field: {"in_": {"float_": 1}}}) == f'{{"{field}":{{"in_":{{"float_":1}}}}}}'.encode()


@pytest.mark.parametrize("absent", ["missing", "null"])
def test_an_absent_field_does_not_use_the_slow_path(absent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown fields are collected only if the response has an unknown field or an invalid date."""
    collected = list[dict[str, Any]]()
    make_collector = codegen.make_extra_collector

    def make_counting_collector(*arguments: Any) -> Any:
        collect = make_collector(*arguments)

        def collect_extra(data: dict[str, Any], model: Model) -> Any:
            collected.append(data)
            return collect(data, model)

        return collect_extra

    monkeypatch.setattr(codegen, "make_extra_collector", make_counting_collector)
    fast = converter._build_converter.__wrapped__(detailed=False)  # not the cached one
    index: dict[str, Any] = {"_id": "i", "index_name": "n", "created_at": "2026-10-01T12:30:00Z", "models": []}
    if absent == "null":
        index |= dict.fromkeys(wire_names(Index).values() - index.keys())
    assert fast.structure(index, Index).expires_at is None
    assert collected == []
    assert fast.structure({**index, "expires_at": "soon"}, Index).extra == {"expires_at": "soon"}
    assert fast.structure({**index, "new": 1}, Index).extra == {"new": 1}
    assert len(collected) == 2
