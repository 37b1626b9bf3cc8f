"""Memory of this process. Imports nothing heavy, for it is part of what is measured."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

MIB = 2**20


def peak() -> int:
    """Most bytes that were resident since the start, or since `forget_peak`."""
    try:
        return _kernel("VmHWM")
    except OSError:
        import resource  # noqa: PLC0415  # only where there is no /proc

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def resident() -> int:
    """Bytes that are resident now; without /proc the most there ever were."""
    try:
        return _kernel("VmRSS")
    except OSError:
        return peak()


def forget_peak() -> None:
    """Let `peak` start anew, where the system can."""
    with suppress(OSError):
        descriptor = os.open("/proc/self/clear_refs", os.O_WRONLY)
        try:
            os.write(descriptor, b"5")
        finally:
            os.close(descriptor)


def _kernel(name: str) -> int:
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123  # pathlib is not free
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(name))
