"""HTML pages: templates that escape all values, a content security policy, and where a page is written and opened.

A page is one file and loads nothing from other hosts, except the videos of search results when they are played.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import stat
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import attrs
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from twelvelabs_async._cli.console import Screen
from twelvelabs_async._text import clean
from twelvelabs_async._version import __version__
from twelvelabs_async.errors import InvalidInputError

_PAGE_START: Final = b"<!doctype html>"
"""How each page begins; a file that begins otherwise is not replaced."""

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def render_page(
    template: str, *, script: str = "", media: bool = False, finalize: Callable[[str], str] = clean, **values: Any
) -> str:
    """Return a page.

    Args:
        template: Name of the template.
        script: Name of the script that the page contains.
        media: Whether the page plays videos.
        finalize: Changes each string, except markup, before it is escaped; the default replaces control characters by
            spaces.
        values: Values of the template.
    """
    environment = Environment(
        loader=PackageLoader(__name__, ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=partial(_finalize_text, finalize),
    )
    code = files(__name__).joinpath(script).read_text("utf-8") if script else ""
    policy = _POLICY + ("; media-src file: http: https:" if media else "")
    if code:
        digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        policy += f"; script-src 'sha256-{digest}'"
    page = environment.get_template(template)
    return page.render(policy=policy, script=Markup(code), version=__version__, **values)  # noqa: S704  # our own script


def _finalize_text(finalize: Callable[[str], str], value: object) -> object:
    """Change a string; other values, and markup, are as they were."""
    return finalize(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def jpeg_url(image: bytes) -> Markup:
    """Return the `data:` URL of a JPEG image, which a template neither escapes nor shortens."""
    return Markup(f"data:image/jpeg;base64,{base64.b64encode(image).decode()}")  # noqa: S704  # base64


def ensure_writable(path: Path, role: str, suffix: str = "") -> None:
    """Check that a file can be written, before work is done whose result it gets.

    Args:
        path: The file.
        role: What it is, for the message.
        suffix: The longest suffix of files that are created with it.

    Raises:
        InvalidInputError: It cannot be written.
    """
    try:
        with suppress(FileNotFoundError):
            os.lstat(f"{path}{suffix}")
        place = path if path.exists() else path.absolute().parent
        writable = "\0" not in str(path) and not path.is_dir() and os.access(place, os.W_OK)
    except (OSError, ValueError):  # such as a name that is too long
        writable = False
    if not writable:
        raise InvalidInputError(f"cannot write the {role} to {path}")


def ensure_page_writable(path: Path, role: str, *, ledger: str | None = None) -> None:
    """Check that a page can be written to a path, and that nothing else is lost there.

    Args:
        path: Path of the page.
        role: What the page is, for the message.
        ledger: Path or URL of the ledger, which may not exist yet.

    Raises:
        InvalidInputError: It cannot be written, or the path is that of another file.
    """
    ensure_writable(path, role)
    try:
        problem = _page_problem(path)
        if not problem and ledger and os.path.realpath(path) == os.path.realpath(ledger):
            problem = "it is the ledger"
    except OSError as error:
        problem = error.strerror or str(error)
    if problem:
        raise InvalidInputError(f"cannot write the {role} to {path}: {problem}; use another name")


def _page_problem(path: Path) -> str:
    """Return why a page must not replace a file; empty if it may."""
    if not path.exists():
        return ""
    mode = path.stat().st_mode
    is_inherited = path.is_relative_to("/dev")  # such as /dev/stdout, or a pipe that a shell has opened
    if stat.S_ISCHR(mode) or (is_inherited and not stat.S_ISBLK(mode)):
        return ""
    if not stat.S_ISREG(mode):
        return "it is not a regular file"
    with path.open("rb") as file:
        start = file.read(len(_PAGE_START))
    return "" if start in {b"", _PAGE_START} else "it is not a page of this program"


@attrs.frozen(kw_only=True)
class PageArgs:
    """Where a page is written, and whether the browser shows it."""

    path: Path
    open_browser: bool


def page_args(html: Path | None, *, open_browser: bool, default: str) -> PageArgs | None:
    """Return where a page is written, by the options `--html` and `--open`; None for no page.

    Args:
        html: Path of the page.
        open_browser: Whether the browser shows the page.
        default: Filename in the current folder if there is no path.

    Raises:
        InvalidInputError: The page cannot be written.
    """
    if html is None and not open_browser:
        return None
    path = html or Path(default)
    ensure_page_writable(path, "page")
    return PageArgs(path=path, open_browser=open_browser)


async def write_page(args: PageArgs, page: str, screen: Screen) -> bool:
    """Write a page, print its path, and show it in the browser; return False, after a message, if it is not written."""
    path = args.path
    try:
        await asyncio.to_thread(path.write_text, page, "utf-8")
    except OSError as error:
        screen.error(f"cannot write the page to {path}: {error.strerror}")
        return False
    screen.print(f"page written to {path}")
    if args.open_browser and not await asyncio.to_thread(_open_browser, path):
        screen.warn(f"no browser found; open {path} in one")
    return True


def _open_browser(path: Path) -> bool:
    return webbrowser.open(path.absolute().as_uri())
