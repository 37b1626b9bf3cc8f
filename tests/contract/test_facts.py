"""Our facts, held to the published description of the API; skipped where that is not at hand."""

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
    not (DESCRIPTION.exists() and TABLE.exists()), reason="the description of the API is not beside the repository"
)

Json = dict[str, Any]

RETRY_CLASSES = {
    "compute": "billable",
    "repeatable": "leaves_orphan",
    "reconcile": "verify_first",
    "unsafe": "non_idempotent",
}
"""The table's names of retry classes that this package calls otherwise."""

FACTS: dict[str, Json] = tomllib.loads((ROOT / "tests" / "data" / "operations.toml").read_text("utf-8"))
GROUPS = {name.rpartition(".")[0] for name in FACTS} | {"analyze"}  # whose methods are the client's own


@pytest.fixture(scope="module")
def described() -> Json:
    return cast("Json", json.loads(DESCRIPTION.read_text("utf-8")))


@pytest.fixture(scope="module")
def table() -> dict[str, dict[str, str]]:
    """Rows of our groups, by the name of the method."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return {row["python_name"].split(" ")[0].removeprefix("client."): row for row in rows if row["group"] in GROUPS}


def resolved(described: Json, schema: Json) -> Json:
    while "$ref" in schema:
        schema = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def values(described: Json, schema: Json) -> list[str]:
    found = resolved(described, schema)
    kinds = [found, resolved(described, found.get("items", {})), *found.get("oneOf", ())]
    return [value for kind in kinds for value in kind.get("enum", ())]


def operation_of(described: Json, facts: Json) -> Json:
    verb, _, path = facts["call"].partition(" ")
    return cast("Json", described["paths"][path][verb.lower()])


def body_of(described: Json, operation: Json) -> tuple[str | None, Json]:
    """Media type and schema of a body."""
    content: Json = operation.get("requestBody", {}).get("content", {})
    for media_type, kind in content.items():
        return media_type, resolved(described, kind["schema"])
    return None, {}


@pytest.mark.parametrize("name", FACTS)
def test_parameters_match_the_api_description(name: str, described: Json) -> None:
    facts = FACTS[name]
    operation = operation_of(described, facts)
    in_query = {p["name"]: p for p in operation.get("parameters", ()) if p["in"] == "query"}
    in_header = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "header"}
    _, body = body_of(described, operation)
    assert in_header == set(facts.get("header", ()))
    assert in_query.keys() == set(facts.get("query", ()))
    assert body.get("properties", {}).keys() == set(facts.get("body", ()))
    required = {*body.get("required", ()), *(n for n, p in in_query.items() if p.get("required"))}
    assert required == set(facts.get("required", ()))


@pytest.mark.parametrize("name", FACTS)
def test_values_match_the_api_description(name: str, described: Json) -> None:
    facts = FACTS[name]
    operation = operation_of(described, facts)
    known = {p["name"]: values(described, p["schema"]) for p in operation.get("parameters", ())}
    _, body = body_of(described, operation)
    known |= {field: values(described, schema) for field, schema in body.get("properties", {}).items()}
    assert {n: set(v) for n, v in known.items() if v} == {n: set(v) for n, v in facts.get("values", {}).items()}


@pytest.mark.parametrize("name", FACTS)
def test_body_and_success_status_match_the_api_description(name: str, described: Json) -> None:
    facts = FACTS[name]
    operation = operation_of(described, facts)
    media_type, _ = body_of(described, operation)
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
