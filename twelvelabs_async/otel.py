"""OpenTelemetry spans and metrics for every call. Needs the extra `otel`.

    client = AsyncTwelveLabs(on_event=Telemetry())

A span covers a call with its rate-limit queue, attempts and retry delays; for a stream, until its end. Each attempt is
a child span of it, by the conventions for HTTP clients. Where a model works, the span of the call follows the
conventions for generative AI. What they have no name for begins with `twelvelabs.`.

| metric | unit | attributes |
|---|---|---|
| `http.client.request.duration` | s | `http.request.method`, `http.response.status_code`, `error.type`, URL |
| `gen_ai.client.operation.duration` | s | `gen_ai.operation.name`, `gen_ai.request.model`, `error.type`, URL |
| `gen_ai.client.operation.time_to_first_chunk` | s | `gen_ai.operation.name`, `gen_ai.request.model`, URL |
| `gen_ai.client.token.usage` | {token} | `gen_ai.operation.name`, `gen_ai.request.model`, `gen_ai.token.type`, URL |
| `twelvelabs.client.operation.duration` | s | `twelvelabs.operation`, `error.type` |
| `twelvelabs.client.ratelimit.wait` | s | `twelvelabs.operation` |
| `twelvelabs.client.ratelimit.remaining` | 1 | `twelvelabs.ratelimit.category`, `twelvelabs.ratelimit.dimension` |
| `twelvelabs.client.upload.bytes` | By | `twelvelabs.operation` |

URL stands for `server.address`, `server.port` and, for HTTP requests, `url.template`. Without an OpenTelemetry SDK
nothing is recorded.
"""

from __future__ import annotations

from contextvars import Token
from typing import Any, Final
from urllib.parse import urlsplit

import attrs

from twelvelabs_async._arguments import require_type
from twelvelabs_async._text import install_command
from twelvelabs_async._version import __version__
from twelvelabs_async.errors import APIError
from twelvelabs_async.events import (
    AttemptFinished,
    AttemptStarted,
    RateLimitUpdated,
    RateLimitWaitStarted,
    RequestFinished,
    RequestStarted,
    RetryScheduled,
    StreamStarted,
)

try:
    from opentelemetry import context, metrics, propagate, trace
    from opentelemetry.context import Context
    from opentelemetry.metrics import Meter, MeterProvider
    from opentelemetry.propagators.textmap import TextMapPropagator
    from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider
except ImportError as _error:
    raise ImportError(f"Telemetry needs OpenTelemetry: {install_command('otel')}") from _error

_INSTRUMENTATION_NAME: Final = "twelvelabs_async"

_UPLOAD_OPERATIONS: Final = frozenset({"POST /assets", "PUT storage", "POST /tasks"})
"""Operations that send files."""

_MODEL_OPERATIONS: Final = {
    "POST /analyze": "generate_content",
    "POST /embed": "embeddings",
    "POST /embed-v2": "embeddings",
    "POST /knowledge-stores/{knowledge_store_id}/search": "retrieval",
    "POST /responses": "chat",
    "POST /search": "retrieval",
}
"""Operations that return the output of a model, and their names in the conventions. A created task returns none."""

_HTTP_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_MODEL_SECONDS: Final = tuple(0.01 * 2**power for power in range(14))
_TOKENS: Final = tuple(4**power for power in range(14))
"""Boundaries of histograms, as the conventions recommend them."""

# The instrumentation of aiohttp reads this key. The function that sets it is in a package of instrumentations.
_SUPPRESS_HTTP_INSTRUMENTATION: Final = context._SUPPRESS_HTTP_INSTRUMENTATION_KEY  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # see above

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

_Attributes = dict[str, str | int | float | bool]


@attrs.define(kw_only=True, eq=False)
class _OpenSpan:
    """A span that has not ended."""

    span: Span
    token: Token[Context] | None
    """Restores the context in which the span is not the current one; None if it is not any more."""
    attributes: _Attributes
    """Attributes of its metrics."""
    attempt: _OpenSpan | None = None
    """The current attempt of a call."""

    def detach(self) -> None:
        token, self.token = self.token, None
        if token is not None:
            context.detach(token)

    def fail(self, error_type: str, description: str | None = None) -> None:
        self.span.set_attribute("error.type", error_type)
        self.span.set_status(Status(StatusCode.ERROR, description))
        self.attributes["error.type"] = error_type


_CALL_KEY: Final = context.create_key("twelvelabs-call")
"""The call of a context."""


