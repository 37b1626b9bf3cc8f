"""Our client against the emulator: every method does what its operation is for, and nothing beside it."""

from __future__ import annotations

import pytest
from scenes import SCENARIOS, Harness, Scenario
from scenes.stage import OPERATION_FACTS

OTHER_STATUSES = {"tasks.create": 201}
"""Statuses of successes that are seen, where the description says another one."""


def test_every_operation_has_a_scenario() -> None:
    assert {scene.operation for scene in SCENARIOS.values()} == OPERATION_FACTS.keys()


@pytest.mark.parametrize("scene", SCENARIOS.values(), ids=SCENARIOS)
async def test_a_method_performs_its_operation(scene: Scenario, stage: Harness) -> None:
    with scene.warnings():
        await scene.run(stage)
    status = OTHER_STATUSES.get(scene.method, scene.facts["status"])
    assert [(request.route, request.status) for request in stage.requests] == [(scene.facts["call"], status)]
    assert stage.object_changes == scene.object_changes
