"""Errors of streams."""

from __future__ import annotations

import gc
import weakref

import pytest
from support import KEY, RawServer, always_respond, raw_response

from twelvelabs_async import AsyncTwelveLabs, StreamError
from twelvelabs_async.models import VideoAsset


class CallerVariable:
    """Something that a failed call must not keep."""


async def test_a_failed_stream_leaves_no_reference_cycle() -> None:
    """A cycle would keep the text and the caller's variables until the next garbage collection."""
    async with (
        RawServer(always_respond(raw_response(body=b"{"))) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, max_retries=0) as client,
    ):

        async def failing_stream() -> weakref.ref[CallerVariable]:
            variable = CallerVariable()
            stream = client.analyze_stream(video=VideoAsset(asset_id="a"), prompt="?")
            for _ in range(2):
                with pytest.raises(StreamError, match="invalid JSON"):
                    await stream.text()
            return weakref.ref(variable)

        gc.collect()
        gc.disable()
        try:
            assert (await failing_stream())() is None
        finally:
            gc.enable()
