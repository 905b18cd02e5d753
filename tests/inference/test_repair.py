"""Repaired text: what is mended, what is left alone, and where every character came from."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kg_assets.inference.reading.repair import repair


@pytest.mark.parametrize(
    ("broken", "whole"),
    [
        ("Y\u00c5\u008dko Ono", "Yōko Ono"),
        ("Andr\u00c3\u00a9 T\u00c3\u00a9chin\u00c3\u00a9", "André Téchiné"),
        ("it\u00e2\u20ac\u2122s", "it’s"),
        ("July\u00c2\u00a04", "July 4"),
        ("written and  directed", "written and directed"),
    ],
)
def test_utf8_that_was_read_as_latin_1_is_read_again(broken: str, whole: str) -> None:
    assert repair(broken).text == whole


@pytest.mark.parametrize("text", ["JOSÉ»", "Ærø", "Ça ira", "naïve", "Älv – Öl", "«Été»"])
def test_text_that_is_whole_stays_as_it_is(text: str) -> None:
    assert repair(text).text == text


@given(st.text())
@example("a\u00c3\u00a9 b  c")
def test_every_span_leads_back_to_its_own_characters(text: str) -> None:
    found = repair(text)
    places = [found.original(at, at + 1) for at in range(len(found.text))]
    assert all(0 <= start <= end <= len(text) for start, end in places)
    assert [start for start, _ in places] == sorted(start for start, _ in places)
    for at, (start, end) in enumerate(places):
        assert repair(text[start:end]).text.strip() == found.text[at].strip()


@given(st.text(alphabet=st.characters(min_codepoint=0xA1, max_codepoint=0x17F)))
def test_text_that_was_broken_once_is_whole_again(text: str) -> None:
    whole = repair(text).text
    if whole != text:
        return
    broken = text.encode().decode("latin-1")
    if "\x85" in broken or "\xa0" in broken:
        # These are blanks, which are made plain.
        return
    assert repair(broken).text == text
