"""Ingestions that resume an earlier run from its ledger."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from processes import start_process
from support import eventually
from typing_extensions import override

from twelvelabs_async import AsyncTwelveLabs, ClientStateError, LedgerError, LedgerInUseError
from twelvelabs_async._cli.demo import SAMPLE_VIDEOS
from twelvelabs_async.emulator import Emulator, samples
from twelvelabs_async.ingest import (
    Entry,
    IngestEvent,
    Ingestion,
    IngestResult,
    IngestSource,
    ItemFinished,
    ItemProgress,
    QuotaWaitStarted,
    SqliteLedger,
)

pytestmark = pytest.mark.oldest_python

CLIP = SAMPLE_VIDEOS / "red-balloon-over-the-hills.mp4"
MODELS = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]
FAULTS: list[dict[str, Any]] = [{"status": 503}, {"status": 500}, {"reset": "before"}, {"reset": "after"}]
NAMES = ("alpha", "beta", "gamma")


class FullLedger(SqliteLedger):
    """A ledger whose writes fail, as on a full disk."""

    @override
    async def save(self, entry: Entry) -> None:
        await asyncio.sleep(0)
        raise LedgerError("the disk is full")


@pytest.fixture
async def index_id(client: AsyncTwelveLabs) -> str:
    """An empty index."""
    return (await client.indexes.ensure("films", MODELS)).id


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """A folder of three videos."""
    folder = tmp_path / "films"
    folder.mkdir()
    for name in NAMES:
        shutil.copy(CLIP, folder / f"{name}.mp4")
    return folder


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "films.ledger"


async def ingest_by_name(client: AsyncTwelveLabs, sources: Any, **options: Any) -> dict[str, IngestResult]:
    return {Path(result.source).name: result async for result in client.ingest(sources, **options)}


async def read_entries(ledger: Path) -> list[Entry]:
    opened = SqliteLedger(ledger)
    await opened.open()
    try:
        return [entry async for entry in opened.entries()]
    finally:
        await opened.close()


async def run_until_killed(command: Sequence[str], seconds: float | None) -> int | None:
    """Run a program for at most `seconds`; return its exit code, or None if it was killed."""
    async with start_process(sys.executable, *command) as process:
        try:
            async with asyncio.timeout(seconds):
                return await process.wait()
        except TimeoutError:
            return None


async def test_p8_forty_videos_with_three_kills_and_five_percent_faults_are_indexed_once_each(
    tmp_path: Path,
) -> None:
    """`python -m benchmarks.ingest` does the same with a thousand videos."""
    folder = tmp_path / "videos"
    folder.mkdir()
    clips = [clip.read_bytes() for clip in sorted(SAMPLE_VIDEOS.glob("*.mp4"))]
    for number in range(40):
        (folder / f"{number}.mp4").write_bytes(clips[number % len(clips)] + bytes([number]))
    async with Emulator(chunk_size=16 * 1024, inspect_media=False, require_upload_headers=True) as emulator:
        async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url) as client:
            index = await client.indexes.ensure("films", MODELS)
        for seed, kind in enumerate(FAULTS):
            emulator.faults.add("*", times=None, probability=0.05 / len(FAULTS), seed=seed, **kind)
        program = str(Path(__file__).parents[1] / "killable_ingestion.py")
        command = [program, emulator.base_url, emulator.api_key, index.id, str(folder)]
        exit_codes = [await run_until_killed(command, seconds) for seconds in (1.0, 1.5, 2.0)]
        assert None in exit_codes
        assert await run_until_killed(command, None) == 0
    indexed = Counter(video.asset.filename for video in emulator.state.videos.values())
    assert indexed == Counter(f"{number}.mp4" for number in range(40))
    assert len(emulator.state.assets) == 40


async def test_a_second_run_sends_nothing_and_yields_the_same_results(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: Path, ledger: Path
) -> None:
    first = await ingest_by_name(client, films, index_id=index_id, ledger=ledger)
    emulator.requests.clear()
    second = await ingest_by_name(client, films, index_id=index_id, ledger=ledger)
    assert [request.route for request in emulator.requests] == ["GET /indexes/{index-id}"]
    assert {name: (result.asset_id, result.indexed_asset_id, result.status) for name, result in second.items()} == {
        name: (result.asset_id, result.indexed_asset_id, "ready") for name, result in first.items()
    }
    assert all(result.already_done and not result.bytes_sent and result.attempts == 1 for result in second.values())
    assert not any(result.already_done for result in first.values())


async def test_the_next_run_resumes_a_closed_run(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: Path, ledger: Path
) -> None:
    emulator.faults.add("POST /indexes/{index-id}/indexed-assets", stall="after", times=2)
    async with client.ingest(films, index_id=index_id, ledger=ledger) as ingestion:
        assert (await anext(ingestion)).status == "ready"
        await eventually(lambda: len(emulator.state.videos) == 3)
    repeated = await ingest_by_name(client, films, index_id=index_id, ledger=ledger)
    assert {result.status for result in repeated.values()} == {"ready"}
    assert len(emulator.state.assets) == len(emulator.state.videos) == 3


async def test_a_drained_run_finishes_the_items_in_progress_and_starts_no_more(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, ledger: Path
) -> None:
    async def endless() -> AsyncIterator[str]:
        number = 0
        while True:
            number += 1
            yield f"https://example.com/{number}.mp4"
            await asyncio.sleep(0.01)

    ingestion = client.ingest(endless(), index_id=index_id, ledger=ledger)
    results = [await anext(ingestion)]
    ingestion.drain()
    results += [result async for result in ingestion]
    assert {result.status for result in results} <= {"ready", "skipped"}
    assert ingestion.partial_summary.stop_reason == "drained"
    assert ingestion.partial_summary.inputs == len(results)
    assert ingestion.partial_summary.ready == len(emulator.state.assets) == len(emulator.state.videos)


async def test_items_not_started_before_draining_are_ingested_by_the_next_run(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: Path, ledger: Path
) -> None:
    """One file is uploaded at a time, so a drained run finishes only that file."""

    def drain_at_first_upload(event: IngestEvent) -> None:
        if isinstance(event, ItemProgress) and event.stage == "uploading":
            ingestion.drain()

    ingestion = client.ingest(films, index_id=index_id, ledger=ledger, concurrency=1, on_event=drain_at_first_upload)
    statuses = Counter([result.status async for result in ingestion])
    assert statuses["ready"] == len(emulator.state.assets) == 1
    assert statuses["failed"] == 0
    repeated = await ingest_by_name(client, films, index_id=index_id, ledger=ledger)
    assert {result.status for result in repeated.values()} == {"ready"}
    assert len(emulator.state.assets) == 3


async def test_draining_before_the_start_yields_nothing(client: AsyncTwelveLabs, index_id: str, films: Path) -> None:
    ingestion = client.ingest(films, index_id=index_id)
    ingestion.drain()
    assert [result async for result in ingestion] == []


async def test_the_summary_has_the_totals_of_the_results(
    client: AsyncTwelveLabs, index_id: str, films: Path, tmp_path: Path
) -> None:
    (films / "empty.mp4").touch()
    summary = await client.ingest([films, films, tmp_path / "gone.mp4"], index_id=index_id, validate=None).summary()
    assert (summary.ready, summary.failed, summary.skipped, summary.inputs) == (6, 3, 0, 9)
    assert summary.duplicates == 4  # including the empty file
    assert summary.bytes_sent == 3 * CLIP.stat().st_size
    assert Counter(Path(result.source).name for result in summary.failures) == {"empty.mp4": 2, "gone.mp4": 1}
    assert summary.stop_reason == ""


async def test_a_repeated_source_of_a_failed_file_is_a_duplicate(
    client: AsyncTwelveLabs, index_id: str, films: Path
) -> None:
    empty, finished = films / "empty.mp4", asyncio.Event()
    empty.touch()

    async def sources() -> AsyncIterator[Path]:
        yield empty
        await finished.wait()
        yield empty

    def on_event(event: object) -> None:
        if isinstance(event, ItemFinished):
            finished.set()

    summary = await client.ingest(sources(), index_id=index_id, validate=None, on_event=on_event).summary()
    assert (summary.failed, summary.duplicates, summary.skipped) == (2, 1, 0)


async def test_summary_raises_while_the_results_are_being_iterated(
    client: AsyncTwelveLabs, index_id: str, films: Path
) -> None:
    async with client.ingest(films, index_id=index_id) as ingestion:
        await anext(ingestion)
        with pytest.raises(ClientStateError, match="partial_summary"):
            await ingestion.summary()


async def test_two_runs_cannot_use_one_ledger(
    client: AsyncTwelveLabs, index_id: str, films: Path, ledger: Path
) -> None:
    async with client.ingest(films, index_id=index_id, ledger=ledger) as first:
        await anext(first)
        with pytest.raises(LedgerInUseError):
            await client.ingest(films, index_id=index_id, ledger=ledger).summary()


async def test_a_ledger_that_cannot_be_written_ends_the_run_before_any_upload(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: Path, ledger: Path
) -> None:
    with pytest.raises(LedgerError, match="full"):
        await client.ingest(films, index_id=index_id, ledger=FullLedger(ledger)).summary()
    assert not emulator.requests.for_operation("POST /assets")


@pytest.mark.parametrize(("dedupe", "assets"), [("path", 3), ("name", 2), ("content", 1)])
async def test_the_same_file_twice_is_one_asset(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, tmp_path: Path, dedupe: Any, assets: int
) -> None:
    paths = [tmp_path / name for name in ("a/film.mp4", "b/film.mp4", "b/other.mp4")]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        shutil.copy2(CLIP, path)
        os.utime(path, ns=(10**18, 10**18))
    results = await ingest_by_name(client, [*map(str, paths)], index_id=index_id, dedupe=dedupe, concurrency=1)
    assert len(emulator.state.assets) == len(emulator.state.videos) == assets
    assert {result.status for result in results.values()} == {"ready"}
    duplicates = [result async for result in client.ingest([*map(str, paths)], index_id=index_id, dedupe=dedupe)]
    assert sum(result.duplicate_of is not None for result in duplicates) == 3 - assets


async def test_a_changed_file_is_a_new_item_and_names_the_replaced_asset(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: Path, ledger: Path
) -> None:
    before = await ingest_by_name(client, films, index_id=index_id, ledger=ledger)
    with (films / "beta.mp4").open("ab") as film:
        film.write(b"a new ending")
    after = await ingest_by_name(client, films, index_id=index_id, ledger=ledger)
    assert [after[f"{name}.mp4"].already_done for name in NAMES] == [True, False, True]
    assert after["beta.mp4"].replaced_asset_id == before["beta.mp4"].asset_id
    assert after["beta.mp4"].asset_id != before["beta.mp4"].asset_id
    assert len(emulator.state.assets) == 4


async def test_rejected_items_are_retried_only_with_retry_failed(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: Path, ledger: Path
) -> None:
    (films / "beta.mp4").write_bytes(b"no video at all" * 99)
    first = await ingest_by_name(client, films, index_id=index_id, ledger=ledger, validate=None)
    assert first["beta.mp4"].status == "failed"
    repeated = await ingest_by_name(client, films, index_id=index_id, ledger=ledger, validate=None)
    assert (repeated["beta.mp4"].status, repeated["beta.mp4"].already_done) == ("failed", True)
    assert repeated["beta.mp4"].error == first["beta.mp4"].error
    assert len(emulator.requests.for_operation("POST /assets")) == 3
    retried = await ingest_by_name(client, films, index_id=index_id, ledger=ledger, validate=None, retry_failed=True)
    assert (retried["beta.mp4"].status, retried["beta.mp4"].already_done, retried["beta.mp4"].attempts) == (
        "failed",
        False,
        2,
    )
    assert len(emulator.requests.for_operation("POST /assets")) == 4


async def test_an_item_with_a_transient_failure_is_retried_by_the_next_run(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: Path, ledger: Path
) -> None:
    emulator.faults.add("POST /assets", status=403, times=3)
    first = await ingest_by_name(client, films, index_id=index_id, ledger=ledger)
    assert {result.status for result in first.values()} == {"failed"}
    second = await ingest_by_name(client, films, index_id=index_id, ledger=ledger)
    assert {(result.status, result.already_done) for result in second.values()} == {("ready", False)}


async def test_an_asset_that_was_deleted_between_two_runs_is_uploaded_again(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: Path, ledger: Path
) -> None:
    emulator.faults.add("GET /assets", status=401, times=1)
    await client.ingest(films / "beta.mp4", index_id=index_id, ledger=ledger).summary()
    (asset,) = emulator.state.assets
    await client.assets.delete(asset)
    results = await ingest_by_name(client, films / "beta.mp4", index_id=index_id, ledger=ledger)
    assert results["beta.mp4"].status == "ready"
    assert results["beta.mp4"].asset_id != asset


async def test_an_ingestion_with_on_quota_wait_waits_for_its_quota(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: Path
) -> None:
    events: list[IngestEvent] = []
    headers = {"Retry-After": "9999"}
    emulator.faults.add("POST /indexes/{index-id}/indexed-assets", status=429, headers=headers, after=1)
    results = await ingest_by_name(client, films, index_id=index_id, on_quota="wait", on_event=events.append)
    assert {result.status for result in results.values()} == {"ready"}
    waits = [event for event in events if isinstance(event, QuotaWaitStarted)]
    assert {wait.category for wait in waits} == {"index"}
    assert waits[0].seconds > 9000


async def test_the_metadata_of_a_pair_applies_to_its_item_only(
    client: AsyncTwelveLabs, index_id: str, films: Path
) -> None:
    sources: list[IngestSource] = [(films / "alpha.mp4", {"reel": 1}), films / "beta.mp4"]
    results = await ingest_by_name(client, sources, index_id=index_id, user_metadata={"show": "x"})
    metadata = {}
    for name, result in results.items():
        entry = await client.indexes.indexed_assets.retrieve(index_id, result.indexed_asset_id or "")
        metadata[name] = entry.user_metadata
    assert metadata == {"alpha.mp4": {"show": "x", "reel": 1}, "beta.mp4": {"show": "x"}}


async def test_a_single_pair_is_accepted_as_the_source(client: AsyncTwelveLabs, index_id: str, films: Path) -> None:
    results = await ingest_by_name(client, (films, {"reel": 1}), index_id=index_id)
    assert len(results) == 3


async def test_p15_neither_the_key_nor_a_signature_is_in_the_ledger(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: Path, ledger: Path
) -> None:
    signed = (
        "https://bucket.example.com/film.mp4?X-Amz-Signature=SECRETSIGN&X-Amz-Credential=SECRETCRED&part=SECRETPART"
    )
    sources: list[IngestSource] = [films, signed]
    await client.ingest(sources, index_id=index_id, ledger=ledger, multipart_threshold=0).summary()
    content = b"".join(file.read_bytes() for file in ledger.parent.glob("films.ledger*"))
    assert b"bucket.example.com/film.mp4" in content
    for secret in (emulator.api_key.encode() + b"\x00", b"SECRET", b"signature", b"X-Amz"):
        assert secret not in content


async def test_a_url_with_a_new_signature_is_the_same_source(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, ledger: Path
) -> None:
    for signature in ("one", "two"):
        url = f"https://bucket.example.com/film.mp4?X-Amz-Signature={signature}&versionId=7"
        await client.ingest(url, index_id=index_id, ledger=ledger).summary()
    assert len(emulator.state.assets) == 1
    await client.ingest("https://bucket.example.com/film.mp4?versionId=8", index_id=index_id, ledger=ledger).summary()
    assert len(emulator.state.assets) == 2


async def test_a_resumed_upload_reports_the_bytes_that_it_sends(tmp_path: Path) -> None:
    path, half = tmp_path / "sea.mp4", asyncio.Event()
    path.write_bytes(samples.video(60, size=80_000))
    async with (
        Emulator(chunk_size=4000, inspect_media=False) as emulator,
        AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url) as client,
    ):
        index = await client.indexes.ensure("films", MODELS)

        def ingest(on_event: Callable[[IngestEvent], None]) -> Ingestion:
            ledger = tmp_path / "films.ledger"
            return client.ingest(path, index_id=index.id, ledger=ledger, multipart_threshold=0, on_event=on_event)

        def stop_halfway(event: IngestEvent) -> None:
            if isinstance(event, ItemProgress) and event.sent >= 40_000:
                half.set()

        interrupted = ingest(stop_halfway)
        task = asyncio.ensure_future(anext(interrupted))
        await half.wait()
        task.cancel()
        await asyncio.wait([task])
        await interrupted.aclose()
        events: list[IngestEvent] = []
        summary = await ingest(events.append).summary()
    progress = [event for event in events if isinstance(event, ItemProgress) and event.stage == "uploading"]
    resumed = next(event for event in progress if event.sent)
    assert resumed.sent >= 16_000
    assert resumed.bytes_sent == 0
    assert [event.bytes_sent for event in progress] == sorted(event.bytes_sent for event in progress)
    assert progress[-1].bytes_sent == summary.bytes_sent == 80_000 - resumed.sent
