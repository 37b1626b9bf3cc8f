"""Structured output: schemas from classes, and values or errors from response texts."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Mapping
from typing import Any, Generic, Literal, Optional, TypeVar, cast

import attrs
import pytest

from twelvelabs_async.errors import InvalidInputError, MalformedResponseError, StructuredOutputError
from twelvelabs_async.models.analyze import TokenUsage
from twelvelabs_async.models.common import Model
from twelvelabs_async.structured_output import (
    _UNSUPPORTED_KEYWORDS,
    json_schema,
    parse_structured,
    parse_structured_text,
    response_format_for,
)


@attrs.frozen
class Person:
    name: str
    age: int | None = None


_T = TypeVar("_T")


@attrs.frozen
class Box(Generic[_T]):
    content: _T


@attrs.frozen
class HasBox:
    box: Box[int]


@attrs.define(kw_only=True)
class Film:
    title: str
    seconds: float
    scenes: int
    colored: bool
    mood: Literal["calm", "tense"]
    cast: list[Person]
    tags: tuple[str, ...] = ()
    director: Person | None = None
    rating: Literal[1, 2, 3] = 1


@attrs.frozen
class OldStyle:
    name: Optional[str] = None  # noqa: UP045  # supported in user code
    number: int | float = 0


@attrs.frozen
class TimedEvent:
    what: str
    at: float = attrs.field(metadata={"schema": {"type": "timestamp", "format": "seconds"}})
    clock: str = attrs.field(metadata={"schema": {"type": "timestamp", "format": "hh:mm:ss"}}, default="")


@attrs.frozen(kw_only=True)
class OwnModel(Model):
    name: str


@attrs.frozen
class Recursive:
    again: list[Recursive]


@attrs.frozen
class Unresolvable:
    where: Undefined  # type: ignore[name-defined]  # noqa: F821  # pyright: ignore[reportUndefinedVariable]  # undefined


@attrs.frozen
class Empty:
    """A class without fields."""


@attrs.frozen
class WithDict:
    names: dict[str, str]


@attrs.frozen
class WithSet:
    names: set[str]


@attrs.frozen
class WithPair:
    pair: tuple[int, int]


@attrs.frozen
class WithTwo:
    one: Person | TimedEvent


@attrs.frozen
class WithNone:
    value: Literal[None, "a"]  # noqa: PYI061  # supported in user code


@attrs.frozen
class WithLimit:
    names: list[str] = attrs.field(metadata={"schema": {"maxItems": 3}})


PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
    "required": ["name"],
}

FILM = {
    "title": "Night train",
    "seconds": 12,
    "scenes": 3.0,
    "colored": True,
    "mood": "calm",
    "cast": [{"name": "Ada", "age": 36}, {"name": "Bo"}],
    "tags": ["rail", "night"],
    "director": {"name": "Cy", "age": None},
    "rating": 2,
}


def test_a_class_becomes_a_schema() -> None:
    assert json_schema(Film) == {
        "type": "object",
        "properties": {
            "title": {"type": "string"},
            "seconds": {"type": "number"},
            "scenes": {"type": "integer"},
            "colored": {"type": "boolean"},
            "mood": {"enum": ["calm", "tense"], "type": "string"},
            "cast": {"type": "array", "items": PERSON},
            "tags": {"type": "array", "items": {"type": "string"}},
            "director": {"anyOf": [PERSON, {"type": "null"}]},
            "rating": {"enum": [1, 2, 3], "type": "number"},
        },
        "required": ["title", "seconds", "scenes", "colored", "mood", "cast"],
    }
    assert response_format_for(Person) == {"type": "json_schema", "json_schema": PERSON}


def test_classes_with_unions_and_model_subclasses_become_schemas() -> None:
    assert json_schema(OldStyle)["properties"] == {
        "name": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "number": {"anyOf": [{"type": "integer"}, {"type": "number"}]},
    }
    assert json_schema(OwnModel)["properties"] == {"name": {"type": "string"}}


def test_field_metadata_can_add_platform_schema_keywords() -> None:
    assert json_schema(TimedEvent)["properties"] == {
        "what": {"type": "string"},
        "at": {"type": "timestamp", "format": "seconds"},
        "clock": {"type": "timestamp", "format": "hh:mm:ss"},
    }


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Recursive, "contains itself"),
        (Unresolvable, "cannot resolve a type annotation"),
        (Empty, "no fields"),
        (WithDict, "WithDict.names has the unsupported type dict"),
        (WithSet, "WithSet.names has the unsupported type set"),
        (WithPair, "WithPair.pair"),
        (WithTwo, "WithTwo.one"),
        (WithNone, "WithNone.value"),
        (WithLimit, r"schema\.properties\.names contains .*: maxItems"),
        (int, "must be an attrs class or a JSON schema"),
        ("text", "must be an attrs class or a JSON schema"),
    ],
)
def test_a_type_that_cannot_become_a_schema_is_rejected(kind: Any, message: str) -> None:
    """The schema is validated before the request is sent."""
    with pytest.raises(InvalidInputError, match=message):
        json_schema(kind)


@pytest.mark.parametrize("keyword", sorted(_UNSUPPORTED_KEYWORDS))
def test_unsupported_schema_keywords_are_rejected_at_every_level(keyword: str) -> None:
    unsupported = {keyword: 1}
    for subschema in (
        unsupported,
        {"properties": {"x": unsupported}},
        {"properties": {"x": {"type": "array", "items": unsupported}}},
        {"properties": {"x": {"anyOf": [{"type": "null"}, unsupported]}}},
        {"$defs": {"X": unsupported}, "properties": {"x": {"$ref": "#/$defs/X"}}},
    ):
        schema: dict[str, Any] = {"type": "object", **subschema}
        with pytest.raises(InvalidInputError, match=keyword):
            json_schema(schema)


def test_a_property_may_have_the_name_of_a_keyword() -> None:
    schema = {"type": "object", "properties": {"not": {"type": "string"}, "maxItems": {"const": "maxLength"}}}
    assert json_schema(schema) == schema


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "string"}},
        {"type": "object", "properties": {"x": {"type": "array", "minItems": 2}}},
        {"type": "object", "properties": {"x": "string"}},
        {"type": "object", "properties": {"x": {"items": [{"type": "string"}]}}},
    ],
)
def test_an_unsupported_schema_is_rejected(schema: Mapping[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        json_schema(schema)


def test_json_text_is_parsed_into_a_class_instance() -> None:
    film = parse_structured(json.dumps(FILM), Film, finish_reason="stop")
    assert film == Film(
        title="Night train",
        seconds=12.0,
        scenes=3,
        colored=True,
        mood="calm",
        cast=[Person("Ada", 36), Person("Bo")],
        tags=("rail", "night"),
        director=Person("Cy"),
        rating=2,
    )
    assert isinstance(film.seconds, float)
    assert isinstance(film.scenes, int)


VALID_JSON = '{"name": "Ada \\"the first\\"", "age": 36}'


@pytest.mark.parametrize(
    "text",
    [
        VALID_JSON,
        f"\n  {VALID_JSON}\n",
        f"```json\n{VALID_JSON}\n```",
        f"```\n{VALID_JSON}\n```\n",
        f"  ```JSON\n{VALID_JSON}```  ",
        json.dumps(VALID_JSON),
        json.dumps(VALID_JSON)[1:-1],
        f"```json\n{json.dumps(VALID_JSON)}\n```",
    ],
)
def test_code_fences_and_escapes_are_removed(text: str) -> None:
    assert parse_structured(text, Person) == Person('Ada "the first"', 36)
    assert parse_structured(text, {"type": "object"}) == {"name": 'Ada "the first"', "age": 36}


CHAPTERS = {"chapters": [{"title": 'The "end"', "at": 1}, {"title": "New\nline \\ é", "at": 2}]}
DOCUMENT = json.dumps(CHAPTERS)


def escaped_from(document: str, position: int) -> str:
    """Return the document with JSON escapes from a position on."""
    return document[:position] + json.dumps(document[position:])[1:-1]


BROKEN: dict[str, tuple[str, str]] = {
    "text around": (f"Here are {{the chapters}} [1]:\n{DOCUMENT}\nHope this helps!", "Hope this helps!"),
    "a fence and a word": (f"```json\n{DOCUMENT}\n```\nDone.", "```\nDone."),
    "a fence that is not closed": (f"```json\n{DOCUMENT}", ""),
    "the document twice": (DOCUMENT * 2, DOCUMENT),
    "the tail twice": (DOCUMENT + DOCUMENT[-12:], DOCUMENT[-12:]),
    "a brace too many": (DOCUMENT + "}", "}"),
    "a brace too many at the start": ("{" + DOCUMENT, ""),
    "escaped from a key on": (escaped_from(DOCUMENT, DOCUMENT.index('"at"')), ""),
    "escaped from a closing quote on": (escaped_from(DOCUMENT, DOCUMENT.index('": 1') + 0), ""),
    "escaped and repeated": (escaped_from(DOCUMENT + DOCUMENT[-9:], DOCUMENT.index('"at"')), DOCUMENT[-9:]),
    "a line break in a string": (DOCUMENT.replace("\\n", "\n"), ""),
}


@pytest.mark.parametrize(("text", "trailing_text"), BROKEN.values(), ids=BROKEN)
def test_a_broken_document_is_repaired_and_trailing_text_is_kept(text: str, trailing_text: str) -> None:
    result = parse_structured_text(text, {"type": "object"})
    assert result.value == CHAPTERS
    assert result.repaired
    assert result.trailing_text == trailing_text


def test_an_intact_document_is_not_marked_as_repaired() -> None:
    for text in (VALID_JSON, f"```json\n{VALID_JSON}\n```", json.dumps(VALID_JSON)):
        assert not parse_structured_text(text, Person).repaired


@pytest.mark.parametrize(
    "text",
    [
        '{"chapters": [{"title": "a", "at": 1}, {"tit',
        '{"chapters":[{"chapter_title:"broken',
        'Text {"chapters": [{"title": "a"}, {}',
        "[1] [2]",
    ],
)
def test_a_fragment_of_a_truncated_document_is_not_accepted(text: str) -> None:
    with pytest.raises(StructuredOutputError):
        parse_structured(text, {"type": "object"})


def test_a_code_fence_within_a_value_is_kept() -> None:
    name = "```json\n{}\n```"
    assert parse_structured(json.dumps({"name": name}), Person) == Person(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("Sorry, I cannot do that.", "not JSON"),
        ('{"name": "Ada', "not JSON"),
        ('```json\n{"name": "Ada', "not JSON"),
        ('{"name": "Ada", "age": NaN}', "NaN is not a JSON number"),
        ("[" * 100_000, "not JSON"),
        ("[]", "expected an object, got array"),
        ('[{"name": "Ada"}]', "expected an object, got array"),
        ("null", "expected an object, got null"),
        ('"Ada"', "not JSON"),
        ("{}", "required field 'name' is missing"),
        ('{"name": null}', "expected str, got null"),
        ('{"name": ["Ada"]}', "expected str"),
        ('{"name": "Ada", "age": "36"}', "expected int"),
        ('{"name": "Ada", "age": true}', "expected int"),
        ('{"name": "Ada", "age": 36.5}', "expected int"),
    ],
)
def test_invalid_text_raises_structured_output_error_with_the_text(text: str, message: str) -> None:
    with pytest.raises(StructuredOutputError, match=message) as caught:
        parse_structured(
            text, Person, finish_reason="stop", usage=TokenUsage(output_tokens=7), operation="POST /analyze"
        )
    error = caught.value
    assert (error.text, error.finish_reason, error.operation) == (text, "stop", "POST /analyze")
    assert error.usage == TokenUsage(output_tokens=7)
    assert error.retryable
    assert isinstance(error, MalformedResponseError)
    assert len(str(error)) < 1200


def test_instances_generic_classes_and_texts_of_other_types_are_rejected() -> None:
    schemas: list[Any] = [Person(name="Ada", age=36), Box[int]]
    for schema in schemas:
        with pytest.raises(InvalidInputError, match="must be an attrs class or a JSON schema, got "):
            json_schema(schema)
    with pytest.raises(InvalidInputError, match=r"HasBox.box has the unsupported type .*Box\[int\]"):
        json_schema(HasBox)
    for text in (None, 5, b"{}"):
        with pytest.raises(InvalidInputError, match="text must be the generated text, got "):
            parse_structured(cast("Any", text), Person)


@pytest.mark.parametrize("text", ["[]", '"x"', "3", "null"])
def test_json_that_is_not_an_object_is_rejected_for_a_dict(text: str) -> None:
    with pytest.raises(StructuredOutputError):
        parse_structured(text, {"type": "object"})


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"mood": "sad"}, "$.mood"),
        ({"mood": 1}, "$.mood"),
        ({"rating": 4}, "$.rating"),
        ({"rating": True}, "$.rating"),
        ({"cast": "Ada"}, "$.cast"),
        ({"cast": {"name": "Ada"}}, "$.cast"),
        ({"cast": [{"name": "Ada"}, {"name": 3}]}, "$.cast[1].name"),
        ({"tags": "rail"}, "$.tags"),
        ({"director": []}, "$.director"),
    ],
)
def test_the_error_has_the_path_of_the_invalid_value(change: dict[str, Any], path: str) -> None:
    """A string is not a list, and only the listed literals are valid."""
    with pytest.raises(StructuredOutputError) as caught:
        parse_structured(json.dumps({**FILM, **change}), Film)
    assert caught.value.path.startswith(path)


def test_truncated_text_is_an_error_even_if_it_is_valid_json() -> None:
    with pytest.raises(StructuredOutputError, match="max_tokens") as caught:
        parse_structured(VALID_JSON, Person, finish_reason="length")
    assert caught.value.text == VALID_JSON
    assert not caught.value.retryable


def test_a_union_of_int_and_float_accepts_both() -> None:
    assert parse_structured('{"number": 3}', OldStyle).number == 3
    assert parse_structured('{"number": 3.5}', OldStyle).number == 3.5
    with pytest.raises(StructuredOutputError):
        parse_structured('{"number": "3"}', OldStyle)


def test_the_error_can_be_copied_and_pickled() -> None:
    with pytest.raises(StructuredOutputError) as caught:
        parse_structured("x", Person, usage=TokenUsage(output_tokens=7))
    for copied in (
        copy.copy(caught.value),
        cast("StructuredOutputError", pickle.loads(pickle.dumps(caught.value))),  # noqa: S301  # pickled by this test
    ):
        assert (copied.text, copied.usage, str(copied)) == ("x", TokenUsage(output_tokens=7), str(caught.value))


def test_a_lone_surrogate_in_the_text_raises_structured_output_error() -> None:
    with pytest.raises(StructuredOutputError) as caught:
        parse_structured("\ud800", Person)
    assert caught.value.text == "\ud800"
