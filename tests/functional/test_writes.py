"""P7: a write is never repeated, and never lost without an error."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from support import KEY, FastClock, RawRequest, RawServer, raw_response, respond_in_order

from twelvelabs_async import APIError, AsyncTwelveLabs, InternalServerError
from twelvelabs_async.emulator import Emulator
from twelvelabs_async.requests import FilePart, Form, RetryClass

MODELS: list[dict[str, Any]] = [{"model_name": "marengo3.0", "model_options": ["visual"]}]


@pytest.mark.parametrize(
    "fault",
    [{"reset": "after"}, {"reset": "before"}, {"status": 500}, {"status": 504}, {"truncate": True}, {"html": True}],
    ids=str,
)
async def test_p7_a_create_with_an_unknown_result_is_sent_once_and_ambiguous(
    emulator: Emulator, client: AsyncTwelveLabs, fault: dict[str, Any]
) -> None:
    emulator.faults.add("POST /indexes", **fault)
    with pytest.raises(APIError) as caught:
        await client.indexes.create(index_name="one", models=MODELS)
    assert (caught.value.ambiguous, caught.value.retryable, caught.value.attempts) == (True, False, 1)
    assert "ambiguous" in str(caught.value)
    assert len(emulator.requests.for_operation("POST /indexes")) == 1


@pytest.mark.parametrize("times", [1, 3])
async def test_p7_a_create_rejected_with_429_is_sent_again(
    emulator: Emulator, client: AsyncTwelveLabs, times: int
) -> None:
    """The platform sends a 429 before it creates anything."""
    emulator.faults.add("POST /indexes", status=429, times=times)
    await client.indexes.create(index_name="one", models=MODELS)
    assert len(await client.indexes.list()) == 1


@pytest.mark.oldest_python
async def test_p7_no_create_is_repeated_after_lost_responses(emulator: Emulator, client: AsyncTwelveLabs) -> None:
    """A fifth of all creates fails after the platform has executed it: none is repeated, each error is ambiguous."""
    asyncio.get_running_loop().set_debug(False)
    total, rng = 1000, random.Random(7)  # noqa: S311  # no secret
    previous = 0
    for number in sorted(rng.sample(range(total), total // 5)):
        fault: dict[str, Any] = {"reset": "after"} if number % 2 else {"truncate": True}
        emulator.faults.add("POST /assets", **fault, after=number - previous)
        previous = number + 1

    async def create(number: int) -> APIError | None:
        try:
            await client.assets.create(method="url", url=f"https://media.example/{number}.mp4", filename=f"n{number}")
        except APIError as error:
            return error
        return None

    errors = [error for error in [await create(number) for number in range(total)] if error is not None]
    assert errors
    assert all(error.ambiguous for error in errors)
    created = Counter([asset.filename async for asset in client.assets.list()])
    assert set(created.values()) == {1}
    assert len(created) == total


RETRY_CLASSES: list[RetryClass] = ["billable", "leaves_orphan", "idempotent"]


@pytest.mark.parametrize("retry", RETRY_CLASSES)
@pytest.mark.parametrize("body_kind", ["json", "form", "streamed"])
async def test_p7_each_attempt_sends_the_same_body_and_headers(
    retry: RetryClass, body_kind: str, clock: FastClock
) -> None:
    content = random.Random(1).randbytes(300_000)  # noqa: S311  # no secret

    async def blocks() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 65_536):
            await asyncio.sleep(0)
            yield content[start : start + 65_536]

    part = FilePart(
        name="file", filename="a.mp4", content=content if body_kind == "form" else blocks, size=len(content)
    )
    body: Form | None = None if body_kind == "json" else Form.build(files=[part], name="é", flag=True)
    data = {"text": "é" * 1000, "list": [1, 2.5, None]} if body_kind == "json" else None
    async with (
        RawServer(respond_in_order([raw_response(503), None, raw_response(429), raw_response()])) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, clock=clock) as client,
    ):
        await client.request("POST", "/x", json=data, form=body, retry_class=retry)
        assert len(server.requests) == 4
        assert len({request.body for request in server.requests}) == 1
        assert len({tuple(sorted(request.headers.items())) for request in server.requests}) == 1
        assert len(server.requests[0].body) > 1000
        assert all("Transfer-Encoding" not in request.headers for request in server.requests)


async def test_a_post_without_a_retry_class_is_not_retried(clock: FastClock) -> None:
    async with (
        RawServer(respond_in_order([raw_response(503), raw_response()])) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, clock=clock) as client,
    ):
        with pytest.raises(InternalServerError) as caught:
            await client.request("POST", "/x", json={})
        assert caught.value.ambiguous
        assert len(server.requests) == 1


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "POST", "GET"])
@pytest.mark.parametrize("retries", [0, 1])
async def test_p7_aiohttp_does_not_resend_requests_by_itself(method: Any, retries: int, clock: FastClock) -> None:
    """On a reused connection, aiohttp resends a DELETE or PUT by itself when the server closes the connection.

    aiohttp has no public option for this: if the test fails, look for changes of `ClientSession._retry_connection`.
    """

    async def respond(request: RawRequest, writer: asyncio.StreamWriter) -> bytes | None:
        await asyncio.sleep(0)
        if request.target.endswith("/warm"):
            return raw_response()
        writer.transport.abort()
        return None

    async with (
        RawServer(respond) as server,
        AsyncTwelveLabs(KEY, base_url=server.base_url, clock=clock, max_retries=retries) as client,
    ):
        await client.request("GET", "/warm")
        with pytest.raises(APIError) as caught:
            await client.request(method, "/hot", json=None if method == "GET" else {}, retry_class="idempotent")
        attempts = [request for request in server.requests if request.target.endswith("/hot")]
        assert attempts[0].connection_index == 0
        assert attempts[0].request_index == 1
        assert len(attempts) == caught.value.attempts == retries + 1
