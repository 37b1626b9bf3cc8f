"""Checks sources before they are uploaded: a file that the index would reject costs no upload.

From top to bottom: what is read from a file, `validate_source` and the validators that use it, and the limits of the
platform. pymediainfo, from the extra `media`, reads containers; without it only the name, the size and the first bytes
are known. An unknown property never rejects a file.

Limits of uploads as of https://docs.twelvelabs.io/v1.3/api-reference/upload-content, of models as of
https://docs.twelvelabs.io/v1.3/docs/concepts/models. Where the documentation is ambiguous (10**9 or 2**30 bytes, two
pages that differ), the larger value counts, so that the platform decides.
"""

from __future__ import annotations

import codecs
import errno
import importlib
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import SplitResult, urlsplit

import attrs

from twelvelabs_async._concurrency import SCAN_THREADS
from twelvelabs_async._text import install_command
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.ingest._remote_sources import filename_from_url, is_bucket_url, is_url, url_problem
from twelvelabs_async.ingest.sources import Item
from twelvelabs_async.uploads._strategy import MediaType, UploadStrategy, choose_strategy, media_type

ASSUMED_BITRATES: Final[Mapping[MediaType, int]] = {"video": 4_000_000, "audio": 128_000}
"""Bits per second of media whose duration is unknown."""

HEADER_SIZE: Final = 4096
"""Bytes at the beginning of a file that are read to detect its format."""

_MP4_BOXES: Final = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})

_SIGNATURES: Final[Mapping[bytes, MediaType]] = {
    b"\x1a\x45\xdf\xa3": "video",  # Matroska, WebM
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "video",  # ASF, WMV
    b"FLV\x01": "video",
    b".RMF": "video",
    b"\x06\x0e\x2b\x34": "video",  # MXF
    b"\x1f\x07\x00": "video",  # DV
    b"\0\0\x01\xba": "video",  # MPEG program stream
    b"\0\0\x01\xb3": "video",  # MPEG video
    b"\0\0\0\x01": "video",  # H.264, H.265
    b"\0\0\x01": "video",
    b"OggS": "video",
    b"ID3": "audio",
    b"fLaC": "audio",
    b"MAC ": "audio",
    b"#!AMR": "audio",
    b"FORM": "audio",  # AIFF
    b"caff": "audio",
    b".snd": "audio",
    b"\x0b\x77": "audio",  # AC-3
    **{bytes((0xFF, second)): "audio" for second in (0xF1, 0xF9, 0xF2, 0xF3, 0xFA, 0xFB, 0xFC, 0xFD)},  # AAC, MP3
    b"\x89PNG": "image",
    b"\xff\xd8\xff": "image",
    b"GIF8": "image",
    b"%PDF": "document",
}
"""Kinds of files by their first bytes."""

MARKER_LENGTH: Final = 4
"""Length of each marker in `REFERENCE_MARKERS`, in bytes."""

REFERENCE_MARKERS: Final = re.compile(rb"alis|cmov|\x06\x0e\x2b\x34|\xd0\xcf\x11\xe0")
"""Markers of references to other files in QuickTime, compressed QuickTime headers, MXF and AAF.

The library opens the files and URLs that a media file refers to. `MaskedFile` hides the references, so that validating
a file reads no other file and sends no request.
"""

_UTF8: Final = codecs.getincrementaldecoder("utf-8")

_Track = Mapping[str, Any]

GIB: Final = 2**30

_HOUR: Final = 3600.0

TRUNCATED_WARNING: Final = "it seems to be truncated: it is shorter than its header says"

OnWarning = Callable[[str, str], None]
"""Receives the source that a warning is about, or an empty string, and the warning."""

INACTIVE_MODELS: Final = frozenset({"pegasus1.2"})
"""Models of old indexes that do not process new videos."""

MAX_URL_FILE_SIZE: Final = 4 * GIB
"""Largest file that the platform downloads from a URL, in bytes."""

_YOUTUBE: Final = r"(.+\.)?(youtube(-nocookie)?\.com|youtu\.be)"

