"""Runs the code of docs/watching.md, and checks the logs and metrics of its recipes."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from prometheus_client import REGISTRY

from twelvelabs_async import AsyncTwelveLabs
from twelvelabs_async.emulator import Emulator

PAGE: Final = (Path(__file__).parents[2] / "docs" / "watching.md").read_text("utf-8")
BLOCKS: Final = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
MAX_PROMETHEUS_LINES: Final = 25


@pytest.fixture(autouse=True)
def restore_logging_and_metrics() -> Iterator[None]:
    """Restore the logger and the metrics registry, which the page changes."""
    logger = logging.getLogger("twelvelabs_async")
    level, handlers = logger.level, logger.handlers.copy()
    collectors = set(REGISTRY._collector_to_names)
    yield
    logger.setLevel(level)
    logger.handlers[:] = handlers
    for collector in set(REGISTRY._collector_to_names) - collectors:
        REGISTRY.unregister(collector)


async def test_the_recipes_log_and_count_a_call(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.get_running_loop().set_debug(False)
    monkeypatch.setenv("TWELVELABS_API_KEY", emulator.api_key)
    monkeypatch.setenv("TWELVELABS_BASE_URL", emulator.base_url)
    async with AsyncTwelveLabs() as client:
        variables: dict[str, Any] = {"__name__": __name__, "client": client}
        for number, block in enumerate(BLOCKS, start=1):
            code = compile(block, f"watching.md, block {number}", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            result = eval(code, variables)  # noqa: S307  # code of this repository
            if inspect.isawaitable(result):
                await result
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    record = next(line for line in lines if line["logger"] == "twelvelabs_async.operation")
    (documented_record,) = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, flags=re.DOTALL))
    assert list(record) == list(documented_record)
    assert (record["operation"], record["status_code"]) == ("GET /indexes", 200)
    labels = {"operation": "GET /indexes", "status": "200"}
    assert REGISTRY.get_sample_value("twelvelabs_calls_total", labels) == 1
    assert REGISTRY.get_sample_value("twelvelabs_call_seconds_count", {"operation": "GET /indexes"}) == 1


def test_the_recipe_for_prometheus_is_short() -> None:
    (recipe,) = (block for block in BLOCKS if "prometheus_client" in block)
    assert len(recipe.splitlines()) <= MAX_PROMETHEUS_LINES
