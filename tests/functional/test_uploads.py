"""Uploads over HTTP: each byte is stored exactly once, whatever fails."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import tomllib
import tracemalloc
from collections.abc import AsyncIterator
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import aiohttp
import pytest

from twelvelabs_async import (
    APIConnectionError,
    AsyncTwelveLabs,
    FilePart,
    Form,
    InvalidInputError,
    UploadError,
    UploadProgress,
    UploadState,
    from_dict,
    to_dict,
)
from twelvelabs_async._core.executor import RequestExecutor
from twelvelabs_async.emulator import Emulator, Timing, samples
from twelvelabs_async.ingest import Item

OPERATIONS = tomllib.loads((Path(__file__).parents[1] / "data" / "operations.toml").read_text("utf-8"))
CHUNK = 64 * 1024


@pytest.fixture(scope="module")
async def shared_emulator() -> AsyncIterator[Emulator]:
    """An emulator with small parts, which returns three presigned URLs at first and more on request."""
    async with Emulator(
        timing=Timing(asset=0, indexing=0),
        chunk_size=CHUNK,
        initial_presigned_urls=3,
        inspect_media=False,
        require_upload_headers=True,
    ) as running:
        yield running


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A file of eleven parts; the last one is shorter."""
    path = tmp_path / "film.mp4"
    path.write_bytes(os.urandom(10 * CHUNK + 1234))
    return path


def is_stored(emulator: Emulator, film: Path) -> bool:
    """Return whether storage has exactly the bytes of the film, by the MD5 of each part."""
    (upload,) = (upload for upload in emulator.state.uploads.values() if upload.completed_at)
    content = film.read_bytes()
    parts = [content[offset : offset + CHUNK] for offset in range(0, len(content), CHUNK)]
    return [chunk.etag for chunk in upload.chunks] == [
        hashlib.md5(part, usedforsecurity=False).hexdigest() for part in parts
    ]


async def text_blocks() -> AsyncIterator[str]:
    yield "words"


async def split(content: bytes, size: int = 10_000) -> AsyncIterator[bytes]:
    for offset in range(0, len(content), size):
        yield content[offset : offset + size]


@pytest.mark.parametrize("size", [1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 4 * CHUNK + 1])
async def test_files_of_sizes_around_part_boundaries_are_uploaded(
    client: AsyncTwelveLabs, emulator: Emulator, tmp_path: Path, size: int
) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(os.urandom(size))
    asset = await client.assets.upload(film, method="multipart", wait=True)
    assert asset.status == "ready"
    assert asset.size == size
    assert is_stored(emulator, film)


async def test_a_small_file_is_sent_in_one_request_with_name_and_metadata(
    client: AsyncTwelveLabs, emulator: Emulator, film: Path
) -> None:
    progress_events: list[UploadProgress] = []
    asset = await client.assets.upload(film, user_metadata={"year": 2026}, on_progress=progress_events.append)
    assert (asset.filename, asset.method, dict(asset.user_metadata)) == ("film.mp4", "direct", {"year": 2026})
    assert [request.route for request in emulator.requests] == ["POST /assets"]
    assert (progress_events[-1].sent, progress_events[-1].total) == (film.stat().st_size, film.stat().st_size)


async def test_a_url_is_downloaded_by_the_platform(client: AsyncTwelveLabs) -> None:
    asset = await client.assets.upload("https://example.com/clip.mp4")
    assert asset.method == "url"


async def test_streams_and_bytes_are_uploaded_like_files(
    client: AsyncTwelveLabs, emulator: Emulator, film: Path
) -> None:
    content = film.read_bytes()
    await client.assets.upload(split(content), filename="film.mp4", size=len(content), method="multipart")
    assert is_stored(emulator, film)
    assert (await client.assets.upload(split(content), filename="film.mp4", wait=True)).size == len(content)
    assert (await client.assets.upload(content, filename="film.mp4", wait=True)).size == len(content)


