"""Events and logs of the client."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from typing import Any

import pytest
from support import KEY, FastClock, RawServer, always_respond, raw_response

from twelvelabs_async import AsyncTwelveLabs, NotFoundError
from twelvelabs_async.emulator import Emulator, Plan, samples
from twelvelabs_async.emulator.plans import Window
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
from twelvelabs_async.models import MultiInput, VideoAsset

MISSING_ID = "652d4c2f9a1b3c4d5e6f7a8b"


async def test_a_call_emits_events_from_start_to_end(emulator: Emulator, clock: FastClock) -> None:
    events: list[Any] = []
    emulator.faults.add("GET /indexes", status=503, times=2)
    async with AsyncTwelveLabs(
        emulator.api_key, base_url=emulator.base_url, clock=clock, on_event=events.append
    ) as client:
        await client.indexes.list()
    retry_events = [AttemptStarted, AttemptFinished, RetryScheduled]
    event_types = [RequestStarted, *retry_events, *retry_events, AttemptStarted, AttemptFinished, RequestFinished]
    assert [type(event) for event in events] == event_types
    assert {event.call_id for event in events} == {events[0].call_id}
    assert [event.attempt for event in events[1:-1]] == [1, 1, 1, 2, 2, 2, 3, 3]
    assert [event.status_code for event in events if isinstance(event, AttemptFinished)] == [503, 503, 200]
    assert (events[-1].attempts, events[-1].error, events[-1].status_code) == (3, None, 200)


async def test_failed_and_cancelled_calls_emit_request_finished(emulator: Emulator) -> None:
    events: list[Any] = []
    emulator.faults.add("GET /indexes", stall="before")
    async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, on_event=events.append) as client:
        with pytest.raises(NotFoundError):
            await client.indexes.retrieve(MISSING_ID)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await client.indexes.list()
    finished = [type(event.error) for event in events if isinstance(event, RequestFinished)]
    assert finished == [NotFoundError, asyncio.CancelledError]


async def test_rate_limit_waits_emit_events_and_count_as_queue_time(clock: FastClock) -> None:
    events: list[Any] = []
    async with (
        Emulator(plan=Plan(default=Window(2, 40)), clock=clock) as emulator,
        AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, clock=clock, on_event=events.append) as client,
    ):
        for _ in range(3):
            await client.indexes.list()
    assert any(isinstance(event, RateLimitWaitStarted) and (event.delay or 0) > 30 for event in events)
    assert [event.remaining for event in events if isinstance(event, RateLimitUpdated)][:2] == [1, 0]
    assert events[-1].queue_time > 30


async def test_an_exception_in_a_listener_is_logged_and_does_not_fail_the_call(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise RuntimeError

    async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, on_event=fail) as client:
        assert list(await client.indexes.list()) == []
    assert "on_event raised an exception" in caplog.text


INVALID_HEADERS: list[dict[Any, Any]] = [
    {"x": None},
    {"x": 5},
    {"x": b"a"},
    {"x": "a\nb"},
    {"x\r\ny": "a"},
    {5: "a"},
    {"x": "é"},
    {"Content-Length": "5"},
    {"Expect": "100-continue"},
    {"Transfer-Encoding": "chunked"},
    {"x-api-key": "other"},
]


@pytest.mark.parametrize("headers", INVALID_HEADERS, ids=repr)
async def test_an_invalid_header_of_a_listener_is_logged_and_not_sent(
    headers: dict[Any, Any], caplog: pytest.LogCaptureFixture
) -> None:
    def add(event: object) -> None:
        if isinstance(event, AttemptStarted):
            event.headers.update({**headers, "traceparent": "00-1"})

    async with (
        RawServer(always_respond(raw_response())) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, on_event=add) as client,
    ):
        await client.request("GET", "/x")
    (sent,) = server.requests
    assert (sent.headers["traceparent"], sent.headers["x-api-key"]) == ("00-1", KEY)
    assert not {"x", "Expect", "Content-Length", "Transfer-Encoding"} & {*sent.headers}
    assert "on_event listener is not sent" in caplog.text


async def test_request_finished_has_status_request_id_model_and_tokens(emulator: Emulator) -> None:
    events: list[Any] = []
    async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, on_event=events.append) as client:
        text = MultiInput(input_text="a boat at sunset")
        raw = await client.with_raw_response.embed.v_2.create(
            model_name="marengo3.5", input_type="multi_input", multi_input=text
        )
        with pytest.raises(NotFoundError) as caught:
            await client.indexes.retrieve(MISSING_ID)
    succeeded, failed = (event for event in events if isinstance(event, RequestFinished))
    assert (succeeded.status_code, succeeded.request_id) == (200, raw.request_id)
    assert (succeeded.model, succeeded.input_tokens, succeeded.output_tokens) == ("marengo3.5", 4, None)
    assert (failed.status_code, failed.request_id) == (404, caught.value.request_id)
    assert (failed.model, failed.input_tokens, failed.time_to_first_chunk) == (None, None, None)


async def test_a_stream_emits_one_request_finished_with_its_tokens(emulator: Emulator) -> None:
    events: list[Any] = []
    async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, on_event=events.append) as client:
        asset = await client.assets.upload(samples.video(seconds=10), filename="film.mp4")
        emulator.advance(3600)
        events.clear()
        stream = client.analyze_stream(video=VideoAsset(asset_id=asset.id), prompt="What happens?")
        async with stream:
            assert [type(event) for event in events][-2:] == [AttemptFinished, StreamStarted]
            usage = (await stream.final()).usage
        assert usage is not None
        finished = [event for event in events if isinstance(event, RequestFinished)]
    assert [(event.error, event.input_tokens, event.output_tokens) for event in finished] == [
        (None, usage.input_tokens, usage.output_tokens)
    ]
    assert 0 < (finished[0].time_to_first_chunk or 0) <= finished[0].duration


async def test_a_cancelled_stream_emits_request_finished_with_cancelled_error(emulator: Emulator) -> None:
    finished: list[BaseException | None] = []
    opened = asyncio.Event()

    def on_event(event: object) -> None:
        if isinstance(event, StreamStarted):
            opened.set()
        elif isinstance(event, RequestFinished) and event.operation == "POST /analyze":
            finished.append(event.error)

    async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, on_event=on_event) as client:
        asset = await client.assets.upload(samples.video(seconds=10), filename="film.mp4")
        emulator.advance(3600)
        emulator.faults.add("POST /analyze", stall="body")
        stream = client.analyze_stream(video=VideoAsset(asset_id=asset.id), prompt="What happens?")
        task = asyncio.create_task(stream.text())
        await opened.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert [type(error) for error in finished] == [asyncio.CancelledError]


# Logs.


async def test_logs_contain_each_call_and_never_the_key(clock: FastClock, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "twelvelabs_async")
    async with (
        Emulator(api_key=KEY) as emulator,
        AsyncTwelveLabs(KEY, base_url=emulator.base_url, clock=clock) as client,
    ):
        emulator.faults.add("GET /indexes", status=503)
        await client.indexes.list(index_name="a secret name")
        with pytest.raises(NotFoundError):
            await client.indexes.delete(MISSING_ID)
    assert "GET /indexes: ok, attempts=2" in caplog.text
    assert "DELETE /indexes/{index-id}: NotFoundError" in caplog.text
    assert KEY not in caplog.text
    assert "secret name" not in caplog.text
    records = [record for record in caplog.records if record.name == "twelvelabs_async.operation"]
    assert [record.levelname for record in records] == ["DEBUG", "INFO"]
    assert [vars(record)["attempts"] for record in records] == [2, 1]


@pytest.mark.parametrize("name", ["operation", "http", "ratelimit"])
async def test_a_log_level_changed_while_a_client_is_open_takes_effect(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    logger_name = f"twelvelabs_async.{name}"
    async with (
        Emulator(plan=Plan(default=Window(100, 40))) as emulator,
        AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url) as client,
    ):
        await client.indexes.list()
        with caplog.at_level(logging.DEBUG, logger_name):
            await client.indexes.list()
        await client.indexes.list()
    names = [record.name for record in caplog.records if record.name.startswith("twelvelabs_async")]
    assert names == [logger_name]


async def test_a_lost_connection_is_logged_for_its_attempt(
    emulator: Emulator, client: AsyncTwelveLabs, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.faults.add("GET /indexes", reset="before")
    with caplog.at_level(logging.DEBUG, "twelvelabs_async.http"):
        await client.indexes.list()
    first_message, second_message = caplog.messages
    assert first_message.startswith("GET 127.0.0.1/v1.3/indexes: the connection to 127.0.0.1 was lost: ")
    assert second_message == "GET 127.0.0.1/v1.3/indexes: 200"


def test_the_environment_variable_enables_logging() -> None:
    code = (
        "import asyncio, os\n"
        "from twelvelabs_async import AsyncTwelveLabs, APIConnectionError\n"
        "async def main():\n"
        "    async with AsyncTwelveLabs('key_not_to_be_seen', base_url='http://127.0.0.1:9/v1.3') as client:\n"
        "        try: await client.with_options(max_retries=0).indexes.list()\n"
        "        except APIConnectionError: pass\n"
        "asyncio.run(main())\n"
    )
    for level, logged in (("debug", True), ("", False)):
        result = subprocess.run(  # noqa: S603  # a fixed program
            [sys.executable, "-c", code], check=True, capture_output=True, text=True, env={"TWELVELABS_LOG": level}
        )
        assert ("GET /indexes: APIConnectionError" in result.stderr) is logged
        assert "key_not_to_be_seen" not in result.stderr
