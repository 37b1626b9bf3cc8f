"""Describes the machine and the versions of packages, and pins processes to cores."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Final

PACKAGES: Final = ("twelvelabs-async", "twelvelabs", "aiohttp", "httpx", "sniffio", "pydantic", "attrs", "cattrs")


def cores() -> tuple[int | None, int | None]:
    """Return a core for the client and one for the server; None if there is only one core or no CPU affinity."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[0], allowed[-1]) if len(allowed) > 1 else (None, None)


def pin(core: int | None = None) -> None:
    """Pin this process and its children to one core."""
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


def versions() -> dict[str, str]:
    """Return the versions of Python and of the measured packages."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def machine() -> dict[str, str | int | float]:
    """Describe the machine and its load."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else -1.0
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
        "load": round(load, 2),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())
