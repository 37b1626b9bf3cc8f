"""The promises in docs/reliability.md match the names of the tests."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "reliability.md"
ROWS = dict(re.findall(r"^\| (P\d+) \|(.*)$", PAGE.read_text("utf-8"), flags=re.MULTILINE))
TEST_NAMES = {
    node.name
    for file in TESTS.rglob("test_*.py")
    for node in ast.walk(ast.parse(file.read_text("utf-8")))
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
}


def test_promises_are_in_the_order_of_their_numbers() -> None:
    assert list(ROWS) == sorted(ROWS, key=lambda promise: int(promise[1:]))
    assert len(ROWS) >= 26


@pytest.mark.parametrize("promise", ROWS)
def test_each_promise_names_existing_tests_with_its_number(promise: str) -> None:
    named = re.findall(r"`(test_\w+)`", ROWS[promise])
    assert named
    for name in named:
        assert name.startswith(f"test_{promise.lower()}_")
        assert name in TEST_NAMES


def test_each_numbered_test_belongs_to_a_promise() -> None:
    numbers = {match[1] for name in TEST_NAMES if (match := re.match(r"test_(p\d+)_", name))}
    assert {number.upper() for number in numbers} <= set(ROWS)
