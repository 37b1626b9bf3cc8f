"""Identifies processes, and finds out whether the process that owns a ledger has ended."""

from __future__ import annotations

import os
import socket
import sys
import uuid
from pathlib import Path
from typing import Final

import attrs

OWNER_HEARTBEAT_INTERVAL: Final = 3.0
"""Seconds between two heartbeats of the run that owns a ledger."""

OWNER_TIMEOUT: Final = 15.0
"""Seconds without a heartbeat after which another run may take a ledger over."""

_PROC: Final = Path("/proc")


@attrs.frozen(kw_only=True)
class ProcessIdentity:
    """A process, distinct from all processes of other machines and from later processes with the same pid."""

    host: str
    """Host name of the machine."""
    boot_id: str
    """Changes when the machine restarts, and differs between containers; empty if unknown."""
    pid: int
    """Process id."""
    started: str = ""
    """When the process started, in units of the system; empty if unknown."""


def current_process() -> ProcessIdentity:
    """Return the identity of this process."""
    pid = os.getpid()
    return ProcessIdentity(host=socket.gethostname(), boot_id=_boot_id(), pid=pid, started=running_since(pid) or "")


def has_ended(process: ProcessIdentity, observer: ProcessIdentity) -> bool:
    """Return whether a process is known to have ended.

    Args:
        process: The process. If it ran on another machine, nothing is known about it.
        observer: The process that asks: `current_process()`.
    """
    if not _share_machine(process, observer):
        return False
    if process.started:
        return running_since(process.pid) != process.started
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:  # a process of another user
        pass
    return False


def is_running(process: ProcessIdentity, observer: ProcessIdentity) -> bool:
    """Return whether a process is known to be running on the machine of the observer."""
    return _share_machine(process, observer) and not has_ended(process, observer)


def _share_machine(process: ProcessIdentity, observer: ProcessIdentity) -> bool:
    """Return whether two processes are known to run on one machine, since the same start and in the same container."""
    return bool(observer.boot_id) and (process.host, process.boot_id) == (observer.host, observer.boot_id)


def _boot_id() -> str:
    try:
        boot_id = (_PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot_id} {(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        # On Windows, os.kill(pid, 0) would send Ctrl-C.
        return "" if sys.platform == "win32" else f"{uuid.getnode():x}"


def running_since(pid: int) -> str | None:
    """Return when a process of this machine started; None if it has ended, or if /proc does not exist."""
    try:
        status = (_PROC / str(pid) / "stat").read_text("utf-8", "replace")
    except OSError:
        return None
    state, *fields = status.rpartition(")")[2].split()  # the name of the program may contain spaces and parentheses
    return None if state in {"Z", "X"} else fields[18]  # a zombie has ended
