"""What differs between operating systems: functions that some of them lack, except signal handlers."""

from __future__ import annotations

import os
import re
import socket
import sys
import threading
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

if sys.platform != "win32":
    import fcntl
    import termios

_POSITION_LOCK: Final = threading.Lock()
"""Held between seeking and reading, where the system cannot read at an offset."""


def open_for_reading(path: Path) -> int:
    """Open a file for binary reads and return its descriptor. Never waits for the writer of a pipe."""
    return os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))


def portable_path(path: str) -> str:
    """Return a path as text that is the same in each locale: bytes that are no UTF-8 stay lone surrogates."""
    if sys.platform == "win32":
        return path
    try:
        return os.fsencode(path).decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # from a process with another locale, and portable already
        return path


def local_path(path: str) -> str:
    """Return the path of a text from `portable_path`, as this process has to open it."""
    return path if sys.platform == "win32" else os.fsdecode(path.encode("utf-8", "surrogateescape"))


_STORABLE: Final = re.compile("[^\0\ud800-\udfff]*")
"""Text that databases accept."""


def path_to_uri(path: str) -> str:
    """Return the URI of a file: its real path, or a `file://` URL if databases cannot store the path."""
    text = portable_path(path)
    return text if _STORABLE.fullmatch(text) else f"file://{quote_from_bytes(os.fsencode(path))}"


def uri_to_path(uri: str) -> str:
    """Return the path of a file whose URI `path_to_uri` has returned."""
    return os.fsdecode(unquote_to_bytes(uri[7:])) if uri.startswith("file:///") else local_path(uri)


def read_at(descriptor: int, offset: int, size: int) -> bytes:
    """Read up to `size` bytes at `offset`. Safe in several threads that read the same descriptor."""
    if sys.platform != "win32" and hasattr(os, "pread"):
        return os.pread(descriptor, size, offset)
    with _POSITION_LOCK:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, size)


def call_in_forked_children(function: Callable[[], None]) -> None:
    """Call a function in each process that is forked from this one, on systems that fork."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=function)


INTERRUPTIBLE_WAIT: Final = 0.1 if sys.platform == "win32" else -1
"""Longest wait for a lock that Ctrl-C can end, in seconds; -1 is any time. On Windows it ends no wait for a lock."""


def keep_forever(inherited: object) -> None:
    """Never run the destructors of objects of a parent process: they would close what the parent uses, and warn."""
    try:
        import ctypes  # noqa: PLC0415  # some builds of Python do not have it
    except ImportError:
        _KEPT.append(inherited)
    else:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(inherited))


_KEPT: Final[list[object]] = []
"""Objects that exist until the end of the process."""


def publish_file(draft: Path, path: Path) -> None:
    """Rename `draft` to `path`, unless `path` exists.

    Raises:
        FileExistsError: `path` exists; another process may have created it at the same time.
    """
    if sys.platform == "win32":
        draft.rename(path)  # fails if `path` exists
        return
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except (AttributeError, OSError):  # no hard links, as on FAT, exFAT and some network file systems
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # one process creates the name
        draft.replace(path)
    else:
        draft.unlink()


def unacknowledged_bytes(connected: socket.socket) -> int:
    """Return how many sent bytes of a connection the other side has not acknowledged; 0 if the system cannot say."""
    return _count_bytes(connected, "TIOCOUTQ")


def unread_bytes(connected: socket.socket) -> int:
    """Return how many bytes have arrived on a connection that were not read; 0 if the system cannot say."""
    return _count_bytes(connected, "FIONREAD")


def _count_bytes(connected: socket.socket, request: str) -> int:
    count = array("i", [0])
    if sys.platform != "win32":
        try:
            fcntl.ioctl(connected.fileno(), getattr(termios, request), count)
        except (OSError, ValueError):
            return 0  # closed, or not supported
    return count[0]
