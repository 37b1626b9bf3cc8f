"""`twelvelabs-async docs`: print the manual, which the build adds to the package as `llms.txt` and `llms-full.txt`."""

from __future__ import annotations

import re
from difflib import get_close_matches
from importlib.metadata import metadata
from pathlib import Path
from typing import Final

from twelvelabs_async.errors import InvalidInputError

FOLDER: Path = Path(__file__).parents[1]
"""Where the build puts the files."""

PAGE_MARK: Final = re.compile(r"^<!-- page: (\S+) -->\n", re.MULTILINE)

START: Final = "index"
"""Name of the page that is the README."""


def read_overview() -> str:
    """Return the table of contents."""
    return _read("llms.txt")


def read_all() -> str:
    """Return all pages as one text."""
    return _read("llms-full.txt")


def read_page(name: str) -> str:
    """Return a page.

    Raises:
        InvalidInputError: There is no such page.
    """
    _, *parts = PAGE_MARK.split(read_all())
    pages = dict(zip(parts[::2], parts[1::2], strict=True))
    name = name.removesuffix(".md")
    if name not in pages:
        similar = get_close_matches(name, pages, n=3) or list(pages)
        raise InvalidInputError(f"the manual has no page {name!r}; pages: {', '.join(similar)}")
    return pages[name].strip() + "\n"


def website(name: str | None) -> str:
    """Return the URL of a page, or of the manual.

    Raises:
        InvalidInputError: The package was built without URLs, as in a clone.
    """
    fields: list[str] = metadata("twelvelabs-async").get_all("Project-URL", [])
    links = dict(field.split(", ", 1) for field in fields)
    if "Documentation" not in links:
        raise InvalidInputError("this build of the package names no website; leave out --open to print the page")
    if name is None or name == START:
        return links["Documentation"]
    return f"{links['Documentation']}/{name.removesuffix('.md')}.md"


def _read(filename: str) -> str:
    try:
        return (FOLDER / filename).read_text("utf-8")
    except OSError as error:
        raise InvalidInputError(
            f"this installation has no manual ({filename}); in a clone, run `python docs/make_llms.py`"
        ) from error
