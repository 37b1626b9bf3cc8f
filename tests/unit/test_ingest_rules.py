"""What the platform takes: the table, and the sentences that say what speaks against a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twelvelabs_async.ingest.media import Media, of_address
from twelvelabs_async.ingest.rules import GIB, Rules, duration, page, refusal, rules_of, way_of

GOOD = Media(
    name="a.mp4", size=10**6, kind="video", looked=True, container="MPEG-4", seconds=60.0, width=640, height=360
)
MARENGO = rules_of(["marengo3.0"])
BOTH = rules_of(["marengo3.0", "pegasus1.5"])


def why(*, rules: Sequence[Rules] = MARENGO, address: bool = False, **changes: Any) -> str:
    media = attrs.evolve(GOOD, **changes)
    return refusal(media, way_of(media, address=address), rules)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"seconds": 3.0}, "it is 3 s long; marengo3.0 takes 4 s to 4 h"),
        ({"seconds": 3.999}, "it is 3.99 s long; marengo3.0 takes 4 s to 4 h"),
        ({"seconds": 14_460.0}, "it is 4 h 1 min long; marengo3.0 takes 4 s to 4 h"),
        ({"width": 480, "height": 359}, "its picture is 480x359; marengo3.0 takes 360x360 and more"),
        ({"width": 320, "height": 240}, "its picture is 320x240; marengo3.0 takes 360x360 and more"),
        ({"width": 4096, "height": 2304}, "its picture is 4096x2304; marengo3.0 takes up to 5184x2160"),
        (
            {"width": 1280, "height": 400},
            "its picture is 1280x400, 3.20:1; marengo3.0 takes 1:1 to 2.4:1, either way up",
        ),
        ({"kind": "image"}, "it is of the kind image; an index takes video and audio"),
        ({"cut": True}, "the file is cut off: it ends before its own header says so"),
        ({"empty_inside": True}, "there is no picture and no sound in it; an index takes video and audio"),
        ({"size": 0}, "the file is empty"),
    ],
)
def test_a_refusal_says_what_is_and_what_may_be(changes: dict[str, Any], sentence: str) -> None:
    assert why(**changes) == sentence


def test_sizes_are_refused_by_the_way_and_by_the_model() -> None:
    assert "it has 4.40 GB (4,400,000,000 bytes); marengo3.0 takes at most 4.29 GB" in why(size=4_400_000_000)
    assert "the platform takes 10737418240 of video" in why(size=11 * GIB)
    assert "the platform fetches at most 4.29 GB" in why(size=5 * GIB, rules=(), address=True)


def test_the_tightest_model_of_an_index_decides() -> None:
    assert why(seconds=3 * 3600.0) == ""
    assert why(seconds=3 * 3600.0, rules=BOTH) == "it is 3 h long; pegasus1.5 takes 4 s to 2 h"


def test_models_that_do_nothing_with_new_videos_and_unknown_ones_set_no_rules() -> None:
    assert rules_of(["pegasus1.2", "hippocampus9"]) == ()
    assert why(seconds=3 * 3600.0, rules=rules_of(["marengo3.5", "pegasus1.2"])) == ""


@pytest.mark.parametrize(("width", "height"), [(360, 360), (5184, 2160), (864, 360), (360, 864), (2160, 5184)])
def test_pictures_at_the_edge_of_the_rules_are_taken_either_way_up(width: int, height: int) -> None:
    assert why(width=width, height=height) == ""


@pytest.mark.parametrize("seconds", [4.0, 14_400.0])
def test_durations_at_the_edge_are_taken(seconds: float) -> None:
    assert why(seconds=seconds) == ""


def test_what_is_not_known_is_not_held_against_a_file() -> None:
    assert why(seconds=None, width=None, height=None, kind=None, container=None, looked=False) == ""
    assert refusal(of_address("https://example.com/get?id=7"), "url", BOTH) == ""


def test_a_page_about_a_video_is_no_video() -> None:
    assert page("https://www.youtube.com/watch?v=1").startswith("www.youtube.com gives pages, not files")
    assert page("https://cdn.example.com/youtube.com/a.mp4") == ""


def test_the_way_follows_the_size() -> None:
    assert way_of(attrs.evolve(GOOD, size=200 * 10**6), address=False) == "direct"
    assert way_of(attrs.evolve(GOOD, size=200 * 10**6 + 1), address=False) == "multipart"
    assert way_of(GOOD, address=True) == "url"


def test_the_duration_of_a_file_nobody_looked_into_is_guessed_from_its_size() -> None:
    unknown = attrs.evolve(GOOD, seconds=None, size=30_000_000)
    assert unknown.estimated_seconds == 60
    assert GOOD.estimated_seconds == 60
    assert of_address("https://example.com/a.mp4").estimated_seconds is None
    assert attrs.evolve(unknown, kind=None).estimated_seconds is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (3.21, "3.21 s"),
        (59.999, "59.99 s"),
        (60, "1 min"),
        (75.9, "1 min 15 s"),
        (7200, "2 h"),
        (7320, "2 h 2 min"),
    ],
)
def test_durations_for_people_are_cut_not_rounded(seconds: float, text: str) -> None:
    """A clip of 3.999 s must not be told that it has 4 s where 4 s are allowed."""
    assert duration(seconds) == text


@given(
    seconds=st.none() | st.floats(0, 10**6),
    width=st.none() | st.integers(0, 10_000),
    height=st.none() | st.integers(0, 10_000),
    size=st.none() | st.integers(0, 20 * GIB),
)
def test_a_stricter_index_never_takes_more(
    seconds: float | None, width: int | None, height: int | None, size: int | None
) -> None:
    media = attrs.evolve(GOOD, seconds=seconds, width=width, height=height, size=size)
    if refusal(media, "url", MARENGO):
        assert refusal(media, "url", BOTH)
