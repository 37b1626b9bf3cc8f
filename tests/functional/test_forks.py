"""A forked process leaves the connections of its parent alone."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable

import pytest
from support import KEY, RawServer, always_respond, raw_response

from twelvelabs_async import AsyncTwelveLabs

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork"),
]


def _close(client: AsyncTwelveLabs) -> None:
    with pytest.raises(StopIteration):
        client.close().send(None)


def _drop(client: AsyncTwelveLabs) -> None:
    vars(client._executor.transport).clear()
    gc.collect()


@pytest.mark.parametrize("end", [_close, _drop])
@pytest.mark.filterwarnings("ignore:Unclosed:ResourceWarning")
async def test_a_child_that_ends_a_client_leaves_the_connections_of_its_parent_open(
    end: Callable[[AsyncTwelveLabs], None],
) -> None:
    """Both processes have the same selector, from which a closed connection is removed."""
    async with (
        RawServer(always_respond(raw_response())) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, max_retries=0, timeout=30) as client,
    ):
        await client.request("GET", "/x")
        child = os.fork()
        if child == 0:
            code = 1
            try:
                end(client)
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)  # noqa: ASYNC222  # the child ends immediately
        assert os.waitstatus_to_exitcode(status) == 0
        await client.request("GET", "/x")
        assert [request.connection_index for request in server.requests] == [0, 0]