class Telemetry:
    """Event listener for `AsyncTwelveLabs(on_event=...)` that records spans and metrics.

    Spans of the instrumentation of aiohttp are left out during a call: they would repeat those of the attempts.

    Args:
        tracer_provider: Provider for spans; None uses the global one.
        meter_provider: Provider for metrics; None uses the global one.
        propagator: Adds headers such as `traceparent` to requests to the API; None uses the global one. Requests to
            storage get none.

    Raises:
        InvalidInputError: An argument has another type.

    Example:
        from twelvelabs_async.otel import Telemetry

        async with AsyncTwelveLabs(on_event=Telemetry()) as client:
            await client.indexes.list()
    """

    def __init__(
        self,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        propagator: TextMapPropagator | None = None,
    ) -> None:
        require_type("tracer_provider", tracer_provider, TracerProvider, "a TracerProvider")
        require_type("meter_provider", meter_provider, MeterProvider, "a MeterProvider")
        require_type("propagator", propagator, TextMapPropagator, "a TextMapPropagator")
        self._tracer = trace.get_tracer(_INSTRUMENTATION_NAME, __version__, tracer_provider)
        self._metrics = _Metrics(metrics.get_meter(_INSTRUMENTATION_NAME, __version__, meter_provider))
        self._propagator = propagator
        self._calls: dict[int, _OpenSpan] = {}

    def __call__(self, event: Any) -> None:
        """Record an event.

        Example:
            from twelvelabs_async.otel import Telemetry

            telemetry = Telemetry()
            async with AsyncTwelveLabs(on_event=lambda event: telemetry(event)) as client:
                await client.indexes.list()
        """
        match event:
            case RequestStarted():
                self._start_call(event)
            case AttemptStarted():
                self._start_attempt(self._calls[event.call_id], event)
            case AttemptFinished():
                self._end_attempt(self._calls[event.call_id], event)
            case RetryScheduled():
                self._record_retry(self._calls[event.call_id].span, event)
            case StreamStarted():
                self._calls[event.call_id].detach()
                self._calls[event.call_id].span.set_attribute("gen_ai.request.stream", True)
            case RequestFinished():
                self._end_call(self._calls.pop(event.call_id), event)
            case RateLimitWaitStarted():
                self._record_wait(event)
            case RateLimitUpdated():
                self._record_limit(event)
            case _:
                pass

    def _start_call(self, event: RequestStarted) -> None:
        attributes: _Attributes = {"twelvelabs.operation": event.operation}
        name, gen_ai = event.operation, _model_attributes(event)
        if gen_ai:
            name = " ".join(filter(None, (_MODEL_OPERATIONS[event.operation], event.model)))
        span = self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes={**attributes, **gen_ai})
        call = _OpenSpan(span=span, token=None, attributes=gen_ai)
        call.token = context.attach(context.set_value(_CALL_KEY, call, trace.set_span_in_context(span)))
        self._calls[event.call_id] = call

    def _start_attempt(self, call: _OpenSpan, event: AttemptStarted) -> None:
        method, server = event.operation.partition(" ")[0], _server_attributes(event.url)
        name, attributes = method, {"http.request.method": method, **server}
        if event.url_template is not None:
            name = f"{method} {event.url_template}"
            attributes["url.template"] = event.url_template
        call.span.set_attributes(server)
        if call.attributes:
            call.attributes |= server
        details: _Attributes = {"url.full": event.url, "http.request.body.size": event.request_bytes}
        if event.attempt > 1:
            details["http.request.resend_count"] = event.attempt - 1
        span = self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes={**attributes, **details})
        inner = context.set_value(_SUPPRESS_HTTP_INSTRUMENTATION, True, trace.set_span_in_context(span))
        call.attempt = _OpenSpan(span=span, token=context.attach(inner), attributes=attributes)
        if event.url_template is not None:
            headers: Any = event.headers  # the default setter is not typed as one for this mapping
            (self._propagator or propagate.get_global_textmap()).inject(headers, inner)

    def _end_attempt(self, call: _OpenSpan, event: AttemptFinished) -> None:
        attempt, call.attempt = call.attempt, None
        if attempt is None:
            return
        attempt.detach()
        if event.status_code is not None:
            attempt.span.set_attribute("http.response.status_code", event.status_code)
            attempt.attributes["http.response.status_code"] = event.status_code
        if event.request_id is not None:
            attempt.span.set_attribute("twelvelabs.request_id", event.request_id)
        if event.error is not None:
            attempt.fail(_error_type(event.error), str(event.error))
        elif event.status_code is not None and event.status_code >= 400:
            attempt.fail(str(event.status_code))
        self._metrics.http_duration.record(event.duration, attempt.attributes)
        attempt.span.end()

    def _record_retry(self, span: Span, event: RetryScheduled) -> None:
        attributes = {"twelvelabs.retry.attempt": event.attempt, "twelvelabs.retry.delay": event.delay}
        span.add_event("twelvelabs.retry", {**attributes, "error.type": _error_type(event.error)})

    def _end_call(self, call: _OpenSpan, event: RequestFinished) -> None:
        call.detach()
        call.span.set_attributes(_result_attributes(event))
        attributes: _Attributes = {"twelvelabs.operation": event.operation}
        if event.operation in _MODEL_OPERATIONS:
            self._metrics.record_usage(call.attributes, event)
        if event.error is not None:
            call.fail(_error_type(event.error), str(event.error))
            attributes["error.type"] = _error_type(event.error)
        if event.operation in _MODEL_OPERATIONS:
            self._metrics.model_duration.record(event.duration, call.attributes)
        self._metrics.record_call(attributes, event)
        call.span.end()

    def _record_wait(self, event: RateLimitWaitStarted) -> None:
        call = context.get_value(_CALL_KEY)
        if isinstance(call, _OpenSpan):
            attributes: _Attributes = {
                "twelvelabs.ratelimit.category": event.category,
                "twelvelabs.ratelimit.dimension": event.dimension,
                "twelvelabs.ratelimit.queue_length": event.queue_length,
            }
            if event.delay is not None:
                attributes["twelvelabs.ratelimit.delay"] = event.delay
            call.span.add_event("twelvelabs.ratelimit.wait", attributes)

    def _record_limit(self, event: RateLimitUpdated) -> None:
        category, call = {"twelvelabs.ratelimit.category": event.category}, context.get_value(_CALL_KEY)
        if isinstance(call, _OpenSpan):
            call.span.set_attributes(category)
            for name, value in (("limit", event.limit), ("remaining", event.remaining)):
                if value is not None:
                    call.span.set_attribute(f"twelvelabs.ratelimit.{event.dimension}.{name}", value)
        if event.remaining is not None:
            self._metrics.remaining.set(
                event.remaining, {**category, "twelvelabs.ratelimit.dimension": event.dimension}
            )


