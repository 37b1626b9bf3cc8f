"""Tells those who listen how a call goes, from its beginning to its end."""

from __future__ import annotations

import itertools
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from twelvelabs_async.errors import APIError
from twelvelabs_async.events import Events, OperationDone, OperationStarted, RetryScheduled
from twelvelabs_async.policy.retry import Call

_NUMBERS: Final = itertools.count(1)


@contextmanager
def told(events: Events, operation: str, size: int, call: Call) -> Generator[None]:
    """Tell of the beginning of a call, of its retries, and of the end that the block comes to."""
    number = next(_NUMBERS)

    def retry(error: APIError, seconds: float) -> None:
        again = RetryScheduled(
            number=number, operation=operation, attempt=len(call.earlier), error=error, seconds=seconds
        )
        events.tell(again)

    call.on_retry = retry
    failure: BaseException | None = None
    events.tell(OperationStarted(number=number, operation=operation, size=size))
    try:
        yield
    except BaseException as error:
        failure = error
        raise
    finally:
        done = OperationDone(
            number=number,
            operation=operation,
            size=size,
            attempts=call.sends,
            seconds=call.clock.monotonic() - call.started,
            waited=call.waited,
            error=failure,
        )
        events.tell(done)
