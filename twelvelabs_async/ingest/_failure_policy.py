"""Decides what the error of a stage means: retry the stage, fail the item, or stop the run. Pure.

Used by runs of `client.ingest` and by workers.
"""

from __future__ import annotations

import logging
import random
from typing import Final

from twelvelabs_async._rate_limit.headers import PLAN_REFUSAL_CODES
from twelvelabs_async._text import cut_queries, printable
from twelvelabs_async.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ProcessingFailedError,
    QuotaExhaustedError,
    TwelveLabsError,
    UnprocessableEntityError,
    UploadError,
)
from twelvelabs_async.ingest.results import Stage, StopReason

logger: Final = logging.getLogger(__name__)

MAX_STAGE_ATTEMPTS: Final = 10
"""Number of attempts at one stage of an item. Each attempt includes the retries of its calls."""

MAX_STAGE_RETRY_DELAY: Final = 300.0
"""Longest delay between two attempts, in seconds. All delays of a stage take about ten minutes."""

DEFAULT_QUOTA_WAIT: Final = 60.0
"""Seconds to wait for a quota if the platform does not say when it resets."""


def stage_retry_delay(failed_attempts: int) -> float:
    """Return the seconds to wait after this number of consecutive failures."""
    delay = min(MAX_STAGE_RETRY_DELAY, 2.0**failed_attempts)
    return delay * random.uniform(0.5, 1.0)  # noqa: S311  # no secret


def stop_reason(error: BaseException | None) -> StopReason:
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


def is_ambiguous(error: Exception) -> bool:
    """Return whether the platform may have executed the request despite the error."""
    return isinstance(error, APIError) and error.ambiguous


def is_permanent(error: Exception) -> bool:
    """Return whether the platform has rejected the item itself, or its file has changed."""
    if stop_reason(error):
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
