"""Turns an answer that is no success into the error that names it. Pure.

The platform has four shapes of error body (flat, nested under `error`, an integer `error_code`, and nothing at all),
the edge in front of it answers HTML, and storage answers XML. None of them is needed to raise the right class.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, cast
from urllib.parse import urlsplit

from twelvelabs_async.errors import APIError, for_status, printable
from twelvelabs_async.policy.headers import Advice

READ_AT_MOST: Final = 64 * 1024
"""Bytes of an error's body that are looked at."""

_XML_CODE: Final = re.compile(rb"<Code>([^<]{1,100})</Code>")
_XML_MESSAGE: Final = re.compile(rb"<Message>([^<]{1,1000})</Message>")


def refusal(status: int, headers: Mapping[str, str], body: bytes, advice: Advice) -> APIError:
    """The error for an answer with `status`, which is not in the 200s."""
    if 300 <= status < 400:
        return _redirect(status, headers)
    told = _read(body)
    return for_status(status)(
        message=str(told.get("message") or _phrase(status)),
        status_code=status,
        code=_text(told.get("code", told.get("error_code"))),
        docs_url=_text(told.get("docs_url")),
        details=told.get("details"),
        request_id=request_id(headers),
        retry_after=advice.retry_after,
    )


def request_id(headers: Mapping[str, str]) -> str | None:
    """What the platform calls this request."""
    found = headers.get("x-trace-id") or headers.get("x-request-id")
    return printable(found[:200]) if found else None


def _redirect(status: int, headers: Mapping[str, str]) -> APIError:
    try:
        host = urlsplit(headers.get("Location", "")).hostname or "another path"
    except ValueError:
        host = "an unreadable address"
    return APIError(
        message=f"redirected to {host}; not followed, because the key goes to the origin of base_url only",
        status_code=status,
        code="redirect_refused",
        request_id=request_id(headers),
    )


def _read(body: bytes) -> dict[str, Any]:
    """`code`, `message`, `docs_url` and `details` out of whichever shape it is; empty if it is none of them."""
    text = body[:READ_AT_MOST]
    if text.lstrip()[:1] == b"<":
        code, message = _XML_CODE.search(text), _XML_MESSAGE.search(text)
        return (
            {"code": code[1].decode(errors="replace"), "message": message and message[1].decode(errors="replace")}
            if code
            else {}
        )
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    top = cast("dict[str, Any]", found)
    nested = top.get("error")
    if isinstance(nested, dict):
        return cast("dict[str, Any]", nested)
    return {"message": nested, **top} if isinstance(nested, str) else top


def _text(value: Any) -> str | None:
    return printable(str(value)[:200]) if isinstance(value, str | int) else None


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "an unknown status"
