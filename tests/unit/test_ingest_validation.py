"""The limits of the platform, and the messages for rejected files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twelvelabs_async.ingest._validation import (
    GIB,
    Media,
    ModelRules,
    format_media_duration,
    media_from_name,
    rejection_reason,
    rules_for_models,
    upload_strategy,
    web_page_rejection,
)

ACCEPTED = Media(
    name="a.mp4", size=10**6, kind="video", inspected=True, container="MPEG-4", seconds=60.0, width=640, height=360
)
MARENGO = rules_for_models(["marengo3.0"])
BOTH = rules_for_models(["marengo3.0", "pegasus1.5"])


def rejection_of(*, rules: Sequence[ModelRules] = MARENGO, is_url: bool = False, **changes: Any) -> str:
    media = attrs.evolve(ACCEPTED, **changes)
    return rejection_reason(media, "url" if is_url else upload_strategy(media), rules)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seconds": 3.0}, "it is 3 s long; marengo3.0 takes 4 s to 4 h"),
        ({"seconds": 3.999}, "it is 3.99 s long; marengo3.0 takes 4 s to 4 h"),
        ({"seconds": 14_460.0}, "it is 4 h 1 min long; marengo3.0 takes 4 s to 4 h"),
        ({"width": 480, "height": 359}, "its resolution is 480x359; marengo3.0 takes at least 360x360"),
        ({"width": 320, "height": 240}, "its resolution is 320x240; marengo3.0 takes at least 360x360"),
        ({"width": 4096, "height": 2304}, "its resolution is 4096x2304; marengo3.0 takes up to 5184x2160"),
        (
            {"width": 1280, "height": 400},
            (
                "its resolution is 1280x400, an aspect ratio of 3.20:1; "
                "marengo3.0 takes 1:1 to 2.4:1 in either orientation"
            ),
        ),
        ({"kind": "image"}, "the media type is image; an index takes video and audio"),
        ({"unrecognized": True}, "the file has no known format: no container, no track and no known signature"),
        ({"truncated": True}, ""),
        ({"no_streams": True}, "the file has neither video nor audio; an index takes video and audio"),
        ({"size": 0}, "the file is empty"),
    ],
)
def test_a_rejection_names_the_actual_and_the_allowed_value(changes: dict[str, Any], message: str) -> None:
    assert rejection_of(**changes) == message


def test_sizes_are_limited_by_the_upload_and_by_the_model() -> None:
    assert "it has 4.40 GB (4,400,000,000 bytes); marengo3.0 takes at most 4.29 GB" in rejection_of(size=4_400_000_000)
    assert "the limit for video files is 10737418240" in rejection_of(size=11 * GIB)
    assert "the platform downloads at most 4.29 GB" in rejection_of(size=5 * GIB, rules=(), is_url=True)


def test_the_strictest_model_of_an_index_applies() -> None:
    assert rejection_of(seconds=3 * 3600.0) == ""
    assert rejection_of(seconds=3 * 3600.0, rules=BOTH) == "it is 3 h long; pegasus1.5 takes 4 s to 2 h"


def test_inactive_and_unknown_models_set_no_limits() -> None:
    assert rules_for_models(["pegasus1.2", "hippocampus9"]) == ()
    assert rejection_of(seconds=3 * 3600.0, rules=rules_for_models(["marengo3.5", "pegasus1.2"])) == ""


@pytest.mark.parametrize(("width", "height"), [(360, 360), (5184, 2160), (864, 360), (360, 864), (2160, 5184)])
def test_resolutions_at_the_limit_are_accepted_in_both_orientations(width: int, height: int) -> None:
    assert rejection_of(width=width, height=height) == ""


@pytest.mark.parametrize("seconds", [4.0, 14_400.0])
def test_durations_at_the_limit_are_accepted(seconds: float) -> None:
    assert rejection_of(seconds=seconds) == ""


def test_unknown_properties_do_not_reject_a_file() -> None:
    assert rejection_of(seconds=None, width=None, height=None, kind=None, container=None, inspected=False) == ""
    assert rejection_reason(media_from_name("get"), "url", BOTH) == ""


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://www.youtube.com/watch?v=1", "YouTube"),
        ("https://youtu.be/1", "YouTube"),
        ("https://vimeo.com/1", "Vimeo"),
        ("https://player.vimeo.com/video/1", "Vimeo"),
        ("https://www.dropbox.com/scl/fi/1/a.mp4?rlkey=2&dl=0", "Dropbox"),
        ("https://www.dropbox.com/s/1/a.mp4", "Dropbox"),
        ("https://drive.google.com/file/d/1/view?usp=sharing", "Google Drive"),
        ("https://drive.google.com/open?id=1", "Google Drive"),
        ("https://1drv.ms/v/s!1", "OneDrive"),
        ("https://contoso-my.sharepoint.com/:v:/g/personal/1?e=2", "OneDrive"),
        ("https://we.tl/t-1", "WeTransfer"),
        ("https://wetransfer.com/downloads/1/2", "WeTransfer"),
    ],
)
def test_a_url_of_a_sharing_page_is_rejected(url: str, name: str) -> None:
    assert web_page_rejection(url).startswith(f"this is a web page of {name}, not a video file; ")


@pytest.mark.parametrize(
    "url",
    [
        "https://cdn.example.com/youtube.com/a.mp4",
        "https://www.dropbox.com/scl/fi/1/a.mp4?rlkey=2&dl=1",
        "https://dl.dropboxusercontent.com/s/1/a.mp4",
        "https://drive.google.com/uc?export=download&id=1",
        "https://drive.usercontent.google.com/download?id=1&confirm=t",
        "https://player.vimeo.com/progressive_redirect/playback/1/a.mp4?signature=2",
        "https://contoso.sharepoint.com/:v:/s/1?download=1",
        "https://contoso.sharepoint.com/sites/films/a.mp4",
    ],
)
def test_a_direct_file_url_on_the_same_hosts_is_accepted(url: str) -> None:
    assert web_page_rejection(url) == ""


def test_the_upload_strategy_depends_on_the_size() -> None:
    assert upload_strategy(attrs.evolve(ACCEPTED, size=200 * 10**6)) == "direct"
    assert upload_strategy(attrs.evolve(ACCEPTED, size=200 * 10**6 + 1)) == "multipart"


def test_an_unknown_duration_is_estimated_from_the_size() -> None:
    unknown = attrs.evolve(ACCEPTED, seconds=None, size=30_000_000)
    assert unknown.estimated_seconds == 60
    assert ACCEPTED.estimated_seconds == 60
    assert media_from_name("a.mp4").estimated_seconds is None
    assert attrs.evolve(unknown, kind=None).estimated_seconds is None


@pytest.mark.parametrize(
    ("seconds", "formatted"),
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
def test_formatted_durations_are_truncated_and_not_rounded(seconds: float, formatted: str) -> None:
    """With a limit of 4 s, the message for a clip of 3.999 s must not state 4 s."""
    assert format_media_duration(seconds) == formatted


@given(
    seconds=st.none() | st.floats(0, 10**6),
    width=st.none() | st.integers(0, 10_000),
    height=st.none() | st.integers(0, 10_000),
    size=st.none() | st.integers(0, 20 * GIB),
)
def test_an_index_with_more_models_never_accepts_more(
    seconds: float | None, width: int | None, height: int | None, size: int | None
) -> None:
    media = attrs.evolve(ACCEPTED, seconds=seconds, width=width, height=height, size=size)
    if rejection_reason(media, "url", MARENGO):
        assert rejection_reason(media, "url", BOTH)
