"""Many files into an index, and what becomes of the others when one goes wrong."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest
from support import eventually

from twelvelabs_async import AsyncTwelveLabs, AuthenticationError, InvalidInputError, QuotaExhaustedError
from twelvelabs_async.cli.demo import CLIPS
from twelvelabs_async.emulator import Emulator, Timing, samples
from twelvelabs_async.ingest import IngestEvent, Item, ItemEnded, ItemProgress, Outcome, PathOrUrl

CLIP = CLIPS / "red-balloon-over-the-hills.mp4"
MODELS = [{"model_name": "marengo3.0", "model_options": ["visual", "audio"]}]


@pytest.fixture
async def index_id(client: AsyncTwelveLabs) -> str:
    """An empty index."""
    return (await client.indexes.ensure("films", MODELS)).id


@pytest.fixture
def films(tmp_path: Path) -> list[Path]:
    """Three good videos in a folder."""
    folder = tmp_path / "films"
    folder.mkdir()
    return [Path(shutil.copy(CLIP, folder / f"{name}.mp4")) for name in ("alpha", "beta", "gamma")]


async def everything(run: AsyncIterator[Outcome]) -> dict[str, Outcome]:
    return {Path(outcome.source).name: outcome async for outcome in run}


async def test_a_folder_becomes_searchable(client: AsyncTwelveLabs, index_id: str, films: list[Path]) -> None:
    ended = await everything(client.ingest(films[0].parent, index_id=index_id))
    assert sorted(ended) == ["alpha.mp4", "beta.mp4", "gamma.mp4"]
    assert {(o.status, o.stage, o.error, o.bytes) for o in ended.values()} == {
        ("ready", "ready", "", CLIP.stat().st_size)
    }
    hits = await client.search.query(index_id=index_id, search_options=["visual"], query_text="beta")
    assert {hit.video_id for hit in hits} == {ended["beta.mp4"].indexed_asset_id}
    asset = await client.assets.retrieve(ended["beta.mp4"].asset_id or "")
    assert asset.filename == "beta.mp4"


async def test_events_tell_each_stage_and_each_status(films: list[Path]) -> None:
    told: list[IngestEvent] = []
    async with (
        Emulator(timing=Timing(asset=0.05, indexing=0.5, pending_share=0, queued_share=0.5)) as emulator,
        AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url) as client,
    ):
        index = await client.indexes.ensure("films", MODELS)
        run = client.ingest(films[:1], index_id=index.id, sleep_interval=0.01, on_event=told.append)
        assert [outcome.status async for outcome in run] == ["ready"]
    events = [event for event in told if isinstance(event, ItemProgress)]
    assert list(dict.fromkeys(event.stage for event in events)) == ["uploading", "processing", "indexing", "ready"]
    assert {event.status for event in events if event.stage == "indexing"} >= {"queued", "indexing"}
    assert (events[-1].sent, events[-1].total) == (CLIP.stat().st_size,) * 2
    assert {event.source for event in events} == {str(films[0])}
    assert [event.outcome.status for event in told if isinstance(event, ItemEnded)] == ["ready"]


async def test_p24_bad_items_do_not_stop_the_others(
    client: AsyncTwelveLabs, index_id: str, films: list[Path], tmp_path: Path
) -> None:
    broken, empty = tmp_path / "broken.mp4", tmp_path / "empty.mp4"
    broken.write_bytes(b"no video at all" * 99)
    empty.touch()
    sources: list[PathOrUrl] = [broken, films[0], tmp_path / "gone.mp4", empty, "https://", *films[1:]]
    ended = await everything(client.ingest(sources, index_id=index_id, concurrency=2, check=None))
    assert {name for name, outcome in ended.items() if outcome.status == "ready"} == {film.name for film in films}
    told = {name: (outcome.status, outcome.stage) for name, outcome in ended.items() if outcome.status != "ready"}
    assert told == {
        "broken.mp4": ("failed", "processing"),
        "gone.mp4": ("failed", "queued"),
        "empty.mp4": ("failed", "uploading"),
        "https:": ("failed", "uploading"),
    }
    assert "broken" in ended["broken.mp4"].error
    assert ended["broken.mp4"].asset_id
    assert isinstance(ended["empty.mp4"].exception, InvalidInputError)


async def test_a_video_that_cannot_be_indexed_fails_while_indexing(
    client: AsyncTwelveLabs, index_id: str, tmp_path: Path
) -> None:
    picture = tmp_path / "notes.txt"
    picture.write_text("no video")
    ended = await everything(client.ingest(picture, index_id=index_id, check=None))
    assert (ended["notes.txt"].status, ended["notes.txt"].stage) == ("failed", "indexing")


async def test_the_same_file_counts_once(
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
    outcomes = [outcome async for outcome in client.ingest(sources, index_id=index_id)]
    assert len(outcomes) == 16
    assert len({outcome.asset_id for outcome in outcomes}) == 4
    assert sum(outcome.duplicate_of is not None for outcome in outcomes) == 12
    assert len(emulator.requests.of("POST /assets")) == 4


@pytest.mark.parametrize(
    ("status", "headers", "kind"), [(401, {}, AuthenticationError), (429, {"Retry-After": "9999"}, QuotaExhaustedError)]
)
async def test_what_no_item_could_pass_ends_the_run(
    client: AsyncTwelveLabs,
    emulator: Emulator,
    index_id: str,
    films: list[Path],
    status: int,
    headers: dict[str, str],
    kind: type[Exception],
) -> None:
    """A night's list of files is not sent one by one against a closed door."""
    emulator.faults.add("GET /assets", status=status, headers=headers, after=1)
    outcomes = [outcome async for outcome in client.ingest(films, index_id=index_id, in_flight=1)]
    assert [outcome.status for outcome in outcomes] == ["ready", "failed", "skipped"]
    assert isinstance(outcomes[1].exception, kind)
    assert outcomes[2].exception is outcomes[1].exception
    assert str(outcomes[1].exception) in outcomes[2].error
    assert len(emulator.requests.of("POST /assets")) == 2


