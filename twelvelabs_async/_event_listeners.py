"""Event listeners: checks them, calls them, and logs the events with the standard library, one line for each.

The loggers are `twelvelabs_async.operation` (calls), `.http` (attempts), `.retry` and `.ratelimit`; ingestion and
workers log by the names of their modules. A level counts from when it is set, also for clients that exist already. The
environment variable `TWELVELABS_LOG` sends the log to standard error. Events hold neither the API key nor the queries
of URLs, so the logs do not either. Log records have the fields of `_finished_fields` and `category` (`extra=`).
"""

from __future__ import annotations

import inspect
import logging
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TextIO

import attrs
from typing_extensions import override

from twelvelabs_async._arguments import describe
from twelvelabs_async._text import printable
from twelvelabs_async.errors import InvalidInputError

if TYPE_CHECKING:
    from twelvelabs_async.events import Listener, RequestFinished

LOG_LEVEL_VARIABLE: Final = "TWELVELABS_LOG"

LOG_FORMAT: Final = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"

INFO_WAIT_THRESHOLD: Final = 1.0
"""Seconds in a queue from which a wait is logged as INFO instead of DEBUG."""

package_logger: Final = logging.getLogger("twelvelabs_async")
operation_logger: Final = logging.getLogger("twelvelabs_async.operation")
rate_limit_logger: Final = logging.getLogger("twelvelabs_async.ratelimit")


logger: Final = logging.getLogger(__name__)


class StderrHandler(logging.StreamHandler[TextIO]):
    """Prints records of this package to standard error, unless a handler of the program prints them to the console."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        logger: logging.Logger | None = logging.getLogger(record.name)
        while logger is not None:
            if any(handler is not self and _prints(handler, record) for handler in logger.handlers):
                return False
            logger = logger.parent if logger.propagate else None
        return bool(super().filter(record))


def _prints(handler: logging.Handler, record: logging.LogRecord) -> bool:
    stream: object = getattr(handler, "stream", None)
    return stream in (sys.stderr, sys.stdout) and record.levelno >= handler.level


package_logger.addHandler(logging.NullHandler())  # a program that does not configure logging prints nothing

_HANDLER: Final = StderrHandler()
_HANDLER.setFormatter(logging.Formatter(LOG_FORMAT))


def enable_logging() -> None:
    """Print the log if the environment asks for it.

    Raises:
        InvalidInputError: The environment names a level that does not exist.
    """
    wanted = os.environ.get(LOG_LEVEL_VARIABLE, "").strip()
    if wanted:
        log_to_stderr(wanted)


def log_to_stderr(level: str) -> None:
    """Send the log of the package from a level on to standard error.

    Args:
        level: Name of a level, in any case, or its number. Names that the program has added to `logging` count.

    Raises:
        InvalidInputError: There is no such level.
    """
    package_logger.setLevel(_parse_level(level))
    if _HANDLER not in package_logger.handlers:
        package_logger.addHandler(_HANDLER)


def _parse_level(level: str) -> int:
    names = {name.upper(): number for name, number in logging.getLevelNamesMapping().items() if number > 0}
    number = int(level) if level.isascii() and level.isdigit() else names.get(level.upper(), 0)
    if number <= 0:
        known = ", ".join(logging.getLevelName(one).lower() for one in sorted(set(names.values())))
        raise InvalidInputError(f"{LOG_LEVEL_VARIABLE} must be one of {known}, or a number above 0, got {level!r}")
    return number


def log_event(event: object) -> None:
    """Log one event. The retry policy logs retries, and the transport attempts."""
    # Imported with the first event: most programs have none, and the classes take as long as half of the models.
    from twelvelabs_async.events import (  # noqa: PLC0415
        RateLimitUpdated,
        RateLimitWaitStarted,
        RequestFinished,
    )

    match event:
        case RequestFinished(error=None):
            operation_logger.debug("%s: ok, %s", event.operation, _format_timing(event), extra=_finished_fields(event))
        case RequestFinished():
            operation_logger.info(
                *("%s: %s, %s", event.operation, _format_failure(event), _format_timing(event)),
                extra=_finished_fields(event),
            )
        case RateLimitWaitStarted():
            level = logging.INFO if (event.delay or 0.0) >= INFO_WAIT_THRESHOLD else logging.DEBUG
            duration = "until the next response" if event.delay is None else f"for {event.delay:.1f} s"
            rate_limit_logger.log(
                level,
                "%s: waiting %s, %d in the queue (%s limit)",
                *(event.category, duration, event.queue_length, event.dimension),
                extra={"category": event.category, "seconds": event.delay},
            )
        case RateLimitUpdated():
            rate_limit_logger.debug(
                "%s: %s of %s left (%s limit)",
                *(event.category, _format_number(event.remaining), _format_number(event.limit), event.dimension),
                extra={"category": event.category},
            )
        case _:
            pass


def _format_timing(event: RequestFinished) -> str:
    return f"attempts={event.attempts} duration={event.duration:.3f}s queue={event.queue_time:.3f}s"


def _format_failure(event: RequestFinished) -> str:
    text = printable(str(event.error))
    return f"{type(event.error).__name__}{': ' if text else ''}{text}"


def _format_number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:g}"


def _finished_fields(event: RequestFinished) -> dict[str, Any]:
    """Return the fields of the log record of a call, without those that are None."""
    fields = {
        "operation": event.operation,
        "attempts": event.attempts,
        "seconds": event.duration,
        "queue_seconds": event.queue_time,
        "status_code": event.status_code,
        "request_id": event.request_id,
        "model": event.model,
        "input_tokens": event.input_tokens,
        "output_tokens": event.output_tokens,
    }
    return {name: value for name, value in fields.items() if value is not None}


def require_plain_function(name: str, value: object) -> None:
    """Check an optional callback.

    Raises:
        InvalidInputError: It is not callable, or it is asynchronous.
    """
    if value is not None and not callable(value):
        raise InvalidInputError(f"{name} must be a function, got {describe(value)}")
    call: object = getattr(value, "__call__", None)  # noqa: B004  # its kind matters, too
    if inspect.iscoroutinefunction(value) or inspect.iscoroutinefunction(call):  # its coroutine would not be awaited
        raise InvalidInputError(f"{name} must be a plain function, got an async one; create a task in it instead")


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
        """Add a listener, checked by `require_plain_function`; call the returned function to remove it."""
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
