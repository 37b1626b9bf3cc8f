"""Uploads through a real socket: the right bytes, exactly once, with every kind of failure."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import tomllib
import tracemalloc
from collections.abc import AsyncIterator
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
from twelvelabs_async.emulator import Emulator, Timing

OPERATIONS = tomllib.loads((Path(__file__).parents[1] / "data" / "operations.toml").read_text("utf-8"))
CHUNK = 64 * 1024


@pytest.fixture(scope="module")
async def shared_emulator() -> AsyncIterator[Emulator]:
    """An emulator with small parts, which gives out three URLs at first and more on request."""
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
    """Eleven parts, the last one short."""
    path = tmp_path / "film.mp4"
    path.write_bytes(os.urandom(10 * CHUNK + 1234))
    return path


def arrived(emulator: Emulator, film: Path) -> bool:
    """Whether storage got exactly the bytes of the film, by the MD5 of each part."""
    (upload,) = (upload for upload in emulator.state.uploads.values() if upload.completed_at)
    content = film.read_bytes()
    parts = [content[at : at + CHUNK] for at in range(0, len(content), CHUNK)]
    return [chunk.etag for chunk in upload.chunks] == [
        hashlib.md5(part, usedforsecurity=False).hexdigest() for part in parts
    ]


async def words() -> AsyncIterator[str]:
    yield "words"


async def pieces(content: bytes, size: int = 10_000) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


@pytest.mark.parametrize("size", [1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 4 * CHUNK + 1])
async def test_files_of_sizes_around_part_boundaries_are_uploaded(
    client: AsyncTwelveLabs, emulator: Emulator, tmp_path: Path, size: int
) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(os.urandom(size))
    asset = await client.assets.upload(film, method="multipart", wait=True)
    assert asset.status == "ready"
    assert asset.size == size
    assert arrived(emulator, film)


async def test_a_small_file_goes_in_one_request_with_name_and_metadata(
    client: AsyncTwelveLabs, emulator: Emulator, film: Path
) -> None:
    seen: list[UploadProgress] = []
    asset = await client.assets.upload(film, user_metadata={"year": 2026}, on_progress=seen.append)
    assert (asset.filename, asset.method, dict(asset.user_metadata)) == ("film.mp4", "direct", {"year": 2026})
    assert [received.route for received in emulator.requests] == ["POST /assets"]
    assert (seen[-1].sent, seen[-1].total) == (film.stat().st_size, film.stat().st_size)


async def test_a_url_is_downloaded_by_the_platform(client: AsyncTwelveLabs) -> None:
    asset = await client.assets.upload("https://example.com/clip.mp4")
    assert asset.method == "url"


async def test_streams_and_bytes_are_uploaded_like_files(
    client: AsyncTwelveLabs, emulator: Emulator, film: Path
) -> None:
    content = film.read_bytes()
    await client.assets.upload(pieces(content), filename="film.mp4", size=len(content), method="multipart")
    assert arrived(emulator, film)
    assert (await client.assets.upload(pieces(content), filename="film.mp4", wait=True)).size == len(content)
    assert (await client.assets.upload(content, filename="film.mp4", wait=True)).size == len(content)


@pytest.mark.parametrize("announced", [-1, 1])
async def test_a_stream_with_a_wrong_declared_size_is_an_error(
    client: AsyncTwelveLabs, film: Path, announced: int
) -> None:
    content = film.read_bytes()
    with pytest.raises(UploadError, match=r"early|longer"):
        await client.assets.upload(
            pieces(content), filename="film.mp4", size=len(content) + announced, method="multipart"
        )


async def test_p12_expired_and_refused_urls_are_replaced(
    client: AsyncTwelveLabs, emulator: Emulator, film: Path
) -> None:
    """P12: a URL that storage does not take any more costs one PUT, and the upload succeeds."""
    emulator.faults.add("storage", status=403, times=4)
    await client.assets.upload(film, method="multipart")
    assert arrived(emulator, film)
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
    emulator.faults.add("storage", **fault, times=3)  # type: ignore[arg-type]  # a table of keywords; one part may meet all of them
    await client.assets.upload(film, method="multipart")
    assert arrived(emulator, film)


async def test_p11_a_part_with_a_wrong_etag_is_sent_again(
    client: AsyncTwelveLabs, emulator: Emulator, film: Path
) -> None:
    """P11: what storage confirms is compared with what was sent."""
    emulator.faults.add("storage", status=200, headers={"ETag": '"00000000000000000000000000000000"'}, times=2)
    await client.assets.upload(film, method="multipart")
    assert arrived(emulator, film)


async def test_p11_a_file_that_changes_during_the_upload_is_an_error(
    client: AsyncTwelveLabs, emulator: Emulator, film: Path
) -> None:
    """P11: a mixture of two versions never becomes an asset."""

    def lengthen(progress: UploadProgress) -> None:
        if progress.parts_done == 5:
            os.truncate(film, progress.total + 1)

    with pytest.raises(UploadError, match="changed"):
        await client.assets.upload(film, method="multipart", on_progress=lengthen)
    assert not emulator.state.assets


async def test_p11_a_file_that_shrinks_in_one_request_is_an_error(client: AsyncTwelveLabs, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(os.urandom(4 * 2**20))

    def cut(_: UploadProgress) -> None:
        os.truncate(film, 1000)

    with pytest.raises(UploadError, match=r"shorter|changed"):
        await client.assets.upload(film, on_progress=cut)


async def test_p9_a_resumed_upload_sends_only_the_missing_parts(
    client: AsyncTwelveLabs, emulator: Emulator, film: Path
) -> None:
    """P9: the state is a value that survives as JSON, and the server's list of parts is believed."""
    emulator.faults.add("storage", status=500, after=6, times=4)
    with pytest.raises(UploadError) as failure:
        await client.assets.upload(film, method="multipart", concurrency=1)
    state = from_dict(to_dict(failure.value.state), UploadState)
    emulator.requests.clear()
    asset = await client.assets.upload(film, resume=state, wait=True)
    assert asset.id == state.asset_id
    assert len(emulator.requests.for_operation("storage")) == 5
    assert arrived(emulator, film)