@pytest.mark.parametrize("declared_size", [-1, 1])
async def test_a_stream_with_a_wrong_declared_size_is_an_error(
    client: AsyncTwelveLabs, film: Path, declared_size: int
) -> None:
    content = film.read_bytes()
    with pytest.raises(UploadError, match=r"early|longer"):
        await client.assets.upload(
            split(content), filename="film.mp4", size=len(content) + declared_size, method="multipart"
        )


async def test_p12_expired_and_refused_urls_are_replaced(
    client: AsyncTwelveLabs, emulator: Emulator, film: Path
) -> None:
    """A URL that storage rejects costs one PUT, and the upload succeeds."""
    emulator.faults.add("storage", status=403, times=4)
    await client.assets.upload(film, method="multipart")
    assert is_stored(emulator, film)
    assert len(emulator.requests.for_operation("storage")) == 11 + 4


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503},
        {"reset": "before"},
        {"reset": "before", "after_body_kib": 64},
        {"reset": "after"},
        {"truncate": True},
        {"expired": True},
        {"corrupt": True},
        {"probability": 0.5, "status": 503, "seed": 1},
    ],
)
async def test_parts_that_fail_are_sent_again(
    client: AsyncTwelveLabs, emulator: Emulator, film: Path, fault: dict[str, object]
) -> None:
    emulator.faults.add("storage", **fault, times=3)  # type: ignore[arg-type]  # arguments of a table; one part may have all faults
    await client.assets.upload(film, method="multipart")
    assert is_stored(emulator, film)


async def test_p11_a_part_with_a_wrong_etag_is_sent_again(
    client: AsyncTwelveLabs, emulator: Emulator, film: Path
) -> None:
    """The ETag of storage is compared with the MD5 of the part."""
    emulator.faults.add("storage", status=200, headers={"ETag": '"00000000000000000000000000000000"'}, times=2)
    await client.assets.upload(film, method="multipart")
    assert is_stored(emulator, film)


async def test_p11_a_file_that_changes_during_the_upload_is_an_error(
    client: AsyncTwelveLabs, emulator: Emulator, film: Path
) -> None:
    """A mixture of two versions of a file never becomes an asset."""

    def lengthen(progress: UploadProgress) -> None:
        if progress.parts_done == 5:
            os.truncate(film, progress.total + 1)

    with pytest.raises(UploadError, match="changed"):
        await client.assets.upload(film, method="multipart", on_progress=lengthen)
    assert not emulator.state.assets


