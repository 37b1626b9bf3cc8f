"""What a client tells of its work: as events, in logs, and to OpenTelemetry."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from opentelemetry.instrumentation.aiohttp_client import create_trace_config
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from support import KEY, FastClock

from twelvelabs_async import AsyncTwelveLabs, InvalidInputError, NotFoundError
from twelvelabs_async.emulator import Emulator, Plan
from twelvelabs_async.emulator.plans import Window
from twelvelabs_async.events import LimitUpdate, LimitWait, OperationDone, OperationStarted, RetryScheduled
from twelvelabs_async.otel import Telemetry

MODELS = [{"model_name": "marengo3.0", "model_options": ["visual"]}]


async def test_a_call_is_told_from_its_beginning_to_its_end(emulator: Emulator, clock: FastClock) -> None:
    told: list[Any] = []
    emulator.faults.add("GET /indexes", status=503, times=2)
    async with AsyncTwelveLabs(
        emulator.api_key, base_url=emulator.base_url, clock=clock, on_event=told.append
    ) as client:
        await client.indexes.list()
    assert [type(event) for event in told] == [OperationStarted, RetryScheduled, RetryScheduled, OperationDone]
    assert {event.number for event in told} == {told[0].number}
    assert [event.attempt for event in told[1:3]] == [1, 2]
    assert (told[-1].attempts, told[-1].error) == (3, None)


async def test_a_failure_and_a_cancellation_are_ends_too(emulator: Emulator) -> None:
    told: list[Any] = []
    emulator.faults.add("GET /indexes", stall="before")
    async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, on_event=told.append) as client:
        with pytest.raises(NotFoundError):
            await client.indexes.retrieve("652d4c2f9a1b3c4d5e6f7a8b")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await client.indexes.list()
    ends = [type(event.error) for event in told if isinstance(event, OperationDone)]
    assert ends == [NotFoundError, asyncio.CancelledError]


async def test_waits_for_a_limit_are_told_and_counted(clock: FastClock) -> None:
    told: list[Any] = []
    async with (
        Emulator(plan=Plan(default=Window(2, 40)), clock=clock) as emulator,
        AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, clock=clock, on_event=told.append) as client,
    ):
        for _ in range(3):
            await client.indexes.list()
    assert any(isinstance(event, LimitWait) and (event.seconds or 0) > 30 for event in told)
    assert [event.remaining for event in told if isinstance(event, LimitUpdate)][:2] == [1, 0]
    assert told[-1].waited > 30


async def test_a_listener_that_fails_harms_no_call(emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: object) -> None:
        raise RuntimeError

    async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, on_event=fail) as client:
        assert list(await client.indexes.list()) == []
    assert "a listener failed" in caplog.text


# Logs.


async def test_logs_tell_each_call_and_never_the_key(clock: FastClock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "twelvelabs_async")
    async with (
        Emulator(api_key=KEY) as emulator,
        AsyncTwelveLabs(KEY, base_url=emulator.base_url, clock=clock) as client,
    ):
        emulator.faults.add("GET /indexes", status=503)
        await client.indexes.list(index_name="a secret name")
        with pytest.raises(NotFoundError):
            await client.indexes.delete("652d4c2f9a1b3c4d5e6f7a8b")
    assert "GET /indexes: ok, 2 sent" in caplog.text
    assert "DELETE /indexes/{index-id}: NotFoundError" in caplog.text
    assert KEY not in caplog.text
    assert "secret name" not in caplog.text
    records = [record for record in caplog.records if record.name == "twelvelabs_async.operation"]
    assert [record.levelname for record in records] == ["DEBUG", "INFO"]
    assert [vars(record)["attempts"] for record in records] == [2, 1]


def test_the_environment_turns_logging_on_for_a_program_that_does_not() -> None:
    code = (
        "import asyncio, os\n"
        "from twelvelabs_async import AsyncTwelveLabs, APIConnectionError\n"
        "async def main():\n"
        "    async with AsyncTwelveLabs('key_not_to_be_seen', base_url='http://127.0.0.1:9/v1.3') as client:\n"
        "        try: await client.with_options(max_retries=0).indexes.list()\n"
        "        except APIConnectionError: pass\n"
        "asyncio.run(main())\n"
    )
    for level, said in (("debug", True), ("", False)):
        run = subprocess.run(  # noqa: S603  # our own
            [sys.executable, "-c", code], check=True, capture_output=True, text=True, env={"TWELVELABS_LOG": level}
        )
        assert ("GET /indexes: APIConnectionError" in run.stderr) is said
        assert "key_not_to_be_seen" not in run.stderr


def test_a_level_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWELVELABS_LOG", "loud")
    with pytest.raises(InvalidInputError, match="debug, info, warning"):
        AsyncTwelveLabs("key")


# OpenTelemetry.


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
def figures() -> InMemoryMetricReader:
    return InMemoryMetricReader()


@pytest.fixture
async def watched(
    emulator: Emulator, clock: FastClock, tracing: TracerProvider, figures: InMemoryMetricReader
) -> AsyncIterator[AsyncTwelveLabs]:
    meters = MeterProvider([figures])
    async with AsyncTwelveLabs(
        emulator.api_key,
        base_url=emulator.base_url,
        clock=clock,
        trace_configs=[create_trace_config(tracer_provider=tracing)],
        on_event=Telemetry(tracing, meters),
    ) as client:
        yield client
    meters.shutdown()


def attribute(span: ReadableSpan, name: str) -> object:
    return (span.attributes or {})[name]


async def test_a_span_covers_an_operation_and_its_attempts_are_its_children(
    watched: AsyncTwelveLabs, emulator: Emulator, spans: InMemorySpanExporter
) -> None:
    emulator.faults.add("GET /indexes", status=503)
    await watched.indexes.list()
    (whole,) = (span for span in spans.get_finished_spans() if span.name == "GET /indexes")
    attempts = [span for span in spans.get_finished_spans() if span is not whole]
    assert attribute(whole, "twelvelabs.attempts") == 2
    assert [event.name for event in whole.events] == ["retry"]
    assert len(attempts) == 2
    assert whole.context is not None
    assert {span.parent and span.parent.span_id for span in attempts} == {whole.context.span_id}


async def test_a_failed_operation_is_a_span_with_its_error(
    watched: AsyncTwelveLabs, spans: InMemorySpanExporter
) -> None:
    with pytest.raises(NotFoundError):
        await watched.indexes.delete("652d4c2f9a1b3c4d5e6f7a8b")
    (whole,) = (span for span in spans.get_finished_spans() if span.name.startswith("DELETE /"))
    assert whole.status.status_code is StatusCode.ERROR
    assert attribute(whole, "error.type") == "NotFoundError"


async def test_operations_side_by_side_do_not_become_each_others_children(
    watched: AsyncTwelveLabs, spans: InMemorySpanExporter
) -> None:
    await asyncio.gather(*(watched.indexes.list() for _ in range(5)))
    whole = [span for span in spans.get_finished_spans() if span.name == "GET /indexes"]
    assert len(whole) == 5
    assert all(span.parent is None for span in whole)
    await watched.indexes.list()
    assert spans.get_finished_spans()[-1].parent is None


async def test_figures_are_collected(watched: AsyncTwelveLabs, figures: InMemoryMetricReader) -> None:
    await watched.assets.upload(b"film" * 100, filename="film.mp4")
    data = figures.get_metrics_data()
    assert data is not None
    found = {metric.name: metric.data.data_points[0] for metric in data.resource_metrics[0].scope_metrics[0].metrics}
    assert found["twelvelabs.client.upload.bytes"].attributes == {"operation": "POST /assets"}
    assert {"twelvelabs.client.operation.duration", "twelvelabs.client.ratelimit.wait"} <= set(found)
