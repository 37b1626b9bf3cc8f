"""Bulk ingestion on the command line: dry runs, reports, quotas, orphaned assets, and the output on a terminal."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from commands import CLI_COMMAND, Cli, environment, read_until, run_in_terminal

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async._cli import cleanup, demo
from twelvelabs_async._cli.console import Screen
from twelvelabs_async._cli.exit_codes import ExitCode
from twelvelabs_async.emulator import ThreadedEmulator
from twelvelabs_async.emulator._media.media import Asset

pytestmark = pytest.mark.oldest_python

MEDIA = Path(__file__).parents[1] / "data" / "media"
CLIPS = sorted(demo.SAMPLE_VIDEOS.glob("*.mp4"))


@pytest.fixture
def ledger(tmp_path: Path) -> str:
    return str(tmp_path / "job.ledger")


def test_a_dry_run_sends_nothing_and_reports_rejected_files(cli: Cli, cli_emulator: ThreadedEmulator) -> None:
    result = cli(
        "ingest", str(MEDIA), "https://example.com/a.mp4", "--index", "holiday", "--dry-run", "--assume-plan", "free"
    )
    assert (result.exit_code, result.stderr) == (1, "")
    assert "new index holiday" in result.stdout
    assert re.search("^upload +bars.webm  direct  8.7 kB  6 s$", result.stdout, re.MULTILINE)
    assert re.search("^upload +a.mp4  url$", result.stdout, re.MULTILINE)
    assert re.search("^reject +short.mp4: it is 3 s long; marengo3.0 takes 4 s to 4 h$", result.stdout, re.MULTILINE)
    assert re.search("^warning +cut-after-index.mp4: it seems to be truncated", result.stdout, re.MULTILINE)
    assert re.search("^to upload, direct +10 ", result.stdout, re.MULTILINE)
    assert re.search("^rejected +6$", result.stdout, re.MULTILINE)
    assert "fits in the published limits of the free plan; items of unknown duration are not included" in result.stdout
    assert not cli_emulator.state.indexes
    assert {request.method for request in cli_emulator.requests} == {"GET"}


def test_a_dry_run_reports_unknown_limits_as_unknown(cli: Cli, cli_emulator: ThreadedEmulator) -> None:
    result = cli("ingest", str(CLIPS[0]), "--index", "holiday", "--dry-run")
    assert result.exit_code == 0
    assert "unknown until the first upload" in result.stdout
    assert not cli_emulator.state.assets


def test_a_dry_run_uses_the_limits_of_an_earlier_run(cli: Cli, cli_emulator: ThreadedEmulator, tmp_path: Path) -> None:
    shared_limits = ("--rate-limit-store", f"sqlite:///{tmp_path}/limits.db")
    reset = str(int(time.time()) + 3600)
    headers = {"X-Ratelimit-Limit": "2", "X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": reset}
    cli_emulator.faults.add("POST /indexes/{index_id}/indexed-assets", status=429, headers=headers)
    assert cli("ingest", str(CLIPS[0]), "--index", "holiday", *shared_limits).exit_code == 75
    result = cli("ingest", str(MEDIA), "--index", "holiday", "--dry-run", *shared_limits)
    line = "^rate limit index request: 0 of 2 remaining, resets in 1 h.*; this run uses 10 and needs 5 more windows$"
    assert re.search(line, result.stdout, re.MULTILINE)
    assert "--assume-plan" not in result.stdout


@pytest.mark.usefixtures("cli_emulator")
def test_a_dry_run_uses_the_ledger_and_finds_duplicates(cli: Cli, ledger: str, tmp_path: Path) -> None:
    cli("ingest", str(CLIPS[0]), "--index", "holiday", "--ledger", ledger)
    copy = tmp_path / "again.mp4"
    shutil.copy(CLIPS[1], copy)
    sources = [*map(str, CLIPS), str(copy), str(CLIPS[2])]
    result = cli(
        "ingest", *sources, "--index", "holiday", "--ledger", ledger, "--dry-run", "--dedupe", "content", "--json"
    )
    assert [(Path(record["source"]).name, record["action"]) for record in result.records] == [
        (CLIPS[0].name, "done"),
        (CLIPS[1].name, "upload"),
        (CLIPS[2].name, "upload"),
        ("again.mp4", "duplicate"),
        (CLIPS[2].name, "duplicate"),
    ]
    assert result.records[1]["duration"] == pytest.approx(10, abs=0.2)


def test_a_dry_run_creates_no_ledger(cli: Cli, cli_emulator: ThreadedEmulator, ledger: str) -> None:
    assert cli("ingest", str(CLIPS[0]), "--index", "x", "--ledger", ledger, "--dry-run").exit_code == 0
    assert not Path(ledger).exists()
    assert not cli_emulator.state.assets


def test_a_clip_that_is_too_short_is_not_uploaded(cli: Cli, cli_emulator: ThreadedEmulator) -> None:
    result = cli("ingest", str(MEDIA / "short.mp4"), str(CLIPS[0]), "--index", "holiday")
    assert result.exit_code == 1
    assert "short.mp4: it is 3 s long; marengo3.0 takes 4 s to 4 h" in result.stdout
    assert len(cli_emulator.requests.for_operation("POST /assets")) == 1


def test_valid_media_in_each_container_format_are_ingested(cli: Cli, cli_emulator: ThreadedEmulator) -> None:
    paths = [str(path) for path in sorted(MEDIA.glob("bars.*"))]
    result = cli("ingest", *paths, "--index", "holiday")
    assert (result.exit_code, len(paths)) == (0, 6)
    assert len(cli_emulator.state.assets) == 6


@pytest.mark.usefixtures("cli_emulator")
def test_a_second_run_reports_items_already_done(cli: Cli, ledger: str) -> None:
    command = ("ingest", str(demo.SAMPLE_VIDEOS), "--index", "holiday", "--ledger", ledger)
    assert cli(*command).exit_code == 0
    result = cli(*command)
    assert result.exit_code == 0
    assert re.search("^already done +3$", result.stdout, re.MULTILINE)


def test_an_exhausted_quota_stops_the_run_and_the_same_command_resumes_it(
    cli: Cli, cli_emulator: ThreadedEmulator, ledger: str
) -> None:
    command = ("ingest", str(demo.SAMPLE_VIDEOS), "--index", "holiday", "--ledger", ledger, "--concurrency", "1")
    cli_emulator.faults.add(
        "POST /indexes/{index_id}/indexed-assets", status=429, headers={"Retry-After": "9999"}, after=1
    )
    result = cli(*command)
    assert result.exit_code == 75
    assert "stopped" in result.stdout
    result = cli(*command)
    assert result.exit_code == 0
    assert len(cli_emulator.state.assets) == 3


def test_the_report_does_not_contain_the_api_key(cli: Cli, cli_emulator: ThreadedEmulator, tmp_path: Path) -> None:
    hostile = tmp_path / "<script>alert(1)<&>.mp4"
    hostile.write_text("no video")
    report = tmp_path / "report.html"
    result = cli("ingest", str(CLIPS[0]), str(hostile), "--index", "holiday", "--report", str(report))
    assert result.exit_code == 1
    assert f"report written to {report}" in result.stdout
    text = report.read_text("utf-8")
    assert "Ingestion into holiday" in text
    assert "&lt;script&gt;alert(1)&lt;&amp;&gt;.mp4" in text
    assert "<script" not in text
    assert cli_emulator.api_key not in text


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["gone/", "--index", "x"], 1, "nothing to ingest: gone/: no such file or folder"),
        ([str(CLIPS[0]), "--index", "0123456789abcdef01234567"], 1, "no index with the id 0123456789abcdef01234567"),
        ([str(CLIPS[0]), "--index", "x", "--report", "nowhere/r.html"], 2, "cannot write the report"),
        ([str(CLIPS[0]), "--index", "x", "--ledger", "nowhere/l"], 2, "cannot write the ledger"),
        ([str(CLIPS[0]), "--index", "x", "--ledger", "damaged"], 1, "damaged is no ledger"),
        ([str(CLIPS[0]), "--index", "x", "--report", "damaged"], 2, "it is not a page of this program"),
        ([str(CLIPS[0]), "--index", "x", "--ledger", "new", "--report", "new"], 2, "new: it is the ledger"),
    ],
)
def test_invalid_arguments_are_reported_before_anything_is_created(
    cli: Cli,
    cli_emulator: ThreadedEmulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    exit_code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("damaged")) as database:
        database.executescript("CREATE TABLE other (x)")
    if "--ledger" not in arguments:
        arguments = [*arguments, "--ledger", "new.ledger"]
    result = cli("ingest", *arguments)
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert message in result.stderr
    assert {request.method for request in cli_emulator.requests} == {"GET"}
    assert [path.name for path in tmp_path.iterdir()] == ["damaged"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a privilege")
def test_a_ledger_that_cannot_be_created_leaves_no_index_behind(
    cli: Cli, cli_emulator: ThreadedEmulator, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "gone" / "ledger")
    result = cli("ingest", str(CLIPS[0]), "--index", "x", "--ledger", str(link))
    assert (result.exit_code, result.stdout) == (1, "")
    assert str(link) in result.stderr
    assert not cli_emulator.state.indexes


@pytest.mark.parametrize("existing", ["video", "page", "pipe"])
def test_a_report_overwrites_only_an_earlier_report(
    cli: Cli, cli_emulator: ThreadedEmulator, tmp_path: Path, existing: str
) -> None:
    del cli_emulator
    report = tmp_path / existing
    if existing == "pipe":
        if sys.platform == "win32":
            pytest.skip("no named pipes")
        os.mkfifo(report)
    else:
        report.write_bytes(CLIPS[0].read_bytes() if existing == "video" else b"<!doctype html>\nan earlier report")
    before = report.read_bytes() if existing == "video" else b""
    for command in (
        ["ingest", str(CLIPS[0]), "--index", "x", "--report", str(report)],
        ["search", "x", "boat", "--html", str(report)],
    ):
        result = cli(*command)
        assert (result.exit_code, f"{report}: it is not a" in result.stderr) == (
            (0, False) if existing == "page" else (2, True)
        )
    assert before == (report.read_bytes() if existing == "video" else b"")


def test_a_report_that_cannot_be_written_has_its_own_exit_code(cli: Cli, cli_emulator: ThreadedEmulator) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no full device")
    result = cli("ingest", str(CLIPS[0]), "--index", "x", "--report", "/dev/full")
    assert result.exit_code == ExitCode.OUTPUT_ERROR
    assert "cannot write the report to /dev/full: No space left on device" in result.stderr
    assert "1 ready" in result.stdout
    assert len(cli_emulator.state.assets) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device")
@pytest.mark.parametrize("options", [[], ["--json"]])
@pytest.mark.parametrize("closed", [False, True])
def test_a_write_error_on_standard_output_does_not_stop_the_run(
    cli_emulator: ThreadedEmulator, options: list[str], *, closed: bool
) -> None:
    command = [*CLI_COMMAND, "ingest", str(CLIPS[0]), "--index", "x", *options]
    variables = environment({"TWELVELABS_API_KEY": cli_emulator.api_key, "TWELVELABS_BASE_URL": cli_emulator.base_url})
    if closed:
        command = ["sh", "-c", 'exec "$@" >&-', "sh", *command]
    with Path("/dev/full").open("w") as full:
        completed = subprocess.run(  # noqa: S603  # a fixed command
            command, stdout=full, stderr=subprocess.PIPE, text=True, env=variables, check=False, timeout=60
        )
    assert "Traceback" not in completed.stderr
    assert completed.returncode == ExitCode.OUTPUT_ERROR
    reason = "it is closed" if closed else "No space left on device"
    assert completed.stderr.endswith(f"error: cannot write to standard output: {reason}\n")
    assert len(cli_emulator.state.videos) == 1


def create_orphan(cli: Cli, cli_emulator: ThreadedEmulator, ledger: str) -> None:
    """Ingest three files, one of which is uploaded but not indexed."""
    cli_emulator.faults.add("POST /indexes/{index_id}/indexed-assets", status=400, after=1)
    result = cli("ingest", str(demo.SAMPLE_VIDEOS), "--index", "holiday", "--ledger", ledger, "--concurrency", "1")
    assert result.exit_code == 1
    assert len(cli_emulator.state.assets) == 3


def test_deleting_orphans_lists_them_and_needs_confirmation(
    cli: Cli, cli_emulator: ThreadedEmulator, ledger: str
) -> None:
    create_orphan(cli, cli_emulator, ledger)
    command = ("ingest", "--delete-orphans", "--index", "holiday", "--ledger", ledger)
    result = cli(*command)
    assert result.exit_code == 1
    assert re.search(r"^[0-9a-f]{24}  \S+\.mp4  failed: 400", result.stdout, re.MULTILINE)
    assert "1 asset is in no index" in result.stdout
    assert "pass --yes to confirm" in result.stdout
    quiet = cli(*command, "--quiet")
    assert (quiet.exit_code, quiet.stdout) == (1, "delete 1 asset? pass --yes to confirm\n")
    assert cli(*command, "--yes", "--dry-run").exit_code == 0
    for options, exit_code in ((["--dry-run"], 0), ([], 1)):
        listing = cli(*command, "--json", *options)
        (record,) = listing.records
        assert (listing.exit_code, record["deleted"], record["reason"][:11]) == (exit_code, False, "failed: 400")
    assert len(cli_emulator.state.assets) == 3
    result = cli(*command, "--yes")
    assert "1 deleted" in result.stdout
    assert len(cli_emulator.state.assets) == 2
    assert "no orphaned assets" in cli(*command).stdout


async def upload_again(cli_emulator: ThreadedEmulator, first: Asset, *, add_to_index: bool) -> str:
    """Upload the file of an asset again, and return the id of the new asset."""
    async with AsyncTwelveLabs(cli_emulator.api_key, base_url=cli_emulator.base_url) as client:
        asset = await client.assets.upload(CLIPS[0], user_metadata=dict(first.user_metadata or {}))
        await client.assets.wait_for_done(asset.id)
        if add_to_index:
            (video,) = cli_emulator.state.videos.values()
            await client.indexes.indexed_assets.create(video.index_id, asset_id=asset.id)
    return asset.id


def test_a_duplicate_asset_is_deleted_even_if_both_are_in_the_index(
    cli: Cli, cli_emulator: ThreadedEmulator, ledger: str
) -> None:
    assert cli("ingest", str(CLIPS[0]), "--index", "holiday", "--ledger", ledger).exit_code == 0
    (first,) = cli_emulator.state.assets.values()
    for add_to_index in (False, True):
        asyncio.run(upload_again(cli_emulator, first, add_to_index=add_to_index))
    result = cli("ingest", "--delete-orphans", "--yes", "--index", "holiday", "--ledger", ledger)
    assert "replaced by another asset" in result.stdout
    assert f"in the index twice, also as {first.id}" in result.stdout
    assert "2 deleted" in result.stdout
    assert list(cli_emulator.state.assets) == [first.id]
    assert len(cli_emulator.state.videos) == 1


def test_an_orphan_is_deleted_if_its_indexed_asset_is_already_deleted(
    cli: Cli, cli_emulator: ThreadedEmulator, ledger: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("ingest", str(CLIPS[0]), "--index", "holiday", "--ledger", ledger).exit_code == 0
    (first,) = cli_emulator.state.assets.values()
    second_asset = asyncio.run(upload_again(cli_emulator, first, add_to_index=True))
    monkeypatch.setenv("TWELVELABS_API_KEY", cli_emulator.api_key)

    async def delete() -> ExitCode:
        base_url, screen = cli_emulator.base_url, Screen()
        orphans, _ = await cleanup.find_orphans(
            index="holiday", ledger=ledger, dry_run=False, base_url=base_url, screen=screen
        )
        async with AsyncTwelveLabs(cli_emulator.api_key, base_url=base_url) as client:
            ((index_id, video),) = [
                (orphan.entry.index_id, orphan.indexed_asset_id or "")
                for orphan in orphans
                if orphan.asset_id == second_asset
            ]
            await client.indexes.indexed_assets.delete(index_id, video)
        return await cleanup.delete_orphans(orphans, ledger=ledger, base_url=base_url, screen=screen)

    assert asyncio.run(delete()) == ExitCode.OK
    assert list(cli_emulator.state.assets) == [first.id]


def test_items_of_deleted_orphans_can_be_ingested_again(cli: Cli, cli_emulator: ThreadedEmulator, ledger: str) -> None:
    create_orphan(cli, cli_emulator, ledger)
    cli("ingest", "--delete-orphans", "--yes", "--index", "holiday", "--ledger", ledger)
    result = cli("ingest", str(demo.SAMPLE_VIDEOS), "--index", "holiday", "--ledger", ledger, "--retry-failed")
    assert result.exit_code == 0
    assert len(cli_emulator.state.assets) == 3


def test_deleting_orphans_keeps_assets_of_other_ledgers(
    cli: Cli, cli_emulator: ThreadedEmulator, ledger: str, tmp_path: Path
) -> None:
    create_orphan(cli, cli_emulator, ledger)
    other = str(tmp_path / "other.ledger")
    cli("ingest", str(MEDIA / "bars.mp4"), "--index", "holiday", "--ledger", other)
    assert (
        "no orphaned assets"
        in cli("ingest", "--delete-orphans", "--yes", "--index", "holiday", "--ledger", other).stdout
    )
    assert len(cli_emulator.state.assets) == 4


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--delete-orphans", "a.mp4", "--ledger", "x"), "--delete-orphans takes no sources"),
        (("--delete-orphans", "--no-ledger"), "--delete-orphans needs the ledger"),
        (("--delete-orphans", "--replace", "--include", "a*"), "--delete-orphans does not take --replace, --include"),
        (("--delete-orphans", "--report", "r.html"), "--delete-orphans does not take --report"),
        (("a.mp4", "--dry-run", "--report", "r.html"), "use either --dry-run or --report"),
        (("a.mp4", "--yes"), "--yes needs --delete-orphans"),
        (("a.mp4", "--metadata", "k=\udcff"), "--metadata must be UTF-8"),
        ((), "no sources; pass files, folders"),
    ],
)
@pytest.mark.usefixtures("cli_emulator")
def test_a_usage_error_of_ingest_is_reported_in_one_line(cli: Cli, arguments: tuple[str, ...], error: str) -> None:
    result = cli("ingest", "--index", "holiday", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert error in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no such terminals")
def test_ctrl_c_on_a_terminal_finishes_items_in_progress(cli_emulator: ThreadedEmulator, ledger: str) -> None:
    cli_emulator.faults.add("POST /assets", delay=1.5)
    command = ("ingest", str(demo.SAMPLE_VIDEOS), str(MEDIA / "short.mp4"), "--index", "x", "--ledger", ledger)
    with run_in_terminal(*command, "--concurrency", "1") as (process, terminal):
        text = read_until(terminal, "uploading")
        os.write(terminal, b"\x03")
        text = read_until(terminal, "run the same command to resume", text)
        assert process.wait(20) == 130
    assert "finishing items in progress; press Ctrl-C again to stop immediately" in text
    assert "short.mp4: it is 3 s long" in text
    assert "━" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l"), "the cursor is hidden"


@pytest.mark.skipif(sys.platform == "win32", reason="no such terminals")
def test_on_a_terminal_deleting_orphans_asks_for_confirmation(
    cli: Cli, cli_emulator: ThreadedEmulator, ledger: str
) -> None:
    create_orphan(cli, cli_emulator, ledger)
    command = ("ingest", "--delete-orphans", "--index", "holiday", "--ledger", ledger)
    for answer, remaining, exit_code in ((b"n\n", 3, 1), (b"y\n", 2, 0)):
        with run_in_terminal(*command) as (process, terminal):
            read_until(terminal, "delete 1 asset? [y/N]")
            os.write(terminal, answer)
            read_until(terminal, "never shown")
            assert process.wait(20) == exit_code
        assert len(cli_emulator.state.assets) == remaining


def test_a_thousand_rejected_files_cause_no_uploads(cli: Cli, cli_emulator: ThreadedEmulator, tmp_path: Path) -> None:
    for number in range(1000):
        (tmp_path / f"{number}.mp4").write_text("not a video")
    report = tmp_path / "report.html"
    result = cli("ingest", str(tmp_path), "--index", "x", "--json", "--report", str(report))
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 1000
    assert json.loads(result.stdout.splitlines()[0])["status"] == "failed"
    assert not cli_emulator.requests.for_operation("POST /assets")
    assert report.stat().st_size < 300_000
