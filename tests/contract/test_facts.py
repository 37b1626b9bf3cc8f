"""`operations.toml` agrees with the published description of the API; skipped without a copy of the description."""

from __future__ import annotations

import csv
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

ROOT = Path(__file__).parents[2]
DESCRIPTION = ROOT.parent / "shared" / "api" / "openapi-1.3.json"
TABLE = ROOT.parent / "shared" / "api" / "operations.tsv"

pytestmark = pytest.mark.skipif(
    not (DESCRIPTION.exists() and TABLE.exists()), reason="no copy of the OpenAPI description"
)

Json = dict[str, Any]

RETRY_CLASSES = {
    "compute": "billable",
    "repeatable": "leaves_orphan",
    "reconcile": "verify_first",
    "unsafe": "non_idempotent",
}
"""Retry classes that the table calls differently."""

FACTS: dict[str, Json] = tomllib.loads((ROOT / "tests" / "data" / "operations.toml").read_text("utf-8"))
GROUPS = {name.rpartition(".")[0] for name in FACTS} | {"analyze"}  # a group with methods of this client only


@pytest.fixture(scope="module")
def description() -> Json:
    return cast("Json", json.loads(DESCRIPTION.read_text("utf-8")))


@pytest.fixture(scope="module")
def table() -> dict[str, dict[str, str]]:
    """Rows of the groups of this client, by the name of the method."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return {row["python_name"].split(" ")[0].removeprefix("client."): row for row in rows if row["group"] in GROUPS}


def resolve(description: Json, schema: Json) -> Json:
    while "$ref" in schema:
        schema = description["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def values(description: Json, schema: Json) -> list[str]:
    resolved_schema = resolve(description, schema)
    schemas = [
        resolved_schema,
        resolve(description, resolved_schema.get("items", {})),
        *resolved_schema.get("oneOf", ()),
    ]
    return [value for enum_schema in schemas for value in enum_schema.get("enum", ())]


def operation_of(description: Json, facts: Json) -> Json:
    http_method, _, path = facts["call"].partition(" ")
    return cast("Json", description["paths"][path][http_method.lower()])


def body_of(description: Json, operation: Json) -> tuple[str | None, Json]:
    """Return the media type and the schema of a request body."""
    content: Json = operation.get("requestBody", {}).get("content", {})
    for media_type, kind in content.items():
        return media_type, resolve(description, kind["schema"])
    return None, {}


@pytest.mark.parametrize("name", FACTS)
def test_parameters_match_the_api_description(name: str, description: Json) -> None:
    facts = FACTS[name]
    operation = operation_of(description, facts)
    in_query = {p["name"]: p for p in operation.get("parameters", ()) if p["in"] == "query"}
    in_header = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "header"}
    _, body = body_of(description, operation)
    assert in_header == set(facts.get("header", ()))
    assert in_query.keys() == set(facts.get("query", ()))
    assert body.get("properties", {}).keys() == set(facts.get("body", ()))
    required = {*body.get("required", ()), *(n for n, p in in_query.items() if p.get("required"))}
    assert required == set(facts.get("required", ()))


@pytest.mark.parametrize("name", FACTS)
def test_values_match_the_api_description(name: str, description: Json) -> None:
    facts = FACTS[name]
    operation = operation_of(description, facts)
    known = {p["name"]: values(description, p["schema"]) for p in operation.get("parameters", ())}
    _, body = body_of(description, operation)
    known |= {field: values(description, schema) for field, schema in body.get("properties", {}).items()}
    assert {n: set(v) for n, v in known.items() if v} == {n: set(v) for n, v in facts.get("values", {}).items()}


@pytest.mark.parametrize("name", FACTS)
def test_body_and_success_status_match_the_api_description(name: str, description: Json) -> None:
    facts = FACTS[name]
    operation = operation_of(description, facts)
    media_type, _ = body_of(description, operation)
    assert (media_type == "multipart/form-data") is facts.get("form", False)
    assert (media_type is not None) is ("body" in facts)
    assert [status for status in operation["responses"] if status[0] == "2"] == [str(facts["status"])]


@pytest.mark.parametrize("name", FACTS)
def test_facts_match_the_table_of_operations(name: str, table: dict[str, dict[str, str]]) -> None:
    facts, row = FACTS[name], table[name]
    assert facts["call"] == f"{row['method']} {row['path']}"
    retry_class = row["retry_class"].rstrip("?")
    assert facts["retry"] == RETRY_CLASSES.get(retry_class, retry_class)
    assert facts.get("deprecated", False) is bool(row["deprecated"])
    assert facts["status"] == int(row["success_status"])
    assert set(facts.get("query", ())) == set(names(row["query_params"]))
    assert set(facts.get("body", ())) == set(names(row["body_fields"]))


def test_the_facts_and_the_table_have_the_same_operations(table: dict[str, dict[str, str]]) -> None:
    assert table.keys() == FACTS.keys()


def names(cell: str) -> Iterator[str]:
    return (entry.partition(":")[0] for entry in re.split(r";\s*", cell.strip()) if entry)
