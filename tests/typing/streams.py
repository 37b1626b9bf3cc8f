"""Checked by mypy and pyright and never run: the types of analyses, streams and webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_type

import attrs

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.models.analyze import (
    Analysis,
    AnalyzeEvent,
    StreamEnd,
    StreamStart,
    StructuredAnalysis,
    TextGeneration,
    VideoAsset,
)
from twelvelabs_async.models.analyze_tasks import (
    AnalysisBatch,
    AnalysisTask,
    BatchResultItem,
    CanceledAnalysisTask,
    CreatedAnalysisBatch,
    CreatedAnalysisTask,
)
from twelvelabs_async.models.common import UnknownEvent
from twelvelabs_async.models.responses import OutputTextDelta, ResponseEvent, ResponseObject
from twelvelabs_async.models.webhooks import AnalyzeTaskReady, Webhook
from twelvelabs_async.pagination import Paginator
from twelvelabs_async.resources.analyze import AnalyzeStream
from twelvelabs_async.resources.analyze_async import BatchResults
from twelvelabs_async.resources.responses import ResponseStream
from twelvelabs_async.structured_output import parse_structured
from twelvelabs_async.webhooks import verify

VIDEO = VideoAsset(asset_id="a")


@attrs.frozen
class Scene:
    title: str


async def analyses(client: AsyncTwelveLabs, schema: Mapping[str, Any]) -> None:
    assert_type(await client.analyze(video=VIDEO, prompt="p"), Analysis)
    assert_type(await client.analyze(video={"type": "asset_id", "asset_id": "a"}, prompt="p", schema=None), Analysis)
    structured = await client.analyze(video=VIDEO, prompt="p", schema=Scene)
    assert_type(structured, StructuredAnalysis[Scene])
    assert_type(structured.value, Scene)
    assert_type(structured.text, str)
    assert_type((await client.analyze(video=VIDEO, schema={"type": "object"})).value, dict[str, Any])
    assert_type((await client.analyze(video=VIDEO, schema=schema)).value, dict[str, Any])
    assert_type(parse_structured("{}", Scene), Scene)
    assert_type(parse_structured("{}", schema), dict[str, Any])
    await client.analyze(video=VIDEO, prompt="p", model_name="pegasus9")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]  # unknown model
    await client.analyze(VIDEO, prompt="p")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]  # keyword-only
    await client.analyze(video=VIDEO, schema=Scene, response_format={})  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]  # mutually exclusive


async def streams(client: AsyncTwelveLabs) -> None:
    stream = client.analyze_stream(video=VIDEO, prompt="p")
    assert_type(stream, AnalyzeStream)
    async with stream as entered:
        assert_type(entered, AnalyzeStream)
    async for event in client.analyze_stream(video=VIDEO, prompt="p"):
        assert_type(event, AnalyzeEvent)
        match event:
            case StreamStart() | StreamEnd() | UnknownEvent():
                pass
            case TextGeneration():
                assert_type(event.text, str)
    assert_type(await stream.text(), str)
    assert_type(await stream.final(), Analysis)
    await client.analyze_stream(video=VIDEO, prompt="p")  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]  # a stream is not awaitable


async def tasks_and_batches(client: AsyncTwelveLabs) -> None:
    tasks, batches = client.analyze_async.tasks, client.analyze_async.batches
    assert_type(await tasks.create(video=VIDEO, prompt="p", max_tokens="unlimited"), CreatedAnalysisTask)
    assert_type(await tasks.retrieve("t"), AnalysisTask)
    assert_type(await tasks.wait_for_done("t"), AnalysisTask)
    assert_type(await tasks.cancel("t"), CanceledAnalysisTask)
    assert_type(tasks.list(status="ready"), Paginator[AnalysisTask])
    assert_type(
        await batches.create(model_name="pegasus1.5", analysis_mode="general", requests=[{}]), CreatedAnalysisBatch
    )
    assert_type(await batches.wait_for_done("b"), AnalysisBatch)
    assert_type(batches.list(status=["expired"]), Paginator[AnalysisBatch])
    assert_type(batches.results("b"), BatchResults)
    async for item in batches.results("b"):
        assert_type(item, BatchResultItem)
    await batches.results("b").text()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]  # batch results have no text


async def responses(client: AsyncTwelveLabs) -> None:
    assert_type(await client.responses.create(knowledge_store_id="k", input="?"), ResponseObject)
    stream = client.responses.create_stream(knowledge_store_id="k", input=[{"content": "?"}])
    assert_type(stream, ResponseStream)
    async for event in stream:
        assert_type(event, ResponseEvent)
        if isinstance(event, OutputTextDelta):
            assert_type(event.delta, str)
    assert_type(await stream.final(), ResponseObject)


def webhook(body: bytes, header: str) -> None:
    event = verify(body, header, "secret")
    assert_type(event, Webhook)
    if isinstance(event, AnalyzeTaskReady):
        assert_type(event.data.id, str)
