"""Fields of JSON bodies at any depth, which a refusal names by their path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from twelvelabs_async.emulator.errors import invalid, missing

Body = Mapping[str, Any]


def _path(name: str, where: str) -> str:
    return f"{where}.{name}" if where else name


def text(body: Body, name: str, where: str = "", *, most: int | None = None) -> str:
    """Return a text that has to be there and cannot be empty.

    Raises:
        ApiError: It is not.
    """
    value = body.get(name)
    if value is None:
        raise missing(_path(name, where))
    if not isinstance(value, str) or not value or (most is not None and len(value) > most):
        raise invalid(_path(name, where), "it must be a text" + (f" of 1 to {most} characters" if most else ""))
    return value


def number(
    body: Body, name: str, least: float | None = None, most: float | None = None, *, where: str = ""
) -> float | None:
    """Return a number, if it is there.

    Raises:
        ApiError: It is no number, or out of bounds.
    """
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise invalid(_path(name, where), "it must be a number")
    if (least is not None and value < least) or (most is not None and value > most):
        raise invalid(_path(name, where), f"it must be a number from {least} to {most}")
    return float(value)


def flag(body: Body, name: str, *, default: bool) -> bool:
    """Return a boolean.

    Raises:
        ApiError: It is something else.
    """
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise invalid(name, "it must be a boolean")
    return default if value is None else value


def objects(body: Body, name: str, least: int, most: int, where: str = "") -> list[dict[str, Any]]:
    """Return a list of objects.

    Raises:
        ApiError: It is something else, or has too few or too many.
    """
    value = body.get(name)
    if value is None:
        raise missing(_path(name, where))
    entries = cast("list[Any]", value)
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in entries):
        raise invalid(_path(name, where), "it must be a list of objects")
    if not least <= len(entries) <= most:
        raise invalid(_path(name, where), f"it must have {least} to {most} entries, and has {len(entries)}")
    return entries
