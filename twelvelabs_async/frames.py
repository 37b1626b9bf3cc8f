"""Frames of videos as JPEG images: of search results, at given times, and as a contact sheet.

Needs the extra `frames`, which installs PyAV (its wheels contain FFmpeg with parts under the GPL) and Pillow. Videos
are decoded in threads. A video is opened once for all of its times, and a thread holds two decoded frames at most,
whatever the length of the video.
"""

from __future__ import annotations

import asyncio
import io
import math
import os
import ssl
import stat
import threading
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import aiohttp
import attrs

from twelvelabs_async._arguments import checked_int, describe, require_number
from twelvelabs_async._text import cut_queries, install_command
from twelvelabs_async.clips import timecode
from twelvelabs_async.errors import FrameError, InvalidInputError
from twelvelabs_async.models.search import SearchHit

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream
    from PIL import ImageFont
    from PIL.Image import Image

_T = TypeVar("_T")

FrameOrigin = Literal["file", "thumbnail", "stream"]
"""Source of the frame of a search result: your file or URL, a thumbnail of the platform, or the HLS stream."""

_MAX_PIXELS: Final = 100_000_000
"""Largest frame that is decoded, in pixels: three times 8K video."""

_MAX_THUMBNAIL_BYTES: Final = 8_000_000
"""Largest thumbnail that is downloaded."""

_HTTP_SCHEMES: Final = ("http://", "https://")
_FILE_OPTIONS: Final = {"protocol_whitelist": "none", "enable_drefs": "0"}
"""A file is read through Python; FFmpeg opens and fetches no other file that it refers to."""
_HTTP_OPTIONS: Final = {"protocol_whitelist": "http,https,httpproxy,tls,tcp,crypto", "tls_verify": "1"}
"""A playlist may refer to URLs, not to local files."""
_PLAYLIST: Final = b"#EXTM3U"
_MICROSECONDS: Final = 1_000_000
_SEEK_DISTANCES: Final = (0.0, 15.0, math.inf)
"""Seconds before a time from which its frame is decoded, until a key frame before the time is found."""
_JPEG_QUALITY: Final = 82
_CAPTION_HEIGHT: Final = 26
_FONT_SIZE: Final = 14
_GAP: Final = 8
_SHEET_COLORS: Final = {"background": "#14171d", "image": "#2a303b", "text": "#e6e9ef"}


@attrs.frozen(kw_only=True)
class Frame:
    """One image of a video."""

    jpeg: bytes = attrs.field(repr=False)
    """The image as a JPEG file."""
    width: int
    """Width in pixels, as displayed: rotated, and with square pixels."""
    height: int
    """Height in pixels."""
    time: float | None
    """Time in the video, in seconds; None for a thumbnail, whose time is not known."""


@attrs.frozen(kw_only=True)
class HitFrame:
    """A search result and its frame."""

    hit: SearchHit
    """The search result."""
    frame: Frame | None
    """The frame; None if the video has none that can be read."""
    origin: FrameOrigin | None
    """Source of the frame; None without a frame."""
    error: str
    """Reason for the lack of a frame, or of one from a preferred source; empty without an error."""


def middle(hit: SearchHit) -> float:
    """Return the time in the middle of a search result, in seconds.

    Example:
        hits = await client.search.query_with_videos(
            index_id=index.id, search_options=["visual"], query_text="a boat"
        )
        times = [frames.middle(hit) for hit in hits]
    """
    start = hit.result.start or 0.0
    return (start + max(start, hit.result.end or start)) / 2


