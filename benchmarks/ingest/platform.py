"""`python -m benchmarks.ingest.platform OPTIONS`: the emulator in a separate process, and a client of its admin API."""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.request
from collections import Counter
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import attrs

from twelvelabs_async.emulator import Emulator, Timing

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

API_KEY: Final = "emulator"
FAULT_KINDS: Final[tuple[dict[str, Any], ...]] = (
    {"status": 503},
    {"status": 500},
    {"reset": "before"},
    {"reset": "after"},
)
"""Faults with equal probability. The last one executes the request and drops the response."""


async def serve(options: dict[str, Any]) -> None:
    """Print the base URL, and serve until the process is killed."""
    timing = Timing(**options.pop("timing", {}))
    async with Emulator(timing=timing, inspect_media=False, request_log_size=1_000_000, **options) as emulator:
        print(emulator.base_url, flush=True)
        await asyncio.Event().wait()


@attrs.frozen
class EmulatorProcess:
    """An emulator in another process."""

    base_url: str

    def admin_request(self, method: str, path: str, body: object = None) -> Any:
        """Send a request to the admin API, below `/_emulator`."""
        url = f"{self.base_url.rpartition('/')[0]}/_emulator{path}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310  # a local URL
            url, data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310  # a local URL
            content = response.read()
        return json.loads(content) if content else None

    def inject_random_faults(self, share: float) -> None:
        """Make this share of the requests to the API and to storage fail."""
        for seed, kind in enumerate(FAULT_KINDS):
            fault = {"operation": "*", "times": None, "probability": share / len(FAULT_KINDS), "seed": seed, **kind}
            self.admin_request("POST", "/faults", fault)

    def inject_outage(self) -> None:
        """Reset the connection of each request until `clear_faults` is called."""
        self.admin_request("POST", "/faults", {"operation": "*", "times": None, "reset": "before"})

    def slow_down(self, seconds: float = 0.5) -> None:
        """Delay each upload, so that many uploads are in progress during a fault."""
        self.admin_request("POST", "/faults", {"operation": "POST /assets", "times": None, "delay": seconds})

    def clear_faults(self) -> None:
        """Remove all faults."""
        self.admin_request("DELETE", "/faults")

    def indexed_counts(self) -> Counter[str]:
        """Return the number of ready index entries by filename."""
        state = self.admin_request("GET", "/state")
        names = {asset["_id"]: asset["filename"] for asset in state["assets"]}
        return Counter(
            names[indexed["asset_id"]] for indexed in state["indexed_assets"] if indexed["status"] == "ready"
        )

    def asset_count(self) -> int:
        """Return the number of assets."""
        return len(self.admin_request("GET", "/state")["assets"])

    def bytes_received(self) -> int:
        """Return the bytes of files in all requests, including failed requests."""
        uploads = [
            *self.admin_request("GET", "/requests?route=storage"),
            *self.admin_request("GET", "/requests?route=POST%20/assets"),
        ]
        return sum(request["size"] for request in uploads)

    def request_counts(self) -> Counter[str]:
        """Return the number of requests of each operation."""
        return Counter(request["route"] for request in self.admin_request("GET", "/requests"))


@asynccontextmanager
async def start_emulator(**options: Any) -> AsyncGenerator[EmulatorProcess]:
    """Start an emulator in a separate process, and kill it at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.ingest.platform", json.dumps(options), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        yield EmulatorProcess((await process.stdout.readline()).decode().strip())
    finally:
        with suppress(ProcessLookupError):  # the process may have ended
            process.kill()
        await process.wait()


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))
