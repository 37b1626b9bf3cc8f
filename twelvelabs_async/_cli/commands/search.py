"""The command `search`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators

from twelvelabs_async._cli.arguments import Flag, PositiveInt, as_text, run_with_key
from twelvelabs_async.models.search import SearchOption


def search(
    index: str,
    query: str,
    /,
    *,
    limit: PositiveInt = 10,
    option: Annotated[list[SearchOption] | None, Parameter(negative=())] = None,
    html: Path | None = None,
    open_: Annotated[Flag, Parameter(name="--open")] = False,
    videos: Annotated[Path | None, Parameter(validator=validators.Path(exists=True, file_okay=False))] = None,
    base_url: str | None = None,
    json: Flag = False,
) -> int:
    """Search the videos of an index.

    Examples:
      twelvelabs-async search holiday "a boat at sunset"
      twelvelabs-async search holiday "a boat at sunset" --html hits.html --open
      twelvelabs-async search holiday "applause" --option audio --limit 3 --json

    API: https://docs.twelvelabs.io/v1.3/api-reference/any-to-video-search

    Args:
        index: Name or id of the index.
        query: Text to search for.
        limit: Maximum number of results.
        option: Modality to search; may be repeated. The default is all modalities of the index.
        html: Write the results as a page with their frames; frames need the extra `frames`.
        open_: Show the page in the browser; without --html it is twelvelabs-hits.html in this folder.
        videos: Folder with the videos, to play them on the page. Without it, the page plays the files that `ingest` has
            uploaded from this machine.
        base_url: Base URL of the API, instead of the Twelve Labs API.
        json: Print one JSON object per result on standard output, and messages on standard error.
    """
    from twelvelabs_async._cli.console import Screen
    from twelvelabs_async._cli.pages import page_args
    from twelvelabs_async._cli.search import run_search

    screen = Screen(json=json)
    page = page_args(html, open_browser=open_, default="twelvelabs-hits.html")
    return run_with_key(
        run_search(
            as_text(index),
            as_text(query),
            limit=limit,
            options=option,
            page=page,
            videos=videos,
            base_url=base_url,
            screen=screen,
        )
    )
