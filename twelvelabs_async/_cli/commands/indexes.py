"""The commands `indexes list`, `indexes create` and `indexes delete`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from twelvelabs_async._cli.arguments import Flag, PositiveInt, as_text, run_with_key
from twelvelabs_async._cli.exit_codes import ExitCode
from twelvelabs_async.models.indexes import IndexModelOption

indexes_app: App = App(name="indexes", help="List, create and delete indexes.")


@indexes_app.command(name="list")
def indexes_list(*, limit: PositiveInt | None = None, base_url: str | None = None, json: Flag = False) -> int:
    """List the indexes, newest first.

    Examples:
      twelvelabs-async indexes list
      twelvelabs-async indexes list --json | jq -r .index_name

    API: https://docs.twelvelabs.io/v1.3/api-reference/indexes

    Args:
        limit: Maximum number of indexes; the default is all.
        base_url: Base URL of the API, instead of the Twelve Labs API.
        json: Print one JSON object per index on standard output, and messages on standard error.
    """
    from twelvelabs_async._cli import indexes
    from twelvelabs_async._cli.console import Screen

    return run_with_key(indexes.list_indexes(limit=limit, base_url=base_url, screen=Screen(json=json)))


@indexes_app.command(name="create")
def indexes_create(
    name: str,
    /,
    *,
    model: str = "marengo3.0",
    option: Annotated[list[IndexModelOption] | None, Parameter(negative=())] = None,
    addon: Annotated[list[str] | None, Parameter(negative=())] = None,
    base_url: str | None = None,
    json: Flag = False,
) -> int:
    """Create an index. Its model and options cannot be changed later.

    Examples:
      twelvelabs-async indexes create holiday
      twelvelabs-async indexes create silent --option visual --addon thumbnail

    API: https://docs.twelvelabs.io/v1.3/api-reference/indexes

    Args:
        name: Name of the index, unique in the account.
        model: Model of the index.
        option: Modality that the model processes; may be repeated. The default is visual and audio.
        addon: Add-on, such as thumbnail; may be repeated.
        base_url: Base URL of the API, instead of the Twelve Labs API.
        json: Print one JSON object on standard output, and messages on standard error.
    """
    from twelvelabs_async._cli import indexes
    from twelvelabs_async._cli.console import Screen

    options = option or ["visual", "audio"]
    command = indexes.create_index(
        as_text(name), model=model, options=options, addons=addon or (), base_url=base_url, screen=Screen(json=json)
    )
    return run_with_key(command)


@indexes_app.command(name="delete")
def indexes_delete(index: str, /, *, yes: Flag = False, base_url: str | None = None, json: Flag = False) -> int:
    """Delete an index with its videos, after confirmation. The assets that were uploaded for it remain.

    Examples:
      twelvelabs-async indexes delete holiday
      twelvelabs-async indexes delete 66f1a2b3c4d5e6f708192a3b --yes

    API: https://docs.twelvelabs.io/v1.3/api-reference/indexes

    Args:
        index: Name or id of the index.
        yes: Skip the confirmation prompt.
        base_url: Base URL of the API, instead of the Twelve Labs API.
        json: Print one JSON object on standard output, and messages on standard error.
    """
    from twelvelabs_async._cli import indexes
    from twelvelabs_async._cli.console import Screen

    screen = Screen(json=json)
    found = run_with_key(indexes.find_index_to_delete(as_text(index), base_url=base_url))
    videos = "1 video" if found.video_count == 1 else f"{found.video_count:,} videos"
    if not (yes or screen.confirm(f"delete index {found.index_name} ({found.id}) with {videos}?")):
        return ExitCode.FAILED
    return run_with_key(indexes.delete_index(found, base_url=base_url, screen=screen))
