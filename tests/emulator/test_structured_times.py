"""Times in structured responses lie within the video, whatever the names of the properties."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twelvelabs_async.emulator._generation.structured import Sampler, time_role_of

NAME_PAIRS = [
    ("start_time", "end_time"),
    ("start_sec", "end_sec"),
    ("start", "end"),
    ("startTime", "endTime"),
    ("start_seconds", "end_seconds"),
    ("startTimeSeconds", "endTimeSeconds"),
    ("begin", "stop"),
    ("in", "out"),
    ("timeIn", "timeOut"),
    ("from", "to"),
    ("from_sec", "to_sec"),
    ("clip-start", "clip-end"),
    ("t0", "t1"),
    ("START_TIMESTAMP", "END_TIMESTAMP"),
    ("start_offset_sec", "end_offset_sec"),
    ("first_second", "last_second"),
    ("startTimeMs", "endTimeMs"),
]


def sample(schema: Any, *ranges: tuple[float, float]) -> Any:
    return Sampler(schema, "text", ranges or [(0.0, 2.5), (2.5, 5.0)], 7).sample()


def scenes_schema(**properties: Any) -> dict[str, Any]:
    items = {"type": "object", "properties": properties}
    return {"type": "object", "properties": {"scenes": {"type": "array", "items": items}}}


@pytest.mark.parametrize("value_type", ["number", "integer"])
@pytest.mark.parametrize(("start", "end"), NAME_PAIRS)
def test_a_start_is_before_its_end(start: str, end: str, value_type: str) -> None:
    scenes = sample(scenes_schema(**{start: {"type": value_type}, end: {"type": value_type}}))["scenes"]
    limit = 5000 if start.endswith("Ms") else 5
    assert all(0 <= scene[start] < scene[end] <= limit for scene in scenes), scenes
    assert len(scenes) == 2


@pytest.mark.parametrize(
    ("name", "schema", "value"),
    [
        ("start", {"type": "string"}, "00:00:02.500"),
        ("end", {"type": "string", "description": "as MM:SS"}, "00:05"),
        ("out", {"type": "string", "description": "HH:MM:SS"}, "00:00:05"),
        ("start", {"type": "string", "pattern": r"^\d+:\d{2}$"}, "00:03"),
        ("timestamp", {"type": "string"}, "00:00:02.500"),
        ("timestamp", {"type": "number"}, 2.5),
        ("peak_time_sec", {"type": "number"}, 2.5),
        ("duration", {"type": "number"}, 2.5),
        ("duration_seconds", {"type": "number"}, 2.5),
        ("time_range", {"type": "array", "items": {"type": "number"}}, [2.5, 5.0]),
        ("timestamps", {"type": "array", "items": {"type": "number"}}, [2.5, 5.0]),
        ("start", {"type": "object", "properties": {"seconds": {"type": "number"}}}, {"seconds": 2.5}),
        ("end", {"type": "object", "properties": {"value": {"type": "number"}}}, None),
        ("a", {"type": "number", "description": "When it starts: start time in seconds"}, 2.5),
        ("b", {"type": "number", "description": "The end of the scene, in seconds"}, 5.0),
        ("end", {"anyOf": [{"type": "number"}, {"type": "null"}]}, 5.0),
    ],
)
def test_a_time_has_the_format_of_its_schema(name: str, schema: dict[str, Any], value: Any) -> None:
    actual = sample(scenes_schema(**{name: schema}))["scenes"][1][name]
    assert actual == value or value is None


@pytest.mark.parametrize(
    ("name", "value_type"),
    [
        ("in", "string"),
        ("from", "string"),
        ("to", "string"),
        ("first", "string"),
        ("first_name", "string"),
        ("title", "number"),
        ("count", "integer"),
        ("start_city", "string"),
        ("endorsement", "number"),
        ("", "number"),
        ("sometimes", "string"),
        ("trend", "number"),
    ],
)
def test_other_names_are_not_treated_as_times(name: str, value_type: str) -> None:
    assert time_role_of(name, {}, value_type) is None


@given(
    st.sampled_from(NAME_PAIRS),
    st.lists(st.floats(0.01, 3000), min_size=1, max_size=5),
    st.sampled_from(["number", "integer"]),
)
def test_times_lie_within_any_video(pair: tuple[str, str], lengths: list[float], value_type: str) -> None:
    start, end = pair
    boundaries = [0.0]
    for length in lengths:
        boundaries.append(boundaries[-1] + length)
    schema = scenes_schema(**{start: {"type": value_type}, end: {"type": value_type}})
    scale = 1000 if start.endswith("Ms") else 1
    for scene in sample(schema, *pairwise(boundaries))["scenes"]:
        assert 0 <= scene[start] <= scene[end] <= boundaries[-1] * scale
        # Two whole seconds do not fit into a video that is shorter than a second.
        assert scene[start] < scene[end] or (value_type == "integer" and boundaries[-1] < 1)
