"""URLs as sources: which ones name the same file, and which ones cannot be ingested. Pure.

A signature is a temporary password, which differs each time the same file is signed and must not be stored. It is
removed only if the parameters of a known scheme are there together: `token` alone may say which file it is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

import attrs


def _names(names: str | frozenset[str]) -> frozenset[str]:
    return frozenset(names.split()) if isinstance(names, str) else names


@attrs.frozen(kw_only=True)
class SignatureScheme:
    """How a storage service or a CDN signs URLs. Names of parameters are in lower case."""

    required: frozenset[str] = attrs.field(converter=_names)
    """Parameters that all of its URLs have."""
    optional: frozenset[str] = attrs.field(default=frozenset(), converter=_names)
    """Other parameters of a signature."""
    values: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """Regular expressions for the values of parameters whose names are too common to be recognized alone."""
    host: str = ""
    """Regular expression for the host; empty for any host."""

    def parameters_in(self, host: str, values: Mapping[str, str]) -> frozenset[str]:
        """Return the parameters of this signature; none if the URL is not signed by this scheme."""
        recognized = (
            values.keys() >= self.required
            and re.search(self.host, host)
            and all(re.fullmatch(pattern, values[name]) for name, pattern in self.values.items())
        )
        return (self.required | self.optional) & values.keys() if recognized else frozenset()


_UNIX_TIME: Final = r"\d{9,11}"
_AKAMAI: Final = r"(?=.*\bhmac=)(?=.*\bexp=).*"

SIGNATURE_SCHEMES: Final[Mapping[str, SignatureScheme]] = {
    "S3 v4": SignatureScheme(
        required="x-amz-signature",
        optional="x-amz-algorithm x-amz-content-sha256 x-amz-credential x-amz-date x-amz-expires x-amz-security-token "
        "x-amz-signedheaders x-amz-user-agent",
    ),
    "S3 v2": SignatureScheme(required="awsaccesskeyid expires signature", optional="x-amz-security-token"),
    "Google Cloud Storage v4": SignatureScheme(
        required="x-goog-signature",
        optional="x-goog-algorithm x-goog-content-sha256 x-goog-credential x-goog-date x-goog-expires "
        "x-goog-signedheaders",
    ),
    "Google Cloud Storage v2": SignatureScheme(required="expires googleaccessid signature"),
    "Google Cloud CDN": SignatureScheme(required="expires keyname signature", optional="urlprefix"),
    "CloudFront": SignatureScheme(
        required="key-pair-id signature",
        optional="expires hash-algorithm policy",
    ),
    "Azure": SignatureScheme(
        required="sig sv",
        optional="saoid scid sdd se si sip ske skoid sks skt sktid skv sp spr sr srt ss st suoid",
    ),
    "Alibaba OSS v4": SignatureScheme(
        required="x-oss-signature",
        optional="x-oss-additional-headers x-oss-credential x-oss-date x-oss-expires x-oss-security-token "
        "x-oss-signature-version",
    ),
    "Alibaba OSS v1": SignatureScheme(required="expires ossaccesskeyid signature", optional="security-token"),
    "Alibaba CDN": SignatureScheme(required="auth_key", values={"auth_key": _UNIX_TIME + "-[^-]+-[^-]+-[0-9a-f]{32}"}),
    "Tencent COS": SignatureScheme(
        required="q-signature",
        optional="q-ak q-header-list q-key-time q-sign-algorithm q-sign-time q-url-param-list x-cos-security-token",
    ),
    "Tencent CDN": SignatureScheme(required="txsecret txtime"),
    "Huawei OBS": SignatureScheme(required="accesskeyid expires signature", optional="x-obs-security-token"),
    "Volcengine TOS": SignatureScheme(
        required="x-tos-signature",
        optional="x-tos-algorithm x-tos-credential x-tos-date x-tos-expires x-tos-security-token x-tos-signedheaders",
    ),
    "Qiniu": SignatureScheme(required="e token", values={"e": _UNIX_TIME, "token": "[^:]+:[^:]+"}),
    "Backblaze B2": SignatureScheme(required="authorization", host=r"(^|\.)backblazeb2\.com$"),
    **{
        f"Akamai {name}": SignatureScheme(required=name, values={name: _AKAMAI})
        for name in ("hdnts", "hdnea", "__token__", "__gda__")
    },
    "Fastly": SignatureScheme(required="token", values={"token": _UNIX_TIME + "_(0x)?[0-9a-f]{40,64}"}),
    "Cloudflare": SignatureScheme(required="verify", values={"verify": _UNIX_TIME + "-[A-Za-z0-9+/=_-]{43,}"}),
    "Bunny": SignatureScheme(
        required="expires token",
        optional="token_countries token_countries_blocked token_path",
        values={"expires": _UNIX_TIME, "token": "(HS256-)?[A-Za-z0-9_-]{22,43}"},
    ),
    "nginx secure_link": SignatureScheme(required="expires md5"),
    "nginx secure_link, short names": SignatureScheme(
        required="e st", values={"e": _UNIX_TIME, "st": "[A-Za-z0-9_-]{22}"}
    ),
    "Discord": SignatureScheme(required="ex hm is", host=r"(^|\.)discordapp\.(com|net)$"),
}
"""Schemes by name."""


_UNENCODED: Final = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\ud800-\\udfff]")


def is_url(source: str) -> bool:
    """Return whether a source is an http(s) URL."""
    return source[:8].lower().startswith(("http://", "https://"))


def filename_from_url(url: str) -> str:
    """Return the file name in the path of a URL; empty if there is none."""
    parts = _split(url)
    return PurePosixPath(unquote(parts.path)).name if parts is not None else ""


def url_problem(url: str) -> str:
    """Return why a URL cannot be requested; empty if it can."""
    if _UNENCODED.search(url):
        return "not a valid URL: it contains characters that must be percent-encoded"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        return f"not a valid URL: {error}"
    return "" if host else "not a valid URL: it has no host"


def redact_url(url: str) -> str:
    """Return a URL without user name, password and signature, and with a digest in place of all other secrets.

    Two URLs give the same string if they differ only in a signature of one of `SIGNATURE_SCHEMES`, or in a password.
    """
    parts = _split(url)
    if parts is None:
        return _digest(url)
    user, _, host = parts.netloc.rpartition("@")
    host = host.lower()
    base = f"{parts.scheme.lower()}://{host}{parts.path}"
    rest = [*_unsigned_parameters(host, parts.query), f"#{parts.fragment}", f"{user.partition(':')[0]}@"]
    return base if rest == ["#", "@"] else f"{base}?{_digest('&'.join(rest))}"


def is_signed(url: str) -> bool:
    """Return whether `redact_url` leaves out something that may distinguish two files."""
    parts = _split(url)
    if parts is None:
        return False
    host = parts.netloc.rpartition("@")[2].lower()
    return ":" in parts.netloc.rpartition("@")[0] or bool(_signature_parameters(host, parts.query))


def _unsigned_parameters(host: str, query: str) -> Iterable[str]:
    """Return the parameters that are no signature, sorted by name; not decoded, because `%fe` and `%ff` differ."""
    signature = _signature_parameters(host, query)
    pairs = [(_parameter_name(pair), pair) for pair in query.split("&") if pair]
    return [pair for name, pair in sorted(pairs, key=lambda named: named[0]) if name not in signature]


def _signature_parameters(host: str, query: str) -> frozenset[str]:
    values = {_parameter_name(pair): unquote(pair.partition("=")[2]) for pair in query.split("&") if pair}
    host = host.partition(":")[0]
    found = (scheme.parameters_in(host, values) for scheme in SIGNATURE_SCHEMES.values())
    return frozenset(name for names in found for name in names)


def _parameter_name(pair: str) -> str:
    return unquote(pair.partition("=")[0]).lower()


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _digest(string: str) -> str:
    return hashlib.blake2b(string.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
