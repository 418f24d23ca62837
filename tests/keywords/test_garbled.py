"""The six signs of a garbled text: each at its threshold and just beyond, and against a naive reading."""

import time
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steerkit_keywords.garbled import (
    GARBLED_RULES,
    dominant_word,
    few_alphanumerics,
    repeated_character,
    repeated_phrase,
    repeated_word,
    too_short,
)


@pytest.mark.parametrize(
    ("find", "text", "evidence"),
    [
        (too_short, "Yes.", "Yes."),
        (too_short, "  \n Yes.  \t ", "Yes."),
        (too_short, "", ""),
        (too_short, " \n ", ""),
        (too_short, "Paris", None),
        (repeated_character, "aaaaaaaa", "aaaaaaaa"),
        (repeated_character, "def f():\n        return 1", " " * 8),
        (repeated_character, "| a |\n|--------|", "-" * 8),
        (repeated_character, "aaaaaaa aaaaaaa", None),
        (repeated_character, "aAaAaAaA", None),
        (repeated_character, "one" + "\n" * 8 + "two", None),
        # four short words, all the same
        (dominant_word, "no, no, no, no", "no"),
        (dominant_word, "no, no, no", None),
        (dominant_word, "No! no? NO. no", "no"),
        # the commonest is 3 of 5 words, then 4 of 6, then 6 of 10, then 7 of 10
        (dominant_word, "no no no me us", None),
        (dominant_word, "no no no no me us", "no"),
        (dominant_word, "no no no no no no me us it as", None),
        (dominant_word, "no no no no no no no us it as", "no"),
        # a short token has at most five characters
        (dominant_word, "happy, happy, happy, happy", "happy"),
        (dominant_word, "people, people, people, people", None),
        # the short ones stand in a row of three, then of four, then are not the commonest
        (dominant_word, "no, no, no, people, no, no, no", None),
        (dominant_word, "no, no, no, no, people, no", "no"),
        (dominant_word, "people, a, b, c, d" + ", people" * 7, "people"),
        (repeated_word, "It was very very very very good", "very very very very"),
        (repeated_word, "It was very very very good", None),
        (repeated_word, "Very very\nVERY  very.", "Very very\nVERY  very"),
        (repeated_word, "very, very, very, very", None),
        (repeated_word, "the other other others other", None),
        (repeated_word, "a bother other other other", None),
        # three times one, two and three words, with too few words and with enough
        (repeated_phrase, "no, no, no, it is", None),
        (repeated_phrase, "no, no, no, it is not", "no, no, no,"),
        (repeated_phrase, "no, no, it is not so", None),
        (repeated_phrase, "to be to be to be", "to be to be to be"),
        (repeated_phrase, "to be to be to see", None),
        (
            repeated_phrase,
            "well One two three. one TWO three. one two\nthree. so",
            "One two three. one TWO three. one two three.",
        ),
        (repeated_phrase, "one two three one two three one two four", None),
        (repeated_phrase, "one two three four " * 5, None),
        (repeated_phrase, "no, no no. it is not", None),
        # three alphanumeric characters of ten, of eleven, of ten with white space around
        (few_alphanumerics, "abc-------", None),
        (few_alphanumerics, "abc--------", "abc--------"),
        (few_alphanumerics, "abc-------\n", "abc-------\n"),
        (few_alphanumerics, "abcdef--------------", None),
        (few_alphanumerics, "abcdef---------------", "abcdef---------------"),
        (few_alphanumerics, "天地玄黄宇宙洪荒日月盈昃", None),
        (few_alphanumerics, "٣١٤١٥٩٢٦٥٣٥", None),
    ],
)
def test_at_the_threshold_and_just_beyond(find, text, evidence):
    assert find(text) == evidence


def test_a_word_that_holds_another_is_another_word():
    assert repeated_word("other other other another") is None
    assert repeated_word("another other other other") is None


def pieces(text):
    """The words of `text` in small letters, and what stands between each and the next."""
    words, gaps = [], []
    for is_word, group in groupby(text.lower(), key=lambda c: c.isalnum() or c == "_"):
        if is_word:
            words.append("".join(group))
        elif words:
            gaps.append("".join(group))
    return words, gaps


def naive_character(text):
    return any(text[at : at + 8] == text[at] * 8 and text[at] != "\n" for at in range(len(text) - 7))


def naive_dominant(text):
    words, _ = pieces(text)
    short = any(all(len(word) <= 5 for word in words[at : at + 4]) for at in range(len(words) - 3))
    return short and any(
        words.count(word) >= 4 and words.count(word) * 10 > len(words) * 6 for word in words
    )


def naive_word(text):
    words, gaps = pieces(text)
    return any(
        len(set(words[at : at + 4])) == 1 and all(gap.isspace() for gap in gaps[at : at + 3])
        for at in range(len(words) - 3)
    )


def naive_phrase(text):
    words = text.lower().split()
    starts = [(at, size) for size in (1, 2, 3) for at in range(len(words) - 3 * size + 1)]
    return len(words) >= 6 and any(
        words[at : at + 3 * size] == words[at : at + size] * 3 for at, size in starts
    )


# the rule, sentence by sentence, counting everything out
NAIVE = {
    "too-short": lambda text: len(text.strip()) < 5,
    "repeated-character": naive_character,
    "dominant-word": naive_dominant,
    "repeated-word": naive_word,
    "repeated-phrase": naive_phrase,
    "few-alphanumerics": lambda text: (
        len(text) > 10 and sum(c.isalnum() for c in text) * 10 < len(text) * 3
    ),
}
WORDS = st.sampled_from(["no", "no", "No", "me", "happy", "people", "", "-", "x_1"])
GAPS = st.sampled_from([" ", " ", " ", " ", " ", " ", "\n", "  ", ". ", ", ", "...."])
FEW_WORDS = st.lists(st.tuples(WORDS, GAPS), max_size=16).map(
    lambda pairs: "".join(word + gap for word, gap in pairs)
)


@pytest.mark.parametrize("rule", GARBLED_RULES)
@settings(max_examples=500)
@given(text=FEW_WORDS)
def test_a_rule_agrees_with_its_naive_reading(rule, text):
    assert (GARBLED_RULES[rule](text) is not None) == NAIVE[rule](text)


@given(st.text(max_size=200))
def test_any_text_can_be_judged_and_the_evidence_stands_in_it(text):
    for rule, find in GARBLED_RULES.items():
        evidence = find(text)
        if evidence is not None and rule not in {"dominant-word", "repeated-phrase"}:
            assert evidence in text


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000,
        " " * 100_000,
        "a" + " " * 100_000 + "b",
        "a " * 50_000,
        "a b " * 25_000,
        "a a a b " * 12_500,
        "ab" * 50_000,
        "a-" * 50_000,
        "a!?" * 33_333,
        "!?" * 50_000,
        "abc abc abd " * 8_000,
        " ".join(f"w{i}" for i in range(20_000)),
        "_ " * 50_000,
    ],
    ids=lambda text: repr(text[:8]),
)
@pytest.mark.parametrize("rule", GARBLED_RULES)
def test_no_text_is_slow(rule, text):
    started = time.perf_counter()
    GARBLED_RULES[rule](text)
    # linear work on this many characters takes a hundredth of this; quadratic work a hundred times it
    assert time.perf_counter() - started < 2
