"""Where budgets are kept: in this process, or where several processes draw on them together.

Whoever keeps one runs `policy/budget.py` on it, with one clock for all who share it, and each of the three calls in one
piece: no other may come in between. The queue before a store, with its order and its deadlines, is the limiter's, and
each process has its own.

A store that is shared gives a `LEASE` with each ticket, for a process may die with calls on the way. And it says how
often to `poll` it, for the answers others get wake nobody here. If it cannot be reached it raises; `policy/fallback.py`
is put around it, and goes on with a budget in memory until it is back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from typing_extensions import override

from twelvelabs_async.policy.budget import Budget, Costs
from twelvelabs_async.policy.headers import Advice
from twelvelabs_async.policy.pace import Wait

LEASE: Final = 120.0
"""Seconds after which a call of any process nothing was heard of counts as sent and lost."""


class BudgetStore(Protocol):
    """Keeps one `Budget` for each category, under the name of one organisation."""

    @property
    def poll(self) -> float | None:
        """Seconds after which to ask again where `Wait.seconds` is None; None if all news come from this process."""
        ...

    async def reserve(self, category: str, costs: Costs) -> int | Wait:
        """`Budget.reserve`: a ticket, or why to wait."""
        ...

    async def settle(self, category: str, ticket: int, advice: Advice, *, refused: bool, jitter: float) -> None:
        """`Budget.settle`: the call with this ticket was answered."""
        ...

    async def release(self, category: str, ticket: int, *, sent: bool) -> None:
        """`Budget.release`: the call with this ticket ended without an answer."""
        ...

    async def snapshot(self) -> Mapping[str, Mapping[str, Any]]:
        """`Budget.to_state` of each category, for people and dashboards."""
        ...

    async def aclose(self) -> None:
        """Close what was opened; calling it again does nothing."""
        ...


class MemoryStore(BudgetStore):
    """Budgets of this process.

    Args:
        now: Seconds that never run backwards.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._budgets: dict[str, Budget] = {}

    @property
    @override
    def poll(self) -> None:
        """Nobody else has news."""

    def budget(self, category: str) -> Budget:
        """The budget of a category, made on first use."""
        budget = self._budgets.get(category)
        if budget is None:
            budget = self._budgets[category] = Budget()
        return budget

    @override
    async def reserve(self, category: str, costs: Costs) -> int | Wait:
        return self.budget(category).reserve(costs, self._now())

    @override
    async def settle(self, category: str, ticket: int, advice: Advice, *, refused: bool, jitter: float) -> None:
        self.budget(category).settle(ticket, advice, self._now(), refused=refused, jitter=jitter)

    @override
    async def release(self, category: str, ticket: int, *, sent: bool) -> None:
        self.budget(category).release(ticket, sent=sent)

    @override
    async def snapshot(self) -> dict[str, dict[str, Any]]:
        return {category: budget.to_state() for category, budget in self._budgets.items()}

    @override
    async def aclose(self) -> None:
        """Nothing to close."""
