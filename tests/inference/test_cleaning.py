"""Cleaning: what goes, what stays, and where every kept character came from."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kg_assets.inference.cleaning import clean
from kg_assets.inference.tracked import original_span


@pytest.mark.parametrize(
    ("original", "kept"),
    [
        ("It is a film.[12][a] It ends.[citation needed]", "It is a film. It ends."),
        ("a\xa0film,  seen\there", "a film, seen here"),
        ("a so\u00adft hyphen\u200b", "a soft hyphen"),
        ("Andr\u00c3\u00a9 T\u00c3\u00a9chin\u00c3\u00a9", "André Téchiné"),
        ("One.\r\n \r\nTwo.\n", "One.\n\nTwo."),
        ("Up &amp; &quot;It&quot; &#8217;", 'Up & "It" ’'),
        ("<i>Up</i> is by <b>Ann</b>.<br/>It is.", "Up is by Ann.\nIt is."),
        ("a line of a text that somebody wrapped after sixty letters\nor so", None),
    ],
)
def test_what_is_not_prose_goes(original: str, kept: str | None) -> None:
    assert clean(original).text == (kept or original.replace("\n", " "))


@pytest.mark.parametrize(
    "text",
    [
        "[REC] and [REC]2 are films, and so is Se[7]en.",
        "He found [a] house <3 and saw <Untitled>.",
        "Roses are red\nViolets are blue",
        "«Été» and “JOSÉ»” at A&E, fish &chips;",
        "دیدن می\u200cشود",
        "Gone.\n\nThen back.",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    found = clean(text)
    assert (found.text, found.runs) == (text, ())


def test_html_loses_scripts_comments_and_tags_and_keeps_its_paragraphs() -> None:
    page = (
        "<!DOCTYPE html><html><head><title>x</title></head><body><h1>Up</h1><!-- <p>no</p> -->"
        '<p title="a > b">One\ntwo.</p><script>if (a<b) "<p>"</script><ul><li>Three</ul>'
    )
    assert clean(page, "html").text == "Up\n\nOne two.\n\nThree"


def test_markdown_loses_its_marks_and_not_those_within_words() -> None:
    text = (
        "# Up #\n\nA *film* by **Ann** [Lee](http://x/(y)), as M*A*S\\*H.\n> quoted\n\n- one\n"
        "1. two\n\n![no](x.png)\n\n[ref]: http://x\n"
    )
    kept = "Up\n\nA film by Ann Lee, as M*A*S*H. quoted\n\none\n\ntwo"
    assert clean(text, "markdown").text == kept


def test_front_matter_is_left_out() -> None:
    found = clean("---\na: b\n---\nUp.", "plain", 13)
    assert found.text == "Up."
    assert original_span(found.runs, 0, 3) == (13, 16)


_PARTS = 'Up,\xa0,<i>,</i>,<p>,<,&amp;,&,\xc3\xa9,[1],é,*,_,`,[a](b),# ,> ,\\*,<!--,-->,\xad,",>'
_PIECES = st.lists(st.sampled_from([" ", "\n", *_PARTS.split(",")])).map("".join)


@given(_PIECES | st.text(), st.sampled_from([None, "plain", "html", "markdown"]))
@example("\xc3\xa9\xa0 x", None)
def test_every_kept_character_leads_back_to_its_place(text: str, text_format: str | None) -> None:
    found = clean(text, text_format)
    places = [original_span(found.runs, at, at + 1) for at in range(len(found.text))]
    assert all(0 <= start < end <= len(text) for start, end in places)
    assert places == sorted(places)
    ends = [*(run.start for run in found.runs[1:]), len(found.text)]
    for run, end in zip(found.runs, ends, strict=False):
        if run.verbatim:
            assert text[run.original_start : run.original_end] == found.text[run.start : end]
    if not found.runs and found.text:
        assert found.text == text


@pytest.mark.parametrize(
    "bomb", ["<div>", "<!--", '<a "', "<script>", "<svg>", "[a](", "*a", "[", "`", "&lt;", "<", "_"]
)
@pytest.mark.parametrize("text_format", ["html", "markdown"])
def test_hostile_markup_neither_nests_too_deep_nor_takes_for_ever(
    bomb: str, text_format: str
) -> None:
    assert len(clean(bomb * 20_000 + " end", text_format).text) <= len(bomb) * 20_000 + 4
