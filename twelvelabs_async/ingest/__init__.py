"""Many files into an index: upload, wait, index, wait, several at a time.

`plan` finds out what is meant, `steps` carries one item through, `engine` keeps the workers busy.
"""

from twelvelabs_async.ingest.engine import ingest
from twelvelabs_async.ingest.outcome import IngestEvent, Outcome, OutcomeStatus, Stage
from twelvelabs_async.ingest.plan import Item, PathOrUrl, expand

__all__ = ["IngestEvent", "Item", "Outcome", "OutcomeStatus", "PathOrUrl", "Stage", "expand", "ingest"]
