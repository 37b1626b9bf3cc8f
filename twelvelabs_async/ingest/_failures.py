"""Decides what failures mean: retry the stage, fail the item, stop the run, or wait for the end of an outage.

Used by runs of `client.ingest` and by workers.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from twelvelabs_async._rate_limit.headers import PLAN_REFUSAL_CODES
from twelvelabs_async._text import cut_queries, printable
from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ProcessingFailedError,
    QuotaExhaustedError,
    RateLimitError,
    TwelveLabsError,
    UnprocessableEntityError,
    UploadError,
)
from twelvelabs_async.events import RequestFinished, RetryScheduled
from twelvelabs_async.ingest.events import OnEvent, OutageEnded, OutageStarted
from twelvelabs_async.ingest.results import Stage, StopReason

logger: Final = logging.getLogger(__name__)

MAX_STAGE_ATTEMPTS: Final = 10
"""Number of attempts at one stage of an item. Each attempt includes the retries of its calls."""

MAX_STAGE_RETRY_DELAY: Final = 300.0
"""Longest delay between two attempts, in seconds. All delays of a stage take about ten minutes."""

DEFAULT_QUOTA_WAIT: Final = 60.0
"""Seconds to wait for a quota if the platform does not say when it resets."""


OUTAGE_THRESHOLD: Final = 30.0
"""Seconds after the first request without an answer, while no other gets one, after which errors count as an outage."""

FIRST_PROBE_DELAY: Final = 5.0
"""Seconds between the first two probes; each delay is twice as long as the one before."""

MAX_PROBE_DELAY: Final = 60.0
"""Longest delay between two probes, in seconds."""


def stage_retry_delay(failed_attempts: int) -> float:
    """Return the seconds to wait after this number of consecutive failures."""
    delay = min(MAX_STAGE_RETRY_DELAY, 2.0**failed_attempts)
    return delay * random.uniform(0.5, 1.0)  # noqa: S311  # no secret


def reason_to_stop(error: BaseException | None) -> StopReason:
    """Return why an error would also hit every other item; empty if it concerns only one item."""
    if isinstance(error, AuthenticationError):
        return "auth"
    if isinstance(error, QuotaExhaustedError) or (isinstance(error, APIError) and error.code in PLAN_REFUSAL_CODES):
        return "quota"
    return ""


def is_stage_retryable(error: Exception) -> bool:
    """Return whether another attempt at the stage may succeed."""
    if isinstance(error, UploadError):  # an upload that was interrupted, unless the file has changed
        return isinstance(error.__cause__, APIError)
    return isinstance(error, APIError) and (error.retryable or error.ambiguous)


def is_permanent(error: Exception) -> bool:
    """Return whether the platform has rejected the item itself, or its file has changed."""
    if reason_to_stop(error):
        return False
    source_changed = isinstance(error, UploadError) and error.source_changed
    too_large = isinstance(error, APIError) and error.status_code == 413
    return (
        source_changed
        or too_large
        or isinstance(error, ProcessingFailedError | BadRequestError | UnprocessableEntityError)
    )


def error_line(error: Exception) -> str:
    """Return an error as one line."""
    return str(error) if isinstance(error, TwelveLabsError) else printable(f"{type(error).__name__}: {error}")


def log_unexpected(error: Exception, source: str, stage: Stage) -> None:
    """Log an error that is a defect, with its traceback. A defect that one file exposes must not stop the others."""
    if not isinstance(error, TwelveLabsError | OSError):
        logger.error("unexpected error of %s in the stage %s", cut_queries(printable(source)), stage, exc_info=error)


def is_unanswered(error: BaseException | None) -> bool:
    """Return whether an error says that the platform could not be reached, or answered with a server error."""
    if isinstance(error, UploadError):
        error = error.__cause__
    if not isinstance(error, APIError) or isinstance(error, RateLimitError):
        return False
    return error.status_code is None or error.status_code >= 500


class OutageDetector:
    """Knows since when requests get no answers. Pass it the events of the client.

    Args:
        clock: The clock.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._unanswered_since: float | None = None

    def on_client_event(self, event: object) -> None:
        """Record whether a request got an answer. Time without requests is no outage."""
        if not isinstance(event, RequestFinished | RetryScheduled):
            return
        error = event.error
        if is_unanswered(error):
            if self._unanswered_since is None:
                self._unanswered_since = self._clock.monotonic()
        elif error is None or (isinstance(error, APIError) and error.status_code is not None):
            self._unanswered_since = None  # other requests were cancelled, or never sent

    @property
    def seconds_without_answer(self) -> float:
        """Seconds since the first request without an answer, if no other has got one since."""
        return 0.0 if self._unanswered_since is None else self._clock.monotonic() - self._unanswered_since

    def is_outage(self, error: BaseException, threshold: float = OUTAGE_THRESHOLD) -> bool:
        """Return whether an error is part of an outage, and not of its item."""
        return is_unanswered(error) and self.seconds_without_answer >= threshold


class OutageWaiter(OutageDetector):
    """Waits for the end of an outage. One task sends probes, however many wait.

    Args:
        clock: The clock.
        probe: Sends one request; raises an error if it fails.
        emit: Receives the events.
    """

    def __init__(self, clock: Clock, probe: Callable[[], Awaitable[object]], emit: OnEvent) -> None:
        super().__init__(clock)
        self._probe = probe
        self._emit = emit
        self._waiting: asyncio.Future[bool] | None = None
        self.over: asyncio.Event = asyncio.Event()
        """Set while there is no outage."""
        self.over.set()

    async def wait(self, error: BaseException, *, threshold: float = OUTAGE_THRESHOLD) -> bool:
        """Return True after the end of an outage; False immediately if the error is not part of one.

        Args:
            error: The error of a request.
            threshold: Seconds without an answer after which it counts as part of an outage.
        """
        if self._waiting is not None and is_unanswered(error):
            return await asyncio.shield(self._waiting)
        if not self.is_outage(error, threshold):
            return False
        self._waiting = waiting = asyncio.get_running_loop().create_future()
        self.over.clear()
        waited = False
        try:
            waited = await self._send_probes(error)
        finally:
            self._waiting = None
            self.over.set()
            waiting.set_result(waited)
        return waited

    async def _send_probes(self, error: BaseException) -> bool:
        """Return after a probe has got an answer, and whether the first one got none."""
        if await self._is_answered():
            return False
        silence = self.seconds_without_answer
        since = datetime.fromtimestamp(self._clock.time() - silence, UTC)
        self._emit(OutageStarted(since=since, error=str(error)))
        started, delay = self._clock.monotonic(), FIRST_PROBE_DELAY
        await self._clock.sleep(delay)
        while not await self._is_answered():
            delay = min(MAX_PROBE_DELAY, delay * 2)
            await self._clock.sleep(delay)
        self._emit(OutageEnded(seconds=silence + self._clock.monotonic() - started))
        return True

    async def _is_answered(self) -> bool:
        try:
            await self._probe()
        except APIError as error:
            return not is_unanswered(error)
        return True
