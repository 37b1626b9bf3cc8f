"""Upload and index thousands of files, each exactly once: `client.ingest(...)`.

Start with `Ingestion`, which `client.ingest` returns. A `Ledger` records the progress of each item, so that a later run
can resume; `MemoryLedger`, `SqliteLedger` and `PostgresLedger` (in `postgres_ledger`, needs an extra) are ledgers.
"""

from twelvelabs_async.ingest.events import (
    IngestEvent,
    IngestWarning,
    ItemFinished,
    ItemProgress,
    ItemRetryScheduled,
    OnEvent,
    OutageEnded,
    OutageStarted,
    PathSkipped,
    QuotaWaitStarted,
    SkipReason,
)
from twelvelabs_async.ingest.ingestion import Ingestion
from twelvelabs_async.ingest.ledger import (
    Claim,
    Entry,
    EntryState,
    EntryStore,
    Ledger,
    LedgerLike,
    MatchKind,
    MemoryLedger,
    SavedUpload,
)
from twelvelabs_async.ingest.results import (
    IngestResult,
    IngestStatus,
    OnOutage,
    OnQuota,
    Stage,
    StopReason,
    Summary,
    Transfer,
)
from twelvelabs_async.ingest.sources import Dedupe, IngestSource, IngestSources, Item, PathOrUrl, Validator
from twelvelabs_async.ingest.sqlite_ledger import SqliteLedger

__all__ = [
    "Claim",
    "Dedupe",
    "Entry",
    "EntryState",
    "EntryStore",
    "IngestEvent",
    "IngestResult",
    "IngestSource",
    "IngestSources",
    "IngestStatus",
    "IngestWarning",
    "Ingestion",
    "Item",
    "ItemFinished",
    "ItemProgress",
    "ItemRetryScheduled",
    "Ledger",
    "LedgerLike",
    "MatchKind",
    "MemoryLedger",
    "OnEvent",
    "OnOutage",
    "OnQuota",
    "OutageEnded",
    "OutageStarted",
    "PathOrUrl",
    "PathSkipped",
    "QuotaWaitStarted",
    "SavedUpload",
    "SkipReason",
    "SqliteLedger",
    "Stage",
    "StopReason",
    "Summary",
    "Transfer",
    "Validator",
]