async def test_items_on_their_way_end_as_they_can_when_the_run_is_hopeless(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: list[Path]
) -> None:
    emulator.faults.add("POST /indexes/{index-id}/indexed-assets", delay=0.2)
    emulator.faults.add("POST /indexes/{index-id}/indexed-assets", status=401)
    ended = [outcome.status async for outcome in client.ingest(films, index_id=index_id, in_flight=2)]
    assert sorted(ended) == ["failed", "ready", "skipped"]


async def test_closing_the_iterator_cancels_what_is_on_its_way(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: list[Path]
) -> None:
    """That nothing is left is checked after every test."""
    emulator.faults.add("POST /assets", stall="before", times=None, after=1)
    async with aclosing(client.ingest(films, index_id=index_id, concurrency=3)) as run:
        assert (await anext(run)).status == "ready"
        await eventually(lambda: emulator.in_flight == 2)
    await eventually(lambda: emulator.in_flight == 0)


async def test_cancelling_the_caller_cancels_the_run(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: list[Path]
) -> None:
    emulator.faults.add("POST /assets", stall="before", times=None)
    caller = asyncio.create_task(everything(client.ingest(films, index_id=index_id)))
    await eventually(lambda: emulator.in_flight == 3)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await eventually(lambda: emulator.in_flight == 0)


async def test_p21_cancelling_again_while_it_ends_leaves_the_ledger_free(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: list[Path], tmp_path: Path
) -> None:
    emulator.faults.add("POST /assets", stall="before", times=None)
    ledger = tmp_path / "films.ledger"
    caller = asyncio.create_task(client.ingest(films, index_id=index_id, ledger=ledger).summary())
    await eventually(lambda: emulator.in_flight == 3)
    while not caller.done():
        caller.cancel()
        await asyncio.sleep(0)
    await eventually(lambda: "twelvelabs-ledger" not in {thread.name for thread in threading.enumerate()})
    emulator.faults.clear()
    assert (await client.ingest(films, index_id=index_id, ledger=ledger).summary()).ready == 3


async def test_sources_are_read_as_they_are_needed(client: AsyncTwelveLabs, index_id: str) -> None:
    """A slow reader slows the run down, and an endless list is no problem."""
    asked = 0

    async def addresses() -> AsyncIterator[str]:
        nonlocal asked
        while True:
            asked += 1
            yield f"https://example.com/{asked}.mp4"

    async with aclosing(client.ingest(addresses(), index_id=index_id, in_flight=2)) as run:
        await anext(run)
        await asyncio.sleep(0.2)
        assert asked <= 6


async def test_an_error_of_the_list_itself_reaches_the_caller(
    client: AsyncTwelveLabs, index_id: str, films: list[Path]
) -> None:
    def sources() -> Iterator[Path]:
        yield films[0]
        raise LookupError("the list broke")

    with pytest.raises(LookupError, match="the list broke"):
        await everything(client.ingest(sources(), index_id=index_id))


