"""The emulator as a pytest fixture: pytest finds this module by its entry point, wherever the package is installed.

Nothing else of the package is imported before a test asks for the fixture, so that projects which do not use it pay
nothing, and the coverage of those that do is whole. The fixture is no coroutine, and its server has a thread of its
own: plain tests, pytest-asyncio in every mode and anyio can use it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from twelvelabs_async.emulator import ThreadedEmulator

MARKER = "twelvelabs"
_EXPLAINED = f"{MARKER}(**options): let the `twelvelabs_emulator` of this test be an `Emulator` with these options"


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest of the marker."""
    config.addinivalue_line("markers", _EXPLAINED)


@pytest.fixture(scope="session")
def _twelvelabs_server() -> Iterator[Callable[[], ThreadedEmulator]]:
    """One server for all tests that want nothing special, which the first of them starts."""
    with ExitStack() as stack:
        running: list[ThreadedEmulator] = []

        def server() -> ThreadedEmulator:
            if not running:
                from twelvelabs_async.emulator import ThreadedEmulator  # noqa: PLC0415  # not before it is asked for

                running.append(stack.enter_context(ThreadedEmulator()))
            return running[0]

        yield server


@pytest.fixture
def twelvelabs_emulator(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    _twelvelabs_server: Callable[[], ThreadedEmulator],
) -> Iterator[ThreadedEmulator]:
    """An emulator of the Twelve Labs API, empty at the start of each test.

    `TWELVELABS_BASE_URL` and `TWELVELABS_API_KEY` lead clients to it for the time of the test. The server is shared by
    all tests of a run; one with the marker `twelvelabs`, for instance `@pytest.mark.twelvelabs(plan="free", seed=1)`,
    gets a server of its own with these options of `Emulator`.
    """
    with ExitStack() as stack:
        marker = request.node.get_closest_marker(MARKER)
        if marker is None:
            emulator = _twelvelabs_server()
            emulator.reset()
        else:
            from twelvelabs_async.emulator import ThreadedEmulator  # noqa: PLC0415  # not before it is asked for

            emulator = stack.enter_context(ThreadedEmulator(**marker.kwargs))
        monkeypatch.setenv("TWELVELABS_BASE_URL", emulator.base_url)
        monkeypatch.setenv("TWELVELABS_API_KEY", emulator.api_key)
        yield emulator
