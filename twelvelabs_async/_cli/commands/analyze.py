"""The command `analyze`."""

from __future__ import annotations

from pathlib import Path

from twelvelabs_async._cli.arguments import Flag, NonNegativeFloat, PositiveInt, as_text, run_with_key


def analyze(
    video: str,
    prompt: str,
    /,
    *,
    model: str | None = None,
    schema: Path | None = None,
    temperature: NonNegativeFloat | None = None,
    max_tokens: PositiveInt | None = None,
    start: NonNegativeFloat | None = None,
    end: NonNegativeFloat | None = None,
    base_url: str | None = None,
    json: Flag = False,
) -> int:
    """Generate text or JSON about a video. Each analysis is billed.

    Examples:
      twelvelabs-async analyze 66f1a2b3c4d5e6f708192a3c "Summarize the video."
      twelvelabs-async analyze https://example.com/talk.mp4 "List the chapters." --schema chapters.json

    API: https://docs.twelvelabs.io/v1.3/api-reference/analyze-videos/analyze

    Args:
        video: Id of an uploaded asset, or http(s) URL of a video file.
        prompt: What to generate.
        model: Model; the default is that of the platform.
        schema: File with the JSON schema of the response; the response is a JSON document.
        temperature: Sampling temperature, from 0 to 1.
        max_tokens: Maximum number of output tokens; the exit code is 1 if the text is truncated.
        start: Start of the analyzed part of the video, in seconds.
        end: End of the analyzed part of the video, in seconds.
        base_url: Base URL of the API, instead of the Twelve Labs API.
        json: Print one JSON object with the text and its metadata on standard output, and messages on standard error.
    """
    from twelvelabs_async._cli.analyze import AnalyzeArgs, read_json_object, run_analysis
    from twelvelabs_async._cli.console import Screen

    args = AnalyzeArgs(
        model=model,
        schema=None if schema is None else read_json_object(schema, "--schema"),
        temperature=temperature,
        max_tokens=max_tokens,
        start=start,
        end=end,
    )
    return run_with_key(
        run_analysis(as_text(video), as_text(prompt), args=args, base_url=base_url, screen=Screen(json=json))
    )
