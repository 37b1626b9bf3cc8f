"""Fuzz one target: `python -m fuzz NAME SECONDS` in `tests/`; `nox -s fuzz` runs all of them."""

from __future__ import annotations

import sys
from importlib import import_module

atheris = import_module("atheris")  # not a plain import: only the fuzz session installs it, and it has no types

with atheris.instrument_imports(include=["twelvelabs_async", "email"]):
    from fuzz.targets import TARGETS

name, seconds = sys.argv[1:]
atheris.Setup([sys.argv[0], f"-max_total_time={seconds}", "-max_len=4096", "-print_final_stats=1"], TARGETS[name])
atheris.Fuzz()
