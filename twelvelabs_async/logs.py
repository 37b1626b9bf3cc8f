"""Writes what a client tells into the standard library's logging, where somebody wants to read it.

Loggers are `twelvelabs_async.operation` (calls), `.http` (their attempts), `.retry` and `.ratelimit`.
`TWELVELABS_LOG=debug` (or `info`, `warning`) in the environment sends them to standard error without a line of code.
Neither keys nor the queries of addresses are in what a client tells, so they are in no log. What is logged has fields
beside its text (`extra=`): `operation`, `attempts`, `seconds`, `category`.
"""

from __future__ import annotations

import logging
import os
from typing import Any, Final

from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.events import Events, LimitUpdate, LimitWait, OperationDone

VARIABLE: Final = "TWELVELABS_LOG"
LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}

FORMAT: Final = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"

NOTABLE: Final = 1.0
"""Seconds in a queue that are worth more than a debug line."""

package: Final = logging.getLogger("twelvelabs_async")
operation: Final = logging.getLogger("twelvelabs_async.operation")
ratelimit: Final = logging.getLogger("twelvelabs_async.ratelimit")

_HANDLER: Final = logging.StreamHandler()
_HANDLER.setFormatter(logging.Formatter(FORMAT))


def follow(events: Events) -> None:
    """Log what is told from now on, if the level asks for it now: by the environment, or by the program."""
    wanted = os.environ.get(VARIABLE, "").lower()
    if wanted:
        _show(wanted)
    if operation.isEnabledFor(logging.INFO):
        events.subscribe(log)


def _show(wanted: str) -> None:
    if wanted not in LEVELS:
        raise InvalidInputError(f"{VARIABLE} is one of {', '.join(LEVELS)}, not {wanted!r}")
    package.setLevel(LEVELS[wanted])
    if _HANDLER not in package.handlers:
        package.addHandler(_HANDLER)


def log(event: Any) -> None:
    """Write one event. Retries are logged where they are decided."""
    match event:
        case OperationDone(error=None):
            operation.debug("%s: ok, %s", event.operation, _course(event), extra=_fields(event))
        case OperationDone():
            operation.info("%s: %s, %s", event.operation, _failure(event), _course(event), extra=_fields(event))
        case LimitWait():
            level = logging.INFO if (event.seconds or 0.0) >= NOTABLE else logging.DEBUG
            until = "until an answer has come" if event.seconds is None else f"for {event.seconds:.1f} s"
            ratelimit.log(
                level,
                "%s waits %s for %s, with %d in the queue",
                *(event.category, until, event.dimension, event.waiting),
                extra={"category": event.category, "seconds": event.seconds},
            )
        case LimitUpdate():
            ratelimit.debug(
                "%s: %s of %s left (%s)",
                *(event.category, event.remaining, event.limit, event.dimension),
                extra={"category": event.category},
            )
        case _:
            pass


def _course(done: OperationDone) -> str:
    return f"{done.attempts} sent, {done.seconds:.3f} s, {done.waited:.3f} s of them in the queue"


def _failure(done: OperationDone) -> str:
    text = str(done.error)
    return f"{type(done.error).__name__}{': ' if text else ''}{text}"


def _fields(done: OperationDone) -> dict[str, Any]:
    return {"operation": done.operation, "attempts": done.attempts, "seconds": done.seconds}
