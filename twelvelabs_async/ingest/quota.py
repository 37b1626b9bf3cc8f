"""What to do when a quota is used up: stop the run, or let it sleep until the quota is back."""

from __future__ import annotations

from typing import Final, Literal

from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import APIError, AuthenticationError, QuotaExhaustedError, TwelveLabsError
from twelvelabs_async.ingest.events import OnEvent, QuotaWait
from twelvelabs_async.ingest.outcome import Stopped

OnQuota = Literal["stop", "wait"]
"""Whether a used-up quota ends an ingestion, to be resumed later, or makes it wait."""

UNTOLD: Final = 60.0
"""Seconds to wait where the platform does not say how long."""

SPENT: Final = "usage_limit_exceeded"
"""The platform's code for a plan that is used up for good."""


def stops(error: BaseException | None) -> Stopped:
    """Why a failure would be that of every other item too; empty if it is the item's own."""
    if isinstance(error, AuthenticationError):
        return "auth"
    if isinstance(error, QuotaExhaustedError) or (isinstance(error, APIError) and error.code == SPENT):
        return "quota"
    return ""


class NotBegunError(Exception):
    """An item was not begun, because the run had ended."""


class Halt:
    """Whether anything more is to be begun."""

    def __init__(self) -> None:
        self.reason: Stopped = ""
        """Why not; empty as long as it is."""
        self.why: Exception | None = None
        """The failure that showed it; None if it was asked to."""

    def note(self, failure: Exception) -> None:
        """Begin nothing more, if `failure` would be that of every other item too."""
        reason = stops(failure)
        if reason and not self.reason:
            self.reason, self.why = reason, failure

    def drain(self) -> None:
        """Begin nothing more, as somebody has asked."""
        self.reason = self.reason or "drained"

    def check(self) -> None:
        """Raise `NotBegunError` if nothing more is to be begun."""
        if self.reason:
            raise NotBegunError


class QuotaPause:
    """Waits for quotas, and tells of each wait once."""

    def __init__(self, on_quota: OnQuota, clock: Clock, tell: OnEvent) -> None:
        self._on_quota = on_quota
        self._clock = clock
        self._tell = tell
        self._until: dict[tuple[str, str], float] = {}

    async def bear(self, error: TwelveLabsError) -> None:
        """Wait until the quota is back that `error` is about.

        Raises:
            TwelveLabsError: `error`, if it is about something else, or nothing is to be waited for.
        """
        if self._on_quota == "stop" or not isinstance(error, QuotaExhaustedError):
            raise error
        seconds = error.retry_after if error.retry_after is not None else UNTOLD
        until, quota = self._clock.monotonic() + seconds, (error.category, error.dimension)
        if until > self._until.get(quota, 0.0) + 1.0:
            self._until[quota] = until
            self._tell(
                QuotaWait(
                    category=error.category, dimension=error.dimension, seconds=seconds, resets_at=error.resets_at
                )
            )
        await self._clock.sleep(seconds)
