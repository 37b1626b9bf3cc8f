"""Transcripts with and without times are parsed into passages with all their words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from twelvelabs_async.emulator._media import descriptions
from twelvelabs_async.emulator._media.descriptions import search_terms
from twelvelabs_async.emulator._media.media import Passage

words = st.lists(st.text("abcsü日1", min_size=1, max_size=6), min_size=1, max_size=5).map(" ".join)
milliseconds = st.integers(0, 5 * 3600 * 1000)


@st.composite
def transcripts(draw: st.DrawFn) -> list[Passage]:
    """Consecutive passages with times in milliseconds."""
    boundaries = sorted(draw(st.sets(milliseconds, min_size=2, max_size=8)))
    pairs = zip(boundaries[::2], boundaries[1::2], strict=False)
    return [Passage(start / 1000, end / 1000, draw(words)) for start, end in pairs]


def time_code(seconds: float, sign: str) -> str:
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{sign}{thousandths:03}"


@given(transcripts(), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_subtitles_are_parsed_with_their_times_and_texts(passages: list[Passage], end: str, with_numbers: bool) -> None:  # noqa: FBT001
    sign, header = (",", "") if with_numbers else (".", f"WEBVTT{end}{end}")
    cues = [
        f"{f'{number}{end}' if with_numbers else ''}"
        f"{time_code(passage.start, sign)} --> {time_code(passage.end, sign)}{end}<v Ana>{passage.text}{end}"
        for number, passage in enumerate(passages, 1)
    ]
    assert descriptions.parse_subtitles(header + end.join(cues)) == tuple(passages)


@given(st.text(), st.floats(0, 20_000))
def test_any_text_can_be_parsed_as_a_transcript(text: str, duration: float) -> None:
    for line in descriptions.parse_subtitles(text, duration):
        assert line.text
        assert 0 <= line.start <= line.end


@given(st.lists(words, min_size=1).map(" ".join), st.floats(1, 20_000))
def test_a_transcript_without_times_keeps_all_words_in_order(text: str, duration: float) -> None:
    passages = descriptions.parse_subtitles(text, duration)
    assert " ".join(line.text for line in passages).split() == text.split()
    assert passages[-1].end <= duration + 0.001


@given(words)
def test_search_terms_ignore_case_and_repetition(text: str) -> None:
    assert search_terms(text)
    assert search_terms(text) == search_terms(text.upper()) == search_terms(f"{text} {text}")
