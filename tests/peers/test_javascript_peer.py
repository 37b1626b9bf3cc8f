"""Every method of the official JavaScript client on the emulator; `nox -s peers` installs the client."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from scenarios.setup import Harness

from peers.calls import run_call
from peers.javascript import JavaScript, Process, start_node
from peers.table import PeerCall, calls_of

MODULES = os.environ.get("TWELVELABS_JS", "")
NAME = "javascript"

if not MODULES:
    pytest.skip("TWELVELABS_JS is not a folder with twelvelabs-js", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore:.*; use:DeprecationWarning")


@pytest.fixture
def fail_on_leaks() -> None:
    """Do not check connections: Node keeps them open between tests, and replaces idle ones."""


@pytest.fixture(scope="module")
def node_process() -> Iterator[tuple[Process, set[str]]]:
    with start_node(MODULES) as process:
        yield process


@pytest.fixture
def peer(node_process: tuple[Process, set[str]], harness: Harness) -> JavaScript:
    return JavaScript(*node_process, harness.emulator)


async def test_the_table_has_all_methods_of_the_client(peer: JavaScript) -> None:
    assert await peer.methods() == {call.method for call in calls_of(NAME)}


@pytest.mark.parametrize("call", calls_of(NAME), ids=lambda call: call.method)
async def test_a_method_works_on_the_emulator(
    call: PeerCall, peer: JavaScript, harness: Harness, files: dict[str, Path]
) -> None:
    assert await run_call(call, NAME, peer, harness, files) == ""
