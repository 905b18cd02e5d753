"""Sentences and chunks: no character is lost, and abbreviations do not cut a sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg_assets.inference.chunking import Span, chunks, sentences

PROSE = st.text(
    st.sampled_from("ab AB.!?…\"'“”() \n\té😀。") | st.characters(exclude_categories=("Cs",)),
    max_size=400,
)


def _gaps_are_white_space(text: str, spans: list[Span]) -> bool:
    place = 0
    for span in spans:
        if text[place : span.start].strip() or span.start >= span.end:
            return False
        place = span.end
    return not text[place:].strip()


@given(PROSE)
def test_sentences_and_the_gaps_between_them_are_the_text(text: str) -> None:
    assert _gaps_are_white_space(text, sentences(text))


@given(PROSE, st.integers(1, 60))
def test_chunks_keep_the_limit_and_every_character(text: str, limit: int) -> None:
    spans = chunks(text, limit)
    assert _gaps_are_white_space(text, spans)
    assert all(span.end - span.start <= limit for span in spans)


@pytest.mark.parametrize(
    "text",
    [
        "Dr. Strangelove is a satire.",
        "She adapted a tale by J. R. R. Tolkien.",
        "E.T. the Extra-Terrestrial was made in the U.S. Army's old hall.",
        "Then... nothing follows.",
        "It is told by Sgt. Pepper vs. Mr. Kite.",
        'He asked "Why?" and left.',
        "I saw mother! with a friend.",
    ],
)
def test_a_full_stop_inside_a_sentence_does_not_end_it(text: str) -> None:
    assert [text[s.start : s.end] for s in sentences(text)] == [text]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One. Two.", 2),
        ('He said "Go." She went.', 2),
        ("What? Yes! No…  Perhaps.", 4),
        ("A heading\n\nA sentence.", 2),
        ("It was he and I. They left.", 2),
    ],
)
def test_sentences_are_cut_where_they_end(text: str, count: int) -> None:
    assert len(sentences(text)) == count


def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one character"):
        chunks("text", 0)
