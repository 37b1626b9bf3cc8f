"""A Redis of our own behind a socket file, gone at the end; it keeps nothing."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator

PROGRAMS: Final = ("redis-server", "valkey-server")
PATIENCE: Final = 10.0
"""Seconds until it has to listen."""


def program() -> str | None:
    """Where a server is installed, if one is."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


@contextmanager
def redis_server() -> Generator[str]:
    """Run a server; its address as `budget=` takes it."""
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        path = Path(folder) / "socket"
        command = [program() or PROGRAMS[0], "--port", "0", "--unixsocket", str(path), "--save", ""]
        with subprocess.Popen([*command, "--dir", folder], stdout=subprocess.DEVNULL) as server:
            try:
                limit = time.monotonic() + PATIENCE
                while not path.is_socket() and time.monotonic() < limit:
                    time.sleep(0.01)
                yield f"unix://{path}"
            finally:
                server.terminate()
