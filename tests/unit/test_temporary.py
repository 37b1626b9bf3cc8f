"""Temporary assets, which are deleted at the end of their block, and `wait_for_transcription`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest
from support import FastClock, fake_response, make_executor, responses_in_order

from twelvelabs_async._concurrency import shielded_cleanup
from twelvelabs_async._http.transport import Response
from twelvelabs_async.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    ProcessingFailedError,
    WaitTimeoutError,
)
from twelvelabs_async.resources.assets import Assets
from twelvelabs_async.uploads import UploadProgress

URL = "https://x.example/a.mp4"


@attrs.define
class FakePlatform:
    """A fake platform with one asset."""

    status: str = "ready"
    deletion: Response = attrs.field(factory=lambda: fake_response(204))
    before_deletion: Callable[[], Awaitable[object]] | None = None
    deletion_count: int = 0
    requests: list[tuple[str, str]] = attrs.field(factory=list[tuple[str, str]])

    async def handle(self, method: str, path: str) -> Response:
        self.requests.append((method, path))
        await asyncio.sleep(0)
        if method == "DELETE":
            if self.before_deletion is not None:
                await self.before_deletion()
            self.deletion_count += 1
            return self.deletion
        if method == "POST" and path != "/assets":
            return fake_response(201, {"upload_id": "u", "asset_id": "reserved", "chunk_size": 5, "total_chunks": 2})
        status = "processing" if method == "POST" else self.status
        return fake_response(content={"_id": "a", "status": status, "error": {"message": "it is broken"}})


def assets(platform: FakePlatform, clock: FastClock) -> Assets:
    return Assets(make_executor(platform.handle, clock)[0])


async def test_a_temporary_asset_is_ready_in_the_block_and_deleted_after_it(clock: FastClock) -> None:
    platform = FakePlatform()
    async with assets(platform, clock).temporary(URL) as asset:
        assert (asset.id, asset.status) == ("a", "ready")
        assert platform.deletion_count == 0
    assert platform.requests[-1] == ("DELETE", "/assets/a?force=true")
    assert platform.deletion_count == 1


async def test_the_error_of_the_block_is_raised_even_if_the_deletion_fails(clock: FastClock) -> None:
    platform = FakePlatform(deletion=fake_response(409, {"code": "asset_in_use", "message": "busy"}))
    with pytest.raises(ZeroDivisionError) as caught:
        async with assets(platform, clock).temporary(URL):
            raise ZeroDivisionError
    assert platform.deletion_count == 1
    assert ["a temporary asset was not deleted" in note for note in caught.value.__notes__] == [True]


async def test_a_failed_deletion_after_a_successful_block_raises_its_error(clock: FastClock) -> None:
    """An asset that is not deleted causes costs."""
    platform = FakePlatform(deletion=fake_response(409, {"code": "asset_in_use", "message": "busy"}))
    with pytest.raises(ConflictError):
        async with assets(platform, clock).temporary(URL):
            pass


@pytest.mark.parametrize("deletion", [fake_response(404), fake_response(400, {"code": "resource_not_exist"})])
async def test_an_asset_that_was_already_deleted_causes_no_error(clock: FastClock, deletion: Response) -> None:
    async with assets(FakePlatform(deletion=deletion), clock).temporary(URL):
        pass


@pytest.mark.parametrize(("status", "kind"), [("failed", ProcessingFailedError), ("processing", WaitTimeoutError)])
async def test_an_asset_that_never_becomes_ready_is_deleted_too(
    clock: FastClock, status: str, kind: type[Exception]
) -> None:
    platform = FakePlatform(status=status)
    with pytest.raises(kind):
        async with assets(platform, clock).temporary(URL, timeout=30):
            pytest.fail("the block was entered")
    assert platform.deletion_count == 1


async def test_a_cancelled_block_deletes_its_asset_and_stays_cancelled(clock: FastClock) -> None:
    platform, inside = FakePlatform(), asyncio.Event()

    async def work() -> None:
        async with assets(platform, clock).temporary(URL):
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert platform.deletion_count == 1


async def test_a_second_cancellation_waits_for_the_deletion(clock: FastClock) -> None:
    """Otherwise a second cancellation would prevent the deletion."""
    inside, deleting, proceed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def pause() -> None:
        deleting.set()
        await proceed.wait()

    platform = FakePlatform(before_deletion=pause)

    async def work() -> None:
        async with assets(platform, clock).temporary(URL):
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await inside.wait()
    task.cancel()
    await deleting.wait()
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    proceed.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert platform.deletion_count == 1


async def test_a_block_that_times_out_deletes_its_asset(clock: FastClock) -> None:
    platform = FakePlatform()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02), assets(platform, clock).temporary(URL):
            await asyncio.Event().wait()
    assert platform.deletion_count == 1


async def test_an_interrupted_multipart_upload_deletes_its_asset(clock: FastClock) -> None:
    """The asset of a multipart upload has an id before the first part is sent."""
    platform = FakePlatform()
    received: list[UploadProgress] = []

    def interrupt(progress: UploadProgress) -> None:
        received.append(progress)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        async with assets(platform, clock).temporary(
            b"12345678", filename="a.mp4", method="multipart", on_progress=interrupt
        ):
            pytest.fail("the block was entered")
    assert len(received) == 1
    assert platform.requests[-1] == ("DELETE", "/assets/reserved?force=true")


async def test_nothing_is_deleted_if_no_asset_was_created(clock: FastClock) -> None:
    platform = FakePlatform()
    with pytest.raises(InvalidInputError):
        async with assets(platform, clock).temporary("there_is_no.mp4"):
            pytest.fail("the block was entered")
    assert platform.requests == []


async def test_a_cancellation_during_a_failing_cleanup_is_still_raised() -> None:
    started, proceed = asyncio.Event(), asyncio.Event()

    async def fail() -> None:
        started.set()
        await proceed.wait()
        raise NotFoundError(message="gone")

    async def block() -> None:
        async with shielded_cleanup(fail, "not done"):
            pass

    task = asyncio.create_task(block())
    await started.wait()
    task.cancel()
    await asyncio.sleep(0)
    proceed.set()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_wait_for_transcription_requests_the_given_units(clock: FastClock) -> None:
    transcription_json = {"status": "ready", "sentences": [{"start": 0, "end": 1, "value": "Hello."}]}
    executor, session = make_executor(
        responses_in_order(fake_response(content={"status": "pending"}), fake_response(content=transcription_json)),
        clock,
    )
    received: list[Any] = []
    transcription = await Assets(executor).wait_for_transcription(
        "a", include=["sentences"], callback=lambda transcript: received.append(transcript.status)
    )
    assert [sentence.value for sentence in transcription.sentences] == ["Hello."]
    assert received == ["pending", "ready"]
    assert {path for _, path in session.sent} == {"/assets/a/transcription?include=sentences"}


async def test_wait_for_transcription_raises_immediately_if_there_is_none(clock: FastClock) -> None:
    executor, session = make_executor(responses_in_order(fake_response(404, {"code": "resource_not_exist"})), clock)
    with pytest.raises(NotFoundError):
        await Assets(executor).wait_for_transcription("a")
    assert len(session.sent) == 1


async def test_a_failed_transcription_raises_an_error_with_the_reason(clock: FastClock) -> None:
    executor, _ = make_executor(
        responses_in_order(fake_response(content={"status": "failed", "error": {"message": "only noise"}})), clock
    )
    with pytest.raises(ProcessingFailedError, match=r"transcription of asset a .*: only noise"):
        await Assets(executor).wait_for_transcription("a")
