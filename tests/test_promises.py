"""The page of promises and the tests that hold them name the same."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "reliability.md"
ROWS = dict(re.findall(r"^\| (P\d+) \|(.*)$", PAGE.read_text("utf-8"), flags=re.MULTILINE))
WRITTEN = {
    node.name
    for file in TESTS.rglob("test_*.py")
    for node in ast.walk(ast.parse(file.read_text("utf-8")))
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
}


def test_the_promises_are_numbered_without_gap() -> None:
    assert list(ROWS) == [f"P{number}" for number in range(1, len(ROWS) + 1)]
    assert len(ROWS) >= 26


@pytest.mark.parametrize("promise", ROWS)
def test_each_promise_names_tests_of_its_own_that_exist(promise: str) -> None:
    named = re.findall(r"`(test_\w+)`", ROWS[promise])
    assert named
    for name in named:
        assert name.startswith(f"test_{promise.lower()}_")
        assert name in WRITTEN


def test_no_test_holds_a_promise_that_was_not_made() -> None:
    numbers = {match[1] for name in WRITTEN if (match := re.match(r"test_(p\d+)_", name))}
    assert {number.upper() for number in numbers} <= set(ROWS)
