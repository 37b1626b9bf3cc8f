"""Transcripts as people have them: SubRip, WebVTT, or plain text without any times."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

from twelvelabs_async.emulator.passages import Passage, segments

_MOMENT = r"(?:(\d+):)?(\d{1,2}):(\d{2})[.,](\d{1,3})"
_TIMES = re.compile(rf"^\s*{_MOMENT}\s*-->\s*{_MOMENT}.*$", re.MULTILINE)
_MARKUP = re.compile(r"<[^>]*>|\{\\[^}]*\}")
_NEXT_CUE = re.compile(r"\n\s*\n")


@lru_cache(maxsize=256)
def read(text: str, duration: float = 0.0) -> tuple[Passage, ...]:
    """Return what is said and when.

    Args:
        text: A transcript. With times in it, it is read as SubRip or WebVTT; without, its words are spread evenly.
        duration: Seconds to spread them over.
    """
    text = text.replace("\r\n", "\n").removeprefix("\ufeff")
    times = list(_TIMES.finditer(text))
    if not times:
        return _spread(text.split(), duration)
    ends = [after.start() for after in times[1:]] + [len(text)]
    found = [_cue(match, text[match.end() : end]) for match, end in zip(times, ends, strict=True)]
    return tuple(cue for cue in found if cue.text and cue.end > cue.start)


def _cue(match: re.Match[str], below: str) -> Passage:
    # What stands after an empty line is the number or the name of the next cue.
    said = _MARKUP.sub("", _NEXT_CUE.split(below.strip(" \t").removeprefix("\n"))[0])
    return Passage(_seconds(match.groups()[:4]), _seconds(match.groups()[4:]), " ".join(said.split()))


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = (part or "0" for part in parts)
    return round(int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction}"), 3)


def _spread(words: list[str], duration: float) -> tuple[Passage, ...]:
    stretches = segments(duration)
    cuts = pairwise(round(len(words) * i / len(stretches)) for i in range(len(stretches) + 1))
    spread = zip(stretches, cuts, strict=True)
    return tuple(Passage(start, end, " ".join(words[a:b])) for (start, end), (a, b) in spread if b > a)
