"""The admin API and the dashboard of an emulator, below `/_emulator` on the origin of the API."""

from __future__ import annotations

from collections import Counter
from typing import Any, Protocol

from twelvelabs_async.emulator._state.service import Service
from twelvelabs_async.emulator.faults import Faults
from twelvelabs_async.emulator.plans import Dimension, Plan
from twelvelabs_async.emulator.request_log import RequestLog
from twelvelabs_async.emulator.timing import Timing
from twelvelabs_async.emulator.webhooks import Webhooks


class Controls(Protocol):
    """The members of `Emulator` that the admin API and the dashboard use."""

    faults: Faults
    requests: RequestLog
    service: Service
    webhooks: Webhooks

    @property
    def timing(self) -> Timing: ...

    @timing.setter
    def timing(self, timing: Timing) -> None: ...

    @property
    def plan(self) -> Plan: ...

    @plan.setter
    def plan(self, plan: Plan) -> None: ...

    @property
    def base_url(self) -> str: ...

    @property
    def in_flight(self) -> int: ...

    @property
    def limits(self) -> list[dict[str, Any]]: ...

    @property
    def rate_limited(self) -> Counter[tuple[str, Dimension]]: ...

    def advance(self, seconds: float) -> None: ...

    def reset(self) -> None: ...
