"""Operations the platform is about to give up: they work, and say what to use instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import typing_extensions

F = TypeVar("F", bound=Callable[..., Any])

WHAT: Final = "the platform is giving this operation up"


def deprecated(instead: str) -> Callable[[F], F]:
    """Decorates a method so that calling it is a `DeprecationWarning`, told at the line of the call.

    Editors are left alone: the operations work as before until the platform ends them.

    Args:
        instead: What to use now.
    """
    marked = typing_extensions.deprecated(f"{WHAT}; use {instead}")  # pyright: ignore[reportArgumentType]  # a literal, for editors
    return marked.__call__
