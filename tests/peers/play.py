"""One call of a client by others, from what it needs to what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scenes.stage import Stage

from peers.needs import made
from peers.table import Call, Peer, replaced


async def played(call: Call, name: str, peer: Peer, stage: Stage, files: dict[str, Path]) -> str:
    """Make a call, and tell what is not as the table says; nothing is good."""
    done: dict[str, Any] = {"film": str(files["film.mp4"])}
    arguments = await _resolved(call, stage, done, files)
    stage.emulator.requests.clear()
    error = await peer.call(call.method, *arguments)
    if name in call.fails:
        part, _ = call.fails[name]
        return "" if part in error else f"expected {part!r}, and it said {error!r}"
    answered = [request for request in stage.emulator.requests if request.status < 400]
    if not error and call.operation not in {request.route for request in answered}:
        return f"{call.operation} was not asked for: {[*stage.emulator.requests]}"
    return error


async def _resolved(call: Call, stage: Stage, done: dict[str, Any], files: dict[str, Path]) -> tuple[list[str], Any]:
    found = {name: await made(stage, name[1:], done) for name in sorted(call.needs())}

    def fill(value: Any) -> Any:
        if isinstance(value, str):
            return found.get(value, value)
        return next((path for name, path in files.items() if value == {"file": name}), value)

    return replaced([*call.ids], fill), replaced(call.given, fill)
