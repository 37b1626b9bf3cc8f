"""Writes `docs/operations.md`: every operation of the API, the method for it, and what that costs in lines.

Run it from the top of the repository: `python docs/make_operations.py`. A test fails while the page is out of date.
"""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from statistics import mean, median
from typing import Any, Final

from twelvelabs_async import AsyncTwelveLabs

TOP: Final = Path(__file__).parents[1]
PAGE: Final = TOP / "docs" / "operations.md"
FACTS: Final = TOP / "tests" / "data" / "operations.toml"

TWINS: Final = {"analyze_stream": "analyze", "responses.create_stream": "responses.create"}
"""Operations with a second method: the answer in one piece."""


TEMPLATE: Final = """\
# Operations

Written by `python docs/make_operations.py` from the code and the table of facts; do not edit.

{operations}/99 operations, {methods}/101 methods. A method has {mean:.1f} lines on average and {median:.0f} at the
median, its docstring included.

The class says what a repetition would do: `safe` reads, `idempotent` reaches the same state again, `compute` is billed
again, `repeatable` leaves an orphan that expires. `reconcile` and `unsafe` would write twice, and are repeated only
when the first one surely was not carried out.

| operation | method | class | lines |
|---|---|---|---|
{rows}
"""


def method_of(client: AsyncTwelveLabs, name: str) -> Callable[..., Any]:
    """The method that `client.NAME` calls."""
    found: Any = reduce(getattr, name.split("."), client)
    return found if inspect.ismethod(found) else found.create


def lines_of(method: Callable[..., Any]) -> int:
    """Lines of a method with its docstring."""
    return len(inspect.getsource(method).splitlines())


def page() -> str:
    """The whole page."""
    facts = tomllib.loads(FACTS.read_text("utf-8"))
    client = AsyncTwelveLabs("nobody")
    rows: list[str] = []
    counts: list[int] = []
    for name, fact in facts.items():
        methods = [name, *([TWINS[name]] if name in TWINS else [])]
        lengths = [lines_of(method_of(client, method)) for method in methods]
        counts += lengths
        called = ", ".join(f"`client.{method}`" for method in methods)
        note = " (deprecated)" if fact.get("deprecated") else ""
        rows.append(f"| `{fact['call']}` | {called}{note} | {fact['retry']} | {', '.join(map(str, lengths))} |")
    return TEMPLATE.format(
        operations=len(facts), methods=len(counts), mean=mean(counts), median=median(counts), rows="\n".join(rows)
    )


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
