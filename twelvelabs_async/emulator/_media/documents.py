"""Content of documents: the platform rejects a document whose extension does not match its content."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

PREFIX_SIZE: Final = 4096
_PDF_MARK: Final = b"%PDF"
_PDF_MARK_SIZE: Final = 1024
"""Bytes at the beginning of a PDF file that contain its mark."""
_BYTE_ORDER_MARKS: Final = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BINARY: Final = frozenset(range(32)) - frozenset(b"\t\n\f\r\x1b")
"""Bytes that no text contains, whatever its encoding, unless it begins with a byte order mark."""


def document_problem(path: Path, mime: str) -> str | None:
    """Return why the content of a document does not match its MIME type, `None` if it does."""
    with path.open("rb") as opened:
        prefix = opened.read(PREFIX_SIZE)
    if mime == "application/pdf":
        matches = _PDF_MARK in prefix[:_PDF_MARK_SIZE]
    else:
        matches = not prefix.startswith(_PDF_MARK) and (
            prefix.startswith(_BYTE_ORDER_MARKS) or _BINARY.isdisjoint(prefix)
        )
    return None if matches else "The extension of the document does not match its content."