async def extract(
    source: str | os.PathLike[str], times: Iterable[float], *, width: int = 480, timeout: float = 60.0
) -> list[Frame]:
    """Return the frames of a video at some times, in the order of the times.

    A frame is the one that a player shows at that time; after the end of the video it is the last one.

    Args:
        source: Path of a file, or URL of a file or of an HLS playlist. Of a URL only the parts around the times are
            downloaded, if its server supports ranges.
        times: Times in seconds.
        width: Maximum width in pixels; smaller videos are not enlarged.
        timeout: Seconds after which decoding stops.

    Raises:
        InvalidInputError: An argument is invalid, or the extra `frames` is not installed.
        FrameError: The video cannot be opened or decoded, or not in time.

    Example:
        first, last = await frames.extract("sailing.mp4", [0, 9.5])
        Path("sailing.jpg").write_bytes(first.jpeg)
    """
    name, checked = _checked_source(source), [_checked_time(time) for time in _checked_items("times", times)]
    checked_int("width", width, 1, 10_000)
    require_number("timeout", timeout)
    await asyncio.to_thread(_load_libraries)
    cancelled = threading.Event()
    try:
        async with asyncio.timeout(timeout):
            return await asyncio.to_thread(_extract, name, checked, width, cancelled)
    except TimeoutError:
        raise FrameError(f"{cut_queries(name)}: no frames within {timeout:g} seconds") from None
    finally:
        cancelled.set()  # ends the thread after a cancellation


async def extract_hits(
    hits: Iterable[SearchHit],
    *,
    files: Mapping[str, str | os.PathLike[str]] | None = None,
    width: int = 480,
    concurrency: int = 2,
    timeout: float = 60.0,
) -> list[HitFrame]:
    """Return the frame in the middle of each search result, in the order of the results.

    The sources are tried in this order: your file or URL, the thumbnail that the platform created for the result, the
    HLS stream, the thumbnail of the video.

    Args:
        hits: Search results with their videos, from `client.search.query_with_videos`.
        files: Paths or URLs of your videos, by video id or by filename.
        width: Maximum width in pixels.
        concurrency: Number of videos that are decoded at the same time.
        timeout: Seconds for each source of a video.

    Raises:
        InvalidInputError: An argument is invalid, or the extra `frames` is not installed.

    Example:
        hits = await client.search.query_with_videos(
            index_id=index.id, search_options=["visual"], query_text="a boat"
        )
        found = await frames.extract_hits(hits, files={"sailing.mp4": "sailing.mp4"})
        Path("boats.jpg").write_bytes(await frames.contact_sheet(found))
    """
    checked_int("concurrency", concurrency)
    checked_int("width", width, 1, 10_000)
    require_number("timeout", timeout)
    await asyncio.to_thread(_load_libraries)
    by_video: dict[str, list[int]] = {}
    ordered, slots = _checked_items("hits", hits, SearchHit), asyncio.Semaphore(concurrency)
    for position, hit in enumerate(ordered):
        by_video.setdefault(hit.video_id or f"#{position}", []).append(position)
    timeouts = aiohttp.ClientTimeout(total=timeout)
    async with aiohttp.ClientSession(timeout=timeouts, trust_env=True) as session, asyncio.TaskGroup() as group:
        search = _VideoFrames(files or {}, width, timeout, session)

        async def extract_video(positions: list[int]) -> list[HitFrame]:
            async with slots:
                return await search.frames_of([ordered[position] for position in positions])

        tasks = {group.create_task(extract_video(positions)): positions for positions in by_video.values()}
    found = {position: frame for task, at in tasks.items() for position, frame in zip(at, task.result(), strict=True)}
    return [found[position] for position in range(len(ordered))]


async def contact_sheet(
    found: Iterable[Frame | HitFrame],
    *,
    columns: int = 4,
    width: int = 320,
    font: str | os.PathLike[str] | None = None,
) -> bytes:
    """Return one JPEG image with all frames in rows, each with its time, or with the rank and the file of the result.

    Args:
        found: Frames, at most 200.
        columns: Number of frames in a row.
        width: Width of each frame in pixels.
        font: TrueType or OpenType file for the captions; the default has Latin letters only.

    Raises:
        InvalidInputError: An argument is invalid, or the extra `frames` is not installed.

    Example:
        sheet = await frames.contact_sheet(await frames.extract("sailing.mp4", range(10)), columns=5)
    """
    cells = [_cell(one) for one in _checked_items("found", found, Frame, HitFrame)]
    if not 1 <= len(cells) <= 200:
        raise InvalidInputError(f"a contact sheet has 1 to 200 frames, got {len(cells)}")
    checked_int("columns", columns, 1, 20)
    checked_int("width", width, 64, 1000)
    await asyncio.to_thread(_load_libraries)
    return await asyncio.to_thread(_draw_sheet, cells, columns, width, font)


