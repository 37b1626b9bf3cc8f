"""Addresses of videos: what in them names the video, and what only opens the door to it.

A presigned address is a password for a while: it must not be kept, and the next one for the same object looks
different. What remains without the signature is the same each time. Pure.
"""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

_SIGNING: Final = frozenset(
    {
        *("expires", "policy", "signature", "token"),
        *("awsaccesskeyid", "googleaccessid", "key-pair-id"),
        *("se", "sig", "ske", "skoid", "sks", "skt", "sktid", "skv", "sp", "spr", "sr", "st", "sv"),
    }
)
"""Query parameters that only open the door, in lower case; S3, Google Cloud, CloudFront, Azure."""

_SIGNING_PREFIXES: Final = ("x-amz-", "x-goog-")


def is_address(source: str) -> bool:
    """Whether the platform is to fetch it."""
    return source.startswith(("http://", "https://"))


def name_in(address: str) -> str:
    """The name of the file an address leads to; empty if it shows none."""
    return PurePosixPath(unquote(_path(address))).name


def without_secrets(address: str) -> str:
    """What an address names, safe to keep: no user, no signature, and of other parameters only a digest.

    Two addresses give the same text if they differ in nothing but how they are signed.
    """
    try:
        parts = urlsplit(address)
    except ValueError:
        return _digest(address)
    host = parts.netloc.rpartition("@")[2].lower()
    base = f"{parts.scheme.lower()}://{host}{parts.path}"
    telling = sorted(pair for pair in parse_qsl(parts.query, keep_blank_values=True) if not _signs(pair[0]))
    return f"{base}?{_digest(urlencode(telling))}" if telling else base


def _path(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError:
        return ""


def _signs(parameter: str) -> bool:
    name = parameter.lower()
    return name in _SIGNING or name.startswith(_SIGNING_PREFIXES)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
