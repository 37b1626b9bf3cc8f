"""Ingestion by any number of workers on any number of machines. Needs `pip install 'twelvelabs-async[postgres]'`.

The ledger in PostgreSQL says what is to be done, and procrastinate's queue in the same database who does it next. From
below: `card` is what is known of an item between two steps; `stepper` takes one step and `lookout` looks at many items
at once, neither of which waits for anything; `roster` and `queue` keep that in tables; `jobs` binds them together,
`worker` runs them and looks after dead workers; `submission` hands items in, and `status` tells how far they are.
"""

from twelvelabs_async.fleet.status import Status, status
from twelvelabs_async.fleet.submission import Submitted, submit
from twelvelabs_async.fleet.worker import Worker

__all__ = ["Status", "Submitted", "Worker", "status", "submit"]
