"""Every method under every fault: what its retry class promises, and no write that is made twice.

Time is a clock that jumps, so nothing here waits for a repetition.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import attrs
import pytest
from scenes import SCENES, Scene, Stage
from scenes.analyses import batch
from scenes.stage import BACK

from twelvelabs_async.errors import APIError, ConflictError


@attrs.frozen(kw_only=True)
class Trouble:
    """A fault, and what it means."""

    fault: dict[str, Any]
    refused: bool = False
    """Whether the client is told that nothing was done."""
    done: bool = False
    """Whether the request was done all the same."""
    begun: bool = False
    """Whether an answer begins."""
    harmless: bool = False
    """Whether the answer is as good as any."""


TROUBLES = {
    "429": Trouble(fault={"status": 429, "headers": {"Retry-After": "2"}}, refused=True),
    "500": Trouble(fault={"status": 500}),
    "503": Trouble(fault={"status": 503}),
    "web page": Trouble(fault={"status": 502, "html": True}),
    "reset before": Trouble(fault={"reset": "before"}),
    "reset in the body": Trouble(fault={"reset": "before", "kib": 1}),
    "reset after": Trouble(fault={"reset": "after"}, done=True),
    "truncated": Trouble(fault={"truncate": True}, done=True, begun=True),
    "slow": Trouble(fault={"delay": 5.0, "drip": 5.0}, harmless=True, done=True),
    "other type": Trouble(fault={"content_type": "text/plain"}, harmless=True, done=True),
}

ONCE = {"reconcile", "unsafe"}
"""Retry classes whose repetition would do the write twice."""

STREAMS = {"analyze_stream.create", "analyze_async.batches.results", "responses.create_stream"}
"""Methods whose answers are events, which are not asked for again once they have begun."""

MADE_AGAIN = {"multipart_upload.create": {"Upload": 1}, "imports.import_files": {"Import": 1}}
"""What a repetition leaves behind: an upload that expires, and the record of an import that found all files there."""

LOOKS = {
    "analyze_async.batches.cancel": "GET /analyze/batches/{batch_id}",
    "data_connectors.create_redirect_uri": "GET /connections/redirect-uris",
}
"""Where methods look whose repetition is refused because it is done already."""

CASES = [
    pytest.param(scene, trouble, id=f"{method}-{name}")
    for method, scene in SCENES.items()
    for name, trouble in TROUBLES.items()
]


@pytest.mark.parametrize(("scene", "trouble"), CASES)
async def test_p25_a_method_keeps_the_promise_of_its_retry_class(scene: Scene, trouble: Trouble, stage: Stage) -> None:
    stage.curtain = partial(stage.emulator.faults.add, scene.facts["call"], **trouble.fault)
    with scene.warnings():
        if trouble.harmless or (
            trouble.begun and scene.facts["status"] == 204
        ):  # of an answer without a body no part can be missing
            await scene.play(stage)
            assert_sent(scene, stage, 1)
            assert_made(stage, scene.makes)
        elif may_be_repeated(scene, trouble):
            await scene.play(stage)
            assert_sent(scene, stage, 2, *([LOOKS[scene.method]] if trouble.done and scene.method in LOOKS else ()))
            assert_made(stage, scene.makes, MADE_AGAIN.get(scene.method, {}) if trouble.done else {})
        else:
            with pytest.raises(APIError) as caught:
                await scene.play(stage)
            assert_told(scene, caught.value)
            assert_sent(scene, stage, 1)
            assert_made(stage, scene.makes if trouble.done else {})


def may_be_repeated(scene: Scene, trouble: Trouble) -> bool:
    if trouble.begun and scene.method in STREAMS:
        return False
    return trouble.refused or scene.facts["retry"] not in ONCE


def assert_told(scene: Scene, error: APIError) -> None:
    """The error says which call it was, and whether it may have happened."""
    once = scene.facts["retry"] in ONCE
    assert (error.operation, error.attempts, error.earlier) == (scene.facts["call"], 1, ())
    assert (error.ambiguous, error.retryable) == (once, not once)


def assert_sent(scene: Scene, stage: Stage, times: int, *looks: str) -> None:
    assert [request.route for request in stage.requests] == [*[scene.facts["call"]] * times, *looks]


def assert_made(stage: Stage, *counts: dict[str, int]) -> None:
    made = Counter[str]()
    for count in counts:
        made.update(count)
    assert stage.made == made


async def test_an_address_that_was_registered_before_is_a_conflict(stage: Stage) -> None:
    await stage.client.data_connectors.create_redirect_uri(redirect_uri=BACK)
    with pytest.raises(ConflictError, match="already"):
        await stage.client.data_connectors.create_redirect_uri(redirect_uri=BACK)


async def test_a_conflict_about_an_address_that_is_not_there_stays_one(stage: Stage) -> None:
    for status in (503, 409):
        stage.emulator.faults.add("POST /connections/redirect-uris", status=status)
    with pytest.raises(ConflictError):
        await stage.client.data_connectors.create_redirect_uri(redirect_uri=BACK)


async def test_a_batch_that_was_completed_cannot_be_canceled_by_trying_again(stage: Stage) -> None:
    made = await batch(stage)
    await stage.later()
    stage.emulator.faults.add("POST /analyze/batches/{batch_id}/cancel", status=503)
    with pytest.raises(ConflictError, match="completed"):
        await stage.client.analyze_async.batches.cancel(made.id)
