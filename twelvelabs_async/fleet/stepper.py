"""Takes one step of one item, and says what is left to be done. Nothing is waited for here but the step itself."""

from __future__ import annotations

import logging
from typing import Final

import attrs

from twelvelabs_async.api import Api
from twelvelabs_async.errors import (
    AuthenticationError,
    LedgerError,
    RateLimitError,
    TwelveLabsError,
)
from twelvelabs_async.fleet.card import TRIES, Card, Result, after_limit, pause
from twelvelabs_async.ingest.events import IngestEvent
from twelvelabs_async.ingest.failures import in_doubt, is_verdict, may_pass, told
from twelvelabs_async.ingest.ledger import Entry, Ledger
from twelvelabs_async.ingest.steps import Steps
from twelvelabs_async.ingest.work import Work

logger: Final = logging.getLogger(__name__)


def is_due(entry: Entry) -> bool:
    """Whether the next move is ours, and not the platform's."""
    if entry.state != "open":
        return False
    return entry.stage in {"queued", "uploading"} or (entry.stage == "indexing" and entry.indexed_asset_id is None)


class Stepper:
    """Shared by all items of a worker.

    Args:
        api: The road to the platform.
        ledger: What remembers the items; open.
        direct_up_to: Bytes up to which a file is sent in one request.
    """

    def __init__(self, api: Api, ledger: Ledger, *, direct_up_to: int) -> None:
        self._steps = Steps(api, direct_up_to=direct_up_to)
        self._ledger = ledger
        self._clock = api.clock

    async def take(self, card: Card) -> Result:
        """Take the step that an item is at.

        Raises:
            AuthenticationError: The key was refused, which is not the item's fault.
            LedgerError: It could not be written down.
        """
        if not is_due(card.entry):
            return Result(entry=card.entry)
        work = self._work(card)
        try:
            await (self._steps.put_into_index(work) if work.entry.stage == "indexing" else self._steps.upload(work))
        except (LedgerError, AuthenticationError):
            raise
        except RateLimitError as error:
            return self._postponed(card, work, error)
        except (TwelveLabsError, OSError) as error:
            return await self._failed(card, work, error)
        except Exception as error:  # a defect that one strange file brings to light
            logger.exception("an unexpected error while %s was %s", card.item.source, work.entry.stage)
            return await self._failed(card, work, error)
        if work.entry.error:
            await work.save(error="")
        return Result(entry=work.entry)

    def _work(self, card: Card) -> Work:
        return Work(
            item=card.item,
            entry=card.entry,
            ledger=self._ledger,
            clock=self._clock,
            listener=_nobody,
            resumed=True,
            doubt=self._clock.monotonic() if card.doubt else None,
        )

    def _postponed(self, card: Card, work: Work, error: RateLimitError) -> Result:
        doubt = work.doubt is not None
        return Result(
            entry=work.entry, tries=card.tries, doubt=doubt, again=after_limit(error.retry_after), closed=True
        )

    async def _failed(self, card: Card, work: Work, error: Exception) -> Result:
        """Keep why; a verdict of the platform ends the item, all else leaves it open."""
        doubt, tries = work.doubt is not None or in_doubt(error), card.tries + 1
        await work.save(error=told(error), state="failed" if is_verdict(error) else "open")
        if may_pass(error) and tries < TRIES:
            return Result(entry=work.entry, tries=tries, doubt=doubt, again=pause(tries))
        return Result(entry=work.entry, tries=TRIES, doubt=doubt)


def renewed(entry: Entry) -> Entry:
    """An entry of which nothing is there any more, or that is to be tried once more."""
    return attrs.evolve(entry, stage="queued", state="open", indexed_asset_id=None, error="")


def _nobody(_: IngestEvent) -> None:
    """Nobody watches single items on many machines."""
