"""aiohttp without a client library that compares the MD5 of each part with the ETag, like `twelvelabs_async`."""

from __future__ import annotations

from benchmarks.clients.bare import BareClient


class HashingClient(BareClient):
    """Verifies uploads like `twelvelabs_async`."""

    hashes_parts = True


def make(origin: str) -> HashingClient:
    """Create a client of the server at `origin`."""
    return HashingClient(origin)
