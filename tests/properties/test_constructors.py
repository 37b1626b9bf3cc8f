"""The functions written for models agree with the exact converter on every answer, or leave it to that to refuse."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twelvelabs_async import models
from twelvelabs_async._codec import converter as codec
from twelvelabs_async._codec.codegen import can_generate_constructor
from twelvelabs_async.errors import MalformedResponseError
from twelvelabs_async.models.common import Model

for path in Path(models.__file__).parent.glob("*.py"):
    importlib.import_module(f"{models.__name__}.{path.stem}")


def below(kind: type[Model]) -> list[type[Model]]:
    return [kind, *(deeper for child in kind.__subclasses__() for deeper in below(child))]


def stands(kind: type[Model]) -> bool:
    """Tell a model from the class that `attrs` made it of, which is there until it is swept away."""
    return getattr(sys.modules[kind.__module__], kind.__name__) is kind


def is_sent_only(kind: type[Model]) -> bool:
    """Whether a field also takes a plain mapping: no response has such a field, and the converter reads none."""
    members = [member for field in attrs.fields(attrs.resolve_types(kind)) for member in get_args(field.type)]
    return any(get_origin(member) is Mapping for member in members)


MODELS = [
    kind
    for kind in below(Model)
    if kind.__module__.startswith(models.__name__) and stands(kind) and not is_sent_only(kind)
]

whole = st.integers(-(2**53), 2**53)
numbers = whole | st.floats(allow_nan=False, allow_infinity=False)
leaves = st.none() | st.booleans() | numbers | st.text(max_size=3)
anything = leaves | st.lists(leaves, max_size=3) | st.dictionaries(st.text(max_size=3), leaves, max_size=2)
dates = st.sampled_from(["2026-10-01T12:30:00Z", "2026-10-01T12:30:00.5+02:00", "2026-10-01", "soon", ""])


def fitting(kind: Any) -> st.SearchStrategy[Any]:
    """JSON that a value of this type may come as, with now and then another one."""
    members = [member for member in get_args(kind) if member is not NoneType]
    if kind is datetime or datetime in members:
        return dates | anything
    if isinstance(kind, type) and issubclass(kind, Model):
        return objects(kind)
    if get_origin(kind) in {tuple, list}:
        return st.lists(fitting(members[0]), max_size=2) | anything
    if str(get_origin(kind)) == "typing.Literal" or kind is str:
        return st.text(max_size=3) | anything
    if NoneType in get_args(kind):
        return st.none() | fitting(members[0])
    return numbers | st.lists(numbers, max_size=3) | anything


def objects(kind: type[Model]) -> st.SearchStrategy[Any]:
    """Objects with most of the fields, some that nobody described, and `id` where `_id` is meant."""
    fields = attrs.fields(attrs.resolve_types(kind))
    known = {f.metadata.get("wire", f.name): fitting(f.type) for f in fields if f.name != "extra"}
    strange = {"id": leaves, "new": anything, "extra": anything}
    return st.fixed_dictionaries({}, optional={**strange, **known}) | st.fixed_dictionaries(known)


def outcome(converter: Any, data: Any, kind: type[Model]) -> Any:
    try:
        return converter.structure(data, kind)
    except Exception:  # noqa: BLE001  # whatever it is, it is refused
        return "rejected"


def test_a_constructor_can_be_generated_for_every_model() -> None:
    assert len(MODELS) > 100
    assert [kind for kind in MODELS if not can_generate_constructor(kind)] == []


@pytest.mark.parametrize("kind", MODELS, ids=lambda kind: kind.__name__)
def test_the_fast_converter_agrees_with_the_detailed_converter(kind: type[Model]) -> None:
    @settings(max_examples=20)
    @given(objects(kind))
    def agrees(data: Any) -> None:
        before = json.dumps(data)
        fast = outcome(codec._FAST, data, kind)
        assert repr(fast) == repr(outcome(codec._build_converter(detailed=True), data, kind))
        assert getattr(fast, "extra", None) == getattr(
            outcome(codec._build_converter(detailed=True), data, kind), "extra", None
        )
        assert json.dumps(data) == before
        if fast != "rejected":
            again = outcome(codec._FAST, json.loads(before), kind)
            assert (fast, hash(fast)) == (again, hash(again))

    agrees()


@attrs.frozen(kw_only=True)
class Tree(Model):
    """A model within itself."""

    name: str
    below: tuple[Tree, ...] = ()


def test_a_model_can_contain_itself() -> None:
    tree = codec.structure({"name": "a", "below": [{"name": "b", "below": [{"name": "c"}]}]}, Tree)
    assert tree.below[0].below[0].name == "c"


def _even(_: Any, __: Any, value: int) -> None:
    if value % 2:
        raise ValueError("odd")


@attrs.frozen(kw_only=True)
class Pair(Model):
    """A model of the caller's own that checks what it is given."""

    number: int = attrs.field(validator=_even)


def test_a_class_with_a_validator_uses_its_own_constructor() -> None:
    assert not can_generate_constructor(Pair)
    assert codec.structure({"number": 2, "new": 1}, Pair) == Pair(number=2, extra={"new": 1})
    with pytest.raises(MalformedResponseError, match="odd"):
        codec.structure({"number": 3}, Pair)


@attrs.frozen(kw_only=True, slots=False)
class Loose(Model):
    """A model of the caller's own without slots."""

    number: int


def test_a_class_without_slots_uses_its_own_constructor() -> None:
    assert not can_generate_constructor(Loose)
    assert codec.structure({"number": 2}, Loose) == Loose(number=2)
