"""Search results: merging, grouping, time codes and expired page tokens."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import FastClock, fake_response, make_executor, responses_in_order

from twelvelabs_async import clips
from twelvelabs_async.errors import BadRequestError, InvalidInputError, SearchExpiredError
from twelvelabs_async.models.search import SearchClip, SearchItem
from twelvelabs_async.resources.search import Search
from twelvelabs_async.serialization import from_dict


def hit(video_id: str, start: float, end: float, rank: int | None = None) -> SearchItem:
    return SearchItem(video_id=video_id, start=start, end=end, rank=rank)


def test_adjacent_results_of_one_video_become_one_clip() -> None:
    results = [hit("a", 10, 15, 1), hit("b", 0, 4, 2), hit("a", 15, 20, 3), hit("a", 30, 35, 4)]
    joined = clips.merge(results)
    assert [(clip.video_id, clip.start, clip.end, clip.rank) for clip in joined] == [
        ("a", 10, 20, 1),
        ("b", 0, 4, 2),
        ("a", 30, 35, 4),
    ]
    assert joined[0].results == (results[0], results[2])
    assert joined[0].duration == 10
    assert joined[0].timecodes == "00:10.0-00:20.0"


def test_results_are_merged_across_gaps_up_to_the_given_length() -> None:
    results = [hit("a", 0, 5, 2), hit("a", 7, 9, 1)]
    assert len(clips.merge(results, gap=1.9)) == 2
    (clip,) = clips.merge(results, gap=2)
    assert (clip.start, clip.end, clip.rank) == (0, 9, 1)


def test_a_clip_within_another_does_not_shorten_it() -> None:
    (clip,) = clips.merge([hit("a", 0, 20, 1), hit("a", 5, 6, 2), hit("a", 18, 22, 3)])
    assert (clip.start, clip.end, len(clip.results)) == (0, 22, 3)


def test_results_without_rank_come_last_and_keep_no_rank() -> None:
    joined = clips.merge([hit("a", 0, 1), hit("b", 0, 1, 7)])
    assert [(clip.video_id, clip.rank) for clip in joined] == [("b", 7), ("a", None)]


def test_videos_are_ordered_by_rank_and_their_clips_by_time() -> None:
    grouped = clips.group_by_video([hit("a", 9, 10, 3), hit("b", 5, 6, 2), hit("a", 1, 2, 4), hit("b", 0, 1, 1)])
    assert {video: [clip.start for clip in clips_of_video] for video, clips_of_video in grouped.items()} == {
        "b": [0, 5],
        "a": [1, 9],
    }
    assert list(grouped) == ["b", "a"]


def test_results_grouped_by_video_are_flattened_and_merged() -> None:
    """The clips of a grouped result may have no video id."""
    response = {
        "id": "a",
        "user_metadata": {"k": "v"},
        "clips": [{"start": 3, "end": 4, "rank": 2}, {"start": 0, "end": 1, "rank": 1, "video_id": "b"}],
    }
    grouped = from_dict(response, SearchItem)
    first, second = clips.flatten([grouped])
    assert (first.video_id, second.video_id) == ("a", "b")
    assert first.user_metadata == {"k": "v"}
    assert [clip.video_id for clip in clips.merge([grouped])] == ["b", "a"]


def test_a_result_without_a_video_id_raises_an_error() -> None:
    with pytest.raises(InvalidInputError, match="no video id"):
        clips.merge([SearchClip(start=0, end=1, rank=1)])


@pytest.mark.parametrize("gap", [-0.1, math.nan])
def test_a_negative_or_nan_gap_is_rejected(gap: float) -> None:
    with pytest.raises(InvalidInputError, match="gap must be"):
        clips.merge([], gap=gap)


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 60), st.integers(0, 10), st.integers(1, 99)), max_size=12),
    st.integers(0, 5),
)
def test_merging_keeps_all_results_and_leaves_no_adjacent_clips(
    values: list[tuple[str, int, int, int]], gap: int
) -> None:
    results = [hit(video, start, start + length, rank) for video, start, length, rank in values]
    joined = clips.merge(results, gap=gap)
    assert sorted(map(repr, results)) == sorted(repr(result) for clip in joined for result in clip.results)
    for clip in joined:
        assert clip.start == min(result.start for result in clip.results if result.start is not None)
        assert clip.end == max(result.end for result in clip.results if result.end is not None)
    ordered = sorted(joined, key=lambda clip: (clip.video_id, clip.start))
    for clip, next_clip in pairwise(ordered):
        assert clip.video_id != next_clip.video_id or next_clip.start > clip.end + gap
    assert [clip.rank for clip in joined] == sorted(clip.rank or 0 for clip in joined)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "00:00.0"),
        (7.04, "00:07.0"),
        (59.94, "00:59.9"),
        (59.96, "01:00.0"),
        (67.5, "01:07.5"),
        (3599.99, "1:00:00.0"),
        (3661.2, "1:01:01.2"),
        (360000, "100:00:00.0"),
    ],
)
def test_a_time_code_never_shows_sixty_seconds(seconds: float, text: str) -> None:
    assert clips.timecode(seconds) == text


@pytest.mark.parametrize("seconds", [-0.1, math.inf, math.nan, 10**400, 1e308, "x", "5", b"5", None, True, [1]])
def test_an_invalid_time_raises_an_error(seconds: Any) -> None:
    with pytest.raises(InvalidInputError, match="seconds must be a number of seconds"):
        clips.timecode(seconds)


@pytest.mark.parametrize("gap", [-1, math.nan, "x", None, {}, 10**400])
def test_an_invalid_gap_raises_an_error(gap: Any) -> None:
    with pytest.raises(InvalidInputError, match="gap must be a number of seconds"):
        clips.merge([], gap=gap)


def test_numbers_of_other_types_are_accepted_as_seconds() -> None:
    numbers: list[Any] = [np.float32(67.5), Fraction(135, 2)]
    for number in numbers:
        assert clips.timecode(number) == "01:07.5"
        assert len(clips.merge([hit("a", 0, 5), hit("a", 7, 9)], gap=number)) == 1


@pytest.mark.parametrize("results", [5, None, "hits", [{"video_id": "a"}], b"x"])
def test_an_argument_that_is_not_a_list_of_results_is_rejected(results: Any) -> None:
    functions: list[Callable[[Any], object]] = [
        clips.merge,
        clips.group_by_video,
        lambda results: list(clips.flatten(results)),
    ]
    for function in functions:
        with pytest.raises(InvalidInputError, match="results must be a list of search results"):
            function(results)


RESULTS = {
    "data": [{"video_id": "v", "start": 0, "end": 1, "rank": 1}, {"video_id": "v", "start": 2, "end": 3, "rank": 2}],
    "page_info": {"next_page_token": "t", "total_results": 9},
}


@pytest.mark.parametrize("body", [{"code": "search_page_token_expired"}, {"error_code": 400, "message": "expired"}])
async def test_an_expired_search_reports_the_number_of_hits(clock: FastClock, body: dict[str, Any]) -> None:
    """With the number of hits, a new search, which is billed, can continue from there."""
    executor, _ = make_executor(responses_in_order(fake_response(content=RESULTS), fake_response(400, body)), clock)
    hits: list[SearchItem] = []

    async def read() -> None:
        async for item in Search(executor).query(index_id="i", search_options=["visual"], query_text="a dog"):
            hits.append(item)  # noqa: PERF401  # keeps the items before the error

    with pytest.raises(SearchExpiredError, match="after 2 hits") as caught:
        await read()
    assert caught.value.hit_count == len(hits) == 2
    assert caught.value.operation == "GET /search/{page-token}"
    assert isinstance(caught.value.__cause__, BadRequestError)


async def test_another_bad_request_does_not_raise_search_expired_error(clock: FastClock) -> None:
    executor, _ = make_executor(responses_in_order(fake_response(400, {"code": "search_option_not_supported"})), clock)
    with pytest.raises(BadRequestError) as caught:
        await Search(executor).query(index_id="i", search_options=["visual"], query_text="a dog").to_list()
    assert type(caught.value) is BadRequestError
