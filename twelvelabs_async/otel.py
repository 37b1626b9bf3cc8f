"""OpenTelemetry: a span for each operation, and figures of all of them. Needs `pip install 'twelvelabs-async[otel]'`.

    client = AsyncTwelveLabs(on_event=Telemetry())

A span covers a call with its queue, attempts and waits, and is the current one while the call lasts: what instruments
aiohttp makes its spans, one for each attempt, children of it. Without an SDK that collects them nothing happens.

| metric | unit | attributes |
|---|---|---|
| `twelvelabs.client.operation.duration` | s | operation, error.type |
| `twelvelabs.client.ratelimit.wait` | s | operation |
| `twelvelabs.client.ratelimit.remaining` | 1 | category, dimension |
| `twelvelabs.client.upload.bytes` | By | operation |
"""

from __future__ import annotations

from contextvars import Token
from typing import Any, Final

from opentelemetry import context, metrics, trace
from opentelemetry.context import Context
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import Span, Status, StatusCode, TracerProvider

from twelvelabs_async._version import __version__
from twelvelabs_async.events import LimitUpdate, OperationDone, OperationStarted, RetryScheduled

NAME: Final = "twelvelabs_async"

UPLOADS: Final = frozenset({"POST /assets", "PUT storage", "POST /tasks"})
"""Operations whose bodies are files."""


class Telemetry:
    """A listener for `AsyncTwelveLabs(on_event=...)`.

    Args:
        tracer_provider: Where spans go; None is the global one.
        meter_provider: Where figures go; None is the global one.
    """

    def __init__(
        self, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
    ) -> None:
        self._tracer = trace.get_tracer(NAME, __version__, tracer_provider)
        meter = metrics.get_meter(NAME, __version__, meter_provider)
        self._duration = meter.create_histogram("twelvelabs.client.operation.duration", "s", "Length of a call.")
        self._wait = meter.create_histogram("twelvelabs.client.ratelimit.wait", "s", "Time in the queue for a limit.")
        self._remaining = meter.create_gauge("twelvelabs.client.ratelimit.remaining", "1", "What is left of a limit.")
        self._bytes = meter.create_counter("twelvelabs.client.upload.bytes", "By", "Bytes of files that arrived.")
        self._open: dict[int, tuple[Span, Token[Context]]] = {}

    def __call__(self, event: Any) -> None:
        """Take an event."""
        match event:
            case OperationStarted():
                self._start(event)
            case RetryScheduled():
                self._retry(event)
            case OperationDone():
                self._end(event)
            case LimitUpdate(remaining=float() | int() as remaining):
                self._remaining.set(remaining, {"category": event.category, "dimension": event.dimension})
            case _:
                pass

    def _start(self, event: OperationStarted) -> None:
        span = self._tracer.start_span(event.operation)
        span.set_attribute("twelvelabs.operation", event.operation)
        span.set_attribute("twelvelabs.request.size", event.size)
        self._open[event.number] = span, context.attach(trace.set_span_in_context(span))

    def _retry(self, event: RetryScheduled) -> None:
        span, _ = self._open[event.number]
        cause = type(event.error).__name__
        span.add_event("retry", {"attempt": event.attempt, "error.type": cause, "seconds": event.seconds})

    def _end(self, event: OperationDone) -> None:
        span, token = self._open.pop(event.number)
        context.detach(token)
        span.set_attribute("twelvelabs.attempts", event.attempts)
        span.set_attribute("twelvelabs.ratelimit.wait", event.waited)
        about = {"operation": event.operation}
        self._wait.record(event.waited, about)
        if event.error is not None:
            kind = type(event.error).__name__
            span.set_attribute("error.type", kind)
            span.set_status(Status(StatusCode.ERROR, str(event.error)))
            about = {**about, "error.type": kind}
        elif event.operation in UPLOADS:
            self._bytes.add(event.size, about)
        self._duration.record(event.seconds, about)
        span.end()
