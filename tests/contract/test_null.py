"""A property that is null counts as absent, because some clients serialize None as null."""

from __future__ import annotations

from typing import Any

import pytest
from scenarios import SCENARIOS, Harness
from scenarios.setup import OPERATION_FACTS

from twelvelabs_async.emulator._api import validation
from twelvelabs_async.emulator._json import parse_json

JSON_METHODS = [
    method
    for method, scenario in SCENARIOS.items()
    if set(scenario.facts.get("body", ())) - set(scenario.facts.get("required", ())) and not scenario.facts.get("form")
]


@pytest.mark.parametrize("method", JSON_METHODS)
async def test_null_counts_as_absent_in_every_operation(
    harness: Harness, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scenario has the same result if all optional properties that it does not send are null."""
    scenario = SCENARIOS[method]
    optional = set(scenario.facts["body"]) - set(scenario.facts.get("required", ()))
    bodies: list[dict[str, Any]] = []

    def with_nulls(raw: bytes) -> object:
        body: Any = parse_json(raw)
        bodies.append(dict.fromkeys(optional) | body)
        return bodies[-1]

    target = "twelvelabs_async.emulator._api.context.parse_json"
    harness.before_call = lambda: monkeypatch.setattr(target, with_nulls)
    with scenario.warnings():
        await scenario.run(harness)
    assert optional <= bodies[0].keys()
    assert harness.object_changes == scenario.object_changes


FORM_METHODS = [method for method, scenario in SCENARIOS.items() if scenario.facts.get("form")]


@pytest.mark.parametrize("method", FORM_METHODS)
async def test_an_empty_field_counts_as_absent_in_every_form(
    harness: Harness, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The official client sends None as an empty field."""
    scenario, read = SCENARIOS[method], validation.read_parts
    optional = set(scenario.facts["body"]) - set(scenario.facts.get("required", ()))

    async def with_empty_fields(*arguments: Any) -> None:
        await read(*arguments)
        form: validation.Form = arguments[1]
        for name in optional - form.fields.keys() - form.files.keys():
            validation.add_field(form, name, "")

    harness.before_call = lambda: monkeypatch.setattr(validation, "read_parts", with_empty_fields)
    with scenario.warnings():
        await scenario.run(harness)
    assert harness.object_changes == scenario.object_changes


def test_every_operation_with_a_body_is_covered() -> None:
    covered = {SCENARIOS[method].operation for method in (*JSON_METHODS, *FORM_METHODS)}
    with_options = {
        name for name, facts in OPERATION_FACTS.items() if set(facts.get("body", ())) - set(facts.get("required", ()))
    }
    assert covered == with_options
