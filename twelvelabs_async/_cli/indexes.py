"""`twelvelabs-async indexes`: list, create and delete indexes."""

from __future__ import annotations

from collections.abc import Sequence

from twelvelabs_async._cli.clients import open_client
from twelvelabs_async._cli.console import Column, Screen, format_date, format_duration
from twelvelabs_async._cli.exit_codes import ExitCode
from twelvelabs_async._cli.index_lookup import require_index
from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.models.indexes import Index
from twelvelabs_async.serialization import to_dict


async def list_indexes(*, limit: int | None, base_url: str | None, screen: Screen) -> ExitCode:
    """Print the indexes, newest first."""
    async with open_client(base_url, screen) as client:
        indexes = await client.indexes.list().to_list(limit)
    for index in indexes:
        screen.print_json(to_dict(index))
    if screen.json:
        return ExitCode.OK
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
    screen.table(rows, columns)
    if not rows:
        screen.print("there are no indexes yet")
    return ExitCode.OK


async def create_index(
    name: str, *, model: str, options: Sequence[str], addons: Sequence[str], base_url: str | None, screen: Screen
) -> ExitCode:
    """Create an index and print its id."""
    async with open_client(base_url, screen) as client:
        created = await client.indexes.create(
            index_name=name, models=[{"model_name": model, "model_options": options}], addons=addons or None
        )
    screen.print_json({"_id": created.id, "index_name": name})
    if not screen.json:
        screen.print(f"created index {name} ({created.id})")
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
    screen.print_json({"_id": index.id, "index_name": index.index_name, "deleted": True})
    if not screen.json:
        screen.print(f"deleted index {index.index_name} ({index.id})")
    return ExitCode.OK
