"""The page about the official clients agrees with the table of calls."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_up_to_date() -> None:
    created = runpy.run_path(str(DOCS / "make_peers.py"))["page"]()
    assert (DOCS / "peers.md").read_text("utf-8") == created, "run `python docs/make_peers.py`"
