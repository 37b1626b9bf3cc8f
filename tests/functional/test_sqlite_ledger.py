"""A ledger in a file: whose it is, what is in it, and what becomes of it when it is cut or killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
import sys
import threading
from pathlib import Path

import attrs
import pytest

from twelvelabs_async import LedgerError, LedgerInUseError
from twelvelabs_async.ingest import Entry, SqliteLedger
from twelvelabs_async.ingest.sqlite_schema import STEPS

HOLDER = """
import asyncio, sys
from twelvelabs_async.ingest import SqliteLedger

async def main():
    await SqliteLedger(sys.argv[1]).open()
    print("held", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "films.ledger"


def entry(number: int) -> Entry:
    return Entry(token=f"t{number}", index_id="i", uri=f"/films/{number}.mp4", size=number, mtime_ns=number)


async def fill(ledger: SqliteLedger, count: int) -> None:
    """Entry `n` is claimed and then saved with asset `n`, one after the other."""
    for number in range(count):
        await ledger.claim(entry(number))
        await ledger.save(saved(number))


def saved(number: int) -> Entry:
    return attrs.evolve(entry(number), asset_id=f"a{number}", stage="processing")


async def all_of(path: Path) -> list[Entry]:
    ledger = SqliteLedger(path)
    await ledger.open()
    try:
        return [entry async for entry in ledger.entries()]
    finally:
        await ledger.close()


async def test_only_the_owner_may_read_any_of_its_files(path: Path) -> None:
    mask = os.umask(0)
    try:
        ledger = SqliteLedger(path)
        await ledger.open()
        await fill(ledger, 3)
        assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}
        await ledger.close()
    finally:
        os.umask(mask)
    assert [file.name for file in path.parent.iterdir()] == ["films.ledger"]


async def test_a_second_process_is_told_at_once_and_the_lock_dies_with_its_holder(path: Path) -> None:
    holder = await asyncio.create_subprocess_exec(sys.executable, "-c", HOLDER, path, stdout=asyncio.subprocess.PIPE)
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"held\n"
    with pytest.raises(LedgerInUseError, match="another process"):
        await SqliteLedger(path).open()
    holder.kill()
    await holder.wait()
    assert await all_of(path) == []


async def test_two_in_one_process_are_told_as_well(path: Path) -> None:
    first, second = SqliteLedger(path), SqliteLedger(path)
    await first.open()
    with pytest.raises(LedgerInUseError):
        await second.open()
    await fill(first, 1)
    await first.close()
    await second.open()
    await second.close()


async def test_two_that_make_it_at_the_same_moment_make_one(path: Path) -> None:
    ledgers = [SqliteLedger(path) for _ in range(8)]
    opened = await asyncio.gather(*(ledger.open() for ledger in ledgers), return_exceptions=True)
    names = [name for name in opened if isinstance(name, str)]
    assert len(names) == 1
    assert all(isinstance(other, LedgerInUseError) for other in opened if not isinstance(other, str))
    for ledger in ledgers:
        await ledger.close()
    assert [file.name for file in path.parent.iterdir()] == ["films.ledger"]


async def test_what_many_tasks_write_at_once_takes_few_transactions(path: Path) -> None:
    ledger = SqliteLedger(path)
    await ledger.open()
    commits = 0

    def count(statement: str) -> None:
        nonlocal commits
        commits += statement == "COMMIT"

    await ledger._do(lambda db: db.set_trace_callback(count))
    await asyncio.gather(*(ledger.claim(entry(number)) for number in range(2000)))
    assert commits < 200
    await ledger.close()


async def test_a_write_is_on_disk_when_it_returns(path: Path, tmp_path: Path) -> None:
    """The files are copied as a crash would leave them."""
    ledger = SqliteLedger(path)
    await ledger.open()
    for number in range(20):
        await ledger.claim(entry(number))
        copy = _copied(path, tmp_path / f"crash{number}")
        assert len(await all_of(copy)) == number + 1
    await ledger.close()


def _copied(path: Path, folder: Path) -> Path:
    folder.mkdir()
    for suffix in ("", "-wal"):
        source = Path(f"{path}{suffix}")
        if source.exists():
            shutil.copy(source, folder / source.name)
    return folder / path.name


async def _wreck(path: Path, count: int) -> Path:
    """A ledger as a crash leaves it: half of it in the file, half in the log beside it."""
    ledger = SqliteLedger(path)
    await ledger.open()
    await fill(ledger, count)
    wreck = _copied(path, path.parent / "wreck")
    await ledger.close()
    return wreck


def _history(count: int) -> list[list[Entry]]:
    """All states that such a ledger has ever been in."""
    states: list[list[Entry]] = [[]]
    for number in range(count):
        states += [[*states[-1], entry(number)], [*states[-1], saved(number)]]
    return states


