"""Checks the links between the pages of the manual, and from README, CHANGELOG and CONTRIBUTING."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
MANUAL = sorted(path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts)
PAGES = [*sorted(ROOT.glob("*.md")), *MANUAL]
LINK = re.compile(r"\[[^\]\n]*\]\(([^()\s]+)\)|^\[[^\]\n]+\]: (\S+)$", re.MULTILINE)


def prose_of(page: Path) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def headings_of(page: Path) -> list[str]:
    return re.findall(r"^#+ (.+)$", prose_of(page), flags=re.MULTILINE)


def anchors_of(page: Path) -> set[str]:
    """Return the anchors that a hosting platform creates for the headings of a page."""
    counts = Counter[str]()
    anchors: set[str] = set()
    for heading in headings_of(page):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        anchors.add(f"{anchor}-{counts[anchor]}" if counts[anchor] else anchor)
        counts[anchor] += 1
    return anchors


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_link_points_to_an_existing_file_and_heading(page: Path) -> None:
    broken: list[str] = []
    for link in (inline or reference for inline, reference in LINK.findall(prose_of(page))):
        path, _, anchor = unquote(link).partition("#")
        target = page.parent / path if path else page
        if re.match(r"[a-z]+:", link):
            continue
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors_of(target)):
            broken.append(link)
    assert broken == []


def test_no_two_pages_of_the_manual_have_the_same_title() -> None:
    """The navigation shows the titles only."""
    titles = Counter(headings_of(page)[0] for page in MANUAL if headings_of(page))
    assert [title for title, count in titles.items() if count > 1] == []
