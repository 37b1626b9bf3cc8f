"""Logging: levels, the handler of `TWELVELABS_LOG`, and the log messages of all modules."""

from __future__ import annotations

import ast
import asyncio
import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import twelvelabs_async
from twelvelabs_async import InvalidInputError
from twelvelabs_async._event_listeners import (
    StderrHandler,
    log_event,
    log_to_stderr,
    operation_logger,
    package_logger,
    rate_limit_logger,
)
from twelvelabs_async.events import RateLimitUpdated, RateLimitWaitStarted, RequestFinished

METHODS: Final = frozenset({"debug", "info", "warning", "error", "exception", "critical"})
PACKAGE: Final = Path(twelvelabs_async.__file__).parent


@pytest.fixture(autouse=True)
def restore_logger() -> Iterator[None]:
    """Restore the level and the handlers of the package's logger."""
    level, handlers = package_logger.level, package_logger.handlers.copy()
    yield
    package_logger.setLevel(level)
    package_logger.handlers[:] = handlers


@pytest.mark.parametrize(
    ("level", "number"),
    [("debug", 10), ("INFO", 20), ("Warning", 30), ("warn", 30), ("error", 40), ("critical", 50), ("5", 5), ("35", 35)],
)
def test_a_level_is_a_name_or_a_number(level: str, number: int) -> None:
    log_to_stderr(level)
    assert package_logger.level == number


def test_a_level_may_be_a_custom_level_of_the_program() -> None:
    logging.addLevelName(7, "WIRE")
    log_to_stderr("wire")
    assert package_logger.level == 7


@pytest.mark.parametrize("level", ["loud", "0", "notset", "-1", "1.5", "²"])
def test_an_invalid_level_is_rejected(level: str) -> None:
    with pytest.raises(InvalidInputError, match=r"must be one of .*debug, info, warning, error, critical"):
        log_to_stderr(level)


def test_the_package_logger_has_a_null_handler() -> None:
    assert any(isinstance(handler, logging.NullHandler) for handler in package_logger.handlers)


def test_a_record_is_printed_once_if_the_root_logger_prints_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.StringIO()
    monkeypatch.setattr("sys.stderr", output)
    package_logger.addHandler(StderrHandler())
    operation_logger.error("first")
    root_handler = logging.StreamHandler()
    logging.getLogger().addHandler(root_handler)
    try:
        operation_logger.error("second")
        root_handler.setLevel(logging.CRITICAL)
        operation_logger.error("third")
    finally:
        logging.getLogger().removeHandler(root_handler)
    assert output.getvalue().split() == ["first", "second", "third"]


def finished(error: BaseException | None = None) -> RequestFinished:
    return RequestFinished(
        call_id=1, operation="GET /x", request_bytes=0, attempts=2, duration=0.5, queue_time=0.25, error=error,
        status_code=200, request_id="trace-7", input_tokens=3,
    )  # fmt: skip


WAIT: Final = RateLimitWaitStarted(
    category="search", priority="interactive", queue_length=2, delay=3.0, dimension="request", limit=60
)
LIMIT: Final = RateLimitUpdated(category="search", dimension="token", limit=None, remaining=7.0, resets_at=None)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (finished(), "GET /x: ok, attempts=2 duration=0.500s queue=0.250s"),
        (finished(ValueError("a\nb\x1b[2J")), "GET /x: ValueError: a b [2J, attempts=2 duration=0.500s queue=0.250s"),
        (finished(asyncio.CancelledError()), "GET /x: CancelledError, attempts=2 duration=0.500s queue=0.250s"),
        (WAIT, "search: waiting for 3.0 s, 2 in the queue (request limit)"),
        (LIMIT, "search: 7 of unknown left (token limit)"),
    ],
)
def test_an_event_is_logged_as_one_line(event: object, line: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "twelvelabs_async")
    log_event(event)
    assert caplog.messages == [line]


def test_a_change_of_the_level_takes_effect_immediately(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "twelvelabs_async")
    package_logger.setLevel(logging.WARNING)
    log_event(WAIT)
    rate_limit_logger.setLevel(logging.INFO)
    try:
        log_event(WAIT)
    finally:
        rate_limit_logger.setLevel(logging.NOTSET)
    log_event(WAIT)
    assert len(caplog.messages) == 1


def test_the_log_record_of_a_call_has_only_the_known_fields(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "twelvelabs_async")
    log_event(finished())
    fields = vars(caplog.records[0])
    assert (fields["status_code"], fields["request_id"], fields["input_tokens"]) == (200, "trace-7", 3)
    assert "output_tokens" not in fields


def logged_messages() -> Iterator[tuple[str, ast.expr]]:
    """Yield the location and the message argument of each logging call."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            logger, method = node.func.value, node.func.attr
            if not (isinstance(logger, ast.Name) and logger.id.endswith("logger")):
                continue
            if method in METHODS or method == "log":
                position = 1 if method == "log" else 0
                message = node.args[0].value if isinstance(node.args[0], ast.Starred) else node.args[position]
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", message


def test_log_messages_are_constant_lower_case_lines_without_a_full_stop() -> None:
    messages = list(logged_messages())
    assert len(messages) > 15
    for location, message in messages:
        text = message.elts[0] if isinstance(message, ast.Tuple) else message
        assert isinstance(text, ast.Constant), (
            f"{location}: values are arguments, so that a record can be grouped by text"
        )
        assert isinstance(text.value, str), location
        assert text.value[0].islower() or text.value[0] == "%", f"{location}: {text.value!r}"
        assert not text.value.endswith((".", "!")), f"{location}: {text.value!r}"
        assert text.value.isprintable(), f"{location}: {text.value!r}"