async def test_parts_whose_report_was_lost_are_sent_again(
    client: AsyncTwelveLabs, emulator: Emulator, tmp_path: Path
) -> None:
    """The platform's list of parts decides what is there, not what was sent."""
    film = tmp_path / "film.mp4"
    film.write_bytes(os.urandom(20 * CHUNK))
    lost = '{"processed_chunks": 0, "duplicate_chunks": 0, "total_completed": 0}'
    emulator.faults.add("POST /assets/multipart-uploads/{upload_id}", status=200, body=lost)
    await client.assets.upload(film, method="multipart", concurrency=1)
    assert len(emulator.requests.for_operation("storage")) == 20 + 16
    assert arrived(emulator, film)


async def test_a_404_for_a_new_asset_is_retried(client: AsyncTwelveLabs, emulator: Emulator, film: Path) -> None:
    emulator.faults.add("GET /assets/{asset_id}", status=404, times=2)
    assert (await client.assets.upload(film, method="multipart")).filename == "film.mp4"


async def test_an_expired_session_raises_upload_error(client: AsyncTwelveLabs, emulator: Emulator, film: Path) -> None:
    emulator.faults.add("POST /assets/multipart-uploads/{upload_id}/presigned-urls", status=404)
    with pytest.raises(UploadError, match="expired"):
        await client.assets.upload(film, method="multipart", concurrency=1)


async def test_a_resume_with_another_file_is_refused(client: AsyncTwelveLabs, emulator: Emulator, film: Path) -> None:
    emulator.faults.add("storage", status=500, times=4)
    with pytest.raises(UploadError) as failure:
        await client.assets.upload(film, method="multipart", concurrency=1)
    film.write_bytes(os.urandom(film.stat().st_size))
    with pytest.raises(UploadError, match="not the file"):
        await client.assets.upload(film, resume=failure.value.state)


