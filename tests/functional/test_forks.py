"""A forked process does not close the connections of its parent."""

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


def close_client(client: AsyncTwelveLabs) -> None:
    with pytest.raises(StopIteration):
        client.close().send(None)


def delete_transport(client: AsyncTwelveLabs) -> None:
    vars(client._executor.transport).clear()
    gc.collect()


@pytest.mark.parametrize("dispose", [close_client, delete_transport])
@pytest.mark.filterwarnings("ignore:Unclosed:ResourceWarning")
async def test_a_child_that_disposes_of_a_client_leaves_the_connections_of_its_parent_open(
    dispose: Callable[[AsyncTwelveLabs], None],
) -> None:
    """Both processes share one selector; closing a connection removes it from the selector."""
    async with (
        RawServer(always_respond(raw_response())) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, max_retries=0, timeout=30) as client,
    ):
        await client.request("GET", "/x")
        child = os.fork()
        if child == 0:
            code = 1
            try:
                dispose(client)
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)  # noqa: ASYNC222  # the child ends immediately
        assert os.waitstatus_to_exitcode(status) == 0
        await client.request("GET", "/x")
        assert [request.connection_index for request in server.requests] == [0, 0]
