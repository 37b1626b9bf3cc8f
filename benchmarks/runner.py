"""Runs the rounds: a fresh process for each sample, the clients in turns, the server on another core."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import trustme

from benchmarks import ceiling
from benchmarks.clients import CLIENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from benchmarks.cases import Case
    from benchmarks.work import Figures

ROOT = Path(__file__).parent.parent
PATIENCE = 900.0
"""Seconds after which a sample has hung."""

SERVER, MD5 = "server", "md5"
"""What is measured beside the clients: the server's ceiling, and hashing alone."""

Samples = dict[str, dict[str, list["Figures"]]]
"""Figures by case, client and round."""


class Server:
    """The server's process, and what it says of itself."""

    def __init__(self, origin: str, tls_origin: str, authority: Path) -> None:
        address = urlsplit(origin)
        self.origin = origin
        self.tls_origin = tls_origin
        self.authority = authority
        self._connection = http.client.HTTPConnection(address.hostname or "", address.port)

    def stats(self) -> dict[str, float]:
        """Processor seconds, and what was counted."""
        self._connection.request("GET", "/stats")
        counted: dict[str, float] = json.loads(self._connection.getresponse().read())
        return counted


@contextmanager
def server(core: int | None, folder: Path) -> Generator[Server]:
    """A server of our own, gone at the end. Its certificate, and who signed it, are in `folder`."""
    authority, own = folder / "authority.pem", folder / "server.pem"
    signer = trustme.CA()
    signer.cert_pem.write_to_path(authority)
    signer.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(own)
    command = [sys.executable, "-m", "benchmarks.server", "--certificate", str(own)]
    command += [] if core is None else ["--core", str(core)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        plain, tls = process.stdout.readline().strip(), process.stdout.readline().strip()
        yield Server(plain, tls, authority)
        process.stdin.close()


def run(chosen: Sequence[Case], rounds: int, at: Server, folder: Path) -> Samples:
    """All samples of all rounds. A first round is thrown away: modules are compiled, the large upload is checked."""
    samples: Samples = {case.name: {} for case in chosen}
    for number in range(rounds + 1):
        shift = number % len(CLIENTS)  # nobody is always the first
        for case in chosen:
            say(f"round {number} of {rounds}: {case.name}")
            if not number and not case.code and not case.rehearsal:
                continue  # as good the first time
            for client in (*CLIENTS[shift:], *CLIENTS[:shift], *case.more):
                options = case.options if number else {**case.options, **case.rehearsal}
                figures = sample(case, client, options, at, folder)
                if number:
                    samples[case.name].setdefault(client, []).append(figures)
            for name in case.beside if number else ():
                samples[case.name].setdefault(name, []).append(BESIDE[name](case, at))
    say("")
    return samples


def say(text: str) -> None:
    """Where it stands, in one line of a terminal."""
    if sys.stderr.isatty():
        print(f"\r{text:<50}\r", end="", file=sys.stderr, flush=True)


def sample(case: Case, client: str, options: Mapping[str, Any], at: Server, folder: Path) -> Figures:
    """One sample in a process of its own."""
    if case.code:
        return _whole([sys.executable, "-c", case.code[client], at.origin])
    origin = at.tls_origin if case.tls else at.origin
    command = [sys.executable, "-m", "benchmarks.sample", client, case.work, origin, json.dumps(dict(options))]
    before = at.stats()
    output, disk = _watch(command, folder, {"SSL_CERT_FILE": str(at.authority)} if case.tls else {})
    figures: Figures = json.loads(output)
    after = at.stats()
    return {
        **figures,
        "disk": disk,
        "server_cpu": after["cpu"] - before["cpu"],
        "connections": after["connections"] - before["connections"],
        "requests": after["requests"] - before["requests"] - 1,
        "received": after["received"] - before["received"],
    }


def _whole(command: list[str]) -> Figures:
    start = time.perf_counter()
    done = subprocess.run(
        command, cwd=ROOT, env=_environment(), check=True, stdout=subprocess.PIPE, text=True, timeout=PATIENCE
    )
    return {"seconds": time.perf_counter() - start, "count": 1, "peak": float(done.stdout)}


def _watch(command: list[str], folder: Path, more: Mapping[str, str]) -> tuple[str, int]:
    """Run a process; its output, and by how many bytes it made the folder grow at most."""
    before = most = _size(folder)
    limit = time.monotonic() + PATIENCE
    with subprocess.Popen(
        command, cwd=ROOT, env={**_environment(), **more}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        while True:
            try:
                process.wait(0.1)
                break
            except subprocess.TimeoutExpired:
                most = max(most, _size(folder))
                if time.monotonic() > limit:
                    process.kill()
                    raise
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)
        return process.stdout.read(), most - before


def _ceiling(case: Case, at: Server) -> Figures:
    before = at.stats()
    if "path" in case.options:
        figures = ceiling.puts(at.origin, size=Path(case.options["path"]).stat().st_size)
    else:
        figures = ceiling.gets(at.origin, count=20_000, at_once=case.options["at_once"])
    after = at.stats()
    return {
        **figures,
        "server_cpu": after["cpu"] - before["cpu"],
        "connections": after["connections"] - before["connections"],
    }


def _hashing(case: Case, _: Server) -> Figures:
    return ceiling.hashing(size=Path(case.options["path"]).stat().st_size)


BESIDE: Final[dict[str, Callable[[Case, Server], Figures]]] = {SERVER: _ceiling, MD5: _hashing}


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except OSError:
            continue  # gone meanwhile
    return total


def _environment() -> dict[str, Any]:
    """Ours, without what would change how a client behaves."""
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(("TWELVE", "PYTHON"))}
