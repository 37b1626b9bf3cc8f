"""A Redis or Valkey of the tests' own, behind a socket file; it keeps nothing."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROGRAM = shutil.which("redis-server") or shutil.which("valkey-server")
NEEDS_REDIS = pytest.mark.skipif(PROGRAM is None, reason="redis-server is not installed (Debian: apt install redis)")


class RedisServer:
    """Can be killed and started again at the same place."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"unix://{folder}/socket"

    def start(self) -> None:
        command = [str(PROGRAM), "--port", "0", "--unixsocket", f"{self._folder}/socket", "--save", ""]
        self._process = subprocess.Popen([*command, "--dir", str(self._folder)], stdout=subprocess.DEVNULL)  # noqa: S603  # of our own making
        limit = time.monotonic() + 10
        while not (self._folder / "socket").is_socket():
            assert time.monotonic() < limit, "redis-server does not listen"
            time.sleep(0.01)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        (self._folder / "socket").unlink(missing_ok=True)


@contextmanager
def redis_server() -> Generator[RedisServer]:
    # Not below pytest's own folder: the path of a socket may have a hundred characters at most.
    with tempfile.TemporaryDirectory(prefix="tl-redis-") as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.kill()
