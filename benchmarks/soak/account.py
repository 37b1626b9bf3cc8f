"""Counts the outcomes of calls. A call that was started and not finished is a defect."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from twelvelabs_async import TwelveLabsError


class CallLog:
    """Counts calls by kind and outcome: `ok`, `cancelled`, or the name of the error."""

    def __init__(self) -> None:
        self.started = Counter[str]()
        self.finished = Counter[tuple[str, str]]()

    @asynccontextmanager
    async def record(self, kind: str) -> AsyncGenerator[None]:
        """Count one call; suppress a `TwelveLabsError`, which is expected under faults. Any other error is a defect."""
        self.started[kind] += 1
        outcome = "ok"
        try:
            yield
        except TwelveLabsError as error:
            outcome = type(error).__name__
        except (asyncio.CancelledError, TimeoutError):
            outcome = "cancelled"
            raise
        except BaseException as error:
            outcome = f"defect: {type(error).__name__}"
            raise
        finally:
            self.finished[kind, outcome] += 1

    @property
    def unfinished(self) -> int:
        """Number of calls that were started and not finished."""
        return self.started.total() - self.finished.total()

    def rows(self) -> list[tuple[str, str, int]]:
        """Return kind, outcome and number of all finished calls."""
        return [(kind, outcome, count) for (kind, outcome), count in sorted(self.finished.items())]