class _Metrics:
    """The instruments of a meter."""

    def __init__(self, meter: Meter) -> None:
        self.http_duration = meter.create_histogram(
            "http.client.request.duration",
            "s",
            "Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=_HTTP_SECONDS,
        )
        self.model_duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            "s",
            "GenAI operation duration.",
            explicit_bucket_boundaries_advisory=_MODEL_SECONDS,
        )
        self._first_chunk = meter.create_histogram(
            "gen_ai.client.operation.time_to_first_chunk",
            "s",
            "Time to receive the first chunk of a stream.",
            explicit_bucket_boundaries_advisory=_MODEL_SECONDS,
        )
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            "{token}",
            "Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )
        self._duration = meter.create_histogram("twelvelabs.client.operation.duration", "s", "Duration of a call.")
        self._queue_time = meter.create_histogram(
            "twelvelabs.client.ratelimit.wait", "s", "Time in the rate-limit queue."
        )
        self.remaining = meter.create_gauge(
            "twelvelabs.client.ratelimit.remaining", "1", "Remaining quota of a rate limit."
        )
        self._bytes = meter.create_counter("twelvelabs.client.upload.bytes", "By", "Bytes uploaded in completed calls.")

    def record_call(self, attributes: _Attributes, event: RequestFinished) -> None:
        """Record the end of any call; the attributes are those of its duration."""
        operation = {"twelvelabs.operation": event.operation}
        self._duration.record(event.duration, attributes)
        self._queue_time.record(event.queue_time, operation)
        if event.error is None and event.operation in _UPLOAD_OPERATIONS:
            self._bytes.add(event.request_bytes, operation)

    def record_usage(self, attributes: _Attributes, event: RequestFinished) -> None:
        """Record the tokens of a call of a model, and when its stream began."""
        for kind, count in (("input", event.input_tokens), ("output", event.output_tokens)):
            if count is not None:
                self._tokens.record(count, {**attributes, "gen_ai.token.type": kind})
        if event.time_to_first_chunk is not None:
            self._first_chunk.record(event.time_to_first_chunk, attributes)


def _model_attributes(event: RequestStarted) -> _Attributes:
    """Return the attributes of a call of a model; empty for other calls."""
    operation = _MODEL_OPERATIONS.get(event.operation)
    if operation is None:
        return {}
    attributes: _Attributes = {"gen_ai.operation.name": operation, "gen_ai.provider.name": "twelvelabs"}
    return attributes if event.model is None else {**attributes, "gen_ai.request.model": event.model}


def _server_attributes(url: str) -> _Attributes:
    parts = urlsplit(url)
    return {"server.address": parts.hostname or "", "server.port": parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)}


def _result_attributes(event: RequestFinished) -> _Attributes:
    """Return the attributes of a finished call, without those that are None."""
    found = {
        "twelvelabs.attempts": event.attempts,
        "twelvelabs.ratelimit.wait": event.queue_time,
        "twelvelabs.request_id": event.request_id,
        "gen_ai.usage.input_tokens": event.input_tokens,
        "gen_ai.usage.output_tokens": event.output_tokens,
        "gen_ai.response.time_to_first_chunk": event.time_to_first_chunk,
    }
    return {name: value for name, value in found.items() if value is not None}


def _error_type(error: BaseException) -> str:
    """Return the code of the platform, else the HTTP status, else the class of an exception."""
    if isinstance(error, APIError):
        if error.code:
            return error.code
        if error.status_code is not None and error.status_code >= 400:
            return str(error.status_code)
    return type(error).__name__
