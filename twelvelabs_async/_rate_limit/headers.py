"""Parses the rate-limit headers of responses. Unreadable or implausible values count as absent.

The platform sends `X-Ratelimit-{Limit,Remaining,Used,Reset}`, or one set for each dimension,
`X-Ratelimit-{Dimension}-{Limit,...}`. Which of them a response has is not specified, so any name of that form is read.
`Reset` is in seconds since the epoch. See https://docs.twelvelabs.io/docs/get-started/rate-limits
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final

from twelvelabs_async.rate_limits import RateLimitInfo, WindowInfo

MAX_ADVISED_WAIT: Final = 32 * 86400.0
"""Longest wait in seconds that a server can mean; longer ones are ignored."""

DIMENSION_ALIASES: Final = {"outputtoken": "token", "output-token": "token", "tokens": "token", "requests": "request"}
"""Other names that servers use for a dimension."""

NO_WINDOWS: Final[Mapping[str, WindowInfo]] = {}
"""Of a response without rate-limit headers; shared, and never changed."""

_HEADER_NAME: Final = re.compile(r"x-ratelimit-(?:([a-z0-9_-]+)-)?(limit|remaining|used|reset)", re.IGNORECASE)
PLAN_REFUSAL_CODES: Final = frozenset({"plan_limit_exceeded", "usage_limit_exceeded", "api_allowed_for_paid_plan"})
"""Error codes of requests that the plan of the account does not allow. Their statuses differ."""

MAX_SEARCHED_BODY: Final = 4096
"""Bytes of the body of a 429 that are searched."""

_CODE: Final = re.compile(rb'"(?:error_)?code"\s*:\s*"([^"]{1,100})"')
_LIMIT: Final = re.compile(rb"\(([\d,]{1,15}) ?([a-z]{0,12}) ?/ ?\d{0,6} ?[a-z]{1,10}\)", re.IGNORECASE)
_UNITS: Final = {"": "request", "req": "request", "call": "request", "min": "duration", "minute": "duration"}
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?", re.IGNORECASE)
_TIMESTAMP: Final = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)")

RESET_TOLERANCE: Final = 2.0
"""Seconds by which `Retry-After`, which counts whole seconds from an unknown time, may differ from a reset time."""


def parse_rate_limit_headers(headers: Mapping[str, str], *, now: float, body: bytes = b"") -> RateLimitInfo:
    """Parse the headers of a response.

    Args:
        headers: All headers.
        now: Seconds since the epoch by this machine's clock, for a response without `Date`.
        body: Body of a 429. It is searched for what the headers do not say: the reset, the limit, and whether the plan
            is the reason.
    """
    server_time = parse_http_date(headers.get("Date")) or now
    windows = parse_windows(headers)
    resets: list[float] = []
    for window in windows.values():
        if window.remaining == 0 and window.reset is not None:
            resets.append(window.reset)  # noqa: PERF401  # each response runs this, and a comprehension is a call
    has_retry_after = "Retry-After" in headers or "retry-after-ms" in headers
    if not (body or resets or has_retry_after):
        return RateLimitInfo(server_time=server_time, windows=windows)
    retry_after = parse_retry_after(headers, server_time=server_time) if has_retry_after else None
    body = body[:MAX_SEARCHED_BODY]
    resets_at = _reset_time(retry_after, resets, _times_in(body), server_time)
    if retry_after is None and resets_at is not None:
        retry_after = resets_at - server_time
    if not body:
        return RateLimitInfo(server_time=server_time, retry_after=retry_after, resets_at=resets_at, windows=windows)
    code = _CODE.search(body)
    limit, dimension = _limit_from_body(body)
    return RateLimitInfo(
        server_time=server_time,
        retry_after=retry_after,
        resets_at=resets_at,
        windows=windows,
        limit=limit,
        limit_dimension=dimension,
        is_plan_refusal=code is not None and code[1].decode(errors="replace") in PLAN_REFUSAL_CODES,
    )


def parse_windows(headers: Mapping[str, str]) -> Mapping[str, WindowInfo]:
    """Parse the limits by dimension; `Used` stands in for a missing `Remaining`."""
    plan = _window_plan(tuple(headers))
    if not plan:
        return NO_WINDOWS
    values = (*headers.values(), "")
    windows = dict[str, WindowInfo]()
    for dimension, (at_limit, at_remaining, at_reset, at_used) in plan:
        limit, reset, used = parse_float(values[at_limit]), parse_float(values[at_reset]), parse_float(values[at_used])
        text = values[at_remaining]
        # It differs in each response, so that the cache of `parse_float` is no help. A float holds 15 digits exactly.
        remaining = float(text) if text.isdecimal() and len(text) <= 15 else parse_float(text)
        if remaining is None and limit is not None and used is not None:
            remaining = int(limit) - int(used)  # as integers: the difference of large floats is inexact
        elif limit is None and remaining is None and reset is None and used is None:
            continue
        windows[dimension] = WindowInfo(
            limit=None if limit is None else int(limit),
            remaining=None if remaining is None else max(0, int(remaining)),
            reset=reset,
        )
    return windows


_FIELDS: Final = ("limit", "remaining", "reset", "used")


@lru_cache(maxsize=64)  # a server sends the same headers, in the same order, with each response
def _window_plan(names: tuple[str, ...]) -> tuple[tuple[str, list[int]], ...]:
    """Return the dimensions among the names of headers, each with the positions of its `_FIELDS`, -1 if absent."""
    plan: dict[str, list[int]] = {}
    for position, name in enumerate(names):
        match = _HEADER_NAME.fullmatch(name)
        if match is not None:
            dimension = (match[1] or "request").lower()
            positions = plan.setdefault(DIMENSION_ALIASES.get(dimension, dimension), [-1] * len(_FIELDS))
            positions[_FIELDS.index(match[2].lower())] = position
    return tuple(plan.items())


def parse_retry_after(headers: Mapping[str, str], *, server_time: float) -> float | None:
    """Return the longest wait in seconds that `Retry-After` (seconds or a date) and `retry-after-ms` advise.

    None if there is none, or it is unreadable.
    """
    waits = list[float | None]()
    for name, text in headers.items():  # a header may be there twice
        match name.lower():
            case "retry-after":
                waits += map(parse_float, text.split(","))  # proxies join repeated headers
                if (date := parse_http_date(text)) is not None:
                    waits.append(date - server_time)
            case "retry-after-ms":
                milliseconds = parse_float(text)
                waits.append(None if milliseconds is None else milliseconds / 1000)
            case _:
                pass
    plausible = [wait for wait in waits if wait is not None and is_plausible_wait(wait)]
    return max(plausible, default=None)


@lru_cache(maxsize=256)  # limits and resets repeat
def parse_float(string: str) -> float | None:
    """Parse a finite decimal number; None if it is not one."""
    text = string.strip()
    if len(text) > 32 or _NUMBER.fullmatch(text) is None:
        return None
    value = float(text)
    return value if math.isfinite(value) else None


@lru_cache(maxsize=64)  # the same for all responses of a second
def parse_http_date(string: str | None) -> float | None:
    """Parse an HTTP date to seconds since the epoch; None if it is not one. Without a zone, it is in UTC."""
    try:
        date = parsedate_to_datetime(string) if string else None
        return None if date is None else (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def is_plausible_wait(seconds: float) -> bool:
    """Return whether a wait is above 0 and at most `MAX_ADVISED_WAIT`."""
    return 0 < seconds <= MAX_ADVISED_WAIT


def _reset_time(
    retry_after: float | None, windows: Iterable[float], body: Iterable[float], server_time: float
) -> float | None:
    """Return when the quota resets, in seconds since the epoch, from all that a response says about it.

    `Retry-After` decides, then the windows that are exhausted, then the message. A time in a window or in the message
    is more exact: if `Retry-After` means it as well, it is returned.
    """
    in_windows, in_body = (
        [reset for reset in resets if is_plausible_wait(reset - server_time)] for resets in (windows, body)
    )
    if retry_after is None:
        return max(in_windows or in_body, default=None)
    estimate = server_time + retry_after
    close = (reset for reset in (*in_windows, *in_body) if abs(reset - estimate) <= RESET_TOLERANCE)
    return next(close, estimate)


def _times_in(body: bytes) -> Iterable[float]:
    for found in _TIMESTAMP.findall(body):
        try:
            yield datetime.fromisoformat(found.decode()).timestamp()
        except (ValueError, OverflowError):
            continue  # such as the 31st of February


def _limit_from_body(body: bytes) -> tuple[int | None, str | None]:
    """Return limit and dimension of a message such as `exceeded the rate limit (100req/1day)`."""
    match = _LIMIT.search(body)
    if match is None or not (digits := match[1].replace(b",", b"")):
        return None, None
    unit = match[2].decode().lower()
    singular = unit.removesuffix("s")
    return int(digits), _UNITS.get(singular) or DIMENSION_ALIASES.get(unit, singular)
