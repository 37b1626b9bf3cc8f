"""The command `embed`."""

from __future__ import annotations

from twelvelabs_async._cli.arguments import Flag, as_text, run_with_key


def embed(
    text: str | None = None,
    /,
    *,
    image: str | None = None,
    audio: str | None = None,
    video: str | None = None,
    base_url: str | None = None,
    json: Flag = False,
) -> int:
    """Embed text, an image, audio or a video of up to 10 minutes. Each call is billed.

    Text and an image are embedded together.

    Examples:
      twelvelabs-async embed "a dog on a beach" --json
      twelvelabs-async embed --video 66f1a2b3c4d5e6f708192a3c

    API: https://docs.twelvelabs.io/v1.3/api-reference/create-embeddings-v2

    Args:
        text: Text to embed.
        image: Path, http(s) URL or asset id of an image.
        audio: Path, http(s) URL or asset id of an audio file.
        video: Path, http(s) URL or asset id of a video.
        base_url: Base URL of the API, instead of the Twelve Labs API.
        json: Print one JSON object with the whole vector per embedding on standard output, and messages on standard
            error.
    """
    from twelvelabs_async._cli.console import Screen
    from twelvelabs_async._cli.embed import run_embed

    screen = Screen(json=json)
    return run_with_key(
        run_embed(
            None if text is None else as_text(text),
            image=image,
            audio=audio,
            video=video,
            base_url=base_url,
            screen=screen,
        )
    )
