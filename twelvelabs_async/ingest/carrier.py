"""Decides what is to be done with an item: nothing, because it is done; wait for its twin; or carry it all the way."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from typing import Final

import attrs

from twelvelabs_async.clock import Clock
from twelvelabs_async.errors import APIError, BadRequestError, LedgerError, ProcessingFailedError, TwelveLabsError
from twelvelabs_async.errors import UnprocessableEntityError as Unprocessable
from twelvelabs_async.ingest.events import OnEvent
from twelvelabs_async.ingest.job import Job
from twelvelabs_async.ingest.ledger import Claim, Entry
from twelvelabs_async.ingest.outcome import Outcome
from twelvelabs_async.ingest.plan import Item
from twelvelabs_async.ingest.quota import Halt, NotBegunError, stops
from twelvelabs_async.ingest.twins import twin_of
from twelvelabs_async.ingest.way import Way
from twelvelabs_async.ingest.work import Work

logger: Final = logging.getLogger(__name__)

LOOKING_AT_ONCE: Final = 8
"""Files that are looked into before their upload, at the same time."""

IN_DOUBT: Final = frozenset({"uploading", "indexing"})
"""Stages in which a crash leaves it unknown what happened."""


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
        self._ledger_name = ""
        self._carrying: dict[str, asyncio.Future[Outcome]] = {}
        self._looking = asyncio.Semaphore(LOOKING_AT_ONCE)

    def begin(self, ledger_name: str) -> None:
        """Be ready for the first item; the ledger is open."""
        self._began, self._ledger_name = self._clock.monotonic(), ledger_name

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
            claim = await self._claim(item)
        except LedgerError:
            raise
        except (TwelveLabsError, OSError) as error:
            return _failed(item.source, error)
        except Exception as error:  # a check that is the caller's own
            logger.exception("an unexpected error while %s was looked at", item.source)
            return _failed(item.source, error)
        return await self._by_claim(item, claim) if isinstance(claim, Claim) else claim

    def _skipped(self, item: Item) -> Outcome:
        why = self._halt.why
        error = f"not begun, because the run had ended: {why or 'it was asked to'}"
        return Outcome(source=item.source, status="skipped", stage="queued", error=error, exception=why)

    async def _claim(self, item: Item) -> Claim | Outcome:
        """The ledger's entry of an item, or why it will never have one."""
        ledger, identity = self._job.ledger, (self._job.index_id, item.uri, item.size, item.mtime_ns)
        known = await ledger.find(*identity)
        if known is not None:
            return Claim(entry=known, kinship="known")
        async with self._looking:
            problem = await self._job.check(item) if self._job.check is not None else ""
            if problem:
                return Outcome(source=item.source, status="failed", stage="queued", error=problem)
            twin = await twin_of(item, self._job.dedupe)
        now = self._clock.time()
        return await ledger.claim(
            Entry(
                token=_token(self._ledger_name, *identity),
                index_id=self._job.index_id,
                uri=item.uri,
                size=item.size,
                mtime_ns=item.mtime_ns,
                twin=twin,
                run=self._run,
                created_at=now,
                updated_at=now,
            )
        )

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
        await work.save(error=_told(failure), state="failed" if _is_verdict(failure) else "open")


def _is_verdict(failure: Exception) -> bool:
    """Whether the platform has refused the item itself."""
    if stops(failure):
        return False
    refused = isinstance(failure, APIError) and failure.status_code == 413
    return refused or isinstance(failure, ProcessingFailedError | BadRequestError | Unprocessable)


def _told(failure: Exception) -> str:
    return str(failure) if isinstance(failure, TwelveLabsError) else f"{type(failure).__name__}: {failure}"


def _failed(source: str, failure: Exception) -> Outcome:
    return Outcome(source=source, status="failed", stage="queued", error=_told(failure), exception=failure)


def _outcome(work: Work, claim: Claim, failure: Exception | None) -> Outcome:
    entry, older = work.entry, claim.older
    return Outcome(
        source=work.item.source,
        status="ready" if failure is None else "failed",
        stage=entry.stage,
        asset_id=entry.asset_id,
        indexed_asset_id=entry.indexed_asset_id,
        error="" if failure is None else _told(failure),
        exception=failure,
        bytes=work.sent,
        attempts=entry.attempts,
        duplicate_of=entry.uri if entry.uri != work.item.uri else None,
        replaces=older.asset_id if older is not None else None,
    )


def _token(*parts: object) -> str:
    """The same for the same file in the same ledger, and for nothing else."""
    text = "\0".join(map(str, parts))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
