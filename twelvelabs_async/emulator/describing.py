"""What a test says is to be seen and heard in a file, by the file's name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from twelvelabs_async.emulator import captions
from twelvelabs_async.emulator.passages import Passage

if TYPE_CHECKING:
    from twelvelabs_async.emulator.media import Media

Told = tuple[float, float, str]
"""Start and end in seconds, and what there is."""
Transcript = str | Path | Sequence[Told]
"""SubRip, WebVTT or plain text; a file of it; or sentences with their times."""

SIDE_FILES = (".srt", ".vtt")


@dataclass(frozen=True, slots=True)
class Description:
    """What is known of a file beyond what its bytes tell."""

    scenes: tuple[Passage, ...] = ()
    transcript: str = ""
    lines: tuple[Passage, ...] = ()
    """A transcript whose times were given."""

    def put_on(self, media: Media) -> Media:
        """Return a file that shows and says all this; it lasts as long as that takes if its duration was a guess."""
        ends = [passage.end for passage in (*self.scenes, *self.lines)]
        if media.guessed and media.duration is not None:
            media = replace(media, duration=max(media.duration, *ends, 0.0))
        lines = self.lines or captions.read(self.transcript, media.duration or 0.0)
        return replace(media, scenes=self.scenes, lines=lines)


@dataclass(slots=True)
class Descriptions:
    """All descriptions by file name."""

    known: dict[str, Description] = field(default_factory=dict[str, Description])

    def put_on(self, filename: str, media: Media) -> Media:
        """Return a file with what was said about files of its name."""
        found = self.known.get(filename)
        return found.put_on(media) if found else media


def describe(scenes: Iterable[Told], transcript: Transcript | None, beside: Path | None = None) -> Description:
    """Return a description.

    Args:
        scenes: What is to be seen, and when.
        transcript: What is to be heard. By default it is read from a file of the same name `beside` the media.
        beside: Where the media are, if they are on this machine.

    Raises:
        ValueError: A passage has no text, or ends before it starts.
        OSError: The transcript cannot be read.
    """
    seen = passages(scenes)
    if transcript is None and beside is not None:
        transcript = next(filter(Path.is_file, map(beside.with_suffix, SIDE_FILES)), None)
    if isinstance(transcript, Path):
        transcript = transcript.read_text(encoding="utf-8-sig", errors="replace")
    if transcript is None or isinstance(transcript, str):
        return Description(scenes=seen, transcript=transcript or "")
    return Description(scenes=seen, lines=passages(transcript))


def passages(told: Iterable[Told]) -> tuple[Passage, ...]:
    """Return passages in the order of their times.

    Raises:
        ValueError: One has no text, or ends before it starts.
    """
    return tuple(sorted((_passage(*one) for one in told), key=lambda passage: (passage.start, passage.end)))


def _passage(start: float, end: float, text: str) -> Passage:
    if not 0 <= start < end or not text.strip():
        raise ValueError(f"({start}, {end}, {text!r}) is no passage: it needs a start, a later end, and a text")
    return Passage(float(start), float(end), text.strip())
