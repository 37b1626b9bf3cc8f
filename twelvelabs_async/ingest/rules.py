"""What the platform takes, as one table, and what speaks against a file. Pure.

Limits of the ways as of https://docs.twelvelabs.io/v1.3/api-reference/upload-content, of the models as of
https://docs.twelvelabs.io/v1.3/docs/concepts/models. Where a figure can be read in two ways (10**9 or 2**30 bytes; two
pages that differ) a file is refused by the larger reading only: what is doubtful is for the platform to judge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

import attrs

from twelvelabs_async.errors import InvalidInputError
from twelvelabs_async.ingest.media import Media
from twelvelabs_async.uploads.plan import Way, choose

GIB: Final = 2**30
HOUR: Final = 3600.0


@attrs.frozen(kw_only=True)
class Rules:
    """What one model takes. Width and height count alike upright and lying."""

    model: str
    """Its name, for sentences."""
    least_seconds: float = 0.0
    most_seconds: float
    most_bytes: int
    least_side: int = 360
    """Pixels of either side."""
    most_long_side: int = 5184
    most_short_side: int = 2160
    most_stretched: float = 2.4
    """The longer side by the shorter one."""


MODELS: Final[Mapping[str, Rules]] = {
    "marengo": Rules(model="marengo", least_seconds=4, most_seconds=4 * HOUR, most_bytes=4 * GIB),
    "pegasus": Rules(model="pegasus", least_seconds=4, most_seconds=2 * HOUR, most_bytes=10 * GIB),
}
"""By family: a version that this table does not know is judged as its siblings are."""

NOT_APPLIED: Final = frozenset({"pegasus1.2"})
"""Models that old indexes name and that do nothing with new videos."""

URL_UP_TO: Final = 4 * GIB
"""Bytes of a file the platform fetches itself."""

PAGES: Final = frozenset({"youtube.com", "www.youtube.com", "m.youtube.com", "youtu.be"})
"""Hosts whose addresses lead to pages about videos, never to a file."""


def rules_of(models: Iterable[str]) -> tuple[Rules, ...]:
    """The rules of the models of an index; those of a family nobody knows are left out."""
    applied = [name for name in models if name not in NOT_APPLIED]
    return tuple(
        attrs.evolve(rules, model=name)
        for name in applied
        for family, rules in MODELS.items()
        if name.startswith(family)
    )


def refusal(media: Media, way: Way | None, rules: Sequence[Rules]) -> str:
    """Why a file would not get into the index, in a sentence; empty if nothing known speaks against it."""
    return _unfit(media) or _of_way(media, way) or next(filter(None, (_of_model(media, each) for each in rules)), "")


def way_of(media: Media, *, address: bool) -> Way | None:
    """How it would be sent; None for a file that is refused because of its size."""
    if address:
        return "url"
    try:
        return choose(media.size or 0, media.kind or "video", filename=media.name)
    except InvalidInputError:
        return None


def page(url: str) -> str:
    """Why an address leads to no file; empty if it may."""
    host = urlsplit(url).hostname or ""
    return f"{host} gives pages, not files; the platform takes the direct address of a file" if host in PAGES else ""


def _unfit(media: Media) -> str:
    if media.size == 0:
        return "the file is empty"
    if media.empty_inside:
        ending = " (it is cut off)" if media.cut else ""
        return f"there is no picture and no sound in it{ending}; an index takes video and audio"
    if media.cut:
        return "the file is cut off: it ends before its own header says so"
    if media.kind in {"image", "document"}:
        return f"it is of the kind {media.kind}; an index takes video and audio"
    return ""


def _of_way(media: Media, way: Way | None) -> str:
    if way is None:
        try:
            choose(media.size or 0, media.kind or "video", filename=media.name)
        except InvalidInputError as error:
            return str(error)
    if way == "url" and media.size is not None and media.size > URL_UP_TO:
        return f"it has {_bytes(media.size)}; the platform fetches at most {_bytes(URL_UP_TO)} from an address"
    return ""


def _of_model(media: Media, rules: Rules) -> str:
    return _size(media, rules) or _duration(media, rules) or _picture(media, rules)


def _size(media: Media, rules: Rules) -> str:
    if media.size is None or media.size <= rules.most_bytes:
        return ""
    return f"it has {_bytes(media.size)}; {rules.model} takes at most {_bytes(rules.most_bytes)}"


def _duration(media: Media, rules: Rules) -> str:
    if media.seconds is None or rules.least_seconds <= media.seconds <= rules.most_seconds:
        return ""
    allowed = f"{duration(rules.least_seconds)} to {duration(rules.most_seconds)}"
    return f"it is {duration(media.seconds)} long; {rules.model} takes {allowed}"


def _picture(media: Media, rules: Rules) -> str:
    if not media.width or not media.height:
        return ""
    short, long = sorted((media.width, media.height))
    it_is = f"its picture is {media.width}x{media.height}"
    if short < rules.least_side:
        return f"{it_is}; {rules.model} takes {rules.least_side}x{rules.least_side} and more"
    if long > rules.most_long_side or short > rules.most_short_side:
        return f"{it_is}; {rules.model} takes up to {rules.most_long_side}x{rules.most_short_side}"
    if long / short > rules.most_stretched:
        return f"{it_is}, {long / short:.2f}:1; {rules.model} takes 1:1 to {rules.most_stretched}:1, either way up"
    return ""


def duration(seconds: float) -> str:
    """A duration for people: `3.2 s`, `12 min`, `4 h`, `4 h 12 min`."""
    if seconds < 60:
        return f"{int(seconds * 100) / 100:g} s"
    minutes, hours = int(seconds // 60) % 60, int(seconds // HOUR)
    rest = int(seconds % 60) if not hours else 0
    parts = (f"{hours} h" if hours else "", f"{minutes} min" if minutes else "", f"{rest} s" if rest else "")
    return " ".join(filter(None, parts))


def _bytes(count: int) -> str:
    return f"{count / 10**9:.2f} GB ({count:,} bytes)"