async def test_p13_connections_to_storage_are_reused(emulator: Emulator, film: Path) -> None:
    """P13: as many connections as concurrent parts, not as many as parts."""
    opened = 0

    async def count(*_: object) -> None:
        nonlocal opened
        opened += 1

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(count)
    async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url, trace_configs=[trace]) as client:
        await client.assets.upload(film, method="multipart", concurrency=2)
    assert opened <= 3


async def test_each_part_is_sent_once_even_if_reports_and_parts_overlap(
    client: AsyncTwelveLabs, emulator: Emulator, tmp_path: Path
) -> None:
    """More parts than one report holds, several at a time: a part confirmed during a report must be reported too."""
    film = tmp_path / "film.mp4"
    film.write_bytes(os.urandom(100 * CHUNK))
    emulator.faults.add("POST /assets/multipart-uploads/{upload_id}", delay=0.02, times=4)
    await client.assets.upload(film, method="multipart", concurrency=5)
    assert len(emulator.requests.for_operation("storage")) == 100
    assert arrived(emulator, film)


async def test_p14_storage_requests_do_not_contain_the_key(
    client: AsyncTwelveLabs, emulator: Emulator, film: Path
) -> None:
    """P14: a presigned host is another origin."""
    await client.assets.upload(film, method="multipart")
    assert not any(received.with_key for received in emulator.requests.for_operation("storage"))


async def test_p10_memory_does_not_grow_with_the_file(client: AsyncTwelveLabs, tmp_path: Path) -> None:
    """P10: a file of 32 MiB passes through a few blocks of half a megabyte."""
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
    """P21: the checks of the test suite fail for a task, socket or file that is left open."""
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
    ("content", "keywords", "why"),
    [
        (None, {}, "No such file"),
        (b"", {}, "empty"),
        (b"x", {"filename": "film.exe"}, "type="),
        (b"x", {"user_metadata": {"a": {"b": 1}}}, "user_metadata"),
        (b"x", {"concurrency": 0}, "concurrency"),
    ],
)
async def test_bad_input_is_refused_before_anything_is_sent(
    client: AsyncTwelveLabs,
    emulator: Emulator,
    tmp_path: Path,
    content: bytes | None,
    keywords: dict[str, object],
    why: str,
) -> None:
    film = tmp_path / "film.mp4"
    if content is not None:
        film.write_bytes(content)
    with pytest.raises(InvalidInputError, match=why):
        await client.assets.upload(film, **keywords)  # type: ignore[call-overload]  # a table of keywords
    assert len(emulator.requests) == 0


async def test_an_exception_of_the_source_is_the_cause_of_an_upload_error(
    client: AsyncTwelveLabs, emulator: Emulator
) -> None:
    """A failure of the caller's own iterator is neither the network's fault nor worth another attempt."""

    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 100
        raise KeyError("mine")

    part = FilePart(name="file", filename="film.mp4", content=broken, size=200)
    with pytest.raises(UploadError, match=r"film\.mp4.*KeyError: 'mine'") as failure:
        await client.assets.create(method="direct", file=part)
    assert isinstance(failure.value.__cause__, KeyError)
    assert len(emulator.requests.for_operation("POST /assets")) <= 1
    assert not emulator.state.assets


@pytest.mark.parametrize("announced", [99, 101])
async def test_a_file_with_a_wrong_declared_size_is_rejected(
    client: AsyncTwelveLabs, emulator: Emulator, announced: int
) -> None:
    part = FilePart(name="file", filename="film.mp4", content=lambda: pieces(b"x" * 100), size=announced)
    with pytest.raises(UploadError, match=r"film\.mp4.*than declared"):
        await client.assets.create(method="direct", file=part)
    assert not emulator.state.assets


