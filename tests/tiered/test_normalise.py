"""Normalised text, and the way back to the text as it was written."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steerkit_tiered.normalise import normalise


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("I CAN\u2019T help", "i can't help"),
        ("I **can't** _help_", "i can't help"),
        ("can\u200bnot", "cannot"),
        ("\uff29\uff0dcannot", "i-cannot"),
        ("de\u0301sole\u0301", "d\u00e9sol\u00e9"),
        ("\u201cno\u201d", '"no"'),
        ("snake_case stays", "snake_case stays"),
        ("\u00abnon\u00bb", '"non"'),
        ("\ufb01ne", "fine"),
        ("\u30ab\u3099", "\u30ac"),
    ],
)
def test_what_is_written_differently_reads_the_same(text, plain):
    assert normalise(text).text == plain


@pytest.mark.parametrize(
    ("text", "word", "written"),
    [
        ("Well, I **can\u2019t** help", "can't", "can\u2019t"),
        ("x \ufb01ne y", "fine", "\ufb01ne"),
        ("a de\u0301ja\u0300 b", "d\u00e9j\u00e0", "de\u0301ja\u0300"),
        ("so can\u200bnot go", "cannot", "can\u200bnot"),
        ("\u0130s it", "it", "it"),
        ("\u2026 and then", "then", "then"),
    ],
)
def test_a_span_leads_back_to_what_was_written(text, word, written):
    read = normalise(text)
    start = read.text.index(word)
    begin, end = read.original(start, start + len(word))
    assert text[begin:end] == written


@given(st.text(st.sampled_from("ab \u2019\u200b*e\u0301\u00e9\uff21\ufb01\u0130\U0001f600\n"), max_size=40))
def test_every_place_leads_back_in_order_and_to_the_letter_it_came_from(text):
    read = normalise(text)
    before = 0
    for place, letter in enumerate(read.text):
        start, end = read.original(place, place + 1)
        assert before <= start < end <= len(text)
        before = start
        if letter in "ab":
            assert letter in unicodedata.normalize("NFKC", text[start]).lower()


@given(
    st.text(st.characters(max_codepoint=127), max_size=60).filter(lambda text: not set(text) & set("*_~`"))
)
def test_plain_text_only_becomes_small(text):
    assert normalise(text).text == text.lower()
