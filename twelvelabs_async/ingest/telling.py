"""Tells whoever watches, without letting them stop what they watch."""

from __future__ import annotations

import logging
from typing import Final

from twelvelabs_async.events import LimitWait
from twelvelabs_async.ingest.events import IngestEvent, OnEvent

logger: Final = logging.getLogger(__name__)


class Teller:
    """Calls a listener. One that fails is told nothing more, and its failure is logged."""

    def __init__(self, listener: OnEvent | None) -> None:
        self._listener = listener

    def hear(self, event: object) -> None:
        """Tell of those events of the client that an ingestion's watchers want to know of."""
        if isinstance(event, LimitWait):
            self(event)

    def __call__(self, event: IngestEvent) -> None:
        """Tell of an event."""
        if self._listener is None:
            return
        try:
            self._listener(event)
        except Exception:
            self._listener = None
            logger.exception("on_event failed and is told nothing more")
