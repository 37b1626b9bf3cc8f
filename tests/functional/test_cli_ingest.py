"""Bulk ingestion on the command line: dry runs, reports, quotas, what is left behind, and a terminal to watch it on."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from pathlib import Path

import pytest
from commands import Cli, read_until, terminal

from twelvelabs_async.cli import demo
from twelvelabs_async.emulator import Emulator

MEDIA = Path(__file__).parents[1] / "data" / "media"
CLIPS = sorted(demo.CLIPS.glob("*.mp4"))


@pytest.fixture
def ledger(tmp_path: Path) -> str:
    return str(tmp_path / "job.ledger")


def test_a_dry_run_sends_nothing_and_says_what_would_be_refused(cli: Cli, served: Emulator) -> None:
    told = cli("ingest", str(MEDIA), "https://example.com/a.mp4", "--index", "holiday", "--dry-run", "--plan", "free")
    assert (told.code, told.err) == (1, "")
    assert "into a new index holiday" in told.out
    assert re.search("^send +bars.webm  direct  8.7 kB  6 s$", told.out, re.MULTILINE)
    assert re.search("^send +a.mp4  url$", told.out, re.MULTILINE)
    assert re.search("^refuse +short.mp4: it is 3 s long; marengo3.0 takes 4 s to 4 h$", told.out, re.MULTILINE)
    assert re.search("^to send, direct +9 +180 kB$", told.out, re.MULTILINE)
    assert re.search("^refused +7$", told.out, re.MULTILINE)
    assert "none of those published for free holds it up, and longer for what is of unknown length" in told.out
    assert not served.state.indexes
    assert {request.method for request in served.requests} == {"GET"}


def test_a_dry_run_invents_no_limits(cli: Cli, served: Emulator) -> None:
    told = cli("ingest", str(CLIPS[0]), "--index", "holiday", "--dry-run")
    assert told.code == 0
    assert "has told none yet" in told.out
    assert not served.state.assets


def test_a_dry_run_reckons_with_what_an_earlier_run_was_told(cli: Cli, served: Emulator, tmp_path: Path) -> None:
    budget = ("--budget", f"sqlite:///{tmp_path}/budget.db")
    reset = str(int(time.time()) + 3600)
    headers = {"X-Ratelimit-Limit": "2", "X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": reset}
    served.faults.add("POST /indexes/{index_id}/indexed-assets", status=429, headers=headers)
    assert cli("ingest", str(CLIPS[0]), "--index", "holiday", *budget).code == 75
    told = cli("ingest", str(MEDIA), "--index", "holiday", "--dry-run", *budget)
    line = "^limits: index request: 0 of 2 left for 1 h.*; this takes 9, and 5 windows more$"
    assert re.search(line, told.out, re.MULTILINE)
    assert "--plan" not in told.out


@pytest.mark.usefixtures("served")
def test_a_dry_run_knows_what_the_ledger_knows_and_which_files_are_the_same(
    cli: Cli, ledger: str, tmp_path: Path
) -> None:
    cli("ingest", str(CLIPS[0]), "--index", "holiday", "--ledger", ledger)
    again = tmp_path / "again.mp4"
    shutil.copy(CLIPS[1], again)
    sources = [*map(str, CLIPS), str(again), str(CLIPS[2])]
    told = cli(
        "ingest", *sources, "--index", "holiday", "--ledger", ledger, "--dry-run", "--dedupe", "content", "--json"
    )
    assert [(Path(record["source"]).name, record["action"]) for record in told.records] == [
        (CLIPS[0].name, "done"),
        (CLIPS[1].name, "send"),
        (CLIPS[2].name, "send"),
        ("again.mp4", "same"),
        (CLIPS[2].name, "same"),
    ]
    assert told.records[1]["seconds"] == pytest.approx(10, abs=0.2)


def test_a_dry_run_makes_no_ledger(cli: Cli, served: Emulator, ledger: str) -> None:
    assert cli("ingest", str(CLIPS[0]), "--index", "x", "--ledger", ledger, "--dry-run").code == 0
    assert not Path(ledger).exists()
    assert not served.state.assets


def test_a_clip_of_three_seconds_costs_no_upload(cli: Cli, served: Emulator) -> None:
    told = cli("ingest", str(MEDIA / "short.mp4"), str(CLIPS[0]), "--index", "holiday")
    assert told.code == 1
    assert "short.mp4: it is 3 s long; marengo3.0 takes 4 s to 4 h" in told.out
    assert len(served.requests.of("POST /assets")) == 1


def test_good_media_of_every_container_get_into_an_index(cli: Cli, served: Emulator) -> None:
    good = [str(path) for path in sorted(MEDIA.glob("bars.*"))]
    told = cli("ingest", *good, "--index", "holiday")
    assert (told.code, len(good)) == (0, 6)
    assert len(served.state.assets) == 6


@pytest.mark.usefixtures("served")
def test_a_second_run_says_what_was_done_before(cli: Cli, ledger: str) -> None:
    command = ("ingest", str(demo.CLIPS), "--index", "holiday", "--ledger", ledger)
    assert cli(*command).code == 0
    told = cli(*command)
    assert told.code == 0
    assert re.search("^done before +3$", told.out, re.MULTILINE)


def test_a_used_up_quota_stops_and_the_same_command_goes_on(cli: Cli, served: Emulator, ledger: str) -> None:
    command = ("ingest", str(demo.CLIPS), "--index", "holiday", "--ledger", ledger, "--concurrency", "1")
    served.faults.add("POST /indexes/{index_id}/indexed-assets", status=429, headers={"Retry-After": "9999"}, after=1)
    told = cli(*command)
    assert told.code == 75
    assert "stopped" in told.out
    told = cli(*command)
    assert told.code == 0
    assert len(served.state.assets) == 3


def test_the_report_is_written_and_holds_no_key(cli: Cli, served: Emulator, tmp_path: Path) -> None:
    hostile = tmp_path / "<script>alert(1)<&>.mp4"
    hostile.write_text("no video")
    report = tmp_path / "report.html"
    told = cli("ingest", str(CLIPS[0]), str(hostile), "--index", "holiday", "--report", str(report))
    assert told.code == 1
    assert f"the report is in {report}" in told.out
    text = report.read_text("utf-8")
    assert "Ingestion into holiday" in text
    assert "&lt;script&gt;alert(1)&lt;&amp;&gt;.mp4" in text
    assert "<script" not in text
    assert served.api_key not in text


def test_a_report_that_cannot_be_written_is_told_before_anything_is_sent(
    cli: Cli, served: Emulator, tmp_path: Path
) -> None:
    told = cli("ingest", str(CLIPS[0]), "--index", "x", "--report", str(tmp_path / "nowhere" / "r.html"))
    assert told.code == 2
    assert "cannot write the report" in told.err
    assert not len(served.requests)


def orphaned(cli: Cli, served: Emulator, ledger: str) -> None:
    """Upload three, of which two get into the index."""
    served.faults.add("POST /indexes/{index_id}/indexed-assets", status=400, after=1)
    told = cli("ingest", str(demo.CLIPS), "--index", "holiday", "--ledger", ledger, "--concurrency", "1")
    assert told.code == 1
    assert len(served.state.assets) == 3


def test_cleaning_lists_what_is_in_no_index_and_deletes_only_if_that_is_confirmed(
    cli: Cli, served: Emulator, ledger: str
) -> None:
    orphaned(cli, served, ledger)
    command = ("ingest", "--clean", "--index", "holiday", "--ledger", ledger)
    told = cli(*command)
    assert told.code == 0
    assert re.search(r"^[0-9a-f]{24}  \S+\.mp4  failed: 400", told.out, re.MULTILINE)
    assert "1 assets" in told.out
    assert "--yes does it" in told.out
    assert len(served.state.assets) == 3
    told = cli(*command, "--yes")
    assert "1 deleted" in told.out
    assert len(served.state.assets) == 2
    assert "nothing is left behind" in cli(*command).out


def test_what_was_cleaned_up_can_be_ingested_again(cli: Cli, served: Emulator, ledger: str) -> None:
    orphaned(cli, served, ledger)
    cli("ingest", "--clean", "--yes", "--index", "holiday", "--ledger", ledger)
    told = cli("ingest", str(demo.CLIPS), "--index", "holiday", "--ledger", ledger, "--retry-failed")
    assert told.code == 0
    assert len(served.state.assets) == 3


def test_cleaning_leaves_the_assets_of_others_alone(cli: Cli, served: Emulator, ledger: str, tmp_path: Path) -> None:
    orphaned(cli, served, ledger)
    other = str(tmp_path / "other.ledger")
    cli("ingest", str(MEDIA / "bars.mp4"), "--index", "holiday", "--ledger", other)
    assert "nothing is left behind" in cli("ingest", "--clean", "--yes", "--index", "holiday", "--ledger", other).out
    assert len(served.state.assets) == 4


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--clean", "a.mp4", "--ledger", "x"), "--clean takes no sources"),
        (("--clean",), "--clean needs the --ledger"),
        ((), "name files, folders"),
    ],
)
@pytest.mark.usefixtures("served")
def test_wrong_usage_of_ingest_takes_one_line(cli: Cli, arguments: tuple[str, ...], error: str) -> None:
    told = cli("ingest", "--index", "holiday", *arguments)
    assert (told.code, told.out) == (2, "")
    assert error in told.err
    assert told.err.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no such terminals")
def test_on_a_terminal_it_moves_and_ctrl_c_is_pressed_on_the_keyboard(served: Emulator, ledger: str) -> None:
    served.faults.add("POST /assets", delay=1.5)
    command = ("ingest", str(demo.CLIPS), str(MEDIA / "short.mp4"), "--index", "x", "--ledger", ledger)
    with terminal(*command, "--concurrency", "1") as (process, ours):
        text = read_until(ours, "uploading")
        os.write(ours, b"\x03")
        text = read_until(ours, "the same command continues it", text)
        assert process.wait(20) == 130
    assert "finishing what is on its way; Ctrl-C again stops at once" in text
    assert "short.mp4: it is 3 s long" in text
    assert "━" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l"), "the cursor is hidden"


@pytest.mark.skipif(sys.platform == "win32", reason="no such terminals")
def test_on_a_terminal_cleaning_asks_first(cli: Cli, served: Emulator, ledger: str) -> None:
    orphaned(cli, served, ledger)
    command = ("ingest", "--clean", "--index", "holiday", "--ledger", ledger)
    for answer, left in ((b"n\n", 3), (b"y\n", 2)):
        with terminal(*command) as (process, ours):
            read_until(ours, "delete 1 assets? [y/N]")
            os.write(ours, answer)
            read_until(ours, "never shown")
            assert process.wait(20) == 0
        assert len(served.state.assets) == left


def test_a_thousand_refused_files_cost_no_request_each(cli: Cli, served: Emulator, tmp_path: Path) -> None:
    for number in range(1000):
        (tmp_path / f"{number}.mp4").write_text("not a video")
    report = tmp_path / "report.html"
    told = cli("ingest", str(tmp_path), "--index", "x", "--json", "--report", str(report))
    assert told.code == 1
    assert len(told.out.splitlines()) == 1000
    assert json.loads(told.out.splitlines()[0])["status"] == "failed"
    assert not served.requests.of("POST /assets")
    assert report.stat().st_size < 300_000
