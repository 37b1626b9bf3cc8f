"""Rate limits of an organization: windows of requests, minutes and tokens, and how responses report them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, Self, get_args

from twelvelabs_async.emulator._json import DAY, HOUR, MINUTE

_MAX_LIMIT = (1 << 53) - 1
_MAX_DAYS = 36_500

Dimension = Literal["Request", "Duration", "OutputToken"]
"""Unit of a limit: requests, minutes of media, or output tokens. The values are used in header names."""

HeaderStyle = Literal["plain", "dimension", "none"]
"""`plain` is `X-Ratelimit-Limit`, `dimension` is `X-Ratelimit-Request-Limit`."""

BodyStyle = Literal["full", "documented", "empty"]
PlanName = Literal["free", "documented-free", "developer", "developer-2", "developer-3"]

_UNITS = {"Request": "req", "Duration": "min", "OutputToken": "tok"}
_PERIODS = {1.0: "1sec", MINUTE: "1min", HOUR: "1hour", DAY: "1day"}


def _check_range(name: str, value: float, minimum: float, maximum: float) -> None:
    """Check a number; NaN is out of range."""
    if not minimum <= value <= maximum:
        raise ValueError(f"{name} must be from {minimum:g} to {maximum:g}, got {value}")


@dataclass(frozen=True, slots=True)
class Window:
    """A limit of one dimension per number of seconds."""

    limit: int
    """Requests, minutes or tokens per window."""
    seconds: float = MINUTE
    dimension: Dimension = "Request"
    plan_limit: bool = False
    """Whether this is a limit of the plan: the code of the 429 error is `plan_limit_exceeded`, only its message states
    when the window closes, and no response has rate-limit headers of this window."""

    def __post_init__(self) -> None:
        _check_range("limit", self.limit, 0, _MAX_LIMIT)
        _check_range("seconds", self.seconds, 0.001, _MAX_DAYS * DAY)
        if self.dimension not in get_args(Dimension):
            raise ValueError(f"dimension must be one of {', '.join(get_args(Dimension))}, got {self.dimension!r}")

    @property
    def description(self) -> str:
        """The limit as the 429 error message states it."""
        return f"{self.limit}{_UNITS[self.dimension]}/{_PERIODS.get(self.seconds, f'{self.seconds:g}sec')}"


Windows = Window | Sequence[Window]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Rate limits of an organization.

    Each category is counted separately. A category without windows of its own has those of `default`; without either,
    it is not limited, and its responses have no rate-limit headers. The categories are `index`, `upload`, `search`,
    `analyze`, `analyze-tasks`, `analyze-batches`, `knowledge-search`, `responses`, `embed-text`, `embed-image`,
    `embed-text-image`, `embed-audio`, `embed-video` and `other`.

    A request that would exceed any window of its category is rejected, and then counts in none. Minutes are those of
    the media that are indexed, analyzed or embedded. Tokens are counted when the response is generated, so one response
    may exceed their limit, and the next request is rejected.
    """

    windows: Mapping[str, Windows] = field(default_factory=dict[str, Windows])
    """Windows by category."""
    default: Windows = ()
    """Windows of categories that `windows` does not list; none by default."""
    sliding: bool = False
    """Whether a window always covers the last `seconds`. A fixed window, the default, opens with the first request
    after the previous window has closed."""
    headers: HeaderStyle = "plain"
    """`plain` reports the window with the fewest remaining requests, `dimension` one window for each dimension."""
    retry_after: bool = True
    """Whether a 429 response has a Retry-After header."""
    bodies: BodyStyle = "full"
    """Whether a 429 response has a body. `full`, the default, is what the platform really sends; `documented` leaves
    the body empty for searches and analyses, as in the API reference; `empty` always does."""
    total_minutes: int | None = None
    """Total minutes of media that may be indexed and analyzed, independent of windows; `None` for no limit."""
    index_days: int | None = None
    """Days after which an index is deleted; `None` for never."""

    def __post_init__(self) -> None:
        if self.total_minutes is not None:
            _check_range("total_minutes", self.total_minutes, 0, _MAX_LIMIT)
        if self.index_days is not None:
            _check_range("index_days", self.index_days, 0, _MAX_DAYS)

    @classmethod
    def named(cls, name: str, **changes: Any) -> Self:
        """Return one of the platform's plans.

        `free` has the limits that free accounts were observed to have: 50 requests a day for each category that costs
        money, and 15 responses a day. The others have the limits that the API reference published in 2026, with empty
        429 responses for searches and analyses; `documented-free` has the windows of `developer`. Both free plans are
        limited to 600 minutes in total, and their indexes expire.

        Args:
            name: `free`, `documented-free`, `developer`, `developer-2` or `developer-3`.
            **changes: Fields to replace.

        Raises:
            ValueError: The name is unknown.

        Example:
            from twelvelabs_async.emulator import Plan

            emulator.plan = Plan.named("free")
            await client.indexes.list()
            print(client.limits)
        """
        if name not in _PLANS:
            raise ValueError(f"unknown plan {name!r}; pass one of {', '.join(_PLANS)}")
        if name == "free":
            plan = cls(windows=_OBSERVED_WINDOWS)
        else:
            windows = {
                category: tuple(Window(row.limits[_TIERS[name]], row.seconds, row.dimension) for row in rows)
                for category, rows in _TABLE.items()
            }
            plan = cls(windows=windows, bodies="documented")
        if name in _FREE_PLANS:
            plan = replace(plan, total_minutes=600, index_days=90)
        return replace(plan, **changes)

    def windows_for(self, category: str) -> tuple[Window, ...]:
        """Return the windows of a category.

        Example:
            from twelvelabs_async.emulator import Plan

            print(Plan.named("free").windows_for("search"))
        """
        found = self.windows.get(category, self.default)
        return (found,) if isinstance(found, Window) else tuple(found)


