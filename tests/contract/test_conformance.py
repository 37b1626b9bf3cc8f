"""The client against the emulator: each method sends the request of its operation and changes only its objects."""

from __future__ import annotations

import pytest
from scenarios import SCENARIOS, Harness, Scenario
from scenarios.setup import OPERATION_FACTS

OTHER_STATUSES = {"tasks.create": 201}
"""Success statuses that the platform returns instead of the documented ones."""


def test_every_operation_has_a_scenario() -> None:
    assert {scenario.operation for scenario in SCENARIOS.values()} == OPERATION_FACTS.keys()


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
async def test_a_method_performs_its_operation(scenario: Scenario, harness: Harness) -> None:
    with scenario.warnings():
        await scenario.run(harness)
    status = OTHER_STATUSES.get(scenario.method, scenario.facts["status"])
    assert [(request.route, request.status) for request in harness.requests] == [(scenario.facts["call"], status)]
    assert harness.object_changes == scenario.object_changes
