"""The commands and their options, except those of ingestion. What a command needs is imported when it runs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter, validators
from cyclopts.validators import Number

from twelvelabs_async._cli.arguments import Flag, NonNegativeFloat, PositiveInt, as_text, run_with_key
from twelvelabs_async._cli.exit_codes import ExitCode
from twelvelabs_async._cli.help import print_safely
from twelvelabs_async.models.indexed_assets import EmbeddingOption, IndexedAssetStatus
from twelvelabs_async.models.indexes import IndexModelOption
from twelvelabs_async.models.search import SearchOption
from twelvelabs_async.requests import Method

indexes_app: App = App(name="indexes", version_flags=[], help="List, create and delete indexes.")

videos_app: App = App(name="videos", version_flags=[], help="List, show and delete the videos of an index.")


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

    return run_with_key(
        run_search(
            as_text(index),
            as_text(query),
            limit=limit,
            options=option,
            page=page_args(html, open_browser=open_, default="twelvelabs-hits.html"),
            videos=videos,
            base_url=base_url,
            screen=Screen(json=json),
        )
    )


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
    from twelvelabs_async._cli.console import Screen, plural

    screen = Screen(json=json)
    found = run_with_key(indexes.find_index_to_delete(as_text(index), base_url=base_url))
    question = f"delete index {found.index_name} ({found.id}) with {plural(found.video_count, 'video')}?"
    if not (yes or screen.confirm(question)):
        return ExitCode.FAILED
    return run_with_key(indexes.delete_index(found, base_url=base_url, screen=screen))


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
    from twelvelabs_async._cli.console import Screen, plural
    from twelvelabs_async._cli.videos import delete_videos, find_videos_to_delete

    screen = Screen(json=json)
    found, chosen = run_with_key(find_videos_to_delete(as_text(index), dict.fromkeys(videos), base_url=base_url))
    for video in chosen:
        screen.print(f"{video.id}  {video.system_metadata.filename or ''}")
    if not (yes or screen.confirm(f"remove {plural(len(chosen), 'video')} from index {found.index_name}?")):
        return ExitCode.FAILED
    return run_with_key(delete_videos(found, chosen, base_url=base_url, screen=screen))


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
    from twelvelabs_async._cli.analyze import read_json_object, run_analysis
    from twelvelabs_async._cli.console import Screen

    return run_with_key(
        run_analysis(
            as_text(video),
            as_text(prompt),
            model=model,
            schema=None if schema is None else read_json_object(schema, "--schema"),
            temperature=temperature,
            max_tokens=max_tokens,
            start=start,
            end=end,
            base_url=base_url,
            screen=Screen(json=json),
        )
    )


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

    media = {"image": image, "audio": audio, "video": video}
    text = None if text is None else as_text(text)
    return run_with_key(run_embed(text, media, base_url=base_url, screen=Screen(json=json)))


def api(
    method: Method,
    path: str,
    /,
    *,
    raw_field: Annotated[list[str] | None, Parameter(alias="-f", negative=())] = None,
    field: Annotated[list[str] | None, Parameter(alias="-F", negative=())] = None,
    input: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    form: Flag = False,
    paginate: Flag = False,
    base_url: str | None = None,
    json: Flag = False,
) -> int:
    """Send any request and print the JSON of its response, with the retries and rate limits of the other commands.

    The fields of a GET request are sent in its query, those of other requests as a JSON object.

    Examples:
      twelvelabs-async api GET /indexes -F page_limit=5
      twelvelabs-async api POST /indexes --input index.json
      twelvelabs-async api PATCH /assets/66f1a2b3c4d5e6f708192a3b --input metadata.json
      twelvelabs-async api GET /assets --paginate --json | jq -r '.data[]._id'

    API: https://docs.twelvelabs.io/v1.3/api-reference/introduction

    Args:
        method: HTTP method.
        path: Path below the base URL, such as /indexes; may contain a query.
        raw_field: key=value, where the value is a string; may be repeated.
        field: key=value, where true, false, null and integers are JSON, and @file is the content of a file; may be
            repeated.
        input: File with the JSON body; - is standard input.
        form: Send the fields as multipart/form-data.
        paginate: Also request the next pages, and print the response of each.
        base_url: Base URL of the API, instead of the Twelve Labs API.
        json: Print each response in one line; messages go to standard error.
    """
    from twelvelabs_async._cli.api import build_request, run_api
    from twelvelabs_async._cli.console import Screen

    request = build_request(
        method, as_text(path), raw_fields=raw_field or (), fields=field or (), input_file=input, form=form
    )
    return run_with_key(run_api(request, paginate=paginate, base_url=base_url, screen=Screen(json=json)))


def limits(
    *,
    rate_limit_store: str | None = None,
    organization: str | None = None,
    base_url: str | None = None,
    json: Flag = False,
) -> int:
    """Show the rate limits that are known, and how they are known.

    Examples:
      twelvelabs-async limits
      twelvelabs-async limits --rate-limit-store sqlite:///limits.db --json

    Documentation: https://docs.twelvelabs.io/docs/get-started/rate-limits

    With --rate-limit-store, the limits that other processes have learned: live on a terminal, once otherwise. Without
    it, this command sends one list request, and none that is billed or limited by day.

    Args:
        rate_limit_store: URL of a rate-limit store shared by several processes: sqlite:///limits.db or
            redis://host:6379/0.
        organization: Name of the organization in the store; the default is a hash of the API key.
        base_url: Base URL of the API, instead of the Twelve Labs API.
        json: Print one JSON object per rate-limit window on standard output, and messages on standard error.
    """
    from twelvelabs_async._cli.console import Screen
    from twelvelabs_async._cli.limits import show_limits

    command = show_limits(
        rate_limit_store=rate_limit_store, organization=organization, base_url=base_url, screen=Screen(json=json)
    )
    return run_with_key(command)


def doctor(*, session: Flag = False, base_url: str | None = None, json: Flag = False) -> int:
    """Check API key, clock, API version, rate limits and undocumented behavior of the API.

    Examples:
      twelvelabs-async doctor
      twelvelabs-async doctor --session --json

    API: https://docs.twelvelabs.io/v1.3/api-reference/introduction

    Exit codes: 0 if there is no problem, 1 if a check found one, 2 without an API key, 3 if the API rejects the key or
    cannot be reached.

    Sends a dozen read requests, which are not billed. The report contains no key and no content; attach it to a bug
    report.

    Args:
        session: Also create an upload session, to report the part size; nothing is uploaded, and the session expires.
        base_url: Base URL of the API, instead of the Twelve Labs API.
        json: Print one JSON object per check on standard output, and messages on standard error.
    """
    from twelvelabs_async._cli.console import Screen
    from twelvelabs_async._cli.doctor import run_doctor

    return run_with_key(run_doctor(session=session, base_url=base_url, screen=Screen(json=json)))


def emulator(*flags: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> int:
    """Run an emulator of the API until interrupted; prints its base URL, its API key and the URL of its dashboard.

    Examples:
      twelvelabs-async emulator --port 8000

    API: https://docs.twelvelabs.io/v1.3/api-reference/introduction
    """
    from twelvelabs_async.emulator import __main__ as emulator_program

    emulator_program.main(flags, program="twelvelabs-async emulator")
    return ExitCode.OK


def docs(page: str | None = None, /, *, full: Flag = False, open: Flag = False) -> int:  # noqa: A002  # the option
    """Print the manual of this version: its table of contents, one page, or all of it. Needs no network.

    Examples:
      twelvelabs-async docs
      twelvelabs-async docs ingest
      twelvelabs-async docs --full > manual.md

    The text is Markdown, for persons and for language models. See https://llmstxt.org

    Args:
        page: Name of a page in the table of contents, such as `ingest`; `methods` lists all methods.
        full: Print all pages.
        open: Open the page in a browser instead, at the address of this version.
    """
    import webbrowser

    from twelvelabs_async._cli.docs import read_all, read_overview, read_page, website
    from twelvelabs_async._cli.streams import standard_output

    if open:
        webbrowser.open(website(page))
        return ExitCode.OK
    stream = standard_output()
    stream.use_utf8()
    stream.write(read_all() if full else read_page(page) if page else read_overview())
    stream.flush()
    return ExitCode.OK


def completion(shell: Literal["bash", "zsh", "fish"], /) -> int:
    """Print the completion script of a shell.

    Examples:
      twelvelabs-async completion bash > ~/.local/share/bash-completion/completions/twelvelabs-async
      twelvelabs-async completion zsh > "${fpath[1]}/_twelvelabs-async"
      twelvelabs-async completion fish > ~/.config/fish/completions/twelvelabs-async.fish

    Then start a new shell. See https://cyclopts.readthedocs.io/en/latest/shell_completion.html

    Args:
        shell: The shell.
    """
    from twelvelabs_async._cli.main import app

    print_safely(app.generate_completion(shell=shell))
    return ExitCode.OK
