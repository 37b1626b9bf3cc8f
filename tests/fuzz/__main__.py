"""Looks for bytes that break a target: `python -m fuzz NAME SECONDS` in `tests/`, and `nox -s fuzz` for all of them."""

from __future__ import annotations

import sys
from importlib import import_module

atheris = import_module("atheris")  # by name: it is installed for this session only, and has no types

with atheris.instrument_imports(include=["twelvelabs_async", "email"]):
    from fuzz.targets import TARGETS

name, seconds = sys.argv[1:]
atheris.Setup([sys.argv[0], f"-max_total_time={seconds}", "-max_len=4096", "-print_final_stats=1"], TARGETS[name])
atheris.Fuzz()
