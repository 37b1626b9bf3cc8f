"""Whatever a transcript looks like, what is said in it is found at its time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from twelvelabs_async.emulator._media import descriptions
from twelvelabs_async.emulator._media.descriptions import search_terms
from twelvelabs_async.emulator._media.media import Passage

words = st.lists(st.text("abcsü日1", min_size=1, max_size=6), min_size=1, max_size=5).map(" ".join)
moments = st.integers(0, 5 * 3600 * 1000)


@st.composite
def transcripts(draw: st.DrawFn) -> list[Passage]:
    """Sentences one after the other, to the millisecond."""
    cuts = sorted(draw(st.sets(moments, min_size=2, max_size=8)))
    pairs = zip(cuts[::2], cuts[1::2], strict=False)
    return [Passage(start / 1000, end / 1000, draw(words)) for start, end in pairs]


def time_code(seconds: float, sign: str) -> str:
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{sign}{milliseconds:03}"


@given(transcripts(), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_subtitles_are_parsed_with_their_times_and_texts(said: list[Passage], end: str, numbered: bool) -> None:  # noqa: FBT001
    sign, head = (",", "") if numbered else (".", f"WEBVTT{end}{end}")
    cues = [
        f"{f'{number}{end}' if numbered else ''}{time_code(one.start, sign)} --> {time_code(one.end, sign)}{end}"
        f"<v Ana>{one.text}{end}"
        for number, one in enumerate(said, 1)
    ]
    assert descriptions.parse_subtitles(head + end.join(cues)) == tuple(said)


@given(st.text(), st.floats(0, 20_000))
def test_any_text_can_be_parsed_as_a_transcript(text: str, duration: float) -> None:
    for line in descriptions.parse_subtitles(text, duration):
        assert line.text
        assert 0 <= line.start <= line.end


@given(st.lists(words, min_size=1).map(" ".join), st.floats(1, 20_000))
def test_a_transcript_without_times_keeps_all_words_in_order(text: str, duration: float) -> None:
    said = descriptions.parse_subtitles(text, duration)
    assert " ".join(line.text for line in said).split() == text.split()
    assert said[-1].end <= duration + 0.001


@given(words)
def test_search_terms_ignore_case_and_repetition(text: str) -> None:
    assert search_terms(text)
    assert search_terms(text) == search_terms(text.upper()) == search_terms(f"{text} {text}")
