"""What stores have in common that load a budget, change it and write it back, while nobody else can."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from typing_extensions import override

from twelvelabs_async.policy.budget import Budget, Costs
from twelvelabs_async.policy.headers import Advice
from twelvelabs_async.policy.pace import Wait
from twelvelabs_async.policy.store import LEASE, BudgetStore

T = TypeVar("T")


class LeasedStore(BudgetStore, Protocol):
    """Every call is one change of one budget; tickets end by themselves when their process has died."""

    async def _run(self, category: str, change: Callable[[Budget, float], T]) -> T:
        """Let `change` work on the budget of a category at the present moment, and keep what it made of it."""
        ...

    @override
    async def reserve(self, category: str, costs: Costs) -> int | Wait:
        return await self._run(category, lambda budget, now: budget.reserve(costs, now, LEASE))

    @override
    async def settle(self, category: str, ticket: int, advice: Advice, *, refused: bool, jitter: float) -> None:
        await self._run(
            category, lambda budget, now: budget.settle(ticket, advice, now, refused=refused, jitter=jitter)
        )

    @override
    async def release(self, category: str, ticket: int, *, sent: bool) -> None:
        await self._run(category, lambda budget, _: budget.release(ticket, sent=sent))
