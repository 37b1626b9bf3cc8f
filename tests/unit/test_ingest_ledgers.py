"""The contract of a ledger, tested with each kind of ledger."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, LiteralString

import attrs
import pytest
from postgres import PostgresServer, postgres

from twelvelabs_async import InvalidInputError, LedgerError, LedgerInUseError
from twelvelabs_async.ingest import Claim, Entry, Ledger, MemoryLedger, SqliteLedger
from twelvelabs_async.ingest.postgres_ledger import PostgresLedger
from twelvelabs_async.models.assets import CompletedChunk
from twelvelabs_async.uploads import UploadState

CreateLedger = Callable[[Path, pytest.FixtureRequest], Ledger]


def create_postgres_ledger(_: Path, request: pytest.FixtureRequest) -> PostgresLedger:
    return PostgresLedger(request.getfixturevalue("database"))


LEDGERS: dict[str, CreateLedger] = {
    "memory": lambda _, __: MemoryLedger(),
    "sqlite": lambda folder, _: SqliteLedger(folder / "films.ledger"),
    "postgres": create_postgres_ledger,
}
"""Functions that create each kind of ledger."""


@pytest.fixture(scope="module")
def database_server() -> Iterator[PostgresServer]:
    with postgres() as server:
        yield server


@pytest.fixture
def database(database_server: PostgresServer) -> str:
    """The URL of an empty database."""
    return database_server.reset_database()


@pytest.fixture(params=LEDGERS.values(), ids=list(LEDGERS))
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ledger]:
    ledger: Ledger = request.param(tmp_path, request)
    await ledger.open()
    yield ledger
    await ledger.close()


def entry(number: int = 1, **changes: Any) -> Entry:
    default = Entry(
        token=f"t{number}",
        index_id="i",
        uri=f"/films/{number}.mp4",
        size=number,
        mtime_ns=2**62 + number,
        dedupe_key=f"w{number}",
    )
    return attrs.evolve(default, **changes)


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


async def all_entries(ledger: Ledger) -> list[Entry]:
    return [entry async for entry in ledger.entries()]


async def test_an_unknown_file_becomes_a_new_entry(ledger: Ledger) -> None:
    claim = await ledger.claim(entry())
    assert (claim.entry, claim.match, claim.previous) == (entry(), "new", None)
    assert await all_entries(ledger) == [entry()]


async def test_a_second_claim_of_a_file_returns_its_entry(ledger: Ledger) -> None:
    await ledger.claim(entry())
    await ledger.save(entry(stage="processing", asset_id="a1"))
    claim = await ledger.claim(entry(token="t9"))
    assert (claim.entry.token, claim.entry.asset_id, claim.match) == ("t1", "a1", "same_file")
    assert len(await all_entries(ledger)) == 1


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


async def test_another_path_with_the_same_dedupe_key_is_a_duplicate(ledger: Ledger) -> None:
    await ledger.claim(entry())
    claim = await ledger.claim(entry(2, dedupe_key="w1"))
    assert (claim.entry, claim.match) == (entry(), "duplicate")
    assert len(await all_entries(ledger)) == 1


async def test_duplicates_are_in_one_index_and_an_empty_dedupe_key_matches_nothing(ledger: Ledger) -> None:
    await ledger.claim(entry(1, dedupe_key=""))
    assert (await ledger.claim(entry(2, dedupe_key=""))).match == "new"
    await ledger.claim(entry(3))
    assert (await ledger.claim(entry(4, index_id="j", dedupe_key="w3"))).match == "new"


async def test_a_changed_file_is_new_and_names_the_previous_entry(ledger: Ledger) -> None:
    await ledger.claim(entry())
    await ledger.save(entry(asset_id="a1", stage="ready", state="ready"))
    changed = await ledger.claim(entry(2, uri="/films/1.mp4"))
    assert changed.match == "new"
    assert changed.previous is not None
    assert changed.previous.asset_id == "a1"
    changed_again = await ledger.claim(entry(3, uri="/films/1.mp4"))
    assert changed_again.previous is not None
    assert changed_again.previous.token == "t2"


async def test_every_field_of_an_entry_is_kept(ledger: Ledger) -> None:
    full_entry = entry(
        uri="/films/caf\N{LATIN SMALL LETTER E WITH ACUTE} \N{CLAPPER BOARD}.mp4",
        size=2**40,
        stage="indexing",
        state="failed",
        asset_id="a1",
        indexed_asset_id="e1",
        error="broken",
        attempts=3,
        run_id="r1",
        created_at=1.5,
        updated_at=2.5,
    )
    await ledger.claim(entry(uri=full_entry.uri))
    await ledger.save(full_entry)
    assert await all_entries(ledger) == [full_entry]


async def test_uploaded_parts_are_kept_until_the_asset_exists(ledger: Ledger) -> None:
    await ledger.claim(entry())
    assert await ledger.load_upload("t1") is None
    await ledger.save_upload("t1", state())
    for index in (2, 1, 2):
        await ledger.save_part("t1", part(index))
    saved = await ledger.load_upload("t1")
    assert saved is not None
    assert saved.state == state()
    assert {saved_part.chunk_index: saved_part for saved_part in saved.parts} == {1: part(1), 2: part(2)}
    await ledger.save(entry(stage="uploading", attempts=2))
    assert await ledger.load_upload("t1") == saved
    await ledger.save(entry(stage="processing", asset_id="a1"))
    assert await ledger.load_upload("t1") is None


async def test_a_new_upload_session_replaces_the_old_one_and_its_parts(ledger: Ledger) -> None:
    await ledger.claim(entry())
    await ledger.save_upload("t1", state())
    await ledger.save_part("t1", part(1))
    await ledger.save_upload("t1", state("u2"))
    saved = await ledger.load_upload("t1")
    assert saved is not None
    assert (saved.state.upload_id, list(saved.parts)) == ("u2", [])


async def test_a_thousand_concurrent_claims_return_their_own_entries(ledger: Ledger) -> None:
    claims = await asyncio.gather(*(ledger.claim(entry(number)) for number in range(1000)))
    assert [claim.entry.token for claim in claims] == [f"t{number}" for number in range(1000)]
    assert {stored.token for stored in await all_entries(ledger)} == {f"t{number}" for number in range(1000)}


async def test_one_of_several_concurrent_claims_of_a_file_is_new(ledger: Ledger) -> None:
    claims = await asyncio.gather(*(ledger.claim(entry(token=f"t{number}")) for number in range(10)))
    assert len({claim.entry.token for claim in claims}) == 1
    assert [claim.match for claim in claims].count("new") == 1


async def test_entries_and_uploads_are_kept_when_the_ledger_is_opened_again(ledger: Ledger) -> None:
    await ledger.claim(entry())
    await ledger.save_upload("t1", state())
    await ledger.close()
    name = await ledger.open()
    assert await all_entries(ledger) == [entry()]
    assert await ledger.load_upload("t1") is not None
    await ledger.close()
    assert await ledger.open() == name


async def test_a_closed_ledger_raises_and_can_be_closed_twice(ledger: Ledger) -> None:
    await ledger.close()
    await ledger.close()
    with pytest.raises(LedgerError, match="not open"):
        await ledger.claim(entry())


async def test_an_open_ledger_cannot_be_opened_again(ledger: Ledger) -> None:
    with pytest.raises(LedgerInUseError):
        await ledger.open()


async def test_a_cancelled_claim_does_not_affect_others(ledger: Ledger) -> None:
    cancelled = asyncio.create_task(ledger.claim(entry(1)))
    other = asyncio.create_task(ledger.claim(entry(2)))
    await asyncio.sleep(0)
    cancelled.cancel()
    assert (await other).match == "new"
    assert (await ledger.claim(entry(3))).match == "new"


UNSTORABLE_VALUES: dict[str, dict[str, Any]] = {
    "size": {"size": 2**70},
    "time": {"mtime_ns": -(2**70)},
    "undecodable": {"uri": "/films/\udcff.mp4"},
    "nul": {"uri": "/films/\0.mp4"},
    "error": {"error": "\0\ud800"},
    "id of the platform": {"asset_id": "\ud800"},
    "not a number": {"created_at": math.nan},
    "infinite": {"created_at": math.inf},
}


@pytest.mark.parametrize("values", UNSTORABLE_VALUES.values(), ids=list(UNSTORABLE_VALUES))
async def test_p29_a_value_that_a_ledger_cannot_store_does_not_affect_other_items(
    ledger: Ledger, values: dict[str, Any]
) -> None:
    unstorable = entry(1, **values)
    claims = await asyncio.gather(
        ledger.claim(entry(2)), ledger.claim(unstorable), ledger.claim(entry(3)), return_exceptions=True
    )
    assert [
        claim for claim in claims if isinstance(claim, BaseException) and not isinstance(claim, InvalidInputError)
    ] == []
    stored = [claim for claim in claims if isinstance(claim, Claim)]
    assert len(stored) >= 2
    await ledger.claim(entry(4))
    saves = await asyncio.gather(
        ledger.save(entry(4, **{**values, "uri": "/films/4.mp4"})),
        ledger.save(entry(2, asset_id="a2")),
        return_exceptions=True,
    )
    assert all(save is None or isinstance(save, InvalidInputError) for save in saves)
    assert saves[1] is None
    assert {item.token: item.asset_id for item in await all_entries(ledger)}["t2"] == "a2"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("ALTER TABLE twelvelabs_entries RENAME COLUMN dedupe_key TO twin", r"version 0\.1.*another database"),
        ("UPDATE twelvelabs_ledger SET version = 99", "schema version 99"),
    ],
)
async def test_a_postgres_ledger_of_another_version_is_rejected(
    database: str, change: LiteralString, message: str
) -> None:
    ledger = PostgresLedger(database)
    await ledger.open()
    async with ledger.connection() as connection:
        await connection.execute(change)
    await ledger.close()
    with pytest.raises(LedgerError, match=message):
        await ledger.open()
