"""Objects in buckets as sources, on a server with the Amazon S3 API."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from s3 import ACCESS_KEY, SECRET_KEY, BucketServer, bucket_server

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async._text import install_command
from twelvelabs_async.emulator import Emulator, samples
from twelvelabs_async.ingest import IngestEvent, IngestResult, Item, PathSkipped
from twelvelabs_async.ingest._remote_sources import (
    BucketPath,
    ObjectSource,
    is_public,
    open_bucket,
    parse_bucket_url,
    sign_url,
)
from twelvelabs_async.ingest._scan import iter_items

pytestmark = pytest.mark.oldest_python

MODELS = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]
CHUNK_SIZE = 8192
FILMS = {
    "holiday/1.mp4": samples.video(9, size=30_000),
    "holiday/beach/2.mp4": samples.video(9, size=30_001),
    "holiday/beach/umlaut é.mov": samples.video(9, size=30_002),
    "holiday/notes.txt": b"notes",
    "holiday/.hidden/3.mp4": samples.video(9, size=30_003),
    "work/4.mp4": samples.video(9, size=30_004),
}


@pytest.fixture(scope="module")
def server() -> Iterator[BucketServer]:
    with bucket_server() as server:
        yield server


@pytest.fixture
def bucket(server: BucketServer, monkeypatch: pytest.MonkeyPatch) -> BucketServer:
    """The server with a bucket of films; environment variables name it."""
    server.reset()
    server.create_bucket("films")
    for key, content in FILMS.items():
        server.put("films", key, content)
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return server


@pytest.fixture
async def index_id(client: AsyncTwelveLabs) -> str:
    """An empty index."""
    return (await client.indexes.ensure("films", MODELS)).id


async def list_items(source: Any) -> tuple[list[Item], list[PathSkipped]]:
    skipped: list[PathSkipped] = []
    return [item async for item in iter_items(source, on_skipped=skipped.append)], skipped


async def ingest(client: AsyncTwelveLabs, sources: Any, **options: Any) -> list[IngestResult]:
    return [result async for result in client.ingest(sources, **options)]


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("s3://films", ["1.mp4", "2.mp4", "umlaut é.mov", "4.mp4"]),
        ("s3://films/holiday", ["1.mp4", "2.mp4", "umlaut é.mov"]),
        ("s3://films/holiday/", ["1.mp4", "2.mp4", "umlaut é.mov"]),
        ("s3://films/holiday/*.mp4", ["1.mp4"]),
        ("s3://films/*/*.mp4", ["1.mp4", "4.mp4"]),
        ("s3://films/holiday/*", ["1.mp4", "2.mp4", "umlaut é.mov"]),
        ("s3://films/**/*.mp4", ["1.mp4", "2.mp4", "4.mp4"]),
        ("s3://films/hol*/**", ["1.mp4", "2.mp4", "umlaut é.mov"]),
        ("s3://films/holiday/.hidden/3.mp4", ["3.mp4"]),
        ("s3://films/holiday/notes.txt", ["notes.txt"]),
        ("S3://films/holiday/beach/umlaut é.mov", ["umlaut é.mov"]),
    ],
)
async def test_a_bucket_is_listed_like_a_folder(source: str, names: list[str]) -> None:
    items, _ = await list_items(source)
    assert [item.name for item in items] == names
    for item in items:
        key = item.source.removeprefix("s3://films/")
        assert (item.size, bool(item.etag), item.problem) == (len(FILMS[key]), True, "")
        assert item.mtime_ns > 1.7e18


@pytest.mark.usefixtures("bucket")
async def test_skipped_objects_of_a_bucket_are_counted() -> None:
    _, skipped = await list_items("s3://films/holiday/*")
    assert [(path.reason, path.suffix, path.count) for path in skipped] == [("not video or audio", ".txt", 1)]


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("s3://films/nothing/*.mp4", "no object, or no video or audio, matches"),
        ("s3://films/holiday/9.mp4", "no object, or no video or audio, matches"),
        ("s3://other/*.mp4", "cannot read"),
        ("s3://", "the URL has no bucket"),
        ("s3://AKIA:secret@films/1.mp4", "must not have credentials"),
        ("ftp://films/1.mp4", r"ftp:// URLs are not supported.*extra `cloud`"),
    ],
)
async def test_an_invalid_bucket_source_has_a_one_line_error(source: str, problem: str) -> None:
    items, _ = await list_items(source)
    (item,) = items
    assert re.search(problem, item.problem)
    assert "\n" not in item.problem
    assert "secret" not in f"{item.source} {item.uri}"


async def test_the_error_for_a_missing_extra_prints_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("obstore", "obstore.store", "obstore.exceptions"):
        monkeypatch.setitem(sys.modules, name, None)
    items, _ = await list_items("gs://films/1.mp4")
    assert items[0].problem == f"gs:// URLs need: {install_command('cloud')}"


@pytest.mark.parametrize(
    ("multipart_threshold", "size"), [(10**6, 10**6), (0, CHUNK_SIZE)], ids=["one request", "parts"]
)
@pytest.mark.usefixtures("bucket")
async def test_objects_of_a_private_server_are_streamed(
    emulator: Emulator, client: AsyncTwelveLabs, index_id: str, multipart_threshold: int, size: int
) -> None:
    results = await ingest(
        client, "s3://films/holiday/*.mp4", index_id=index_id, multipart_threshold=multipart_threshold
    )
    assert [(result.status, result.bytes_sent) for result in results] == [("ready", 30_000)]
    (asset,) = emulator.state.assets.values()
    content = FILMS["holiday/1.mp4"]
    parts = [content[start : start + size] for start in range(0, len(content), size)]
    digest = "".join(hashlib.md5(part, usedforsecurity=False).hexdigest() for part in parts)
    assert (asset.filename, asset.media.size, asset.media.digest) == ("1.mp4", 30_000, digest)


async def test_an_object_is_read_without_changes(bucket: BucketServer) -> None:
    content = bytes(range(256)) * 50_000
    bucket.put("films", "large.mp4", content)
    items, _ = await list_items("s3://films/large.mp4")
    item = items[0]
    path = parse_bucket_url(item.source)
    source = ObjectSource(open_bucket(path), path, name="large.mp4", size=item.size, etag=item.etag, version=1)
    await source.open()
    reads = [
        source._start_read(offset, min(700_001, len(content) - offset), None)
        for offset in range(0, len(content), 700_001)
    ]
    assert b"".join(await asyncio.gather(*reads)) == content
    await source.aclose()


@pytest.mark.usefixtures("bucket")
async def test_a_signed_url_is_sent_to_the_platform_only(
    emulator: Emulator,
    client: AsyncTwelveLabs,
    index_id: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    signed: list[str] = []

    async def record_signed_url(store: Any, path: BucketPath) -> str:
        signed.append(await sign_url(store, path))
        return signed[-1]

    monkeypatch.setattr("twelvelabs_async.ingest._stages.sign_url", record_signed_url)
    caplog.set_level(logging.DEBUG)
    ledger, events = tmp_path / "films.ledger", list[IngestEvent]()
    options: dict[str, Any] = {"index_id": index_id, "ledger": ledger, "transfer": "url", "on_event": events.append}
    emulator.faults.add("POST /assets", status=400, times=1)
    results = await ingest(client, ["s3://films/work", "s3://films/holiday/1.mp4"], concurrency=1, **options)
    assert sorted(result.status for result in results) == ["failed", "ready"]
    (asset,) = emulator.state.assets.values()
    assert asset.method == "url"
    assert len(signed) == 2
    assert all("X-Amz-Signature=" in url for url in signed)
    repeated = await ingest(client, ["s3://films/work", "s3://films/holiday/1.mp4"], **options)
    assert all(result.already_done for result in repeated), "another signature is no other video"
    outputs = [ledger.read_bytes().decode("latin1"), caplog.text, repr(events), repr(results), repr(repeated)]
    for secret in (ACCESS_KEY, SECRET_KEY, "X-Amz", *signed, *(urlsplit(url).query for url in signed)):
        assert not [text for text in outputs if secret in text]


async def test_objects_are_identified_by_content(
    bucket: BucketServer, client: AsyncTwelveLabs, index_id: str, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"index_id": index_id, "ledger": tmp_path / "films.ledger"}
    (first,) = await ingest(client, "s3://films/work/*", **options)
    bucket.put("films", "work/4.mp4", FILMS["work/4.mp4"])  # written again, with a later time
    bucket.put("films", "copy/4.mp4", FILMS["work/4.mp4"])
    unchanged, copy = await ingest(client, ["s3://films/work", "s3://films/copy"], **options)
    assert unchanged.already_done
    assert copy.duplicate_of == "s3://films/work/4.mp4"
    bucket.put("films", "work/4.mp4", samples.video(9, size=30_004)[:-1] + b"x")
    (changed,) = await ingest(client, "s3://films/work/4.mp4", **options)
    assert changed.replaced_asset_id == first.asset_id
    assert changed.asset_id != first.asset_id


@pytest.mark.parametrize("transfer", ["url", "stream"])
@pytest.mark.parametrize("change", ["changed", "deleted"])
async def test_an_object_that_changes_after_it_was_listed_fails(
    bucket: BucketServer, emulator: Emulator, client: AsyncTwelveLabs, index_id: str, transfer: str, change: str
) -> None:
    async def validate(_: Item) -> str:
        if change == "changed":
            await asyncio.to_thread(bucket.put, "films", "work/4.mp4", FILMS["holiday/1.mp4"])
        else:
            await asyncio.to_thread(bucket.delete, "films", "work/4.mp4")
        return ""

    (result,) = await ingest(client, "s3://films/work/4.mp4", index_id=index_id, transfer=transfer, validate=validate)
    assert result.status == "failed"
    assert ("has changed since it was found" if change == "changed" else "does not exist") in result.error
    assert not emulator.state.assets


async def test_sizes_are_checked_before_objects_are_read(
    bucket: BucketServer, client: AsyncTwelveLabs, index_id: str
) -> None:
    bucket.put("films", "empty.mp4", b"")
    large = Item("s3://films/large.mp4", "s3://films/large.mp4", name="large.mp4", size=20 * 2**30, etag='"1"')
    url = Item("s3://films/5gb.mp4", "s3://films/5gb.mp4", name="5gb.mp4", size=5 * 10**9, etag='"2"')
    results = await ingest(
        client, ["s3://films/empty.mp4", large, url], index_id=index_id, transfer="url", concurrency=1
    )
    errors = {result.source: result.error for result in results}
    assert errors["s3://films/empty.mp4"] == "the file is empty"
    assert "'large.mp4' is too large" in errors["s3://films/large.mp4"]
    assert "marengo3.0 takes at most" in errors["s3://films/5gb.mp4"]


async def test_urls_in_private_networks_are_not_public() -> None:
    urls = ("http://127.0.0.1:9000/b/k", "https://10.1.2.3/k", "http://localhost/k", "https://[::1]/k")
    assert not any([await is_public(url) for url in urls])
    assert not await is_public("https://no-such-host.invalid/k")
    assert await is_public("https://93.184.215.14/k")


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with Emulator(chunk_size=CHUNK_SIZE) as emulator:
        yield emulator


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[AsyncTwelveLabs]:
    async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url) as client:
        yield client
