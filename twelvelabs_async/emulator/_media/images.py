"""Format and dimensions of images, read from their headers without a library, and the rules of the models for them."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from twelvelabs_async.emulator._media.media import Media

HEADER_SIZE: Final = 1 << 20
"""Bytes at the beginning of a file that contain its header; metadata may come before the dimensions."""
ANALYSIS_FORMATS: Final = ("JPEG", "PNG", "WebP", "GIF", "BMP")
MAX_ANALYSIS_PIXELS: Final = 16_777_216
MARENGO_FORMATS: Final = ("JPEG", "PNG")
MIN_MARENGO_SIDE: Final = 128
_FORMATS_BY_CONTAINER: Final = {name.lower(): name for name in ANALYSIS_FORMATS} | {"bitmap": "BMP"}
_FORMATS_BY_MIME: Final = {f"image/{name.lower()}": name for name in ANALYSIS_FORMATS}
_NO_FRAME_MARKERS: Final = frozenset({0xC4, 0xC8, 0xCC})
"""JPEG markers among those of frames that begin no frame."""


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """Format and dimensions of an image; 0 if the header is incomplete."""

    format: str
    width: int
    height: int


def read_header(path: Path) -> ImageHeader | None:
    """Return the header of an image file, `None` for another file."""
    with path.open("rb") as opened:
        return parse_header(opened.read(HEADER_SIZE))


def parse_header(content: bytes) -> ImageHeader | None:
    """Return the header of an image in one of `ANALYSIS_FORMATS`, `None` for other content."""
    if content.startswith(b"\xff\xd8\xff"):
        return ImageHeader("JPEG", *_jpeg_size(content))
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return ImageHeader("PNG", *_unpack(">2I", content, 16))
    if content.startswith((b"GIF87a", b"GIF89a")):
        return ImageHeader("GIF", *_unpack("<2H", content, 6))
    if content.startswith(b"BM"):
        core = content[14:18] == b"\x0c\0\0\0"
        width, height = _unpack("<2H" if core else "<2i", content, 18)
        return ImageHeader("BMP", width, abs(height))
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return ImageHeader("WebP", *_webp_size(content))
    return None


def _unpack(layout: str, content: bytes, offset: int) -> tuple[int, int]:
    if len(content) < offset + struct.calcsize(layout):
        return 0, 0
    width, height = struct.unpack_from(layout, content, offset)
    return width, height


def _jpeg_size(content: bytes) -> tuple[int, int]:
    position = 2
    while position + 4 <= len(content) and content[position] == 0xFF:
        marker = content[position + 1]
        if 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME_MARKERS:
            height, width = _unpack(">2H", content, position + 5)
            return width, height
        fill = marker == 0xFF
        position += 1 if fill else 2 + int.from_bytes(content[position + 2 : position + 4], "big")
    return 0, 0


def _webp_size(content: bytes) -> tuple[int, int]:
    match content[12:16]:
        case b"VP8 ":
            width, height = _unpack("<2H", content, 26)
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L" if len(content) >= 25:
            bits = int.from_bytes(content[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X" if len(content) >= 30:
            return int.from_bytes(content[24:27], "little") + 1, int.from_bytes(content[27:30], "little") + 1
        case _:
            return 0, 0


def header_of(media: Media) -> ImageHeader:
    """Return the format and dimensions of an inspected or guessed image; the format is empty if it is another one."""
    by_container = _FORMATS_BY_CONTAINER.get((media.container or "").lower(), "")
    name = _FORMATS_BY_MIME.get(media.mime, "") if media.is_guessed else by_container
    return ImageHeader(name, media.width or 0, media.height or 0)


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
