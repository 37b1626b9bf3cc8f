"""Extracted frames are those that a player shows; errors name the file without its signature."""

from __future__ import annotations

import asyncio
import io
import os
import re
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import av
import pytest
from PIL import Image

from twelvelabs_async import frames
from twelvelabs_async._cli.demo import SAMPLE_VIDEOS
from twelvelabs_async._text import install_command
from twelvelabs_async.errors import FrameError, InvalidInputError
from twelvelabs_async.models.search import SearchHit, SearchItem

MEDIA = Path(__file__).parents[1] / "data" / "media"
SAILING = SAMPLE_VIDEOS / "sailing-boat-at-sunset.mp4"
RED, BLUE = (200, 30, 30), (30, 30, 200)


def write_video(path: Path, *, rotation: int = 0, key_frames: int = 12, seconds: int = 4) -> Path:
    """Write a video with 5 frames per second, which get brighter by 10 each; its upper left quarter is red."""
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=5, options={"g": str(key_frames)})
        stream.width, stream.height, stream.pix_fmt = 320, 160, "yuv420p"
        if rotation:
            stream.set_display_rotation(rotation)
        for number in range(seconds * 5):
            image = Image.new("RGB", (320, 160), (number * 10,) * 3)
            image.paste(RED, (0, 0, 160, 40))
            untyped: Any = av.VideoFrame
            container.mux(stream.encode(untyped.from_image(image)))
        container.mux(stream.encode())
    return path


def image_of(frame: frames.Frame) -> Image.Image:
    return Image.open(io.BytesIO(frame.jpeg)).convert("RGB")


def brightness(frame: frames.Frame) -> int:
    """Return the brightness near the lower right corner, which increases by 10 with each frame."""
    red, *_ = cast("tuple[int, int, int]", image_of(frame).getpixel((frame.width - 20, frame.height - 20)))
    return red


async def test_each_time_gets_the_frame_that_a_player_shows(tmp_path: Path) -> None:
    video = write_video(tmp_path / "grey.mp4")
    extracted = await frames.extract(video, [3.05, 0, 1.39, 1.4, 3.05])
    assert [round(frame.time or 0, 3) for frame in extracted] == [3.0, 0.0, 1.2, 1.4, 3.0]
    for frame in extracted:
        assert abs(brightness(frame) - round(50 * (frame.time or 0))) <= 6


async def test_a_time_after_the_end_gets_the_last_frame(tmp_path: Path) -> None:
    (last,) = await frames.extract(write_video(tmp_path / "grey.mp4"), [900])
    assert last.time == pytest.approx(3.8)


@pytest.mark.parametrize(
    "name", ["bars.avi", "bars.mkv", "bars.mov", "bars.mp4", "bars.ts", "bars.webm", "fragments.mp4"]
)
async def test_frames_are_extracted_from_each_container(name: str) -> None:
    extracted = await frames.extract(MEDIA / name, [0, 2, 5.5], width=160)
    assert [(frame.width, frame.height) for frame in extracted] == [(160, 90)] * 3
    assert [frame.time for frame in extracted] == [pytest.approx(time, abs=0.21) for time in (0, 2, 5.4)]


@pytest.mark.skipif(
    not hasattr(av.VideoStream, "set_display_rotation"), reason="this version of PyAV writes no rotated video"
)
async def test_a_rotated_video_is_upright(tmp_path: Path) -> None:
    (frame,) = await frames.extract(write_video(tmp_path / "phone.mp4", rotation=90), [0], width=80)
    assert (frame.width, frame.height) == (80, 160)
    with av.open(tmp_path / "phone.mp4") as container:
        assert next(container.decode(video=0)).rotation == 90
    # Rotated counterclockwise: the left side is at the bottom.
    red, green, _ = cast("tuple[int, int, int]", image_of(frame).getpixel((10, 150)))
    assert red > 120 > green


async def test_small_videos_are_not_enlarged() -> None:
    (frame,) = await frames.extract(MEDIA / "small.mp4", [1], width=2000)
    assert frame.width == 320


@pytest.mark.parametrize(
    ("name", "problem"),
    [("tone.mp3", "has no video stream"), ("text.mp4", "cannot decode"), ("missing.mp4", "No such file")],
)
async def test_a_file_without_frames_raises_an_error_with_its_name(name: str, problem: str) -> None:
    with pytest.raises(FrameError, match=rf"{name}.*{problem}|{problem}.*{name}"):
        await frames.extract(MEDIA / name, [0])


async def test_a_local_playlist_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "list.m3u8").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{MEDIA / 'bars.ts'}\n")
    with pytest.raises(FrameError, match="is a playlist"):
        await frames.extract(tmp_path / "list.m3u8", [0])