@pytest.mark.parametrize("method", ["direct", "multipart"])
async def test_the_rest_of_a_file_is_not_lost_by_a_wrong_size(
    client: AsyncTwelveLabs, emulator: Emulator, tmp_path: Path, method: Literal["direct", "multipart"]
) -> None:
    """Ten of 5,000 bytes would become a ready asset."""
    content = b"x" * 5000
    for file in (io.BytesIO(content), content):
        with pytest.raises(InvalidInputError, match="has 5000 bytes, but its given size is 10"):
            await client.assets.upload(file, filename="film.mp4", size=10, method=method)
    with (tmp_path / "film.mp4").open("ab") as written:
        written.write(content)
        written.flush()
        with pytest.raises(InvalidInputError, match="opened for writing only"):
            await client.assets.upload(written, method=method)
    assert not emulator.requests


@pytest.mark.parametrize("size", [None, 3000, 5000])
@pytest.mark.parametrize("method", ["direct", "multipart"])
async def test_a_non_blocking_pipe_without_data_is_no_complete_file(
    client: AsyncTwelveLabs, emulator: Emulator, method: Literal["direct", "multipart"], size: int | None
) -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.write(writing, b"x" * 3000)
    with (
        os.fdopen(reading, "rb") as pipe,
        os.fdopen(writing, "wb"),
        pytest.raises((InvalidInputError, UploadError), match=r"returned None.*blocking mode") as failure,
    ):
        await client.assets.upload(pipe, filename="film.mp4", method=method, size=size)
    assert (getattr(failure.value, "state", None) is None) == (method == "direct" or size is None)
    assert not emulator.state.assets


async def test_a_stream_that_breaks_after_parts_were_sent_has_the_state(client: AsyncTwelveLabs) -> None:
    async def blocks() -> AsyncIterator[Any]:
        yield b"x" * CHUNK
        yield "text"

    with pytest.raises(UploadError, match=r"film\.mp4 must consist of bytes, got str") as failure:
        await client.assets.upload(blocks(), filename="film.mp4", size=2 * CHUNK, method="multipart", concurrency=1)
    assert [part.chunk_index for part in failure.value.state.completed_parts] == [1]


@pytest.mark.parametrize(
    ("content", "why"),
    [(lambda: 5, "async iterator of bytes, got int"), (lambda: 1 / 0, "ZeroDivisionError"), (words, "got str")],
)
async def test_a_form_whose_file_cannot_be_read_is_an_upload_error(
    client: AsyncTwelveLabs, emulator: Emulator, content: Any, why: str
) -> None:
    form = Form.build([FilePart(name="file", filename="film.mp4", content=content, size=5)], method="direct")
    with pytest.raises(UploadError, match=rf"film\.mp4.*{why}"):
        await client.request("POST", "/assets", form=form, response_type=dict)
    assert not emulator.state.assets


async def test_errors_show_no_signature(client: AsyncTwelveLabs, emulator: Emulator) -> None:
    """The query of a presigned URL is a secret, with any scheme."""
    address = "s3://bucket/film.mp4?X-Amz-Signature=secret"
    rejected = [
        client.assets.upload(address),
        client.assets.create(method="direct", file="https://b.s3/film.mp4#secret"),
        client.assets.create(method="url", url="https://user:secret@host/a b?sig=secret"),
        client.assets.create(method="url", url="https://host:99999/a?sig=secret"),
        client.assets.upload("data:video/mp4;base64,secret"),
    ]
    for call in rejected:
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
        await client.assets.upload(pieces(bytes(17 * 2**20), 2**20), filename="film.mp4")
    assert len(emulator.requests) == 0


async def test_an_upload_uses_the_same_operations_as_multipart_upload(
    client: AsyncTwelveLabs, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The uploader builds its own requests: operation and retry class are those that the API reference lists."""
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
    facts = {row["call"]: row["retry"] for name, row in OPERATIONS.items() if name.startswith("multipart_upload.")}
    del facts["GET /assets/multipart-uploads"]
    assert {operation: sent[operation] for operation in facts} == facts