WEB_PAGES: Final[Mapping[str, tuple[str, str]]] = {
    "YouTube": (_YOUTUBE + "/.*", ""),
    "Vimeo": (r"(www\.)?vimeo\.com/.*|player\.vimeo\.com/video/.*", ""),
    "Dropbox": (r"(www\.)?dropbox\.com/(?!.*[?&](dl|raw)=1(&|$)).*", "end the link with dl=1 instead of dl=0"),
    "Google Drive": (
        r"(drive|docs)\.google\.com/(?!uc\?).*",
        "pass https://drive.usercontent.google.com/download?id=...&confirm=t",
    ),
    "OneDrive": (
        r"1drv\.ms/.*|onedrive\.live\.com/(?!download).*|[^/]+\.sharepoint\.com/(?!.*[?&]download=1(&|$))(:.:/|.*[?&]id=).*",
        "add download=1 to the link",
    ),
    "WeTransfer": (r"we\.tl/.*|(.+\.)?wetransfer\.com/(downloads/.*)?", ""),
}
"""Patterns of the host, path and query of URLs that return web pages, never video files, and how to get the file."""


@attrs.frozen(kw_only=True)
class Media:
    """Properties of a file or URL; None stands for unknown."""

    name: str
    """Name without folders."""
    size: int | None = None
    """Bytes."""
    kind: MediaType | None = None
    """Media type of the content if it was read, otherwise of the extension."""
    inspected: bool = False
    """Whether the content was read; if not, the properties below are unknown."""
    container: str | None = None
    """Container, such as `MPEG-4` or `Matroska`."""
    seconds: float | None = None
    """Duration in seconds."""
    width: int | None = None
    """Width in pixels, before any rotation."""
    height: int | None = None
    """Height in pixels, before any rotation."""
    no_streams: bool = False
    """Whether the file has neither video nor audio."""
    truncated: bool = False
    """Whether the file seems to be shorter than its header says. Complete recordings may seem so, too."""
    unrecognized: bool = False
    """Whether the content was read and is of no known format."""

    @property
    def estimated_seconds(self) -> float | None:
        """Duration in seconds, estimated from the size if it is unknown; None for a URL or an unknown media type."""
        bitrate = ASSUMED_BITRATES.get(self.kind) if self.kind else None
        if self.seconds is not None or self.size is None or bitrate is None:
            return self.seconds
        return self.size * 8 / bitrate


class MaskedFile:
    """A file for the library to read, with its references to other files masked."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek: Callable[..., int] = file.seek
        self.tell: Callable[[], int] = file.tell
        self.masked_too_much: bool = False
        """Whether the library may be unable to recognize the file because of what was masked."""

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes, and mask markers in them, including those that cross the edges of the block."""
        position = self.tell()
        overlap = min(position, MARKER_LENGTH - 1)
        self.seek(position - overlap)
        content = self._file.read(overlap + size + MARKER_LENGTH - 1)
        block = REFERENCE_MARKERS.sub(self._mask, content)[overlap : overlap + size]
        self.seek(position + len(block))
        return block

    def _mask(self, match: re.Match[bytes]) -> bytes:
        self.masked_too_much |= match[0] != b"alis"  # without an external track the header is still complete
        return bytes(MARKER_LENGTH)


def media_from_name(name: str, size: int | None = None) -> Media:
    """Return what the name of a file says about it."""
    return Media(name=name, size=size, kind=_guess_type(name))


def probe_file(path: str | os.PathLike[str]) -> Media:
    """Read the properties of a file. Blocks: call it in a thread.

    Raises:
        OSError: The file cannot be read.
    """
    file_path = Path(path)
    if file_path.exists() and not file_path.is_file():  # opening a named pipe would block
        raise OSError(errno.EINVAL, "not a regular file")
    with file_path.open("rb") as file:
        header = file.read(HEADER_SIZE)
        media = media_from_name(file_path.name, os.fstat(file.fileno()).st_size)
        if not header:
            return media
        if _is_text(header):
            return attrs.evolve(media, inspected=True, no_streams=True)
        detected = type_of_content(header)
        media = attrs.evolve(media, kind=media.kind or detected)
        tracks = _read_tracks(file)
    if tracks is None:
        return media
    if not any("format" in track for track in tracks if track["track_type"] == "General"):
        return attrs.evolve(media, unrecognized=detected is None)
    return media_from_tracks(media, tracks)


