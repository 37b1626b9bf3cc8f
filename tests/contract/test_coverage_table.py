"""The page that says what is covered, held to the code."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_operations_is_up_to_date() -> None:
    """Run `python docs/make_operations.py` after adding or changing an operation."""
    made = runpy.run_path(str(DOCS / "make_operations.py"))["page"]()
    assert (DOCS / "operations.md").read_text("utf-8") == made


def test_all_operations_and_methods_are_there() -> None:
    assert "99/99 operations, 101/101 methods" in (DOCS / "operations.md").read_text("utf-8")


def test_the_page_for_those_who_move_is_up_to_date() -> None:
    """Run `python docs/make_migration.py` after adding a parameter, or for another version of the official client."""
    made = runpy.run_path(str(DOCS / "make_migration.py"))["page"]()
    assert (DOCS / "migration-methods.md").read_text("utf-8") == made
