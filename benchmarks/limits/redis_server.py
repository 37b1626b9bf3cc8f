"""A temporary Redis server on a Unix socket, without persistence."""

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

SERVER_NAMES: Final = ("redis-server", "valkey-server")
START_TIMEOUT: Final = 10.0
"""Timeout of the start, in seconds."""


def find_server() -> str | None:
    """Return the path of an installed server, or None if there is none."""
    return next(filter(None, map(shutil.which, SERVER_NAMES)), None)


@contextmanager
def redis_server() -> Generator[str]:
    """Run a server and yield its URL for `rate_limit_store=`."""
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        path = Path(folder) / "socket"
        command = [find_server() or SERVER_NAMES[0], "--port", "0", "--unixsocket", str(path), "--save", ""]
        with subprocess.Popen([*command, "--dir", folder], stdout=subprocess.DEVNULL) as server:
            try:
                deadline = time.monotonic() + START_TIMEOUT
                while not path.is_socket() and time.monotonic() < deadline:
                    time.sleep(0.01)
                yield f"unix://{path}"
            finally:
                server.terminate()
