"""Runs the Python code of each page of the manual, and compares its output with the page."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest
from pages import DOCS, ROOT, examples, run_page

import_module("twelvelabs_async.workers")  # its imports must not block the event loop
TESTED_ELSEWHERE = {
    "emulator.md",  # several programs: test_emulator_page.py
    "sync.md",  # a blocking client: test_sync_page.py
    "watching.md",  # changes logging and metrics of the process: test_watching_page.py
    "ingest.md",  # functions with parameters: test_ingest_page.py
    "tables.md",  # needs other packages: test_recipe_pages.py
    "vector-stores.md",  # needs other packages: test_recipe_pages.py
    "notebook.md",  # a notebook: test_recipe_pages.py
    "tutorial.md",  # commands and code in a new environment: test_tutorial.py
}
PAGES = [page.name for page in sorted(DOCS.glob("*.md")) if page.name not in TESTED_ELSEWHERE and examples(page)]


@pytest.mark.parametrize("page", PAGES)
async def test_the_code_of_a_page_runs(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await run_page(page, tmp_path, monkeypatch, capsys)


def test_commands_install_the_package_from_a_clone() -> None:
    """The package is not on a package index yet."""
    commands = [example.code for page in (ROOT / "README.md", *DOCS.glob("*.md")) for example in examples(page, "sh")]
    assert any("pip install '.[" in command for command in commands)
    assert [command for command in commands if "pip install 'twelvelabs" in command] == []
