"""Sphinx: `nox -s docs` builds the manual, and a warning is an error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sphinx.ext.napoleon import Config
from sphinx.ext.napoleon.docstring import GoogleDocstring

from twelvelabs_async import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sphinx.application import Sphinx

project: Final = "twelvelabs-async"
author: Final = "the twelvelabs-async authors"
project_copyright: Final = author
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"twelvelabs-async {__version__}"
html_show_sourcelink = False

myst_heading_anchors = 3
suppress_warnings = ["myst.xref_missing", "ref.python"]  # many models have a `type`; it is not theirs that is meant

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_class_signature = "separated"
python_maximum_signature_line_length = 88
add_module_names = False
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"

SECTIONS: Final[Any] = Config(napoleon_use_rtype=False)
CODE: Final = re.compile(r"(?<!`)`([^`]+)`(?!`)")
FIELDS: Final = frozenset({"attribute", "property", "data"})


def rewrite(app: Sphinx, what: Any, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Turn a docstring of ours into reStructuredText: backticks, fences, tables, and the code after `Example:`."""
    written = [line for block in _blocks(lines) for line in block]
    if what not in FIELDS:  # a field's text would be searched for a type before its first colon
        written = GoogleDocstring(written, SECTIONS, app, what, name, obj, options).lines()
    lines[:] = written


def _blocks(lines: list[str]) -> Iterator[list[str]]:
    left = list(lines)
    while left:
        if left[0] == "Example:":
            yield ["", ".. code-block:: python", "", *left[1:], ""]
            return
        if left[0].startswith("```"):
            end = next(number for number, line in enumerate(left[1:], 1) if line == "```")
            yield _code(left[0].removeprefix("```") or "text", left[1:end])
            end += 1
        elif left[0].startswith("|"):
            end = _first(left, lambda line: not line.startswith("|"))
            yield _table(left[:end])
        else:
            end = _first(left, lambda line: line.startswith(("```", "|")) or line == "Example:")
            yield _prose(left[:end])
        left = left[end:]


def _first(lines: list[str], wanted: Callable[[str], bool]) -> int:
    return next((number for number, line in enumerate(lines) if wanted(line)), len(lines))


def _code(language: str, lines: list[str]) -> list[str]:
    return ["", f".. code-block:: {language}", "", *(f"    {line}" for line in lines), ""]


def _table(lines: list[str]) -> list[str]:
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if not line.startswith("|-")]
    written = ["", ".. list-table::", ""]
    for row in rows:
        if any(row):
            written += [f"    {'* -' if not number else '  -'} {cell}" for number, cell in enumerate(_prose(row))]
    return [*written, ""]


def _prose(lines: list[str]) -> list[str]:
    """One backtick is code; what it holds may go on in the next line."""
    text = CODE.sub(lambda found: f"``{' '.join(found[1].split())}``", "\n".join(lines))
    return text.split("\n")


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", rewrite)
