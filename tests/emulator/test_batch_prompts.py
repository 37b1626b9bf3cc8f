"""The prompt of a batch item is an object, and errors call it by its name in batches."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

SendRequest = Callable[..., Awaitable[tuple[int, Any]]]
MakeSource = Callable[..., Awaitable[dict[str, str]]]


@pytest.mark.parametrize(
    ("prompt", "parameter"),
    [
        ("What?", "prompt"),
        ({}, "prompt.input_text"),
        ({"input_text": "<@Eve> waves"}, "prompt.input_text"),
        (None, "prompt"),
    ],
)
async def test_an_invalid_prompt_of_a_batch_is_named(
    call: SendRequest, make_source: MakeSource, prompt: Any, parameter: str
) -> None:
    request = {"video": await make_source(), "prompt": prompt}
    body = {"model_name": "pegasus1.5", "analysis_mode": "general", "requests": [request]}
    status, answer = await call("POST", "/analyze/batches", json=body)
    assert status == 400
    assert answer["error"]["message"].startswith(f"The {parameter} parameter is "), answer
