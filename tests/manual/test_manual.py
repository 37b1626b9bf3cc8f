"""Runs the Python code of every page of the manual from top to bottom, and compares its outputs with the page."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from pages import DOCS, ROOT, examples, run_page

import_module("twelvelabs_async.workers")  # its imports must not block the event loop
RUN_ELSEWHERE = {
    "emulator.md",  # programs that use each other: test_emulator_page.py
    "sync.md",  # a client that blocks: test_sync_page.py
    "watching.md",  # changes the log and the metrics of the process: test_watching_page.py
    "ingest.md",  # functions with parameters: test_ingest_page.py
    "tables.md",  # other packages: test_recipe_pages.py
    "vector-stores.md",  # the same
    "notebook.md",  # a notebook: the same
    "tutorial.md",  # commands and code in a new environment: test_tutorial.py
}
PAGES = [page.name for page in sorted(DOCS.glob("*.md")) if page.name not in RUN_ELSEWHERE and examples(page)]


@pytest.mark.parametrize("page", PAGES)
async def test_the_code_of_a_page_runs(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await run_page(page, tmp_path, monkeypatch, capsys)


def test_commands_install_the_package_from_a_clone() -> None:
    """The package is on no index of packages."""
    commands = [example.code for page in (ROOT / "README.md", *DOCS.glob("*.md")) for example in examples(page, "sh")]
    assert any("pip install '.[" in command for command in commands)
    assert [command for command in commands if "pip install 'twelvelabs" in command] == []