async def test_p11_a_file_that_shrinks_in_one_request_is_an_error(client: AsyncTwelveLabs, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(os.urandom(4 * 2**20))

    def shorten(_: UploadProgress) -> None:
        os.truncate(film, 1000)

    with pytest.raises(UploadError, match=r"shorter|changed"):
        await client.assets.upload(film, on_progress=shorten)


async def test_p9_a_resumed_upload_sends_only_the_missing_parts(
    client: AsyncTwelveLabs, emulator: Emulator, film: Path
) -> None:
    """The state can be stored as JSON; the platform's list of parts decides which parts are missing."""
    emulator.faults.add("storage", status=500, after=6, times=4)
    with pytest.raises(UploadError) as failure:
        await client.assets.upload(film, method="multipart", concurrency=1)
    state = from_dict(to_dict(failure.value.state), UploadState)
    emulator.requests.clear()
    asset = await client.assets.upload(film, resume=state, wait=True)
    assert asset.id == state.asset_id
    assert len(emulator.requests.for_operation("storage")) == 5
    assert is_stored(emulator, film)


async def test_parts_whose_report_was_lost_are_sent_again(
    client: AsyncTwelveLabs, emulator: Emulator, tmp_path: Path
) -> None:
    """The platform's list of parts decides which parts are sent again."""
    film = tmp_path / "film.mp4"
    film.write_bytes(os.urandom(20 * CHUNK))
    lost_report = '{"processed_chunks": 0, "duplicate_chunks": 0, "total_completed": 0}'
    emulator.faults.add("POST /assets/multipart-uploads/{upload_id}", status=200, body=lost_report)
    await client.assets.upload(film, method="multipart", concurrency=1)
    assert len(emulator.requests.for_operation("storage")) == 20 + 16
    assert is_stored(emulator, film)


async def test_a_404_for_a_new_asset_is_retried(client: AsyncTwelveLabs, emulator: Emulator, film: Path) -> None:
    emulator.faults.add("GET /assets/{asset_id}", status=404, times=2)
    assert (await client.assets.upload(film, method="multipart")).filename == "film.mp4"


async def test_an_expired_session_raises_upload_error(client: AsyncTwelveLabs, emulator: Emulator, film: Path) -> None:
    emulator.faults.add("POST /assets/multipart-uploads/{upload_id}/presigned-urls", status=404)
    with pytest.raises(UploadError, match="expired"):
        await client.assets.upload(film, method="multipart", concurrency=1)


async def test_a_resumed_upload_of_another_file_is_rejected(
    client: AsyncTwelveLabs, emulator: Emulator, film: Path
) -> None:
    emulator.faults.add("storage", status=500, times=4)
    with pytest.raises(UploadError) as failure:
        await client.assets.upload(film, method="multipart", concurrency=1)
    film.write_bytes(os.urandom(film.stat().st_size))
    with pytest.raises(UploadError, match="not the file"):
        await client.assets.upload(film, resume=failure.value.state)


async def test_p13_connections_to_storage_are_reused(emulator: Emulator, film: Path) -> None:
    """An upload opens one connection for each concurrent part."""
    connections = 0

    async def count(*_: object) -> None:
        nonlocal connections
        connections += 1

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(count)
    async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, trace_configs=[trace]) as client:
        await client.assets.upload(film, method="multipart", concurrency=2)
    assert connections <= 3


async def test_each_part_is_sent_once_even_if_reports_and_parts_overlap(
    client: AsyncTwelveLabs, emulator: Emulator, tmp_path: Path
) -> None:
    """A part confirmed while another report is sent is included in a later report."""
    film = tmp_path / "film.mp4"
    film.write_bytes(os.urandom(100 * CHUNK))
    emulator.faults.add("POST /assets/multipart-uploads/{upload_id}", delay=0.02, times=4)
    await client.assets.upload(film, method="multipart", concurrency=5)
    assert len(emulator.requests.for_operation("storage")) == 100
    assert is_stored(emulator, film)


async def test_p14_storage_requests_do_not_contain_the_key(
    client: AsyncTwelveLabs, emulator: Emulator, film: Path
) -> None:
    """The host of a presigned URL is another origin."""
    await client.assets.upload(film, method="multipart")
    assert not any(request.with_key for request in emulator.requests.for_operation("storage"))


async def test_p10_memory_does_not_grow_with_the_file(client: AsyncTwelveLabs, tmp_path: Path) -> None:
    """A file of 32 MiB is read in a few blocks of half a megabyte."""
    film = tmp_path / "film.mp4"
    with film.open("wb") as file:
        file.truncate(32 * 2**20)
    tracemalloc.start()
    try:
        await client.assets.upload(film)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * 2**20


async def test_p21_a_cancelled_upload_leaves_nothing_open(emulator: Emulator, film: Path) -> None:
    """The fixture `fail_on_leaks` fails for a task or socket that is left open."""
    emulator.faults.add("storage", stall="before", times=2)
    async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url) as client:
        upload = asyncio.create_task(client.assets.upload(film, method="multipart", concurrency=2))
        while len(emulator.requests) < 1 or emulator.in_flight < 2:
            await asyncio.sleep(0.005)
        upload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await upload


async def test_a_stalled_upload_raises_an_error(emulator: Emulator, film: Path) -> None:
    emulator.faults.add("POST /assets", stall="before")
    async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, idle_timeout=1) as client:
        with pytest.raises(APIConnectionError) as failure:
            await client.assets.upload(film)
    assert failure.value.ambiguous


