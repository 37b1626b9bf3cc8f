"""`--json` delivers its records to a terminal, a pipe and a file, wherever messages go."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from command_tree import COMMANDS, arguments_of
from hostile import OWN_SEQUENCES
from terminals import STREAMS, Stream, run_on

from twelvelabs_async.emulator import ThreadedEmulator

pytestmark = [pytest.mark.oldest_python, pytest.mark.skipif(sys.platform == "win32", reason="no such terminals")]

WITH_JSON = {command for command in COMMANDS if any(argument.name == "--json" for argument in arguments_of(command))}

ARGUMENTS: dict[tuple[str, ...], list[str]] = {
    ("search",): ["holiday", "boat"],
    ("indexes", "list"): [],
    ("indexes", "create"): ["new"],
    ("videos", "list"): ["holiday"],
    ("videos", "show"): ["holiday", "{video}"],
    ("export",): ["holiday", "{folder}/holiday.jsonl"],
    ("analyze",): ["{asset}", "Describe it"],
    ("videos", "delete"): ["holiday", "{video}", "--yes"],
    ("embed",): ["a boat"],
    ("api",): ["GET", "/indexes"],
    ("limits",): [],
    ("doctor",): [],
    ("indexes", "delete"): ["holiday", "--yes"],
}
ELSEWHERE = {("ingest",), ("status",), ("ledger", "show"), ("ledger", "export")}
"""Commands whose tests are beside those of the ingestion."""


def test_each_command_with_records_is_covered() -> None:
    assert ARGUMENTS.keys() <= WITH_JSON <= ARGUMENTS.keys() | ELSEWHERE


RUN_ALL = """
import json, sys
from twelvelabs_async._cli.main import run
for name, arguments in json.loads(sys.argv[1]):
    code = int(run([*arguments, "--json"]))
    sys.stdout.write(json.dumps({"end of": name, "code": code}) + "\\n")
    sys.stdout.flush()
"""
"""All commands one after the other: to start a process for each takes longer than the commands."""


@pytest.mark.parametrize(("stdout", "stderr"), STREAMS)
def test_records(stdout: Stream, stderr: Stream, served: ThreadedEmulator, tmp_path: Path) -> None:
    video = served.add_video("holiday", "boat.mp4", [(0, 30, "a boat")])
    names = {"video": video.id, "asset": video.asset.id, "folder": tmp_path}
    commands = [
        (" ".join(command), [*command, *(text.format(**names) for text in arguments)])
        for command, arguments in ARGUMENTS.items()
    ]
    program = (sys.executable, "-W", "error", "-c", RUN_ALL, json.dumps(commands))
    result = run_on(*program, stdout=stdout, stderr=stderr, folder=tmp_path)
    assert result.exit_code == 0, result.stderr
    records, found = list[object](), dict[str, int]()
    for line in result.stdout.splitlines():
        assert line.startswith("{")
        record = json.loads(line)
        if "end of" not in record:
            records.append(record)
            continue
        assert records, record
        found[record["end of"]] = record["code"]
        records.clear()
    assert found == {name: 0 for name, _ in commands}
    assert "{" not in OWN_SEQUENCES.sub("", result.stderr)
