"""P17, P18, P20: parsers of responses raise only errors of this package for any input."""

from __future__ import annotations

import asyncio
import json
import math
from types import NoneType
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from twelvelabs_async._codec.converter import decode
from twelvelabs_async._http.errors import error_from_response
from twelvelabs_async._rate_limit.headers import MAX_ADVISED_WAIT, parse_rate_limit_headers
from twelvelabs_async._text import printable
from twelvelabs_async.errors import APIError, MalformedResponseError, TwelveLabsError
from twelvelabs_async.models.assets import AssetDetail
from twelvelabs_async.models.indexed_assets import IndexedAsset
from twelvelabs_async.models.indexes import Index
from twelvelabs_async.models.search import SearchResults
from twelvelabs_async.serialization import from_dict

NAMES = ["Date", "Retry-After", "retry-after-ms", "Location", "x-trace-id", "x-request-id"] + [
    f"X-Ratelimit-{dimension}{word}"
    for dimension in ("", "Request-", "Token-")
    for word in ("Limit", "Remaining", "Used", "Reset")
]
dates = st.builds(
    "{}, {} {} {} {}:{}:{} {}".format,
    st.sampled_from(["Mon", "Xyz", ""]),
    st.integers(-1, 99),
    st.sampled_from(["Jan", "Feb", "Foo", "13"]),
    st.integers(-1, 100_000),
    st.integers(-1, 99),
    st.integers(-1, 99),
    st.integers(-1, 99),
    st.sampled_from(["GMT", "-0000", "+9999", "-2400", "EST", "", "+99999999999"]),
)
numbers = st.integers().map(str) | st.floats().map(str) | st.integers(1_000_000_000, 3_000_000_000).map(str)
values = st.text() | dates | numbers | st.sampled_from(["", "nan", "inf", "1" * 35, "0x1", "1_0", "١٢", "http://["])
headers = st.dictionaries(st.sampled_from(NAMES), values).map(CIMultiDict)

leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
json_values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.text(max_size=5)
            | st.sampled_from(["code", "message", "error", "details", "docs_url", "error_code", "data", "page_info"])
            | st.sampled_from(
                ["_id", "id", "status", "created_at", "models", "duration", "embedding", "float", "clips"]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)
bodies = (
    st.binary()
    | json_values.map(lambda data: json.dumps(data).encode())
    | st.text().map(lambda text: text.encode("utf-16"))
)


@given(headers, st.floats(0, 4e9), st.binary() | st.text("0123456789-T:Z.", max_size=30).map(str.encode))
def test_p2_rate_limit_headers_are_parsed_to_plausible_numbers_or_none(
    response_headers: CIMultiDict[str], now: float, body: bytes
) -> None:
    info = parse_rate_limit_headers(response_headers, now=now, body=body)
    assert math.isfinite(info.server_time)
    assert info.retry_after is None or 0 < info.retry_after <= MAX_ADVISED_WAIT
    for quota in info.windows.values():
        assert quota.remaining is None or quota.remaining >= 0
        assert quota.reset is None or math.isfinite(quota.reset)


@given(st.integers(100, 999), headers, bodies)
def test_p17_an_api_error_message_is_one_printable_line(
    status: int, response_headers: CIMultiDict[str], body: bytes
) -> None:
    error = error_from_response(
        status, response_headers, body, parse_rate_limit_headers(response_headers, now=1.9e9).retry_after
    )
    assert isinstance(error, APIError)
    assert str(error).isprintable()
    assert len(str(error)) < 2000
    assert error.status_code == status


@given(bodies, st.sampled_from([dict, NoneType, Index, IndexedAsset, AssetDetail, SearchResults, int, list[str]]))
def test_p18_a_response_is_decoded_or_raises_malformed_response_error(body: bytes, response_type: type[Any]) -> None:
    try:
        asyncio.run(decode(body, response_type))
    except MalformedResponseError as error:
        assert str(error).isprintable()  # noqa: PT017  # a rejection is valid too
        assert len(error.body) <= 1000  # noqa: PT017  # as above


@given(json_values, st.sampled_from([Index, IndexedAsset, AssetDetail, SearchResults]))
def test_p20_parsed_json_is_decoded_or_raises_a_package_error(data: Any, response_type: type[Any]) -> None:
    try:
        from_dict(data, response_type)
    except TwelveLabsError as error:
        assert str(error).isprintable()  # noqa: PT017  # a rejection is valid too


@given(st.text(), st.text(max_size=3000))
def test_any_text_becomes_one_printable_line(text: str, suffix: str) -> None:
    line = printable(text + suffix)
    assert line.isprintable()
    assert len(line) <= 1000
    assert printable(line) == line
