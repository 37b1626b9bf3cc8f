"""The demo: everything the client does, against an emulator in this process, without a key or a network."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from shlex import quote
from typing import Final

from twelvelabs_async.cli.codes import Code, of_summary
from twelvelabs_async.cli.commands import MODELS, as_hits, find
from twelvelabs_async.cli.render import Hit, Screen
from twelvelabs_async.cli.running import Wishes, carry
from twelvelabs_async.cli.watch import Watch
from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.clock import SystemClock
from twelvelabs_async.emulator import Emulator, Timing

CLIPS: Final = Path(__file__).with_name("clips")
"""Three videos of ten seconds; they are drawn by `examples/make_clips.py`."""

TIMING: Final = Timing(asset=0.8, indexing=1.6)
"""Slow enough to see what happens, fast enough to watch it to the end."""

LOOK_EVERY: Final = 0.2
"""Seconds."""

MOST_QUERIES: Final = 5
HITS_EACH: Final = 3
NAME: Final = "my-videos"

_WORD: Final = re.compile(r"[^\W_]+")
_SMALL: Final = frozenset(
    {"a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "over", "the", "through", "to"}
)
"""Words that every other name has, too."""


async def demo(folder: Path | None, screen: Screen) -> Code:
    """Ingest some videos, search them, and say how to do the same on the platform."""
    screen.say("A demo against an emulator in this process: no key, no network, nothing leaves this machine.")
    screen.say()
    async with (
        Emulator(timing=TIMING) as emulator,
        AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url) as client,
    ):
        index = await client.indexes.ensure(NAME, MODELS)
        wishes = Wishes(sleep_interval=LOOK_EVERY)
        watch = Watch(screen, SystemClock())
        summary = await carry(client, [str(folder or CLIPS)], index=index, watch=watch, wishes=wishes)
        hits = await _search(client, index.id)
    if hits:
        _show(hits, screen)
        _explain(hits[0].query, folder, screen)
    else:
        screen.say()
        screen.say("There is nothing to search. `twelvelabs-async demo` without a folder brings its own videos.")
    return of_summary(summary)


async def _search(client: AsyncTwelveLabs, index_id: str) -> list[Hit]:
    entries = await client.indexes.indexed_assets.list(index_id).collect()
    names = {entry.id: entry.system_metadata.filename or "" for entry in entries if entry.status == "ready"}
    hits: list[Hit] = []
    for query in queries(names.values()):
        items = await find(client, index_id, query, limit=HITS_EACH, options=["visual", "audio"])
        hits += as_hits(query, items, names)
    return hits


def queries(filenames: Iterable[str]) -> list[str]:
    """A few words of each name, to look for."""
    texts = (" ".join(_telling(Path(name).stem)) for name in sorted(filenames))
    return list(dict.fromkeys(filter(None, texts)))[:MOST_QUERIES]


def _telling(stem: str) -> list[str]:
    words = [word for word in _WORD.findall(stem.lower()) if word not in _SMALL]
    return words[:2]


def _show(hits: list[Hit], screen: Screen) -> None:
    # On a terminal the frame of the table has room around it.
    if screen.live:
        screen.hits(hits, with_query=True)
    else:
        screen.say()
        screen.hits(hits, with_query=True)
        screen.say()


def _explain(query: str, folder: Path | None, screen: Screen) -> None:
    screen.say(
        "These hits are synthetic: the emulator looks at no picture. It compares words with file names and metadata,"
        " and makes up the times.",
        style="yellow",
    )
    screen.say()
    screen.say("The same on the real API:")
    screen.say()
    for line in (
        "export TWELVELABS_API_KEY=...",
        f"twelvelabs-async ingest {quote(str(folder)) if folder else 'FOLDER'} --index {NAME}",
        f'twelvelabs-async search {NAME} "{query}"',
    ):
        screen.say(f"  {line}", style="bold" if screen.live else "")
