"""A ledger in a file: its lock, its content, and its recovery after truncation or a killed process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Literal
from unittest.mock import Mock

import attrs
import pytest
from processes import PIPE, start_process
from support import eventually

from twelvelabs_async import LedgerError, LedgerInUseError
from twelvelabs_async.ingest import Entry, SqliteLedger
from twelvelabs_async.ingest.sqlite_ledger import _SQLITE_MIGRATIONS
from twelvelabs_async.models.assets import CompletedChunk
from twelvelabs_async.uploads import UploadState

HOLDER = """
import asyncio, sys
from twelvelabs_async.ingest import SqliteLedger

async def main():
    await SqliteLedger(sys.argv[1]).open()
    print("held", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""

SESSION = UploadState(upload_id="u", asset_id="a", filename="1.mp4", total_size=2, chunk_size=2, fingerprint="f")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "films.ledger"


def make_entry(number: int) -> Entry:
    return Entry(token=f"t{number}", index_id="i", uri=f"/films/{number}.mp4", size=number, mtime_ns=number)


async def add_entries(ledger: SqliteLedger, count: int) -> None:
    """Claim entries, and save each entry with its asset."""
    for number in range(count):
        await ledger.claim(make_entry(number))
        await ledger.save(saved_entry(number))


def saved_entry(number: int) -> Entry:
    return attrs.evolve(make_entry(number), asset_id=f"a{number}", stage="processing")


async def all_entries(path: Path) -> list[Entry]:
    ledger = SqliteLedger(path)
    await ledger.open()
    try:
        return [entry async for entry in ledger.entries()]
    finally:
        await ledger.close()


async def test_only_the_owner_can_read_the_files_of_a_ledger(path: Path) -> None:
    mask = os.umask(0)
    try:
        ledger = SqliteLedger(path)
        await ledger.open()
        await add_entries(ledger, 3)
        assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}
        await ledger.close()
    finally:
        os.umask(mask)
    assert [file.name for file in path.parent.iterdir()] == ["films.ledger"]


async def test_a_second_process_fails_immediately_and_the_lock_ends_with_the_first(path: Path) -> None:
    async with start_process(sys.executable, "-c", HOLDER, path, stdout=PIPE) as holder:
        assert holder.stdout is not None
        assert await holder.stdout.readline() == b"held\n"
        with pytest.raises(LedgerInUseError, match="another process"):
            await SqliteLedger(path).open()
    assert await all_entries(path) == []


async def test_two_ledgers_of_one_file_in_one_process_conflict(path: Path) -> None:
    first, second = SqliteLedger(path), SqliteLedger(path)
    await first.open()
    with pytest.raises(LedgerInUseError):
        await second.open()
    await add_entries(first, 1)
    await first.close()
    await second.open()
    await second.close()


async def test_concurrent_creation_creates_one_file(path: Path) -> None:
    ledgers = [SqliteLedger(path) for _ in range(8)]
    results = await asyncio.gather(*(ledger.open() for ledger in ledgers), return_exceptions=True)
    names = [name for name in results if isinstance(name, str)]
    assert len(names) == 1
    assert all(isinstance(result, LedgerInUseError) for result in results if not isinstance(result, str))
    for ledger in ledgers:
        await ledger.close()
    assert [file.name for file in path.parent.iterdir()] == ["films.ledger"]


async def test_concurrent_writes_share_transactions(path: Path) -> None:
    ledger = SqliteLedger(path)
    await ledger.open()
    commits = 0

    def count(statement: str) -> None:
        nonlocal commits
        commits += statement == "COMMIT"

    await ledger._execute(lambda db: db.set_trace_callback(count))
    await asyncio.gather(*(ledger.claim(make_entry(number)) for number in range(2000)))
    assert commits < 200
    await ledger.close()


