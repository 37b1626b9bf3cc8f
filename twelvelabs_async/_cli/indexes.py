"""`twelvelabs-async indexes`: list, create and delete indexes; and find the index of any command by its name or id."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Literal

from twelvelabs_async._cli.arguments import open_client
from twelvelabs_async._cli.console import Column, Hit, Screen, format_date, format_duration
from twelvelabs_async._cli.exit_codes import ExitCode
from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.errors import BadRequestError, InvalidInputError, NotFoundError, TwelveLabsError
from twelvelabs_async.models.indexes import Index
from twelvelabs_async.models.search import SearchHit
from twelvelabs_async.serialization import to_dict

DEFAULT_INDEX_MODELS: Final[tuple[dict[str, Any], ...]] = (
    {"model_name": "marengo3.0", "model_options": ["visual", "audio"]},
)
"""Models of an index that a command creates."""

MAX_SUGGESTED_NAMES: Final = 10
"""Names of existing indexes in an error message."""

_ID: Final = re.compile("[0-9a-f]{24}")
_ID_FORM: Final = re.compile("[0-9a-fA-F]{24}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_OPTIONS: Final[tuple[Literal["visual", "audio"], ...]] = ("visual", "audio")


def to_rows(query: str, hits: Iterable[SearchHit]) -> list[Hit]:
    """Convert search results to rows; a video without a filename is shown by its id."""
    return [
        Hit(
            query=query,
            rank=hit.result.rank,
            video_id=hit.result.video_id,
            filename=hit.filename or hit.result.video_id or "?",
            start=hit.result.start,
            end=hit.result.end,
        )
        for hit in hits
    ]


def enabled_options(index: Index) -> list[Literal["visual", "audio"]]:
    """Return the modalities that an index supports: options of a search, and of the embeddings of its videos."""
    enabled = {option for model in index.models for option in model.model_options}
    return [option for option in _OPTIONS if option in enabled] or ["visual"]


async def require_index(client: AsyncTwelveLabs, name_or_id: str) -> Index:
    """Return the index with this id or name.

    Raises:
        TwelveLabsError: There is no such index.
    """
    found = await find_index(client, name_or_id)
    if found is None:
        names = ", ".join([index.index_name for index in await client.indexes.list().to_list(MAX_SUGGESTED_NAMES)])
        existing = f"existing indexes: {names}" if names else "there are no indexes yet"
        raise TwelveLabsError(f"no index {name_or_id!r}; {existing}")
    return found


async def find_index(client: AsyncTwelveLabs, name_or_id: str) -> Index | None:
    """Return the index with this id or name, or None."""
    if _ID.fullmatch(name_or_id):
        with suppress(NotFoundError, BadRequestError):  # a name may look like an id
            return await client.indexes.retrieve(name_or_id)
    async for index in client.indexes.list(index_name=name_or_id):
        if index.index_name == name_or_id:
            return index
    return None


async def find_or_create_index(
    client: AsyncTwelveLabs,
    name_or_id: str,
    *,
    models: Sequence[Mapping[str, Any]] | None = None,
    check: Callable[[], Awaitable[None]],
) -> Index:
    """Return the index with this id or name; a new index is created if there is none.

    Args:
        client: The client.
        name_or_id: Name or id of the index.
        models: Models that a new index gets, and that an existing one must have; None is the default, and any models.
        check: Raises an error if a new index would be of no use.

    Raises:
        TwelveLabsError: The string has the form of an id, and there is no such index.
        InvalidInputError: The index has other models.
    """
    found = await find_index(client, name_or_id)
    if found is None and _ID_FORM.fullmatch(name_or_id):
        raise TwelveLabsError(f"no index with the id {name_or_id}; to create an index, pass a name")
    if found is not None and models is not None:
        _check_models(found, models)
    await check()
    if found is not None:
        return found
    return await client.indexes.ensure(name_or_id, models or DEFAULT_INDEX_MODELS, allow_other_models=models is None)


def _check_models(index: Index, models: Sequence[Mapping[str, Any]]) -> None:
    """Raise an error if an index has other models than those that the user asked for; models cannot be changed."""
    existing = {model.model_name: set(model.model_options) for model in index.models}
    requested = {str(model["model_name"]): set(model.get("model_options") or ()) for model in models}
    if existing.keys() != requested.keys() or any(options - existing[name] for name, options in requested.items()):
        described = ", ".join(f"{name} ({', '.join(sorted(options))})" for name, options in sorted(existing.items()))
        raise InvalidInputError(
            f"the index {index.index_name!r} exists with {described}; "
            "leave out --model and --option, or use another name"
        )


async def list_indexes(*, limit: int | None, base_url: str | None, screen: Screen) -> ExitCode:
    """Print the indexes, newest first."""
    async with open_client(base_url, screen) as client:
        indexes = await client.indexes.list().to_list(limit)
    rows = [
        (
            index.id,
            index.index_name,
            f"{index.video_count:,}",
            format_duration(index.total_duration),
            format_date(index.created_at),
        )
        for index in indexes
    ]
    columns = (
        Column("id"),
        Column("name", wraps=True),
        Column("videos", right=True),
        Column("duration", right=True),
        Column("created"),
    )
    screen.print_results(map(to_dict, indexes), rows, columns, none="there are no indexes yet")
    return ExitCode.OK


async def create_index(
    name: str, *, model: str, options: Sequence[str], addons: Sequence[str], base_url: str | None, screen: Screen
) -> ExitCode:
    """Create an index and print its id."""
    async with open_client(base_url, screen) as client:
        created = await client.indexes.create(
            index_name=name, models=[{"model_name": model, "model_options": options}], addons=addons or None
        )
    screen.print_result({"_id": created.id, "index_name": name}, f"created index {name} ({created.id})")
    return ExitCode.OK


async def find_index_to_delete(name_or_id: str, *, base_url: str | None) -> Index:
    """Return an index.

    Raises:
        TwelveLabsError: There is no such index.
    """
    async with AsyncTwelveLabs(base_url=base_url) as client:
        return await require_index(client, name_or_id)


async def delete_index(index: Index, *, base_url: str | None, screen: Screen) -> ExitCode:
    """Delete an index with its videos."""
    async with open_client(base_url, screen) as client:
        await client.indexes.delete(index.id)
    values = {"_id": index.id, "index_name": index.index_name, "deleted": True}
    screen.print_result(values, f"deleted index {index.index_name} ({index.id})")
    return ExitCode.OK
