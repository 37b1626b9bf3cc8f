"""Writes `docs/peers.md`: every method of the official clients, and whether it works against the emulator.

Run it from the top of the repository: `python docs/make_peers.py`. A test fails while the page is out of date, and
others make every call that the page tells about.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any, Final

TOP: Final = Path(__file__).parents[1]
PAGE: Final = TOP / "docs" / "peers.md"
CALLS: Final = TOP / "tests" / "peers" / "calls.toml"

PEERS: Final = {"python": "`TwelveLabs`", "python_async": "`AsyncTwelveLabs`", "javascript": "`twelvelabs-js`"}

TEMPLATE: Final = """\
# The official clients against the emulator

Written by `python docs/make_peers.py` from `tests/peers/calls.toml`; do not edit. Every line is a call that the tests
make: `nox -s tests` those of the Python client {python}, `nox -s peers` those of the JavaScript client {javascript} as
well. A method works (✓) if it returned without an error, its answer was read to the end, and the emulator was asked for
the operation and answered it with success; answers to the Python client must also fit the models it has for them. The
list of methods is compared with what each client really has.

Methods that work: {counts}.

| method | operation | {heads} |
|---|---|{lines}
{rows}

## Notes

{notes}
"""


def page() -> str:
    """The whole page."""
    calls: dict[str, dict[str, Any]] = tomllib.loads(CALLS.read_text("utf-8"))
    notes: list[str] = []
    rows = [f"| `{name}` | `{call['operation']}` | {_marks(call, notes)} |" for name, call in calls.items()]
    return TEMPLATE.format(
        python=_python_version(),
        javascript=json.loads((CALLS.parent / "js" / "package.json").read_text())["dependencies"]["twelvelabs-js"],
        counts=", ".join(f"{head} {_count(calls, peer)}" for peer, head in PEERS.items()),
        heads=" | ".join(PEERS.values()),
        lines="---|" * len(PEERS),
        rows="\n".join(rows),
        notes="\n".join(f"{number}. {note}" for number, note in enumerate(notes, 1)),
    )


def _python_version() -> str:
    project = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["project"]
    found: list[str] = project["optional-dependencies"]["test"]
    return next(line for line in found if line.startswith("twelvelabs==")).removeprefix("twelvelabs==")


def _count(calls: dict[str, dict[str, Any]], peer: str) -> str:
    there = [call for call in calls.values() if peer not in call.get("absent", ())]
    return f"{sum(peer not in call.get('fails', {}) for call in there)} of {len(there)}"


def _marks(call: dict[str, Any], notes: list[str]) -> str:
    return " | ".join(_mark(call, peer, notes) for peer in PEERS)


def _mark(call: dict[str, Any], peer: str, notes: list[str]) -> str:
    if peer in call.get("absent", ()):
        return "does not have it"
    if peer in call.get("fails", {}):
        error, why = call["fails"][peer]
        return f"no ({_numbered(f'`{error}`: it {why}.', notes)})"
    if peer in call.get("limits", {}):
        return f"✓ ({_numbered(call['limits'][peer] + '.', notes)})"
    return "✓"


def _numbered(note: str, notes: list[str]) -> int:
    if note not in notes:
        notes.append(note)
    return notes.index(note) + 1


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
