"""Contrast ratio of colors, as defined by WCAG 2."""

from __future__ import annotations


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colors such as `#1b2` or `#11bb22`, from 1 to 21; level AA requires 4.5."""
    darker, lighter = sorted(map(_luminance, (first, second)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    digits = color.removeprefix("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[offset : offset + 2], 16) / 255 for offset in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
