"""Analyses that run by themselves, up to a thousand in a batch.

https://docs.twelvelabs.io/v1.3/api-reference/analyze-videos
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from twelvelabs_async.api import Road
from twelvelabs_async.codec import structure
from twelvelabs_async.errors import ConflictError, InvalidInputError
from twelvelabs_async.frames import NDJSON, JsonLines
from twelvelabs_async.models.analysis_batches import (
    AnalysisBatch,
    BatchDefaults,
    BatchItemRequest,
    BatchModel,
    BatchResultItem,
    BatchStatus,
    CreatedAnalysisBatch,
)
from twelvelabs_async.models.analysis_tasks import AnalysisMode
from twelvelabs_async.paginator import Paginator
from twelvelabs_async.request import Request, given
from twelvelabs_async.resources.analysis_tasks import checked_custom_id
from twelvelabs_async.resources.base import Resource
from twelvelabs_async.resources.inputs import several
from twelvelabs_async.streams import EventStream, Grammar
from twelvelabs_async.waiting import Callback, Lifecycle, until_done

BatchItemLike = BatchItemRequest | Mapping[str, Any]
"""An item of a batch, or the same as a dict."""

DefaultsLike = BatchDefaults | Mapping[str, Any]
"""What holds for each item of a batch, or the same as a dict."""

LIFE: Final = Lifecycle(
    resource="analysis batch", ready=frozenset({"completed", "canceled", "expired"}), failed=frozenset()
)

MOST_ITEMS: Final = 1000
"""Items the platform takes in one batch."""


class BatchResults(EventStream[BatchResultItem]):
    """The items of a batch as they come: `async for item in ...`."""

    def __init__(self, road: Road, request: Request[Any]) -> None:
        super().__init__(road, request, RESULTS, JsonLines(), accept=NDJSON)


class AnalysisBatches(Resource):
    """Many analyses that are asked for together."""

    def __init__(self, road: Road) -> None:
        super().__init__(road)
        self._road = road

    async def create(
        self,
        *,
        model_name: BatchModel,
        analysis_mode: AnalysisMode,
        requests: Sequence[BatchItemLike],
        defaults: DefaultsLike | None = None,
    ) -> CreatedAnalysisBatch:
        """Have many assets analyzed. Returns at once; `wait_for_done` tells when the batch has ended.

        Args:
            model_name: Model that writes.
            analysis_mode: `general` writes texts, `time_based_metadata` finds segments.
            requests: 1 to 1,000 items.
            defaults: What holds for each item that does not say otherwise.

        Raises:
            InvalidInputError: There are no items, too many, or two with one `custom_id`.
        """
        if not 1 <= len(requests) <= MOST_ITEMS:
            raise InvalidInputError(f"a batch takes 1 to {MOST_ITEMS} requests, not {len(requests)}")
        _check_unique(requests)
        body = given(model_name=model_name, analysis_mode=analysis_mode, defaults=defaults, requests=[*requests])
        return await self._post("/analyze/batches", CreatedAnalysisBatch, retry="reconcile", json=body)

    async def retrieve(self, batch_id: str) -> AnalysisBatch:
        """One batch, and how many of its items are where."""
        return await self._get("/analyze/batches/{batch_id}", AnalysisBatch, batch_id=batch_id)

    async def cancel(self, batch_id: str) -> AnalysisBatch:
        """Stop a batch: items that have begun are still finished, the others are not.

        Raises:
            ConflictError: It has ended already.
        """
        try:
            return await self._post(
                "/analyze/batches/{batch_id}/cancel", AnalysisBatch, retry="idempotent", batch_id=batch_id
            )
        except ConflictError as error:
            # An earlier attempt may have done it unseen, and a batch of which nothing had begun has ended with that.
            found = await self.retrieve(batch_id) if error.attempts > 1 else None
            if found is None or found.status != "canceled":
                raise
            return found

    async def delete(self, batch_id: str) -> None:
        """Delete a batch and its results.

        Raises:
            ConflictError: It has not ended yet.
        """
        await self._delete("/analyze/batches/{batch_id}", batch_id=batch_id)

    def results(self, batch_id: str) -> BatchResults:
        """How each item of a batch ended, or how far it is, in any order. Sends nothing until entered or iterated.

        The platform keeps results for 30 days.

        Example:
            async for item in client.analyze_async.batches.results(batch_id):
                print(item.custom_id, item.data.text if item.data else item.error)
        """
        request = Request[dict[str, Any]](
            method="GET",
            template="/analyze/batches/{batch_id}/results",
            into=dict,
            retry="safe",
            ids={"batch_id": batch_id},
        )
        return BatchResults(self._road, request)

    async def wait_for_done(
        self,
        batch_id: str,
        *,
        timeout: float | None = None,
        sleep_interval: float | None = None,
        callback: Callback[AnalysisBatch] | None = None,
    ) -> AnalysisBatch:
        """Wait until a batch has ended: completed, canceled or expired. None of them says how its items ended.

        Args:
            batch_id: The batch.
            timeout: Seconds to wait; None is an hour, a batch may take a day.
            sleep_interval: Seconds between two looks; None looks less and less often.
            callback: Is shown the batch after each look.

        Raises:
            WaitTimeoutError: The time is over, the batch goes on.
        """
        return await until_done(
            lambda: self.retrieve(batch_id),
            life=LIFE,
            id=batch_id,
            clock=self._caller.clock,
            timeout=timeout,
            sleep_interval=sleep_interval,
            callback=callback,
        )

    def list(
        self,
        *,
        page: int | None = None,
        page_limit: int | None = 50,
        status: Sequence[BatchStatus] | None = None,
        analysis_mode: Sequence[AnalysisMode] | None = None,
    ) -> Paginator[AnalysisBatch]:
        """Batches, newest first. Sends nothing until awaited or iterated.

        Args:
            page: Where to start, from 1.
            page_limit: Items a page, 1 to 50.
            status: Any of these.
            analysis_mode: Any of these.
        """
        query = given(status=several("status", status), analysis_mode=several("analysis_mode", analysis_mode))
        return self._list("/analyze/batches", AnalysisBatch, page=page, page_limit=page_limit, query=query)


def _check_unique(requests: Sequence[BatchItemLike]) -> None:
    seen: set[str] = set()
    for request in requests:
        custom_id = request.custom_id if isinstance(request, BatchItemRequest) else request.get("custom_id")
        if custom_id is None:
            continue
        if checked_custom_id(custom_id) in seen:
            raise InvalidInputError(f"two requests of the batch have the custom_id {custom_id!r}")
        seen.add(custom_id)


def _item(_: str, found: dict[str, Any]) -> BatchResultItem:
    return structure(found, BatchResultItem)


RESULTS: Final = Grammar[BatchResultItem](tag="status", kinds={}, other=_item)
