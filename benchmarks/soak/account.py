"""How every call ended. One that is begun and has no end is a call that was lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from twelvelabs_async import TwelveLabsError


class Account:
    """Calls by kind, and by the way they ended: `ok`, `cancelled`, or the name of the error."""

    def __init__(self) -> None:
        self.begun = Counter[str]()
        self.ended = Counter[tuple[str, str]]()

    @asynccontextmanager
    async def call(self, kind: str) -> AsyncGenerator[None]:
        """Count one call. Our own errors are expected under faults and end here; any other is a defect and leaves."""
        self.begun[kind] += 1
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
            self.ended[kind, end] += 1

    @property
    def lost(self) -> int:
        """Calls without an end."""
        return self.begun.total() - self.ended.total()

    def rows(self) -> list[tuple[str, str, int]]:
        """Kind, end, count."""
        return [(kind, end, count) for (kind, end), count in sorted(self.ended.items())]
