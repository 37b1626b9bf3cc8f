"""The command `demo`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from twelvelabs_async._cli.arguments import Flag


def demo(
    folder: Path | None = None,
    /,
    *,
    seed: int = 7,
    html: Path | None = None,
    open_: Annotated[Flag, Parameter(name="--open")] = False,
) -> int:
    """Ingest and search three sample videos with a local emulator; needs no API key.

    Examples:
      twelvelabs-async demo
      twelvelabs-async demo --open
      twelvelabs-async demo ~/Videos

    API: https://docs.twelvelabs.io/v1.3/api-reference/introduction

    Args:
        folder: Folder with your own videos, instead of the sample videos.
        seed: Seed of the synthetic results; the same seed gives the same hits.
        html: Write the results as a page with their frames; frames need the extra `frames`.
        open_: Show the page in the browser; without --html it is twelvelabs-demo.html in this folder.
    """
    from twelvelabs_async._cli.console import Screen
    from twelvelabs_async._cli.demo import run_demo
    from twelvelabs_async._cli.pages import page_args

    page = page_args(html, open_browser=open_, default="twelvelabs-demo.html")
    return asyncio.run(run_demo(folder, Screen(), seed=seed, page=page))
