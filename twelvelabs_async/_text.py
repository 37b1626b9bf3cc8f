"""Text of messages: one printable line of limited length, without the queries of URLs.

`_http.redaction` removes the API key.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

MAX_MESSAGE_LENGTH = 1000
"""Maximum length of a server's message; longer ones are truncated."""


_URL: Final = re.compile(r":\\?/\\?/[^\s\"'<>]+")
"""What follows the scheme of a URL, which may be `s3`, with the slashes as they are or as in JSON."""

_QUERY: Final = re.compile("[?#].*", re.DOTALL)

_SIGNED_PARAMETER: Final = re.compile(r"\b(X-(?:Amz|Goog)-[A-Za-z-]{1,40}=)[^\s\"'<>&]+", re.IGNORECASE)

_MAY_CONTAIN_SIGNATURE: Final = re.compile(r":\\?/|X-(?:Amz|Goog)-|<(?:Sig|Str|Can)", re.IGNORECASE)

_SIGNATURE_ELEMENT: Final = re.compile(r"<(SignatureProvided|StringToSign|CanonicalRequest)>[^<]*", re.IGNORECASE)

_URL_START: Final = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]{1,100}:/|\s*data:", re.IGNORECASE)

_USER_INFO: Final = re.compile(r"(:/{1,2})[^/]*@")

_PACKAGE: Final = "twelvelabs-async"


def clean(text: str) -> str:
    """Return a text as one line: control and format characters, such as newlines and bidi marks, become spaces."""
    if text.isprintable():
        return text
    return "".join(" " if unicodedata.category(c)[0] == "C" or c in "\u2028\u2029" else c for c in text)


def printable(text: str) -> str:
    """Return `text` as one line of at most `MAX_MESSAGE_LENGTH` characters, without control characters."""
    line = " ".join(clean(text[: MAX_MESSAGE_LENGTH * 2]).split())
    return line if len(line) <= MAX_MESSAGE_LENGTH else line[: MAX_MESSAGE_LENGTH - 1] + "…"


def cut_queries(text: str) -> str:
    """Return `text` without the queries and fragments of URLs, and without the signatures that storage repeats."""
    if _MAY_CONTAIN_SIGNATURE.search(text) is None:
        return text
    text = _URL.sub(lambda url: _QUERY.sub("?…", url[0]), text)
    return _SIGNATURE_ELEMENT.sub(r"<\1>…", _SIGNED_PARAMETER.sub(r"\1…", text))


def shown_url(text: str) -> str:
    """Return a URL of any scheme, or another text, without its secrets.

    A URL loses its user name, password, query and fragment, a `data:` URL its content. Other text loses what
    `cut_queries` removes.
    """
    start = _URL_START.match(text)
    if start is None:
        return cut_queries(text)
    if not start[0].endswith("/"):
        return f"{start[0]}…"
    end = next((i for i, c in enumerate(text) if c in "?#"), len(text))
    return _USER_INFO.sub(r"\1…@", text[:end], count=1) + ("" if end == len(text) else f"{text[end]}…")


def error_text(error: BaseException) -> str:
    """Return the type and the message of an exception of the caller, without the queries of URLs.

    The message may raise an exception as well; it is then left out.
    """
    try:
        text = cut_queries(str(error))
    except Exception:  # noqa: BLE001  # the exception is the caller's
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def body_excerpt(body: bytes | str) -> str:
    """Return the start of a response body as one printable line without the queries of URLs."""
    text = body[:8192].decode("utf-8", "replace") if isinstance(body, bytes) else body
    return printable(cut_queries(text))


def install_command(extra: str) -> str:
    """Return the command that installs an extra from where the package was installed: a clone, a file or an index."""
    origin = _origin()
    url = str(origin.get("url", ""))
    requirement = f"{_PACKAGE}[{extra}]"
    if url.startswith("file:"):
        requirement = f"{url2pathname(urlsplit(url).path)}[{extra}]"
    elif "vcs_info" in origin:
        requirement = f"{requirement} @ {origin['vcs_info']['vcs']}+{url}"
    return f'python -m pip install "{requirement}"'


def _origin() -> dict[str, Any]:
    """Return where the package was installed from (PEP 610); empty if that was an index, or it is not installed."""
    from importlib import metadata  # noqa: PLC0415  # takes as long as the client, and is for errors only

    try:
        found: dict[str, Any] = json.loads(metadata.distribution(_PACKAGE).read_text("direct_url.json") or "{}")
    except (metadata.PackageNotFoundError, ValueError):
        return {}
    return found