class _TierWindow(NamedTuple):
    """Limits of a window in the three tiers."""

    dimension: Dimension
    seconds: float
    limits: tuple[int, int, int]


_PLANS: tuple[str, ...] = get_args(PlanName)
_FREE_PLANS = ("free", "documented-free")
_TIERS = {"documented-free": 0, "developer": 0, "developer-2": 1, "developer-3": 2}
_MEDIA = (_TierWindow("Duration", HOUR, (600, 1200, 2400)), _TierWindow("Duration", DAY, (3000, 6000, 12_000)))
_DAILY = _TierWindow("Request", DAY, (3000, 6000, 12_000))
_SIXTY = _TierWindow("Request", MINUTE, (60, 120, 240))
_MANY = _TierWindow("Request", MINUTE, (600, 1200, 2400))
_EMBED_FILE = (_TierWindow("Request", MINUTE, (25, 50, 75)), _TierWindow("Request", DAY, (3000, 6000, 9000)), *_MEDIA)
_EMBED_TEXT = (_MANY, _TierWindow("Request", DAY, (3000, 12_000, 30_000)))
_TABLE = {
    "index": (_SIXTY, _DAILY, *_MEDIA),
    "upload": (_SIXTY, _DAILY),
    "search": (_MANY, _DAILY),
    "analyze": (
        _SIXTY,
        _TierWindow("Request", DAY, (1000, 2000, 3000)),
        *_MEDIA,
        _TierWindow("OutputToken", MINUTE, (30_000, 60_000, 120_000)),
        _TierWindow("OutputToken", DAY, (500_000, 1_000_000, 1_500_000)),
    ),
    **dict.fromkeys(("embed-audio", "embed-video"), _EMBED_FILE),
    **dict.fromkeys(("embed-text", "embed-image", "embed-text-image"), _EMBED_TEXT),
}
_OBSERVED_WINDOWS: dict[str, Windows] = {
    **dict.fromkeys(
        ("index", "search", "analyze", "analyze-tasks", "analyze-batches", "knowledge-search"), Window(50, DAY)
    ),
    **dict.fromkeys((f"embed-{kind}" for kind in ("text", "image", "text-image", "audio", "video")), Window(50, DAY)),
    "responses": Window(15, DAY, plan_limit=True),
}
