"""Faults injected into requests and responses."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from twelvelabs_async.emulator import Emulator

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
CreateResource = Callable[..., Awaitable[str]]
Until = Callable[[Callable[[], bool]], Awaitable[None]]

BODY = {"index_name": "films", "models": [{"model_name": "marengo3.0", "model_options": ["visual"]}]}


async def test_a_status_is_returned_the_given_number_of_times(
    emulator: Emulator, session: aiohttp.ClientSession
) -> None:
    emulator.faults.add("GET /indexes", status=503, headers={"Retry-After": "7"}, times=2, after=1)
    responses: list[tuple[int, str | None]] = []
    for _ in range(4):
        async with session.get("indexes") as response:
            responses.append((response.status, response.headers.get("Retry-After")))
    assert responses == [(200, None), (503, "7"), (503, "7"), (200, None)]
    emulator.faults.assert_all_hit()


async def test_the_body_can_have_any_content(emulator: Emulator, session: aiohttp.ClientSession) -> None:
    emulator.faults.add("*", status=429, body=b"")
    emulator.faults.add("*", status=502, html=True)
    emulator.faults.add("*", html=True)
    emulator.faults.add("*", status=400, body='{"error":{}}')
    responses: list[tuple[int, str, int]] = []
    for path in ("indexes", "assets", "no-such-thing", "tasks"):
        async with session.get(path) as response:
            responses.append((response.status, response.content_type, len(await response.read())))
    assert [entry[0] for entry in responses] == [429, 502, 200, 400]
    assert responses[0][2] == 0
    assert responses[1][1] == responses[2][1] == "text/html"
    assert responses[3][1:] == ("application/json", 12)


async def test_names_of_path_parameters_do_not_matter(
    call: SendRequest, emulator: Emulator, make_index: CreateResource
) -> None:
    index = await make_index()
    for name in ("{index-id}", "{index_id}", "{id}"):
        emulator.faults.add(f"GET /indexes/{name}", status=500)
        assert (await call("GET", f"/indexes/{index}"))[0] == 500
    assert (await call("GET", f"/indexes/{index}"))[0] == 200


async def test_an_unknown_operation_is_rejected(emulator: Emulator) -> None:
    with pytest.raises(ValueError, match="POST /serach"):
        emulator.faults.add("POST /serach", status=500)


async def test_a_reset_before_processing_changes_nothing(call: SendRequest, emulator: Emulator) -> None:
    emulator.faults.add("POST /indexes", reset="before")
    with pytest.raises(aiohttp.ClientOSError):
        await call("POST", "/indexes", json=BODY)
    assert (await call("GET", "/indexes"))[1]["data"] == []


async def test_a_reset_after_processing_keeps_the_result(call: SendRequest, emulator: Emulator) -> None:
    emulator.faults.add("POST /indexes", reset="after")
    with pytest.raises(aiohttp.ClientOSError):
        await call("POST", "/indexes", json=BODY)
    assert len((await call("GET", "/indexes"))[1]["data"]) == 1
    assert [request.status for request in emulator.requests] == [0, 200]


async def test_a_response_can_be_truncated(call: SendRequest, emulator: Emulator) -> None:
    emulator.faults.add("GET /indexes", truncate=True)
    with pytest.raises(aiohttp.ClientPayloadError):
        await call("GET", "/indexes")
    assert (await call("GET", "/indexes"))[0] == 200


@pytest.mark.parametrize(("point", "count"), [("before", 0), ("after", 1), ("body", 1)])
async def test_a_response_can_stall(
    call: SendRequest, emulator: Emulator, wait_until: Until, point: Any, count: int
) -> None:
    emulator.faults.add("POST /indexes", stall=point)
    task = asyncio.ensure_future(call("POST", "/indexes", json=BODY))
    await wait_until(lambda: [request.status for request in emulator.requests] == [0])
    assert not task.done()
    task.cancel()
    assert len((await call("GET", "/indexes"))[1]["data"]) == count


async def test_a_delay_uses_the_emulators_clock(
    call: SendRequest, emulator: Emulator, clock: Any, make_index: CreateResource
) -> None:
    emulator.faults.add("POST /indexes", delay=30)
    before = clock.time()
    index = await make_index()
    assert clock.time() == before + 30
    assert (await call("GET", f"/indexes/{index}"))[1]["created_at"] == "2026-01-01T00:00:30Z"


async def test_the_storage_can_fail(call: SendRequest, emulator: Emulator) -> None:
    upload = {"filename": "f.mp4", "type": "video", "total_size": 3}
    _, created = await call("POST", "/assets/multipart-uploads", json=upload)
    emulator.faults.add("storage", status=500)
    url, headers = created["upload_urls"][0]["url"], created["upload_headers"]
    responses: list[int] = []
    for _ in range(2):
        async with aiohttp.ClientSession() as session, session.put(url, data=b"abc", headers=headers) as response:
            responses.append(response.status)
    assert responses == [500, 200]


async def test_p25_unused_faults_are_reported(emulator: Emulator, call: SendRequest) -> None:
    emulator.faults.add("POST /search", status=500)
    emulator.faults.add("GET /indexes", status=500, times=2)
    emulator.faults.add("GET /assets", status=500, times=None)
    await call("GET", "/indexes")
    with pytest.raises(
        AssertionError, match=r"POST /search \(0 of 1\), GET /indexes \(1 of 2\), GET /assets \(0 of any"
    ):
        emulator.faults.assert_all_hit()
    emulator.faults.clear()
    emulator.faults.assert_all_hit()


async def test_a_stalled_request_is_in_flight_until_the_client_disconnects(
    call: SendRequest, emulator: Emulator, wait_until: Until
) -> None:
    emulator.faults.add("GET /indexes", stall="before")
    task = asyncio.ensure_future(call("GET", "/indexes"))
    await wait_until(lambda: emulator.in_flight == 1)
    task.cancel()
    await wait_until(lambda: emulator.in_flight == 0)
    assert emulator.requests[-1].status == 0


@pytest.mark.own_emulator
async def test_stopping_the_emulator_ends_a_stalled_request(
    call: SendRequest, emulator: Emulator, wait_until: Until
) -> None:
    emulator.faults.add("POST /indexes", stall="before", times=None)
    task = asyncio.ensure_future(call("POST", "/indexes", json=BODY))
    await wait_until(lambda: emulator.in_flight == 1)
    await emulator.stop()
    with pytest.raises(aiohttp.ClientError):
        await task
    assert emulator.in_flight == 0


async def test_the_seed_determines_which_requests_fail(emulator: Emulator, call: SendRequest) -> None:
    async def failed_requests(seed: int) -> list[int]:
        emulator.faults.clear()
        fault = emulator.faults.add("GET /indexes", status=503, probability=0.3, seed=seed, times=None)
        failed = [number for number in range(60) if (await call("GET", "/indexes"))[0] == 503]
        assert (fault.matched, fault.hits) == (60, len(failed))
        return failed

    first = await failed_requests(1)
    assert 5 < len(first) < 35
    assert await failed_requests(1) == first
    assert await failed_requests(2) != first


async def test_a_request_skipped_by_one_fault_can_match_the_next_fault(emulator: Emulator, call: SendRequest) -> None:
    emulator.faults.add("GET /indexes", status=503, probability=0.001, times=None, seed=3)
    emulator.faults.add("*", status=500)
    assert (await call("GET", "/indexes"))[0] == 500
    with pytest.raises(AssertionError, match=r"GET /indexes \(0 of any\)$"):
        emulator.faults.assert_all_hit()


@pytest.mark.parametrize(
    ("operation", "options"),
    [
        ("*", {"probability": 0.0}),
        ("*", {"probability": 1.5}),
        ("*", {"times": 0}),
        ("*", {"after": -1}),
        ("*", {"delay": -1.0}),
        ("POST /assets", {"expired": True}),
        ("*", {"corrupt": True}),
    ],
)
async def test_invalid_options_are_rejected(emulator: Emulator, operation: str, options: Any) -> None:
    with pytest.raises(ValueError, match=r"probability|negative|storage"):
        emulator.faults.add(operation, **options)


async def test_a_response_can_have_a_wrong_content_type(emulator: Emulator, session: aiohttp.ClientSession) -> None:
    emulator.faults.add("GET /indexes", content_type="text/plain")
    async with session.get("indexes") as response:
        assert (response.status, response.content_type) == (200, "text/plain")
        assert json.loads(await response.text())["data"] == []


async def test_a_response_can_be_sent_slowly(
    emulator: Emulator, call: SendRequest, clock: Any, make_index: CreateResource
) -> None:
    index = await make_index()
    before = clock.time()
    emulator.faults.add("GET /indexes/{id}", trickle=40)
    status, response = await call("GET", f"/indexes/{index}")
    assert (status, response["_id"], clock.time() - before) == (200, index, 40)
    emulator.faults.add("DELETE /indexes/{id}", trickle=40)
    assert (await call("DELETE", f"/indexes/{index}"))[0] == 204


@pytest.mark.parametrize(("kib", "sent"), [(64, 64), (1024, 256)])
async def test_a_connection_can_be_reset_during_the_request_body(
    emulator: Emulator, wait_until: Until, kib: int, sent: int
) -> None:
    """A raw socket allows the test to control how much of the body the emulator can read."""
    emulator.faults.add("POST /assets", reset="before", after_body_kib=kib)
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(emulator.base_url).port)
    headers = f"Host: localhost\r\nx-api-key: {emulator.api_key}\r\nContent-Length: {256 << 10}"
    writer.write(f"POST /v1.3/assets HTTP/1.1\r\n{headers}\r\n\r\n".encode() + bytes(63 << 10))
    await writer.drain()
    await wait_until(lambda: emulator.in_flight == 1)
    writer.write(bytes((sent - 63) << 10))
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()
    await wait_until(lambda: len(emulator.requests) == 1)
    assert emulator.requests[-1].status == 0
    assert emulator.requests[-1].size >= sent << 10
    emulator.faults.assert_all_hit()


async def test_a_request_can_be_rejected_during_its_body(emulator: Emulator, session: aiohttp.ClientSession) -> None:
    emulator.faults.add("POST /assets", status=503, after_body_kib=1)
    async with session.post("assets", data=io.BytesIO(bytes(8 << 20))) as response:
        assert response.status == 503
    emulator.faults.assert_all_hit()


@pytest.mark.parametrize(("status", "code"), [(403, "AccessDenied"), (503, "SlowDown"), (500, "InternalError")])
async def test_storage_errors_are_xml(
    emulator: Emulator, upload: dict[str, Any], put: Any, status: int, code: str
) -> None:
    emulator.faults.add("storage", status=status)
    url, headers = upload["upload_urls"][0]["url"], upload["upload_headers"]
    actual_status, body, _ = await put(url, bytes(1000), headers)
    assert (actual_status, f"<Code>{code}</Code>" in body) == (status, True)
    assert (await put(url, bytes(1000), headers))[0] == 200, "the URL is still valid"


async def test_a_presigned_url_can_be_rejected_as_expired(emulator: Emulator, upload: dict[str, Any], put: Any) -> None:
    emulator.faults.add("storage", expired=True)
    url, headers = upload["upload_urls"][0]["url"], upload["upload_headers"]
    status, body, _ = await put(url, bytes(1000), headers)
    assert (status, "Request has expired" in body) == (403, True)
    assert (await put(url, bytes(1000), headers))[0] == 200


async def test_a_part_can_be_corrupted(emulator: Emulator, upload: dict[str, Any], put: Any) -> None:
    emulator.faults.add("storage", corrupt=True)
    proofs: list[str] = []
    for entry in upload["upload_urls"][:2]:
        _, _, proof = await put(entry["url"], bytes(1000), upload["upload_headers"])
        proofs.append(proof.strip('"'))
    expected = hashlib.md5(bytes(1000), usedforsecurity=False).hexdigest()
    assert (proofs[0] != expected, proofs[1]) == (True, expected)


async def test_processing_can_fail_with_a_reason(
    emulator: Emulator,
    call: SendRequest,
    make_asset: CreateResource,
    make_index: CreateResource,
    advance: Callable[[float], None],
) -> None:
    asset, index = await make_asset(), await make_index()
    advance(100)
    emulator.faults.add("POST /assets", processing_error="The codec is unknown.")
    emulator.faults.add("POST /indexes/{id}/indexed-assets", processing_error="The model is tired.")
    emulator.faults.add("POST /analyze/tasks", processing_error="The question is silly.")
    failing_asset = await make_asset()
    _, video = await call("POST", f"/indexes/{index}/indexed-assets", json={"asset_id": asset})
    analysis = {
        "video": {"type": "asset_id", "asset_id": asset},
        "prompt": "What?",
        "model_name": "pegasus1.5",
    }
    status, task = await call("POST", "/analyze/tasks", json=analysis)
    assert status == 202, task
    advance(100)
    _, response = await call("GET", f"/assets/{failing_asset}")
    assert (response["status"], response["error"]["message"]) == ("failed", "The codec is unknown.")
    assert (await call("GET", f"/indexes/{index}/indexed-assets/{video['_id']}"))[1]["status"] == "failed"
    _, response = await call("GET", f"/analyze/tasks/{task['task_id']}")
    assert (response["status"], response["error"]["message"]) == ("failed", "The question is silly.")
    emulator.faults.assert_all_hit()


async def test_a_request_that_creates_nothing_is_not_counted_as_a_hit(emulator: Emulator, call: SendRequest) -> None:
    emulator.faults.add("*", processing_error="Never.")
    assert (await call("GET", "/indexes"))[0] == 200
    assert (await call("POST", "/indexes", json={}))[0] == 400
    with pytest.raises(AssertionError, match=r"\* \(0 of 1\)"):
        emulator.faults.assert_all_hit()


async def test_a_request_without_any_of_the_effects_of_a_fault_is_not_a_hit(
    emulator: Emulator, call: SendRequest
) -> None:
    fault = emulator.faults.add("GET /indexes", processing_error="Never.", damage="cut")
    assert (await call("GET", "/indexes"))[0] == 200
    assert fault.hits == 0
    emulator.faults.clear()


def test_the_repr_of_a_fault_shows_the_options_that_differ_from_the_defaults(emulator: Emulator) -> None:
    fault = emulator.faults.add("GET /indexes", status=503, times=2)
    assert repr(fault) == "Fault(operation='GET /indexes', status=503, times=2, hits=0)"
    emulator.faults.clear()
