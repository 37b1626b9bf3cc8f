"""POSIX-only functions are used in few modules, each with an alternative."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import twelvelabs_async
from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import samples
from twelvelabs_async.resources.assets import UploadMethod

ROOT = Path(twelvelabs_async.__file__).parent
POSIX_ONLY = {
    *("pread", "pwrite", "preadv", "readv", "writev", "sendfile", "posix_fadvise", "fchmod", "fchown", "statvfs"),
    *("link", "mkfifo", "mknod", "chown", "lchown", "chroot", "sync", "openpty", "fdatasync", "set_blocking"),
    *("fork", "forkpty", "wait", "wait3", "WNOHANG", "WIFEXITED", "getuid", "geteuid", "getgid", "getegid", "setuid"),
    *("nice", "setsid", "setpgid", "getpgid", "getpgrp", "killpg", "getloadavg", "pipe2", "O_SYNC", "EX_OK"),
    *("SIGCHLD", "SIGQUIT", "SIGCONT", "SIGTSTP", "SIGWINCH", "sigwait", "pthread_kill", "alarm", "setitimer", "pause"),
    *("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "SO_PEERCRED", "MSG_DONTWAIT", "MSG_NOSIGNAL", "sethostname"),
    *("O_NONBLOCK", "O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC", "register_at_fork", "sched_getaffinity", "uname"),
    *("SIGKILL", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGSTOP", "SIGALRM", "SIGPIPE", "AF_UNIX", "SO_REUSEPORT"),
}
POSIX_MODULES = {"fcntl", "pwd", "grp", "resource", "termios", "tty", "pty", "syslog"}
ALLOWED = {("_system.py", name) for name in ("pread", "link", "register_at_fork")}
GUARDED_MODULES = {("_system.py", "fcntl"), ("_system.py", "termios")}


def posix_names(tree: ast.AST) -> Iterator[str]:
    """Yield the POSIX-only names that a module takes from `os`, `signal` and `socket`."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="os" | "signal" | "socket"), attr=name) if name in POSIX_ONLY:
                yield name
            case ast.ImportFrom(module="os" | "signal" | "socket", names=names):
                yield from (alias.name for alias in names if alias.name in POSIX_ONLY)
            case _:
                pass


def imported_modules(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(name)):
                yield name
            case _:
                pass


@pytest.mark.parametrize("name", sorted(str(file.relative_to(ROOT)) for file in ROOT.rglob("*.py")))
def test_posix_names_are_used_only_where_allowed(name: str) -> None:
    tree = ast.parse((ROOT / name).read_text("utf-8"))
    assert {(name, posix_name) for posix_name in posix_names(tree)} <= ALLOWED
    assert {(name, module) for module in imported_modules(tree) if module in POSIX_MODULES} <= GUARDED_MODULES


@pytest.mark.parametrize(
    "source",
    ["import os\nos.pread(1, 2, 3)", "from os import pread", "import signal\nsignal.SIGHUP"],
)
def test_each_form_of_a_posix_name_is_detected(source: str) -> None:
    assert [*posix_names(ast.parse(source))]


@pytest.mark.parametrize("source", ["import fcntl", "from fcntl import flock", "def f():\n    import termios"])
def test_each_form_of_an_import_is_detected(source: str) -> None:
    assert POSIX_MODULES & {*imported_modules(ast.parse(source))}


@pytest.mark.parametrize("method", ["direct", "multipart"])
async def test_p30_a_file_is_uploaded_where_the_system_lacks_posix_names(
    method: UploadMethod, tmp_path: Path, client: AsyncTwelveLabs, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = tmp_path / "a.mp4"
    film.write_bytes(samples.video(3, size=3 << 20))
    for name in POSIX_ONLY:
        monkeypatch.delattr(os, name, raising=False)
    asset = await client.assets.upload(film, method=method)
    assert asset.filename == "a.mp4"


async def test_p30_files_are_ingested_with_a_ledger_where_the_system_lacks_posix_names(
    tmp_path: Path, client: AsyncTwelveLabs, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.mp4").write_bytes(samples.video(9))
    index = await client.indexes.create(
        index_name="films", models=[{"model_name": "marengo3.0", "model_options": ["visual"]}]
    )
    for name in POSIX_ONLY:
        monkeypatch.delattr(os, name, raising=False)
    run = client.ingest(tmp_path, index_id=index.id, ledger=tmp_path / "films.ledger")
    assert (await run.summary()).ready == 1