async def test_invalid_arguments_are_rejected_before_a_file_is_opened() -> None:
    for source, times, width in (
        ("ftp://host/a.mp4?key=1", [0.0], 480),
        ("", [0.0], 480),
        (SAILING, [-1.0], 480),
        (SAILING, [float("nan")], 480),
        (SAILING, [0.0], 0),
    ):
        with pytest.raises(InvalidInputError) as caught:
            await frames.extract(source, times, width=width)
        assert "key=1" not in str(caught.value)
    with pytest.raises(InvalidInputError, match="concurrency"):
        await frames.extract_hits([], concurrency=0)
    with pytest.raises(InvalidInputError, match="1 to 200"):
        await frames.contact_sheet([])
    with pytest.raises(InvalidInputError, match="font"):
        await frames.contact_sheet(await frames.extract(SAILING, [0]), font="missing.ttf")


async def test_arguments_of_a_wrong_type_are_named_in_the_error() -> None:
    wrong: Any = 5
    frame = (await frames.extract(SAILING, [0]))[0]
    for calls, problem in (
        ((frames.extract(SAILING, wrong), frames.extract_hits(wrong), frames.contact_sheet(wrong)), "must be iterable"),
        ((frames.extract_hits([wrong]),), "hits must contain objects of SearchHit, got 5"),
        ((frames.contact_sheet([frame, wrong]),), "found must contain objects of Frame or HitFrame, got 5"),
        ((frames.contact_sheet([frame], font=wrong),), "font must be a TrueType or OpenType file, got 5"),
    ):
        for call in calls:
            with pytest.raises(InvalidInputError, match=problem):
                await call


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
async def test_a_named_pipe_and_a_folder_are_no_sources(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    for path in (tmp_path / "pipe.mp4", tmp_path):
        with pytest.raises(FrameError, match=f"{path} is not a regular file"):
            await frames.extract(path, [0])


async def test_a_missing_extra_is_named_in_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cast("dict[str, Any]", sys.modules), "av", None)
    with pytest.raises(InvalidInputError, match=re.escape(install_command("frames"))):
        await frames.extract(SAILING, [0])


async def test_a_cancelled_extraction_stops_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    started, cancel_events = threading.Event(), list[threading.Event]()

    def wait(_source: str, _times: object, _width: int, cancelled: threading.Event) -> list[frames.Frame]:
        cancel_events.append(cancelled)
        started.set()
        cancelled.wait(60)
        return []

    monkeypatch.setattr(frames, "_extract", wait)
    task = asyncio.create_task(frames.extract(SAILING, [0]))
    await asyncio.to_thread(started.wait, 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cancel_events[0].is_set()


async def test_a_timeout_raises_an_error_that_names_the_video(monkeypatch: pytest.MonkeyPatch) -> None:
    def wait(_source: str, _times: object, _width: int, cancelled: threading.Event) -> None:
        cancelled.wait(60)

    monkeypatch.setattr(frames, "_extract", wait)
    with pytest.raises(FrameError, match=r"sailing-boat.*within 0\.01 seconds"):
        await frames.extract(SAILING, [0], timeout=0.01)


def hit(name: str = "sailing.mp4", *, rank: int = 1, start: float = 2, end: float = 4) -> SearchHit:
    video: Any = SimpleNamespace(system_metadata=SimpleNamespace(filename=name), hls=None)
    return SearchHit(result=SearchItem(video_id=f"id of {name}", rank=rank, start=start, end=end), video=video)


async def test_a_hit_gets_its_middle_frame_from_a_file_given_by_id_or_name() -> None:
    files = {"sailing.mp4": SAILING, "id of other.mp4": MEDIA / "bars.mp4"}
    hit_frames = await frames.extract_hits([hit(), hit("other.mp4", rank=2), hit(rank=3, start=7, end=9)], files=files)
    assert [(hit_frame.origin, hit_frame.frame and hit_frame.frame.time) for hit_frame in hit_frames] == [
        ("file", 3),
        ("file", 3),
        ("file", 8),
    ]
    assert [hit_frame.hit.result.rank for hit_frame in hit_frames] == [1, 2, 3]


async def test_a_hit_without_a_frame_has_an_error_message() -> None:
    hit_frames = await frames.extract_hits([hit(), hit("tone.mp3")], files={"tone.mp3": MEDIA / "tone.mp3"})
    assert [(hit_frame.frame, hit_frame.origin) for hit_frame in hit_frames] == [(None, None)] * 2
    assert hit_frames[0].error == "no file, stream or thumbnail of it is known"
    assert "has no video stream" in hit_frames[1].error


async def test_a_contact_sheet_has_four_frames_per_row() -> None:
    extracted = await frames.extract(SAILING, range(5), width=200)
    missing = frames.HitFrame(
        hit=hit("a name that is far too long for the width of one frame.mp4"), frame=None, origin=None, error=""
    )
    sheet = Image.open(io.BytesIO(await frames.contact_sheet([*extracted, missing], width=200)))
    assert sheet.size == (4 * 208 + 8, 2 * (112 + 26 + 8) + 8)
    first, background = sheet.getpixel((100, 100)), sheet.getpixel((3, 3))
    assert first != background