def _guess_type(name: str) -> MediaType | None:
    try:
        return media_type(name)
    except InvalidInputError:
        return None


def _media_library() -> Any:
    """Return the class that reads containers; None if its package or its shared library is missing."""
    try:
        library: Any = importlib.import_module("pymediainfo").MediaInfo
    except ImportError:
        return None
    return library if library.can_parse() else None


def is_media_library_installed() -> bool:
    """Return whether containers can be read."""
    return _media_library() is not None


def detect_media_type(path: str | os.PathLike[str]) -> MediaType:
    """Return the kind of a file by its extension, or by its content if the extension is unknown. Blocks.

    A file whose content is unknown, too, counts as video: the platform decides.

    Raises:
        OSError: The file cannot be read.
    """
    kind = _guess_type(Path(path).name)
    if kind is None:
        with Path(path).open("rb") as file:
            kind = type_of_content(file.read(HEADER_SIZE))
    return kind or "video"


def type_of_content(header: bytes) -> MediaType | None:
    """Return the kind of a file by the bytes that it begins with; None if they belong to no known format."""
    if header[4:8] in _MP4_BOXES:
        return "audio" if header[4:8] == b"ftyp" and header[8:11] in {b"M4A", b"M4B"} else "video"
    if any(header[start : start + 188 * 3 : 188] == b"GGG" for start in (0, 4)):  # packets of MPEG-TS and of M2TS
        return "video"
    if header.startswith(b"RIFF"):
        return "video" if header[8:12] == b"AVI " else "audio" if header[8:12] == b"WAVE" else None
    return next((kind for start, kind in _SIGNATURES.items() if header.startswith(start)), None)


def _is_text(header: bytes) -> bool:
    """Return whether a file is text in any encoding: it may be a playlist or another list of files."""
    if header.startswith((b"\xff\xfe", b"\xfe\xff")) or header.lstrip(b"\0\xef\xbb\xbf \t\r\n").startswith(
        (b"#", b"<")
    ):
        return True
    try:
        return "\0" not in _UTF8().decode(header)  # an incremental decoder accepts an incomplete last character
    except UnicodeDecodeError:
        return False


def _read_tracks(file: BinaryIO) -> list[_Track] | None:
    """Return the tracks of a file; None if the library is missing or fails."""
    try:
        library = _media_library()
        if library is None:
            return None
        masked = MaskedFile(file)
        # Given a path, the library would read files with consecutive numbers as one file.
        tracks: list[_Track] = library.parse(masked, parse_speed=0).to_data()["tracks"]
    except (RuntimeError, OSError, SyntaxError):  # SyntaxError: its XML parser failed
        return None
    return None if masked.masked_too_much else tracks


def media_from_tracks(media: Media, tracks: Sequence[_Track]) -> Media:
    """Add what the tracks of a file say; the image of a video is that of its longest track, never that of a cover."""
    general = next(track for track in tracks if track["track_type"] == "General")
    videos = [track for track in tracks if track["track_type"] == "Video" and not _is_cover(track)]
    sounds = [track for track in tracks if track["track_type"] == "Audio"]
    stills = [track for track in tracks if track["track_type"] in {"Video", "Image"} and track not in videos]
    kind: MediaType | None = "video" if videos else "audio" if sounds else "image" if stills else media.kind
    images = videos or ([] if sounds else stills)
    shown: _Track = max(images, key=_track_seconds) if images else {}
    return attrs.evolve(
        media,
        kind=kind,
        inspected=True,
        container=general.get("format"),
        seconds=max(map(_track_seconds, [*videos, *sounds]), default=0.0) or _track_seconds(general) or None,
        width=_int_or_none(shown.get("width")),
        height=_int_or_none(shown.get("height")),
        no_streams=not (videos or sounds or stills),
        truncated=general.get("istruncated") == "Yes",
    )


def _is_cover(track: _Track) -> bool:
    """Return whether a video track is a single image, such as the cover of a podcast."""
    is_image = track.get("format") in {"JPEG", "PNG", "GIF", "BMP", "WebP"}
    return str(track.get("frame_count")) == "1" or (is_image and not _track_seconds(track))


