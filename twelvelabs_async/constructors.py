"""Writes, for each model, the function that makes one out of a JSON object: one straight line for each field.

What JSON holds is looked up once and goes right into the slots of the new object; only a leaf of another type than
expected is handed to its hook, which knows what else may pass. To call a hook for each value would cost more than to
parse the JSON. The function is for the good case: it raises whatever goes wrong, wherever, and leaves it to the exact
converter to say what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import NoneType
from typing import Any, Final, cast, get_args, get_origin

import attrs
from cattrs import Converter, StructureHandlerNotFoundError

from twelvelabs_async.leaves import wrong
from twelvelabs_async.models.common import Model

LEAVES: Final[dict[Any, str]] = {
    str: "str",
    bool: "bool",
    int: "int",
    float: "float",
    dict: "dict",
    dict[str, Any]: "dict",
    Any: "",
}
"""Types whose values pass as they are if they are of just this class; whatever they are for `Any`."""

Constructor = Callable[[Any, Any], Model]

_UNDER_WAY: Final[set[Any]] = set()
"""Models whose functions are being written: one that holds itself is found by then, not written again."""


def has_constructor(kind: type[Model]) -> bool:
    """Whether an object is nothing but its slots: a class of the caller's own may do more when it is made."""
    init: Any = kind.__init__
    if hasattr(kind, "__attrs_post_init__") or not init.__code__.co_filename.startswith("<attrs generated"):
        return False
    return all(_is_plain(field) and hasattr(getattr(kind, field.name, None), "__set__") for field in attrs.fields(kind))


def _is_plain(field: attrs.Attribute[Any]) -> bool:
    does_more: Any = (field.validator, field.converter, getattr(field.default, "takes_self", None))  # pyright: ignore[reportUnknownMemberType]  # only whether there is one
    return field.init and not any(does_more)


def constructor(converter: Converter, kind: type[Model], wires: Mapping[str, str]) -> Constructor:
    """The function that makes a `kind`; `wires` has the API's name of each field.

    `null` is absence. Fields nobody described and dates nobody can read go into `extra`; they are looked for only if
    the object holds more than the fields that were read.
    """
    fields = [field for field in attrs.fields(attrs.resolve_types(kind)) if field.name in wires]
    source = _Source(converter)
    _UNDER_WAY.add(kind)
    lines = [
        "def construct(data, _):",
        " if not isinstance(data, dict): raise wrong(what, data)",
        " get = data.get",
        f" more = len(data) - {len(fields)}",
        " new = make(kind)",
    ]
    for field in fields:
        lines += source.field(kind, field, wires[field.name])
    _UNDER_WAY.discard(kind)
    lines += [" set_extra(new, rest(data, new) if more else {})", " return new"]
    names: dict[str, Any] = {
        **source.names,
        "what": f"an object ({kind.__name__})",
        "wrong": wrong,
        "make": object.__new__,
        "kind": kind,
        "rest": _rest(fields, wires),
        "set_extra": getattr(kind, "extra").__set__,  # noqa: B009  # of the class, where it is a slot
    }
    exec(compile("\n".join(lines), f"<constructor of {kind.__qualname__}>", "exec"), names)  # noqa: S102  # as attrs does
    return cast("Constructor", names["construct"])


class _Source:
    """Source code of the fields, and what the names in it stand for."""

    def __init__(self, converter: Converter) -> None:
        self._converter = converter
        self.names: dict[str, Any] = {}

    def field(self, kind: type[Model], field: attrs.Attribute[Any], wire: str) -> list[str]:
        """Lines that look a field up, tell what it is, and put it into its slot."""
        inner = _without_none(field.type)
        lines = [f" value = get({wire!r})"]
        if wire == "_id":
            lines.append(" if value is None: value = get('id')")
        if field.default is attrs.NOTHING:
            lines.append(f" if value is None: raise KeyError({wire!r})")
        else:
            lines.append(f" if value is None: value = {self._default(field.default)}; more += 1")
        lines += [" else:", *(f"  {line}" for line in self._read(inner))]
        if inner is datetime:
            lines.append(" if value is None: more += 1")
        return [*lines, f" {self._name(getattr(kind, field.name).__set__)}(new, value)"]

    def _read(self, kind: Any) -> list[str]:
        """Lines that turn the JSON called `value` into a `kind`."""
        if kind is datetime:
            return self._read_moment()
        call = self._call(kind, "value")
        if (leaf := _leaf(kind)) is not None:
            return [f"if value.__class__ is not {leaf}: value = {call}"] if leaf else ["pass"]
        if get_origin(kind) is not tuple or get_args(kind)[1:] != (Ellipsis,):
            return [f"value = {call}"]
        inner = get_args(kind)[0]
        if leaf := _leaf(inner):
            return [
                f"if value.__class__ is not list: value = {call}",
                "else:",
                " for item in value:",
                f"  if item.__class__ is not {leaf}: value = {call}; break",
                " else: value = tuple(value)",
            ]
        return [
            f"value = tuple([{self._call(inner, 'item')} for item in value]) if value.__class__ is list else {call}"
        ]

    def _read_moment(self) -> list[str]:
        """What `as_datetime` does, without a call of its own: a page has a hundred of them."""
        self.names.update(moment=datetime.fromisoformat, UTC=UTC)
        return [
            "try: value = moment(value)",
            "except (TypeError, ValueError): value = None",
            "else:",
            " if value.tzinfo is None: value = value.replace(tzinfo=UTC)",
        ]

    def _call(self, kind: Any, value: str) -> str:
        return f"{self._name(self._hook(kind))}({value}, {self._name(kind)})"

    def _hook(self, kind: Any) -> Any:
        if kind in _UNDER_WAY:
            return self._converter.structure
        try:
            return self._converter.get_structure_hook(kind)
        except StructureHandlerNotFoundError:  # a type that only goes out; told when one comes in
            return self._converter.structure

    def _default(self, default: Any) -> str:
        if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class, though typed as a function
            return f"{self._name(default.factory)}()"
        return self._name(default)

    def _name(self, value: Any) -> str:
        name = f"_{len(self.names)}"
        self.names[name] = value
        return name


def _leaf(kind: Any) -> str | None:
    """Name of the class whose values are a `kind` as they are, if there is one."""
    return "str" if str(get_origin(kind)) == "typing.Literal" else LEAVES.get(kind)


def _without_none(kind: Any) -> Any:
    """`X` of `X | None`; a union of more is left as it is."""
    members = [member for member in get_args(kind) if member is not NoneType]
    return members[0] if NoneType in get_args(kind) and len(members) == 1 else kind


def _rest(fields: list[attrs.Attribute[Any]], wires: Mapping[str, str]) -> Callable[[dict[str, Any], Model], Any]:
    """What finds the fields of an object that are in no slot of the model."""
    known = frozenset(wires.values())
    dates = {wires[field.name]: field.name for field in fields if field.type == datetime | None}

    def rest(data: dict[str, Any], model: Model) -> dict[str, Any]:
        taken = known | {"id"} if "_id" in known and data.get("_id") is None else known
        unread = {wire for wire, name in dates.items() if getattr(model, name) is None}
        return {name: value for name, value in data.items() if value is not None and name not in taken - unread}

    return rest
