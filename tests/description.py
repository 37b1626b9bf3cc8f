"""The platform's own description of its API, where a copy lies beside the project, and answers compared with it."""

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
# POST /tasks is described with 200, and real answers were seen with 201.
DESCRIBED_STATUSES = {("POST /tasks", 201): 200}
# Fields that may be null although they are not described so, because prose says it.
NULLABLE = {"incomplete_details", "hls_url", "expires_at", "uploaded_at"}

# A field that is not described, but was seen on live accounts, and where.
SEEN_ON_LIVE_ACCOUNTS = ("GET /indexes/{index-id}/videos 200: .data[]", "hls")


def is_instance(value: Any, types: tuple[type, ...]) -> bool:
    """Say whether a value is of a type, with booleans apart from numbers."""
    return isinstance(value, types) and (bool in types or not isinstance(value, bool))


class ApiSpec:
    """Just enough of JSON Schema to compare answers with, and stricter in one way: no field may be unheard of."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def resolve(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            found: Any = self.document
            for step in schema["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            schema = found
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
