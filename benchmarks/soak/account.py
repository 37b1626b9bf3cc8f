"""Counts how calls ended. A call that started and did not end was lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from twelvelabs_async import TwelveLabsError


class CallLog:
    """Calls by kind and end: `ok`, `cancelled`, or the name of the error."""

    def __init__(self) -> None:
        self.started = Counter[str]()
        self.finished = Counter[tuple[str, str]]()

    @asynccontextmanager
    async def record(self, kind: str) -> AsyncGenerator[None]:
        """Count one call; suppress a `TwelveLabsError`, which is expected under faults. Any other error is a defect."""
        self.started[kind] += 1
        end = "ok"
        try:
            yield
        except TwelveLabsError as error:
            end = type(error).__name__
        except (asyncio.CancelledError, TimeoutError):
            end = "cancelled"
            raise
        except BaseException as error:
            end = f"defect: {type(error).__name__}"
            raise
        finally:
            self.finished[kind, end] += 1

    @property
    def lost(self) -> int:
        """Number of calls that did not end."""
        return self.started.total() - self.finished.total()

    def rows(self) -> list[tuple[str, str, int]]:
        """Return kind, end and count of all calls."""
        return [(kind, end, count) for (kind, end), count in sorted(self.finished.items())]
