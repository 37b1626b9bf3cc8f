"""The results of `wait_for_all`, and the callback of `wait_for_done`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar, cast

import attrs

from twelvelabs_async.errors import TwelveLabsError
from twelvelabs_async.models.common import Convertible

_T = TypeVar("_T")


PollCallback = Callable[[_T], Awaitable[None] | None]
"""Called with the resource after each poll; may be a coroutine function."""


@attrs.frozen(kw_only=True)
class WaitResult(Convertible, Generic[_T]):
    """The result of waiting for one of several resources."""

    id: str
    """Id of the resource."""
    item: _T | None = None
    """Last known state of the resource; None if it was never fetched."""
    error: TwelveLabsError | None = None
    """`ProcessingFailedError`, `WaitTimeoutError`, or why the resource cannot be fetched; None if it is ready."""

    def result(self) -> _T:
        """Return the resource, or raise `error`.

        Raises:
            TwelveLabsError: The resource is not ready; this is `error`.

        Example:
            async for outcome in client.assets.wait_for_all([asset.id]):
                print(outcome.result().filename)
        """
        if self.error is not None:
            raise self.error
        return cast("_T", self.item)
