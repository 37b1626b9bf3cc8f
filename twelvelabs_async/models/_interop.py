"""What models need besides their fields: other names of fields, and conversions for JSON types and pydantic.

The module that converts knows all models, and so is above this one: it is found by name when an object is converted.
So is pydantic, which programs without it never need.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib import import_module
from operator import methodcaller
from types import NoneType
from typing import Any, Final, get_args, get_origin, get_type_hints

import attrs

from twelvelabs_async.errors import TwelveLabsError

WIRE_ID: dict[str, str] = {"wire": "_id"}
"""attrs metadata of a field that is called `id` here and `_id` in the JSON of the API."""

SDK_FIELD_NAMES: dict[str, str] = {
    "base_64_string": "base64_string",
    "float_": "float",
    "in_": "in",
    "prompt_v_2": "prompt_v2",
    "schema_": "schema",
}
"""Fields whose name in Python, which is the official SDK's, differs from the name in JSON. Dicts take both names."""

OTHER_ATTRIBUTES: Mapping[str, str] = {
    "confidence": "rank",
    "metadata": "system_metadata",
    "name": "index_name",
    "score": "rank",
    "vector": "embedding",
}
"""Attributes of models in older versions of the official client and in other clients, and what replaces them."""

PYDANTIC_METHODS: Mapping[str, str] = {
    "dict": "to_dict()",
    "json": "to_json()",
    "model_copy": "attrs.evolve(...)",
    "model_dump": "to_dict()",
    "model_dump_json": "to_json()",
}
"""Methods of the models of the official client, and what replaces them."""


_SCALAR_SCHEMAS: Final[Mapping[Any, Mapping[str, Any]]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    datetime: {"type": "string", "format": "date-time"},
    array: {"type": "array", "items": {"type": "number"}},
}


def wire_names(model_class: type[Any]) -> dict[str, str]:
    """Return the API's name of each field, except `extra`."""
    fields = attrs.fields(model_class)
    return {field.name: field.metadata.get("wire", field.name) for field in fields if field.name != "extra"}


def serialization() -> Any:
    """Return the module that converts objects."""
    return import_module("twelvelabs_async.serialization")


@cache
def pydantic_serializer() -> Any:
    """Return the serializer of pydantic for objects with `to_dict`."""
    pydantic_core: Any = import_module("pydantic_core")
    return pydantic_core.SchemaSerializer(pydantic_core.core_schema.any_schema(serialization=_to_dict_schema()))


def _to_dict_schema() -> Any:
    core_schema: Any = import_module("pydantic_core").core_schema
    return core_schema.plain_serializer_function_ser_schema(methodcaller("to_dict"))


def pydantic_schema(kind: type[Any]) -> Any:
    """Return the schema of pydantic for a class with `to_dict`, and perhaps `from_dict`."""
    core_schema: Any = import_module("pydantic_core").core_schema
    from_dict = getattr(kind, "from_dict", None)

    def validate(value: Any) -> Any:
        if isinstance(value, kind):
            return value
        if from_dict is None:
            raise ValueError(f"expected an object of the class {kind.__name__}")  # what pydantic expects
        try:
            return from_dict(value)
        except TwelveLabsError as error:
            raise ValueError(str(error)) from None  # as above

    return core_schema.no_info_plain_validator_function(validate, serialization=_to_dict_schema())


def object_schema(model_class: type[Any], *within: type[Any]) -> dict[str, Any]:
    """Return the JSON schema of a model; of one that is `within` itself, only the name."""
    schema: dict[str, Any] = {"title": model_class.__name__, "type": "object"}
    if model_class in within:
        return schema
    types = get_type_hints(model_class)
    names, fields = wire_names(model_class), attrs.fields_dict(model_class)
    schema["properties"] = {wire: _type_schema(types[name], (*within, model_class)) for name, wire in names.items()}
    schema["required"] = [wire for name, wire in names.items() if fields[name].default is attrs.NOTHING]
    return schema


def _type_schema(annotation: Any, within: tuple[type[Any], ...]) -> Mapping[str, Any]:
    """Return the JSON schema of a value; strings of a `Literal` may be others, because the API may add some."""
    members = [member for member in get_args(annotation) if member is not NoneType]
    origin = get_origin(annotation) or annotation
    if origin in _SCALAR_SCHEMAS:
        return _SCALAR_SCHEMAS[origin]
    if isinstance(origin, type) and attrs.has(origin):
        return object_schema(origin, *within)
    if origin is tuple or origin is list:
        return {"type": "array", "items": _type_schema(members[0], within)}
    if origin is dict or origin is Mapping:
        return {"type": "object"}
    if members and all(isinstance(member, str) for member in members):
        return {"type": "string"}
    schemas = [_type_schema(member, within) for member in members]
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas} if schemas else {}