@pytest.fixture
def owner_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the ledger take the owner of a copied file for a process that has ended."""
    monkeypatch.setattr("twelvelabs_async.ingest.sqlite_ledger.is_running", Mock(return_value=False))
    monkeypatch.setattr("twelvelabs_async.ingest.sqlite_ledger.has_ended", Mock(return_value=True))


@pytest.mark.usefixtures("owner_has_ended")
async def test_a_write_is_on_disk_when_it_returns(path: Path, tmp_path: Path) -> None:
    """Each copy has the files as a crash would leave them."""
    ledger = SqliteLedger(path)
    await ledger.open()
    for number in range(20):
        await ledger.claim(make_entry(number))
        copy = _copy_ledger(path, tmp_path / f"crash{number}")
        assert len(await all_entries(copy)) == number + 1
    await ledger.close()


def _copy_ledger(path: Path, folder: Path) -> Path:
    folder.mkdir()
    for suffix in ("", "-journal"):
        source = Path(f"{path}{suffix}")
        if source.exists():
            shutil.copy(source, folder / source.name)
    return folder / path.name


async def _crashed_ledger(path: Path, count: int) -> Path:
    """Return a ledger in the state after a crash."""
    ledger = SqliteLedger(path)
    await ledger.open()
    await add_entries(ledger, count)
    crashed = _copy_ledger(path, path.parent / "crashed")
    await ledger.close()
    return crashed


def _history(count: int) -> list[list[Entry]]:
    """Return all states that the ledger had."""
    states: list[list[Entry]] = [[]]
    for number in range(count):
        states += [[*states[-1], make_entry(number)], [*states[-1], saved_entry(number)]]
    return states


@pytest.mark.usefixtures("owner_has_ended")
async def test_p8_a_truncated_ledger_is_recovered_or_refused_and_never_misread(path: Path) -> None:
    count = 60
    crashed = await _crashed_ledger(path, count)
    history = _history(count)
    size = crashed.stat().st_size
    outcomes = {"recovered": 0, "rejected": 0}
    for cut in sorted({0, 1, 15, 16, 31, 32, 99, 100, *range(511, size, size // 50 + 13), size - 1}):
        truncated = _copy_ledger(crashed, path.parent / f"cut{cut}")
        os.truncate(truncated, cut)
        try:
            recovered = await all_entries(truncated)
        except LedgerError:
            outcomes["rejected"] += 1
        else:
            assert recovered in history, f"cut at {cut} of {size}"
            outcomes["recovered"] += 1
        shutil.rmtree(truncated.parent)
    assert sum(outcomes.values()) > 20


async def test_a_large_ledger_truncated_at_any_page_is_rejected(path: Path) -> None:
    ledger = SqliteLedger(path)
    await ledger.open()
    await asyncio.gather(*(ledger.claim(make_entry(number)) for number in range(2000)))
    await ledger.close()
    size = path.stat().st_size
    for cut in range(0, size, 4096 * 5 + 17):
        truncated = _copy_ledger(path, path.parent / f"cut{cut}")
        os.truncate(truncated, cut)
        with pytest.raises(LedgerError):
            await all_entries(truncated)
        shutil.rmtree(truncated.parent)


@pytest.mark.parametrize("content", [b"", b"no ledger at all, but long enough for a header of a database file" * 9])
async def test_a_file_that_is_not_a_ledger_is_rejected_and_not_changed(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(LedgerError):
        await SqliteLedger(path).open()
    assert path.read_bytes() == content


async def test_the_database_of_another_program_is_rejected_and_not_changed(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE bookmarks (url TEXT)")
    other.commit()
    other.close()
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="no ledger"):
        await SqliteLedger(path).open()
    assert path.read_bytes() == before


async def test_a_ledger_of_a_newer_version_is_rejected(path: Path) -> None:
    await all_entries(path)
    _set_version(path, len(_SQLITE_MIGRATIONS) + 1)
    with pytest.raises(LedgerError, match=f"version {len(_SQLITE_MIGRATIONS) + 1}"):
        await SqliteLedger(path).open()


async def test_a_ledger_of_version_0_1_is_rejected_and_not_changed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old_schema = tuple(script.replace("epoch", "lock") for script in _SQLITE_MIGRATIONS)
    with monkeypatch.context() as patch:
        patch.setattr("twelvelabs_async.ingest.sqlite_ledger._SQLITE_MIGRATIONS", old_schema)
        with pytest.raises(LedgerError):  # creates the file but cannot read it
            await SqliteLedger(path).open()
    before = path.read_bytes()
    with pytest.raises(LedgerError, match=r"version 0\.1.*delete the ledger"):
        await SqliteLedger(path).open()
    assert path.read_bytes() == before


async def test_an_older_ledger_is_upgraded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = SqliteLedger(path)
    await ledger.open()
    await add_entries(ledger, 3)
    await ledger.close()
    newer = (*_SQLITE_MIGRATIONS, "CREATE TABLE remarks (token TEXT, remark TEXT)")
    monkeypatch.setattr("twelvelabs_async.ingest.sqlite_ledger._SQLITE_MIGRATIONS", newer)
    assert await all_entries(path) == [saved_entry(number) for number in range(3)]
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone() == (len(newer),)
    assert db.execute("SELECT count(*) FROM remarks").fetchone() == (0,)
    db.close()


def _set_version(path: Path, version: int) -> None:
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {version}")
    db.close()


@pytest.mark.parametrize("access", ["exclusive", "read"])
async def test_a_ledger_without_its_name_is_damaged(path: Path, access: Literal["exclusive", "read"]) -> None:
    await all_entries(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("DELETE FROM ledger")
        db.commit()
    with pytest.raises(LedgerError, match="is damaged: it has 0 names"):
        await SqliteLedger(path, access=access).open()


async def test_a_missing_folder_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="nowhere"):
        await SqliteLedger(tmp_path / "nowhere" / "films.ledger").open()


async def test_a_full_disk_fails_all_writes(path: Path) -> None:
    ledger = SqliteLedger(path)
    await ledger.open()
    await add_entries(ledger, 1)
    await ledger._execute(lambda db: db.execute("PRAGMA max_page_count = 12").fetchall())
    with pytest.raises(LedgerError, match="full"):
        await asyncio.gather(*(ledger.claim(make_entry(number)) for number in range(1, 2000)))
    with pytest.raises(LedgerError, match="full"):
        await ledger.claim(make_entry(9999))
    await ledger.close()
    assert (await all_entries(path))[0] == saved_entry(0)


@pytest.mark.parametrize("steps", range(6))
async def test_cancelling_open_leaves_the_file_unlocked(path: Path, steps: int) -> None:
    opening = asyncio.create_task(SqliteLedger(path).open())
    for _ in range(steps):
        await asyncio.sleep(0)
    opening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await opening
    await all_entries(path)


async def test_open_can_be_retried_after_an_error(path: Path) -> None:
    path.write_bytes(b"")
    ledger = SqliteLedger(path)
    with pytest.raises(LedgerError, match="is empty"):
        await ledger.open()
    path.unlink()
    await ledger.open()
    await ledger.close()


async def test_closing_a_ledger_ends_its_thread(path: Path) -> None:
    before = set(threading.enumerate())
    await all_entries(path)
    await eventually(
        lambda: not any(thread.name.startswith("twelvelabs-ledger") for thread in set(threading.enumerate()) - before)
    )


@pytest.mark.usefixtures("owner_has_ended")
async def test_a_ledger_can_be_copied_alone_while_it_is_in_use(path: Path, tmp_path: Path) -> None:
    ledger = SqliteLedger(path)
    await ledger.open()
    await add_entries(ledger, 3)
    shutil.copy(path, tmp_path / "alone.ledger")
    await ledger.close()
    assert await all_entries(tmp_path / "alone.ledger") == [saved_entry(number) for number in range(3)]


@pytest.mark.parametrize("change", ["moved", "deleted", "replaced by a copy"])
async def test_a_run_stops_if_its_ledger_is_removed_from_its_path(path: Path, change: str) -> None:
    ledger = SqliteLedger(path)
    await ledger.open()
    await ledger.ensure_owned()
    if change == "replaced by a copy":
        copy = path.with_suffix(".copy")
        shutil.copy(path, copy)
        copy.replace(path)
    elif change == "moved":
        path.rename(path.with_suffix(".moved"))
    else:
        path.unlink()
    for write in (ledger.ensure_owned(), ledger.claim(make_entry(1)), ledger.save(make_entry(1))):
        with pytest.raises(LedgerError, match=r"films\.ledger was moved, deleted or replaced"):
            await write
    await ledger.close()


async def test_p28_a_copy_of_a_ledger_is_rejected_while_the_original_is_in_use(path: Path, tmp_path: Path) -> None:
    ledger = SqliteLedger(path)
    await ledger.open()
    await add_entries(ledger, 1)
    copy = _copy_ledger(path, tmp_path / "copy")
    os.utime(copy, (0, 0))  # the age of a copy is ignored
    with pytest.raises(LedgerInUseError, match=f"a copy of a ledger that process {os.getpid()} uses"):
        await SqliteLedger(copy).open()
    await ledger.close()


@pytest.fixture
def no_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twelvelabs_async.ingest.sqlite_ledger.OWNER_HEARTBEAT_INTERVAL", 1e6)


async def test_a_second_run_fails_and_the_error_names_the_owner_process(path: Path) -> None:
    ledger = SqliteLedger(path)
    await ledger.open()
    with pytest.raises(LedgerInUseError, match=f"process {os.getpid()} on .*, last seen"):
        await SqliteLedger(path).open()
    await ledger.ensure_owned()
    await ledger.close()


@pytest.mark.usefixtures("no_heartbeats")
async def test_p28_a_run_whose_ledger_was_taken_over_writes_nothing(path: Path) -> None:
    suspended, successor = SqliteLedger(path), SqliteLedger(path)
    await suspended.open()
    await suspended.claim(make_entry(1))
    os.utime(path, (0, 0))
    await successor.open()
    for write in (
        suspended.ensure_owned(),
        suspended.claim(make_entry(2)),
        suspended.save(saved_entry(1)),
        suspended.save_upload("t1", SESSION),
        suspended.save_part("t1", CompletedChunk(chunk_index=1, proof="etag", chunk_size=8)),
    ):
        with pytest.raises(LedgerInUseError, match="taken over"):
            await write
    await suspended.close()  # does not release the lock of the successor
    with pytest.raises(LedgerInUseError, match="another process"):
        await SqliteLedger(path).open()
    assert [entry async for entry in successor.entries()] == [make_entry(1)]
    assert await successor.load_upload("t1") is None
    await successor.close()


@pytest.mark.usefixtures("no_heartbeats")
async def test_a_suspended_run_continues_if_no_other_took_over_its_ledger(path: Path) -> None:
    ledger = SqliteLedger(path)
    await ledger.open()
    os.utime(path, (0, 0))
    await add_entries(ledger, 1)
    await ledger.close()


@pytest.mark.parametrize("change", ["UPDATE entries SET asset_id = 'other'", "an older copy"])
async def test_a_run_stops_when_another_program_has_changed_its_ledger(path: Path, change: str) -> None:
    ledger = SqliteLedger(path)
    await ledger.open()
    older = _copy_ledger(path, path.parent / "older")
    await add_entries(ledger, 1)
    with closing(sqlite3.connect(path)) as reader:
        assert reader.execute("SELECT asset_id FROM entries").fetchall() == [("a0",)]
    await ledger.ensure_owned()  # another program may read it
    if change == "an older copy":
        shutil.copy(older, path)
    else:
        with closing(sqlite3.connect(path)) as program:
            program.execute(change)
            program.commit()
    with pytest.raises(LedgerError, match="another program has changed the ledger"):
        await ledger.save(saved_entry(1))
    await ledger.close()


async def test_an_idle_run_sends_heartbeats(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twelvelabs_async.ingest.sqlite_ledger.OWNER_HEARTBEAT_INTERVAL", 0.001)
    ledger = SqliteLedger(path)
    await ledger.open()
    os.utime(path, (0, 0))
    while not path.stat().st_mtime:  # a heartbeat of another thread sets it
        await asyncio.sleep(0)
    await ledger.close()


@pytest.mark.usefixtures("no_heartbeats")
@pytest.mark.parametrize("age", [0, 3600, -3600], ids=["now", "an hour ago", "in an hour"])
async def test_the_ledger_of_another_machine_is_taken_over_after_its_heartbeat_expires(path: Path, age: int) -> None:
    await all_entries(path)
    with closing(sqlite3.connect(path)) as db:  # as that machine has left it
        db.execute(
            "UPDATE ledger SET owner_host = 'elsewhere', owner_boot_id = 'x', owner_pid = 7, owner_started = '1'"
        )
        db.commit()
    now = path.stat().st_mtime
    os.utime(path, (now - age, now - age))
    if age:
        assert await all_entries(path) == []
    else:
        with pytest.raises(LedgerInUseError, match=r"process 7 on elsewhere.* try again in \d+ s"):
            await SqliteLedger(path).open()


async def test_a_ledger_in_use_can_be_read_without_changing_it(tmp_path: Path) -> None:
    path = tmp_path / "films.ledger"
    owner = SqliteLedger(path)
    await owner.open()
    await owner.claim(make_entry(1))
    os.utime(path, (0, 0))  # the owner was suspended for years: another run could take it over
    before = path.read_bytes()
    reader = SqliteLedger(path, access="read")
    await reader.open()
    assert [entry.token async for entry in reader.entries()] == ["t1"]
    with pytest.raises(LedgerError):
        await reader.save(saved_entry(1))
    await reader.close()
    assert (path.read_bytes(), path.stat().st_mtime) == (before, 0)
    await owner.save(saved_entry(1))
    await owner.close()


async def test_reading_a_missing_ledger_creates_no_file(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="there is no ledger"):
        await SqliteLedger(tmp_path / "films.ledger", access="read").open()
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such device")
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
async def test_a_device_is_not_accepted_as_a_ledger(device: str) -> None:
    with pytest.raises(LedgerError, match="is not a regular file"):
        await SqliteLedger(device).open()
