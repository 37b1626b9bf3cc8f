"""Writes `docs/migration-methods.md`: every method of the official Python SDK, and what to write instead.

Run it from the top of the repository: `python docs/make_migration.py`. A test fails while the page is out of date.
"""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any, Final

import twelvelabs

from twelvelabs_async import AsyncTwelveLabs

TOP: Final = Path(__file__).parents[1]
PAGE: Final = TOP / "docs" / "migration-methods.md"
CALLS: Final = TOP / "tests" / "peers" / "calls.toml"

INSTEAD: Final = {
    "multipart_upload.upload_file": "`client.assets.upload(path)`",
    "multipart_upload.wait_for_upload_completion": "`client.assets.upload(path, wait=True)`",
    "tasks.create_bulk": "`client.ingest(sources, index_id=...)`, which loses none",
    "embed.tasks.create_bulk": "`client.embed.v_2.tasks.create` for each, then `.wait_for_all(ids)`",
}
"""What stands in the place of helpers that are called otherwise here."""

RENAMED: Final = {"prompt_v_2": "prompt_v2"}
"""Parameters that have the name of the API here."""

NOT_HERE: Final = {
    "adjust_confidence_level": "no part of the API v1.3",
    "threshold": "no part of the API v1.3",
    "sort_option": "no part of the API v1.3",
    "query_media_urls": "`query_media_url` takes a list",
    "query_media_files": "`query_media_file` takes a list",
}
"""Parameters that are left out, and why."""

TEMPLATE: Final = """\
# Every method, side by side

Written by `python docs/make_migration.py` from both clients; do not edit. {same} of {all} methods are called as they
are in the official SDK {version}, with `await`; `request_options=` becomes `client.with_options(...)`.

| official | here |
|---|---|
{rows}
"""


def page() -> str:
    """The whole page."""
    theirs, ours = twelvelabs.AsyncTwelveLabs(api_key="nobody"), AsyncTwelveLabs("nobody")
    names = list(tomllib.loads(CALLS.read_text("utf-8")))
    rows = [f"| `{name}` | {_here(name, theirs, ours)} |" for name in names]
    project = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    version = next(line for line in project["test"] if line.startswith("twelvelabs==")).removeprefix("twelvelabs==")
    return TEMPLATE.format(
        same=sum(row.endswith("| the same |") for row in rows), all=len(rows), version=version, rows="\n".join(rows)
    )


def _here(name: str, theirs: Any, ours: Any) -> str:
    if name in INSTEAD:
        return INSTEAD[name]
    given, taken = _parameters(theirs, name), _parameters(ours, name)
    notes = [f"`{old}=` is `{new}=`" for old, new in RENAMED.items() if old in given]
    notes += [f"no `{gone}=`: {NOT_HERE[gone]}" for gone in sorted(given - taken - set(RENAMED))]
    added = sorted(taken - given - set(RENAMED.values()))
    notes += [f"also {', '.join(f'`{one}=`' for one in added)}"] if added else []
    return "; ".join(notes) or "the same"


def _parameters(client: Any, name: str) -> set[str]:
    found: Callable[..., Any] = reduce(getattr, name.split("."), client)
    method = found if inspect.ismethod(found) else getattr(found, "create", found)
    return set(inspect.signature(method).parameters) - {"request_options"}


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
