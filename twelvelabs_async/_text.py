"""Text from servers, as one printable line of limited length without the queries of URLs."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MAX_MESSAGE_LENGTH = 1000
"""Maximum length of a server's message; longer ones are truncated."""


def printable(text: str) -> str:
    """Return `text` as one line of at most `MAX_MESSAGE_LENGTH` characters, without control characters."""
    head = text[: MAX_MESSAGE_LENGTH * 2]
    if not head.isprintable():
        head = "".join(" " if unicodedata.category(c)[0] == "C" else c for c in head)
    line = " ".join(head.split())
    return line if len(line) <= MAX_MESSAGE_LENGTH else line[: MAX_MESSAGE_LENGTH - 1] + "…"


_URL_QUERY: Final = re.compile(r"(https?:\\?/\\?/[^\s\"'<>?#]{1,2048})[?#][^\s\"'<>]*", re.IGNORECASE)

_SIGNED_PARAMETER: Final = re.compile(r"\b(X-(?:Amz|Goog)-[A-Za-z-]{1,40}=)[^\s\"'<>&]+", re.IGNORECASE)

_MAY_CONTAIN_SIGNATURE: Final = re.compile(r"https?:|X-(?:Amz|Goog)-|<(?:Sig|Str|Can)", re.IGNORECASE)

_SIGNATURE_ELEMENT: Final = re.compile(r"<(SignatureProvided|StringToSign|CanonicalRequest)>[^<]*", re.IGNORECASE)


def cut_queries(text: str) -> str:
    """Return `text` without the queries and fragments of URLs, and without the signatures that storage repeats."""
    if _MAY_CONTAIN_SIGNATURE.search(text) is None:
        return text
    text = _URL_QUERY.sub(r"\1?…", text)
    return _SIGNATURE_ELEMENT.sub(r"<\1>…", _SIGNED_PARAMETER.sub(r"\1…", text))


def body_excerpt(body: bytes | str) -> str:
    """Return the start of a response body as one printable line without the queries of URLs."""
    text = body[:8192].decode("utf-8", "replace") if isinstance(body, bytes) else body
    return printable(cut_queries(text))
