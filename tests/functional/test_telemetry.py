"""OpenTelemetry spans and metrics, compared with expected traces in a file.

After an intended change, `TWELVELABS_UPDATE_TRACES=1 pytest tests/functional/test_telemetry.py` updates the file.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
from multidict import CIMultiDict
from opentelemetry.instrumentation import aiohttp_client
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from support import FastClock

from twelvelabs_async import APIConnectionError, AsyncTwelveLabs, NotFoundError, StreamError, TwelveLabs
from twelvelabs_async.emulator import Emulator, Plan, ThreadedEmulator, samples
from twelvelabs_async.emulator.plans import Window
from twelvelabs_async.events import AttemptStarted
from twelvelabs_async.models import MultiInput, VideoAsset
from twelvelabs_async.otel import Telemetry

TRACES: Final = Path(__file__).parents[1] / "data" / "traces.txt"
UPDATE: Final = "TWELVELABS_UPDATE_TRACES" in os.environ
FILM: Final = samples.video(seconds=10)
MISSING_ID: Final = "652d4c2f9a1b3c4d5e6f7a8b"

PLACEHOLDERS: Final = {
    "gen_ai.response.time_to_first_chunk": "<seconds>",
    "server.port": "<port>",
    "twelvelabs.ratelimit.wait": "<seconds>",
    "twelvelabs.request_id": "<request id>",
    "url.full": "<url>",
}
"""Attributes whose value differs in each run, and their placeholders in the file."""

CONVENTIONS: Final = (
    *("attributes.error_attributes", "attributes.http_attributes", "attributes.server_attributes"),
    *("attributes.url_attributes", "_incubating.attributes.url_attributes", "_incubating.attributes.http_attributes"),
    *("_incubating.attributes.gen_ai_attributes", "metrics.http_metrics", "_incubating.metrics.gen_ai_metrics"),
)
"""Modules of `opentelemetry.semconv` that define the names of the conventions."""


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(spans: InMemorySpanExporter) -> Iterator[TracerProvider]:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    yield provider
    provider.shutdown()


@pytest.fixture
def metric_reader() -> InMemoryMetricReader:
    return InMemoryMetricReader()


@pytest.fixture
async def traced_client(
    emulator: Emulator, clock: FastClock, tracing: TracerProvider, metric_reader: InMemoryMetricReader
) -> AsyncIterator[AsyncTwelveLabs]:
    meter_provider = MeterProvider([metric_reader])
    async with AsyncTwelveLabs(
        emulator.api_key, base_url=emulator.base_url, clock=clock, on_event=Telemetry(tracing, meter_provider)
    ) as client:
        yield client
    meter_provider.shutdown()


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def calls(spans: InMemorySpanExporter, name: str = "") -> list[ReadableSpan]:
    """Return the finished spans of calls, in the order of their ends."""
    return [span for span in spans.get_finished_spans() if span.parent is None and span.name.startswith(name)]


def children(spans: InMemorySpanExporter, parent: ReadableSpan) -> list[ReadableSpan]:
    assert parent.context is not None
    identity = parent.context.span_id
    spans_of_parent = [span for span in spans.get_finished_spans() if span.parent and span.parent.span_id == identity]
    return sorted(spans_of_parent, key=lambda span: span.start_time or 0)


def metric_points(metric_reader: InMemoryMetricReader) -> dict[str, list[Any]]:
    data = metric_reader.get_metrics_data()
    assert data is not None
    metrics = data.resource_metrics[0].scope_metrics[0].metrics
    return {metric.name: list(metric.data.data_points) for metric in metrics}


def render_trace(spans: InMemorySpanExporter, span: ReadableSpan, indent: str = "") -> Iterator[str]:
    """Yield the lines of a trace: each span with its kind, status, attributes, events and children."""
    yield f"{indent}{span.kind.name} {span.name} {span.status.status_code.name}"
    for name, value in sorted(attributes(span).items()):
        yield f"{indent}    {name} = {PLACEHOLDERS.get(name, value)}"
    for event in span.events:
        yield f"{indent}    event {event.name}"
    for child in children(spans, span):
        yield from render_trace(spans, child, f"{indent}    ")


async def list_page(client: AsyncTwelveLabs, _: str) -> str:
    await client.assets.list(page_limit=1)
    return "GET /assets"


async def upload(client: AsyncTwelveLabs, _: str) -> str:
    await client.assets.upload(FILM, filename="film.mp4")
    return "POST /assets"


async def part(client: AsyncTwelveLabs, _: str) -> str:
    await client.assets.upload(FILM, filename="film.mp4", method="multipart")
    return "PUT storage"


async def analyze(client: AsyncTwelveLabs, asset_id: str) -> str:
    await client.analyze(model_name="pegasus1.5", video=VideoAsset(asset_id=asset_id), prompt="What happens?")
    return "generate_content"


async def analyze_stream(client: AsyncTwelveLabs, asset_id: str) -> str:
    video = VideoAsset(asset_id=asset_id)
    async with client.analyze_stream(model_name="pegasus1.5", video=video, prompt="What happens?") as stream:
        await stream.text()
    return "generate_content"


async def embed(client: AsyncTwelveLabs, _: str) -> str:
    text = MultiInput(input_text="a boat at sunset")
    await client.embed.v_2.create(model_name="marengo3.5", input_type="multi_input", multi_input=text)
    return "embeddings"


TRACED_CALLS: Final[dict[str, Callable[[AsyncTwelveLabs, str], Coroutine[Any, Any, str]]]] = {
    call.__name__: call for call in (list_page, upload, part, analyze, analyze_stream, embed)
}


def expected_traces() -> dict[str, str]:
    """Return the traces in the file by the name of their call."""
    sections = TRACES.read_text("utf-8").split("# ")[1:] if TRACES.exists() else []
    return {name: trace.strip() for name, _, trace in (section.partition("\n") for section in sections)}


@pytest.mark.parametrize("name", TRACED_CALLS)
async def test_a_call_produces_the_expected_trace(
    traced_client: AsyncTwelveLabs, emulator: Emulator, spans: InMemorySpanExporter, name: str
) -> None:
    asset = await traced_client.assets.upload(FILM, filename="film.mp4")
    emulator.advance(3600)
    spans.clear()
    span_name = await TRACED_CALLS[name](traced_client, asset.id)
    trace = "\n".join(render_trace(spans, calls(spans, span_name)[0]))
    expected = expected_traces()
    if UPDATE:
        text = "\n\n".join(
            f"# {call}\n{trace if call == name else expected.get(call, '')}".rstrip() for call in TRACED_CALLS
        )
        TRACES.write_text(f"{text}\n", "utf-8")
    else:
        assert trace == expected[name]


def known_names() -> set[str]:
    """Return the names of attributes and metrics in the conventions."""
    modules = (vars(import_module(f"opentelemetry.semconv.{name}")).values() for name in CONVENTIONS)
    return {value for values in modules for value in values if isinstance(value, str)}


NEWEST_NAME: Final = "gen_ai.response.time_to_first_chunk"


@pytest.mark.skipif(NEWEST_NAME not in known_names(), reason="the installed conventions are older")
async def test_each_name_is_a_semantic_convention_or_starts_with_twelvelabs(
    traced_client: AsyncTwelveLabs, emulator: Emulator, spans: InMemorySpanExporter, metric_reader: InMemoryMetricReader
) -> None:
    asset = await traced_client.assets.upload(FILM, filename="film.mp4")
    emulator.advance(3600)
    emulator.faults.add("GET /assets", status=503)
    for call in TRACED_CALLS.values():
        await call(traced_client, asset.id)
    events = [event for span in spans.get_finished_spans() for event in span.events]
    points = metric_points(metric_reader)
    names = {name for span in spans.get_finished_spans() for name in attributes(span)}
    names |= {name for event in events for name in (event.name, *(event.attributes or {}))} | set(points)
    names |= {name for series in points.values() for point in series for name in point.attributes}
    assert not {name for name in names if not name.startswith("twelvelabs.")} - known_names()
    assert len(names) > 25
    assert {span.kind for span in spans.get_finished_spans()} == {SpanKind.CLIENT}


async def test_attempt_spans_have_the_resend_count_and_the_error_status(
    traced_client: AsyncTwelveLabs, emulator: Emulator, spans: InMemorySpanExporter
) -> None:
    emulator.faults.add("GET /indexes", status=503)
    await traced_client.indexes.list()
    (call,) = calls(spans)
    first, second = children(spans, call)
    assert [event.name for event in call.events] == ["twelvelabs.retry"]
    assert (call.events[0].attributes or {})["error.type"] == "injected_fault"
    assert attributes(first)["error.type"] == "503"
    assert first.status.status_code is StatusCode.ERROR
    assert "http.request.resend_count" not in attributes(first)
    assert attributes(second)["http.request.resend_count"] == 1
    assert attributes(call)["twelvelabs.attempts"] == 2
    assert call.status.status_code is StatusCode.UNSET


async def test_the_error_type_of_a_call_is_the_api_error_code_or_the_exception_class(
    traced_client: AsyncTwelveLabs, emulator: Emulator, spans: InMemorySpanExporter
) -> None:
    with pytest.raises(NotFoundError):
        await traced_client.indexes.delete(MISSING_ID)
    emulator.faults.add("GET /indexes", reset="before", times=4)
    with pytest.raises(APIConnectionError):
        await traced_client.indexes.list()
    missing_call, failed_call = calls(spans)
    assert attributes(missing_call)["error.type"] == "resource_not_exist"
    assert [attributes(attempt)["error.type"] for attempt in children(spans, missing_call)] == ["404"]
    assert attributes(failed_call)["error.type"] == "APIConnectionError"
    assert {attributes(attempt)["error.type"] for attempt in children(spans, failed_call)} == {"APIConnectionError"}
    assert {call.status.status_code for call in (missing_call, failed_call)} == {StatusCode.ERROR}


async def test_concurrent_calls_have_independent_spans(
    traced_client: AsyncTwelveLabs, spans: InMemorySpanExporter
) -> None:
    await asyncio.gather(*(traced_client.indexes.list() for _ in range(5)))
    assert len(calls(spans, "GET /indexes")) == 5
    assert [len(children(spans, call)) for call in calls(spans)] == [1] * 5
    await traced_client.indexes.list()
    assert spans.get_finished_spans()[-1].parent is None


def test_a_sync_call_is_a_child_of_the_current_span_of_its_thread(
    cli_emulator: ThreadedEmulator, tracing: TracerProvider, spans: InMemorySpanExporter
) -> None:
    with TwelveLabs(
        cli_emulator.api_key, base_url=cli_emulator.base_url, on_event=Telemetry(tracing, MeterProvider())
    ) as client:
        with tracing.get_tracer(__name__).start_as_current_span("request of a web page"):
            client.indexes.list()
        client.indexes.list()
    (page,) = calls(spans, "request of a web page")
    assert [span.name for span in children(spans, page)] == ["GET /indexes"]
    assert len(calls(spans, "GET /indexes")) == 1


async def test_the_span_of_a_stream_ends_with_the_stream_and_is_not_current_while_it_is_read(
    traced_client: AsyncTwelveLabs, emulator: Emulator, spans: InMemorySpanExporter
) -> None:
    asset = await traced_client.assets.upload(FILM, filename="film.mp4")
    emulator.advance(3600)
    spans.clear()
    video = VideoAsset(asset_id=asset.id)
    async with traced_client.analyze_stream(video=video, prompt="What happens?") as stream:
        await traced_client.indexes.list()
        assert [span.name for span in calls(spans)] == ["GET /indexes"]
        await stream.text()
        assert [span.name for span in calls(spans)] == ["GET /indexes", "generate_content"]


async def test_an_interrupted_stream_is_an_error_and_one_closed_early_is_not(
    traced_client: AsyncTwelveLabs, emulator: Emulator, spans: InMemorySpanExporter, metric_reader: InMemoryMetricReader
) -> None:
    asset = await traced_client.assets.upload(FILM, filename="film.mp4")
    emulator.advance(3600)
    video = VideoAsset(asset_id=asset.id)
    emulator.faults.add("POST /analyze", truncate=True)
    with pytest.raises(StreamError):
        await traced_client.analyze_stream(video=video, prompt="What happens?").text()
    async with traced_client.analyze_stream(video=video, prompt="What happens?"):
        pass
    broken, closed = calls(spans, "generate_content")
    assert attributes(broken)["error.type"] == "StreamError"
    assert broken.status.status_code is StatusCode.ERROR
    assert closed.status.status_code is StatusCode.UNSET
    assert "gen_ai.usage.output_tokens" not in attributes(closed)
    assert [point.count for point in metric_points(metric_reader)["gen_ai.client.operation.time_to_first_chunk"]] == [1]


async def test_the_span_of_a_call_has_the_quota_and_the_rate_limit_wait(
    clock: FastClock, tracing: TracerProvider, spans: InMemorySpanExporter
) -> None:
    async with (
        Emulator(plan=Plan(default=Window(2, 40)), clock=clock) as emulator,
        AsyncTwelveLabs(
            emulator.api_key, base_url=emulator.base_url, clock=clock, on_event=Telemetry(tracing, MeterProvider())
        ) as client,
    ):
        for _ in range(3):
            await client.indexes.list()
    first, _, third = calls(spans)
    assert attributes(first)["twelvelabs.ratelimit.request.remaining"] == 1
    assert attributes(first)["twelvelabs.ratelimit.request.limit"] == 2
    assert attributes(third)["twelvelabs.ratelimit.wait"] > 30
    (wait,) = (event for event in third.events if event.name == "twelvelabs.ratelimit.wait")
    assert (wait.attributes or {})["twelvelabs.ratelimit.category"] == "GET /indexes"


@pytest.fixture
def sent_headers() -> dict[str, CIMultiDict[str]]:
    """Headers of the last request to each path."""
    return {}


@pytest.fixture
def header_tracing(sent_headers: dict[str, CIMultiDict[str]]) -> aiohttp.TraceConfig:
    async def record_headers(_: object, __: object, params: aiohttp.TraceRequestStartParams) -> None:
        sent_headers[params.url.path.removeprefix("/v1.3")] = params.headers

    config = aiohttp.TraceConfig()
    config.on_request_start.append(record_headers)
    return config


async def test_the_trace_header_is_sent_to_the_api_and_not_to_storage(
    emulator: Emulator,
    tracing: TracerProvider,
    spans: InMemorySpanExporter,
    sent_headers: dict[str, CIMultiDict[str]],
    header_tracing: aiohttp.TraceConfig,
) -> None:
    listener = Telemetry(tracing, MeterProvider())
    async with AsyncTwelveLabs(
        emulator.api_key, base_url=emulator.base_url, on_event=listener, trace_configs=[header_tracing]
    ) as client:
        await client.assets.upload(FILM, filename="film.mp4", method="multipart")
    (call,) = calls(spans, "POST /assets/multipart-uploads")[:1]
    (attempt,) = children(spans, call)
    assert attempt.context is not None
    parent = f"{attempt.context.trace_id:032x}-{attempt.context.span_id:016x}"
    assert parent in sent_headers.pop("/assets/multipart-uploads")["traceparent"]
    (storage,) = (headers for path, headers in sent_headers.items() if not path.startswith("/assets"))
    assert "traceparent" not in storage


async def test_a_listener_can_add_headers_but_not_replace_them(
    emulator: Emulator, sent_headers: dict[str, CIMultiDict[str]], header_tracing: aiohttp.TraceConfig
) -> None:
    def add_headers(event: object) -> None:
        if isinstance(event, AttemptStarted):
            event.headers.update({"X-Run": "7", "X-Api-Key": "another", "User-Agent": "another"})

    async with AsyncTwelveLabs(
        emulator.api_key, base_url=emulator.base_url, on_event=add_headers, trace_configs=[header_tracing]
    ) as client:
        await client.indexes.list()
    assert sent_headers["/indexes"]["x-run"] == "7"
    assert sent_headers["/indexes"].getall("x-api-key") == [emulator.api_key]
    assert "another" not in sent_headers["/indexes"].values()


@pytest.mark.skipif(
    not hasattr(aiohttp_client, "is_http_instrumentation_enabled"), reason="the installed instrumentation is older"
)
async def test_aiohttp_instrumentation_does_not_duplicate_attempt_spans(
    emulator: Emulator, tracing: TracerProvider, spans: InMemorySpanExporter
) -> None:
    async with AsyncTwelveLabs(
        emulator.api_key,
        base_url=emulator.base_url,
        on_event=Telemetry(tracing, MeterProvider()),
        trace_configs=[aiohttp_client.create_trace_config(tracer_provider=tracing)],
    ) as client:
        await client.indexes.list()
    assert [span.name for span in spans.get_finished_spans()] == ["GET /v1.3/indexes", "GET /indexes"]


async def test_a_propagator_of_the_caller_replaces_the_global_one(
    emulator: Emulator,
    tracing: TracerProvider,
    sent_headers: dict[str, CIMultiDict[str]],
    header_tracing: aiohttp.TraceConfig,
) -> None:
    listener = Telemetry(tracing, MeterProvider(), propagator=CompositePropagator([]))
    async with AsyncTwelveLabs(
        emulator.api_key, base_url=emulator.base_url, on_event=listener, trace_configs=[header_tracing]
    ) as client:
        await client.indexes.list()
    assert "traceparent" not in sent_headers["/indexes"]


async def test_metrics_are_collected(
    traced_client: AsyncTwelveLabs, emulator: Emulator, metric_reader: InMemoryMetricReader
) -> None:
    asset = await traced_client.assets.upload(FILM, filename="film.mp4")
    emulator.advance(3600)
    emulator.faults.add("GET /assets", status=503)
    await list_page(traced_client, asset.id)
    await analyze(traced_client, asset.id)
    with pytest.raises(NotFoundError):
        await traced_client.indexes.delete(MISSING_ID)
    points = metric_points(metric_reader)
    assert dict(points["twelvelabs.client.upload.bytes"][0].attributes) == {"twelvelabs.operation": "POST /assets"}
    tokens = {point.attributes["gen_ai.token.type"]: point.sum for point in points["gen_ai.client.token.usage"]}
    assert set(tokens) == {"input", "output"}
    assert min(tokens.values()) > 0
    (model,) = points["gen_ai.client.operation.duration"]
    assert model.attributes["gen_ai.request.model"] == "pegasus1.5"
    assert model.explicit_bounds[-1] == 81.92
    attempts = {
        (point.attributes["url.template"], point.attributes["http.response.status_code"]): point.count
        for point in points["http.client.request.duration"]
    }
    assert [attempts["/v1.3/assets", status] for status in (201, 503, 200)] == [1, 1, 1]
    errors = {point.attributes.get("error.type") for point in points["twelvelabs.client.operation.duration"]}
    assert errors == {None, "resource_not_exist"}
