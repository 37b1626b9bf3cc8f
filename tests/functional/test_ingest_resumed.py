"""An ingestion with a ledger: what is done is not done again, whatever ended the run before."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from support import eventually
from typing_extensions import override

from twelvelabs_async import AsyncTwelveLabs, ClientStateError, LedgerError, LedgerInUseError
from twelvelabs_async.cli.demo import CLIPS
from twelvelabs_async.emulator import Emulator
from twelvelabs_async.ingest import Entry, IngestEvent, ItemProgress, Outcome, QuotaWait, Source, SqliteLedger

CLIP = CLIPS / "red-balloon-over-the-hills.mp4"
MODELS = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]
FAULTS: list[dict[str, Any]] = [{"status": 503}, {"status": 500}, {"reset": "before"}, {"reset": "after"}]
NAMES = ("alpha", "beta", "gamma")


class FullLedger(SqliteLedger):
    """On a disk that has just filled up."""

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


async def run(client: AsyncTwelveLabs, sources: Any, **options: Any) -> dict[str, Outcome]:
    return {Path(outcome.source).name: outcome async for outcome in client.ingest(sources, **options)}


async def entries(ledger: Path) -> list[Entry]:
    opened = SqliteLedger(ledger)
    await opened.open()
    try:
        return [entry async for entry in opened.entries()]
    finally:
        await opened.close()


async def lived(command: Sequence[str], seconds: float | None) -> int | None:
    """Run a program and kill it after so long: its exit code, None if it was killed."""
    process = await asyncio.create_subprocess_exec(sys.executable, *command)
    try:
        async with asyncio.timeout(seconds):
            return await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
        return None


@pytest.mark.timeout(300)
async def test_p8_forty_videos_three_kills_and_one_failure_in_twenty_requests_end_with_each_video_once(
    tmp_path: Path,
) -> None:
    """`python -m benchmarks.ingest` is the same with a thousand videos."""
    folder = tmp_path / "videos"
    folder.mkdir()
    clips = [clip.read_bytes() for clip in sorted(CLIPS.glob("*.mp4"))]
    for number in range(40):
        (folder / f"{number}.mp4").write_bytes(clips[number % len(clips)] + bytes([number]))
    async with Emulator(chunk_size=16 * 1024, probe=False) as emulator:
        async with AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url) as client:
            index = await client.indexes.ensure("films", MODELS)
        for seed, kind in enumerate(FAULTS):
            emulator.faults.add("*", times=None, probability=0.05 / len(FAULTS), seed=seed, **kind)
        program = str(Path(__file__).parents[1] / "mortal_ingestion.py")
        command = [program, emulator.base_url, emulator.api_key, index.id, str(folder)]
        deaths = [await lived(command, seconds) for seconds in (1.0, 1.5, 2.0)]
        assert None in deaths
        assert await lived(command, None) == 0
    indexed = Counter(video.asset.filename for video in emulator.state.videos.values())
    assert indexed == Counter(f"{number}.mp4" for number in range(40))
    assert len(emulator.state.assets) == 40


async def test_a_second_run_sends_nothing_and_tells_the_same(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: Path, ledger: Path
) -> None:
    first = await run(client, films, index_id=index_id, ledger=ledger)
    emulator.requests.clear()
    second = await run(client, films, index_id=index_id, ledger=ledger)
    assert len(emulator.requests) == 0
    assert {name: (one.asset_id, one.indexed_asset_id, one.status) for name, one in second.items()} == {
        name: (one.asset_id, one.indexed_asset_id, "ready") for name, one in first.items()
    }
    assert all(one.already and not one.bytes and one.attempts == 1 for one in second.values())
    assert not any(one.already for one in first.values())


async def test_a_run_that_was_closed_is_continued(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: Path, ledger: Path
) -> None:
    emulator.faults.add("POST /indexes/{index-id}/indexed-assets", stall="after", times=2)
    async with client.ingest(films, index_id=index_id, ledger=ledger) as ingestion:
        assert (await anext(ingestion)).status == "ready"
        await eventually(lambda: len(emulator.state.videos) == 3)
    again = await run(client, films, index_id=index_id, ledger=ledger)
    assert {one.status for one in again.values()} == {"ready"}
    assert len(emulator.state.assets) == len(emulator.state.videos) == 3


async def test_a_drained_run_finishes_what_it_began_and_begins_nothing_more(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, ledger: Path
) -> None:
    async def endless() -> AsyncIterator[str]:
        number = 0
        while True:
            number += 1
            yield f"https://example.com/{number}.mp4"
            await asyncio.sleep(0.01)

    ingestion = client.ingest(endless(), index_id=index_id, ledger=ledger)
    outcomes = [await anext(ingestion)]
    ingestion.drain()
    outcomes += [outcome async for outcome in ingestion]
    assert {outcome.status for outcome in outcomes} <= {"ready", "skipped"}
    assert ingestion.so_far.stopped == "drained"
    assert ingestion.so_far.inputs == len(outcomes)
    assert ingestion.so_far.ready == len(emulator.state.assets) == len(emulator.state.videos)


async def test_what_was_taken_and_not_begun_is_left_to_the_next_run(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: Path, ledger: Path
) -> None:
    """One file at a time is sent: whoever interrupts during the first waits for that one only."""

    def at_the_first(event: IngestEvent) -> None:
        if isinstance(event, ItemProgress) and event.stage == "uploading":
            ingestion.drain()

    ingestion = client.ingest(films, index_id=index_id, ledger=ledger, concurrency=1, on_event=at_the_first)
    statuses = Counter([outcome.status async for outcome in ingestion])
    assert statuses["ready"] == len(emulator.state.assets) == 1
    assert statuses["failed"] == 0
    again = await run(client, films, index_id=index_id, ledger=ledger)
    assert {one.status for one in again.values()} == {"ready"}
    assert len(emulator.state.assets) == 3


async def test_draining_before_the_start_begins_nothing(client: AsyncTwelveLabs, index_id: str, films: Path) -> None:
    ingestion = client.ingest(films, index_id=index_id)
    ingestion.drain()
    assert [outcome async for outcome in ingestion] == []


async def test_the_sums_are_those_of_the_outcomes(
    client: AsyncTwelveLabs, index_id: str, films: Path, tmp_path: Path
) -> None:
    (films / "empty.mp4").touch()
    summary = await client.ingest([films, films, tmp_path / "gone.mp4"], index_id=index_id, check=None).summary()
    assert (summary.ready, summary.failed, summary.skipped, summary.inputs) == (6, 3, 0, 9)
    assert summary.duplicates == 4  # the empty one, too
    assert summary.bytes == 3 * CLIP.stat().st_size
    assert Counter(Path(outcome.source).name for outcome in summary.failures) == {"empty.mp4": 2, "gone.mp4": 1}
    assert summary.stopped == ""


async def test_outcomes_that_are_being_iterated_cannot_be_added_up_as_well(
    client: AsyncTwelveLabs, index_id: str, films: Path
) -> None:
    async with client.ingest(films, index_id=index_id) as ingestion:
        await anext(ingestion)
        with pytest.raises(ClientStateError, match="so_far"):
            await ingestion.summary()


async def test_two_runs_on_one_ledger_are_one_too_many(
    client: AsyncTwelveLabs, index_id: str, films: Path, ledger: Path
) -> None:
    async with client.ingest(films, index_id=index_id, ledger=ledger) as first:
        await anext(first)
        with pytest.raises(LedgerInUseError):
            await client.ingest(films, index_id=index_id, ledger=ledger).summary()


async def test_a_ledger_that_cannot_be_written_ends_the_run_before_anything_is_sent(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: Path, ledger: Path
) -> None:
    with pytest.raises(LedgerError, match="full"):
        await client.ingest(films, index_id=index_id, ledger=FullLedger(ledger)).summary()
    assert not emulator.requests.of("POST /assets")


@pytest.mark.parametrize(("dedupe", "assets"), [("path", 3), ("name", 2), ("content", 1)])
async def test_the_same_file_twice_is_one_asset(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, tmp_path: Path, dedupe: Any, assets: int
) -> None:
    paths = [tmp_path / name for name in ("a/film.mp4", "b/film.mp4", "b/other.mp4")]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        shutil.copy2(CLIP, path)
        os.utime(path, ns=(10**18, 10**18))
    ended = await run(client, [*map(str, paths)], index_id=index_id, dedupe=dedupe, concurrency=1)
    assert len(emulator.state.assets) == len(emulator.state.videos) == assets
    assert {one.status for one in ended.values()} == {"ready"}
    doubles = [one async for one in client.ingest([*map(str, paths)], index_id=index_id, dedupe=dedupe)]
    assert sum(one.duplicate_of is not None for one in doubles) == 3 - assets


async def test_a_file_that_changed_is_a_new_item_and_says_so(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: Path, ledger: Path
) -> None:
    before = await run(client, films, index_id=index_id, ledger=ledger)
    with (films / "beta.mp4").open("ab") as film:
        film.write(b"a new ending")
    after = await run(client, films, index_id=index_id, ledger=ledger)
    assert [after[f"{name}.mp4"].already for name in NAMES] == [True, False, True]
    assert after["beta.mp4"].replaces == before["beta.mp4"].asset_id
    assert after["beta.mp4"].asset_id != before["beta.mp4"].asset_id
    assert len(emulator.state.assets) == 4


async def test_what_the_platform_refused_is_tried_again_only_if_asked_for(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: Path, ledger: Path
) -> None:
    (films / "beta.mp4").write_bytes(b"no video at all" * 99)
    first = await run(client, films, index_id=index_id, ledger=ledger, check=None)
    assert first["beta.mp4"].status == "failed"
    again = await run(client, films, index_id=index_id, ledger=ledger, check=None)
    assert (again["beta.mp4"].status, again["beta.mp4"].already) == ("failed", True)
    assert again["beta.mp4"].error == first["beta.mp4"].error
    assert len(emulator.requests.of("POST /assets")) == 3
    asked = await run(client, films, index_id=index_id, ledger=ledger, check=None, retry_failed=True)
    assert (asked["beta.mp4"].status, asked["beta.mp4"].already, asked["beta.mp4"].attempts) == ("failed", False, 2)
    assert len(emulator.requests.of("POST /assets")) == 4


async def test_a_failure_that_may_pass_is_left_to_the_next_run(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: Path, ledger: Path
) -> None:
    emulator.faults.add("POST /assets", status=403, times=3)
    first = await run(client, films, index_id=index_id, ledger=ledger)
    assert {one.status for one in first.values()} == {"failed"}
    second = await run(client, films, index_id=index_id, ledger=ledger)
    assert {(one.status, one.already) for one in second.values()} == {("ready", False)}


async def test_an_asset_that_somebody_deleted_meanwhile_is_sent_again(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: Path, ledger: Path
) -> None:
    emulator.faults.add("GET /assets", status=401, times=1)
    await client.ingest(films / "beta.mp4", index_id=index_id, ledger=ledger).summary()
    (asset,) = emulator.state.assets
    await client.assets.delete(asset)
    ended = await run(client, films / "beta.mp4", index_id=index_id, ledger=ledger)
    assert ended["beta.mp4"].status == "ready"
    assert ended["beta.mp4"].asset_id != asset


async def test_an_ingestion_that_may_wait_waits_for_its_quota(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: Path
) -> None:
    told: list[IngestEvent] = []
    headers = {"Retry-After": "9999"}
    emulator.faults.add("POST /indexes/{index-id}/indexed-assets", status=429, headers=headers, after=1)
    ended = await run(client, films, index_id=index_id, on_quota="wait", on_event=told.append)
    assert {one.status for one in ended.values()} == {"ready"}
    waits = [event for event in told if isinstance(event, QuotaWait)]
    assert {wait.category for wait in waits} == {"index"}
    assert waits[0].seconds > 9000


async def test_metadata_of_a_pair_is_that_of_its_item_alone(
    client: AsyncTwelveLabs, index_id: str, films: Path
) -> None:
    sources: list[Source] = [(films / "alpha.mp4", {"reel": 1}), films / "beta.mp4"]
    ended = await run(client, sources, index_id=index_id, user_metadata={"show": "x"})
    found = {}
    for name, one in ended.items():
        entry = await client.indexes.indexed_assets.retrieve(index_id, one.indexed_asset_id or "")
        found[name] = entry.user_metadata
    assert found == {"alpha.mp4": {"show": "x", "reel": 1}, "beta.mp4": {"show": "x"}}


async def test_a_single_pair_is_a_source_of_its_own(client: AsyncTwelveLabs, index_id: str, films: Path) -> None:
    ended = await run(client, (films, {"reel": 1}), index_id=index_id)
    assert len(ended) == 3


async def test_p15_neither_the_key_nor_a_signature_is_in_the_ledger(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: Path, ledger: Path
) -> None:
    signed = (
        "https://bucket.example.com/film.mp4?X-Amz-Signature=SECRETSIGN&X-Amz-Credential=SECRETCRED&part=SECRETPART"
    )
    sources: list[Source] = [films, signed]
    await client.ingest(sources, index_id=index_id, ledger=ledger, direct_up_to=0).summary()
    content = b"".join(file.read_bytes() for file in ledger.parent.glob("films.ledger*"))
    assert b"bucket.example.com/film.mp4" in content
    for secret in (emulator.api_key.encode() + b"\x00", b"SECRET", b"signature", b"X-Amz"):
        assert secret not in content


async def test_an_address_signed_anew_is_the_same_source(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, ledger: Path
) -> None:
    for signature in ("one", "two"):
        address = f"https://bucket.example.com/film.mp4?X-Amz-Signature={signature}&versionId=7"
        await client.ingest(address, index_id=index_id, ledger=ledger).summary()
    assert len(emulator.state.assets) == 1
    await client.ingest("https://bucket.example.com/film.mp4?versionId=8", index_id=index_id, ledger=ledger).summary()
    assert len(emulator.state.assets) == 2
