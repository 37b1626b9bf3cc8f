"""Validates responses against the platform's OpenAPI description, if a copy of it is present."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

SPEC_PATH: Final = Path(__file__).parents[1] / "../shared/api/openapi-1.3.json"
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
# POST /tasks is described with 200, but the platform responds with 201.
DESCRIBED_STATUSES = {("POST /tasks", 201): 200}
# Fields that are nullable according to the prose but not to the schema.
NULLABLE = {"incomplete_details", "hls_url", "expires_at", "uploaded_at"}

# A field that is not described but was returned to live accounts, with its location.
SEEN_ON_LIVE_ACCOUNTS = ("GET /indexes/{index-id}/videos 200: .data[]", "hls")


def is_instance(value: Any, types: tuple[type, ...]) -> bool:
    """Return whether a value is of a type; a boolean is not a number."""
    return isinstance(value, types) and (bool in types or not isinstance(value, bool))


class ApiSpec:
    """Validates responses by the subset of JSON Schema in use; in addition, fields must be described."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def resolve(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            node: Any = self.document
            for step in schema["$ref"].removeprefix("#/").split("/"):
                node = node[step]
            schema = node
        return schema

    def response_schema(self, operation: str, status: int) -> dict[str, Any] | None:
        method, path = operation.split()
        responses = self.document["paths"][path][method.lower()]["responses"]
        content = responses[str(DESCRIBED_STATUSES.get((operation, status), status))].get("content")
        return next(iter(content.values()))["schema"] if content else None

    def violations(self, value: Any, schema: dict[str, Any], location: str) -> Iterator[str]:
        schema = self.resolve(schema)
        for part in schema.get("allOf", []):
            yield from self.violations(value, part, location)
        choices = schema.get("oneOf", schema.get("anyOf"))
        if choices and all(list(self.violations(value, choice, location)) for choice in choices):
            yield f"{location}: {value!r} fits no choice"
        if "enum" in schema and value not in schema["enum"]:
            yield f"{location}: {value!r} is not in {schema['enum']}"
        kind: str | list[str] = schema.get("type", "object" if "properties" in schema else "")
        if isinstance(kind, list):
            if "null" in kind and is_instance(value, TYPES["null"]):
                return
            kind = kind[0]
        if kind and not is_instance(value, TYPES[kind]):
            yield f"{location}: {value!r} is no {kind}"
        elif kind == "array":
            yield from self.list_violations(value, schema, location)
        elif kind == "object":
            yield from self.object_violations(value, schema, location)

    def list_violations(self, value: list[Any], schema: dict[str, Any], location: str) -> Iterator[str]:
        for item in value:
            yield from self.violations(item, schema.get("items", {}), location + "[]")

    def object_violations(self, value: dict[str, Any], schema: dict[str, Any], location: str) -> Iterator[str]:
        fields = schema.get("properties")
        yield from (f"{location}.{name} is missing" for name in schema.get("required", []) if name not in value)
        for name, entry in value.items():
            if entry is None and name in NULLABLE:
                continue
            if fields and name in fields:
                yield from self.violations(entry, fields[name], f"{location}.{name}")
            elif "additionalProperties" in schema:
                yield from self.violations(entry, schema["additionalProperties"], f"{location}.{name}")
            elif fields and (location, name) != SEEN_ON_LIVE_ACCOUNTS:
                yield f"{location}.{name} is unheard of"
