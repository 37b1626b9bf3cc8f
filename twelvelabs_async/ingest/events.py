"""Events of a running ingestion, which the function `client.ingest(on_event=...)` receives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

import attrs

from twelvelabs_async.events import RateLimitWaitStarted
from twelvelabs_async.ingest.results import IngestResult, Stage


@attrs.frozen(kw_only=True)
class ItemProgress:
    """An item entered a stage, sent some bytes, or changed its status on the platform."""

    source: str
    """Path or URL."""
    stage: Stage
    """The stage that the item is in."""
    status: str = ""
    """Status reported by the platform, such as `queued` while indexing; empty until the first poll."""
    sent: int = 0
    """Bytes passed to the network; decreases when a part must be sent again."""
    total: int = 0
    """Bytes of the file; 0 for a URL."""
    bytes_sent: int = 0
    """Bytes that this run has sent of the file, with those that it sent again; never decreases. A run that resumes an
    upload starts at 0, while `sent` starts with the parts of the earlier run."""


@attrs.frozen(kw_only=True)
class ItemRetryScheduled:
    """A stage of an item failed and will be retried."""

    source: str
    """Path or URL."""
    stage: Stage
    """The stage that failed."""
    error: str
    """The error as one line."""
    attempt: int
    """Number of attempts so far."""
    retry_in: float
    """Seconds until the retry."""


@attrs.frozen(kw_only=True)
class QuotaWaitStarted:
    """A quota is exhausted, and the ingestion waits until it resets."""

    category: str
    """The group of endpoints that share the quota, such as `upload`."""
    dimension: str
    """What the quota counts, such as `request`."""
    seconds: float
    """Seconds until the quota resets."""
    resets_at: datetime | None = None
    """When the quota resets, in UTC; None if the platform did not say."""


@attrs.frozen(kw_only=True)
class OutageStarted:
    """No request has received a response for a while. The ingestion starts nothing new, and waits for the platform."""

    since: datetime
    """When a request got an answer for the last time, in UTC by the clock of this machine."""
    error: str
    """The last error as one line."""


@attrs.frozen(kw_only=True)
class OutageEnded:
    """The platform answers again, and the ingestion continues."""

    seconds: float
    """Seconds without an answer."""


@attrs.frozen(kw_only=True)
class IngestWarning:
    """A problem that does not stop the run."""

    message: str
    """What is odd."""
    source: str = ""
    """Path or URL that it concerns; empty if it concerns the whole run."""


SkipReason = Literal[
    "recycle bin", "system folder", "linked folder", "hidden folder", "hidden file", "not video or audio"
]
"""Why a folder in a source was not read, or why files in a folder were not taken."""


@attrs.frozen(kw_only=True)
class PathSkipped:
    """A folder, or some files of a folder, were left out of a source. To ingest them, pass their own path as a source.

    The files of a folder that were left out for the same reason, and have the same extension, are one event.
    """

    path: str
    """Path of the folder that was not read, or of the folder that the files are in; a file that matches a glob has its
    own path."""
    reason: SkipReason
    """Why."""
    suffix: str = ""
    """Extension of the files that are `not video or audio`, in lower case, such as `.jpg`; empty if they have none."""
    count: int = 1
    """Number of files; 1 for a folder."""


@attrs.frozen(kw_only=True)
class ItemFinished:
    """An item ended. Sent before the iterator yields the result."""

    result: IngestResult
    """How the item ended."""


IngestEvent = (
    ItemProgress
    | ItemRetryScheduled
    | QuotaWaitStarted
    | OutageStarted
    | OutageEnded
    | IngestWarning
    | PathSkipped
    | ItemFinished
    | RateLimitWaitStarted
)
"""Any event of an ingestion. `RateLimitWaitStarted` is an ordinary wait for a rate limit."""

OnEvent = Callable[[IngestEvent], None]
"""Listener. Called in the event loop for each event, including each block of a file that is sent; must not block."""
