"""SIGTERM and SIGHUP interrupt a command like Ctrl-C."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator

import pytest

from twelvelabs_async._cli.main import end_at_next_interrupt, handle_termination_like_interrupt

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no SIGHUP")


@pytest.fixture(autouse=True)
def default_handlers() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    previous_handlers = [signal.signal(number, signal.SIG_DFL) for number in numbers]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in zip(numbers, previous_handlers, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("interrupt_handler", [signal.default_int_handler, signal.SIG_IGN])
def test_a_termination_signal_interrupts_even_if_sigint_is_ignored(
    number: int, interrupt_handler: signal.Handlers
) -> None:
    signal.signal(signal.SIGINT, interrupt_handler)
    with pytest.raises(KeyboardInterrupt), handle_termination_like_interrupt():
        signal.raise_signal(number)
    assert signal.getsignal(number) == signal.SIG_DFL


def test_sighup_stays_ignored_under_nohup() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with handle_termination_like_interrupt():
        signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def test_a_second_interrupt_ends_the_process_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = list[int]()
    monkeypatch.setattr("os._exit", codes.append)
    end_at_next_interrupt()
    signal.raise_signal(signal.SIGINT)
    assert codes == [130]


def test_signal_handlers_are_not_changed_in_another_thread() -> None:
    handlers = []

    def run() -> None:
        with handle_termination_like_interrupt():
            handlers.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert handlers == [signal.SIG_DFL]
