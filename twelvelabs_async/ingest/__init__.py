"""Thousands of files into an index, each exactly once: `client.ingest(...)`.

From below: `outcome`, `events` and `ledger` are values and the protocol of what remembers them; `plan` and `sources`
find out what is meant, and `claiming` whose it is; `lookup`, `sending`, `steps` and `watch` know one part of the way
each, and `way` goes it; `carrier` decides what an item needs; `engine` runs many of them, and `ingestion` is what
people hold.
"""

from twelvelabs_async.ingest.claiming import Check, Dedupe
from twelvelabs_async.ingest.events import (
    AttemptFailed,
    IngestEvent,
    ItemEnded,
    ItemProgress,
    OnEvent,
    QuotaWait,
)
from twelvelabs_async.ingest.ingestion import AnyLedger, Ingestion, in_database, ledger_of
from twelvelabs_async.ingest.job import Job
from twelvelabs_async.ingest.ledger import Claim, Entry, Ledger, SavedUpload
from twelvelabs_async.ingest.memory_ledger import MemoryLedger
from twelvelabs_async.ingest.outcome import Outcome, OutcomeStatus, Stage, Stopped, Summary
from twelvelabs_async.ingest.plan import Item, PathOrUrl, expand
from twelvelabs_async.ingest.quota import OnQuota, stops
from twelvelabs_async.ingest.sources import Source, Sources
from twelvelabs_async.ingest.sqlite_ledger import SqliteLedger

__all__ = [
    "AnyLedger",
    "AttemptFailed",
    "Check",
    "Claim",
    "Dedupe",
    "Entry",
    "IngestEvent",
    "Ingestion",
    "Item",
    "ItemEnded",
    "ItemProgress",
    "Job",
    "Ledger",
    "MemoryLedger",
    "OnEvent",
    "OnQuota",
    "Outcome",
    "OutcomeStatus",
    "PathOrUrl",
    "QuotaWait",
    "SavedUpload",
    "Source",
    "Sources",
    "SqliteLedger",
    "Stage",
    "Stopped",
    "Summary",
    "expand",
    "in_database",
    "ledger_of",
    "stops",
]
