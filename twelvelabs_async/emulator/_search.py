"""Search in indexes and knowledge stores.

Search compares words; it does not analyze content. The words of the query are looked up in file names, metadata,
scenes and transcripts. In a described file a hit is the scene or the sentence itself. In other files the query and the
content determine the times. So a test can predict the results, and every run returns the same ones.

A query whose words match nothing has no hits in the mode `words`. In the mode `nearest` it has arbitrary, stable hits
in every video, because a search by vectors always has nearest ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, cast

from twelvelabs_async.emulator._errors import ApiError
from twelvelabs_async.emulator._json import parse_json
from twelvelabs_async.emulator._media import descriptions
from twelvelabs_async.emulator._media.descriptions import search_terms
from twelvelabs_async.emulator._media.media import Asset, Passage, equal_segments
from twelvelabs_async.emulator._state.deterministic import stable_int
from twelvelabs_async.emulator._state.entities import Hit, Item, Video

SearchMode = Literal["words", "nearest"]
"""Results of a query whose words match nothing: no hits, or the nearest ones."""

MAX_CLIPS = 4
"""Maximum number of clips per video or item whose scenes and transcript do not match."""
VISUAL = "visual"
"""The search option that matches scenes; all others match speech."""
NUMERIC_FIELDS = {"duration", "width", "height", "size"}
_BOUNDS = {"gte", "lte"}
_OBJECT_ID = re.compile(r"[0-9a-f]{24}", re.IGNORECASE)

T = TypeVar("T")
Clip = tuple[float, float]
"""Start and end in seconds."""


def parse_filter(document: str | None) -> dict[str, Any]:
    """Parse the filter of a search, a JSON object in a form field; a video must meet all its conditions.

    Raises:
        ApiError: The filter is not a JSON object, or a condition is not supported.
    """
    if document is None:
        return {}
    try:
        conditions = parse_json(document)
    except ValueError as error:
        raise _filter_error("it is not valid JSON") from error
    if conditions is None:
        return {}
    if not isinstance(conditions, dict):
        raise _filter_error("it must be an object")
    for name, condition in cast("dict[str, Any]", conditions).items():
        _check_condition(name, condition)
    return cast("dict[str, Any]", conditions)


def _filter_error(reason: str) -> ApiError:
    return ApiError(400, "search_filter_invalid", f"The filter is invalid: {reason}.")


def check_ids(conditions: dict[str, Any], videos: Collection[str]) -> None:
    """Check that a filter names only videos of the index.

    Raises:
        ApiError: It names another video, perhaps a deleted one.
    """
    if unknown := [video for video in conditions.get("id", ()) if video.lower() not in videos]:
        message = f"These videos of the filter are not in the index of the search: {', '.join(unknown)}."
        raise ApiError(400, "search_video_not_in_same_index", message)


def _check_condition(name: str, condition: object) -> None:
    if name == "id":
        _check_id_list(condition)
        return
    if name == "filename" and not isinstance(condition, str):
        raise _filter_error("filename must be compared with a string")
    match condition:
        case dict():
            bounds = cast("dict[str, object]", condition)
            if not bounds or bounds.keys() - _BOUNDS or not all(_is_number(bound) for bound in bounds.values()):
                raise _filter_error(f"the range of {name} must have gte, lte or both, and they must be numbers")
        case list():
            raise _filter_error(f"{name} cannot be compared with a list; only id can")
        case str() | bool() | int() | float():
            if name in NUMERIC_FIELDS and not _is_number(condition):
                raise _filter_error(f"{name} must be compared with a number")
        case _:
            raise _filter_error(f"{name} cannot be compared with null")


def _check_id_list(condition: object) -> None:
    ids = cast("list[object]", condition) if isinstance(condition, list) else []
    if not ids or not all(isinstance(entry, str) and _OBJECT_ID.fullmatch(entry) for entry in ids):
        raise _filter_error("id must be compared with a list of at least one id of 24 hexadecimal digits")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def matches_filter(conditions: dict[str, Any], video: Video) -> bool:
    """Whether a video meets all conditions; names that are not system metadata refer to user metadata."""
    media = video.asset.media
    system: dict[str, Any] = {
        "id": video.id,
        "filename": video.asset.filename,
        "duration": media.duration,
        "width": media.width,
        "height": media.height,
        "size": media.size,
    }
    values = {**video.asset.user_metadata, **video.user_metadata, **system}
    return all(_meets_condition(values.get(name), condition) for name, condition in conditions.items())


def _meets_condition(value: Any, condition: Any) -> bool:
    if isinstance(condition, dict):
        bounds = cast("dict[str, float]", condition)
        low, high = bounds.get("gte"), bounds.get("lte")
        return _is_number(value) and (low is None or value >= low) and (high is None or value <= high)
    if isinstance(condition, list):
        return value in [entry.lower() for entry in cast("list[str]", condition)]
    if isinstance(value, list):
        return condition in value
    return isinstance(value, bool) == isinstance(condition, bool) and value == condition


@dataclass(frozen=True, slots=True)
class DescribedSegment:
    """A scene, or a sentence outside all scenes, and the words that describe it."""

    start: float
    end: float
    visual_terms: frozenset[str]
    audio_terms: frozenset[str]

    def matching_terms(self, query_terms: frozenset[str], option: str) -> frozenset[str]:
        """Return the words of the query that match with one search option."""
        return query_terms & (self.visual_terms if option == VISUAL else self.audio_terms)

    def evidence(self, query_terms: frozenset[str], options: Collection[str]) -> list[frozenset[str]]:
        """Return the words of the query that are seen and those that are spoken, if the options include them."""
        seen = [self.visual_terms] if VISUAL in options else []
        spoken = [self.audio_terms] if {*options} - {VISUAL} else []
        return [query_terms & terms for terms in (*seen, *spoken)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A search query in an index."""

    text: str
    images: tuple[str, ...]
    """Hashes or URLs; a query with images and without text matches every video."""
    options: frozenset[str]
    match_all_options: bool
    mode: SearchMode
    seed: int

    @property
    def key(self) -> str:
        """The query as a string, from which its arbitrary results are derived."""
        return f"{self.seed}:{self.text.lower()}:{','.join(self.images)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A match in a knowledge store: an image as a whole, or a clip of a video."""

    item: Item
    clip: Clip | None = None
    modalities: tuple[str, ...] = ()


