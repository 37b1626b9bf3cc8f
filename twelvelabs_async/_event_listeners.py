"""Checks the listeners of events, calls them, and logs the events."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import attrs

from twelvelabs_async._logging import log_event
from twelvelabs_async.errors import InvalidInputError

if TYPE_CHECKING:
    from twelvelabs_async.events import Listener

logger: Final = logging.getLogger(__name__)


def refuse_async(name: str, callback: object) -> None:
    """Raise `InvalidInputError` if a callback is an async function, whose coroutine would not be awaited."""
    call: object = getattr(callback, "__call__", None)  # noqa: B004  # its kind matters, too
    if inspect.iscoroutinefunction(callback) or inspect.iscoroutinefunction(call):
        raise InvalidInputError(f"{name} must be a plain function, got an async one; create a task in it instead")


def require_plain_function(name: str, value: object) -> None:
    """Check an optional callback.

    Raises:
        InvalidInputError: It is not callable, or it is asynchronous.
    """
    if value is not None and not callable(value):
        raise InvalidInputError(f"{name} must be a function, got {type(value).__name__}")
    refuse_async(name, value)


def plain_function(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Validate an optional callback."""
    require_plain_function(attribute.name, value)


class EventDispatcher:
    """The listeners of a client, and its log.

    Create an event only if `has_listeners`, or if its logger is enabled for the level of the event.
    """

    __slots__ = ("_listener_failed", "_listeners", "has_listeners")

    def __init__(self) -> None:
        self._listeners: tuple[Listener, ...] = ()
        self._listener_failed = False
        self.has_listeners: bool = False
        """Whether there is a listener."""

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Add a listener; call the returned function to remove it.

        Raises:
            InvalidInputError: It is an async function, which would never run.
        """
        refuse_async("on_event", listener)
        self._listeners = (*self._listeners, listener)
        self.has_listeners = True

        def unsubscribe() -> None:
            self._listeners = tuple(other for other in self._listeners if other is not listener)
            self.has_listeners = bool(self._listeners)

        return unsubscribe

    def emit(self, event: object) -> None:
        """Log an event, and call all listeners in the order in which they were added.

        The first exception of a listener is an error in the log; later ones have level `DEBUG`.
        """
        log_event(event)
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:
                level = logging.DEBUG if self._listener_failed else logging.ERROR
                self._listener_failed = True
                logger.log(level, "on_event raised an exception on %s", type(event).__name__, exc_info=True)
