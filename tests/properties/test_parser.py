"""JSON is parsed with the same result by msgspec and by the standard library."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from twelvelabs_async._codec.converter import ParseFunction, select_parser, stdlib_loads

values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)
number = st.from_regex(r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,4})?", fullmatch=True)
escapes = st.from_regex(r'"(\\u[0-9a-fA-F]{4}|\\["\\/bfnrt]|[ -!#-\[\]-~])*"', fullmatch=True)
encoded_values: st.SearchStrategy[str] = values.map(json.dumps)


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """Generate JSON, and text that starts like JSON."""
    text = draw(encoded_values | number | escapes)
    if draw(st.booleans()):
        text = text[: draw(st.integers(0, len(text)))] + draw(st.text(max_size=2))
    return text.encode("utf-8", "surrogatepass")


def parse_result(parse: ParseFunction, text: bytes) -> str:
    """Return the repr of the value, which also shows types and signs, or the error."""
    try:
        return repr(parse(text))
    except (ValueError, RecursionError) as error:
        return f"{type(error).__name__}: {error}"


@given(texts() | st.binary(max_size=20))
@example(b"1e400")
@example(b"-0")
@example(b"1" * 5000)
@example(b'"\\ud800"')
@example(b'{"a": 1, "a": 2}')
@example(b"\xef\xbb\xbf1")
@example("1".encode("utf-16"))
@example(b"[" * 100_000)
@example(b" 1 \r\n\t")
@example("1\u00a0".encode())
@example(b"1 2")
def test_all_json_parsers_return_the_same_result(text: bytes) -> None:
    assert select_parser() is not stdlib_loads
    assert parse_result(select_parser(), text) == parse_result(stdlib_loads, text) == parse_result(json.loads, text)


def test_without_the_extra_the_standard_library_parses_json(monkeypatch: pytest.MonkeyPatch) -> None:
    modules: dict[str, Any] = dict.fromkeys(("msgspec", "msgspec.json"))
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    assert select_parser() is stdlib_loads