async def test_a_listener_that_fails_stops_nothing_and_is_logged(
    client: AsyncTwelveLabs, index_id: str, films: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    def listener(event: IngestEvent) -> None:
        if isinstance(event, ItemEnded):
            raise ZeroDivisionError("oops")

    ended = await everything(client.ingest(films, index_id=index_id, on_event=listener))
    assert [ended[film.name].status for film in films] == ["ready", "ready", "ready"]
    assert caplog.text.count("oops\n") == 1


async def test_a_file_the_index_would_refuse_is_never_sent(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: list[Path]
) -> None:
    pytest.importorskip("pymediainfo")
    short = films[0].with_name("short.mp4")
    short.write_bytes(samples.video(3))
    asked = len(emulator.requests.of("GET /indexes/{index-id}"))
    ended = await everything(client.ingest([short, *films], index_id=index_id))
    assert ended["short.mp4"].error == "it is 3 s long; marengo3.0 takes 4 s to 4 h"
    assert [ended[film.name].status for film in films] == ["ready", "ready", "ready"]
    assert len(emulator.requests.of("POST /assets")) == 3
    assert len(emulator.requests.of("GET /indexes/{index-id}")) == asked + 1, "however many files there are"


async def test_files_are_checked_by_themselves_where_nobody_tells_what_the_index_takes(
    client: AsyncTwelveLabs, emulator: Emulator, index_id: str, films: list[Path]
) -> None:
    emulator.faults.add("GET /indexes/{index-id}", status=403)
    films[0].write_bytes(b"")
    ended = await everything(client.ingest(films, index_id=index_id))
    assert [ended[film.name].status for film in films] == ["failed", "ready", "ready"]
    assert ended["alpha.mp4"].error == "the file is empty"


async def test_what_cannot_be_looked_into_is_sent(client: AsyncTwelveLabs, index_id: str, tmp_path: Path) -> None:
    """What is in it is for the platform to say."""
    (tmp_path / "strange.mp4").write_bytes(bytes(range(256)) * 8)
    ended = await everything(client.ingest(tmp_path / "strange.mp4", index_id=index_id))
    assert ended["strange.mp4"].asset_id


async def test_a_defect_costs_one_item_and_is_logged(
    client: AsyncTwelveLabs, index_id: str, films: list[Path], caplog: pytest.LogCaptureFixture
) -> None:
    async def check(item: Item) -> str:
        await asyncio.sleep(0)
        if item.name == "beta.mp4":
            raise ZeroDivisionError("oops")
        return "too long" if item.name == "gamma.mp4" else ""

    ended = await everything(client.ingest(films, index_id=index_id, check=check))
    assert [ended[film.name].status for film in films] == ["ready", "failed", "failed"]
    assert [ended[film.name].error for film in films] == ["", "ZeroDivisionError: oops", "too long"]
    assert "beta.mp4" in caplog.text


async def test_metadata_is_on_the_asset_and_in_the_index(
    client: AsyncTwelveLabs, index_id: str, films: list[Path]
) -> None:
    run = client.ingest(films[0], index_id=index_id, user_metadata={"reel": 7})
    ended = (await everything(run))["alpha.mp4"]
    assert (await client.assets.retrieve(ended.asset_id or "")).user_metadata.items() >= {"reel": 7}.items()
    indexed = await client.indexes.indexed_assets.retrieve(index_id, ended.indexed_asset_id or "")
    assert indexed.user_metadata == {"reel": 7}


async def test_a_name_that_is_no_text_is_sent_as_one(client: AsyncTwelveLabs, index_id: str, tmp_path: Path) -> None:
    try:
        film = Path(shutil.copy(CLIP, tmp_path / "caf\udce9.mp4"))
    except OSError:
        pytest.skip("this file system takes no such names")
    ended = await everything(client.ingest(film, index_id=index_id))
    assert [outcome.status for outcome in ended.values()] == ["ready"]
    assert [asset.filename async for asset in client.assets.list()] == ["caf\N{REPLACEMENT CHARACTER}.mp4"]


def test_no_worker_is_refused(tmp_path: Path) -> None:
    client = AsyncTwelveLabs("key")
    with pytest.raises(InvalidInputError, match="concurrency"):
        client.ingest(tmp_path, index_id="x", concurrency=0)
