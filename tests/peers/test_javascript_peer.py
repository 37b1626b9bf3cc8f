"""Every method of the official JavaScript client, asked of the emulator; `nox -s peers` installs it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from scenes.stage import Stage

from peers.javascript import JavaScript, Process, node
from peers.play import played
from peers.table import Call, calls_of

MODULES = os.environ.get("TWELVELABS_JS", "")
NAME = "javascript"

if not MODULES:
    pytest.skip("TWELVELABS_JS names no folder with twelvelabs-js in it", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore:.*; use:DeprecationWarning")


@pytest.fixture(scope="module")
def started() -> Iterator[tuple[Process, set[str]]]:
    with node(MODULES) as process:
        yield process


@pytest.fixture
def peer(started: tuple[Process, set[str]], stage: Stage) -> JavaScript:
    return JavaScript(*started, stage.emulator)


async def test_the_table_has_all_its_methods(peer: JavaScript) -> None:
    assert await peer.methods() == {call.method for call in calls_of(NAME)}


@pytest.mark.parametrize("call", calls_of(NAME), ids=lambda call: call.method)
async def test_it_works_on_the_emulator(call: Call, peer: JavaScript, stage: Stage, files: dict[str, Path]) -> None:
    assert await played(call, NAME, peer, stage, files) == ""
