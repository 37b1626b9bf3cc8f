"""Responses with long headers."""

from __future__ import annotations

import pytest
from support import KEY, RawServer, always_respond, raw_response

from twelvelabs_async import APIConnectionError, AsyncTwelveLabs


async def test_a_response_with_a_long_header_is_read() -> None:
    """Gateways add security policies of many kilobytes."""
    response = raw_response(body=b'{"a": 1}', headers={"Content-Security-Policy": "x" * 60_000})
    async with RawServer(always_respond(response)) as server, AsyncTwelveLabs(KEY, base_url=server.base_url) as client:
        assert await client.request("GET", "/x") == {"a": 1}


async def test_a_header_without_end_is_an_error() -> None:
    response = raw_response(headers={"Content-Security-Policy": "x" * 10**6})
    async with (
        RawServer(always_respond(response)) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, max_retries=0) as client,
    ):
        with pytest.raises(APIConnectionError, match="invalid HTTP response"):
            await client.request("GET", "/x")
