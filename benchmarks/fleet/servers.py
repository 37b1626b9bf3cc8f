"""A PostgreSQL and a Redis of our own behind socket files, which can be killed and started again."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Final

PROGRAMS: Final = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
OPTIONS: Final = "-c listen_addresses='' -c max_connections=100"


class Database:
    """A PostgreSQL that commits to disk, as one would run it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        self._as = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        if self._as:
            shutil.chown(folder, "postgres", "postgres")
        self.url = f"postgresql://{'postgres' if self._as else os.environ['USER']}@/postgres?host={folder}"
        self._run("initdb", "-D", f"{folder}/data", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")

    def start(self) -> None:
        """Start it, and wait until it can be talked to."""
        self._control("-w", "-l", f"{self._folder}/log", "-o", f"{OPTIONS} -k {self._folder}", "start")

    def kill(self) -> None:
        """Stop it at once, whoever is connected."""
        self._control("-w", "-m", "immediate", "stop")

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "-D", f"{self._folder}/data", *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(PROGRAMS[-1] / program), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")


class Budgets:
    """A Redis that keeps nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"unix://{folder}/socket"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        command = ["redis-server", "--port", "0", "--unixsocket", f"{self._folder}/socket", "--save", ""]
        self._process = subprocess.Popen([*command, "--dir", str(self._folder)], stdout=subprocess.DEVNULL)
        while not (self._folder / "socket").is_socket():
            time.sleep(0.01)

    def kill(self) -> None:
        """Stop it at once; what it knew is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        (self._folder / "socket").unlink(missing_ok=True)
