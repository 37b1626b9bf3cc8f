"""`python -m benchmarks.emulator [--requests N]`: how fast the emulator starts, and how much it answers on one core.

The load comes from another process, by bare sockets. Counted are the processor seconds of the emulator, so that the
figure is the same on a busy machine.
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
STARTS: Final = 20
PLAN: Final = Plan(default=(Window(10**9), Window(10**9, 86_400)))
"""Limits that are counted and never reached."""


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.emulator", description="The emulator itself.")
    parser.add_argument("--requests", type=int, default=20_000, help="requests of each kind (default: %(default)s)")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


async def serve() -> None:
    """Be the emulator until standard input ends; for each line, tell the processor seconds."""
    async with Emulator(api_key=KEY, plan=PLAN) as emulator:
        print(emulator.base_url, flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            print(time.process_time(), flush=True)


async def starts() -> float:
    """Milliseconds from nothing to listening, the median."""
    took: list[float] = []
    for _ in range(STARTS):
        began = time.perf_counter()
        async with Emulator():
            took.append(time.perf_counter() - began)
    return statistics.median(took) * 1e3


@dataclass(frozen=True)
class Kind:
    """One request that is sent over and over."""

    name: str
    method: str
    path: str
    content_type: str = ""
    body: bytes = b""

    def written(self, base_path: str) -> bytes:
        """Return it as it goes over the wire."""
        head = f"{self.method} {base_path}{self.path} HTTP/1.1\r\nHost: a\r\nx-api-key: {KEY}\r\n"
        about = f"Content-Type: {self.content_type}\r\nContent-Length: {len(self.body)}\r\n" if self.body else ""
        return f"{head}{about}\r\n".encode() + self.body


def kinds(index: str) -> list[Kind]:
    """Return what is asked for: something small to read, a list, and a small file to keep."""
    parts = [b'name="method"\r\n\r\ndirect', b'name="file"; filename="a.mp4"\r\n\r\n' + bytes(1024)]
    form = b"".join(b"--x\r\nContent-Disposition: form-data; " + part + b"\r\n" for part in parts) + b"--x--\r\n"
    return [
        Kind("one index", "GET", f"/indexes/{index}"),
        Kind("an empty list", "GET", "/tasks"),
        Kind("a file of 1 KiB", "POST", "/assets", "multipart/form-data; boundary=x", form),
    ]


async def load(base_url: str, kind: Kind, count: int) -> None:
    """Send requests on several connections, each when the one before is answered."""
    address = urlsplit(base_url)
    request = kind.written(address.path)

    async def send(times: int) -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        for _ in range(times):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 2"):
                raise RuntimeError(head.decode())
            await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]))
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(send(count // CONNECTIONS) for _ in range(CONNECTIONS)))


async def prepare(base_url: str) -> str:
    """Make an index to ask for."""
    headers, body = {"x-api-key": KEY}, {"index_name": "films", "models": MODELS}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{base_url}/indexes", json=body) as response,
    ):
        return str((await response.json())["_id"])


class Served:
    """The emulator in another process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.base_url = self._read()

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def spent(self) -> float:
        """Return its processor seconds so far."""
        print(file=self._process.stdin, flush=True)
        return float(self._read())


def main() -> None:
    """Measure, and print a table."""
    args = arguments()
    if args.serve:
        asyncio.run(serve())
        return
    print(f"start: {asyncio.run(starts()):.1f} ms, the median of {STARTS}; {CONNECTIONS} connections")
    print(f"{'':<16}{'a processor second':>20}{'a second':>12}")
    command = [sys.executable, "-m", "benchmarks.emulator", "--serve"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        served = Served(process)
        for kind in kinds(asyncio.run(prepare(served.base_url))):
            asyncio.run(load(served.base_url, kind, 1000))  # the first ones are slower
            before, began = served.spent(), time.perf_counter()
            asyncio.run(load(served.base_url, kind, args.requests))
            took, spent = time.perf_counter() - began, served.spent() - before
            print(f"{kind.name:<16}{args.requests / spent:>20,.0f}{args.requests / took:>12,.0f}", flush=True)
        process.terminate()


if __name__ == "__main__":
    main()
