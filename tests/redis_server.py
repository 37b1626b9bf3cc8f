"""A Redis or Valkey server for tests on a Unix socket, without persistence."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

REDIS_BINARY = shutil.which("redis-server") or shutil.which("valkey-server")
NEEDS_REDIS = pytest.mark.skipif(
    REDIS_BINARY is None, reason="redis-server is not installed (Debian: apt install redis)"
)


class RedisServer:
    """A server that can be killed and restarted with the same URL."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"unix://{folder}/socket"

    def start(self) -> None:
        command = [str(REDIS_BINARY), "--port", "0", "--unixsocket", f"{self._folder}/socket", "--save", ""]
        self._process = subprocess.Popen([*command, "--dir", str(self._folder)], stdout=subprocess.DEVNULL)  # noqa: S603  # a fixed command
        deadline = time.monotonic() + 10
        while not self._accepts_connections():
            assert time.monotonic() < deadline, "redis-server does not listen"
            time.sleep(0.01)

    def _accepts_connections(self) -> bool:
        """Return whether the server listens; the socket file exists before it does."""
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(f"{self._folder}/socket") == 0

    def pause(self) -> None:
        """Stop the process without closing its connections."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        (self._folder / "socket").unlink(missing_ok=True)


@contextmanager
def redis_server() -> Generator[RedisServer]:
    # Not tmp_path: the path of a socket may have about 100 characters.
    with tempfile.TemporaryDirectory(prefix="tl-redis-") as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.kill()
