"""`python -m benchmarks.emulator [--requests N]`: startup time of the emulator, and requests per CPU second.

Another process sends the load through plain sockets. The CPU seconds of the emulator hardly depend on the load of the
the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from twelvelabs_async.emulator import Emulator, Plan, Window

ROOT: Final = Path(__file__).parent.parent
CONNECTIONS: Final = 16
KEY: Final = "emulator"
MODELS: Final = [{"model_name": "marengo3.0", "model_options": ["visual"]}]
STARTUP_COUNT: Final = 20
PLAN: Final = Plan(default=(Window(10**9), Window(10**9, 86_400)))
"""Limits that are never reached."""


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.emulator", description="Measure the emulator.")
    parser.add_argument("--requests", type=int, default=20_000, help="requests of each kind (default: %(default)s)")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


async def serve() -> None:
    """Run the emulator until standard input is closed; print its CPU seconds for each line of the input."""
    async with Emulator(api_key=KEY, plan=PLAN) as emulator:
        print(emulator.base_url, flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            print(time.process_time(), flush=True)


async def measure_startup() -> float:
    """Return the median startup time in milliseconds."""
    durations: list[float] = []
    for _ in range(STARTUP_COUNT):
        start = time.perf_counter()
        async with Emulator():
            durations.append(time.perf_counter() - start)
    return statistics.median(durations) * 1e3


@dataclass(frozen=True)
class RequestKind:
    """A kind of request, sent repeatedly."""

    name: str
    method: str
    path: str
    content_type: str = ""
    body: bytes = b""

    def encode(self, base_path: str) -> bytes:
        """Encode the request as HTTP/1.1."""
        head = f"{self.method} {base_path}{self.path} HTTP/1.1\r\nHost: localhost\r\nx-api-key: {KEY}\r\n"
        body_headers = f"Content-Type: {self.content_type}\r\nContent-Length: {len(self.body)}\r\n" if self.body else ""
        return f"{head}{body_headers}\r\n".encode() + self.body


def request_kinds(index: str) -> list[RequestKind]:
    """Return a GET of one object, a GET of a list, and an upload of a small file."""
    parts = [b'name="method"\r\n\r\ndirect', b'name="file"; filename="a.mp4"\r\n\r\n' + bytes(1024)]
    form = b"".join(b"--x\r\nContent-Disposition: form-data; " + part + b"\r\n" for part in parts) + b"--x--\r\n"
    return [
        RequestKind("one index", "GET", f"/indexes/{index}"),
        RequestKind("an empty list", "GET", "/tasks"),
        RequestKind("a file of 1 KiB", "POST", "/assets", "multipart/form-data; boundary=x", form),
    ]


async def send_load(base_url: str, kind: RequestKind, count: int) -> None:
    """Send requests on several connections, sequentially on each."""
    address = urlsplit(base_url)
    request = kind.encode(address.path)

    async def send(request_count: int) -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        for _ in range(request_count):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 2"):
                raise RuntimeError(head.decode())
            await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]))
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(send(count // CONNECTIONS) for _ in range(CONNECTIONS)))


async def create_index(base_url: str) -> str:
    """Create an index and return its id."""
    headers, body = {"x-api-key": KEY}, {"index_name": "films", "models": MODELS}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{base_url}/indexes", json=body) as response,
    ):
        return str((await response.json())["_id"])


class EmulatorProcess:
    """The emulator in another process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.base_url = self._read_line()

    def _read_line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def cpu_seconds(self) -> float:
        """Return the CPU seconds of the emulator since its start."""
        print(file=self._process.stdin, flush=True)
        return float(self._read_line())


def main() -> None:
    """Measure and print a table."""
    args = arguments()
    if args.serve:
        asyncio.run(serve())
        return
    print(f"start: {asyncio.run(measure_startup()):.1f} ms, the median of {STARTUP_COUNT}; {CONNECTIONS} connections")
    print(f"{'':<16}{'per CPU second':>20}{'per second':>12}")
    command = [sys.executable, "-m", "benchmarks.emulator", "--serve"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        process_emulator = EmulatorProcess(process)
        for kind in request_kinds(asyncio.run(create_index(process_emulator.base_url))):
            asyncio.run(send_load(process_emulator.base_url, kind, 1000))  # warm-up
            before, start = process_emulator.cpu_seconds(), time.perf_counter()
            asyncio.run(send_load(process_emulator.base_url, kind, args.requests))
            durations, spent = time.perf_counter() - start, process_emulator.cpu_seconds() - before
            print(f"{kind.name:<16}{args.requests / spent:>20,.0f}{args.requests / durations:>12,.0f}", flush=True)
        process.terminate()


if __name__ == "__main__":
    main()
