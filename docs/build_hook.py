"""Add the manual to the package at build time. Hatchling calls this hook."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Manual(BuildHookInterface[Any]):
    """Writes `llms.txt` and `llms-full.txt`, which `pyproject.toml` declares as artifacts of the wheel."""

    # The build environment has no `override`, which Python 3.11 lacks.
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # type: ignore[explicit-override]  # noqa: ARG002  # the signature of the interface
        """Write the files into the source tree."""
        runpy.run_path(str(Path(self.root) / "docs" / "make_llms.py"), run_name="__main__")
