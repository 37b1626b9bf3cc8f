"""Sees what comes back for each request: status, headers and time, and never what was sent."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
import attrs

from twelvelabs_async.clock import Clock
from twelvelabs_async.policy.headers import http_date

KEPT: Final = ("date", "x-api-version", "content-encoding", "retry-after", "retry-after-ms")
"""Headers that say something of the service; beside them all with `ratelimit` in their names."""


@attrs.frozen(kw_only=True)
class Answer:
    """One answer."""

    status: int
    """HTTP status."""
    headers: Mapping[str, str]
    """Those that say something of the service, as they were spelled."""
    seconds: float
    """From the request to the head of the answer."""
    ahead: float | None
    """Seconds by which the server's clock is ahead of ours, to about a second; None if it does not tell."""


class Witness:
    """`trace_config` goes into a client; `answers` are those that came since."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.answers: list[Answer] = []

    def trace_config(self) -> aiohttp.TraceConfig:
        """What watches a client."""
        config = aiohttp.TraceConfig()
        config.on_request_start.append(self._started)
        config.on_request_end.append(self._ended)
        return config

    async def _started(self, _: aiohttp.ClientSession, mine: SimpleNamespace, __: Any) -> None:
        mine.started = self._clock.monotonic()

    async def _ended(self, _: aiohttp.ClientSession, mine: SimpleNamespace, end: aiohttp.TraceRequestEndParams) -> None:
        told = end.response.headers
        kept = {name: text for name, text in told.items() if name.lower() in KEPT or "ratelimit" in name.lower()}
        date = http_date(told.get("Date"))
        answer = Answer(
            status=end.response.status,
            headers=kept,
            seconds=self._clock.monotonic() - mine.started,
            ahead=None if date is None else date - self._clock.time(),
        )
        self.answers.append(answer)
