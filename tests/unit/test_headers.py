from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import formatdate

import pytest
from multidict import CIMultiDict

from twelvelabs_async._rate_limit.headers import (
    MAX_ADVISED_WAIT,
    parse_float,
    parse_http_date,
    parse_rate_limit_headers,
    parse_windows,
)
from twelvelabs_async.rate_limits import WindowInfo

NOW = 1_900_000_000.0
NOW_DATE = formatdate(NOW, usegmt=True)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("0.25", 0.25),
        (" 3 ", 3.0),
        ("1e1", 10.0),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        ("0", None),
        ("-5", None),
        ("", None),
        ("soon", None),
        ("inf", None),
        ("-inf", None),
        ("nan", None),
        ("1" * 35, None),
        ("1e300", None),
        (str(int((NOW + 5) * 1000)), None),
        (str(int(MAX_ADVISED_WAIT) + 1), None),
        (formatdate(NOW - 90, usegmt=True), None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", None),
        ("Fri, 31 Dec 100000 23:59:59 GMT", None),
        ("Thu, 99 Foo 2030 99:99:99 GMT", None),
        ("0x10", None),
        ("7;", None),
    ],
)
def test_retry_after_is_parsed_as_seconds_or_a_date_and_ignored_if_invalid(text: str, seconds: float | None) -> None:
    info = parse_rate_limit_headers({"Retry-After": text, "Date": NOW_DATE}, now=NOW)
    assert info.retry_after == seconds


@pytest.mark.parametrize(
    ("milliseconds", "seconds", "wait"),
    [
        ("1500", "9", 9.0),
        ("12000", "9", 12.0),
        ("12000", "soon", 12.0),
        ("12000", formatdate(NOW + 30, usegmt=True), 30.0),
        ("0", "9", 9.0),
        ("-1", "9", 9.0),
        ("nan", "9", 9.0),
        ("1" * 35, "9", 9.0),
        ("0", "0", None),
    ],
)
def test_the_longer_of_retry_after_ms_and_retry_after_is_used(
    milliseconds: str, seconds: str, wait: float | None
) -> None:
    headers = {"retry-after-ms": milliseconds, "Retry-After": seconds, "Date": NOW_DATE}
    assert parse_rate_limit_headers(headers, now=NOW).retry_after == wait


def test_the_longest_of_repeated_retry_after_headers_is_used() -> None:
    headers = CIMultiDict([("Retry-After", "1"), ("retry-after", "30"), ("Retry-After", "2")])
    assert parse_rate_limit_headers(headers, now=NOW).retry_after == 30.0


def test_the_longest_of_joined_retry_after_headers_is_used() -> None:
    headers = {"Retry-After": "1, 30,2", "Date": NOW_DATE}
    assert parse_rate_limit_headers(headers, now=NOW).retry_after == 30.0


