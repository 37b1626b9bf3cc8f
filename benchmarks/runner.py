"""Runs the rounds: a new process for each sample, one client after the other, with the server on another core."""

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
SAMPLE_TIMEOUT = 900.0
"""Seconds after which a sample is killed."""

SERVER, MD5 = "server", "md5"
"""Measurements without a client: the limit of the server, and hashing alone."""

Samples = dict[str, dict[str, list["Figures"]]]
"""Figures by case, client and round."""


class ServerProcess:
    """The process of the server, and access to its counters."""

    def __init__(self, origin: str, tls_origin: str, authority: Path) -> None:
        url = urlsplit(origin)
        self.origin = origin
        self.tls_origin = tls_origin
        self.authority = authority
        self._connection = http.client.HTTPConnection(url.hostname or "", url.port)

    def stats(self) -> dict[str, float]:
        """Return CPU seconds and the counters of the server."""
        self._connection.request("GET", "/stats")
        counters: dict[str, float] = json.loads(self._connection.getresponse().read())
        return counters


@contextmanager
def start_server(core: int | None, folder: Path) -> Generator[ServerProcess]:
    """Start the server, and stop it at the end; write the certificates of the server and of the CA to `folder`."""
    authority, certificate = folder / "authority.pem", folder / "server.pem"
    ca = trustme.CA()
    ca.cert_pem.write_to_path(authority)
    ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
    command = [sys.executable, "-m", "benchmarks.server", "--certificate", str(certificate)]
    command += [] if core is None else ["--core", str(core)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        origin, tls_origin = process.stdout.readline().strip(), process.stdout.readline().strip()
        yield ServerProcess(origin, tls_origin, authority)
        process.stdin.close()


def run_rounds(cases: Sequence[Case], rounds: int, target: ServerProcess, folder: Path) -> Samples:
    """Take all samples. A warm-up round creates the bytecode files and verifies the large upload."""
    samples: Samples = {case.name: {} for case in cases}
    for number in range(rounds + 1):
        shift = number % len(CLIENTS)  # each client is the first one in some rounds
        for case in cases:
            show_progress(f"round {number} of {rounds}: {case.name}")
            if not number and not case.code and not case.warmup_options:
                continue  # no warm-up needed
            for client in (*CLIENTS[shift:], *CLIENTS[:shift], *case.extra_clients):
                options = case.options if number else {**case.options, **case.warmup_options}
                figures = take_sample(case, client, options, target, folder)
                if number:
                    samples[case.name].setdefault(client, []).append(figures)
            for name in case.baselines if number else ():
                samples[case.name].setdefault(name, []).append(BASELINES[name](case, target))
    show_progress("")
    return samples


def show_progress(text: str) -> None:
    """Show the progress on one line of the terminal."""
    if sys.stderr.isatty():
        print(f"\r{text:<50}\r", end="", file=sys.stderr, flush=True)


def take_sample(case: Case, client: str, options: Mapping[str, Any], target: ServerProcess, folder: Path) -> Figures:
    """Take one sample in a new process."""
    if case.code:
        return _time_process([sys.executable, "-c", case.code[client], target.origin])
    origin = target.tls_origin if case.tls else target.origin
    command = [sys.executable, "-m", "benchmarks.sample", client, case.work, origin]
    command += [json.dumps(dict(options)), case.loop]
    before = target.stats()
    output, disk = _run_and_measure_disk(command, folder, {"SSL_CERT_FILE": str(target.authority)} if case.tls else {})
    figures: Figures = json.loads(output)
    after = target.stats()
    return {
        **figures,
        "disk": disk,
        "server_cpu": after["cpu"] - before["cpu"],
        "connections": after["connections"] - before["connections"],
        "requests": after["requests"] - before["requests"] - 1,
        "received": after["received"] - before["received"],
    }


def _time_process(command: list[str]) -> Figures:
    start = time.perf_counter()
    process = subprocess.run(
        command, cwd=ROOT, env=_environment(), check=True, stdout=subprocess.PIPE, text=True, timeout=SAMPLE_TIMEOUT
    )
    return {"seconds": time.perf_counter() - start, "count": 1, "peak": float(process.stdout)}


def _run_and_measure_disk(command: list[str], folder: Path, extra_environment: Mapping[str, str]) -> tuple[str, int]:
    """Run a process; return its output and the maximum growth of the folder in bytes."""
    before = maximum = _folder_size(folder)
    limit = time.monotonic() + SAMPLE_TIMEOUT
    with subprocess.Popen(
        command, cwd=ROOT, env={**_environment(), **extra_environment}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        while True:
            try:
                process.wait(0.1)
                break
            except subprocess.TimeoutExpired:
                maximum = max(maximum, _folder_size(folder))
                if time.monotonic() > limit:
                    process.kill()
                    raise
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)
        return process.stdout.read(), maximum - before


def _measure_ceiling(case: Case, target: ServerProcess) -> Figures:
    before = target.stats()
    if "path" in case.options:
        figures = ceiling.measure_puts(target.origin, size=Path(case.options["path"]).stat().st_size)
    else:
        figures = ceiling.measure_gets(target.origin, count=20_000, concurrency=case.options["concurrency"])
    after = target.stats()
    return {
        **figures,
        "server_cpu": after["cpu"] - before["cpu"],
        "connections": after["connections"] - before["connections"],
    }


def _measure_hashing(case: Case, _: ServerProcess) -> Figures:
    return ceiling.measure_hashing(size=Path(case.options["path"]).stat().st_size)


BASELINES: Final[dict[str, Callable[[Case, ServerProcess], Figures]]] = {
    SERVER: _measure_ceiling,
    MD5: _measure_hashing,
}


def _folder_size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except OSError:
            continue  # deleted in the meantime
    return total


def _environment() -> dict[str, Any]:
    """Return the environment without variables that configure a client or Python."""
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(("TWELVE", "PYTHON"))}
