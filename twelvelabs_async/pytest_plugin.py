"""Pytest plugin with the emulator as a fixture; pytest loads it through its entry point.

The rest of the package is imported when a test first uses the fixture: other projects pay no import time, and coverage
measures all modules. The fixture is synchronous and its server runs in a thread, so that it works in plain tests, with
pytest-asyncio in every mode, and with anyio. A project that turns warnings into errors gets no error for a deprecation
inside the emulator, as a new version of Python or of a dependency may bring; deprecations of the client are warnings.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from twelvelabs_async.emulator import ThreadedEmulator

_MARKER = "twelvelabs"
_IGNORED_WARNINGS = r"ignore::DeprecationWarning:twelvelabs_async\.(emulator|pytest_plugin)"
_MARKER_HELP = f"{_MARKER}(**options): create the `twelvelabs_emulator` of this test with these options of `Emulator`"


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and keep deprecations inside the emulator from failing the tests of the user."""
    config.addinivalue_line("markers", _MARKER_HELP)
    config.addinivalue_line("filterwarnings", _IGNORED_WARNINGS)


def _start(stack: ExitStack, options: dict[str, Any]) -> ThreadedEmulator:
    """Start an emulator that processes everything immediately, unless its options say otherwise."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # also of the modules that the emulator imports
        from twelvelabs_async.emulator import ThreadedEmulator, Timing  # noqa: PLC0415  # see the module docstring

        options = {"timing": Timing.immediate(), **options}
        return stack.enter_context(ThreadedEmulator(**options))


@pytest.fixture(scope="session")
def _twelvelabs_server() -> Iterator[Callable[[], ThreadedEmulator]]:
    """Return the emulator shared by all tests without the marker; the first call starts it."""
    with ExitStack() as stack:
        running: list[ThreadedEmulator] = []

        def get_server() -> ThreadedEmulator:
            if not running:
                running.append(_start(stack, {}))
            return running[0]

        yield get_server


@pytest.fixture
def twelvelabs_emulator(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    _twelvelabs_server: Callable[[], ThreadedEmulator],
) -> Iterator[ThreadedEmulator]:
    """An emulator of the Twelve Labs API, empty at the start of each test. It processes everything immediately.

    During the test `TWELVELABS_BASE_URL` and `TWELVELABS_API_KEY` point clients to it. All tests share one server; a
    test with the marker `twelvelabs`, for instance `@pytest.mark.twelvelabs(plan="free", seed=1)`, gets a separate
    server with these options of `Emulator`.
    """
    with ExitStack() as stack:
        marker = request.node.get_closest_marker(_MARKER)
        if marker is None:
            emulator = _twelvelabs_server()
            emulator.reset()
        else:
            if marker.args:
                raise pytest.UsageError(
                    f"the marker {_MARKER} takes options by name, such as seed=1, got {marker.args}"
                )
            emulator = _start(stack, marker.kwargs)
        monkeypatch.setenv("TWELVELABS_BASE_URL", emulator.base_url)
        monkeypatch.setenv("TWELVELABS_API_KEY", emulator.api_key)
        yield emulator
