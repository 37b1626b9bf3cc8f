"""How a file is going to be sent, decided from its name and size alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twelvelabs_async import InvalidInputError
from twelvelabs_async.models.uploads import PresignedUrlChunk
from twelvelabs_async.uploads.plan import DIRECT_UP_TO, LARGEST, choose, chunks, content_type, media_type
from twelvelabs_async.uploads.state import Meter, UploadProgress
from twelvelabs_async.uploads.urls import LIFETIME, UrlPool


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
def test_the_extension_tells_what_a_file_is(name: str, kind: str) -> None:
    assert media_type(name) == kind


@pytest.mark.parametrize("name", ["film", "film.", "film.exe", ".mp4", "film.mp4.part"])
def test_an_unknown_extension_is_refused_and_named(name: str) -> None:
    with pytest.raises(InvalidInputError, match="type="):
        media_type(name)


@pytest.mark.parametrize(
    ("size", "way"),
    [(1, "direct"), (DIRECT_UP_TO, "direct"), (DIRECT_UP_TO + 1, "multipart"), (LARGEST["video"], "multipart")],
)
def test_the_size_decides_the_way(size: int, way: str) -> None:
    assert choose(size, "video", filename="a.mp4") == way


@pytest.mark.parametrize(
    ("size", "kind"), [(0, "video"), (LARGEST["video"] + 1, "video"), (LARGEST["image"] + 1, "image")]
)
def test_an_empty_or_too_large_file_is_refused(size: int, kind: str) -> None:
    with pytest.raises(InvalidInputError):
        choose(size, kind, filename="a")  # type: ignore[arg-type]  # a table of texts


def test_media_types_of_common_containers_are_declared() -> None:
    assert [content_type(name) for name in ("a.mp4", "a.mkv", "a.unknown")] == [
        "video/mp4",
        "video/x-matroska",
        "application/octet-stream",
    ]


@given(total=st.integers(1, 10**10), size=st.integers(10**6, 10**8))
def test_parts_cover_the_file_once_and_in_order(total: int, size: int) -> None:
    position = 0
    for index, chunk in enumerate(chunks(total, size), start=1):
        assert (chunk.index, chunk.offset) == (index, position)
        assert 0 < chunk.size <= size
        position += chunk.size
    assert position == total


def test_a_meter_takes_back_what_is_sent_again() -> None:
    seen: list[UploadProgress] = []
    meter = Meter("a.mp4", 10, seen.append, parts=2)
    meter.add(6)
    meter.add(-6)
    meter.add(10)
    meter.part_done()
    assert [progress.sent for progress in seen] == [6, 0, 10, 10]
    assert seen[-1].parts_done == 1


class Hour:
    """A clock that is set by hand."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


async def test_a_url_is_used_once_fetched_ahead_and_renewed_before_it_expires() -> None:
    clock, asked = Hour(), list[tuple[int, int]]()

    async def ask(start: int, count: int) -> list[PresignedUrlChunk]:
        asked.append((start, count))
        return [PresignedUrlChunk(chunk_index=i, url=f"u{i}-{len(asked)}") for i in range(start, start + count)]

    pool = UrlPool([PresignedUrlChunk(chunk_index=1, url="first")], ask, clock)
    assert await pool.take(1) == "first"
    assert await pool.take(1) == "u1-1"
    assert await pool.take(2, ahead=99) == "u2-2"
    assert await pool.take(3) == "u3-2"
    clock.now = LIFETIME * 0.9
    assert await pool.take(4) == "u4-3"
    assert asked == [(1, 1), (2, 50), (4, 1)]
