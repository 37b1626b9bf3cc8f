"""Generates the constructor of each model from a JSON object, as straight Python: one block of lines for each field.

Each value is looked up once and stored in the slot of the new object; only a value of an unexpected type goes to its
structure hook. A hook call for each value would cost more than parsing the JSON. The generated function covers valid
input: it raises on anything else, and the detailed converter then finds out what is wrong.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import NoneType
from typing import Any, Final, Literal, cast, get_args, get_origin

import attrs
from cattrs import Converter, StructureHandlerNotFoundError

from twelvelabs_async.models.common import Model, Vector

JSON_TYPE_NAMES: Final = {"NoneType": "null", "dict": "object", "list": "array", "bool": "boolean"}
"""JSON names of Python types."""


SCALAR_CLASS_NAMES: Final[dict[Any, str]] = {
    str: "str",
    bool: "bool",
    int: "int",
    float: "float",
    dict: "dict",
    dict[str, Any]: "dict",
    Any: "",
}
"""Types whose values are stored as they are if they have exactly this class; for `Any`, all are."""

ModelConstructor = Callable[[Any, Any], Model]

_IN_PROGRESS: Final[set[Any]] = set()
"""Models whose constructors are being generated: a model that contains itself must not be generated again."""


def type_mismatch(expected: str, value: Any) -> TypeError:
    """Return the error for a value of an unexpected type."""
    got = type(value).__name__
    return TypeError(f"expected {expected}, got {JSON_TYPE_NAMES.get(got, got)}")


def as_str(value: Any, _: Any) -> str:
    """Return a string; raise TypeError for another type."""
    if isinstance(value, str):
        return value
    raise type_mismatch("str", value)


def as_bool(value: Any, _: Any) -> bool:
    """Return a boolean; raise TypeError for another type, such as 0 and 1."""
    if isinstance(value, bool):
        return value
    raise type_mismatch("bool", value)


def as_int(value: Any, _: Any) -> int:
    """Return an integer, also one that is written as a float; raise TypeError for another type."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)  # the API writes some integers as 12.0
    raise type_mismatch("int", value)


def as_float(value: Any, _: Any) -> float:
    """Return a number as a float; raise TypeError for another type."""
    if isinstance(value, float | int) and not isinstance(value, bool):
        return float(value)
    raise type_mismatch("float", value)


def as_datetime(value: Any, _: Any) -> datetime | None:
    """Return the date of an RFC 3339 string, in UTC if it has no timezone; None if it is not one."""
    if not isinstance(value, str):
        return None
    try:
        date = datetime.fromisoformat(value)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def as_dict(value: Any, _: Any) -> dict[str, Any]:
    """Return a JSON object unchanged; raise TypeError for another type."""
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    raise type_mismatch("an object", value)


def as_vector(value: Any, _: Any) -> Vector:
    """Return a list of numbers as an array; raise TypeError for another type."""
    if isinstance(value, array):
        return cast("Vector", value)
    try:
        return array("d", value)
    except TypeError:
        raise type_mismatch("a list of numbers", value) from None


def is_literal(annotation: Any) -> bool:
    """Return whether a type is a `Literal`."""
    origin: Any = get_origin(annotation)
    return origin is Literal


def structure_closed_literal(value: Any, target_type: Any) -> Any:
    """Return a member of a `Literal`; raise TypeError for any other value."""
    for member in get_args(target_type):
        if value == member and isinstance(value, bool) is isinstance(member, bool):
            return member
    raise TypeError(f"expected one of {get_args(target_type)}, got {value!r:.100}")


def as_scalar(value: Any, target_type: Any) -> Any:
    """Return a value of a union of scalars, such as `int | str`; raise TypeError for another type."""
    kinds = get_args(target_type)
    if type(value) in kinds or (type(value) is int and float in kinds):
        return value
    if type(value) is float and int in kinds:
        return as_int(value, None)
    raise type_mismatch(str(target_type), value)


