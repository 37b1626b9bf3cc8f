"""Analyses that run by themselves: one by one as tasks, or up to a thousand in a batch.

https://docs.twelvelabs.io/v1.3/api-reference/analyze-videos
"""

from __future__ import annotations

from functools import cached_property

from twelvelabs_async.api import Road
from twelvelabs_async.resources.analysis_batches import AnalysisBatches
from twelvelabs_async.resources.analysis_tasks import AnalysisTasks
from twelvelabs_async.resources.base import Resource


class AnalyzeAsync(Resource):
    """Analyses that run by themselves."""

    def __init__(self, road: Road) -> None:
        super().__init__(road)
        self._road = road

    @cached_property
    def tasks(self) -> AnalysisTasks:
        """One by one."""
        return AnalysisTasks(self._road)

    @cached_property
    def batches(self) -> AnalysisBatches:
        """Up to a thousand together."""
        return AnalysisBatches(self._road)