_Rank = tuple[int, int, int]
"""Sort key: minus the number of common words, minus the number of places that have them, an arbitrary number."""


def find_hits(query: Query, videos: Iterable[Video]) -> list[Hit]:
    """Return the matching clips, best first, with rank 1 for the best.

    Clips with more common words rank higher, then clips that have them in more places: in the name, in the metadata, in
    the scene and in the speech. The query determines a stable, arbitrary order of equal clips.
    """
    query_terms = search_terms(query.text)
    searched = [(video, options) for video in videos if (options := _usable_options(query, video))]
    found = [
        (*ranked, video) for video, options in searched for ranked in _rank_video(query, query_terms, video, options)
    ]
    if not found and query.mode == "nearest":
        found = [
            (*ranked, video) for video, options in searched for ranked in _arbitrary_clips(query, video, options, ())
        ]
    found.sort(key=lambda entry: entry[0])
    return [Hit(video, start, end, rank) for rank, (_, (start, end), video) in enumerate(found, 1)]


def _usable_options(query: Query, video: Video) -> list[str]:
    """Return the options with which a query can match a video; none if it must match with one that it cannot."""
    options = query.options & {VISUAL} if query.images and not query.text else query.options
    usable = _supported_modalities(video.asset, options)
    return [] if query.match_all_options and len(usable) < len(options) else usable


def _supported_modalities(asset: Asset, modalities: Iterable[str]) -> list[str]:
    """Return the modalities that a file has: only a video has something to see, and only a sound track can be heard.

    An image has none, because it matches as a whole.
    """
    return [one for one in modalities if (asset.media.kind == "video" if one == VISUAL else asset.media.has_audio)]


def _rank_video(
    query: Query, query_terms: frozenset[str], video: Video, options: Collection[str]
) -> list[tuple[_Rank, Clip]]:
    """Return the clips that have words of the query, or that an image finds, with their rank."""
    named = _named_terms(query_terms, video)
    ranked = _rank_segments(query.key, query_terms, video, named, options, match_all=query.match_all_options)
    if ranked:
        return [(rank, (segment.start, segment.end)) for rank, segment in ranked]
    return [] if query.text and not any(named) else _arbitrary_clips(query, video, options, named)


def _arbitrary_clips(
    query: Query, video: Video, options: Iterable[str], evidence: Sequence[frozenset[str]]
) -> list[tuple[_Rank, Clip]]:
    """Return arbitrary clips of a video in an arbitrary order; the first one matches with all options."""
    return [
        (_rank(evidence, order), clip)
        for at, (order, clip) in enumerate(_pick_clips(query.key, video))
        if at == 0 or _matches_options(query, options, order)
    ]


def _rank(evidence: Iterable[frozenset[str]], order: int) -> _Rank:
    places = [terms for terms in evidence if terms]
    return -len(frozenset[str]().union(*places)), -sum(map(len, places)), order


def _matches_options(query: Query, options: Iterable[str], tie_breaker: int) -> bool:
    matching = [stable_int(option, tie_breaker) % 3 > 0 for option in options]
    return all(matching) if query.match_all_options else any(matching)


def group_by(results: Iterable[T], owner_id: Callable[[T], str]) -> list[list[T]]:
    """Group results by the id of their video or item; the group with the best result comes first."""
    groups: dict[str, list[T]] = {}
    for result in results:
        groups.setdefault(owner_id(result), []).append(result)
    return list(groups.values())


