"""Runs one call of an official client."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scenarios.setup import Harness

from peers.needs import create_prerequisite
from peers.table import Peer, PeerCall, replace_values


async def run_call(call: PeerCall, peer_name: str, peer: Peer, harness: Harness, files: dict[str, Path]) -> str:
    """Run a call and return how its outcome differs from the table; an empty string means no difference."""
    created: dict[str, Any] = {"film": str(files["film.mp4"])}
    arguments = await _resolve_arguments(call, harness, created, files)
    harness.emulator.requests.clear()
    error = await peer.call(call.method, *arguments)
    if peer_name in call.fails:
        part, _ = call.fails[peer_name]
        return "" if part in error else f"expected {part!r}, got {error!r}"
    succeeded = [request for request in harness.emulator.requests if request.status < 400]
    if not error and call.operation not in {request.route for request in succeeded}:
        return f"{call.operation} was not called: {[*harness.emulator.requests]}"
    return error


async def _resolve_arguments(
    call: PeerCall, harness: Harness, created: dict[str, Any], files: dict[str, Path]
) -> tuple[list[str], Any]:
    prerequisites = {
        name: await create_prerequisite(harness, name[1:], created) for name in sorted(call.prerequisites())
    }

    def fill(value: Any) -> Any:
        if isinstance(value, str):
            return prerequisites.get(value, value)
        return next((path for name, path in files.items() if value == {"file": name}), value)

    return replace_values([*call.ids], fill), replace_values(call.given, fill)