@pytest.fixture
def in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set the local time zone to one that differs from UTC by hours."""
    if not hasattr(time, "tzset"):
        pytest.skip("the system cannot change its time zone")
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    parse_http_date.cache_clear()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("in_new_york")
@pytest.mark.parametrize("layout", ["%a %b %d %H:%M:%S %Y", "%a, %d %b %Y %H:%M:%S", "%a, %d %b %Y %H:%M:%S -0000"])
def test_an_http_date_without_a_zone_is_in_utc(layout: str) -> None:
    """RFC 9110 requires support for the asctime format, which has no time zone."""
    date = datetime.fromtimestamp(NOW + 30, UTC).strftime(layout)
    assert parse_rate_limit_headers({"Retry-After": date, "Date": NOW_DATE}, now=NOW).retry_after == 30.0


@pytest.mark.parametrize("text", ["1_0", "\u0663", "0x10", "1e", ".", "+", "1,5", "infinity", "1 0", "--1", ""])
def test_a_string_that_is_not_a_decimal_number_is_not_parsed(text: str) -> None:
    assert parse_float(text) is None


@pytest.mark.parametrize(
    ("text", "number"), [("10", 10.0), (" 1.5 ", 1.5), ("1e3", 1000.0), (".5", 0.5), ("-2.", -2.0), ("\t\x1c0", 0.0)]
)
def test_a_decimal_number_is_parsed(text: str, number: float) -> None:
    assert parse_float(text) == number


@pytest.mark.parametrize("clock_error", [0.0, 3600.0, -86400.0 * 365])
def test_a_retry_after_date_is_compared_with_the_server_clock(clock_error: float) -> None:
    headers = {"Retry-After": formatdate(NOW + 30, usegmt=True), "Date": NOW_DATE}
    assert parse_rate_limit_headers(headers, now=NOW + clock_error).retry_after == 30.0


@pytest.mark.parametrize("date", ["", "yesterday", "Fri, 31 Dec 100000 23:59:59 GMT", "0"])
def test_an_invalid_date_header_falls_back_to_the_local_clock(date: str) -> None:
    info = parse_rate_limit_headers({"Date": date, "Retry-After": formatdate(NOW + 30, usegmt=True)}, now=NOW)
    assert info.server_time == NOW
    assert info.retry_after == 30.0


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            {"X-Ratelimit-Limit": "60", "X-Ratelimit-Remaining": "12", "X-Ratelimit-Used": "48"},
            {"request": WindowInfo(limit=60, remaining=12)},
        ),
        ({"X-RateLimit-Limit": "60", "X-RATELIMIT-USED": "48"}, {"request": WindowInfo(limit=60, remaining=12)}),
        ({"x-ratelimit-remaining": "3"}, {"request": WindowInfo(remaining=3)}),
        ({"X-Ratelimit-Remaining": "-3"}, {"request": WindowInfo(remaining=0)}),
        ({"X-Ratelimit-Limit": "5", "X-Ratelimit-Used": "9"}, {"request": WindowInfo(limit=5, remaining=0)}),
        (
            {"X-Ratelimit-Limit": "-1e308", "X-Ratelimit-Used": "1e308"},
            {"request": WindowInfo(limit=int(-1e308), remaining=0)},
        ),
        ({"X-Ratelimit-Reset": str(int(NOW) + 5)}, {"request": WindowInfo(reset=NOW + 5)}),
        (
            {"X-Ratelimit-Request-Remaining": "7", "X-Ratelimit-Video-Duration-Remaining": "100"},
            {"request": WindowInfo(remaining=7), "video-duration": WindowInfo(remaining=100)},
        ),
        ({"X-Ratelimit-Remaining": "many", "X-Ratelimit-Limit": "nan", "X-Ratelimit-Reset": "inf"}, {}),
        ({"X-Ratelimit": "5", "Ratelimit-Limit": "5", "X-Ratelimit-Burst": "5"}, {}),
    ],
)
def test_limit_headers_are_parsed_in_all_their_forms(headers: dict[str, str], expected: dict[str, WindowInfo]) -> None:
    assert parse_windows(headers) == expected


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        (NOW + 20, 20.0),
        (NOW - 20, None),
        (NOW, None),
        ((NOW + 20) * 1000, None),
        (1e300, None),
        (0, None),
    ],
)
def test_an_exhausted_quota_implies_a_wait_until_its_reset(reset: float, seconds: float | None) -> None:
    headers = {"X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": f"{reset:.0f}"[:32], "Date": NOW_DATE}
    assert parse_rate_limit_headers(headers, now=NOW).retry_after == seconds


def test_a_quota_that_is_not_exhausted_implies_no_wait() -> None:
    headers = {"X-Ratelimit-Remaining": "1", "X-Ratelimit-Reset": str(int(NOW) + 20), "Date": NOW_DATE}
    assert parse_rate_limit_headers(headers, now=NOW).retry_after is None


def test_the_latest_reset_of_several_exhausted_quotas_is_used() -> None:
    headers = {
        "X-Ratelimit-Request-Remaining": "0",
        "X-Ratelimit-Request-Reset": str(int(NOW) + 20),
        "X-Ratelimit-Token-Remaining": "0",
        "X-Ratelimit-Token-Reset": str(int(NOW) + 50),
        "Date": NOW_DATE,
    }
    assert parse_rate_limit_headers(headers, now=NOW).retry_after == 50.0


def test_retry_after_takes_precedence_over_the_reset() -> None:
    headers = {
        "Retry-After": "3",
        "X-Ratelimit-Remaining": "0",
        "X-Ratelimit-Reset": str(int(NOW) + 50),
        "Date": NOW_DATE,
    }
    assert parse_rate_limit_headers(headers, now=NOW).retry_after == 3.0


BODY = b'{"code":"too_many_requests","message":"Please try again later after %s."}'


@pytest.mark.parametrize(
    ("timestamp", "seconds"),
    [
        (b"2030-03-17T17:46:50Z", 10.0),
        (b"2030-03-17T17:46:50.5Z", 10.5),
        (b"2030-03-17T17:46:30Z", None),
        (b"9999-12-31T23:59:59Z", None),
        (b"2030-99-99T99:99:99Z", None),
        (b"tomorrow", None),
    ],
)
def test_the_timestamp_in_the_body_of_a_429_is_used_as_a_fallback(timestamp: bytes, seconds: float | None) -> None:
    info = parse_rate_limit_headers({"Date": NOW_DATE}, now=NOW, body=BODY % timestamp)
    assert info.retry_after == seconds


def test_headers_take_precedence_over_the_timestamp_in_the_body() -> None:
    info = parse_rate_limit_headers(
        {"Date": NOW_DATE, "Retry-After": "2"}, now=NOW, body=BODY % b"2030-03-17T17:46:50Z"
    )
    assert info.retry_after == 2.0


@pytest.mark.parametrize("clock_error", [0.0, 0.53, 1.9])
@pytest.mark.parametrize("body", [b"", b"after 2030-03-17T17:48:20Z."])
def test_p2_a_reset_time_takes_precedence_over_retry_after_and_the_local_clock(clock_error: float, body: bytes) -> None:
    headers = {"Retry-After": "100"}
    if not body:
        headers |= {"X-Ratelimit-Limit": "9", "X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": f"{NOW + 100:.0f}"}
    info = parse_rate_limit_headers(CIMultiDict(headers), now=NOW + clock_error, body=body)
    assert (info.retry_after, info.resets_at) == (100.0, NOW + 100)


def test_a_short_retry_after_takes_precedence_over_a_later_reset() -> None:
    headers = {"Date": NOW_DATE, "Retry-After": "1", "X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": f"{NOW + 9000}"}
    info = parse_rate_limit_headers(CIMultiDict(headers), now=NOW)
    assert (info.retry_after, info.resets_at) == (1.0, NOW + 1)


@pytest.mark.parametrize(
    "body",
    [
        b"after 2030-03-17T17:48:20+00:00",
        b"after 2030-03-17T18:48:20+01:00",
        b"since 2030-03-16T17:46:40Z, until 2030-03-17T17:48:20Z",
        b"on 2030-02-31T00:00:00Z or 2030-03-17T17:48:20Z",
    ],
)
def test_the_body_may_contain_timestamps_with_offsets_and_several_timestamps(body: bytes) -> None:
    assert parse_rate_limit_headers({"Date": NOW_DATE}, now=NOW, body=body).resets_at == NOW + 100


def test_a_timestamp_deep_in_a_large_body_is_ignored() -> None:
    info = parse_rate_limit_headers({"Date": NOW_DATE}, now=NOW, body=b" " * 5000 + BODY % b"2030-03-17T17:46:50Z")
    assert info.retry_after is None
