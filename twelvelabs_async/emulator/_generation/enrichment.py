"""JSON schemas of the metadata that a knowledge store extracts: they allow fewer keywords than those of analyses."""

from __future__ import annotations

from typing import Any, Final, cast

from twelvelabs_async.emulator._errors import ApiError

Schema = dict[str, Any]

KEYWORDS: Final = frozenset(
    {
        "type",
        "title",
        "description",
        "enum",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "prefixItems",
        "minItems",
        "maxItems",
        "minimum",
        "maximum",
        "format",
    }
)
TYPES: Final = ("array", "boolean", "integer", "null", "number", "object", "string")


def validate_enrichment_schema(schema: Schema) -> None:
    """Check the schema of the metadata of a knowledge store, and all schemas in it.

    Raises:
        ApiError: It has an unsupported keyword, or a property without a description.
    """
    pending: list[tuple[str, Schema]] = [("json_schema", schema)]
    while pending:
        path, current = pending.pop()
        if unknown := sorted(current.keys() - KEYWORDS):
            raise _unsupported(path, f"the keyword {unknown[0]} is not supported")
        if "type" in current and current["type"] not in TYPES:
            raise _unsupported(path, f"type must be one of {', '.join(TYPES)}")
        if not isinstance(current.get("additionalProperties", True), bool):
            raise _unsupported(path, "additionalProperties must be a boolean")
        for name, entry in _object(current.get("properties", {}), f"{path}.properties").items():
            inner_path = f"{path}.properties.{name}"
            inner = _object(entry, inner_path)
            if not isinstance(inner.get("description"), str):
                raise _unsupported(inner_path, "it has no description")
            pending.append((inner_path, inner))
        if "items" in current and not isinstance(current["items"], bool):
            pending.append((f"{path}.items", _object(current["items"], f"{path}.items")))
        prefix: Any = current.get("prefixItems", [])
        if not isinstance(prefix, list):
            raise _unsupported(f"{path}.prefixItems", "it must be a list of schemas")
        for position, entry in enumerate(cast("list[object]", prefix)):
            pending.append((f"{path}.prefixItems.{position}", _object(entry, f"{path}.prefixItems.{position}")))


def _object(value: object, path: str) -> Schema:
    if not isinstance(value, dict):
        raise _unsupported(path, "it must be an object")
    return cast("Schema", value)


def _unsupported(path: str, reason: str) -> ApiError:
    return ApiError(422, "parameter_invalid", f"The {path} parameter is invalid: {reason}.")
