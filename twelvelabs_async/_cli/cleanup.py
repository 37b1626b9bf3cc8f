"""`ingest --delete-orphans` and `--replace`: delete assets that nothing needs, and older versions of changed files."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import attrs

from twelvelabs_async._cli.arguments import open_client
from twelvelabs_async._cli.console import Screen, basename, format_size, plural
from twelvelabs_async._cli.exit_codes import ExitCode
from twelvelabs_async._cli.indexes import require_index
from twelvelabs_async._cli.ledger import describe_ledger, find_default_ledger, open_existing_ledger
from twelvelabs_async._system import uri_to_path
from twelvelabs_async.client import AsyncTwelveLabs
from twelvelabs_async.errors import APIError, BadRequestError, ConflictError, InvalidInputError, NotFoundError
from twelvelabs_async.ingest import Entry, Ledger
from twelvelabs_async.ingest._stages import INGEST_TOKEN_KEY
from twelvelabs_async.uploads._source import modified_ns

UNKNOWN_VERSION: Final = "--replace cannot tell which version is current, because it has a key or is in a bucket"
"""Why the older versions of a source stay."""


@attrs.frozen
class Orphan:
    """An uploaded asset that nothing needs: it is in no index, or its video is twice in the index."""

    asset_id: str
    filename: str
    size: int
    """Size in bytes; 0 if unknown."""
    entry: Entry
    """Ledger entry that the asset was uploaded for."""
    indexed_asset_id: str | None = None
    """Id of the asset in the index, if its video is there twice."""

    @property
    def reason(self) -> str:
        """Why the asset is not needed."""
        if self.indexed_asset_id is not None:
            return f"in the index twice, also as {self.entry.asset_id}"
        if self.entry.asset_id != self.asset_id or self.entry.state == "ready":
            return "replaced by another asset"
        if self.entry.state == "failed":
            return f"failed: {self.entry.error}"
        return "unfinished; the next run resumes it"

    def to_record(self, *, deleted: bool) -> dict[str, Any]:
        """Return the JSON object of the asset."""
        return {"asset_id": self.asset_id, "filename": self.filename, "reason": self.reason, "deleted": deleted}


async def find_orphans(
    *, index: str, ledger: str | None, dry_run: bool, base_url: str | None, screen: Screen
) -> tuple[list[Orphan], str]:
    """Print and return the assets that ingestions with a ledger uploaded and that are in no index, and the ledger.

    Args:
        index: Name or id of the index.
        ledger: Path or URL of the ledger; None is the one that `ingest` keeps for the index.
        dry_run: Whether nothing will be deleted, so that another run may use the ledger.
        base_url: Base URL of the API.
        screen: Prints the assets.
    """
    async with open_client(base_url, screen) as client:
        found = await require_index(client, index)
        ledger = ledger or await find_default_ledger(client.base_url, found)
        if ledger is None:
            raise InvalidInputError("--delete-orphans needs the --ledger of the ingestion")
        async with open_existing_ledger(ledger, access="read" if dry_run else "exclusive") as opened:
            if opened is None:
                raise InvalidInputError(f"there is no {describe_ledger(ledger)}")
            orphans = [orphan async for orphan in _iter_orphans(client, opened, found.id)]
    for orphan in orphans:
        screen.print(f"{orphan.asset_id}  {basename(orphan.filename)}  {orphan.reason}")
    if orphans:
        assets = f"{plural(len(orphans), 'asset')} {'is' if len(orphans) == 1 else 'are'}"
        place = "in no index" if all(orphan.indexed_asset_id is None for orphan in orphans) else "in no index, or twice"
        screen.print(f"{assets} {place} ({format_size(sum(orphan.size for orphan in orphans))})")
    else:
        screen.print("no orphaned assets")
    return orphans, ledger


async def _iter_orphans(client: AsyncTwelveLabs, ledger: Ledger, index_id: str) -> AsyncIterator[Orphan]:
    """Yield the assets of the ledger that are in no index, or twice in this one. Reads the list of all assets."""
    entries = {entry.token: entry async for entry in ledger.entries() if entry.index_id == index_id}
    own_assets, others = set[str](), list[Orphan]()
    async for asset in client.assets.list():
        entry = entries.get(str((asset.user_metadata or {}).get(INGEST_TOKEN_KEY)))
        if entry is not None and entry.state == "ready" and entry.asset_id == asset.id:
            own_assets.add(asset.id)
        elif entry is not None:
            others.append(Orphan(asset.id, asset.filename or "?", asset.size or 0, entry))
    for orphan in others:
        indexed_assets = await client.indexes.indexed_assets.list_by_asset(orphan.asset_id).to_list()
        if not indexed_assets:
            yield orphan
        elif orphan.entry.asset_id in own_assets and [found.index.id for found in indexed_assets] == [index_id]:
            yield attrs.evolve(orphan, indexed_asset_id=indexed_assets[0].id)


async def delete_orphans(orphans: Sequence[Orphan], *, ledger: str, base_url: str | None, screen: Screen) -> ExitCode:
    """Delete the assets; the next run uploads unfinished items again."""
    kept = 0
    async with open_client(base_url, screen) as client, open_existing_ledger(ledger) as opened:
        if opened is None:
            raise InvalidInputError("the ledger does not exist any more")
        for orphan in orphans:
            error = await _delete_orphan(client, opened, orphan)
            screen.print_json(orphan.to_record(deleted=not error))
            if error:
                kept += 1
                screen.warn(f"kept      {orphan.asset_id}: {error}")
    screen.print(f"{len(orphans) - kept:,} deleted")
    return ExitCode.FAILED if kept else ExitCode.OK


async def _delete_orphan(client: AsyncTwelveLabs, ledger: Ledger, orphan: Orphan) -> str:
    """Delete one asset; return an error message if it is in use."""
    try:
        await _delete_asset(client, orphan.entry.index_id, orphan.indexed_asset_id, orphan.asset_id)
    except ConflictError as error:
        return str(error)
    if orphan.entry.asset_id == orphan.asset_id:
        await ledger.save(attrs.evolve(orphan.entry, stage="queued", asset_id=None, indexed_asset_id=None))
    return ""


async def _delete_asset(client: AsyncTwelveLabs, index_id: str, indexed_asset_id: str | None, asset_id: str) -> None:
    """Delete an asset, after its video in an index if it has one; either may have been deleted meanwhile."""
    if indexed_asset_id is not None:
        with suppress(NotFoundError, BadRequestError):
            await client.indexes.indexed_assets.delete(index_id, indexed_asset_id)
    with suppress(NotFoundError, BadRequestError):
        await client.assets.delete(asset_id)


async def delete_older_versions(client: AsyncTwelveLabs, ledger: str | None, index_id: str, screen: Screen) -> int:
    """Delete the videos of files that have changed, once their newer version is in the index.

    Return how many could not be deleted. The ledger shows what an interrupted run has left, so that the next one
    deletes it.
    """
    kept = 0
    async with open_existing_ledger(ledger) as opened:
        if opened is None:
            return 0
        files: list[list[Entry]] = []
        for uri, entries in (await _versions(opened, index_id)).items():
            if Path(uri_to_path(uri)).is_absolute():
                files.append(entries)
            else:
                assets = ", ".join(entry.asset_id or "" for entry in entries)
                screen.warn(f"kept      {basename(uri)}: {UNKNOWN_VERSION}; its assets are {assets}")
        for older, newer in await asyncio.to_thread(_with_current_version, files):
            error = await _delete_version(client, opened, older)
            if error:
                kept += 1
                screen.warn(f"kept      {basename(older.uri)}, asset {older.asset_id}: {error}")
            else:
                screen.print(f"replaced  {basename(older.uri)}: {newer.asset_id} instead of {older.asset_id}")
    return kept


async def _versions(ledger: Ledger, index_id: str) -> dict[str, list[Entry]]:
    """Return the entries that have an asset, by URI, of each file with several of them."""
    versions: dict[str, list[Entry]] = defaultdict(list)
    async for entry in ledger.entries():
        if entry.index_id == index_id and entry.asset_id is not None:
            versions[entry.uri].append(entry)
    return {uri: found for uri, found in versions.items() if len(found) > 1}


def _with_current_version(files: Sequence[Sequence[Entry]]) -> list[tuple[Entry, Entry]]:
    """Return each outdated entry with the entry of the same file as it is now, if that one is in the index."""
    found: list[tuple[Entry, Entry]] = []
    for versions in files:
        try:
            status = Path(uri_to_path(versions[0].uri)).stat()
        except (OSError, ValueError):
            continue  # gone
        now = (status.st_size, modified_ns(status))
        current = next((entry for entry in versions if (entry.size, entry.mtime_ns) == now), None)
        if current is not None and current.state == "ready":
            found += [(entry, current) for entry in versions if entry is not current]
    return found


async def _delete_version(client: AsyncTwelveLabs, ledger: Ledger, entry: Entry) -> str:
    """Delete an older version from the index, and its asset; return an error message if that is not possible."""
    try:
        await _delete_asset(client, entry.index_id, entry.indexed_asset_id, entry.asset_id or "")
    except APIError as error:
        return str(error)
    reason = "replaced by a newer version"
    await ledger.save(
        attrs.evolve(entry, stage="queued", state="open", asset_id=None, indexed_asset_id=None, error=reason)
    )
    return ""
