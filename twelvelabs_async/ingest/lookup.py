"""Finds out what came of a step that may have happened, before it is repeated.

An asset is known by the token in its user metadata, an asset in an index by its asset. How soon the platform lists what
it has just made is not known, so a look that finds nothing is repeated until the doubt is some seconds old.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from twelvelabs_async.clock import Clock
from twelvelabs_async.ingest.work import Work
from twelvelabs_async.models.assets import AssetDetail
from twelvelabs_async.resources.assets import Assets
from twelvelabs_async.resources.indexed_assets import IndexedAssets

TOKEN: Final = "ingest_token"  # noqa: S105  # a name, no secret
"""Key in the user metadata of an asset by which its ledger entry finds it again."""

LOOKS: Final = (0.0, 1.0, 5.0)
"""Seconds after a doubt began at which to look."""

SKEW: Final = 3600.0
"""Seconds by which this machine's clock and the platform's may differ."""


class Lookup:
    """Reads what is there."""

    def __init__(self, assets: Assets, indexed_assets: IndexedAssets, clock: Clock) -> None:
        self._assets = assets
        self._indexed_assets = indexed_assets
        self._clock = clock

    async def asset(self, work: Work) -> str | None:
        """The asset that a direct upload, or an address, has become; None if it has not arrived."""
        return await self._patiently(work, lambda: self._asset(work))

    async def indexed_asset(self, work: Work) -> str | None:
        """The asset in the index; None if it is not there."""
        return await self._patiently(work, lambda: self._indexed_asset(work))

    async def _patiently(self, work: Work, look: Callable[[], Awaitable[str | None]]) -> str | None:
        looked = False
        for after in LOOKS:
            wait = (work.doubt or 0.0) + after - self._clock.monotonic()
            if wait <= 0 and looked:
                continue
            await self._clock.sleep(max(0.0, wait))
            found = await look()
            if found is not None:
                return found
            looked = True
        return None

    async def _asset(self, work: Work) -> str | None:
        since = work.entry.created_at - SKEW
        async for asset in self._assets.list(filename=work.item.name or None):
            if asset.user_metadata.get(TOKEN) == work.entry.token and asset.id != work.entry.asset_id:
                return asset.id
            if _older(asset, since):  # the list has the newest first
                return None
        return None

    async def _indexed_asset(self, work: Work) -> str | None:
        async for entry in self._indexed_assets.list_by_asset(work.entry.asset_id or ""):
            if entry.index.id == work.entry.index_id:
                return entry.id
        return None


def _older(asset: AssetDetail, since: float) -> bool:
    return asset.created_at is not None and asset.created_at < datetime.fromtimestamp(since, UTC)
