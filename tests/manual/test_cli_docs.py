"""`twelvelabs-async docs`, and the files that the build generates from the manual."""

from __future__ import annotations

import re
import runpy
import webbrowser
from collections.abc import Callable
from email.message import Message
from pathlib import Path

import pytest
from commands import Cli

from twelvelabs_async._cli import docs

DOCS = Path(__file__).parents[2] / "docs"
MAKE_LLMS = runpy.run_path(str(DOCS / "make_llms.py"))
PAGES: dict[str, str] = MAKE_LLMS["pages"]()


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(capsys)


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files of the manual, as the build writes them."""
    MAKE_LLMS["write"](tmp_path, "{}.md".format)
    monkeypatch.setattr(docs, "FOLDER", tmp_path)
    return tmp_path


def metadata_with(links: list[str]) -> Callable[[str], Message]:
    """Return a replacement for `importlib.metadata.metadata` with these links."""
    message = Message()
    for link in links:
        message["Project-URL"] = link
    return lambda _distribution: message


def test_the_table_of_contents_links_and_describes_each_page(cli: Cli) -> None:
    result = cli("docs")
    assert result.exit_code == 0
    links = re.findall(r"^- \[.+\]\((.+)\.md\): \S.*[.!?]$", result.stdout, re.MULTILINE)
    index = (DOCS / "index.md").read_text("utf-8")
    assert links == re.findall(r"^(?!changelog)([a-z-]+)$", index, re.MULTILINE)
    assert set(links) == PAGES.keys() - {"index", "methods"}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_printed(cli: Cli, name: str) -> None:
    assert cli("docs", name).stdout == PAGES[name].strip() + "\n"


def test_all_pages_are_printed(cli: Cli) -> None:
    text = cli("docs", "--full").stdout
    assert all(page.strip() in text for page in PAGES.values())


def test_the_list_of_methods_includes_nested_groups() -> None:
    assert "`client.indexes.indexed_assets.delete(index_id: str, indexed_asset_id: str) -> None`: " in PAGES["methods"]
    assert "`client.analyze(*, " in PAGES["methods"]


def test_an_unknown_page_is_an_error_with_similar_names(cli: Cli) -> None:
    result = cli("docs", "ingset")
    assert result.exit_code == 2
    assert "no page 'ingset'; pages: ingest" in result.stderr


def test_an_installation_without_the_manual_is_an_error(cli: Cli, files: Path) -> None:
    (files / "llms.txt").unlink()
    result = cli("docs")
    assert result.exit_code == 2
    assert "python docs/make_llms.py" in result.stderr


@pytest.mark.parametrize(("arguments", "path"), [((), ""), (("index",), ""), (("ingest",), "/ingest.md")])
def test_a_page_is_opened_at_the_documentation_url_of_the_release(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], path: str
) -> None:
    opened = list[str]()
    links = ["Homepage, https://example.org", "Documentation, https://example.org/tree/v1/docs"]
    monkeypatch.setattr(docs, "metadata", metadata_with(links))
    monkeypatch.setattr(webbrowser, "open", opened.append)
    assert cli("docs", *arguments, "--open").exit_code == 0
    assert opened == [f"https://example.org/tree/v1/docs{path}"]


def test_a_build_without_a_documentation_url_opens_no_page(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docs, "metadata", metadata_with([]))
    result = cli("docs", "--open")
    assert result.exit_code == 2
    assert "names no website" in result.stderr
