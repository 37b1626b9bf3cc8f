"""Generated pages of the documentation agree with the code."""

from __future__ import annotations

import runpy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Literal

import pytest
from twelvelabs.indexes.types.indexes_create_request_models_item import IndexesCreateRequestModelsItem

from twelvelabs_async.models.common import ObjectLike
from twelvelabs_async.uploads._files import FileLike

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_operations_is_up_to_date() -> None:
    """Run `python docs/make_operations.py` after adding or changing an operation."""
    created = runpy.run_path(str(DOCS / "make_operations.py"))["page"]()
    assert (DOCS / "operations.md").read_text("utf-8") == created


def test_all_operations_and_methods_are_counted_on_the_page() -> None:
    assert "99/99 operations, 101/101 methods" in (DOCS / "operations.md").read_text("utf-8")


def test_the_table_of_errors_is_up_to_date() -> None:
    """Run `python docs/make_errors.py` after changing an exception or the retry policy."""
    created = runpy.run_path(str(DOCS / "make_errors.py"))["page"]()
    assert (DOCS / "error-table.md").read_text("utf-8") == created


def test_the_migration_page_is_up_to_date() -> None:
    """Run `python docs/make_migration.py` after adding a parameter, or for another version of the official client."""
    created = runpy.run_path(str(DOCS / "make_migration.py"))["page"]()
    assert (DOCS / "migration-methods.md").read_text("utf-8") == created


@pytest.mark.parametrize(
    ("official_type", "accepted_type", "rejected"),
    [
        (str, str | None, set[str]()),
        (Literal["a", "b"] | Any, Literal["a"], {"'b'"}),
        (int, float, set[str]()),
        (float, int, {"float"}),
        (str | Sequence[str], Sequence[str], {"str"}),
        (list[str], Sequence[int], {"list of str"}),
        (dict[str, str | None], Mapping[str, str], {"dict of NoneType"}),
        (IndexesCreateRequestModelsItem, Mapping[str, Any], {"object"}),
        (list[IndexesCreateRequestModelsItem], Sequence[ObjectLike], set[str]()),
        (IO[bytes], FileLike, set[str]()),
    ],
)
def test_the_types_of_both_clients_are_compared(official_type: Any, accepted_type: Any, rejected: set[str]) -> None:
    compare = runpy.run_path(str(DOCS / "make_migration.py"))["rejected_types"]
    assert compare(official_type, accepted_type) == rejected


def test_the_fields_of_results_are_compared_by_types() -> None:
    compare = runpy.run_path(str(DOCS / "make_migration.py"))["field_differences"]
    official = {
        ".data[]": ["object"],
        ".data[].id": ["str"],
        ".data[].created_at": ["str"],
        ".data[].frames[]": ["object"],
        ".data[].frames[].start": ["float"],
        ".data[].info": ["object"],
        ".data[].info.size": ["int"],
        ".page_info": ["object"],
    }
    result_type = {"[]": ["object"], "[].id": ["str"], "[].created_at": ["datetime"], "[].info{}": ["Any"]}
    assert list(compare(official, result_type)) == [
        ("created_at", "`str`", "`datetime`"),
        ("frames[]", "list of `object`", "none"),
        ("info", "`object`", "`dict`"),
    ]


def test_methods_of_older_versions_are_in_the_tables() -> None:
    page = (DOCS / "migration-methods.md").read_text("utf-8")
    for row in (
        "| `index.video.delete` | `indexes.videos.delete`; `id=` becomes `video_id=` |",
        "| `gist` | removed by the platform; use `analyze` with a prompt or a schema |",
        "| `search.by_page_token` | `search.retrieve`; ",
    ):
        assert row in page


def test_a_method_or_parameter_without_a_counterpart_needs_a_reason() -> None:
    difference = runpy.run_path(str(DOCS / "make_migration.py"))["_difference"]

    class Indexes:
        def list(self, *, page: int, colour: str) -> None: ...

    class OurIndexes:
        def list(self, *, page: str) -> None: ...

    with pytest.raises(KeyError, match="colour"):
        difference("list", Indexes(), OurIndexes())
    with pytest.raises(AttributeError, match="list"):
        difference("list", Indexes(), object())
    with pytest.raises(KeyError, match="page"):
        difference("list", OurIndexes(), Indexes())
