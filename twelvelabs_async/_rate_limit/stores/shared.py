"""The base of stores that several processes share: they load a category, change it and write it back, atomically.

The arithmetic is that of `CategoryState`. A store keeps one text for each category, of constant size, and one for each
request in flight, so that an operation costs the same with 1 and with 500 requests in flight.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final, Protocol, TypeVar

import attrs
from typing_extensions import override

from twelvelabs_async._rate_limit.windows import CategoryState, InFlightRequest
from twelvelabs_async.rate_limits import Costs, RateLimitInfo, RateLimitStore, RequiredWait

T = TypeVar("T")

RESERVATION_LEASE: Final = 120.0
"""Seconds after which a request without a response counts as sent and lost: its process may have died."""

NO_RESERVATION: Final = 0
"""Stands for a reservation id in operations that end no reservation."""

_encode: Final = json.JSONEncoder(separators=(",", ":")).encode


class LoadedCategory:
    """A category as a store keeps it, and what an operation changes in it.

    Args:
        text: The stored state; empty if there is none.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._loaded: Mapping[int, str] = {}
        self.state: CategoryState = CategoryState.from_state(json.loads(text)) if text else CategoryState()
        """The state to change."""

    def load_in_flight(self, texts: Mapping[int, str]) -> None:
        """Add the stored requests in flight that the operation needs."""
        self._loaded = texts
        self.state.in_flight = {
            reservation_id: InFlightRequest(**json.loads(texts[reservation_id])) for reservation_id in sorted(texts)
        }

    def changed_text(self) -> str | None:
        """Return the state to write; None if it has not changed."""
        text = _encode(self.state.to_state())
        return None if text == self._text else text

    def changed_in_flight(self) -> dict[int, str | None]:
        """Return the requests in flight to write by reservation id; None stands for one to delete."""
        in_flight = self.state.in_flight
        changed: dict[int, str | None] = dict.fromkeys(self._loaded.keys() - in_flight.keys())
        for reservation_id in in_flight.keys() - self._loaded.keys():
            changed[reservation_id] = _encode(attrs.asdict(in_flight[reservation_id]))
        return changed


class SharedStore(RateLimitStore, Protocol):
    """A store whose operations each change one category."""

    async def _update(self, category: str, reservation_id: int, change: Callable[[CategoryState, float], T]) -> T:
        """Load a category, call `change` with its state and the current time, and write the result, atomically."""
        ...

    @override
    async def reserve(self, category: str, costs: Costs) -> int | RequiredWait:
        return await self._update(
            category, NO_RESERVATION, lambda state, now: state.reserve(costs, now, RESERVATION_LEASE)
        )

    @override
    async def record_response(
        self, category: str, reservation_id: int, info: RateLimitInfo, *, rate_limited: bool, jitter: float
    ) -> None:
        def record(state: CategoryState, now: float) -> None:
            state.record_response(reservation_id, info, now, rate_limited=rate_limited, jitter=jitter)

        await self._update(category, reservation_id, record)

    @override
    async def release(self, category: str, reservation_id: int, *, sent: bool) -> None:
        await self._update(category, reservation_id, lambda state, _: state.release(reservation_id, sent=sent))
