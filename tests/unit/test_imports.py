"""Imports load only the modules that are used."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import twelvelabs_async
from twelvelabs_async._cli.help import summary
from twelvelabs_async._cli.main import app
from twelvelabs_async._text import install_command

PACKAGE = Path(twelvelabs_async.__file__).parent
MODULES = sorted(
    ".".join(("twelvelabs_async", *file.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
    for file in PACKAGE.rglob("*.py")
    if file.name != "__main__.py"
)


def modules_loaded_by(code: str) -> set[str]:
    """Return the modules that a new interpreter has loaded after running `code` with warnings as errors."""
    script = f"{code}\nimport sys; print(*sys.modules)"
    command = [sys.executable, "-W", "error", "-c", script]
    completed = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # a fixed command
    return set(completed.stdout.split())


def test_creating_a_client_loads_no_resources_models_or_extras() -> None:
    loaded = modules_loaded_by("from twelvelabs_async import AsyncTwelveLabs; AsyncTwelveLabs('key')")
    package_modules = {name for name in loaded if name.startswith("twelvelabs_async")}
    models = {
        name for name in package_modules if name.startswith(("twelvelabs_async.models.", "twelvelabs_async.resources"))
    }
    assert models == {f"twelvelabs_async.models.{name}" for name in ("_interop", "common")}
    assert len(package_modules) < 50
    assert not loaded & {
        "av",
        "cyclopts",
        "jinja2",
        "msgspec",
        "numpy",
        "PIL",
        "pymediainfo",
        "rich",
        "twelvelabs",
        "aiohttp.web",
    }


def test_importing_the_package_loads_only_its_version_module() -> None:
    loaded = modules_loaded_by("import twelvelabs_async")
    assert "aiohttp" not in loaded
    assert not {name for name in loaded if name.startswith("twelvelabs_async.")} - {"twelvelabs_async._version"}


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], [], ["search", "--help"], ["limits", "--help"]])
def test_help_and_version_do_not_load_the_dependencies_of_commands(arguments: list[str]) -> None:
    loaded = modules_loaded_by(f"from twelvelabs_async._cli.main import run; run({arguments})")
    prefixes = (
        "aiohttp",
        "av",
        "jinja2",
        "PIL",
        "rich",
        "twelvelabs_async.client",
        "twelvelabs_async.emulator",
        "twelvelabs_async.ingest",
    )
    assert "twelvelabs_async._cli.demo" not in loaded
    assert [name for name in loaded if name.startswith(prefixes)] == []


def test_the_command_line_loads_little_before_it_handles_ctrl_c() -> None:
    loaded = modules_loaded_by("import twelvelabs_async.__main__")
    assert {name for name in loaded if name.startswith("twelvelabs_async.")} <= {
        "twelvelabs_async.__main__",
        "twelvelabs_async._cli",
        "twelvelabs_async._cli.signals",
        "twelvelabs_async._version",
    }
    assert not loaded & {"asyncio", "email", "json", "ssl", "urllib.request"}


@pytest.mark.parametrize(
    ("module", "missing", "message", "extra"),
    [
        ("otel", "opentelemetry", "Telemetry needs OpenTelemetry", "otel"),
        ("workers", "psycopg", "workers need", "postgres"),
        ("workers", "procrastinate", "workers need", "postgres"),
    ],
)
def test_a_module_without_its_dependency_raises_an_error_that_names_the_extra(
    module: str, missing: str, message: str, extra: str
) -> None:
    code = (
        "import sys\n"
        f"sys.modules[{missing!r}] = None\n"
        "try:\n"
        f"    import twelvelabs_async.{module}\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)  # noqa: S603  # a fixed command
    assert result.stdout == f"{message}: {install_command(extra)}\n"


def test_command_summaries_match_the_docstrings() -> None:
    assert app.summaries == {name: summary(app[name].help) for name in app.summaries}


@pytest.mark.parametrize("name", MODULES)
def test_each_module_can_be_imported(name: str) -> None:
    importlib.import_module(name)


@pytest.mark.parametrize("name", sorted(set(twelvelabs_async.__all__)))
def test_each_public_name_exists(name: str) -> None:
    assert getattr(twelvelabs_async, name) is not None


def test_an_unknown_name_raises_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = twelvelabs_async.Nothing
