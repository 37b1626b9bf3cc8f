"""Scenes and transcripts of media files.

A test describes a file by its name with `Emulator.describe`. The user metadata of an asset may hold a transcript too.
Without a transcript, the words of the file name are repeated as speech.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from twelvelabs_async.emulator._json import DAY
from twelvelabs_async.emulator._media.media import Asset, Media, Passage, equal_segments

TimedText = tuple[float, float, str]
"""Start and end in seconds, and the text."""
Transcript = str | Path | Sequence[TimedText]
"""SubRip, WebVTT or plain text; the path of such a file; or sentences with start and end."""

TRANSCRIPT_KEY = "transcript"
"""Key of user metadata that may hold a transcript."""
_TRANSCRIPT_SUFFIXES = (".srt", ".vtt")

_WORD = re.compile(r"[^\W_]+")
_STOP_WORDS = frozenset(_WORD.findall("a an and are as at by for from in is it its of on or that the this to was with"))
_TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})"
# None of these patterns can match across lines or try the same characters twice, so that the time grows with the text.
_TIME_LINE = re.compile(rf"^[ \t]*{_TIME}[ \t]*-->[ \t]*{_TIME}.*$", re.MULTILINE)
_MARKUP = re.compile(r"<[^<>]*>|\{\\[^{}]*\}")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
MAX_PASSAGE_END = 7 * DAY
"""Largest end of a passage, in seconds."""


@dataclass(frozen=True, slots=True)
class Description:
    """Scenes and transcript of a file, as a test describes them."""

    scenes: tuple[Passage, ...] = ()
    transcript: str = ""
    timed_transcript: tuple[Passage, ...] = ()
    """A transcript with given times; it takes precedence over `transcript`."""

    def apply_to(self, media: Media) -> Media:
        """Return the media with this description; extend a guessed duration to the last described time."""
        ends = [passage.end for passage in (*self.scenes, *self.timed_transcript)]
        if media.is_guessed and media.duration is not None:
            media = replace(media, duration=max(media.duration, *ends, 0.0))
        transcript = self.timed_transcript or parse_subtitles(self.transcript, media.duration or 0.0)
        return replace(media, scenes=self.scenes, transcript=transcript)


@dataclass(slots=True)
class Descriptions:
    """All descriptions by file name."""

    by_filename: dict[str, Description] = field(default_factory=dict[str, Description])

    def apply_to(self, filename: str, media: Media) -> Media:
        """Return the media with the description for its file name, if there is one."""
        found = self.by_filename.get(filename)
        return found.apply_to(media) if found else media


def describe(scenes: Iterable[TimedText], transcript: Transcript | None, media_path: Path | None = None) -> Description:
    """Create a description.

    Args:
        scenes: Start, end and content of each scene.
        transcript: The speech. By default it is read from the `.srt` or `.vtt` file with the same stem as `media_path`.
        media_path: Path of the media file, if it is on this machine.

    Raises:
        ValueError: A passage has no text, ends before it starts, or ends after `MAX_PASSAGE_END`.
        OSError: The transcript cannot be read.
    """
    scene_passages = _parse_passages(scenes)
    if transcript is None and media_path is not None:
        transcript = next(filter(Path.is_file, map(media_path.with_suffix, _TRANSCRIPT_SUFFIXES)), None)
    if isinstance(transcript, Path):
        transcript = transcript.read_text(encoding="utf-8-sig", errors="replace")
    if transcript is None or isinstance(transcript, str):
        return Description(scenes=scene_passages, transcript=transcript or "")
    return Description(scenes=scene_passages, timed_transcript=_parse_passages(transcript))


def _parse_passages(timed_texts: Iterable[TimedText]) -> tuple[Passage, ...]:
    passages: list[Passage] = []
    for start, end, text in timed_texts:
        if not 0 <= start < end <= MAX_PASSAGE_END or not text.strip():
            raise ValueError(
                f"a passage needs 0 <= start < end <= {MAX_PASSAGE_END:g} and a non-empty text, "
                f"got ({start}, {end}, {text!r})"
            )
        passages.append(Passage(float(start), float(end), text.strip()))
    return tuple(sorted(passages, key=lambda passage: (passage.start, passage.end)))


@lru_cache(maxsize=256)
def parse_subtitles(text: str, duration: float = 0.0) -> tuple[Passage, ...]:
    """Parse a transcript into passages.

    Args:
        text: The transcript. If it contains cue times, it is parsed as SubRip or WebVTT; otherwise its words are
            spread evenly over `duration`.
        duration: Duration of the media in seconds.
    """
    text = text.replace("\r\n", "\n").removeprefix("\ufeff")
    times = list(_TIME_LINE.finditer(text))
    if not times:
        return _spread_words(text.split(), duration)
    ends = [following.start() for following in times[1:]] + [len(text)]
    found = [_parse_cue(match, text[match.end() : end]) for match, end in zip(times, ends, strict=True)]
    return tuple(cue for cue in found if cue.text and cue.end > cue.start)


def _parse_cue(match: re.Match[str], block: str) -> Passage:
    # The text after a blank line is the number or the name of the next cue.
    text = _MARKUP.sub("", _BLANK_LINE.split(block.strip(" \t").removeprefix("\n"))[0])
    return Passage(_seconds(match.groups()[:4]), _seconds(match.groups()[4:]), " ".join(text.split()))


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = (part or "0" for part in parts)
    return round(int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction}"), 3)


def _spread_words(words: list[str], duration: float) -> tuple[Passage, ...]:
    segments = equal_segments(duration)
    cuts = pairwise(round(len(words) * i / len(segments)) for i in range(len(segments) + 1))
    spread = zip(segments, cuts, strict=True)
    return tuple(Passage(start, end, " ".join(words[a:b])) for (start, end), (a, b) in spread if b > a)


def transcript_lines(asset: Asset, extra_metadata: Mapping[str, Any] | None = None) -> tuple[Passage, ...]:
    """Return the transcript of an asset: the described one, or the one in user metadata; empty without either.

    Args:
        asset: The file.
        extra_metadata: Metadata of the video or item; its transcript takes precedence over the asset's metadata.
    """
    stored = (asset.user_metadata | dict(extra_metadata or {})).get(TRANSCRIPT_KEY)
    if asset.media.transcript or not isinstance(stored, str):
        return asset.media.transcript
    return parse_subtitles(stored, asset.media.duration or 0.0)


def sentences(asset: Asset) -> list[dict[str, Any]]:
    """Return the speech of an asset by sentence; empty without an audio track."""
    if not asset.media.has_audio:
        return []
    lines = transcript_lines(asset)
    if not lines:
        text = " ".join(_split_words(asset.filename)) or "silence"
        lines = tuple(Passage(start, end, text) for start, end in equal_segments(asset.media.duration or 0.0))
    return [{"start": line.start, "end": line.end, "value": line.text} for line in lines]


def spoken_between(asset: Asset, start: float, end: float) -> str:
    """Return the speech between two times in seconds."""
    return " ".join(line["value"] for line in sentences(asset) if line["start"] < end and start < line["end"])


def spoken_words(asset: Asset) -> Iterator[dict[str, Any]]:
    """Yield the speech of an asset by word."""
    for sentence in sentences(asset):
        words = sentence["value"].split()
        step = (sentence["end"] - sentence["start"]) / len(words)
        for position, word in enumerate(words):
            start = sentence["start"] + position * step
            yield {"start": round(start, 3), "end": round(start + step, 3), "value": word}


def search_terms(text: str) -> frozenset[str]:
    """Return the words of a text that search compares: lower case, singular, without stop words.

    If the text consists of stop words only, they are returned.
    """
    found = _split_words(text)
    return frozenset(_singular(word) for word in found if word not in _STOP_WORDS) or frozenset(found)


def _split_words(text: str) -> list[str]:
    """Split a text into words in lower case; an underscore separates words too."""
    return _WORD.findall(text.lower())


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