def _track_seconds(track: _Track) -> float:
    return float(track.get("duration") or 0) / 1000


def _int_or_none(value: object) -> int | None:
    return value if isinstance(value, int) else None


@attrs.frozen(kw_only=True)
class SourceValidation:
    """How a source would be uploaded, or why it would be rejected."""

    media: Media
    """Properties of the source."""
    strategy: UploadStrategy | None
    """How it would be uploaded; None if it is too large or cannot be read."""
    rejection_reason: str = ""
    """Why it would be rejected, with the actual and the allowed value; empty if it may be accepted."""
    warning: str = ""
    """What is odd about a source that is sent nevertheless; empty if nothing is."""


async def validate_source(
    source: str, rules: Sequence[ModelRules] = (), *, size: int | None = None
) -> SourceValidation:
    """Validate a path or URL. Files are read in a thread; URLs are not requested.

    Args:
        source: Path of a file, http(s) URL, or URL of an object in a bucket.
        rules: Limits of the models of the index, from `rules_for_models`.
        size: Size of an object in a bucket, in bytes.
    """
    may_be_remote = "://" in source
    if may_be_remote and is_url(source):
        media = media_from_name(filename_from_url(source))
        reason = url_problem(source) or web_page_rejection(source) or rejection_reason(media, "url", rules)
        return SourceValidation(media=media, strategy="url", rejection_reason=reason)
    if may_be_remote and is_bucket_url(source):
        media = media_from_name(source.rpartition("/")[2], size)
    else:
        try:
            media = await SCAN_THREADS.run(probe_file, source)
        except OSError as error:
            reason = f"cannot be read: {error.strerror}"
            return SourceValidation(media=Media(name=source), strategy=None, rejection_reason=reason)
    strategy = upload_strategy(media)
    return SourceValidation(
        media=media,
        strategy=strategy,
        rejection_reason=rejection_reason(media, strategy, rules),
        warning=TRUNCATED_WARNING if media.truncated else "",
    )


def not_inspected_warning() -> str:
    """Return the warning that the extra `media` is missing, with the command that installs it."""
    return f"files are sent without a check of their duration and resolution, which needs: {install_command('media')}"


class SourceValidator:
    """Validator that rejects what an index with these models would reject.

    Args:
        models: Names of the models of the index.
        on_warning: Receives a warning for a source that is sent nevertheless, and once if files cannot be inspected.
    """

    def __init__(self, models: Iterable[str], on_warning: OnWarning) -> None:
        self._rules = rules_for_models(models)
        self._on_warning = on_warning
        self._warned = False

    async def __call__(self, item: Item) -> str:
        """Return why an item must not be sent, or an empty string."""
        checked = await validate_source(item.source, self._rules, size=item.size)
        if checked.rejection_reason:
            return checked.rejection_reason
        if checked.warning:
            self._on_warning(item.source, checked.warning)
        if not (checked.media.inspected or self._warned or item.is_url or item.is_object):
            self._warned = True
            if not await SCAN_THREADS.run(is_media_library_installed):
                self._on_warning("", not_inspected_warning())
        return ""


@attrs.frozen(kw_only=True)
class ModelRules:
    """Limits of a model. Width and height may be swapped."""

    model: str
    """Name of the model."""
    min_seconds: float = 0.0
    max_seconds: float
    max_bytes: int
    min_side: int = 360
    """Pixels of the shorter side."""
    max_long_side: int = 5184
    max_short_side: int = 2160
    max_aspect_ratio: float = 2.4
    """Longer side divided by the shorter side."""


RULES_BY_FAMILY: Final[Mapping[str, ModelRules]] = {
    "marengo": ModelRules(model="marengo", min_seconds=4, max_seconds=4 * _HOUR, max_bytes=4 * GIB),
    "pegasus": ModelRules(model="pegasus", min_seconds=4, max_seconds=2 * _HOUR, max_bytes=10 * GIB),
}
"""Limits by model family; an unknown version has the limits of its family."""


