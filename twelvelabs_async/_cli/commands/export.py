"""The command `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from twelvelabs_async._cli.arguments import Flag, as_text, run_with_key
from twelvelabs_async.models.indexed_assets import EmbeddingOption


def export_index(
    index: str,
    file: Path,
    /,
    *,
    option: Annotated[list[EmbeddingOption] | None, Parameter(negative=())] = None,
    no_vectors: Flag = False,
    overwrite: Flag = False,
    concurrency: Annotated[int, Parameter(validator=Number(gte=1, lte=100))] = 4,
    base_url: str | None = None,
    json: Flag = False,
) -> int:
    """Write the videos of an index, with their metadata and vectors, to a Parquet, CSV or JSON lines file.

    The file has a row for each segment of a video, with its vector; without vectors, a row for each video. Run the same
    command again to resume after an interruption.

    Examples:
      twelvelabs-async export holiday holiday.parquet
      twelvelabs-async export holiday videos.csv --no-vectors

    API: https://docs.twelvelabs.io/v1.3/api-reference/index-content

    Args:
        index: Name or id of the index.
        file: Path of the file to write; its suffix .parquet, .csv or .jsonl is its format.
        option: Embedding option of the vectors, such as visual; may be repeated. The default is what the index has been
            created for.
        no_vectors: Write no vectors.
        overwrite: Replace the file if it exists.
        concurrency: Number of videos that are read at the same time.
        base_url: Base URL of the API, instead of the Twelve Labs API.
        json: Print one JSON object on standard output, and messages on standard error.
    """
    from twelvelabs_async._cli.console import Screen
    from twelvelabs_async._cli.export import ExportArgs, run_export

    args = ExportArgs(
        index=as_text(index),
        path=file,
        options=option,
        with_vectors=not no_vectors,
        overwrite=overwrite,
        concurrency=concurrency,
    )
    return run_with_key(run_export(args, base_url=base_url, screen=Screen(json=json)))
