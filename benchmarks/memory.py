"""Memory of this process. The module imports little, because its own memory is measured, too."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

MIB = 2**20


def peak() -> int:
    """Return the maximum resident memory in bytes since the start or the last `reset_peak`."""
    try:
        return _read_proc_status("VmHWM")
    except OSError:
        import resource  # noqa: PLC0415  # only on systems without /proc

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def resident() -> int:
    """Return the resident memory in bytes; on systems without /proc, its maximum."""
    try:
        return _read_proc_status("VmRSS")
    except OSError:
        return peak()


def reset_peak() -> None:
    """Reset `peak`, if the system supports it."""
    with suppress(OSError):
        descriptor = os.open("/proc/self/clear_refs", os.O_WRONLY)
        try:
            os.write(descriptor, b"5")
        finally:
            os.close(descriptor)


def _read_proc_status(name: str) -> int:
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123  # pathlib costs memory
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(name))