def rules_for_models(models: Iterable[str]) -> tuple[ModelRules, ...]:
    """Return the limits of the models of an index, without models of unknown families."""
    active = [name for name in models if name not in INACTIVE_MODELS]
    return tuple(
        attrs.evolve(rules, model=name)
        for name in active
        for family, rules in RULES_BY_FAMILY.items()
        if name.startswith(family)
    )


def upload_strategy(media: Media) -> UploadStrategy | None:
    """Return how a file would be uploaded; None if its size is rejected."""
    try:
        return choose_strategy(media.size or 0, media.kind or "video", filename=media.name)
    except InvalidInputError:
        return None


def web_page_rejection(url: str) -> str:
    """Return why a URL does not return a video file; empty if it may."""
    parts: SplitResult = urlsplit(url)
    location = f"{parts.hostname or ''}{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    for name, (pattern, advice) in WEB_PAGES.items():
        if re.fullmatch(pattern, location):
            return f"this is a web page of {name}, not a video file; {advice or 'pass the direct URL of a file'}"
    return ""


def rejection_reason(media: Media, strategy: UploadStrategy | None, rules: Sequence[ModelRules]) -> str:
    """Return why the platform would reject a file; empty if no known property exceeds a limit."""
    return (
        _content_rejection(media)
        or _strategy_rejection(media, strategy)
        or next(filter(None, (_model_rejection(media, model_rules) for model_rules in rules)), "")
    )


def _content_rejection(media: Media) -> str:
    if media.size == 0:
        return "the file is empty"
    if media.no_streams:
        suffix = " (it is truncated)" if media.truncated else ""
        return f"the file has neither video nor audio{suffix}; an index takes video and audio"
    if media.unrecognized:
        return "the file has no known format: no container, no track and no known signature"
    if media.kind in {"image", "document"}:
        return f"the media type is {media.kind}; an index takes video and audio"
    return ""


def _strategy_rejection(media: Media, strategy: UploadStrategy | None) -> str:
    if strategy is None:
        try:
            choose_strategy(media.size or 0, media.kind or "video", filename=media.name)
        except InvalidInputError as error:
            return str(error)
    if strategy == "url" and media.size is not None and media.size > MAX_URL_FILE_SIZE:
        limit = _format_bytes(MAX_URL_FILE_SIZE)
        return f"it has {_format_bytes(media.size)}; the platform downloads at most {limit} from a URL"
    return ""


def _model_rejection(media: Media, rules: ModelRules) -> str:
    if media.size is not None and media.size > rules.max_bytes:
        return f"it has {_format_bytes(media.size)}; {rules.model} takes at most {_format_bytes(rules.max_bytes)}"
    if media.seconds is not None and not rules.min_seconds <= media.seconds <= rules.max_seconds:
        allowed = f"{format_media_duration(rules.min_seconds)} to {format_media_duration(rules.max_seconds)}"
        return f"it is {format_media_duration(media.seconds)} long; {rules.model} takes {allowed}"
    if not media.width or not media.height:
        return ""
    short, long = sorted((media.width, media.height))
    resolution = f"its resolution is {media.width}x{media.height}"
    if short < rules.min_side:
        return f"{resolution}; {rules.model} takes at least {rules.min_side}x{rules.min_side}"
    if long > rules.max_long_side or short > rules.max_short_side:
        return f"{resolution}; {rules.model} takes up to {rules.max_long_side}x{rules.max_short_side}"
    if long / short > rules.max_aspect_ratio:
        return (
            f"{resolution}, an aspect ratio of {long / short:.2f}:1; {rules.model} takes 1:1 to "
            f"{rules.max_aspect_ratio}:1 in either orientation"
        )
    return ""


def format_media_duration(seconds: float) -> str:
    """Format a duration, truncated: `3.2 s`, `12 min`, `4 h`, `4 h 12 min`."""
    if seconds < 60:
        return f"{int(seconds * 100) / 100:g} s"
    minutes, hours = int(seconds // 60) % 60, int(seconds // _HOUR)
    remainder = int(seconds % 60) if not hours else 0
    parts = (f"{hours} h" if hours else "", f"{minutes} min" if minutes else "", f"{remainder} s" if remainder else "")
    return " ".join(filter(None, parts))


def _format_bytes(count: int) -> str:
    return f"{count / 10**9:.2f} GB ({count:,} bytes)"
