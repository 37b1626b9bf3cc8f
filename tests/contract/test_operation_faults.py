"""Operations under faults: each retry class follows its rules, and no ambiguous write is retried.

Every operation meets one fault of each outcome, and every retry class meets all ten faults. The clock skips every
wait.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any, Final, Literal

import attrs
import pytest
from scenarios import SCENARIOS, Harness, Scenario
from scenarios.analyses import create_two_item_batch
from scenarios.setup import REDIRECT_URI

from twelvelabs_async.errors import APIError, ConflictError

FaultOutcome = Literal["rejected", "not done", "done", "success"]
"""What the server does with a request under a fault:

- `rejected`: the server does nothing and says so.
- `not done`: the server does nothing, but the client cannot know it.
- `done`: the server does the work, but the response is lost.
- `success`: the client can read the response.
"""


@attrs.frozen(kw_only=True)
class Fault:
    """A fault of the emulator and its outcome."""

    outcome: FaultOutcome
    options: dict[str, Any]
    response_starts: bool = False
    """Whether the first bytes of the response arrive."""


FAULTS: Final = {
    "429": Fault(outcome="rejected", options={"status": 429, "headers": {"Retry-After": "2"}}),
    "500": Fault(outcome="not done", options={"status": 500}),
    "503": Fault(outcome="not done", options={"status": 503}),
    "html": Fault(outcome="not done", options={"status": 502, "html": True}),
    "reset before": Fault(outcome="not done", options={"reset": "before"}),
    "reset in the body": Fault(outcome="not done", options={"reset": "before", "after_body_kib": 1}),
    "reset after": Fault(outcome="done", options={"reset": "after"}),
    "truncated": Fault(outcome="done", options={"truncate": True}, response_starts=True),
    "slow": Fault(outcome="success", options={"delay": 5.0, "trickle": 5.0}),
    "content type": Fault(outcome="success", options={"content_type": "text/plain"}),
}
OUTCOMES: Final[dict[FaultOutcome, list[str]]] = {
    "rejected": ["429"],
    "not done": ["500", "503", "html", "reset before", "reset in the body"],
    "done": ["reset after", "truncated"],
    "success": ["slow", "content type"],
}

SENT_ONCE: Final = {"verify_first", "non_idempotent"}
METHODS_WITH_IDEMPOTENCY_KEY: Final = {"analyze_async.tasks.create"}
"""Methods that send an idempotency key, and so are retried."""

STREAMS: Final = {"analyze_stream.create", "analyze_async.batches.results", "responses.create_stream"}
"""Methods that return a stream of events, which is not requested again after its start."""

CREATED_AGAIN: Final = {"multipart_upload.create": {"Upload": 1}, "imports.import_files": {"Import": 1}}
"""Objects that a retry leaves behind: an upload that expires, and the record of an import without new files."""

VERIFYING_REQUESTS: Final = {
    "analyze_async.batches.cancel": "GET /analyze/batches/{batch_id}",
    "data_connectors.create_redirect_uri": "GET /connections/redirect-uris",
}
"""Requests with which a method checks, after a rejected retry, whether the first attempt succeeded."""


def cases() -> Iterator[tuple[str, str]]:
    """Yield pairs of method and fault."""
    retry_classes = set[tuple[str, bool]]()
    for number, (method, scenario) in enumerate(SCENARIOS.items()):
        yield from ((method, names[number % len(names)]) for names in OUTCOMES.values())
        retry_class = (scenario.facts["retry"], method in STREAMS)
        if retry_class not in retry_classes:
            retry_classes.add(retry_class)
            yield from ((method, name) for name in FAULTS)


CASES: Final = dict.fromkeys(cases())


def test_every_fault_has_an_outcome_and_is_tested_with_every_retry_class() -> None:
    assert {name: fault.outcome for name, fault in FAULTS.items()} == {
        name: outcome for outcome, names in OUTCOMES.items() for name in names
    }
    retry_classes = {scenario.facts["retry"] for scenario in SCENARIOS.values()}
    assert {(SCENARIOS[method].facts["retry"], name) for method, name in CASES} == {
        (retry_class, name) for retry_class in retry_classes for name in FAULTS
    }


@pytest.mark.parametrize(("method", "name"), CASES, ids=lambda value: value)
async def test_p25_an_operation_follows_the_rules_of_its_retry_class(method: str, name: str, harness: Harness) -> None:
    scenario, fault = SCENARIOS[method], FAULTS[name]
    harness.before_call = partial(harness.emulator.faults.add, scenario.facts["call"], **fault.options)
    done = fault.outcome in {"done", "success"}
    with scenario.warnings():
        if is_readable(scenario, fault):
            await scenario.run(harness)
            assert_sent(scenario, harness, 1)
            assert_created(harness, scenario.object_changes)
        elif is_retried(scenario, fault):
            await scenario.run(harness)
            assert_sent(
                scenario,
                harness,
                2,
                *([VERIFYING_REQUESTS[scenario.method]] if done and scenario.method in VERIFYING_REQUESTS else ()),
            )
            assert_created(harness, scenario.object_changes, CREATED_AGAIN.get(scenario.method, {}) if done else {})
        else:
            with pytest.raises(APIError) as caught:
                await scenario.run(harness)
            assert_error(scenario, caught.value)
            assert_sent(scenario, harness, 1)
            assert_created(harness, scenario.object_changes if done else {})


def is_readable(scenario: Scenario, fault: Fault) -> bool:
    """Return whether the response is complete; a response without a body cannot be truncated."""
    return fault.outcome == "success" or (fault.response_starts and scenario.facts["status"] == 204)


def is_retried(scenario: Scenario, fault: Fault) -> bool:
    if fault.response_starts and scenario.method in STREAMS:
        return False
    return (
        fault.outcome == "rejected"
        or scenario.facts["retry"] not in SENT_ONCE
        or scenario.method in METHODS_WITH_IDEMPOTENCY_KEY
    )


def assert_error(scenario: Scenario, error: APIError) -> None:
    """Check that the error names the operation and its ambiguity."""
    sent_once = scenario.facts["retry"] in SENT_ONCE
    assert (error.operation, error.attempts, error.previous_attempts) == (scenario.facts["call"], 1, ())
    assert (error.ambiguous, error.retryable) == (sent_once, not sent_once)


def assert_sent(scenario: Scenario, harness: Harness, times: int, *checks: str) -> None:
    assert [request.route for request in harness.requests] == [*[scenario.facts["call"]] * times, *checks]


def assert_created(harness: Harness, *counts: dict[str, int]) -> None:
    expected = Counter[str]()
    for count in counts:
        expected.update(count)
    assert harness.object_changes == expected


async def test_an_already_registered_redirect_uri_raises_conflict_error(harness: Harness) -> None:
    await harness.client.data_connectors.create_redirect_uri(redirect_uri=REDIRECT_URI)
    with pytest.raises(ConflictError, match="already"):
        await harness.client.data_connectors.create_redirect_uri(redirect_uri=REDIRECT_URI)


async def test_a_conflict_is_raised_when_the_redirect_uri_is_not_registered(harness: Harness) -> None:
    for status in (503, 409):
        harness.emulator.faults.add("POST /connections/redirect-uris", status=status)
    with pytest.raises(ConflictError):
        await harness.client.data_connectors.create_redirect_uri(redirect_uri=REDIRECT_URI)


async def test_a_completed_batch_is_not_reported_as_canceled_after_a_retry(harness: Harness) -> None:
    batch = await create_two_item_batch(harness)
    await harness.advance()
    harness.emulator.faults.add("POST /analyze/batches/{batch_id}/cancel", status=503)
    with pytest.raises(ConflictError, match="completed"):
        await harness.client.analyze_async.batches.cancel(batch.id)