def _load_libraries() -> ModuleType:
    """Import PyAV and Pillow, and return PyAV.

    Raises:
        InvalidInputError: The extra `frames` is not installed.
    """
    try:
        import av  # noqa: PLC0415  # an extra

        import_module("PIL.Image")
    except ImportError as error:
        raise InvalidInputError(f"frames need: {install_command('frames')}") from error
    return av


@attrs.frozen(eq=False, repr=False)
class _VideoFrames:
    """Extracts the frames of search results in one video from the first source that has them."""

    _files: Mapping[str, str | os.PathLike[str]]
    _width: int
    _timeout: float
    _session: aiohttp.ClientSession

    async def frames_of(self, hits: Sequence[SearchHit]) -> list[HitFrame]:
        """Return the frames of results in the same video."""
        found = [HitFrame(hit=hit, frame=None, origin=None, error="") for hit in hits]
        for origin, extract_some in self._sources(hits[0]):
            missing = [position for position, one in enumerate(found) if one.frame is None]
            if not missing:
                break
            try:
                images = await extract_some([hits[position] for position in missing])
            except (FrameError, InvalidInputError) as error:
                for position in missing:
                    found[position] = attrs.evolve(found[position], error=found[position].error or str(error))
                continue
            for position, image in zip(missing, images, strict=True):
                found[position] = attrs.evolve(found[position], frame=image, origin=origin if image else None)
        return [
            one if one.frame or one.error else attrs.evolve(one, error="no file, stream or thumbnail of it is known")
            for one in found
        ]

    def _sources(
        self, hit: SearchHit
    ) -> Iterator[tuple[FrameOrigin, Callable[[list[SearchHit]], Awaitable[Sequence[Frame | None]]]]]:
        file = self._files.get(hit.video_id or "", self._files.get(hit.filename or ""))
        if file is not None:
            yield "file", lambda hits: self._decode(file, hits)
        yield "thumbnail", lambda hits: self._download(hit.result.thumbnail_url for hit in hits)
        stream = hit.hls_url or ""
        if stream.lower().startswith(_HTTP_SCHEMES):  # a server cannot name a local file
            yield "stream", lambda hits: self._decode(stream, hits)
        yield "thumbnail", lambda hits: self._download(hit.thumbnail_url for hit in hits)

    async def _decode(self, source: str | os.PathLike[str], hits: list[SearchHit]) -> list[Frame]:
        return await extract(source, map(middle, hits), width=self._width, timeout=self._timeout)

    async def _download(self, urls: Iterable[str | None]) -> list[Frame | None]:
        by_url: dict[str | None, Frame | None] = {None: None}
        listed = [url or None for url in urls]
        for url in listed:
            if url is not None and url not in by_url:
                by_url[url] = await self._thumbnail(url)
        return [by_url[url] for url in listed]

    async def _thumbnail(self, url: str) -> Frame:
        try:
            async with self._session.get(url) as response:
                response.raise_for_status()
                content = await response.content.read(_MAX_THUMBNAIL_BYTES + 1)
                while len(content) <= _MAX_THUMBNAIL_BYTES and (chunk := await response.content.readany()):
                    content += chunk
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise FrameError(f"cannot download the thumbnail {cut_queries(url)}: {_reason(error)}") from None
        if len(content) > _MAX_THUMBNAIL_BYTES:
            raise FrameError(f"the thumbnail {cut_queries(url)} is larger than {_MAX_THUMBNAIL_BYTES:,} bytes")
        return await asyncio.to_thread(_read_image, content, self._width, url)


def _reason(error: Exception) -> str:
    return f"status {error.status}" if isinstance(error, aiohttp.ClientResponseError) else type(error).__name__


def _checked_source(source: str | os.PathLike[str]) -> str:
    if not isinstance(source, str | os.PathLike):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may not type
        raise InvalidInputError(f"a source of frames is a path or an http(s) URL, got {describe(source)}")
    name = os.fsdecode(source)
    scheme, separator, _ = name.partition("://")
    if separator and scheme.lower() not in {"http", "https"}:
        raise InvalidInputError(f"a source of frames is a path or an http(s) URL, got a URL of the scheme {scheme!r}")
    if not name or "\0" in name:
        raise InvalidInputError(f"a source of frames is a path or an http(s) URL, got {name!r}")
    return name


