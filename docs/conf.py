"""Sphinx: `nox -s docs` builds the manual, and a warning is an error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sphinx.ext.napoleon import Config
from sphinx.ext.napoleon.docstring import GoogleDocstring

from twelvelabs_async import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    """Turn a docstring of ours into reStructuredText: code stands in backticks, in fences, or after `Example:`."""
    written = list(_blocks(lines))
    if what not in FIELDS:  # a field's text would be searched for a type before its first colon
        written = GoogleDocstring(written, SECTIONS, app, what, name, obj, options).lines()
    lines[:] = written


def _blocks(lines: list[str]) -> Iterator[str]:
    fenced = False
    for number, line in enumerate(lines):
        if line == "```":
            fenced = not fenced
            yield from ("", ".. code-block:: text", "") if fenced else ("",)
        elif line == "Example:":
            yield from ("", ".. code-block:: python", "", *lines[number + 1 :])
            return
        else:
            yield f"    {line}" if fenced else CODE.sub(r"``\1``", line)


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", rewrite)
