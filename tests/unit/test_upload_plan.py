"""The upload strategy of a file, its parts and presigned URLs."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twelvelabs_async import InvalidInputError
from twelvelabs_async.models.assets import PresignedUrlChunk
from twelvelabs_async.uploads import UploadProgress, UploadState
from twelvelabs_async.uploads._multipart import URL_LIFETIME, UrlPool
from twelvelabs_async.uploads._source import ProgressTracker
from twelvelabs_async.uploads._strategy import (
    MAX_FILE_SIZE,
    MULTIPART_THRESHOLD,
    choose_strategy,
    content_type,
    media_type,
)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.mp4", "video"),
        ("A.MOV", "video"),
        ("x.y.mkv", "video"),
        ("a.wav", "audio"),
        ("a.png", "image"),
        ("n.MD", "document"),
    ],
)
def test_the_media_type_follows_from_the_extension(name: str, kind: str) -> None:
    assert media_type(name) == kind


@pytest.mark.parametrize("name", ["film", "film.", "film.exe", ".mp4", "film.mp4.part"])
def test_an_unknown_extension_is_rejected_with_a_hint(name: str) -> None:
    with pytest.raises(InvalidInputError, match="type="):
        media_type(name)


@pytest.mark.parametrize(
    ("size", "strategy"),
    [
        (1, "direct"),
        (MULTIPART_THRESHOLD, "direct"),
        (MULTIPART_THRESHOLD + 1, "multipart"),
        (MAX_FILE_SIZE["video"], "multipart"),
    ],
)
def test_the_strategy_follows_from_the_size(size: int, strategy: str) -> None:
    assert choose_strategy(size, "video", filename="a.mp4") == strategy


@pytest.mark.parametrize(
    ("size", "kind"), [(0, "video"), (MAX_FILE_SIZE["video"] + 1, "video"), (MAX_FILE_SIZE["image"] + 1, "image")]
)
def test_an_empty_or_too_large_file_is_rejected(size: int, kind: str) -> None:
    with pytest.raises(InvalidInputError):
        choose_strategy(size, kind, filename="a")  # type: ignore[arg-type]  # a parametrized string


def test_media_types_of_common_containers_are_declared() -> None:
    assert [content_type(name) for name in ("a.mp4", "a.mkv", "a.unknown")] == [
        "video/mp4",
        "video/x-matroska",
        "application/octet-stream",
    ]


@given(total=st.integers(1, 10**10), size=st.integers(10**6, 10**8))
def test_parts_cover_the_file_once_and_in_order(total: int, size: int) -> None:
    state = UploadState(
        upload_id="u", asset_id="a", filename="a.mp4", total_size=total, chunk_size=size, fingerprint="1"
    )
    position = 0
    for index in range(1, state.part_count + 1):
        offset, part_size = state.part_range(index)
        assert offset == position
        assert 0 < part_size <= size
        position += part_size
    assert position == total


STATE = UploadState(
    upload_id="u", asset_id="a", filename="a.mp4", total_size=10, chunk_size=5, fingerprint="1", upload_headers={}
)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"chunk_size": 0}, "chunk_size must be a whole number, at least 1"),
        ({"chunk_size": "5"}, "chunk_size"),
        ({"total_size": -1}, "total_size"),
        ({"completed_parts": 5}, "completed_parts must be a list"),
    ],
)
def test_an_invalid_upload_state_is_rejected(changes: dict[str, Any], message: str) -> None:
    """A stored state may have been altered."""
    with pytest.raises(InvalidInputError, match=message):
        attrs.evolve(STATE, **changes)


def test_a_progress_tracker_subtracts_bytes_that_are_sent_again() -> None:
    events: list[UploadProgress] = []
    tracker = ProgressTracker("a.mp4", 10, events.append, parts=2)
    tracker.add(6)
    tracker.add(-6)
    tracker.add(10)
    tracker.part_completed(lambda: STATE)
    assert [progress.sent for progress in events] == [6, 0, 10, 10]
    assert (events[-1].parts_done, events[-1].state) == (1, STATE)


class ManualClock:
    """A clock that is advanced by the test."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


async def test_presigned_urls_are_used_once_prefetched_and_replaced_before_they_expire() -> None:
    clock, requested = ManualClock(), list[tuple[int, int]]()

    async def request_urls(start: int, count: int) -> list[PresignedUrlChunk]:
        requested.append((start, count))
        return [PresignedUrlChunk(chunk_index=i, url=f"u{i}-{len(requested)}") for i in range(start, start + count)]

    pool = UrlPool([PresignedUrlChunk(chunk_index=1, url="first")], request_urls, clock)
    assert await pool.get(1) == "first"
    assert await pool.get(1) == "u1-1"
    assert await pool.get(2, prefetch=99) == "u2-2"
    assert await pool.get(3) == "u3-2"
    clock.now = URL_LIFETIME * 0.9
    assert await pool.get(4) == "u4-3"
    assert requested == [(1, 1), (2, 50), (4, 1)]
