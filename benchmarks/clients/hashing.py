"""aiohttp without a client library, which compares the MD5 of each part with the ETag, as `twelvelabs_async` does."""

from __future__ import annotations

from benchmarks.clients.bare import BareClient


class HashingClient(BareClient):
    """Does the same work for an upload as `twelvelabs_async`."""

    hashes_parts = True


def make(origin: str) -> HashingClient:
    """Create a client of the server at `origin`."""
    return HashingClient(origin)
