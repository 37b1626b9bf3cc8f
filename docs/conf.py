"""Configuration of Sphinx. `nox -s docs` builds the manual and fails on warnings."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.request import urlopen

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

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.intersphinx", "sphinx_copybutton"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"twelvelabs-async {__version__}"
html_show_sourcelink = False
html_split_index = True

myst_heading_anchors = 3
suppress_warnings = ["ref.python"]  # many models have a field `type`, which is ambiguous

OTHER_MANUALS: Final = {
    "python": "https://docs.python.org/3",
    "aiohttp": "https://docs.aiohttp.org/en/stable",
    "attrs": "https://www.attrs.org/en/stable",
}


def is_reachable(url: str) -> bool:
    """Return whether the inventory of a manual can be read; without a network, its names are not linked."""
    try:
        with urlopen(f"{url}/objects.inv", timeout=5):  # noqa: S310  # a URL of OTHER_MANUALS
            return True
    except OSError:
        return False


intersphinx_mapping = {name: (url, None) for name, url in OTHER_MANUALS.items() if is_reachable(url)}

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {"show-inheritance": True}
autodoc_class_signature = "separated"
python_maximum_signature_line_length = 88
add_module_names = False
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"

NAPOLEON_CONFIG: Final[Any] = Config(napoleon_use_rtype=False)
INLINE_CODE: Final = re.compile(r"(?<!`)`([^`]+)`(?!`)")
FIELD_KINDS: Final = frozenset({"attribute", "property", "data"})


def convert_docstring(app: Sphinx, what: Any, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Convert a docstring to reStructuredText: backticks, fences, tables, and the code after `Example:`."""
    converted = [line for block in _blocks(lines) for line in block]
    if what not in FIELD_KINDS:  # Napoleon would parse the text before the first colon as a type
        converted = GoogleDocstring(converted, NAPOLEON_CONFIG, app, what, name, obj, options).lines()
    lines[:] = converted


def _blocks(lines: list[str]) -> Iterator[list[str]]:
    remaining = list(lines)
    while remaining:
        if remaining[0] == "Example:":
            yield ["", ".. code-block:: python", "", *remaining[1:], ""]
            return
        if remaining[0].startswith("```"):
            end = next(number for number, line in enumerate(remaining[1:], 1) if line == "```")
            yield _code(remaining[0].removeprefix("```") or "text", remaining[1:end])
            end += 1
        elif remaining[0].startswith("|"):
            end = _first_index(remaining, lambda line: not line.startswith("|"))
            yield _table(remaining[:end])
        else:
            end = _first_index(remaining, lambda line: line.startswith(("```", "|")) or line == "Example:")
            yield _prose(remaining[:end])
        remaining = remaining[end:]


def _first_index(lines: list[str], predicate: Callable[[str], bool]) -> int:
    return next((number for number, line in enumerate(lines) if predicate(line)), len(lines))


def _code(language: str, lines: list[str]) -> list[str]:
    return ["", f".. code-block:: {language}", "", *(f"    {line}" for line in lines), ""]


def _table(lines: list[str]) -> list[str]:
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if not line.startswith("|-")]
    converted = ["", ".. list-table::", ""]
    for row in rows:
        if any(row):
            converted += [f"    {'* -' if not number else '  -'} {cell}" for number, cell in enumerate(_prose(row))]
    return [*converted, ""]


def _prose(lines: list[str]) -> list[str]:
    """Convert single backticks to inline code, which may continue on the next line."""
    text = INLINE_CODE.sub(lambda match: f"``{' '.join(match[1].split())}``", "\n".join(lines))
    return text.split("\n")


def write_texts_for_language_models(app: Sphinx, exception: Exception | None) -> None:
    """Write `llms.txt`, with links to the Markdown of the pages, and `llms-full.txt` into the site."""
    if exception is None and app.builder.name == "html":
        make_llms = runpy.run_path(str(Path(app.srcdir) / "make_llms.py"))
        make_llms["write"](Path(app.outdir), "_sources/{}.md.txt".format)


def setup(app: Sphinx) -> None:
    """Register the hooks of the build. Sphinx calls this function."""
    app.connect("autodoc-process-docstring", convert_docstring)
    app.connect("build-finished", write_texts_for_language_models)
