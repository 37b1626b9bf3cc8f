"""The commands `videos list`, `videos show` and `videos delete`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from twelvelabs_async._cli.arguments import Flag, PositiveInt, as_text, run_with_key
from twelvelabs_async._cli.exit_codes import ExitCode
from twelvelabs_async.models.indexed_assets import IndexedAssetStatus

videos_app: App = App(name="videos", help="List, show and delete the videos of an index.")


@videos_app.command(name="list")
def videos_list(
    index: str,
    /,
    *,
    status: Annotated[list[IndexedAssetStatus] | None, Parameter(negative=())] = None,
    limit: PositiveInt | None = None,
    base_url: str | None = None,
    json: Flag = False,
) -> int:
    """List the videos of an index, newest first.

    Examples:
      twelvelabs-async videos list holiday
      twelvelabs-async videos list holiday --status failed --json | jq -r ._id

    API: https://docs.twelvelabs.io/v1.3/api-reference/index-content

    Args:
        index: Name or id of the index.
        status: Status of the videos to list; may be repeated. The default is all.
        limit: Maximum number of videos; the default is all.
        base_url: Base URL of the API, instead of the Twelve Labs API.
        json: Print one JSON object per video on standard output, and messages on standard error.
    """
    from twelvelabs_async._cli import videos
    from twelvelabs_async._cli.console import Screen

    command = videos.list_videos(
        as_text(index), status=status, limit=limit, base_url=base_url, screen=Screen(json=json)
    )
    return run_with_key(command)


@videos_app.command(name="show")
def videos_show(
    index: str, video: str, /, *, transcription: Flag = False, base_url: str | None = None, json: Flag = False
) -> int:
    """Show the details of a video.

    Examples:
      twelvelabs-async videos show holiday 66f1a2b3c4d5e6f708192a3c
      twelvelabs-async videos show holiday 66f1a2b3c4d5e6f708192a3c --transcription --json

    API: https://docs.twelvelabs.io/v1.3/api-reference/index-content

    Args:
        index: Name or id of the index.
        video: Id of the video.
        transcription: Also show the transcription.
        base_url: Base URL of the API, instead of the Twelve Labs API.
        json: Print one JSON object on standard output, and messages on standard error.
    """
    from twelvelabs_async._cli import videos
    from twelvelabs_async._cli.console import Screen

    command = videos.show_video(
        as_text(index), video, transcription=transcription, base_url=base_url, screen=Screen(json=json)
    )
    return run_with_key(command)


@videos_app.command(name="delete")
def videos_delete(
    index: str,
    videos: Annotated[list[str], Parameter(negative=())],
    /,
    *,
    yes: Flag = False,
    base_url: str | None = None,
    json: Flag = False,
) -> int:
    """Remove videos from an index, after confirmation. The assets that were uploaded for them remain.

    Examples:
      twelvelabs-async videos delete holiday 66f1a2b3c4d5e6f708192a3c
      twelvelabs-async videos delete holiday 66f1a2b3c4d5e6f708192a3c 66f1a2b3c4d5e6f708192a3d --yes

    API: https://docs.twelvelabs.io/v1.3/api-reference/index-content

    Args:
        index: Name or id of the index.
        videos: Ids of the videos.
        yes: Skip the confirmation prompt.
        base_url: Base URL of the API, instead of the Twelve Labs API.
        json: Print one JSON object per video on standard output, and messages on standard error.
    """
    from twelvelabs_async._cli.console import Screen
    from twelvelabs_async._cli.videos import delete_videos, find_videos_to_delete

    screen = Screen(json=json)
    found, chosen = run_with_key(find_videos_to_delete(as_text(index), videos, base_url=base_url))
    for video in chosen:
        screen.print(f"{video.id}  {video.system_metadata.filename or ''}")
    noun = "1 video" if len(chosen) == 1 else f"{len(chosen):,} videos"
    if not (yes or screen.confirm(f"remove {noun} from index {found.index_name}?")):
        return ExitCode.FAILED
    return run_with_key(delete_videos(found, chosen, base_url=base_url, screen=screen))
