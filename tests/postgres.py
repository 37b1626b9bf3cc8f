"""A PostgreSQL server for tests, on a Unix socket. Tests that need it are skipped if it is not installed."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
import pytest

BIN_DIRECTORIES: Final = [*sorted(Path("/usr/lib/postgresql").glob("*/bin")), Path("/usr/sbin")]
FAST_OPTIONS: Final = "-c fsync=off -c listen_addresses='' -c max_connections=60"


def find_binary(name: str) -> str:
    """Return the path of a program of PostgreSQL; skip the test if it is not installed."""
    found = shutil.which(name) or next(
        (str(folder / name) for folder in BIN_DIRECTORIES if (folder / name).exists()), None
    )
    if found is None:
        pytest.skip(f"{name} is not installed; on Debian it is in the package postgresql or pgbouncer")
    return found


class PostgresServer:
    """A server that can be stopped and restarted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run_as = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        self.user = "postgres" if self.run_as else pwd.getpwuid(os.getuid()).pw_name
        self.url = f"postgresql://{self.user}@/postgres?host={folder}"

    def init_cluster(self) -> None:
        """Create the data directory."""
        data = self.folder / "data"
        self._run("initdb", "-D", str(data), "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")

    def start(self) -> None:
        """Start the server and wait until it accepts connections."""
        options = f"{FAST_OPTIONS} -k {self.folder}"
        self._run(
            "pg_ctl", "-D", str(self.folder / "data"), "-w", "-l", str(self.folder / "log"), "-o", options, "start"
        )

    def stop(self) -> None:
        """Stop the server immediately, even with open connections."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", "immediate", "stop")

    def reset_database(self) -> str:
        """Empty the database, and return its URL."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        return self.url

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self.run_as, find_binary(program), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")  # noqa: S603


@contextmanager
def postgres() -> Generator[PostgresServer]:
    """Run a new server, and delete its files at the end."""
    find_binary("initdb")
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))  # not tmp_path: the path of a socket must be short
    try:
        if os.getuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        server = PostgresServer(folder)
        server.init_cluster()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _accepts_connections(path: Path) -> bool:
    """Return whether a server listens on a socket; it may have created the file, or another one may have left it."""
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(str(path)) == 0


@contextmanager
def pooler(server: PostgresServer) -> Generator[str]:
    """Run pgbouncer in transaction mode in front of a server, and yield the URL of the pooled database."""
    folder = server.folder
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(
        f"[databases]\n* = host={folder} user={server.user}\n[pgbouncer]\nlisten_addr=\nunix_socket_dir={folder}\n"
        f"listen_port=6999\nauth_type=any\npool_mode=transaction\nserver_idle_timeout=1\n"
    )
    configuration.chmod(0o644)
    command = [*server.run_as, find_binary("pgbouncer"), "--quiet", str(configuration)]
    with subprocess.Popen(command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:  # noqa: S603
        try:
            while not _accepts_connections(folder / ".s.PGSQL.6999"):
                assert process.poll() is None
                time.sleep(0.01)
            yield f"{server.url}&port=6999"
        finally:
            process.terminate()
