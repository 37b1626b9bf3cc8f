"""`client.ingest` with many files, and the effect of invalid files on the others."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from support import eventually

from twelvelabs_async import AsyncTwelveLabs, AuthenticationError, InvalidInputError, NotFoundError, QuotaExhaustedError
from twelvelabs_async._cli.demo import SAMPLE_VIDEOS
from twelvelabs_async._text import install_command
from twelvelabs_async.emulator import Emulator, Timing, samples
from twelvelabs_async.ingest import (
    IngestEvent,
    IngestResult,
    IngestSource,
    IngestWarning,
    Item,
    ItemFinished,
    ItemProgress,
    PathOrUrl,
)
from twelvelabs_async.ingest._validation import TRUNCATED_WARNING

CLIP = SAMPLE_VIDEOS / "red-balloon-over-the-hills.mp4"
MODELS = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]


@pytest.fixture
async def index_id(client: AsyncTwelveLabs) -> str:
    """An empty index."""
    return (await client.indexes.ensure("films", MODELS)).id


@pytest.fixture
def films(tmp_path: Path) -> list[Path]:
    """Three valid videos in a folder."""
    folder = tmp_path / "films"
    folder.mkdir()
    return [Path(shutil.copy(CLIP, folder / f"{name}.mp4")) for name in ("alpha", "beta", "gamma")]


async def collect_by_name(run: AsyncIterator[IngestResult]) -> dict[str, IngestResult]:
    return {Path(result.source).name: result async for result in run}


async def test_a_folder_becomes_searchable(client: AsyncTwelveLabs, index_id: str, films: list[Path]) -> None:
    results = await collect_by_name(client.ingest(films[0].parent, index_id=index_id))
    assert sorted(results) == ["alpha.mp4", "beta.mp4", "gamma.mp4"]
    assert {(result.status, result.stage, result.error, result.bytes_sent) for result in results.values()} == {
        ("ready", "ready", "", CLIP.stat().st_size)
    }
    hits = await client.search.query(index_id=index_id, search_options=["visual"], query_text="beta")
    assert {hit.video_id for hit in hits} == {results["beta.mp4"].indexed_asset_id}
    asset = await client.assets.retrieve(results["beta.mp4"].asset_id or "")
    assert asset.filename == "beta.mp4"


async def test_events_report_each_stage_and_each_status(films: list[Path]) -> None:
    events: list[IngestEvent] = []
    async with (
        Emulator(timing=Timing(asset=0.05, indexing=0.5, pending_share=0, queued_share=0.5)) as emulator,
        AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url) as client,
    ):
        index = await client.indexes.ensure("films", MODELS)
        run = client.ingest(films[:1], index_id=index.id, sleep_interval=0.01, on_event=events.append)
        assert [result.status async for result in run] == ["ready"]
    progress = [event for event in events if isinstance(event, ItemProgress)]
    assert list(dict.fromkeys(event.stage for event in progress)) == ["uploading", "processing", "indexing", "ready"]
    assert {event.status for event in progress if event.stage == "indexing"} >= {"queued", "indexing"}
    assert (progress[-1].sent, progress[-1].total) == (CLIP.stat().st_size,) * 2
    assert {event.source for event in progress} == {str(films[0])}
    assert [event.result.status for event in events if isinstance(event, ItemFinished)] == ["ready"]


async def test_p24_bad_items_do_not_stop_the_others(
    client: AsyncTwelveLabs, index_id: str, films: list[Path], tmp_path: Path
) -> None:
    broken, empty = tmp_path / "broken.mp4", tmp_path / "empty.mp4"
    broken.write_bytes(b"no video at all" * 99)
    empty.touch()
    sources: list[PathOrUrl] = [broken, films[0], tmp_path / "gone.mp4", empty, "https://", *films[1:]]
    results = await collect_by_name(client.ingest(sources, index_id=index_id, concurrency=2, validate=None))
    assert {name for name, result in results.items() if result.status == "ready"} == {film.name for film in films}
    failures = {name: (result.status, result.stage) for name, result in results.items() if result.status != "ready"}
    assert failures == {
        "broken.mp4": ("failed", "processing"),
        "gone.mp4": ("failed", "queued"),
        "empty.mp4": ("failed", "uploading"),
        "https:": ("failed", "queued"),
    }
    assert "broken" in results["broken.mp4"].error
    assert results["broken.mp4"].asset_id
    assert isinstance(results["empty.mp4"].exception, InvalidInputError)


async def test_a_video_that_cannot_be_indexed_fails_while_indexing(
    client: AsyncTwelveLabs, index_id: str, tmp_path: Path
) -> None:
    image = tmp_path / "notes.txt"
    image.write_text("no video")
    results = await collect_by_name(client.ingest(image, index_id=index_id, validate=None))
    assert (results["notes.txt"].status, results["notes.txt"].stage) == ("failed", "indexing")


async def test_the_same_file_is_uploaded_once(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: list[Path]
) -> None:
    link = films[0].parent / "link.mp4"
    link.symlink_to(films[0])
    sources: list[PathOrUrl] = [
        str(films[0]),
        films[0].parent / "." / "alpha.mp4",
        films[0].parent,
        link,
        "https://e.com/x.mp4",
    ] * 2
    results = [result async for result in client.ingest(sources, index_id=index_id)]
    assert len(results) == 16
    assert len({result.asset_id for result in results}) == 4
    assert sum(result.duplicate_of is not None for result in results) == 12
    assert len(emulator.requests.for_operation("POST /assets")) == 4


@pytest.mark.parametrize(
    ("status", "headers", "error_type"),
    [(401, {}, AuthenticationError), (429, {"Retry-After": "9999"}, QuotaExhaustedError)],
)
async def test_an_error_that_affects_all_items_stops_the_run(
    client: AsyncTwelveLabs,
    emulator: Emulator,
    index_id: str,
    films: list[Path],
    status: int,
    headers: dict[str, str],
    error_type: type[Exception],
) -> None:
    """A rejected API key or an exhausted quota stops the run instead of failing every item."""
    emulator.faults.add("GET /assets", status=status, headers=headers, after=1)
    results = [result async for result in client.ingest(films, index_id=index_id, max_in_flight=1)]
    assert [result.status for result in results] == ["ready", "failed", "skipped"]
    assert isinstance(results[1].exception, error_type)
    assert results[2].exception is results[1].exception
    assert str(results[1].exception) in results[2].error
    assert len(emulator.requests.for_operation("POST /assets")) == 2


async def test_items_in_progress_finish_after_the_run_has_stopped(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: list[Path]
) -> None:
    emulator.faults.add("POST /indexes/{index-id}/indexed-assets", delay=0.2)
    emulator.faults.add("POST /indexes/{index-id}/indexed-assets", status=401)
    results = [result.status async for result in client.ingest(films, index_id=index_id, max_in_flight=2)]
    assert sorted(results) == ["failed", "ready", "skipped"]


async def test_closing_the_iterator_cancels_the_items_in_progress(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: list[Path]
) -> None:
    """The fixture `fail_on_leaks` checks that no task is left."""
    emulator.faults.add("POST /assets", stall="before", times=None, after=1)
    async with aclosing(client.ingest(films, index_id=index_id, concurrency=3)) as run:
        assert (await anext(run)).status == "ready"
        await eventually(lambda: emulator.in_flight == 2)
    await eventually(lambda: emulator.in_flight == 0)


async def test_cancelling_the_caller_cancels_the_run(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: list[Path]
) -> None:
    emulator.faults.add("POST /assets", stall="before", times=None)
    caller = asyncio.create_task(collect_by_name(client.ingest(films, index_id=index_id)))
    await eventually(lambda: emulator.in_flight == 3)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await eventually(lambda: emulator.in_flight == 0)


async def test_p21_a_second_cancellation_leaves_the_ledger_unlocked(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: list[Path], tmp_path: Path
) -> None:
    emulator.faults.add("POST /assets", stall="before", times=None)
    ledger = tmp_path / "films.ledger"
    caller = asyncio.create_task(client.ingest(films, index_id=index_id, ledger=ledger).summary())
    await eventually(lambda: emulator.in_flight == 3)
    while not caller.done():
        caller.cancel()
        await asyncio.sleep(0)
    await eventually(lambda: not any(thread.name.startswith("twelvelabs-ledger") for thread in threading.enumerate()))
    emulator.faults.clear()
    assert (await client.ingest(films, index_id=index_id, ledger=ledger).summary()).ready == 3


async def test_sources_are_read_lazily(client: AsyncTwelveLabs, index_id: str) -> None:
    """A slow consumer slows down the run, and the sources may be infinite."""
    requested = 0

    async def urls() -> AsyncIterator[str]:
        nonlocal requested
        while True:
            requested += 1
            yield f"https://example.com/{requested}.mp4"

    async with aclosing(client.ingest(urls(), index_id=index_id, max_in_flight=2)) as run:
        await anext(run)
        await asyncio.sleep(0.2)
        assert requested <= 6


async def test_an_exception_of_the_sources_is_raised_to_the_caller(
    client: AsyncTwelveLabs, index_id: str, films: list[Path]
) -> None:
    def sources() -> Iterator[Path]:
        yield films[0]
        raise LookupError("the list broke")

    with pytest.raises(LookupError, match="the list broke"):
        await collect_by_name(client.ingest(sources(), index_id=index_id))


@pytest.mark.parametrize("error", [ZeroDivisionError("oops"), asyncio.CancelledError("oops")])
async def test_a_listener_that_raises_is_logged_once_and_gets_later_events(
    client: AsyncTwelveLabs,
    index_id: str,
    films: list[Path],
    caplog: pytest.LogCaptureFixture,
    error: BaseException,
) -> None:
    finished: list[IngestResult] = []

    def listener(event: IngestEvent) -> None:
        if not isinstance(event, ItemFinished):
            raise error
        finished.append(event.result)

    results = await collect_by_name(client.ingest(films, index_id=index_id, on_event=listener))
    assert [results[film.name].status for film in films] == ["ready", "ready", "ready"]
    assert len(finished) == 3
    assert caplog.text.count("oops\n") == 1


async def test_a_file_that_the_index_would_reject_is_not_uploaded(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: list[Path]
) -> None:
    pytest.importorskip("pymediainfo")
    short = films[0].with_name("short.mp4")
    short.write_bytes(samples.video(3))
    requested = len(emulator.requests.for_operation("GET /indexes/{index-id}"))
    results = await collect_by_name(client.ingest([short, *films], index_id=index_id))
    assert results["short.mp4"].error == "it is 3 s long; marengo3.0 takes 4 s to 4 h"
    assert [results[film.name].status for film in films] == ["ready", "ready", "ready"]
    assert len(emulator.requests.for_operation("POST /assets")) == 3
    assert len(emulator.requests.for_operation("GET /indexes/{index-id}")) == requested + 1, (
        "however many files there are"
    )


async def test_files_are_validated_without_the_models_if_the_index_cannot_be_read(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: list[Path]
) -> None:
    emulator.faults.add("GET /indexes/{index-id}", status=403)
    films[0].write_bytes(b"")
    results = await collect_by_name(client.ingest(films, index_id=index_id))
    assert [results[film.name].status for film in films] == ["failed", "ready", "ready"]
    assert results["alpha.mp4"].error == "the file is empty"


async def test_a_file_of_unknown_format_is_not_uploaded(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, tmp_path: Path
) -> None:
    pytest.importorskip("pymediainfo")
    (tmp_path / "strange.mp4").write_bytes(bytes(range(128, 256)) * 99)
    results = await collect_by_name(client.ingest(tmp_path / "strange.mp4", index_id=index_id))
    assert results["strange.mp4"].error.startswith("the file has no known format")
    assert not emulator.requests.for_operation("POST /assets")


@pytest.mark.parametrize("threshold", [None, 1])
async def test_a_file_without_an_extension_is_uploaded(
    client: AsyncTwelveLabs, index_id: str, tmp_path: Path, threshold: int | None
) -> None:
    film = Path(shutil.copy(CLIP, tmp_path / "film"))
    run = client.ingest(film, index_id=index_id, multipart_threshold=threshold)
    assert (await collect_by_name(run))["film"].status == "ready"


async def test_a_warning_is_an_event_and_the_file_is_uploaded(
    client: AsyncTwelveLabs, index_id: str, films: list[Path]
) -> None:
    pytest.importorskip("pymediainfo")
    events: list[IngestEvent] = []
    with films[0].open("ab") as file:
        file.write(b"text")
    results = await collect_by_name(client.ingest(films, index_id=index_id, on_event=events.append))
    assert results["alpha.mp4"].status == "ready"
    warnings = [event for event in events if isinstance(event, IngestWarning)]
    assert [(event.source, event.message) for event in warnings] == [(str(films[0]), TRUNCATED_WARNING)]


async def test_a_run_logs_once_that_files_are_not_inspected(
    client: AsyncTwelveLabs,
    index_id: str,
    films: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setitem(sys.modules, "pymediainfo", None)
    assert (await client.ingest(films, index_id=index_id).summary()).ready == 3
    assert caplog.text.count(install_command("media")) == 1


async def test_an_index_that_does_not_exist_ends_the_run_before_anything_is_written(
    client: AsyncTwelveLabs, emulator: Emulator, films: list[Path], tmp_path: Path
) -> None:
    ledger = tmp_path / "films.ledger"
    with pytest.raises(NotFoundError):
        await client.ingest(films, index_id="0" * 24, ledger=ledger, validate=None).summary()
    assert not ledger.exists()
    assert not emulator.requests.for_operation("POST /assets")


async def test_a_mistyped_path_creates_no_ledger(client: AsyncTwelveLabs, index_id: str, tmp_path: Path) -> None:
    ledger = tmp_path / "films.ledger"
    summary = await client.ingest([tmp_path / "gone.mp4", "https://"], index_id=index_id, ledger=ledger).summary()
    assert (summary.failed, ledger.exists()) == (2, False)


async def test_an_unexpected_error_fails_one_item_and_is_logged(
    client: AsyncTwelveLabs, index_id: str, films: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    async def check(item: Item) -> str:
        await asyncio.sleep(0)
        if item.name == "beta.mp4":
            raise ZeroDivisionError("oops")
        return "too long" if item.name == "gamma.mp4" else ""

    results = await collect_by_name(client.ingest(films, index_id=index_id, validate=check))
    assert [results[film.name].status for film in films] == ["ready", "failed", "failed"]
    assert [results[film.name].error for film in films] == ["", "ZeroDivisionError: oops", "too long"]
    assert "beta.mp4" in caplog.text


async def test_a_validator_may_raise_a_cancellation_of_its_own_or_return_no_string(
    client: AsyncTwelveLabs, index_id: str, films: list[Path]
) -> None:
    async def check(item: Item) -> Any:
        await asyncio.sleep(0)
        if item.name == "beta.mp4":
            raise asyncio.CancelledError
        return 404 if item.name == "gamma.mp4" else None

    run = client.ingest(films, index_id=index_id, validate=check, max_in_flight=1)
    results = await collect_by_name(run)
    assert [results[film.name].status for film in films] == ["ready", "failed", "failed"]
    assert "CancelledError" in results["beta.mp4"].error
    assert results["gamma.mp4"].error == "404"


async def test_metadata_is_on_the_asset_and_in_the_index(
    client: AsyncTwelveLabs, index_id: str, films: list[Path]
) -> None:
    run = client.ingest(films[0], index_id=index_id, user_metadata={"reel": 7})
    results = (await collect_by_name(run))["alpha.mp4"]
    assert (await client.assets.retrieve(results.asset_id or "")).user_metadata.items() >= {"reel": 7}.items()
    indexed = await client.indexes.indexed_assets.retrieve(index_id, results.indexed_asset_id or "")
    assert indexed.user_metadata == {"reel": 7}


async def test_a_name_that_is_not_valid_unicode_is_replaced(
    client: AsyncTwelveLabs, index_id: str, tmp_path: Path
) -> None:
    try:
        film = Path(shutil.copy(CLIP, tmp_path / "caf\udce9.mp4"))
    except OSError:
        pytest.skip("this file system takes no such names")
    results = await collect_by_name(client.ingest(film, index_id=index_id))
    assert [result.status for result in results.values()] == ["ready"]
    assert [asset.filename async for asset in client.assets.list()] == ["caf\N{REPLACEMENT CHARACTER}.mp4"]


@pytest.mark.parametrize("name", ["a\x1b[0m.mp4", "a\nb.mp4", "a\x08.mp4", "a\x85.mp4", 'q"uote.mp4'])
async def test_control_characters_are_removed_from_a_file_name(
    client: AsyncTwelveLabs, index_id: str, tmp_path: Path, name: str
) -> None:
    film = Path(shutil.copy(CLIP, tmp_path / name))
    result = (await collect_by_name(client.ingest(film, index_id=index_id)))[name]
    assert (result.status, result.error) == ("ready", "")
    asset = await client.assets.upload(film)
    assert asset.filename == (await client.assets.retrieve(result.asset_id or "")).filename
    assert (asset.filename or "").isprintable()
    assert (await client.assets.upload(CLIP.read_bytes(), filename=name)).filename == asset.filename


@pytest.mark.parametrize("ledger_type", ["memory", "sqlite"])
async def test_p29_invalid_items_do_not_end_the_run(
    client: AsyncTwelveLabs,
    index_id: str,
    films: list[Path],
    tmp_path: Path,
    ledger_type: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Without credentials, the library of buckets queries the metadata service of the cloud and keeps the connection.
    for name, value in (("ENDPOINT_URL", "http://127.0.0.1:1"), ("ACCESS_KEY_ID", "a"), ("SECRET_ACCESS_KEY", "b")):
        monkeypatch.setenv(f"AWS_{name}", value)
    folder = films[0].parent
    os.utime(films[1], (15_000_000_000, 15_000_000_000))  # in 2445
    (folder / "loop.mp4").symlink_to("pool.mp4")
    (folder / "pool.mp4").symlink_to("loop.mp4")
    (folder / "itself").symlink_to(folder)
    os.mkfifo(folder / "pipe.mp4")
    sources: list[Any] = [
        *(
            "a\0b.mp4",
            "a\0*.mp4",
            "https://[::1/a.mp4",
            "https://e.com/\udcff.mp4",
            "https://",
            "\udcff.mp4",
            "",
            "s3://b/c.mp4",
        ),
        *("/dev/zero", None, 7, b"a.mp4", ("a.mp4", {"": 1}), ("a.mp4", 1, 2, 3), (films[0], None, 5), {}),
        f"{folder}/**",
    ]
    ledger = tmp_path / "films.ledger" if ledger_type == "sqlite" else None
    results = [result async for result in client.ingest(sources, index_id=index_id, ledger=ledger)]
    ready = sorted(result.source for result in results if result.status == "ready")
    assert ready == sorted(map(str, films))
    failed = [result for result in results if result.status == "failed"]
    assert len(failed) == 16 + 3
    assert all(result.error for result in failed)


async def test_p29_urls_with_different_unknown_parameters_are_two_videos(
    client: AsyncTwelveLabs, index_id: str
) -> None:
    sources = [f"https://media.example/download?token={token}" for token in "AB"]
    results = [result async for result in client.ingest(sources, index_id=index_id)]
    assert len({result.asset_id for result in results}) == 2


async def test_p29_urls_that_differ_only_in_a_signature_match_across_runs_only(
    client: AsyncTwelveLabs, index_id: str, tmp_path: Path
) -> None:
    ledger = tmp_path / "films.ledger"

    async def run(*signatures: str) -> list[IngestResult]:
        sources = [f"https://b.example/a.mp4?X-Amz-Credential=k&X-Amz-Signature={value}" for value in signatures]
        return [result async for result in client.ingest(sources, index_id=index_id, ledger=ledger)]

    first = await run("1", "2", "2")
    assert len({result.asset_id for result in first}) == 2
    second = await run("3", "4")
    assert {result.asset_id for result in second} == {result.asset_id for result in first}
    assert all(result.already_done for result in second)


async def test_a_key_identifies_a_source_regardless_of_its_url(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, tmp_path: Path
) -> None:
    ledger = tmp_path / "films.ledger"
    for number in range(2):
        source: IngestSource = (f"https://e.com/{number}.mp4?ticket={number}", None, "reel 7")
        result = (await client.ingest(source, index_id=index_id, ledger=ledger).summary()).ready
        assert result == 1
    assert len(emulator.requests.for_operation("POST /assets")) == 1


def numbered_files(folder: Path, *, contents: dict[str, bytes], size: int = 300_000) -> list[Path]:
    """Return files with the same name, size and time, with some bytes after the video."""
    paths: list[Path] = []
    for name, content in contents.items():
        path = folder / name / "000001.mp4"
        path.parent.mkdir(parents=True)
        box = (size + 8).to_bytes(4, "big") + b"free" + content * (size // len(content))
        path.write_bytes(samples.video(10, size=5000) + box)
        os.utime(path, (1.7e9, 1.7e9))
        paths.append(path)
    return paths


async def test_p29_files_with_the_same_name_size_and_time_are_compared_by_content(
    client: AsyncTwelveLabs, index_id: str, tmp_path: Path
) -> None:
    """The fourth file differs only in bytes that are not part of a sample."""
    paths = numbered_files(tmp_path, contents={"front": b"F", "rear": b"R", "copy": b"F", "between": b"F"})
    with paths[3].open("r+b") as file:
        file.seek(90_000)
        file.write(b"other")
    os.utime(paths[3], (1.7e9, 1.7e9))
    results = [result async for result in client.ingest(paths, index_id=index_id, concurrency=1, max_in_flight=1)]
    assert len({result.asset_id for result in results}) == 3
    assert [result.duplicate_of for result in results] == [None, None, str(paths[0]), None]


@pytest.mark.parametrize("change", ["moved", "changed"])
async def test_p29_a_file_is_uploaded_if_its_possible_duplicate_cannot_be_compared(
    client: AsyncTwelveLabs, index_id: str, tmp_path: Path, change: str
) -> None:
    first, second = numbered_files(tmp_path, contents={"front": b"F", "rear": b"F"})
    ledger = tmp_path / "films.ledger"
    assert (await client.ingest(first, index_id=index_id, ledger=ledger).summary()).ready == 1
    if change == "moved":
        first.unlink()
    else:
        first.write_bytes(b"another film")
    (result,) = [result async for result in client.ingest(second, index_id=index_id, ledger=ledger)]
    assert (result.status, result.duplicate_of, result.already_done) == ("ready", None, False)


def test_a_concurrency_of_0_is_rejected(tmp_path: Path) -> None:
    client = AsyncTwelveLabs("key")
    with pytest.raises(InvalidInputError, match="concurrency"):
        client.ingest(tmp_path, index_id="x", concurrency=0)
