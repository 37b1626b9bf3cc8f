"""Checks sources before they are uploaded: a file that the index would reject costs no upload.

From top to bottom: `validate_source` and the validators that use it, the limits of the platform, and what is read from
a file. pymediainfo, from the extra `media`, reads containers; without it only name and size are checked. An unknown
property never rejects a file.

Limits of uploads as of https://docs.twelvelabs.io/v1.3/api-reference/upload-content, of models as of
https://docs.twelvelabs.io/v1.3/docs/concepts/models. Where the documentation is ambiguous (10**9 or 2**30 bytes, two
pages that differ), the larger value counts, so that the platform decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Protocol
from urllib.parse import SplitResult, urlsplit

import attrs

from twelvelabs_async._concurrency import SCANS
from twelvelabs_async._text import install_command
from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.ingest._buckets import is_bucket_url
from twelvelabs_async.ingest._media import (
    Media,
    is_media_library_installed,
    media_from_url,
    media_of_object,
    probe_file,
)
from twelvelabs_async.ingest._urls import is_url, url_problem
from twelvelabs_async.uploads._strategy import UploadStrategy, choose_strategy

GIB: Final = 2**30
_HOUR: Final = 3600.0


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


class _HasSource(Protocol):
    """An object with a path or URL, and its size."""

    @property
    def source(self) -> str: ...

    @property
    def size(self) -> int: ...


async def validate_source(
    source: str, rules: Sequence[ModelRules] = (), *, size: int | None = None
) -> SourceValidation:
    """Validate a path or URL. Files are read in a thread; URLs are not requested.

    Args:
        source: Path of a file, http(s) URL, or URL of an object in a bucket.
        rules: Limits of the models of the index, from `rules_for_models`.
        size: Size of an object in a bucket, in bytes.
    """
    if is_bucket_url(source):
        media = media_of_object(source.rpartition("/")[2], size)
        strategy = upload_strategy(media, is_url=False)
        return SourceValidation(
            media=media, strategy=strategy, rejection_reason=rejection_reason(media, strategy, rules)
        )
    if is_url(source):
        media = media_from_url(source)
        reason = url_problem(source) or web_page_rejection(source) or rejection_reason(media, "url", rules)
        return SourceValidation(media=media, strategy="url", rejection_reason=reason)
    try:
        media = await SCANS.run(probe_file, source)
    except OSError as error:
        return SourceValidation(
            media=Media(name=source), strategy=None, rejection_reason=f"cannot be read: {error.strerror}"
        )
    strategy = upload_strategy(media, is_url=False)
    return SourceValidation(
        media=media,
        strategy=strategy,
        rejection_reason=rejection_reason(media, strategy, rules),
        warning=TRUNCATED_WARNING if media.truncated else "",
    )


TRUNCATED_WARNING: Final = "it seems to be truncated: it is shorter than its header says"


def not_inspected_warning() -> str:
    """Return the warning that the extra `media` is missing, with the command that installs it."""
    return f"files are sent without a check of their duration and resolution, which needs: {install_command('media')}"


OnWarning = Callable[[str, str], None]
"""Receives the source that a warning is about, or an empty string, and the warning."""


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

    async def __call__(self, item: _HasSource) -> str:
        """Return why an item must not be sent, or an empty string."""
        checked = await validate_source(item.source, self._rules, size=item.size)
        if checked.rejection_reason:
            return checked.rejection_reason
        if checked.warning:
            self._on_warning(item.source, checked.warning)
        is_file = checked.strategy != "url" and not is_bucket_url(item.source)
        if is_file and not checked.media.inspected and not self._warned:
            self._warned = True
            if not await SCANS.run(is_media_library_installed):
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

INACTIVE_MODELS: Final = frozenset({"pegasus1.2"})
"""Models of old indexes that do not process new videos."""

MAX_URL_FILE_SIZE: Final = 4 * GIB
"""Largest file that the platform downloads from a URL, in bytes."""

_YOUTUBE: Final = r"(.+\.)?(youtube(-nocookie)?\.com|youtu\.be)"

WEB_PAGES: Final[Mapping[str, tuple[str, str]]] = {
    "YouTube": (_YOUTUBE + "/.*", ""),
    "Vimeo": (r"(www\.)?vimeo\.com/.*|player\.vimeo\.com/video/.*", ""),
    "Dropbox": (
        r"(www\.)?dropbox\.com/(?!.*[?&](dl|raw)=1(&|$)).*",
        "end the link with dl=1 instead of dl=0",
    ),
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


def rules_for_models(models: Iterable[str]) -> tuple[ModelRules, ...]:
    """Return the limits of the models of an index, without models of unknown families."""
    active = [name for name in models if name not in INACTIVE_MODELS]
    return tuple(
        attrs.evolve(rules, model=name)
        for name in active
        for family, rules in RULES_BY_FAMILY.items()
        if name.startswith(family)
    )


def upload_strategy(media: Media, *, is_url: bool) -> UploadStrategy | None:
    """Return how a file would be uploaded; None if its size is rejected."""
    if is_url:
        return "url"
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
