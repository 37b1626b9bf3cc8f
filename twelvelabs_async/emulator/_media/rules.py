"""The platform's rules for media: which files, images and URLs it rejects, and why."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from twelvelabs_async.emulator._media.media import (
    ANALYSIS_FORMATS,
    GIB,
    MAX_DURATION,
    MIB,
    MIN_DURATION,
    ImageHeader,
    Media,
    extension_of,
    filename_of,
    guess_kind,
)

MAX_ANALYSIS_PIXELS: Final = 16_777_216

MARENGO_FORMATS: Final = ("JPEG", "PNG")

MIN_MARENGO_SIDE: Final = 128

UNREACHABLE_SUFFIX: Final = ".invalid"
"""Top-level domain that never resolves."""

_VIDEO_HOSTS: Final = (
    "youtube.com",
    "youtu.be",
    "youtube-nocookie.com",
    "vimeo.com",
    "dailymotion.com",
    "dai.ly",
    "tiktok.com",
    "twitch.tv",
    "loom.com",
)
"""Video platforms, whose URLs are web pages, except for those of files."""

_SHARE_PAGES: Final = {
    "drive.google.com": ("/file/", "/open", "/drive/"),
    "docs.google.com": ("/file/",),
    "dropbox.com": ("/s/", "/sh/", "/scl/"),
    "onedrive.live.com": ("/",),
    "1drv.ms": ("/",),
    "sharepoint.com": ("/:",),
    "box.com": ("/s/",),
    "wetransfer.com": ("/",),
    "we.tl": ("/",),
}
"""Cloud storage services, and the beginnings of the paths of their sharing links."""

_DOWNLOADS: Final = frozenset({("dl", "1"), ("raw", "1"), ("download", "1"), ("export", "download")})
"""Query parameters that turn a sharing link into the file itself."""

_UNSUPPORTED_EXTENSION: Final = re.compile(
    "7z|apk|csv|dll|dmg|docx?|exe|gz|html?|iso|jar|js|json|msi|odt|pptx?|rar|rtf|svg|tar|xlsx?|xml|zip"
)
"""An extension of files that are no video, audio, image or document; any other unknown extension may be one."""

MAX_UPLOAD_SIZES = {
    "direct": {"video": 200 * MIB, "audio": 200 * MIB, "document": 200 * MIB, "image": 32 * MIB},
    "multipart": {"video": 10 * GIB, "audio": 10 * GIB, "image": 32 * MIB},
}
"""Maximum file size in bytes, by upload method and kind."""

MIN_SIDE = 360

MAX_ASPECT_RATIO = 2.4


def analysis_problem(header: ImageHeader | None) -> str | None:
    """Return why an image cannot be analyzed, `None` if it can."""
    if (problem := _format_problem(header, ANALYSIS_FORMATS)) or header is None:
        return problem
    pixels = header.width * header.height
    if pixels > MAX_ANALYSIS_PIXELS:
        return f"it has {pixels} pixels, and {MAX_ANALYSIS_PIXELS} are allowed"
    return None


def marengo_problem(header: ImageHeader | None) -> str | None:
    """Return why an image does not meet the requirements of marengo3.0, `None` if it does."""
    if (problem := _format_problem(header, MARENGO_FORMATS)) or header is None:
        return problem
    if min(header.width, header.height) < MIN_MARENGO_SIDE:
        side = MIN_MARENGO_SIDE
        return f"it has {header.width}x{header.height} pixels, and at least {side}x{side} are required"
    return None


def _format_problem(header: ImageHeader | None, formats: tuple[str, ...]) -> str | None:
    if header is None or header.format not in formats:
        return f"it must be an image in one of the formats {', '.join(formats)}"
    return None if header.width > 0 and header.height > 0 else "the image file is broken"


def url_problem(url: str) -> str | None:
    """Return why no media file can be fetched from a URL, `None` if one can."""
    host = (urlsplit(url).hostname or "").lower()
    if host.endswith(UNREACHABLE_SUFFIX):
        return "The file could not be fetched from its URL."
    if is_web_page(url):
        return "The URL leads to a web page, and not to a media file."
    if _UNSUPPORTED_EXTENSION.fullmatch(extension_of(filename_of(url))):
        return "The file type is not supported."
    return None


def is_web_page(url: str) -> bool:
    """Return whether a URL leads to the page of a video platform, or is the sharing link of a cloud storage service."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if any(_is_below(host, platform) for platform in _VIDEO_HOSTS):
        return guess_kind(filename_of(url)) is None
    paths = next((paths for service, paths in _SHARE_PAGES.items() if _is_below(host, service)), ())
    return parts.path.startswith(paths) and _DOWNLOADS.isdisjoint(parse_qsl(parts.query))


def _is_below(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")


MAX_LONG_SIDE = 5184

MAX_SHORT_SIDE = 2160


@dataclass(frozen=True, slots=True)
class Rejection:
    """Reason why a valid file cannot be indexed."""

    code: str
    message: str


def check_indexable(media: Media) -> Rejection | None:
    """Return why a file cannot be indexed with marengo3.0, or `None` if it can."""
    if media.kind not in {"video", "audio"}:
        return Rejection("unsupported_file_type", f"A file of type {media.mime} cannot be indexed.")
    duration = media.duration or 0.0
    if duration < MIN_DURATION:
        return Rejection("video_duration_too_short", f"{duration:g} s is shorter than the {MIN_DURATION:g} s required.")
    if duration > MAX_DURATION:
        return Rejection("video_duration_too_long", f"{duration:g} s is longer than the {MAX_DURATION:g} s allowed.")
    return check_resolution(media.width, media.height)


def check_resolution(width: int | None, height: int | None) -> Rejection | None:
    """Return why no model accepts a resolution, or `None` if it is accepted or unknown."""
    if not width or not height:
        return None
    short, long = sorted((width, height))
    if short < MIN_SIDE:
        return Rejection("video_resolution_too_low", f"{width}x{height} is below {MIN_SIDE}x{MIN_SIDE}.")
    if long > MAX_LONG_SIDE or short > MAX_SHORT_SIDE:
        why = f"{width}x{height} is above {MAX_LONG_SIDE}x{MAX_SHORT_SIDE}."
        return Rejection("video_resolution_too_high", why)
    if long / short > MAX_ASPECT_RATIO:
        why = f"{width}x{height} is not between 1:1 and {MAX_ASPECT_RATIO}:1."
        return Rejection("video_resolution_invalid_aspect_ratio", why)
    return None
