"""A rate-limit store in memory: the contract of `RateLimitStore` without a server or a file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from typing_extensions import override

from twelvelabs_async._rate_limit.windows import CategoryState
from twelvelabs_async.rate_limits import Costs, RateLimitInfo, RateLimitStore, RequiredWait


class MemoryStore(RateLimitStore):
    """Keeps the categories of one organization in a dict.

    Args:
        now: Monotonic clock, in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._states = defaultdict[str, CategoryState](CategoryState)

    @property
    @override
    def poll_interval(self) -> None:
        return None

    def category_state(self, category: str) -> CategoryState:
        """Return the state of a category."""
        return self._states[category]

    @override
    async def reserve(self, category: str, costs: Costs) -> int | RequiredWait:
        return self._states[category].reserve(costs, self._now())

    @override
    async def record_response(
        self, category: str, reservation_id: int, info: RateLimitInfo, *, rate_limited: bool, jitter: float
    ) -> None:
        self._states[category].record_response(
            reservation_id, info, self._now(), rate_limited=rate_limited, jitter=jitter
        )

    @override
    async def release(self, category: str, reservation_id: int, *, sent: bool) -> None:
        self._states[category].release(reservation_id, sent=sent)

    @override
    async def snapshot(self) -> dict[str, dict[str, Any]]:
        return {category: state.to_state() for category, state in self._states.items()}

    @override
    async def aclose(self) -> None:
        pass