@pytest.mark.parametrize(
    ("content", "keywords", "reason"),
    [
        (None, {}, "No such file"),
        (b"", {}, "empty"),
        (b"x", {"filename": "film.exe"}, "type="),
        (b"x", {"user_metadata": {"a": {"b": 1}}}, "user_metadata"),
        (b"x", {"concurrency": 0}, "concurrency"),
    ],
)
async def test_invalid_input_is_rejected_before_anything_is_sent(
    client: AsyncTwelveLabs,
    emulator: Emulator,
    tmp_path: Path,
    content: bytes | None,
    keywords: dict[str, object],
    reason: str,
) -> None:
    film = tmp_path / "film.mp4"
    if content is not None:
        film.write_bytes(content)
    with pytest.raises(InvalidInputError, match=reason):
        await client.assets.upload(film, **keywords)  # type: ignore[call-overload]  # arguments of a table
    assert len(emulator.requests) == 0


async def test_an_exception_of_the_source_is_the_cause_of_an_upload_error(
    client: AsyncTwelveLabs, emulator: Emulator
) -> None:
    """An exception of the caller's iterator is not a network error, and is not retried."""

    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 100
        raise KeyError("mine")

    part = FilePart(name="file", filename="film.mp4", content=broken, size=200)
    with pytest.raises(UploadError, match=r"film\.mp4.*KeyError: 'mine'") as failure:
        await client.assets.create(method="direct", file=part)
    assert isinstance(failure.value.__cause__, KeyError)
    assert len(emulator.requests.for_operation("POST /assets")) <= 1
    assert not emulator.state.assets


@pytest.mark.parametrize("declared_size", [99, 101])
async def test_a_file_with_a_wrong_declared_size_is_rejected(
    client: AsyncTwelveLabs, emulator: Emulator, declared_size: int
) -> None:
    part = FilePart(name="file", filename="film.mp4", content=lambda: split(b"x" * 100), size=declared_size)
    with pytest.raises(UploadError, match=r"film\.mp4.*than declared"):
        await client.assets.create(method="direct", file=part)
    assert not emulator.state.assets


@pytest.mark.parametrize("method", ["direct", "multipart"])
async def test_a_file_longer_than_its_given_size_is_rejected(
    client: AsyncTwelveLabs, emulator: Emulator, tmp_path: Path, method: Literal["direct", "multipart"]
) -> None:
    """Otherwise the first 10 of 5,000 bytes would become a ready asset."""
    content = b"x" * 5000
    for file in (io.BytesIO(content), content):
        with pytest.raises(InvalidInputError, match="has 5000 bytes, but its given size is 10"):
            await client.assets.upload(file, filename="film.mp4", size=10, method=method)
    with (tmp_path / "film.mp4").open("ab") as file_for_writing:
        file_for_writing.write(content)
        file_for_writing.flush()
        with pytest.raises(InvalidInputError, match="opened for writing only"):
            await client.assets.upload(file_for_writing, method=method)
    assert not emulator.requests


@pytest.mark.parametrize("size", [None, 3000, 5000])
@pytest.mark.parametrize("method", ["direct", "multipart"])
async def test_a_non_blocking_pipe_without_data_is_an_error(
    client: AsyncTwelveLabs, emulator: Emulator, method: Literal["direct", "multipart"], size: int | None
) -> None:
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    os.write(write_end, b"x" * 3000)
    with (
        os.fdopen(read_end, "rb") as pipe,
        os.fdopen(write_end, "wb"),
        pytest.raises((InvalidInputError, UploadError), match=r"returned None.*blocking mode") as failure,
    ):
        await client.assets.upload(pipe, filename="film.mp4", method=method, size=size)
    assert (getattr(failure.value, "state", None) is None) == (method == "direct" or size is None)
    assert not emulator.state.assets


