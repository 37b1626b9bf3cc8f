"""Reads what an answer's headers say about time and limits. Pure: text in, numbers out, and nonsense is None.

The platform's limit headers come as `X-Ratelimit-{Limit,Remaining,Used,Reset}` or, one set for each thing counted, as
`X-Ratelimit-{Dimension}-{Limit,...}`; which of them a given answer has is not promised, so any name of that form is
read. `Reset` is in seconds since the epoch, in UTC. See https://docs.twelvelabs.io/docs/get-started/rate-limits
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Final

import attrs

LONGEST_WAIT: Final = 32 * 86400.0
"""Seconds. Advice further away than a month is not advice."""

SYNONYMS: Final = {"outputtoken": "token", "output-token": "token", "tokens": "token", "requests": "request"}
"""Words that servers have for a dimension besides ours."""

_NAME: Final = re.compile(r"x-ratelimit-(?:([a-z0-9_-]+)-)?(limit|remaining|used|reset)", re.IGNORECASE)
_MOMENT: Final = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")


@attrs.frozen(kw_only=True)
class Quota:
    """What one answer said of one thing that is counted."""

    limit: int | None = None
    """Size of the window."""
    remaining: int | None = None
    """What is left of it, as the server saw it when it answered."""
    reset: float | None = None
    """When the window ends, in seconds since the epoch by the server's clock."""


@attrs.frozen(kw_only=True)
class Advice:
    """Everything an answer says about when to come back."""

    server_time: float
    """Seconds since the epoch: the `Date` header, else this machine's clock."""
    retry_after: float | None = None
    """Seconds to wait before asking again, if the server said so."""
    quotas: Mapping[str, Quota] = attrs.field(factory=dict[str, Quota])
    """By dimension; the unnamed one is `request`."""


def read_advice(headers: Mapping[str, str], *, now: float, body: bytes = b"") -> Advice:
    """All advice in an answer; `now` is this machine's wall clock.

    `body` is searched for a time stamp only where the headers name no time: the text of a 429 may be all there is.
    """
    server_time = http_date(headers.get("Date")) or now
    quotas = read_quotas(headers)
    wait = retry_after(headers, server_time=server_time)
    if wait is None:
        wait = _longest_wait(quotas, server_time)
    if wait is None and body:
        wait = _moment_in(body, server_time)
    return Advice(server_time=server_time, retry_after=wait, quotas=quotas)


def _longest_wait(quotas: Mapping[str, Quota], server_time: float) -> float | None:
    """Seconds until nothing is used up any more, as far as it is told."""
    longest = None
    for quota in quotas.values():
        if quota.remaining == 0 and quota.reset is not None:
            wait = sane(quota.reset - server_time)
            longest = wait if longest is None else max(longest, wait or 0.0)
    return longest


def read_quotas(headers: Mapping[str, str]) -> dict[str, Quota]:
    """Limit headers by dimension. A remainder alone counts too; `Used` fills in for a missing remainder."""
    found: dict[str, dict[str, float]] = {}
    for name, text in headers.items():
        place = _place(name)
        if place is not None and (value := number(text)) is not None:
            dimension, field = place
            if dimension in found:
                found[dimension][field] = value
            else:
                found[dimension] = {field: value}
    return {dimension: _quota(**values) for dimension, values in found.items()}


@lru_cache(maxsize=256)  # a server has few names, and sends them with each answer
def _place(name: str) -> tuple[str, str] | None:
    """Dimension and field a header tells of, if it is one of these headers."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    dimension = (match[1] or "request").lower()
    return SYNONYMS.get(dimension, dimension), match[2].lower()


def _quota(
    limit: float | None = None, remaining: float | None = None, used: float | None = None, reset: float | None = None
) -> Quota:
    if remaining is None and limit is not None and used is not None:
        remaining = int(limit) - int(used)  # floats of this size could go beyond what a float can be
    return Quota(
        limit=None if limit is None else int(limit),
        remaining=None if remaining is None else max(0, int(remaining)),
        reset=reset,
    )


def retry_after(headers: Mapping[str, str], *, server_time: float) -> float | None:
    """Seconds from `retry-after-ms` or `Retry-After`, which is a number of seconds or a date; None if unreadable."""
    text = headers.get("retry-after-ms")
    if text is not None and (milliseconds := number(text)) is not None:
        return sane(milliseconds / 1000)
    text = headers.get("Retry-After")
    if text is None:
        return None
    seconds = number(text)
    if seconds is not None:
        return sane(seconds)
    moment = http_date(text)
    return sane(moment - server_time) if moment is not None else None


@lru_cache(maxsize=256)  # limits and resets are the same for many answers
def number(text: str) -> float | None:
    """A finite decimal number, or None."""
    if len(text) > 32:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


@lru_cache(maxsize=64)  # the same for all answers of one second
def http_date(text: str | None) -> float | None:
    """Seconds since the epoch of an HTTP date, or None."""
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (ValueError, TypeError, OverflowError):
        return None


def sane(seconds: float) -> float | None:
    """A wait that can be meant: not in the past, not beyond `LONGEST_WAIT`."""
    return seconds if 0 < seconds <= LONGEST_WAIT else None


def _moment_in(body: bytes, server_time: float) -> float | None:
    match = _MOMENT.search(body[:4096])
    if match is None:
        return None
    try:
        return sane(datetime.fromisoformat(match[0].decode()).timestamp() - server_time)
    except ValueError:
        return None
