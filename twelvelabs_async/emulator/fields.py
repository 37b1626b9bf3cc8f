"""Fields of JSON bodies, read with a refusal for what they must not be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from twelvelabs_async.emulator.errors import choice, invalid, missing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from twelvelabs_async.emulator.state import UserMetadata

Body = dict[str, Any]

WIDEST_INTEGER = (1 << 53) - 1
LONGEST_KEY = 128


def text(body: Body, name: str) -> str | None:
    """Return a text that may be absent.

    Raises:
        ApiError: It is no text.
    """
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid(name, "it must be a string")
    return value


def required_text(body: Body, name: str) -> str:
    """Return a text.

    Raises:
        ApiError: It is absent, empty or no text.
    """
    value = text(body, name)
    if value is None:
        raise missing(name)
    if not value.strip():
        raise invalid(name, "it must not be empty")
    return value


def flag(body: Body, name: str) -> bool:
    """Return a boolean, false if it is absent.

    Raises:
        ApiError: It is no boolean.
    """
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise invalid(name, "it must be a boolean")
    return value or False


def number(body: Body, name: str) -> float | None:
    """Return a number that may be absent.

    Raises:
        ApiError: It is no number.
    """
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid(name, "it must be a number")
    return value


def whole(body: Body, name: str, least: int, most: int) -> int | None:
    """Return a whole number that may be absent.

    Raises:
        ApiError: It is none, or out of bounds.
    """
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise invalid(name, f"it must be a whole number from {least} to {most}")
    return value


def entries(body: Body, name: str, least: int = 1, most: int | None = None) -> list[Any]:
    """Return a list.

    Raises:
        ApiError: It is absent, no list, too short or too long.
    """
    value = body.get(name)
    if value is None:
        raise missing(name)
    found = cast("list[Any]", value)
    if not isinstance(value, list) or len(found) < least or (most is not None and len(found) > most):
        bounds = f"at least {least}" + (f" and at most {most}" if most is not None else "")
        raise invalid(name, f"it must be a list with {bounds} entries")
    return found


def parts(body: Body, name: str, least: int = 1, most: int | None = None) -> list[Body]:
    """Return a list of objects.

    Raises:
        ApiError: It is none, or has the wrong length.
    """
    found = entries(body, name, least, most)
    if not all(isinstance(entry, dict) for entry in found):
        raise invalid(name, "its entries must be objects")
    return found


def texts(body: Body, name: str, least: int = 1, most: int | None = None) -> list[str]:
    """Return a list of texts without those that come a second time.

    Raises:
        ApiError: It is none, or has the wrong length.
    """
    found = entries(body, name, least, most)
    if not all(isinstance(entry, str) for entry in found):
        raise invalid(name, "its entries must be strings")
    return list(dict.fromkeys(found))


def choices(body: Body, name: str, allowed: Iterable[str]) -> list[str] | None:
    """Return a list of choices that may be absent.

    Raises:
        ApiError: It is empty, or one of its entries is no choice.
    """
    if body.get(name) is None:
        return None
    known = tuple(allowed)
    return [choice(name, entry, known) for entry in texts(body, name)]


def part(body: Body, name: str) -> Body | None:
    """Return an object that may be absent.

    Raises:
        ApiError: It is no object.
    """
    value = body.get(name)
    if value is not None and not isinstance(value, dict):
        raise invalid(name, "it must be an object")
    return cast("Body | None", value)


def required_part(body: Body, name: str) -> Body:
    """Return an object.

    Raises:
        ApiError: It is absent or no object.
    """
    value = part(body, name)
    if value is None:
        raise missing(name)
    return value


def labels(body: Body, *, pairs: int, longest: int) -> UserMetadata:
    """Return the `metadata` of something in a knowledge store, where null is refused and sizes have limits.

    Raises:
        ApiError: It is no flat object, or too large.
    """
    value = part(body, "metadata") or {}
    if len(value) > pairs:
        raise invalid("metadata", f"it has {len(value)} keys, and {pairs} are allowed")
    for key, entry in value.items():
        if len(key) > LONGEST_KEY:
            raise invalid("metadata", f"a key may have {LONGEST_KEY} characters")
        if not _is_label(entry):
            raise invalid("metadata", f"the value of {key} must be a string, a number, a boolean or a list of strings")
        if isinstance(entry, str) and len(entry) > longest:
            raise invalid("metadata", f"the value of {key} may have {longest} characters")
    return value


def _is_label(entry: object) -> bool:
    if isinstance(entry, list):
        return all(isinstance(item, str) for item in cast("list[object]", entry))
    return is_scalar(entry)


def is_scalar(entry: object) -> bool:
    """Say whether a value is a string, a number of no more than 53 bits or a boolean."""
    return isinstance(entry, str | float) or (isinstance(entry, int) and abs(entry) <= WIDEST_INTEGER)