def find_matches(
    seed: int, text: str, modalities: Sequence[str], items: Iterable[Item], mode: SearchMode
) -> list[Match]:
    """Return the matches in a knowledge store, best first; they are ranked as hits in an index are."""
    key, query_terms = f"{seed}:{text.lower()}", search_terms(text)
    usable = [(item, _supported_modalities(item.asset, modalities)) for item in items]
    searched = [(item, supported) for item, supported in usable if supported or item.asset.media.kind == "image"]
    found = [ranked for item, supported in searched for ranked in _rank_item(key, query_terms, supported, item)]
    if not found and mode == "nearest":
        found = [ranked for item, supported in searched for ranked in _arbitrary_matches(key, supported, item, ())]
    return [match for _, match in sorted(found, key=lambda entry: entry[0])]


def _rank_item(
    key: str, query_terms: frozenset[str], modalities: Sequence[str], item: Item
) -> list[tuple[_Rank, Match]]:
    """Return the matches that have words of the query, with their rank."""
    named = _named_terms(query_terms, item)
    found: list[tuple[_Rank, Match]] = []
    for rank, segment in _rank_segments(key, query_terms, item, named, modalities, match_all=False):
        matching = tuple(one for one in modalities if segment.matching_terms(query_terms, one))
        found.append((rank, Match(item=item, clip=(segment.start, segment.end), modalities=matching)))
    return found or (_arbitrary_matches(key, modalities, item, named) if any(named) else [])


def _arbitrary_matches(
    key: str, modalities: Sequence[str], item: Item, evidence: Sequence[frozenset[str]]
) -> list[tuple[_Rank, Match]]:
    """Return an image as a whole, or arbitrary clips of another item."""
    if item.asset.media.kind == "image":
        return [(_rank(evidence, stable_int(key, item.asset.media.digest)), Match(item=item))]
    return [
        (_rank(evidence, order), Match(item=item, clip=clip, modalities=_arbitrary_modalities(modalities, order)))
        for order, clip in _pick_clips(key, item)
    ]


def _arbitrary_modalities(modalities: Sequence[str], tie_breaker: int) -> tuple[str, ...]:
    """Return the first modality and an arbitrary selection of the others."""
    first, *rest = modalities
    return (first, *(modality for modality in rest if stable_int(modality, tie_breaker) % 2))


def _metadata_of(searched: Video | Item) -> dict[str, Any]:
    return searched.user_metadata if isinstance(searched, Video) else searched.metadata


def _named_terms(query_terms: frozenset[str], searched: Video | Item) -> tuple[frozenset[str], frozenset[str]]:
    """Return the words of a query in the name of a file and those in its metadata, without its transcript."""
    entries = [*_metadata_of(searched).items(), *searched.asset.user_metadata.items()]
    values = [str(value) for key, value in entries if key != descriptions.TRANSCRIPT_KEY]
    return query_terms & search_terms(searched.asset.filename), query_terms & search_terms(" ".join(values))


def _rank_segments(
    key: str,
    query_terms: frozenset[str],
    searched: Video | Item,
    named: Sequence[frozenset[str]],
    options: Collection[str],
    *,
    match_all: bool,
) -> list[tuple[_Rank, DescribedSegment]]:
    """Return the described segments that match with any option, or with all of them, with their rank."""
    matches = all if match_all else any
    return [
        (
            _rank([*named, *segment.evidence(query_terms, options)], _tie_breaker(key, searched, segment.start)),
            segment,
        )
        for segment in _described_segments(searched)
        if matches([segment.matching_terms(query_terms, option) for option in options])
    ]


def _described_segments(searched: Video | Item) -> list[DescribedSegment]:
    """Return the described segments of a file in order.

    A sentence belongs to the scene that contains its midpoint.
    """
    scenes = searched.asset.media.scenes
    lines = descriptions.transcript_lines(searched.asset, _metadata_of(searched))
    found = [
        _make_segment(scene, search_terms(scene.text), [line for line in lines if _is_inside(line, scene)])
        for scene in scenes
    ]
    outside = [line for line in lines if not any(_is_inside(line, scene) for scene in scenes)]
    found += [_make_segment(line, frozenset(), [line]) for line in outside]
    return sorted(found, key=lambda segment: (segment.start, segment.end))


def _is_inside(line: Passage, scene: Passage) -> bool:
    return scene.start <= (line.start + line.end) / 2 < scene.end


def _make_segment(passage: Passage, visual_terms: frozenset[str], lines: Iterable[Passage]) -> DescribedSegment:
    audio_terms = frozenset(word for line in lines for word in search_terms(line.text))
    return DescribedSegment(passage.start, passage.end, visual_terms, audio_terms)


def _pick_clips(key: str, searched: Video | Item) -> list[tuple[int, Clip]]:
    """Return up to `MAX_CLIPS` clips with the arbitrary number that orders them."""
    media = searched.asset.media
    described = [(segment.start, segment.end) for segment in _described_segments(searched)]
    clips = described or equal_segments(media.duration or 0.0)
    numbered = sorted((_tie_breaker(key, searched, clip[0]), clip) for clip in clips)
    return numbered[: 1 + stable_int("clips", key, media.digest) % MAX_CLIPS]


def _tie_breaker(key: str, searched: Video | Item, start: float) -> int:
    """Return an arbitrary number that depends on the content, and not on ids: these depend on the order of uploads."""
    return stable_int(key, searched.asset.media.digest, searched.asset.filename, start)
