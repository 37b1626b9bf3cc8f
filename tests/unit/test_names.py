"""Names and prose of the package: no private vocabulary, and one meaning for each top-level name."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import twelvelabs_async

PACKAGE = Path(twelvelabs_async.__file__).parent
REPOSITORY = Path(__file__).parents[2]
FILES = sorted(PACKAGE.rglob("*.py"))

UNGUESSABLE_WORDS = """
    bear blinkers carrier crowd desk flown herd kinship lookout outlook pace peek road roster stepper tally tell
    teller telling told twin twins visitor visitors weather witness
"""
"""Words that no identifier may contain, because a reader cannot know their meaning."""

UNGUESSABLE_NAMES = """
    AGAIN AT_ONCE Advice Ahead Ask BEAT Bar Book Caller Card CostBook Cut Due Flight Follows Front
    GONE_ALREADY Gates Grammar Groups Halt Intake LARGEST LAST_MOMENT Lane METER Meter NEWS ONE Outcome PLAIN Pace
    Patience Postman REFUSED Received Reply Road Run SHARERS SPENT SURE Seen Sender Splitter Spoiling Stretch
    Submitted TIMED Tally Teller Told Turn UNTOLD WRITES_ONCE WRITTEN Watch Way Weather Wish Wishes Words Work
    all_done answered as_known as_open at_most awkward_streams beyond blind borrowed calm chance clears
    crowded done_already doubt drip drop empty_inside enlist everybody failure_told finally_doing first_urls flat
    flying format_of gave_up goes_on hear in_blocks in_doubt into is_verdict journal_of known_as lacks land
    least_side lost made making may_pass moment most_stretched on_the_way only_lists ours overtaken passing
    patience patience_of perhaps picture pictures place_of proven refusal refusals refuse refused room sane served
    settle slim so_far spoil stirred stops strike take tightest too_late troubled untaken until_done unwatched wall
    way way_of went wires worth
"""
"""Identifiers that are not allowed because they do not describe what they name."""

WORDS, NAMES = frozenset(UNGUESSABLE_WORDS.split()), frozenset(UNGUESSABLE_NAMES.split())

FILE_METHODS = frozenset({"tell"})
"""Methods of Python's file protocol."""

COINAGES = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\bwhat\b[^.;:]*\bof it\b",
        r"\b(?:whoever|somebody|nobody|everybody)\b",
        r"\b(?:tell|tells|told|telling)\b",
        r"\b(?:anew|beside|beforehand)\b",
        r"\bat once\b",
        r"\bon (?:the|its|their) way\b",
        r"\bby (?:the|its|their) way\b",
        r"\bso many\b",
        r"\b(?:leave|leaves) (?:for|to)\b",
        r"\b(?:presigned|https?) address(?:es)?\b|\baddress(?:es)? of (?:the|a|an) (?:asset|file|image|video)\b",
        r"\bmoments?\b",
        r"\bpictures?\b",
        r"\bmade\b",
        r"\b(?:one|those|he|she|them) who\b",
        r"\b(?:is|are|was|were|be) asked\b",
        r"\broads?\b",
        r"\b(?:its|a|the|their) turn\b",
        r"\bways?\b",
        r"\b(?:twins?|herds?|crowds?|rooms?|bear|bears)\b",
        r"\bgoes on\b",
        r"\blearnt\b",
        r"\bstretch(?:es)?\b",
    )
]
"""Phrases that are not allowed in docstrings and comments."""

DEFINED_TWICE = {
    "E": "a type variable",
    "F": "a type variable",
    "M": "a type variable",
    "P": "a type variable",
    "T": "a type variable",
    "V": "a type variable",
    "logger": "each module logs under its own name",
    "main": "the entry points of the command line and of its programs",
    "to_dict": "the public function calls the internal one",
}
"""Names that several modules of the client may define, with the reasons."""


def module_id(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


GROUPS: dict[str, list[Path]] = {module_id(path): [path] for path in FILES} | {
    folder: sorted((REPOSITORY / folder).rglob("*.py")) for folder in ("tests", "benchmarks", "docs", "examples")
}
"""Files by the test that reads them: a test for each module of the package, and one for each other folder."""


def identifiers(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield each name that a module defines, with its line number."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node.lineno
            case ast.arg():
                yield node.arg, node.lineno
            case ast.Name(ctx=ast.Store()):
                yield node.id, node.lineno
            case ast.Attribute(ctx=ast.Store()):
                yield node.attr, node.lineno
            case _:
                pass


def words(name: str) -> list[str]:
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]


def prose(source: str) -> Iterator[tuple[str, int]]:
    """Yield each docstring and comment without code in backticks, with its line number."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield re.sub(r"`[^`]*`|https?://\S+", "", text.partition("Example:")[0]), node.lineno
            case _:
                pass
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield re.sub(r"`[^`]*`|noqa\S*|pyright: \S+|type: ignore\S*", "", token.string), token.start[0]


@pytest.mark.parametrize("group", GROUPS)
def test_identifiers_contain_no_banned_words(group: str) -> None:
    found = [
        f"{path.name}:{line} {name}"
        for path in GROUPS[group]
        for name, line in identifiers(ast.parse(path.read_text("utf-8")))
        if name.strip("_") in NAMES or (WORDS & set(words(name)) and name not in FILE_METHODS)
    ]
    assert not found


@pytest.mark.parametrize("group", GROUPS)
def test_prose_contains_no_banned_phrases(group: str) -> None:
    found = [
        f"{path.name}:{line} {match[0]!r}"
        for path in GROUPS[group]
        for text, line in prose(path.read_text("utf-8"))
        for pattern in COINAGES
        for match in pattern.finditer(text)
    ]
    assert not found


def test_a_top_level_name_is_defined_in_one_module_of_the_client() -> None:
    modules_by_name: dict[str, set[str]] = defaultdict(set)
    for path in FILES:
        if path.relative_to(PACKAGE).parts[0] == "emulator":
            continue
        for node in ast.parse(path.read_text("utf-8")).body:
            match node:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                    modules_by_name[name].add(module_id(path))
                case ast.AnnAssign(target=ast.Name(id=name)):
                    modules_by_name[name].add(module_id(path))
                case ast.Assign(targets=targets):
                    for target in targets:
                        if isinstance(target, ast.Name):
                            modules_by_name[target.id].add(module_id(path))
                case _:
                    pass
    defined_twice = {
        name: sorted(modules) for name, modules in modules_by_name.items() if len(modules) > 1 and name[0] != "_"
    }
    assert defined_twice.keys() <= DEFINED_TWICE.keys(), {
        name: defined_twice[name] for name in defined_twice.keys() - DEFINED_TWICE.keys()
    }
