"""A PostgreSQL server of the tests' own, on a socket in a folder; they are skipped where it is not installed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
import pytest

FOLDERS: Final = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
FAST: Final = "-c fsync=off -c listen_addresses='' -c max_connections=60"


def binary(name: str) -> str:
    """Where a program of PostgreSQL is."""
    found = shutil.which(name) or next((str(folder / name) for folder in FOLDERS if (folder / name).exists()), None)
    if found is None:
        pytest.skip(f"there is no {name}: Debian has it as postgresql")
    return found


class Server:
    """A server that can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        name = "postgres" if self._user else pwd.getpwuid(os.getuid()).pw_name
        self.url = f"postgresql://{name}@/postgres?host={folder}"

    def make(self) -> None:
        """Lay its files out."""
        data = self._folder / "data"
        self._run("initdb", "-D", str(data), "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")

    def start(self) -> None:
        """Start it, and wait until it can be talked to."""
        options = f"{FAST} -k {self._folder}"
        self._run(
            "pg_ctl", "-D", str(self._folder / "data"), "-w", "-l", str(self._folder / "log"), "-o", options, "start"
        )

    def stop(self) -> None:
        """Stop it at once, whoever is connected."""
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-w", "-m", "immediate", "stop")

    def emptied(self) -> str:
        """Its address, with nothing in the database."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        return self.url

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._user, binary(program), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")  # noqa: S603


@contextmanager
def postgres() -> Generator[Server]:
    """A new server, gone at the end with all that it kept."""
    binary("initdb")
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))  # not the test's own: a socket has a short path
    try:
        if os.getuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        server = Server(folder)
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