def require_sequence(structure_sequence: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    """Wrap a hook for sequences so that it rejects strings and objects, which can be iterated too."""

    def hook(value: Any, target_type: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise type_mismatch("an array", value)
        return structure_sequence(value, target_type)

    return hook


def can_generate_constructor(model_class: type[Model]) -> bool:
    """Return whether creating an object only fills its slots; a subclass outside this package may do more."""
    init: Any = model_class.__init__
    if hasattr(model_class, "__attrs_post_init__") or not init.__code__.co_filename.startswith("<attrs generated"):
        return False
    return all(
        _is_plain_field(field) and hasattr(getattr(model_class, field.name, None), "__set__")
        for field in attrs.fields(model_class)
    )


def _is_plain_field(field: attrs.Attribute[Any]) -> bool:
    hooks: Any = (field.validator, field.converter, getattr(field.default, "takes_self", None))  # pyright: ignore[reportUnknownMemberType]  # only whether there is one
    return field.init and not any(hooks)


def generate_constructor(
    converter: Converter, model_class: type[Model], wire_names: Mapping[str, str]
) -> ModelConstructor:
    """Generate the constructor of `model_class`; `wire_names` has the API's name of each field.

    `null` counts as absent. Unknown fields and unreadable dates go into `extra`; they are looked for only if the
    object has a `surplus` of keys over the fields that were read.
    """
    fields = [field for field in attrs.fields(attrs.resolve_types(model_class)) if field.name in wire_names]
    source = _SourceBuilder(converter)
    _IN_PROGRESS.add(model_class)
    lines = [
        "def construct(data, _):",
        " if not isinstance(data, dict): raise type_mismatch(expected, data)",
        " get = data.get",
        f" surplus = len(data) - {len(fields)}",
        " new = create(model_class)",
    ]
    for field in fields:
        lines += source.field_lines(model_class, field, wire_names[field.name])
    _IN_PROGRESS.discard(model_class)
    lines += [" set_extra(new, collect_extra(data, new) if surplus else {})", " return new"]
    names: dict[str, Any] = {
        **source.namespace,
        "expected": f"an object ({model_class.__name__})",
        "type_mismatch": type_mismatch,
        "create": object.__new__,
        "model_class": model_class,
        "collect_extra": make_extra_collector(model_class, wire_names),
        "set_extra": getattr(model_class, "extra").__set__,  # noqa: B009  # the slot descriptor of the class
    }
    exec(compile("\n".join(lines), f"<constructor of {model_class.__qualname__}>", "exec"), names)  # noqa: S102  # as attrs does
    return cast("ModelConstructor", names["construct"])


class _SourceBuilder:
    """Builds the source lines of fields, and the namespace they run in."""

    def __init__(self, converter: Converter) -> None:
        self._converter = converter
        self.namespace: dict[str, Any] = {}

    def field_lines(self, model_class: type[Model], field: attrs.Attribute[Any], wire_name: str) -> list[str]:
        """Return the lines that read a field, convert it, and store it in its slot."""
        inner = _unwrap_optional(field.type)
        lines = [f" value = get({wire_name!r})"]
        if wire_name == "_id":
            lines.append(" if value is None: value = get('id')")
        if field.default is attrs.NOTHING:
            lines.append(f" if value is None: raise KeyError({wire_name!r})")
        else:
            default = self._default_expression(field.default)
            lines.append(f" if value is None: value = {default}; surplus += {wire_name!r} not in data")
        lines += [" else:", *(f"  {line}" for line in self._conversion_lines(inner))]
        if inner is datetime:
            lines.append("  if value is None: surplus += 1")
        return [*lines, f" {self._bind(getattr(model_class, field.name).__set__)}(new, value)"]

    def _conversion_lines(self, annotation: Any) -> list[str]:
        """Return the lines that convert `value` from JSON to `annotation`."""
        if annotation is datetime:
            return self._datetime_lines()
        call = self._hook_call(annotation, "value")
        if (scalar := _scalar_class_name(annotation)) is not None:
            if scalar == "float":  # JSON has whole numbers for many floats
                call = f"float(value) if value.__class__ is int else {call}"
            return [f"if value.__class__ is not {scalar}: value = {call}"] if scalar else ["pass"]
        if get_origin(annotation) is not tuple or get_args(annotation)[1:] != (Ellipsis,):
            return [f"value = {call}"]
        inner = get_args(annotation)[0]
        if scalar := _scalar_class_name(inner):
            return [
                f"if value.__class__ is not list: value = {call}",
                "else:",
                " for item in value:",
                f"  if item.__class__ is not {scalar}: value = {call}; break",
                " else: value = tuple(value)",
            ]
        return [
            f"if value.__class__ is list: value = tuple([{self._hook_call(inner, 'item')} for item in value])",
            f"else: value = {call}",
        ]

    def _datetime_lines(self) -> list[str]:
        """Return `as_datetime` inlined: a page of results has a hundred dates."""
        self.namespace.update(parse_datetime=datetime.fromisoformat, UTC=UTC)
        return [
            "try: value = parse_datetime(value)",
            "except (TypeError, ValueError): value = None",
            "else:",
            " if value.tzinfo is None: value = value.replace(tzinfo=UTC)",
        ]

    def _hook_call(self, annotation: Any, expression: str) -> str:
        return f"{self._bind(self._structure_hook(annotation))}({expression}, {self._bind(annotation)})"

    def _structure_hook(self, annotation: Any) -> Any:
        if annotation in _IN_PROGRESS:
            return self._converter.structure
        try:
            return self._converter.get_structure_hook(annotation)
        except StructureHandlerNotFoundError:  # a type of requests only: an error if a response has one
            return self._converter.structure

    def _default_expression(self, default: Any) -> str:
        if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class, though typed as a function
            return f"{self._bind(default.factory)}()"
        return self._bind(default)

    def _bind(self, value: Any) -> str:
        name = f"_{len(self.namespace)}"
        self.namespace[name] = value
        return name


def _scalar_class_name(annotation: Any) -> str | None:
    """Return the name of the class whose values need no conversion to `annotation`, if there is one."""
    return "str" if is_literal(annotation) else SCALAR_CLASS_NAMES.get(annotation)


def _unwrap_optional(annotation: Any) -> Any:
    """Return `X` for `X | None`, and any other type unchanged."""
    members = [member for member in get_args(annotation) if member is not NoneType]
    return members[0] if NoneType in get_args(annotation) and len(members) == 1 else annotation


def make_extra_collector(
    model_class: type[Model], wire_names: Mapping[str, str]
) -> Callable[[dict[str, Any], Model], dict[str, Any]]:
    """Return the function that collects the values which are in no slot of the model."""
    known, fields = frozenset(wire_names.values()), attrs.fields_dict(model_class)
    dates = {wire: name for name, wire in wire_names.items() if fields[name].type == datetime | None}

    def collect_extra(data: dict[str, Any], model: Model) -> dict[str, Any]:
        stored = known | {"id"} if "_id" in known and data.get("_id") is None else known
        unread = {wire for wire, name in dates.items() if getattr(model, name) is None}
        return {name: value for name, value in data.items() if value is not None and name not in stored - unread}

    return collect_extra
