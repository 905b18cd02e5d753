"""The quick looks that spare patterns: they hide nothing that would be found."""

from __future__ import annotations

import re

import pytest

from benchmarks import stories
from kg_assets.inference.chunking import sentences
from kg_assets.inference.franchises import FRANCHISE_TRIGGERS
from kg_assets.inference.reading.patterns import PATTERNS
from kg_assets.inference.statements import REVERSE
from kg_assets.inference.triggers import TRIGGERS
from kg_assets.inference.wordlists import Needles, any_of, holds, listed, whole_words

WRITTEN = [
    text
    for file in (stories.STORIES / "records.jsonl", stories.INTRODUCTIONS / "texts.jsonl")
    for each in stories.read_records(file)
    for text in [each.get("description") or each.get("text") or ""]
]
SENTENCES = [text[span.start : span.end] for text in WRITTEN for span in sentences(text)]


@pytest.mark.parametrize("trigger", [*TRIGGERS, *FRANCHISE_TRIGGERS, *REVERSE])
def test_a_sentence_that_a_trigger_fits_holds_one_of_its_needles(trigger):
    fitting = [each for each in SENTENCES if trigger.pattern.search(each)]
    unseen = [each for each in fitting if not holds(each.lower(), trigger.needles)]
    assert not (trigger.needles and unseen)


@pytest.mark.parametrize("pattern", [each for each in PATTERNS if each.core])
def test_a_sentence_that_a_pattern_fits_holds_its_core(pattern):
    fitting = [each for each in SENTENCES if pattern.expression.search(each)]
    assert all(pattern.core.search(each) for each in fitting)


def test_things_are_found_by_each_of_their_needles_and_in_their_order():
    needles = Needles([("war", ("war",)), ("any", ()), ("warm", ("warm", "cold"))])
    assert needles.within("a warm day") == ["war", "any", "warm"]
    assert needles.within("a cold war") == ["war", "any", "warm"]
    assert needles.within("peace") == ["any"]


def test_a_pattern_of_words_takes_the_longest_that_fits():
    words = ("war", "war film", "warrior", "space war", "U.S.")
    pattern = re.compile(rf"(?<!\w){any_of(words)}(?!\w)")
    found = pattern.findall("a war film, a warrior, no wars, a space war of the U.S.")
    assert found == ["war film", "warrior", "space war", "U.S."]


def test_whole_words_are_found_and_no_parts_of_words():
    pattern = re.compile(whole_words(r"films?|fil(?:m|e)|short stor(?:y|ies)|un\w+"))
    found = pattern.findall("telefilm films a file, short stories, unmade, a sun")
    assert found == ["films", "file", "short stories", "unmade"]


def test_whole_words_that_begin_with_no_letter_are_refused():
    with pytest.raises(ValueError, match="plain letter"):
        whole_words("film|(?:short )?story")


def test_a_list_is_parted_by_white_space_or_by_its_mark():
    assert listed("one two\nthree") == ("one", "two", "three")
    assert listed("New York|\nRome", "|") == ("New York", "Rome")
