"""Invalid option values of `ingest` and `ledger` cause a one-line error, an exit code, and no side effects."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from commands import CLI_COMMAND, ENDING_SIGNALS, Cli, environment, wait_until
from cyclopts import App

from twelvelabs_async._cli import demo
from twelvelabs_async._cli.exit_codes import ExitCode
from twelvelabs_async._cli.ingest import export, ingest, show
from twelvelabs_async.emulator import ThreadedEmulator

pytestmark = pytest.mark.oldest_python

CLIPS = sorted(demo.SAMPLE_VIDEOS.glob("*.mp4"))

INVALID_VALUES: dict[str, list[str]] = {
    "--index": ["", "a" * 10_000],
    "--from": ["gone.txt", ".", "", "a\0b", "l" * 5000],
    "--include": ["", "/", "*.mkv"],
    "--exclude": ["", ".", "*"],
    "--metadata": ["camera", "=3", ""],
    "--model": ["", "marengo99"],
    "--option": ["", "smell"],
    "--ledger": ["", ".", "a\0b", "no/such/folder/l", "l" * 5000, "l" * 250, "mysql://h/d", "postgresql://[", "port=x"],
    "--dedupe": ["", "size"],
    "--concurrency": ["", "0", "-1", "x", "nan"],
    "--in-flight": ["", "0", "-1", "x"],
    "--timeout": ["", "0", "-1", "nan", "inf", "x", "1e99"],
    "--lookup-timeout": ["", "0", "-1", "nan", "inf", "x"],
    "--on-quota": ["", "go"],
    "--on-outage": ["", "go"],
    "--transfer": ["", "ftp"],
    "--assume-plan": ["", "gold"],
    "--report": [".", "no/such/folder/r.html", "a\0b", "r" * 5000],
    "--rate-limit-store": ["", "x", "mysql://h/d", "sqlite:///no/such/folder/x.db", "redis://["],
    "--base-url": ["", "x", "ftp://h", "http://[", "https://h:99999"],
    "--state": ["", "gone"],
}
"""Invalid values of each option that takes one."""

FLAGS = {
    *("--no-ledger", "--retry-failed", "--replace", "--allow-refused", "--dry-run", "--submit", "--delete-orphans"),
    *("--yes", "--json", "--quiet", "-q", "--verbose", "-v", "--debug", "--csv"),
}


@pytest.mark.parametrize("command", [ingest, show, export])
def test_each_option_has_invalid_values_in_the_table(command: object) -> None:
    app = App()
    app.default(command)  # type: ignore[call-overload]  # any function
    arguments = app.assemble_argument_collection()
    names = {name for argument in arguments for name in argument.names if name.startswith("-")}
    assert names <= INVALID_VALUES.keys() | FLAGS


@pytest.mark.parametrize(
    ("option", "value"), [(option, value) for option, values in INVALID_VALUES.items() for value in values], ids=ascii
)
def test_an_invalid_option_value_is_reported_in_one_line(
    cli: Cli,
    cli_emulator: ThreadedEmulator,
    state_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    option: str,
    value: str,
) -> None:
    if option == "--state":
        arguments = ["ledger", "show", "x.ledger"]
    else:
        arguments = ["ingest", str(CLIPS[0]), *(() if option == "--index" else ("--index", "holiday"))]
    monkeypatch.chdir(tmp_path)
    result = cli(*arguments, f"{option}={value}")
    assert result.exit_code in {ExitCode.FAILED, ExitCode.USAGE_ERROR, ExitCode.API_ERROR}, result.stdout
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stdout
    assert not list(tmp_path.iterdir())
    assert not list(state_folder.rglob("*.ledger"))
    assert not cli_emulator.state.assets
    assert not cli_emulator.state.indexes


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--ledger", "x", "--no-ledger"), "use either --ledger or --no-ledger"),
        (("--replace", "--no-ledger"), "--replace needs a ledger"),
        (("--quiet", "--verbose"), "use either --quiet or --verbose"),
        (("--submit", "--in-flight=2", "--timeout=9"), "--submit does not take --timeout, --in-flight"),
        (("--submit", "--timeout=9"), "--submit does not take --timeout; pass it to the command worker"),
        (("--submit", "--report", "r.html"), "--submit does not take --report\n"),
        (("--submit", "--delete-orphans"), "use either --delete-orphans or --submit"),
        (("--submit", "--dry-run"), "use either --dry-run or --submit"),
        (("--assume-plan", "free"), "--assume-plan needs --dry-run"),
        (("--submit",), "--ledger must be a PostgreSQL URL"),
    ],
)
@pytest.mark.usefixtures("cli_emulator")
def test_options_that_exclude_each_other_are_rejected(cli: Cli, options: tuple[str, ...], text: str) -> None:
    result = cli("ingest", str(CLIPS[0]), "--index", "x", *options)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert text in result.stderr


def test_models_and_metadata_are_sent_to_the_platform(cli: Cli, cli_emulator: ThreadedEmulator) -> None:
    result = cli(
        *("ingest", str(CLIPS[0]), "--index", "holiday", "--model", "marengo3.0", "--option", "visual"),
        *("--metadata", "camera=3", "--metadata", "note=a=b"),
    )
    assert result.exit_code == 0
    (index,) = cli_emulator.state.indexes.values()
    assert [(model["model_name"], model["model_options"]) for model in index.models] == [("marengo3.0", ["visual"])]
    (asset,) = cli_emulator.state.assets.values()
    assert {**(asset.user_metadata or {}), "ingest_token": ""} == {"camera": "3", "note": "a=b", "ingest_token": ""}
    result = cli("ingest", str(CLIPS[1]), "--index", "holiday", "--model", "marengo3.0", "--option", "audio")
    assert (result.exit_code, len(cli_emulator.state.assets)) == (2, 1)
    assert "exists with marengo3.0 (visual)" in result.stderr


def test_allow_refused_accepts_rejected_items(cli: Cli, cli_emulator: ThreadedEmulator, tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_text("no video")
    command = ("ingest", str(CLIPS[0]), str(tmp_path / "bad.mp4"), "--index=holiday", "--allow-refused")
    assert [cli(*command).exit_code for _ in range(2)] == [0, 0]
    assert cli(*command, "--dry-run").exit_code == 0
    assert cli("ingest", str(tmp_path / "gone.mp4"), *command[1:]).exit_code == 1
    assert len(cli_emulator.state.videos) == 1


@pytest.mark.usefixtures("cli_emulator")
def test_a_quiet_run_prints_failures_only(cli: Cli, tmp_path: Path) -> None:
    assert cli("ingest", str(CLIPS[0]), "--index", "holiday", "--quiet").stdout == ""
    (tmp_path / "bad.mp4").write_text("no video")
    lines = cli("ingest", str(CLIPS[0]), str(tmp_path / "bad.mp4"), "--index", "holiday", "-q").stdout.splitlines()
    assert lines[0].startswith("failed   bad.mp4: the file has neither")
    assert lines[-1] == "1 x the file has neither video nor audio; an index takes video and audio; such as bad.mp4"
    assert len(lines) == 3


@contextmanager
def ingest_from_standard_input() -> Generator[subprocess.Popen[str]]:
    """Start `ingest --from -` in a process whose standard input the test writes."""
    with subprocess.Popen(  # noqa: S603  # a fixed command
        [*CLI_COMMAND, "ingest", "--from", "-", "--index", "x"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_list_on_standard_input_is_ingested_while_it_is_written(cli_emulator: ThreadedEmulator) -> None:
    with ingest_from_standard_input() as process:
        assert process.stdin is not None
        process.stdin.write(f"{CLIPS[0]}\n")
        process.stdin.flush()
        wait_until(process, lambda: cli_emulator.state.videos)
        out, err = process.communicate(f"{CLIPS[1]}\n", timeout=100)
    assert (process.returncode, err) == (0, "")
    assert "2 ready in" in out


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_an_interrupt_ends_a_run_whose_input_stays_open(cli_emulator: ThreadedEmulator) -> None:
    with ingest_from_standard_input() as process:
        wait_until(process, lambda: cli_emulator.requests)
        process.terminate()
        assert process.wait(100) == ExitCode.INTERRUPTED
        assert process.stderr is not None
        assert process.stderr.read() == "error: interrupted\n"


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
@pytest.mark.parametrize("name", ENDING_SIGNALS)
def test_a_signal_during_the_imports_ends_the_command_with_one_line(name: str) -> None:
    program = (
        "import builtins, signal, sys\n"
        "from twelvelabs_async import __main__\n"
        "original = builtins.__import__\n"
        "def import_and_interrupt(module, *rest):\n"
        "    if module == 'cyclopts':\n"
        f"        signal.raise_signal(signal.{name})\n"
        "    return original(module, *rest)\n"
        "builtins.__import__ = import_and_interrupt\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "sys.exit(__main__.main())\n"
    )
    completed = subprocess.run(  # noqa: S603  # a fixed program
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment(), check=False, timeout=100
    )
    assert (completed.returncode, completed.stdout, completed.stderr) == (130, "", "error: interrupted\n")


def test_items_that_were_not_started_are_reported_in_one_line(
    cli: Cli, cli_emulator: ThreadedEmulator, tmp_path: Path
) -> None:
    for number in range(30):
        (tmp_path / f"{number}.mp4").write_bytes(
            CLIPS[0].read_bytes() + bytes([0, 0, 0, 9]) + b"free" + bytes([number])
        )
    cli_emulator.faults.add("POST /assets", status=429, headers={"Retry-After": "9999"}, after=1)
    result = cli("ingest", str(tmp_path), "--index", "x", "--concurrency", "1")
    assert result.exit_code == ExitCode.QUOTA_EXHAUSTED
    assert "not begun  2" in result.stdout
    assert len(result.stdout.splitlines()) < 15
