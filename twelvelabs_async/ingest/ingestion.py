"""What `client.ingest(...)` gives: an iterator of outcomes that can also be asked, drained and closed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from os import PathLike
from types import TracebackType
from typing import Self

from twelvelabs_async.api import Api
from twelvelabs_async.errors import ClientStateError, InvalidInputError
from twelvelabs_async.ingest.engine import Run
from twelvelabs_async.ingest.job import Job
from twelvelabs_async.ingest.ledger import Ledger
from twelvelabs_async.ingest.memory_ledger import MemoryLedger
from twelvelabs_async.ingest.outcome import Outcome, Summary
from twelvelabs_async.ingest.sources import Sources
from twelvelabs_async.ingest.sqlite_ledger import SqliteLedger

AnyLedger = Ledger | str | PathLike[str]
"""A ledger, the path of one in a file, or the `postgresql://` address of one in a database."""


def ledger_of(ledger: AnyLedger | None) -> Ledger:
    """The ledger that is meant; without one, what is remembered ends with the process."""
    if ledger is None:
        return MemoryLedger()
    if isinstance(ledger, str) and in_database(ledger):
        return _in_postgres(ledger)
    return SqliteLedger(ledger) if isinstance(ledger, str | PathLike) else ledger


def in_database(ledger: str) -> bool:
    """Whether a ledger is named by the address of a database, and not by the path of a file."""
    return ledger.startswith(("postgresql://", "postgres://"))


def _in_postgres(url: str) -> Ledger:
    try:
        from twelvelabs_async.ingest.postgres_ledger import PostgresLedger  # noqa: PLC0415  # an extra
    except ImportError:
        raise InvalidInputError("a ledger in PostgreSQL needs: pip install 'twelvelabs-async[postgres]'") from None
    return PostgresLedger(url)


class Ingestion:
    """An ingestion that begins when its first outcome is asked for.

    Iterate it once for one `Outcome` of each input, in the order in which they end. To leave early, close it: what is
    on its way is cancelled, and with a ledger the next run continues it.
    """

    def __init__(self, api: Api, sources: Sources, job: Job) -> None:
        self._run = Run(api, sources, job)
        self._outcomes: AsyncGenerator[Outcome, None] = self._run.outcomes()
        self._begun = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Outcome:
        self._begun = True
        return await anext(self._outcomes)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Cancel what is on its way, and let go of the ledger."""
        await self._outcomes.aclose()

    async def summary(self) -> Summary:
        """Run to the end, and add the outcomes up.

        Raises:
            ClientStateError: The outcomes are being iterated already.
            LedgerError: The ledger cannot be used.
        """
        if self._begun:
            raise ClientStateError("the outcomes are being iterated; `so_far` adds up those that have come")
        async with self:
            async for _ in self:
                pass
        return self.so_far

    def drain(self) -> None:
        """Begin no more uploads, and finish what is on its way; the iterator ends after the last of it.

        Items that were taken and not begun are `skipped`.
        """
        self._run.drain()

    @property
    def so_far(self) -> Summary:
        """The outcomes that have come, added up."""
        return self._run.summary
