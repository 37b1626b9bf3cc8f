"""`twelvelabs-async embed`: embed text, an image, audio or a video."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from twelvelabs_async._cli.arguments import open_client
from twelvelabs_async._cli.console import Column, Screen, format_size, format_timecode
from twelvelabs_async._cli.exit_codes import ExitCode
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.ingest._remote_sources import is_url
from twelvelabs_async.models.embed import EmbeddingData
from twelvelabs_async.serialization import to_dict

EMBED_MODEL: Final = "marengo3.0"
"""Model of the embeddings."""

MAX_EMBEDDED_FILE: Final = 36_000_000
"""Size in bytes of the largest file that is sent in the request."""

SHOWN_DIMENSIONS: Final = 4
"""Numbers of each vector that are shown to people."""


async def run_embed(
    text: str | None, media: Mapping[str, str | None], *, base_url: str | None, screen: Screen
) -> ExitCode:
    """Embed an input and print one line for each embedding.

    Args:
        text: Text to embed.
        media: Path, URL or asset id of an image, an audio file or a video, by its kind.
        base_url: Base URL of the API.
        screen: Prints the embeddings.
    """
    kind, fields = await asyncio.to_thread(_embed_input, text, media)
    async with open_client(base_url, screen) as client:
        inputs: dict[str, Any] = {"input_type": kind, kind: fields}
        embeddings = await client.embed.v_2.create(model_name=EMBED_MODEL, **inputs)
    columns = (
        Column("option"),
        Column("scope"),
        Column("start", right=True),
        Column("end", right=True),
        Column("dimensions", right=True),
        Column("vector", wraps=True),
    )
    rows = list(map(_row, embeddings.data))
    screen.print_results(map(to_dict, embeddings.data), rows, columns, none="the response has no embeddings")
    return ExitCode.OK


def _row(data: EmbeddingData) -> tuple[str, ...]:
    first = ", ".join(f"{number:.4f}" for number in data.embedding[:SHOWN_DIMENSIONS])
    return (
        data.embedding_option or "",
        data.embedding_scope or "",
        "" if data.start_sec is None else format_timecode(data.start_sec),
        "" if data.end_sec is None else format_timecode(data.end_sec),
        f"{len(data.embedding):,}",
        f"{first}, ..." if len(data.embedding) > SHOWN_DIMENSIONS else first,
    )


def _embed_input(text: str | None, media: Mapping[str, str | None]) -> tuple[str, dict[str, Any]]:
    """Return the kind of input and its fields.

    Raises:
        InvalidInputError: There is no input, there are several, or a file cannot be read.
    """
    given = [(kind, value) for kind, value in media.items() if value is not None]
    if len(given) > 1 or (text is not None and given and given[0][0] != "image"):
        raise InvalidInputError("pass one of TEXT, --image, --audio and --video, or TEXT with --image")
    if not given:
        if text is None:
            raise InvalidInputError("no input; pass TEXT, --image, --audio or --video")
        return "text", {"input_text": text}
    kind, value = given[0]
    fields: dict[str, Any] = {"media_source": _media_source(value, kind)}
    return (kind, fields) if text is None else ("text_image", {**fields, "input_text": text})


def _media_source(value: str, kind: str) -> dict[str, str]:
    """Return the location of a file: a URL, the content of a local file, or the id of an asset."""
    if is_url(value):
        return {"url": value}
    path = Path(value)
    try:
        if not path.suffix and "/" not in value and not path.exists():
            return {"asset_id": value}
        with path.open("rb") as file:
            content = file.read(MAX_EMBEDDED_FILE + 1)  # a device may have no end
    except OSError as error:
        raise InvalidInputError(f"--{kind} cannot be read from {value}: {error.strerror}") from None
    if len(content) > MAX_EMBEDDED_FILE:
        limit = format_size(MAX_EMBEDDED_FILE)
        raise InvalidInputError(f"{value} is too large; --{kind} takes files of up to {limit}, or the id of an asset")
    return {"base64_string": base64.b64encode(content).decode()}
