"""Finds the ledger's entry of an item, or makes one if nothing speaks against it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Final, Literal

from twelvelabs_async.clock import Clock
from twelvelabs_async.ingest.ledger import Claim, Entry, Ledger
from twelvelabs_async.ingest.plan import Item
from twelvelabs_async.ingest.twins import twin_of

Dedupe = Literal["path", "name", "content"]
"""Which files count as the same: one path; also one name, size and time; or one content."""

Check = Callable[[Item], Awaitable[str]]
"""Looks at an item before anything is spent on it: why it is not to be sent, or nothing."""

LOOKING_AT_ONCE: Final = 8
"""Files that are looked into before their upload, at the same time."""

IN_DOUBT: Final = frozenset({"uploading", "indexing"})
"""Stages in which a crash leaves it unknown what happened."""


class Claimer:
    """Shared by all items that are claimed for one index.

    Args:
        ledger: Where.
        index_id: The index.
        dedupe: Which files count as the same.
        check: Looks at new items first.
        run: Who claims.
        clock: What time it is.
    """

    def __init__(
        self, ledger: Ledger, *, index_id: str, dedupe: Dedupe, check: Check | None, run: str, clock: Clock
    ) -> None:
        self._ledger = ledger
        self._name = ""
        self._index_id = index_id
        self._dedupe: Dedupe = dedupe
        self._check = check
        self._run = run
        self._clock = clock
        self._looking = asyncio.Semaphore(LOOKING_AT_ONCE)

    def begin(self, ledger_name: str) -> None:
        """Be ready for the first item; the ledger is open, and this is its name."""
        self._name = ledger_name

    async def claim(self, item: Item) -> Claim | str:
        """The ledger's entry of an item, or why it will never have one.

        Raises:
            LedgerError: It could not be written down.
            OSError: The file cannot be read.
        """
        identity = (self._index_id, item.uri, item.size, item.mtime_ns)
        known = await self._ledger.find(*identity)
        if known is not None:
            return Claim(entry=known, kinship="known")
        async with self._looking:
            problem = await self._check(item) if self._check is not None else ""
            if problem:
                return problem
            twin = await twin_of(item, self._dedupe)
        now = self._clock.time()
        return await self._ledger.claim(
            Entry(
                token=_token(self._name, *identity),
                index_id=self._index_id,
                uri=item.uri,
                size=item.size,
                mtime_ns=item.mtime_ns,
                twin=twin,
                run=self._run,
                created_at=now,
                updated_at=now,
            )
        )


def _token(*parts: object) -> str:
    """The same for the same file in the same ledger, and for nothing else."""
    text = "\0".join(map(str, parts))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
