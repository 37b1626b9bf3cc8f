"""A PostgreSQL and a Redis server that can be killed and restarted, on Unix sockets or in a private network."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from benchmarks.workers.namespaces import SUBNET

POSTGRES_BIN_DIRS: Final = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
POSTGRES_OPTIONS: Final = "-c max_connections=100"
PORTS: Final = (54329, 63799)
"""Ports of PostgreSQL and Redis."""


class PostgresServer:
    """A PostgreSQL server that commits to disk; uses a Unix socket if `host` is empty."""

    def __init__(self, folder: Path, host: str = "") -> None:
        self._folder = folder
        self._host = host
        folder.mkdir()
        self._run_as = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        if self._run_as:
            shutil.chown(folder, "postgres", "postgres")
        user = "postgres" if self._run_as else os.environ["USER"]
        self.url = f"postgresql://{user}@{host}/postgres?port={PORTS[0]}" + ("" if host else f"&host={folder}")
        self._run("initdb", "-D", f"{folder}/data", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        with (folder / "data" / "pg_hba.conf").open("a") as file:
            file.write(f"host all all {SUBNET} trust\n")

    def start(self) -> None:
        """Start the server, and wait until it accepts connections."""
        self._control("-w", "-l", f"{self._folder}/log", "-o", self._options(), "start")

    def kill(self) -> None:
        """Stop the server immediately, if it is running."""
        with suppress(subprocess.CalledProcessError):
            self._control("-w", "-m", "immediate", "stop")

    def _options(self) -> str:
        return f"{POSTGRES_OPTIONS} -p {PORTS[0]} -c listen_addresses='{self._host}' -k {self._folder}"

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "-D", f"{self._folder}/data", *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._run_as, str(POSTGRES_BIN_DIRS[-1] / program), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")


class RateLimitRedis:
    """A Redis server without persistence."""

    def __init__(self, folder: Path, host: str = "") -> None:
        self._folder = folder
        folder.mkdir()
        self._process: subprocess.Popen[bytes] | None = None
        self._listen_options = (
            ["--bind", host, "--port", str(PORTS[1]), "--protected-mode", "no"] if host else ["--port", "0"]
        )
        self.url = f"redis://{host}:{PORTS[1]}/0" if host else f"unix://{folder}/socket"

    def start(self) -> None:
        """Start the server, and wait until it listens."""
        command = ["redis-server", *self._listen_options, "--unixsocket", f"{self._folder}/socket", "--save", ""]
        self._process = subprocess.Popen([*command, "--dir", str(self._folder)], stdout=subprocess.DEVNULL)
        while not (self._folder / "socket").is_socket():
            time.sleep(0.01)

    def kill(self) -> None:
        """Stop the server immediately; its data is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        (self._folder / "socket").unlink(missing_ok=True)
