"""`twelvelabs-async analyze`: generate text or JSON about a video."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from twelvelabs_async._cli.arguments import open_client
from twelvelabs_async._cli.console import Screen
from twelvelabs_async._cli.exit_codes import ExitCode
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.ingest._remote_sources import is_url
from twelvelabs_async.models.analyze import AnalyzeModel, TextGeneration, VideoAsset, VideoUrl
from twelvelabs_async.serialization import to_dict


async def run_analysis(
    video: str,
    prompt: str,
    *,
    model: str | None,
    schema: dict[str, Any] | None,
    temperature: float | None,
    max_tokens: int | None,
    start: float | None,
    end: float | None,
    base_url: str | None,
    screen: Screen,
) -> ExitCode:
    """Analyze a video and print the text, line by line as it is generated."""
    async with open_client(base_url, screen) as client:
        stream = client.analyze_stream(
            video=VideoUrl(url=video) if is_url(video) else VideoAsset(asset_id=checked_asset_id(video)),
            prompt=prompt,
            model_name=cast("AnalyzeModel | None", model),
            temperature=temperature,
            max_tokens=max_tokens,
            start_time=start,
            end_time=end,
            response_format=None if schema is None else {"type": "json_schema", "json_schema": schema},
        )
        line = ""
        async with stream:
            async for event in stream:
                if screen.json or not isinstance(event, TextGeneration):
                    continue
                *complete, line = f"{line}{event.text}".split("\n")
                for text in complete:
                    screen.print(text)
            if line:
                screen.print(line)
            analysis = await stream.final()
    screen.print_json(to_dict(analysis))
    if analysis.finish_reason == "length":
        screen.error("the text was truncated at the token limit; pass a larger --max-tokens")
        return ExitCode.FAILED
    return ExitCode.OK


def checked_asset_id(text: str) -> str:
    """Return an argument that must be the id of an asset.

    Raises:
        InvalidInputError: The text is the path of a file.
    """
    if Path(text).suffix or "/" in text:
        raise InvalidInputError(f"{text} is neither the id of an asset nor an http(s) URL; upload files with `ingest`")
    return text


def read_json_object(path: Path, option: str) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises:
        InvalidInputError: The file cannot be read, or contains something else.
    """
    try:
        value: Any = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else f"it is not JSON ({error})"
        raise InvalidInputError(f"{option} cannot be read from {path}: {reason}") from None
    if not isinstance(value, dict):
        raise InvalidInputError(f"{option} must be a file with a JSON object, got {type(value).__name__} in {path}")
    return cast("dict[str, Any]", value)
