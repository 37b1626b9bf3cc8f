"""What every ledger has to do, whatever it keeps its entries in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from postgres import Server, postgres

from twelvelabs_async import LedgerError, LedgerInUseError
from twelvelabs_async.ingest import Entry, Ledger, MemoryLedger, SqliteLedger
from twelvelabs_async.ingest.postgres_ledger import PostgresLedger
from twelvelabs_async.models.uploads import CompletedChunk
from twelvelabs_async.uploads.state import UploadState

Making = Callable[[Path, pytest.FixtureRequest], Ledger]


def in_postgres(_: Path, request: pytest.FixtureRequest) -> PostgresLedger:
    return PostgresLedger(request.getfixturevalue("database"))


LEDGERS: dict[str, Making] = {
    "memory": lambda _, __: MemoryLedger(),
    "sqlite": lambda folder, _: SqliteLedger(folder / "films.ledger"),
    "postgres": in_postgres,
}
"""How each kind is made; another implementation joins the list."""


@pytest.fixture(scope="module")
def database_server() -> Iterator[Server]:
    with postgres() as server:
        yield server


@pytest.fixture
def database(database_server: Server) -> str:
    """The address of an empty database."""
    return database_server.emptied()


@pytest.fixture(params=LEDGERS.values(), ids=list(LEDGERS))
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ledger]:
    made: Ledger = request.param(tmp_path, request)
    await made.open()
    yield made
    await made.close()


def entry(number: int = 1, **changes: Any) -> Entry:
    first = Entry(
        token=f"t{number}",
        index_id="i",
        uri=f"/films/{number}.mp4",
        size=number,
        mtime_ns=2**62 + number,
        twin=f"w{number}",
    )
    return attrs.evolve(first, **changes)


def state(upload_id: str = "u1") -> UploadState:
    return UploadState(
        upload_id=upload_id,
        asset_id="a1",
        filename="1.mp4",
        total_size=20,
        chunk_size=8,
        fingerprint="20-1-2-3",
        upload_headers={"x-upload-session": upload_id},
    )


def part(index: int) -> CompletedChunk:
    return CompletedChunk(chunk_index=index, proof=f"etag{index}", chunk_size=8)


async def all_of(ledger: Ledger) -> list[Entry]:
    return [entry async for entry in ledger.entries()]


async def test_a_file_that_nobody_knew_becomes_a_new_entry(ledger: Ledger) -> None:
    claim = await ledger.claim(entry())
    assert (claim.entry, claim.kinship, claim.older) == (entry(), "new", None)
    assert await all_of(ledger) == [entry()]


async def test_the_same_file_is_known_and_its_entry_stays(ledger: Ledger) -> None:
    await ledger.claim(entry())
    await ledger.save(entry(stage="processing", asset_id="a1"))
    claim = await ledger.claim(entry(token="t9"))
    assert (claim.entry.token, claim.entry.asset_id, claim.kinship) == ("t1", "a1", "known")
    assert len(await all_of(ledger)) == 1


async def test_a_file_is_found_by_index_path_size_and_time_together(ledger: Ledger) -> None:
    await ledger.claim(entry())
    assert await ledger.find("i", "/films/1.mp4", 1, 2**62 + 1) == entry()
    for other in (
        ("j", "/films/1.mp4", 1, 2**62 + 1),
        ("i", "/films/2.mp4", 1, 2**62 + 1),
        ("i", "/films/1.mp4", 2, 2**62 + 1),
        ("i", "/films/1.mp4", 1, 2**62),
    ):
        assert await ledger.find(*other) is None


async def test_another_path_with_the_same_twin_is_the_same_file(ledger: Ledger) -> None:
    await ledger.claim(entry())
    claim = await ledger.claim(entry(2, twin="w1"))
    assert (claim.entry, claim.kinship) == (entry(), "twin")
    assert len(await all_of(ledger)) == 1


async def test_twins_are_twins_within_one_index_only_and_an_empty_twin_is_none(ledger: Ledger) -> None:
    await ledger.claim(entry(1, twin=""))
    assert (await ledger.claim(entry(2, twin=""))).kinship == "new"
    await ledger.claim(entry(3))
    assert (await ledger.claim(entry(4, index_id="j", twin="w3"))).kinship == "new"


async def test_a_file_that_changed_is_new_and_shows_what_it_was(ledger: Ledger) -> None:
    await ledger.claim(entry())
    await ledger.save(entry(asset_id="a1", stage="ready", state="ready"))
    changed = await ledger.claim(entry(2, uri="/films/1.mp4"))
    assert changed.kinship == "new"
    assert changed.older is not None
    assert changed.older.asset_id == "a1"
    again = await ledger.claim(entry(3, uri="/films/1.mp4"))
    assert again.older is not None
    assert again.older.token == "t2"


async def test_every_field_of_an_entry_is_kept(ledger: Ledger) -> None:
    whole = entry(
        uri="/films/caf\N{LATIN SMALL LETTER E WITH ACUTE} \N{CLAPPER BOARD}.mp4",
        size=2**40,
        stage="indexing",
        state="failed",
        asset_id="a1",
        indexed_asset_id="e1",
        error="broken",
        attempts=3,
        run="r1",
        created_at=1.5,
        updated_at=2.5,
    )
    await ledger.claim(entry(uri=whole.uri))
    await ledger.save(whole)
    assert await all_of(ledger) == [whole]


async def test_parts_are_kept_until_the_asset_is_there(ledger: Ledger) -> None:
    await ledger.claim(entry())
    assert await ledger.upload("t1") is None
    await ledger.save_upload("t1", state())
    for index in (2, 1, 2):
        await ledger.save_part("t1", part(index))
    saved = await ledger.upload("t1")
    assert saved is not None
    assert saved.state == state()
    assert {found.chunk_index: found for found in saved.parts} == {1: part(1), 2: part(2)}
    await ledger.save(entry(stage="uploading", attempts=2))
    assert await ledger.upload("t1") == saved
    await ledger.save(entry(stage="processing", asset_id="a1"))
    assert await ledger.upload("t1") is None


async def test_a_new_upload_takes_the_place_of_the_old_one_and_its_parts(ledger: Ledger) -> None:
    await ledger.claim(entry())
    await ledger.save_upload("t1", state())
    await ledger.save_part("t1", part(1))
    await ledger.save_upload("t1", state("u2"))
    saved = await ledger.upload("t1")
    assert saved is not None
    assert (saved.state.upload_id, list(saved.parts)) == ("u2", [])


async def test_a_thousand_claims_at_once_are_each_answered_with_their_own(ledger: Ledger) -> None:
    claims = await asyncio.gather(*(ledger.claim(entry(number)) for number in range(1000)))
    assert [claim.entry.token for claim in claims] == [f"t{number}" for number in range(1000)]
    assert {found.token for found in await all_of(ledger)} == {f"t{number}" for number in range(1000)}


async def test_of_two_claims_at_once_one_wins(ledger: Ledger) -> None:
    claims = await asyncio.gather(*(ledger.claim(entry(token=f"t{number}")) for number in range(10)))
    assert len({claim.entry.token for claim in claims}) == 1
    assert [claim.kinship for claim in claims].count("new") == 1


async def test_what_was_written_is_there_when_it_is_opened_again(ledger: Ledger) -> None:
    await ledger.claim(entry())
    await ledger.save_upload("t1", state())
    await ledger.close()
    name = await ledger.open()
    assert await all_of(ledger) == [entry()]
    assert await ledger.upload("t1") is not None
    await ledger.close()
    assert await ledger.open() == name


async def test_a_closed_ledger_says_so_and_can_be_closed_twice(ledger: Ledger) -> None:
    await ledger.close()
    await ledger.close()
    with pytest.raises(LedgerError, match="not open"):
        await ledger.claim(entry())


async def test_an_open_ledger_is_not_opened_again(ledger: Ledger) -> None:
    with pytest.raises(LedgerInUseError):
        await ledger.open()


async def test_a_caller_that_left_harms_nobody(ledger: Ledger) -> None:
    leaving = asyncio.create_task(ledger.claim(entry(1)))
    staying = asyncio.create_task(ledger.claim(entry(2)))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).kinship == "new"
    assert (await ledger.claim(entry(3))).kinship == "new"
