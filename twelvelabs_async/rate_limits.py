"""Rate limits: what the client knows about them, and the protocol of a store that shares them between processes.

`AsyncTwelveLabs.limits` returns a `CategoryLimits` for each category. Pass a `RateLimitStore` as
`AsyncTwelveLabs(rate_limit_store=)` to keep the state somewhere other than in memory, in an SQLite file or in Redis.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Protocol, runtime_checkable

import attrs

LimitsSource = Literal["headers", "429s", "none"]
"""Where the numbers of a category come from: response headers, counted 429 responses, or nowhere yet."""

Costs = Mapping[str, float]
"""What a request uses of each dimension, in the units of the server's headers. Always contains `request`."""


@attrs.frozen(kw_only=True)
class WindowLimits:
    """The limit of one dimension, as responses reported it."""

    dimension: str
    """What is counted: `request`, `duration` (minutes of media) or `token`."""
    limit: float | None
    """Size of the window."""
    remaining: float | None
    """Amount left in the window."""
    resets_at: datetime | None
    """When the window ends, in UTC by the server's clock."""


@attrs.frozen(kw_only=True)
class CategoryLimits:
    """The limits of one category of operations, as this client knows them."""

    category: str
    """Operations that share the limits, for example `search`."""
    windows: tuple[WindowLimits, ...]
    """Windows that responses reported and that have not ended; one dimension may have several."""
    waiting: int
    """Number of calls in the queue."""
    in_flight: int
    """Number of calls in flight."""
    rate_limited_count: int
    """Number of 429 responses so far."""
    source: LimitsSource
    """Where the numbers come from."""

    @property
    def most_constrained(self) -> WindowLimits | None:
        """The window with the smallest share left; None if no limit is known."""
        known = [window for window in self.windows if window.limit and window.remaining is not None]
        return min(known, key=lambda window: (window.remaining or 0.0) / (window.limit or 1.0), default=None)

    @property
    def limit(self) -> float | None:
        """Size of the most constrained window."""
        return None if self.most_constrained is None else self.most_constrained.limit

    @property
    def remaining(self) -> float | None:
        """Amount left in the most constrained window."""
        return None if self.most_constrained is None else self.most_constrained.remaining

    @property
    def resets_at(self) -> datetime | None:
        """When the most constrained window ends."""
        return None if self.most_constrained is None else self.most_constrained.resets_at

    def _repr_html_(self) -> str:
        """Return a table of the windows and the calls, for notebooks."""
        from twelvelabs_async._html import object_table  # noqa: PLC0415  # notebooks only

        return object_table(self)


class LimitsByCategory(dict[str, CategoryLimits]):
    """The limits of each category that was used, by its name; notebooks show a table."""

    def _repr_html_(self) -> str:
        """Return a table with a row for each category."""
        from twelvelabs_async._html import row_table  # noqa: PLC0415  # notebooks only

        names = ("category", "remaining", "limit", "resets_at", "waiting", "in_flight", "rate_limited_count", "source")
        return row_table([{name: getattr(one, name) for name in names} for one in self.values()], "Rate limits")


@attrs.define(kw_only=True)
class WindowInfo:
    """Rate-limit headers of one dimension in one response."""

    limit: int | None = None
    """Size of the window."""
    remaining: int | None = None
    """Amount left in the window when the server sent the response."""
    reset: float | None = None
    """When the window ends, in seconds since the epoch by the server's clock."""


@attrs.define(kw_only=True)
class RateLimitInfo:
    """The rate-limit information of one response."""

    server_time: float
    """Time of the response in seconds since the epoch: its `Date` header, otherwise this machine's clock."""
    retry_after: float | None = None
    """Seconds to wait before the next request; None if the response does not say."""
    resets_at: float | None = None
    """When the quota resets, in seconds since the epoch by the server's clock; None if the response does not say."""
    windows: Mapping[str, WindowInfo] = attrs.field(factory=dict[str, WindowInfo], hash=False)
    """Rate-limit headers by dimension; headers without a dimension are `request`."""
    limit: float | None = None
    """Limit that the message of a 429 names, such as 100 in `(100req/1day)`; None if it names none."""
    limit_dimension: str | None = None
    """What that limit counts, such as `request`."""
    is_plan_refusal: bool = False
    """Whether the plan of the account does not allow the request: without `retry_after`, no wait helps."""


@attrs.frozen
class RequiredWait:
    """The reason why a request cannot be sent yet."""

    seconds: float | None
    """Seconds until it is worth trying again, jitter included; None means after the next response."""
    certain: bool = False
    """Whether it is known that no request can be sent earlier."""
    dimension: str = "request"
    """The dimension that is exhausted."""
    limit: float | None = None
    """Size of the exhausted window; None if unknown."""
    resets_in: float | None = None
    """Seconds until the quota resets, without jitter: compared with `max_wait`. None means `seconds`."""
    resets_at: float | None = None
    """When it resets, in seconds since the epoch by the server's clock; None if the server did not report it."""

    @property
    def is_quota(self) -> bool:
        """Whether a limit or its reset is known; otherwise the wait serves to find out the limit."""
        return self.certain or self.limit is not None


@runtime_checkable
class RateLimitStore(Protocol):
    """Keeps the rate-limit state of each category of one organization, for several processes.

    Each operation is atomic, and all processes use one clock. If an operation raises, the client falls back to its own
    memory and retries the store after five seconds.

    Example:
        async with AsyncTwelveLabs(rate_limit_store="sqlite:///limits.db") as client:
            await client.indexes.list()
    """

    @property
    def poll_interval(self) -> float | None:
        """Seconds between attempts to reserve when `RequiredWait.seconds` is None.

        None means that every response that can end the wait arrives in this process.
        """
        ...

    async def reserve(self, category: str, costs: Costs) -> int | RequiredWait:
        """Reserve the costs of a request in every dimension, or in none.

        Returns:
            The id of the reservation, above 0; or why the request has to wait.
        """
        ...

    async def record_response(
        self, category: str, reservation_id: int, info: RateLimitInfo, *, rate_limited: bool, jitter: float
    ) -> None:
        """End a reservation whose request got a response, and learn from the response.

        Args:
            category: The category of the reservation.
            reservation_id: An id that `reserve` returned. An unknown id is accepted: its response still counts.
            info: Rate-limit information of the response.
            rate_limited: Whether the status was 429.
            jitter: Number from 0 to 1 that spreads the end of the wait after a 429.
        """
        ...

    async def release(self, category: str, reservation_id: int, *, sent: bool) -> None:
        """End a reservation without a response; if the request was sent, the server may have counted it."""
        ...

    async def snapshot(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the state of each category as JSON types, for dashboards."""
        ...

    async def aclose(self) -> None:
        """Close connections and files; a second call does nothing."""
        ...