@pytest.mark.parametrize("suffix", ["", "-wal"])
async def test_p8_a_ledger_that_was_cut_is_recovered_or_refused_and_never_misread(path: Path, suffix: str) -> None:
    count = 60
    wreck = await _wreck(path, count)
    history = _history(count)
    size = Path(f"{wreck}{suffix}").stat().st_size
    seen = {"recovered": 0, "refused": 0}
    for cut in sorted({0, 1, 15, 16, 31, 32, 99, 100, *range(511, size, size // 50 + 13), size - 1}):
        trial = _copied(wreck, path.parent / f"cut{cut}")
        os.truncate(f"{trial}{suffix}", cut)
        try:
            found = await all_of(trial)
        except LedgerError:
            seen["refused"] += 1
        else:
            assert found in history, f"cut at {cut} of {size}"
            seen["recovered"] += 1
        shutil.rmtree(trial.parent)
    assert sum(seen.values()) > 20


async def test_a_large_ledger_cut_at_any_page_is_refused(path: Path) -> None:
    """All of it has been moved into the file, so whatever is cut off is missing."""
    ledger = SqliteLedger(path)
    await ledger.open()
    await asyncio.gather(*(ledger.claim(entry(number)) for number in range(2000)))
    await ledger.close()
    size = path.stat().st_size
    for cut in range(0, size, 4096 * 5 + 17):
        trial = _copied(path, path.parent / f"cut{cut}")
        os.truncate(trial, cut)
        with pytest.raises(LedgerError):
            await all_of(trial)
        shutil.rmtree(trial.parent)


@pytest.mark.parametrize("content", [b"", b"no ledger at all, but long enough for a header of a database file" * 9])
async def test_what_is_no_ledger_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(LedgerError):
        await SqliteLedger(path).open()
    assert path.read_bytes() == content


async def test_the_database_of_another_program_is_refused_and_left_alone(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE bookmarks (url TEXT)")
    other.commit()
    other.close()
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="no ledger"):
        await SqliteLedger(path).open()
    assert path.read_bytes() == before


async def test_a_ledger_of_a_newer_version_is_refused(path: Path) -> None:
    await all_of(path)
    _set_version(path, len(STEPS) + 1)
    with pytest.raises(LedgerError, match=f"version {len(STEPS) + 1}"):
        await SqliteLedger(path).open()


async def test_an_older_ledger_is_brought_up_to_date(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = SqliteLedger(path)
    await ledger.open()
    await fill(ledger, 3)
    await ledger.close()
    newer = (*STEPS, "CREATE TABLE remarks (token TEXT, remark TEXT)")
    monkeypatch.setattr("twelvelabs_async.ingest.sqlite_schema.STEPS", newer)
    assert await all_of(path) == [saved(number) for number in range(3)]
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone() == (len(newer),)
    assert db.execute("SELECT count(*) FROM remarks").fetchone() == (0,)
    db.close()


def _set_version(path: Path, version: int) -> None:
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {version}")
    db.close()


async def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="nowhere"):
        await SqliteLedger(tmp_path / "nowhere" / "films.ledger").open()


async def test_a_disk_that_is_full_ends_all_who_write(path: Path) -> None:
    ledger = SqliteLedger(path)
    await ledger.open()
    await fill(ledger, 1)
    await ledger._do(lambda db: db.execute("PRAGMA max_page_count = 12").fetchall())
    with pytest.raises(LedgerError, match="full"):
        await asyncio.gather(*(ledger.claim(entry(number)) for number in range(1, 2000)))
    with pytest.raises(LedgerError, match="full"):
        await ledger.claim(entry(9999))
    await ledger.close()
    assert (await all_of(path))[0] == saved(0)


@pytest.mark.parametrize("steps", range(6))
async def test_whoever_is_cancelled_while_it_opens_holds_nothing(path: Path, steps: int) -> None:
    opening = asyncio.create_task(SqliteLedger(path).open())
    for _ in range(steps):
        await asyncio.sleep(0)
    opening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await opening
    await all_of(path)


async def test_one_that_cannot_be_opened_can_be_tried_again(path: Path) -> None:
    path.write_bytes(b"")
    ledger = SqliteLedger(path)
    with pytest.raises(LedgerError, match="is empty"):
        await ledger.open()
    path.unlink()
    await ledger.open()
    await ledger.close()


async def test_no_thread_is_left(path: Path) -> None:
    before = set(threading.enumerate())
    await all_of(path)
    left = {thread.name for thread in set(threading.enumerate()) - before}
    assert "twelvelabs-ledger" not in left
