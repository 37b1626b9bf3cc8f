"""Metadata of a release: links, version and date."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path
from typing import Any

import pytest

from twelvelabs_async import __version__

ROOT = Path(__file__).parents[2]
REPOSITORY = "https://example.org/someone/twelvelabs-async"


def release_metadata() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "docs" / "release_metadata.py"))


@pytest.fixture
def metadata() -> dict[str, Any]:
    """Metadata of a release with a repository URL."""
    hook = release_metadata()["ReleaseMetadata"](str(ROOT), {"repository": REPOSITORY})
    fields: dict[str, Any] = {"version": "1.2.3"}
    hook.update(fields)
    return fields


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[all](docs/index.md#top)", f"[all]({REPOSITORY}/blob/v1/docs/index.md#top)"),
        ("![A demo](docs/demo.svg)", f"![A demo]({REPOSITORY}/raw/v1/docs/demo.svg)"),
        (
            "[![A demo](docs/demo.svg)](README.md)",
            f"[![A demo]({REPOSITORY}/raw/v1/docs/demo.svg)]({REPOSITORY}/blob/v1/README.md)",
        ),
        ('<img src="docs/demo.svg">', f'<img src="{REPOSITORY}/raw/v1/docs/demo.svg">'),
        ('<a href="docs">', f'<a href="{REPOSITORY}/blob/v1/docs">'),
        ("[a](#errors) [b](https://docs.twelvelabs.io) functions[0](argument)", None),
    ],
)
def test_links_to_files_of_the_repository_are_absolute(text: str, expected: str | None) -> None:
    links = release_metadata()["absolute_links"](text, ROOT, REPOSITORY, "v1")
    assert links == (expected or text)


def test_the_readme_of_a_release_has_no_relative_link(metadata: dict[str, Any]) -> None:
    text: str = re.sub(r"```.*?```", "", metadata["readme"]["text"], flags=re.DOTALL)
    assert re.findall(r"\]\((?!https://|#)[^)]*\)|(?:src|href)=\"(?!https://|#)[^\"]*", text) == []
    assert f"]({REPOSITORY}/blob/v1.2.3/docs/" in text


def test_all_links_of_a_release_are_in_its_repository(metadata: dict[str, Any]) -> None:
    assert all(link.startswith(REPOSITORY) for link in metadata["urls"].values())


def test_a_package_without_a_repository_has_no_urls() -> None:
    fields: dict[str, Any] = {"version": "1.2.3"}
    release_metadata()["ReleaseMetadata"](str(ROOT), {"repository": ""}).update(fields)
    assert fields["readme"]["text"] == (ROOT / "README.md").read_text("utf-8")
    assert "urls" not in fields


def test_the_source_archive_has_all_files_that_the_readme_links_to() -> None:
    """Otherwise a wheel built from the archive would have relative links."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    included = tuple(
        path.removeprefix("/") for path in project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    )
    links = re.findall(r"\]\((?!https:|#)([^)#]+)", (ROOT / "README.md").read_text("utf-8"))
    assert [link for link in links if not link.startswith(included)] == []


def test_changelog_and_citation_name_the_version_and_its_date() -> None:
    heading = re.search(
        r"^## \[(\d.*?)\] - (\d{4}-\d\d-\d\d)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE
    )
    assert heading
    version, date = heading.groups()
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert version == __version__
    assert f'version: {version}\ndate-released: "{date}"\n' in citation
