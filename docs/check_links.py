"""Check that each internal link of the built manual has an existing file and anchor as its target.

Run it after a build: `python docs/check_links.py docs/_build`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from typing_extensions import override


class Page(HTMLParser):
    """The anchors and links of an HTML page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.feed(path.read_text("utf-8"))

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value and (name == "id" or (tag, name) == ("a", "name")):
                self.anchors.add(value)
            elif value and name in {"href", "src"}:
                self.links.append(value)


def broken_links(root: Path) -> Iterator[str]:
    """Yield each internal link without a target, with its page."""
    pages = {path.resolve(): Page(path) for path in root.rglob("*.html")}
    for path, page in pages.items():
        for link in dict.fromkeys(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchors = pages[target].anchors if target in pages else None
            if not target.exists() or (parts.fragment and anchors is not None and parts.fragment not in anchors):
                yield f"{path.relative_to(root.resolve())}: {link}"


def main() -> None:
    """Exit with an error that lists the broken links of a folder, if there are any."""
    sys.exit("\n".join(sorted(broken_links(Path(sys.argv[1])))) or None)


if __name__ == "__main__":
    main()
