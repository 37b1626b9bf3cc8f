"""Removes secrets from the parts of an error that a server has sent: the API key, signatures and cookies."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile
from typing import Any, Final, cast

import attrs
from multidict import CIMultiDict

from twelvelabs_async._options import Secret
from twelvelabs_async._text import cut_queries, printable
from twelvelabs_async.errors import APIError

KEY_MASK: Final = "***"
"""Replacement of the API key."""

KEY_START: Final = 8
"""Characters of the key by which the start of it is recognized."""

DROPPED_HEADERS: Final = frozenset({"set-cookie", "set-cookie2", "authorization", "x-api-key", "cookie"})
"""Response headers that errors do not carry."""

MAX_DETAILS_DEPTH: Final = 20
"""Levels of `details` that an error carries."""


@attrs.frozen(eq=False, repr=False)
class Redactor:
    """Removes the API key and the queries of URLs from errors."""

    api_key: Secret | None = None
    """The key to remove."""

    def text(self, text: str) -> str:
        """Return `text` without the key and without the queries of URLs."""
        return cut_queries(self._hide_key(text))

    def redact(self, error: APIError) -> None:
        """Remove secrets from everything on `error` that may come from a server."""
        error.message = printable(self.text(error.message))
        error.body = self._hide_key(error.body)
        for name in ("code", "request_id", "docs_url"):
            value = getattr(error, name)
            if value is not None:
                setattr(error, name, self._hide_key(value))
        if error.details is not None:
            error.details = self._value(error.details, MAX_DETAILS_DEPTH)
        error.headers = self._headers(error.headers)
        error.args = (error.message,)  # attrs puts every argument there

    def _headers(self, headers: Mapping[str, str]) -> CIMultiDict[str]:
        """Return the headers that errors carry. Most of them contain no secret, which one look at all of them shows."""
        kept = CIMultiDict(headers)
        for name in DROPPED_HEADERS:
            kept.popall(name, None)
        values = " ".join(kept.values())
        if printable(values) == values and self.text(values) == values:
            return kept
        return CIMultiDict([(name, printable(self.text(value))) for name, value in kept.items()])

    def _hide_key(self, text: str) -> str:
        """Replace the key, and the start of it in a text that was shortened."""
        if self.api_key is None:
            return text
        key = str(self.api_key.reveal())
        text = text.replace(key, KEY_MASK)
        start = text.find(key[:KEY_START])
        while start >= 0 and len(key) > KEY_START:
            shared = takewhile(lambda pair: pair[0] == pair[1], zip(key, text[start:], strict=False))
            text = text[:start] + KEY_MASK + text[start + len(list(shared)) :]
            start = text.find(key[:KEY_START])
        return text

    def _value(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if not isinstance(value, dict | list):
            return value
        if depth == 0:
            return None
        if isinstance(value, list):
            return [self._value(item, depth - 1) for item in cast("list[object]", value)]
        items = cast("dict[str, Any]", value).items()
        return {self.text(name): self._value(item, depth - 1) for name, item in items}
