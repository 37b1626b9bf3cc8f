"""Temporary assets, which are deleted however their block ends; and waiting for what is said in an asset."""

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
class Platform:
    """One asset."""

    status: str = "ready"
    deletion: Response = attrs.field(factory=lambda: fake_response(204))
    before_deletion: Callable[[], Awaitable[object]] | None = None
    deleted: int = 0
    asked: list[tuple[str, str]] = attrs.field(factory=list[tuple[str, str]])

    async def answer(self, method: str, path: str) -> Response:
        self.asked.append((method, path))
        await asyncio.sleep(0)
        if method == "DELETE":
            if self.before_deletion is not None:
                await self.before_deletion()
            self.deleted += 1
            return self.deletion
        if method == "POST" and path != "/assets":
            return fake_response(201, {"upload_id": "u", "asset_id": "reserved", "chunk_size": 5, "total_chunks": 2})
        status = "processing" if method == "POST" else self.status
        return fake_response(content={"_id": "a", "status": status, "error": {"message": "it is broken"}})


def assets(platform: Platform, clock: FastClock) -> Assets:
    return Assets(make_executor(platform.answer, clock)[0])


async def test_a_temporary_asset_is_ready_in_the_block_and_deleted_after_it(clock: FastClock) -> None:
    platform = Platform()
    async with assets(platform, clock).temporary(URL) as asset:
        assert (asset.id, asset.status) == ("a", "ready")
        assert platform.deleted == 0
    assert platform.asked[-1] == ("DELETE", "/assets/a?force=true")
    assert platform.deleted == 1


async def test_the_error_of_the_block_is_raised_even_if_the_deletion_fails(clock: FastClock) -> None:
    platform = Platform(deletion=fake_response(409, {"code": "asset_in_use", "message": "busy"}))
    with pytest.raises(ZeroDivisionError) as caught:
        async with assets(platform, clock).temporary(URL):
            raise ZeroDivisionError
    assert platform.deleted == 1
    assert ["a temporary asset was not deleted" in note for note in caught.value.__notes__] == [True]


async def test_a_failed_deletion_after_a_successful_block_raises_its_error(clock: FastClock) -> None:
    """What stays behind costs money."""
    platform = Platform(deletion=fake_response(409, {"code": "asset_in_use", "message": "busy"}))
    with pytest.raises(ConflictError):
        async with assets(platform, clock).temporary(URL):
            pass


@pytest.mark.parametrize("deletion", [fake_response(404), fake_response(400, {"code": "resource_not_exist"})])
async def test_an_asset_that_was_already_deleted_causes_no_error(clock: FastClock, deletion: Response) -> None:
    async with assets(Platform(deletion=deletion), clock).temporary(URL):
        pass


@pytest.mark.parametrize(("status", "kind"), [("failed", ProcessingFailedError), ("processing", WaitTimeoutError)])
async def test_an_asset_that_never_becomes_ready_is_deleted_too(
    clock: FastClock, status: str, kind: type[Exception]
) -> None:
    platform = Platform(status=status)
    with pytest.raises(kind):
        async with assets(platform, clock).temporary(URL, timeout=30):
            pytest.fail("the block began")
    assert platform.deleted == 1


async def test_a_cancelled_block_deletes_its_asset_and_stays_cancelled(clock: FastClock) -> None:
    platform, inside = Platform(), asyncio.Event()

    async def work() -> None:
        async with assets(platform, clock).temporary(URL):
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert platform.deleted == 1


async def test_a_second_cancellation_waits_for_the_deletion(clock: FastClock) -> None:
    """Without protection, a second cancellation would keep the asset for ever."""
    inside, deleting, go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def before() -> None:
        deleting.set()
        await go_on.wait()

    platform = Platform(before_deletion=before)

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
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert platform.deleted == 1


async def test_a_block_that_runs_out_of_time_deletes_its_asset(clock: FastClock) -> None:
    platform = Platform()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02), assets(platform, clock).temporary(URL):
            await asyncio.Event().wait()
    assert platform.deleted == 1


async def test_an_interrupted_multipart_upload_deletes_its_asset(clock: FastClock) -> None:
    """Its asset has an identifier from the beginning, before any byte has arrived."""
    platform = Platform()
    seen: list[UploadProgress] = []

    def stop(progress: UploadProgress) -> None:
        seen.append(progress)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        async with assets(platform, clock).temporary(
            b"12345678", filename="a.mp4", method="multipart", on_progress=stop
        ):
            pytest.fail("the block began")
    assert len(seen) == 1
    assert platform.asked[-1] == ("DELETE", "/assets/reserved?force=true")


async def test_nothing_is_deleted_when_nothing_was_made(clock: FastClock) -> None:
    platform = Platform()
    with pytest.raises(InvalidInputError):
        async with assets(platform, clock).temporary("there_is_no.mp4"):
            pytest.fail("the block began")
    assert platform.asked == []


async def test_a_cancellation_during_a_failing_cleanup_is_still_raised() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def fail() -> None:
        begun.set()
        await go_on.wait()
        raise NotFoundError(message="gone")

    async def block() -> None:
        async with shielded_cleanup(fail, "not done"):
            pass

    task = asyncio.create_task(block())
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_waiting_for_a_transcription_requests_the_given_units(clock: FastClock) -> None:
    done = {"status": "ready", "sentences": [{"start": 0, "end": 1, "value": "Hello."}]}
    api, session = make_executor(
        responses_in_order(fake_response(content={"status": "pending"}), fake_response(content=done)), clock
    )
    seen: list[Any] = []
    found = await Assets(api).wait_for_transcription(
        "a", include=["sentences"], callback=lambda it: seen.append(it.status)
    )
    assert [sentence.value for sentence in found.sentences] == ["Hello."]
    assert seen == ["pending", "ready"]
    assert {path for _, path in session.sent} == {"/assets/a/transcription?include=sentences"}


async def test_waiting_for_a_missing_transcription_raises_immediately(clock: FastClock) -> None:
    api, session = make_executor(responses_in_order(fake_response(404, {"code": "resource_not_exist"})), clock)
    with pytest.raises(NotFoundError):
        await Assets(api).wait_for_transcription("a")
    assert len(session.sent) == 1


async def test_a_failed_transcription_raises_an_error_with_the_reason(clock: FastClock) -> None:
    api, _ = make_executor(
        responses_in_order(fake_response(content={"status": "failed", "error": {"message": "only noise"}})), clock
    )
    with pytest.raises(ProcessingFailedError, match=r"transcription of asset a .*: only noise"):
        await Assets(api).wait_for_transcription("a")
