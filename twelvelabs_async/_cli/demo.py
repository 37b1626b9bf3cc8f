"""`twelvelabs-async demo`: ingest and search videos with an emulator in this process, without an API key."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Final

from twelvelabs_async._cli.console import Screen
from twelvelabs_async._cli.exit_codes import ExitCode, exit_code_for_summary
from twelvelabs_async._cli.indexes import DEFAULT_INDEX_MODELS, to_rows
from twelvelabs_async._cli.ingest_run import IngestArgs, run_ingestion
from twelvelabs_async._cli.pages import PageArgs, write_page
from twelvelabs_async._cli.progress import EventSink
from twelvelabs_async._cli.search import file_url, files_in_folder, render_hits
from twelvelabs_async._cli.sources import SourceScan, SourceSelection
from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.clock import SystemClock
from twelvelabs_async.emulator import Emulator, Timing
from twelvelabs_async.models.search import SearchHit

SAMPLE_VIDEOS: Final = Path(__file__).with_name("clips")
"""Three videos of ten seconds, created by `examples/make_clips.py`."""

TIMING: Final = Timing(asset=0.8, indexing=1.6)
"""Processing times of the emulator in seconds: slow enough to see the progress."""

DEMO_POLL_INTERVAL: Final = 0.2
"""Seconds between two polls."""

MAX_DEMO_QUERIES: Final = 5

HITS_PER_QUERY: Final = 3

DEMO_INDEX_NAME: Final = "my-videos"

_WORD: Final = re.compile(r"[^\W_]+")

_STOP_WORDS: Final = frozenset(
    {"a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "over", "the", "through", "to"}
)
"""Words that are left out of queries."""


async def run_demo(folder: Path | None, screen: Screen, *, seed: int, page: PageArgs | None) -> ExitCode:
    """Ingest videos, search them, print the commands for the real API, and write the page of the results."""
    screen.print("Demo with a local emulator: needs no API key and sends nothing over the network.")
    screen.print()
    async with (
        Emulator(timing=TIMING, search="nearest", seed=seed) as emulator,
        AsyncTwelveLabs(emulator.api_key, base_url=emulator.base_url) as client,
    ):
        index = await client.indexes.ensure(DEMO_INDEX_NAME, DEFAULT_INDEX_MODELS, allow_other_models=True)
        sink = EventSink(screen, SystemClock())
        args = IngestArgs(sleep_interval=DEMO_POLL_INTERVAL)
        async with SourceScan(SourceSelection(sources=[str(folder or SAMPLE_VIDEOS)])) as scan:
            summary = await run_ingestion(client, scan, index=index, sink=sink, args=args)
        if summary.stop_reason:  # Ctrl-C
            return exit_code_for_summary(summary)
        searches = await _search(client, index.id)
    if searches:
        hits = [hit for found in searches.values() for hit in found]
        files = await asyncio.to_thread(files_in_folder, folder or SAMPLE_VIDEOS, hits)
        _show(searches, files, screen)
        _print_next_steps(next(iter(searches)), folder, screen)
        if not await _write_page(page, searches, files, screen):
            return ExitCode.OUTPUT_ERROR
    else:
        screen.print()
        screen.print("No videos to search. Run `twelvelabs-async demo` without a folder to use the sample videos.")
    return exit_code_for_summary(summary)


async def _search(client: AsyncTwelveLabs, index_id: str) -> dict[str, list[SearchHit]]:
    """Return the results of each query that has some."""
    assets = await client.indexes.indexed_assets.list(index_id).to_list()
    names = [asset.system_metadata.filename or "" for asset in assets if asset.status == "ready"]
    searches = {
        query: await client.search.query_with_videos(
            index_id=index_id, search_options=["visual", "audio"], query_text=query, limit=HITS_PER_QUERY
        )
        for query in queries_from_filenames(names)
    }
    return {query: hits for query, hits in searches.items() if hits}


async def _write_page(
    page: PageArgs | None, searches: Mapping[str, Sequence[SearchHit]], files: Mapping[str, str], screen: Screen
) -> bool:
    screen.print()
    if page is None:
        screen.print("To see these results as a page with frames: twelvelabs-async demo --open")
        return True
    text = await render_hits(
        searches,
        title="Search results of the demo",
        index_name=DEMO_INDEX_NAME,
        synthetic=True,
        files=files,
        screen=screen,
    )
    return await write_page(page, text, screen)


def queries_from_filenames(filenames: Iterable[str]) -> list[str]:
    """Return a query of up to two words for each filename."""
    queries = list[str]()
    for name in sorted(filenames):
        words = [word for word in _WORD.findall(Path(name).stem.lower()) if word not in _STOP_WORDS]
        queries.append(" ".join(words[:2]))
    return list(dict.fromkeys(filter(None, queries)))[:MAX_DEMO_QUERIES]


def _show(searches: Mapping[str, Sequence[SearchHit]], files: Mapping[str, str], screen: Screen) -> None:
    rows = [row for query, hits in searches.items() for row in to_rows(query, hits)]
    links = {video_id: file_url(path) for video_id, path in files.items()}
    if screen.live:  # the table has blank lines around it
        screen.hits(rows, with_query=True, links=links)
    else:
        screen.print()
        screen.hits(rows, with_query=True, links=links)
        screen.print()


def _print_next_steps(query: str, folder: Path | None, screen: Screen) -> None:
    screen.print(
        "These results are synthetic: the emulator does not analyze the videos. It matches words with filenames and"
        " metadata, and generates the times.",
        style="yellow",
    )
    screen.print()
    screen.print("To do the same with the real API:")
    screen.print()
    for line in (
        "export TWELVELABS_API_KEY=...",
        f"twelvelabs-async ingest {quote(str(folder)) if folder else 'FOLDER'} --index {DEMO_INDEX_NAME}",
        f"twelvelabs-async search {DEMO_INDEX_NAME} {quote(query)}",
    ):
        screen.print(f"  {line}", style="bold" if screen.live else "")
