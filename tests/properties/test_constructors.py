"""The generated constructors of models agree with the detailed converter on all responses."""

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


def subclasses_of(kind: type[Model]) -> list[type[Model]]:
    return [kind, *(subclass for child in kind.__subclasses__() for subclass in subclasses_of(child))]


def is_module_attribute(kind: type[Model]) -> bool:
    """Return whether a class is the one in its module, and not the original that attrs has replaced."""
    return getattr(sys.modules[kind.__module__], kind.__name__) is kind


def is_sent_only(kind: type[Model]) -> bool:
    """Return whether a field also accepts a mapping; only models of requests have such fields."""
    members = [member for field in attrs.fields(attrs.resolve_types(kind)) for member in get_args(field.type)]
    return any(get_origin(member) is Mapping for member in members)


MODELS = [
    kind
    for kind in subclasses_of(Model)
    if kind.__module__.startswith(models.__name__) and is_module_attribute(kind) and not is_sent_only(kind)
]

integers = st.integers(-(2**53), 2**53)
numbers = integers | st.floats(allow_nan=False, allow_infinity=False)
leaves = st.none() | st.booleans() | numbers | st.text(max_size=3)
any_json = leaves | st.lists(leaves, max_size=3) | st.dictionaries(st.text(max_size=3), leaves, max_size=2)
dates = st.sampled_from(["2026-10-01T12:30:00Z", "2026-10-01T12:30:00.5+02:00", "2026-10-01", "soon", ""])


def values_for(kind: Any) -> st.SearchStrategy[Any]:
    """Generate JSON for a value of a type, and sometimes other JSON."""
    members = [member for member in get_args(kind) if member is not NoneType]
    if kind is datetime or datetime in members:
        return dates | any_json
    if isinstance(kind, type) and issubclass(kind, Model):
        return objects(kind)
    if get_origin(kind) in {tuple, list}:
        return st.lists(values_for(members[0]), max_size=2) | any_json
    if str(get_origin(kind)) == "typing.Literal" or kind is str:
        return st.text(max_size=3) | any_json
    if NoneType in get_args(kind):
        return st.none() | values_for(members[0])
    return numbers | st.lists(numbers, max_size=3) | any_json


def objects(kind: type[Model]) -> st.SearchStrategy[Any]:
    """Generate objects with most of the fields, unknown fields, and `id` instead of `_id`."""
    fields = attrs.fields(attrs.resolve_types(kind))
    known = {f.metadata.get("wire", f.name): values_for(f.type) for f in fields if f.name != "extra"}
    unknown = {"id": leaves, "new": any_json, "extra": any_json}
    return st.fixed_dictionaries({}, optional={**unknown, **known}) | st.fixed_dictionaries(known)


def structure_or_reject(converter: Any, data: Any, kind: type[Model]) -> Any:
    try:
        return converter.structure(data, kind)
    except Exception:  # noqa: BLE001  # any exception is a rejection
        return "rejected"


def test_a_constructor_can_be_generated_for_every_model() -> None:
    assert len(MODELS) > 100
    assert [kind for kind in MODELS if not can_generate_constructor(kind)] == []


@pytest.mark.parametrize("kind", MODELS, ids=lambda kind: kind.__name__)
def test_the_fast_converter_agrees_with_the_detailed_converter(kind: type[Model]) -> None:
    @settings(max_examples=20)
    @given(objects(kind))
    def check(data: Any) -> None:
        original = json.dumps(data)
        fast = structure_or_reject(codec._FAST, data, kind)
        assert repr(fast) == repr(structure_or_reject(codec._build_converter(detailed=True), data, kind))
        assert getattr(fast, "extra", None) == getattr(
            structure_or_reject(codec._build_converter(detailed=True), data, kind), "extra", None
        )
        assert json.dumps(data) == original
        if fast != "rejected":
            fast_again = structure_or_reject(codec._FAST, json.loads(original), kind)
            assert (fast, hash(fast)) == (fast_again, hash(fast_again))

    check()


@attrs.frozen(kw_only=True)
class Tree(Model):
    """A recursive model."""

    name: str
    below: tuple[Tree, ...] = ()


def test_a_model_can_contain_itself() -> None:
    tree = codec.structure({"name": "a", "below": [{"name": "b", "below": [{"name": "c"}]}]}, Tree)
    assert tree.below[0].below[0].name == "c"


def _even(_: Any, __: Any, value: int) -> None:
    if value % 2:
        raise ValueError("odd")


@attrs.frozen(kw_only=True)
class EvenNumber(Model):
    """A user-defined model with a validator."""

    number: int = attrs.field(validator=_even)


def test_a_class_with_a_validator_uses_its_own_constructor() -> None:
    assert not can_generate_constructor(EvenNumber)
    assert codec.structure({"number": 2, "new": 1}, EvenNumber) == EvenNumber(number=2, extra={"new": 1})
    with pytest.raises(MalformedResponseError, match="odd"):
        codec.structure({"number": 3}, EvenNumber)


@attrs.frozen(kw_only=True, slots=False)
class WithoutSlots(Model):
    """A user-defined model without slots."""

    number: int


def test_a_class_without_slots_uses_its_own_constructor() -> None:
    assert not can_generate_constructor(WithoutSlots)
    assert codec.structure({"number": 2}, WithoutSlots) == WithoutSlots(number=2)