def _checked_items(name: str, items: Iterable[_T], *kinds: type[Any]) -> list[_T]:
    """Return the items of an argument, which have one of these types; without types, any.

    Raises:
        InvalidInputError: It is not an iterable, or an item has another type.
    """
    if not isinstance(items, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers may not type
        raise InvalidInputError(f"{name} must be iterable, got {describe(items)}")
    found = list(items)
    for item in found:
        if kinds and not isinstance(item, kinds):
            names = " or ".join(kind.__name__ for kind in kinds)
            raise InvalidInputError(f"{name} must contain objects of {names}, got {describe(item)}")
    return found


def _checked_time(time: float) -> float:
    require_number("times", time, allow_zero=True, finite=True)
    return float(time)


# In threads


def _extract(source: str, times: Sequence[float], width: int, cancelled: threading.Event) -> list[Frame]:
    """Open a video and return the frames at these times."""
    av = _load_libraries()
    try:
        with _opened(av, source) as container:
            if not container.streams.video:
                raise FrameError(f"{cut_queries(source)} has no video stream")
            stream = container.streams.video[0]
            if stream.width * stream.height > _MAX_PIXELS:
                raise FrameError(
                    f"{cut_queries(source)}: frames of {stream.width} x {stream.height} pixels are too large"
                )
            reader = _FrameReader(container, stream, cancelled)
            found = {time: _to_frame(*reader.read(time), stream, width) for time in sorted(set(times))}
    except av.FFmpegError as error:
        raise FrameError(f"cannot decode {cut_queries(source)}: {error.strerror or type(error).__name__}") from None
    except OSError as error:
        raise FrameError(f"cannot read {cut_queries(source)}: {error.strerror or type(error).__name__}") from None
    return [found[time] for time in times]


@contextmanager
def _opened(av: Any, source: str) -> Generator[InputContainer]:
    if source.lower().startswith(_HTTP_SCHEMES):
        authorities = ssl.get_default_verify_paths().cafile
        options = _HTTP_OPTIONS | ({"ca_file": authorities} if authorities else {})
        with av.open(source, options=options, timeout=(15.0, 15.0)) as container:
            yield container
    else:
        if not stat.S_ISREG(os.stat(source).st_mode):  # noqa: PTH116  # opening a named pipe waits for its writer
            raise FrameError(f"{source} is not a regular file")
        with Path(source).open("rb") as file:
            if file.read(len(_PLAYLIST)) == _PLAYLIST:
                raise FrameError(f"{source} is a playlist; to read its segments, pass its URL")
            file.seek(0)
            with av.open(file, options=_FILE_OPTIONS) as container:
                yield container


class _FrameReader:
    """Decodes the frame at a time: from the key frame before it, holding two frames."""

    def __init__(self, container: InputContainer, stream: VideoStream, cancelled: threading.Event) -> None:
        self._container = container
        self._stream = stream
        self._cancelled = cancelled
        self._time_base = float(stream.time_base or 1 / _MICROSECONDS)
        self._start = float((stream.start_time or 0) * self._time_base)
        """Time of the first frame; not 0 in an MPEG transport stream."""

    def read(self, time: float) -> tuple[VideoFrame, float]:
        """Return the last frame that starts at `time` or before it, and its time.

        Transport streams have no index; in them, FFmpeg may seek to a position after the key frame that is needed.
        """
        duration = (self._container.duration or 0) / _MICROSECONDS
        time = min(time, duration) if duration else time
        found: tuple[VideoFrame, float] | None = None
        for seconds_before in _SEEK_DISTANCES:
            found = self._decode(time - seconds_before, time)
            if found is not None and found[1] <= time + self._time_base:
                return found
        if found is None:
            raise FrameError("the video stream has no frame that can be decoded")
        return found

    def _decode(self, seek_to: float, time: float) -> tuple[VideoFrame, float] | None:
        offset = (seek_to + self._start) / self._time_base if seek_to > 0 else min(0, self._stream.start_time or 0)
        self._container.seek(int(offset), stream=self._stream)
        last: tuple[VideoFrame, float] | None = None
        for frame in self._container.decode(self._stream):
            if self._cancelled.is_set():
                raise FrameError("cancelled")
            at = max(0.0, (frame.pts or 0) * self._time_base - self._start)
            if last is not None and at > time + self._time_base / 2:
                break
            last = frame, at
        return last


def _to_frame(decoded: VideoFrame, time: float, stream: VideoStream, width: int) -> Frame:
    """Return a decoded frame as it is displayed: with square pixels, rotated, and not wider than `width`."""
    displayed = decoded.width * float(stream.sample_aspect_ratio or 1)
    sideways = decoded.rotation % 180 != 0
    scale = min(1.0, width / (decoded.height if sideways else displayed))
    size = max(1, round(displayed * scale)), max(1, round(decoded.height * scale))
    untyped: Any = decoded
    image: Image = untyped.to_image(width=size[0], height=size[1])
    return _encode(image.rotate(decoded.rotation, expand=True), time)


def _encode(image: Image, time: float | None) -> Frame:
    output = io.BytesIO()
    image.convert("RGB").save(output, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return Frame(jpeg=output.getvalue(), width=image.width, height=image.height, time=time)


def _read_image(content: bytes, width: int, url: str) -> Frame:
    from PIL import Image  # noqa: PLC0415  # an extra

    try:
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP")) as image:
            if image.width * image.height > _MAX_PIXELS:
                raise FrameError(f"the thumbnail {cut_queries(url)} has more than {_MAX_PIXELS:,} pixels")
            image.thumbnail((width, _MAX_PIXELS))
            return _encode(image, None)
    except (OSError, ValueError, SyntaxError) as error:  # as Pillow raises for damaged images
        raise FrameError(f"the thumbnail {cut_queries(url)} is not a JPEG, PNG or WebP image") from error


def _cell(one: Frame | HitFrame) -> tuple[Frame | None, str]:
    """Return the image and the caption of a cell of a contact sheet."""
    if isinstance(one, Frame):
        return one, "" if one.time is None else timecode(one.time)
    rank = "" if one.hit.result.rank is None else f"{one.hit.result.rank}."
    return one.frame, " ".join(filter(None, (rank, timecode(middle(one.hit)), one.hit.filename or one.hit.video_id)))


def _draw_sheet(
    cells: Sequence[tuple[Frame | None, str]], columns: int, width: int, font_file: str | os.PathLike[str] | None
) -> bytes:
    from PIL import Image, ImageDraw  # noqa: PLC0415  # an extra

    font = _load_font(font_file)
    shapes = [frame.height / frame.width for frame, _ in cells if frame is not None]
    height = round(width * min(max(shapes, default=9 / 16), 1.0))  # of upright videos, all of the height is shown
    columns = min(columns, len(cells))
    rows = math.ceil(len(cells) / columns)
    step = width + _GAP, height + _CAPTION_HEIGHT + _GAP
    sheet = Image.new("RGB", (step[0] * columns + _GAP, step[1] * rows + _GAP), _SHEET_COLORS["background"])
    draw = ImageDraw.Draw(sheet)
    for position, (frame, caption) in enumerate(cells):
        left, top = _GAP + step[0] * (position % columns), _GAP + step[1] * (position // columns)
        draw.rectangle((left, top, left + width - 1, top + height - 1), fill=_SHEET_COLORS["image"])
        if frame is not None:
            with Image.open(io.BytesIO(frame.jpeg)) as image:
                image.thumbnail((width, height))
                sheet.paste(image, (left + (width - image.width) // 2, top + (height - image.height) // 2))
        shortened = _shorten(caption, width - 4, lambda text: draw.textlength(text, font))
        draw.text((left + 2, top + height + 5), shortened, fill=_SHEET_COLORS["text"], font=font)
    return _encode(sheet, None).jpeg


def _load_font(file: str | os.PathLike[str] | None) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    from PIL import ImageFont  # noqa: PLC0415  # an extra

    try:
        return ImageFont.load_default(_FONT_SIZE) if file is None else ImageFont.truetype(os.fspath(file), _FONT_SIZE)
    except (OSError, TypeError) as error:
        raise InvalidInputError(f"font must be a TrueType or OpenType file, got {describe(file)}") from error


def _shorten(caption: str, width: int, measure: Callable[[str], float]) -> str:
    while caption and measure(caption) > width:
        caption = f"{caption[:-2]}…" if len(caption) > 2 else ""
    return caption
