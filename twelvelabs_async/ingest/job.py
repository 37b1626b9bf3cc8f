"""What an ingestion is asked to do, as one value."""

from __future__ import annotations

from typing import Final

import attrs

from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.ingest.claiming import Check, Dedupe
from twelvelabs_async.ingest.events import OnEvent
from twelvelabs_async.ingest.ledger import Ledger
from twelvelabs_async.ingest.quota import OnQuota
from twelvelabs_async.ingest.way import Patience
from twelvelabs_async.models.common import UserMetadata
from twelvelabs_async.settings import natural, positive
from twelvelabs_async.uploads.plan import DIRECT_UP_TO

DAY: Final = 86400.0


def _at_least_one(_: object, attribute: attrs.Attribute[int], value: int) -> None:
    if value < 1:
        raise InvalidInputError(f"{attribute.name} is 1 or more, not {value}")


@attrs.frozen(kw_only=True)
class Job:
    """What to do with the items, and how."""

    index_id: str
    """The index they go into."""
    ledger: Ledger
    """What remembers them."""
    concurrency: int = attrs.field(default=4, validator=_at_least_one)
    """Files sent at once."""
    in_flight: int = attrs.field(default=1000, validator=_at_least_one)
    """Items on their way at once."""
    direct_up_to: int = attrs.field(default=DIRECT_UP_TO, validator=natural)
    """Bytes up to which a file is sent in one request."""
    user_metadata: UserMetadata | None = None
    """Keys for all of them."""
    dedupe: Dedupe = attrs.field(default="name", validator=attrs.validators.in_(("path", "name", "content")))
    """Which files count as the same."""
    on_quota: OnQuota = attrs.field(default="stop", validator=attrs.validators.in_(("stop", "wait")))
    """What to do when a quota is used up."""
    retry_failed: bool = False
    """Whether to try again what the platform has refused in an earlier run."""
    check: Check | None = None
    """Looks at new items first."""
    timeout: float = attrs.field(default=DAY, validator=positive)
    """Seconds for each of the two waits."""
    sleep_interval: float | None = attrs.field(default=None, validator=attrs.validators.optional(positive))
    """Seconds between two looks at statuses."""
    on_event: OnEvent | None = None
    """Is told how it goes."""

    @property
    def patience(self) -> Patience:
        """How much is done at once, and how long is waited."""
        return Patience(
            uploads=self.concurrency,
            direct_up_to=self.direct_up_to,
            timeout=self.timeout,
            interval=self.sleep_interval,
        )
