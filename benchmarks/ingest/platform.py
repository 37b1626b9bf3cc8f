"""`python -m benchmarks.ingest.platform OPTIONS`: the emulator in a process of its own, and how to look into it."""

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

KEY: Final = "emulator"
KINDS: Final[tuple[dict[str, Any], ...]] = ({"status": 503}, {"status": 500}, {"reset": "before"}, {"reset": "after"})
"""Faults, in equal shares; after the last of them the work is done, and the caller does not know."""


async def serve(options: dict[str, Any]) -> None:
    """Print the address, and serve until killed."""
    timing = Timing(**options.pop("timing", {}))
    async with Emulator(timing=timing, probe=False, upload_headers={}, journal_size=1_000_000, **options) as emulator:
        print(emulator.base_url, flush=True)
        await asyncio.Event().wait()


@attrs.frozen
class Platform:
    """An emulator somewhere else."""

    base_url: str

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Its own questions and answers, below `/_emulator`."""
        url = f"{self.base_url.rpartition('/')[0]}/_emulator{path}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310  # an address of this machine
            url, data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  # the same
            content = answer.read()
        return json.loads(content) if content else None

    def fail_by_chance(self, share: float) -> None:
        """Let that share of the requests fail, to the API and to storage alike."""
        for seed, kind in enumerate(KINDS):
            fault = {"operation": "*", "times": None, "probability": share / len(KINDS), "seed": seed, **kind}
            self.ask("POST", "/faults", fault)

    def indexed(self) -> Counter[str]:
        """How often each file name is in the index, ready."""
        state = self.ask("GET", "/state")
        names = {asset["_id"]: asset["filename"] for asset in state["assets"]}
        return Counter(names[one["asset_id"]] for one in state["indexed_assets"] if one["status"] == "ready")

    def assets(self) -> int:
        """How many assets there are."""
        return len(self.ask("GET", "/state")["assets"])

    def received(self) -> int:
        """Bytes of files that arrived, also in requests that failed."""
        took = [*self.ask("GET", "/requests?route=storage"), *self.ask("GET", "/requests?route=POST%20/assets")]
        return sum(request["size"] for request in took)

    def requests(self) -> Counter[str]:
        """How often each operation was asked for."""
        return Counter(request["route"] for request in self.ask("GET", "/requests"))


@asynccontextmanager
async def platform(**options: Any) -> AsyncGenerator[Platform]:
    """An emulator in a process of its own, for as long as the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.ingest.platform", json.dumps(options), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        yield Platform((await process.stdout.readline()).decode().strip())
    finally:
        with suppress(ProcessLookupError):  # whoever stopped us may have stopped it as well
            process.kill()
        await process.wait()


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))