async def test_the_error_of_a_stream_that_fails_after_some_parts_has_the_state(client: AsyncTwelveLabs) -> None:
    async def blocks() -> AsyncIterator[Any]:
        yield b"x" * CHUNK
        yield "text"

    with pytest.raises(UploadError, match=r"film\.mp4 must consist of bytes, got str") as failure:
        await client.assets.upload(blocks(), filename="film.mp4", size=2 * CHUNK, method="multipart", concurrency=1)
    assert [part.chunk_index for part in failure.value.state.completed_parts] == [1]


@pytest.mark.parametrize(
    ("content", "reason"),
    [(lambda: 5, "async iterator of bytes, got int"), (lambda: 1 / 0, "ZeroDivisionError"), (text_blocks, "got str")],
)
async def test_a_form_whose_file_cannot_be_read_is_an_upload_error(
    client: AsyncTwelveLabs, emulator: Emulator, content: Any, reason: str
) -> None:
    form = Form.build([FilePart(name="file", filename="film.mp4", content=content, size=5)], method="direct")
    with pytest.raises(UploadError, match=rf"film\.mp4.*{reason}"):
        await client.request("POST", "/assets", form=form, response_type=dict)
    assert not emulator.state.assets


async def test_errors_do_not_contain_url_signatures(client: AsyncTwelveLabs, emulator: Emulator) -> None:
    """The query of a presigned URL is secret, with any scheme."""
    url = "s3://bucket/film.mp4?X-Amz-Signature=secret"
    calls = [
        client.assets.upload(url),
        client.assets.create(method="direct", file="https://b.s3/film.mp4#secret"),
        client.assets.create(method="url", url="https://user:secret@host/a b?sig=secret"),
        client.assets.create(method="url", url="https://host:99999/a?sig=secret"),
        client.assets.upload("data:video/mp4;base64,secret"),
    ]
    for call in calls:
        with pytest.raises(InvalidInputError) as failure:
            await call
        assert "secret" not in str(failure.value)
    assert not emulator.requests


async def test_folders_unnamed_bytes_and_long_streams_without_size_are_rejected(
    client: AsyncTwelveLabs, emulator: Emulator, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInputError, match="folder"):
        await client.assets.upload(tmp_path)
    with pytest.raises(InvalidInputError, match="filename="):
        await client.assets.upload(b"x")
    with pytest.raises(InvalidInputError, match="size="):
        await client.assets.upload(split(bytes(17 * 2**20), 2**20), filename="film.mp4")
    assert len(emulator.requests) == 0


async def test_an_upload_uses_the_same_operations_as_multipart_upload(
    client: AsyncTwelveLabs, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The uploader builds its own requests; their operations and retry classes are those of the API reference."""
    sent: dict[str, str] = {}
    execute: Any = RequestExecutor.execute

    async def record(executor: RequestExecutor, request: Any) -> Any:
        sent[request.operation] = request.retry_class
        return await execute(executor, request)

    monkeypatch.setattr(RequestExecutor, "execute", record)
    states: list[UploadState] = []
    asset = await client.assets.upload(
        film, method="multipart", on_progress=lambda progress: states.append(progress.state or states[0])
    )
    assert asset.id == states[-1].asset_id
    await client.assets.upload(film, resume=states[-1])
    expected = {row["call"]: row["retry"] for name, row in OPERATIONS.items() if name.startswith("multipart_upload.")}
    del expected["GET /assets/multipart-uploads"]
    assert {operation: sent[operation] for operation in expected} == expected


class Season(Enum):
    SUMMER = "summer"


async def test_a_member_of_an_enum_in_metadata_is_sent_as_its_value(client: AsyncTwelveLabs) -> None:
    metadata: Any = {"season": Season.SUMMER, "tags": ["a", "b"]}
    expected = {"season": "summer", "tags": ["a", "b"]}
    asset = await client.assets.upload(samples.video(), filename="a.mp4", user_metadata=metadata)
    assert asset.user_metadata == expected
    assert Item("a.mp4", "a.mp4", user_metadata=metadata).user_metadata == expected
