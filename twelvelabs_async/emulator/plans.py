"""What an organisation may do, as data: windows in up to six dimensions, and how the server tells of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self, get_args

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0

CATEGORIES = {
    "POST /tasks": "index",
    "POST /indexes/{index-id}/indexed-assets": "index",
    "POST /assets": "upload",
    "POST /search": "search",
    "POST /analyze": "analyze",
}
"""Operations that the platform counts together; all the rest are `other`."""

BY_CONTENT = {"POST /embed", "POST /embed/tasks", "POST /embed-v2", "POST /embed-v2/tasks"}
"""Operations whose category depends on what is embedded, so that only their handlers know it."""

OTHER = "other"
TOTALLED = frozenset({"index", "analyze"})
"""Categories whose minutes a plan may limit for good."""

Dimension = Literal["Request", "Duration", "OutputToken"]
"""What is counted: requests, minutes of media, tokens of text. The words are those of the headers."""

Headers = Literal["plain", "dimension", "none"]
"""`plain` is `X-Ratelimit-Limit`, `dimension` is `X-Ratelimit-Request-Limit`."""

Bodies = Literal["api", "full", "empty"]
PlanName = Literal["free", "developer", "developer-2", "developer-3"]

_UNITS = {"Request": "req", "Duration": "min", "OutputToken": "tok"}
_PERIODS = {1.0: "1sec", MINUTE: "1min", HOUR: "1hour", DAY: "1day"}


@dataclass(frozen=True, slots=True)
class Window:
    """So much of one dimension in so many seconds."""

    limit: int
    """Requests, minutes or tokens."""
    seconds: float = MINUTE
    dimension: Dimension = "Request"

    @property
    def text(self) -> str:
        """The limit in the words of the refusal."""
        return f"{self.limit}{_UNITS[self.dimension]}/{_PERIODS.get(self.seconds, f'{self.seconds:g}sec')}"


Windows = Window | Sequence[Window]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an organisation may do.

    Every category has its own count. A category without windows of its own gets those of `default`, and without those
    it is not limited and says nothing about limits. The categories are `index`, `upload`, `search`, `analyze`,
    `embed-text`, `embed-image`, `embed-text-image`, `embed-audio`, `embed-video` and `other`.

    A request is refused when it would cross any window of its category, and then it counts in none. Minutes are those
    of the media it is about, as far as that is indexed, analyzed or embedded; tokens are counted when the answer is
    written, so that one answer may cross their limit, and the next request is refused.
    """

    windows: Mapping[str, Windows] = field(default_factory=dict[str, Windows])
    """By category."""
    default: Windows = ()
    sliding: bool = False
    """Whether a window is always the last so many seconds. Otherwise it is fixed: it opens with the first request
    after the one before has closed, and is empty then."""
    headers: Headers = "plain"
    """`plain` tells of the requests that are left in the tightest window, `dimension` of every dimension apart."""
    retry_after: bool = True
    """Whether a 429 says when to come back."""
    bodies: Bodies = "api"
    """Whether a 429 has a body: `api` leaves it empty where the API does, which is for searches and analyses."""
    total_minutes: int | None = None
    """Minutes of media that may ever be indexed and analyzed together, whatever the windows say; `None` for any."""
    index_days: int | None = None
    """Days after which an index is deleted; `None` keeps it."""

    @classmethod
    def named(cls, name: str, **changes: Any) -> Self:
        """Return the plan `free`, `developer`, `developer-2` or `developer-3`, with fields of it changed.

        The first two count alike, but on a free plan there are 600 minutes in all, and indexes expire. The figures are
        those of the platform's table of 2026, which real accounts did not always have.

        Raises:
            ValueError: There is no such plan.
        """
        if name not in PLANS:
            raise ValueError(f"unknown plan {name!r}: it is one of {', '.join(PLANS)}")
        tier = max(0, PLANS.index(name) - 1)
        windows = {category: tuple(row.window(tier) for row in rows) for category, rows in _TABLE.items()}
        free = cls(windows=windows, total_minutes=600, index_days=90)
        plan = free if name == "free" else cls(windows=windows)
        return replace(plan, **changes)

    def windows_of(self, category: str) -> tuple[Window, ...]:
        """Return every window that counts a request of the category."""
        found = self.windows.get(category, self.default)
        return (found,) if isinstance(found, Window) else tuple(found)


@dataclass(frozen=True, slots=True)
class _Row:
    """One window in the three tiers."""

    dimension: Dimension
    seconds: float
    limits: tuple[int, int, int]

    def window(self, tier: int) -> Window:
        return Window(self.limits[tier], self.seconds, self.dimension)


PLANS: tuple[str, ...] = get_args(PlanName)
_MEDIA = (_Row("Duration", HOUR, (600, 1200, 2400)), _Row("Duration", DAY, (3000, 6000, 12_000)))
_DAILY = _Row("Request", DAY, (3000, 6000, 12_000))
_SIXTY = _Row("Request", MINUTE, (60, 120, 240))
_MANY = _Row("Request", MINUTE, (600, 1200, 2400))
_EMBED_FILE = (_Row("Request", MINUTE, (25, 50, 75)), _Row("Request", DAY, (3000, 6000, 9000)), *_MEDIA)
_EMBED_WORD = (_MANY, _Row("Request", DAY, (3000, 12_000, 30_000)))
_TABLE = {
    "index": (_SIXTY, _DAILY, *_MEDIA),
    "upload": (_SIXTY, _DAILY),
    "search": (_MANY, _DAILY),
    "analyze": (
        _SIXTY,
        _Row("Request", DAY, (1000, 2000, 3000)),
        *_MEDIA,
        _Row("OutputToken", MINUTE, (30_000, 60_000, 120_000)),
        _Row("OutputToken", DAY, (500_000, 1_000_000, 1_500_000)),
    ),
    **dict.fromkeys(("embed-audio", "embed-video"), _EMBED_FILE),
    **dict.fromkeys(("embed-text", "embed-image", "embed-text-image"), _EMBED_WORD),
}
