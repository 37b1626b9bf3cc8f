"""What a client tells while it works, to whoever asked: `AsyncTwelveLabs(on_event=...)`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import attrs

logger: Final = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class OperationStarted:
    """A call begins. It is told in the task of the call, as is its end, so what a listener binds to that task holds."""

    number: int
    """Tells the calls of one client apart."""
    operation: str
    """Such as `POST /indexes`; `PUT storage` for a part of a file that goes to a presigned address."""
    size: int
    """Bytes of its body."""


@attrs.frozen(kw_only=True)
class RetryScheduled:
    """An attempt failed, and there will be another."""

    number: int
    """The call."""
    operation: str
    """Its operation."""
    attempt: int
    """Which attempt failed, from 1."""
    error: Exception
    """How."""
    seconds: float
    """Until the next one is made, or queues for its turn."""


@attrs.frozen(kw_only=True)
class OperationDone:
    """A call has ended, one way or another. Streams are told of when their body begins."""

    number: int
    """The call."""
    operation: str
    """Its operation."""
    size: int
    """Bytes of its body, sent with each attempt."""
    attempts: int
    """How often it was sent."""
    seconds: float
    """From its beginning: queue, attempts and waits together."""
    waited: float
    """Seconds of them spent in the queue for a limit."""
    error: BaseException | None = None
    """What is raised to the caller, cancellation included; None if it went well."""


@attrs.frozen(kw_only=True)
class LimitWait:
    """A call waits for its turn, and will for a while unless an answer says something new."""

    category: str
    """The operations that share the limit, such as `search`."""
    priority: str
    """`interactive` or `bulk`."""
    waiting: int
    """Calls of the category that wait, this one included."""
    seconds: float | None
    """How long it will wait before it asks again; None is until an answer has come."""
    dimension: str
    """What is short: `request`, `duration`, `token`."""
    limit: float | None
    """How much of it there is in a window, if known."""


@attrs.frozen(kw_only=True)
class LimitUpdate:
    """An answer told how much is left."""

    category: str
    """The operations that share the limit."""
    dimension: str
    """What is counted: `request`, `duration`, `token`."""
    limit: float | None
    """How much of it, in all, in one window."""
    remaining: float | None
    """What is left, as the server saw it when it answered."""
    resets_at: datetime | None
    """When the window ends, in UTC by the server's clock."""


Event = OperationStarted | RetryScheduled | OperationDone | LimitWait | LimitUpdate
"""Anything a listener may be told."""

Listener = Callable[[Any], object]
"""Is called in the event loop with each event, and must not block. What it raises is logged and harms no call."""


class Events:
    """Those who listen. Who has something to tell asks `wanted` first, so that silence costs nothing."""

    __slots__ = ("_listeners", "wanted")

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()
        self.wanted: bool = False
        """Whether anybody listens."""

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Tell `listener` everything from now on, until what this returns is called."""
        self._listeners = (*self._listeners, listener)
        self.wanted = True

        def unsubscribe() -> None:
            self._listeners = tuple(other for other in self._listeners if other is not listener)
            self.wanted = bool(self._listeners)

        return unsubscribe

    def tell(self, event: object) -> None:
        """Call everybody who listens, one after the other."""
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:
                logger.exception("a listener failed on %r", type(event).__name__)
