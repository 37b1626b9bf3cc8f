"""Every method of the official Python clients on the emulator."""

from __future__ import annotations

from pathlib import Path

import pytest
from scenarios.setup import Harness

from peers.calls import run_call
from peers.python import AsyncPython, SyncPython
from peers.table import PeerCall, calls_of

PEERS: dict[str, type[SyncPython | AsyncPython]] = {"python": SyncPython, "python_async": AsyncPython}
CASES = [pytest.param(name, call, id=f"{name}-{call.method}") for name in PEERS for call in calls_of(name)]

pytestmark = pytest.mark.filterwarnings("ignore:.*; use:DeprecationWarning")


@pytest.mark.parametrize("name", PEERS)
async def test_the_table_has_all_methods_of_the_client(name: str, harness: Harness) -> None:
    assert await PEERS[name](harness.emulator).methods() == {call.method for call in calls_of(name)}


@pytest.mark.parametrize(("name", "call"), CASES)
async def test_a_method_works_on_the_emulator(
    name: str, call: PeerCall, harness: Harness, files: dict[str, Path]
) -> None:
    peer = PEERS[name](harness.emulator)
    assert await run_call(call, name, peer, harness, files) == ""
