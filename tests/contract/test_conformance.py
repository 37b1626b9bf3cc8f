"""Our client against the emulator: every method does what its operation is for, and nothing beside it."""

from __future__ import annotations

import pytest
from scenes import SCENES, Scene, Stage
from scenes.stage import FACTS

OTHER_STATUSES = {"tasks.create": 201}
"""Statuses of successes that are seen, where the description says another one."""


def test_every_operation_has_a_scene() -> None:
    assert {scene.operation for scene in SCENES.values()} == FACTS.keys()


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
async def test_a_method_does_its_operation(scene: Scene, stage: Stage) -> None:
    with scene.warnings():
        await scene.play(stage)
    status = OTHER_STATUSES.get(scene.method, scene.facts["status"])
    assert [(request.route, request.status) for request in stage.requests] == [(scene.facts["call"], status)]
    assert stage.made == scene.makes
