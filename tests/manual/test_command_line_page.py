"""docs/command-line.md lists the actual options, exit codes, fields and columns."""

from __future__ import annotations

import re
from pathlib import Path

from cyclopts import App

from twelvelabs_async._cli.exit_codes import EXIT_CODES
from twelvelabs_async._cli.ingest import ingest
from twelvelabs_async._cli.ingest_run import item_record
from twelvelabs_async._cli.ledger import CSV_COLUMNS

PAGE = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text("utf-8")


def test_the_page_describes_each_option_of_ingest_as_its_help_does() -> None:
    app = App()
    app.default(ingest)
    options = {
        ", ".join(f"`{name}`" for name in argument.names): " ".join((argument.parameter.help or "").split())
        for argument in app.assemble_argument_collection(parse_docstring=True)
        if argument.index is None
    }
    assert dict(re.findall(r"^\| (`--.*?) \| (.*) \|$", PAGE, flags=re.MULTILINE)) == options


def test_the_page_lists_all_exit_codes() -> None:
    listed = re.findall(r"^\| (\d+) \| (.*) \|$", PAGE, flags=re.MULTILINE)
    assert {int(code): text for code, text in listed} == {int(code): text for code, text in EXIT_CODES.items()}


def test_the_page_lists_the_fields_of_records_and_the_columns_of_an_export() -> None:
    table = PAGE[PAGE.index("| field | |") : PAGE.index("### In cron")]
    fields = [name for cell in re.findall(r"^\| (`.*?) \|", table, flags=re.MULTILINE) for name in cell.split(", ")]
    assert [name.strip("`") for name in fields] != []
    assert {name.strip("`") for name in fields} == item_record(index_id=None, source="").keys()
    assert all(f"`{name}`" in PAGE for name in CSV_COLUMNS)
