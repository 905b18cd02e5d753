"""Quotes are found verbatim or as normalised, with offsets that lead back to the text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kg_assets.inference.quotes import EXACT, NORMALISED, Place, find_quote, normalise

TEXT = "“Caf\u0065\u0301 Lights”\u00a0is\r\n a drama — it isn’t a remake."


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("is\r\n a drama", ("is\r\n a drama", EXACT)),
        ("it isn’t a remake.", ("it isn’t a remake.", EXACT)),
        ("it isn't a remake.", ("it isn’t a remake.", NORMALISED)),
        ("is a drama - it isn't", ("is\r\n a drama — it isn’t", NORMALISED)),
        ('"Café Lights" is', (TEXT[: TEXT.index("is") + 2], NORMALISED)),
        ("  Café Lights  ", (TEXT[1:13], NORMALISED)),
    ],
)
def test_a_quote_is_found_where_the_text_has_it(quote: str, found: tuple[str, str]) -> None:
    place = find_quote(TEXT, quote)
    assert place is not None
    assert (TEXT[place.start : place.end], place.match) == found


@pytest.mark.parametrize(
    "quote",
    [
        "",
        "is",
        "it is a remake.",
        "Cafe Lights is",
        "a drama it isn’t",
        "IT ISN’T A REMAKE",
        "s a dra",
    ],
)
def test_what_the_text_does_not_say_is_no_quote(quote: str) -> None:
    assert find_quote(TEXT, quote) is None


def test_a_part_of_a_word_is_passed_over_for_the_whole_word() -> None:
    assert find_quote("The remakers remake", "remake") == Place(13, 19, EXACT)


def test_an_exact_place_goes_before_an_earlier_normalised_one() -> None:
    assert find_quote("a  sequel to; a sequel to", "a sequel to") == Place(14, 25, EXACT)


@given(st.text(max_size=40), st.text(min_size=1, max_size=30), st.text(max_size=40))
def test_a_place_always_leads_back_to_the_quote(before: str, quote: str, after: str) -> None:
    text = f"{before} {quote} {after}"
    for given_quote in (quote, unicodedata.normalize("NFC", quote), quote.replace(" ", "\n ")):
        place = find_quote(text, given_quote)
        if place is not None:
            there = text[place.start : place.end]
            assert (there == given_quote) == (place.match == EXACT)
            assert normalise(there).strip() == normalise(given_quote).strip()
