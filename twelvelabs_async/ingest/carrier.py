"""Decides what is to be done with an item: nothing, because it is done; wait for its twin; or carry it all the way."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import attrs

from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import LedgerError, TwelveLabsError
from twelvelabs_async.ingest.claiming import IN_DOUBT, Claimer
from twelvelabs_async.ingest.events import OnEvent
from twelvelabs_async.ingest.failures import is_verdict, told
from twelvelabs_async.ingest.job import Job
from twelvelabs_async.ingest.ledger import Claim, Entry
from twelvelabs_async.ingest.outcome import Outcome
from twelvelabs_async.ingest.plan import Item
from twelvelabs_async.ingest.quota import Halt, NotBegunError
from twelvelabs_async.ingest.way import Way
from twelvelabs_async.ingest.work import Work

logger: Final = logging.getLogger(__name__)


class Carrier:
    """Shared by all items of a run."""

    def __init__(self, way: Way, job: Job, *, halt: Halt, clock: Clock, tell: OnEvent, run: str) -> None:
        self._halt = halt
        self._way = way
        self._job = job
        self._clock = clock
        self._tell = tell
        self._run = run
        self._began = 0.0
        self._carrying: dict[str, asyncio.Future[Outcome]] = {}
        self._claimer = Claimer(
            job.ledger, index_id=job.index_id, dedupe=job.dedupe, check=job.check, run=run, clock=clock
        )

    def begin(self, ledger_name: str) -> None:
        """Be ready for the first item; the ledger is open."""
        self._began = self._clock.monotonic()
        self._claimer.begin(ledger_name)

    async def carry(self, item: Item) -> Outcome:
        """What became of an item.

        Raises:
            LedgerError: It could not be written down.
        """
        if item.problem:
            return Outcome(source=item.source, status="failed", stage="queued", error=item.problem)
        if self._halt.reason:
            return self._skipped(item)
        try:
            claim = await self._claimer.claim(item)
        except LedgerError:
            raise
        except (TwelveLabsError, OSError) as error:
            return _failed(item.source, error)
        except Exception as error:  # a check that is the caller's own
            logger.exception("an unexpected error while %s was looked at", item.source)
            return _failed(item.source, error)
        if isinstance(claim, Claim):
            return await self._by_claim(item, claim)
        return Outcome(source=item.source, status="failed", stage="queued", error=claim)

    def _skipped(self, item: Item) -> Outcome:
        why = self._halt.why
        error = f"not begun, because the run had ended: {why or 'it was asked to'}"
        return Outcome(source=item.source, status="skipped", stage="queued", error=error, exception=why)

    async def _by_claim(self, item: Item, claim: Claim) -> Outcome:
        entry = claim.entry
        ahead = self._carrying.get(entry.token)
        if ahead is not None:
            return self._shared(item, entry, await asyncio.shield(ahead))
        again = entry.state == "failed" and self._job.retry_failed and entry.run != self._run
        if entry.state != "open" and not again:
            return self._ended(item, entry)
        self._carrying[entry.token] = promise = asyncio.get_running_loop().create_future()
        try:
            outcome = await self._carried(item, claim, again=again)
            promise.set_result(outcome)
        finally:
            del self._carrying[entry.token]
            promise.cancel()
        return outcome

    def _shared(self, item: Item, entry: Entry, outcome: Outcome) -> Outcome:
        """The outcome of another item of this run, as that of its double."""
        return attrs.evolve(outcome, source=item.source, duplicate_of=entry.uri, bytes=0, replaces=None)

    def _ended(self, item: Item, entry: Entry) -> Outcome:
        """The outcome of an entry that nothing is left to be done about."""
        earlier = entry.run != self._run
        return Outcome(
            source=item.source,
            status="ready" if entry.state == "ready" else "failed",
            stage=entry.stage,
            asset_id=entry.asset_id,
            indexed_asset_id=entry.indexed_asset_id,
            error=entry.error,
            attempts=entry.attempts,
            already=earlier,
            duplicate_of=None if earlier and entry.uri == item.uri else entry.uri,
        )

    async def _carried(self, item: Item, claim: Claim, *, again: bool) -> Outcome:
        work = self._work(item, claim)
        failure: Exception | None = None
        try:
            if again:
                await work.restart()
            await self._way.run(work)
        except LedgerError:
            raise
        except NotBegunError:
            return self._skipped(item)
        except (TwelveLabsError, OSError) as error:
            failure = error
        except Exception as error:
            # A defect that one strange file brings to light must not cost a night's run over ten thousand others.
            logger.exception("an unexpected error while %s was %s", item.source, work.entry.stage)
            failure = error
        if failure is not None:
            await self._note(work, failure)
        return _outcome(work, claim, failure)

    def _work(self, item: Item, claim: Claim) -> Work:
        entry, resumed = claim.entry, claim.kinship != "new"
        named = entry.indexed_asset_id if entry.stage == "indexing" else None
        return Work(
            item=item,
            entry=attrs.evolve(entry, run=self._run),
            ledger=self._job.ledger,
            clock=self._clock,
            listener=self._tell,
            resumed=resumed,
            doubt=self._began if resumed and entry.stage in IN_DOUBT and named is None else None,
        )

    async def _note(self, work: Work, failure: Exception) -> None:
        """Keep why an item stopped; a verdict of the platform ends it, all else leaves it to the next run."""
        self._halt.note(failure)
        await work.save(error=told(failure), state="failed" if is_verdict(failure) else "open")


def _failed(source: str, failure: Exception) -> Outcome:
    return Outcome(source=source, status="failed", stage="queued", error=told(failure), exception=failure)


def _outcome(work: Work, claim: Claim, failure: Exception | None) -> Outcome:
    entry, older = work.entry, claim.older
    return Outcome(
        source=work.item.source,
        status="ready" if failure is None else "failed",
        stage=entry.stage,
        asset_id=entry.asset_id,
        indexed_asset_id=entry.indexed_asset_id,
        error="" if failure is None else told(failure),
        exception=failure,
        bytes=work.sent,
        attempts=entry.attempts,
        duplicate_of=entry.uri if entry.uri != work.item.uri else None,
        replaces=older.asset_id if older is not None else None,
    )
