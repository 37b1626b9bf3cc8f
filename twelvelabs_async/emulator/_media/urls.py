"""URLs of media files: what the platform cannot fetch a file from. Nothing is fetched."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from twelvelabs_async.emulator._media.media import guess_kind

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
_UNSUPPORTED_EXTENSIONS: Final = frozenset(
    (
        "apk",
        "csv",
        "dll",
        "dmg",
        "doc",
        "docx",
        "exe",
        "gz",
        "htm",
        "html",
        "iso",
        "jar",
        "js",
        "json",
        "msi",
        "odt",
        "ppt",
        "pptx",
        "rar",
        "rtf",
        "svg",
        "tar",
        "xls",
        "xlsx",
        "xml",
        "zip",
        "7z",
    )
)
"""Extensions of files that are no video, audio, image or document; any other unknown extension may be one."""


def filename_of(url: str) -> str:
    """Return the last segment of the path of a URL, `download` if it is empty."""
    return PurePosixPath(unquote(urlsplit(url).path)).name or "download"


def url_problem(url: str) -> str | None:
    """Return why no media file can be fetched from a URL, `None` if one can."""
    host = (urlsplit(url).hostname or "").lower()
    if host.endswith(UNREACHABLE_SUFFIX):
        return "The file could not be fetched from its URL."
    if is_web_page(url):
        return "The URL leads to a web page, and not to a media file."
    if PurePosixPath(filename_of(url)).suffix.lower().removeprefix(".") in _UNSUPPORTED_EXTENSIONS:
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
