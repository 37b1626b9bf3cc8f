"""Generate `docs/peers.md`: each method of the official clients, and whether it works against the emulator.

Run it from the top of the repository: `python docs/make_peers.py`. A test fails while the page is out of date, and
other tests run each call of the page.
"""

from __future__ import annotations

import json
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "peers.md"
CALLS: Final = ROOT / "tests" / "peers" / "calls.toml"

PEERS: Final = {"python": "`TwelveLabs`", "python_async": "`AsyncTwelveLabs`", "javascript": "`twelvelabs-js`"}

PAGE_TEMPLATE: Final = """\
# The official clients against the emulator

Written by `python docs/make_peers.py` from `tests/peers/calls.toml`; do not edit. Every line is a call of the tests:
`nox -s tests` calls the Python client {python}, and `nox -s peers` the JavaScript client {javascript} as well. A method
works (✓) if it returns without an error, its response is read to the end, and the emulator receives the request of the
operation and responds with success; responses to the Python client must also fit the models of that client. A test
compares the list with the methods of each client.

Methods that work: {counts}.

| method | operation | {heads} |
|---|---|{lines}
{rows}

## Notes

{notes}
"""


def page() -> str:
    """Return the content of the page."""
    calls: dict[str, dict[str, Any]] = tomllib.loads(CALLS.read_text("utf-8"))
    notes: list[str] = []
    rows = [f"| `{name}` | `{call['operation']}` | {_cells(call, notes)} |" for name, call in calls.items()]
    return PAGE_TEMPLATE.format(
        python=version("twelvelabs"),
        javascript=json.loads((CALLS.parent / "js" / "package.json").read_text())["dependencies"]["twelvelabs-js"],
        counts=", ".join(f"{head} {_count(calls, peer)}" for peer, head in PEERS.items()),
        heads=" | ".join(PEERS.values()),
        lines="---|" * len(PEERS),
        rows="\n".join(rows),
        notes="\n".join(f"{number}. {note}" for number, note in enumerate(notes, 1)),
    )


def _count(calls: dict[str, dict[str, Any]], peer: str) -> str:
    existing = [call for call in calls.values() if peer not in call.get("absent", ())]
    return f"{sum(peer not in call.get('fails', {}) for call in existing)} of {len(existing)}"


def _cells(call: dict[str, Any], notes: list[str]) -> str:
    return " | ".join(_cell(call, peer, notes) for peer in PEERS)


def _cell(call: dict[str, Any], peer: str, notes: list[str]) -> str:
    if peer in call.get("absent", ()):
        return "does not have it"
    if peer in call.get("fails", {}):
        error, reason = call["fails"][peer]
        return f"no ({_footnote_number(f'`{error}`: it {reason}.', notes)})"
    if peer in call.get("limits", {}):
        return f"✓ ({_footnote_number(call['limits'][peer] + '.', notes)})"
    return "✓"


def _footnote_number(note: str, notes: list[str]) -> int:
    if note not in notes:
        notes.append(note)
    return notes.index(note) + 1


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
