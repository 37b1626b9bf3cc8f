"""Ingestion by workers on any number of machines. Needs the extra `postgres`.

`submit` adds videos to a ledger in PostgreSQL, `Worker` ingests them, and `status` counts how far they are;
`retry_stalled` and `cancel_stalled` continue or end the videos that workers have given up. The workers share the job
queue of procrastinate, in the same database.
"""

from twelvelabs_async._text import install_command

try:
    from twelvelabs_async.workers.status import Status, cancel_stalled, forget_failed, retry_stalled, status
    from twelvelabs_async.workers.submission import SubmitResult, submit
    from twelvelabs_async.workers.worker import Worker
except ImportError as _error:
    raise ImportError(f"workers need: {install_command('postgres')}") from _error

__all__ = ["Status", "SubmitResult", "Worker", "cancel_stalled", "forget_failed", "retry_stalled", "status", "submit"]
