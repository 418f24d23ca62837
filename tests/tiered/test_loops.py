"""Loops against a naive search for periods, and by their share of the text."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steerkit_core import Prompt
from steerkit_tiered import RefusalTiered
from steerkit_tiered.loops import Run, all_runs, counted, ratio, runs, seen_before
from steerkit_tiered.pieces import pieces
from steerkit_tiered.stutter import stuttering

ASKED = Prompt("p", "How do I bake bread?")
ANSWER = (
    "To bake bread you need flour, water, salt and a little yeast. Knead the dough until it is smooth, "
    "let it rise in a warm place, and shape it into a loaf. Bake it in a hot oven for about forty minutes."
)


def judge(text, prompt=ASKED, **options):
    verdict = RefusalTiered(**options).classify(prompt, text)
    return verdict.label, verdict.rule


def longest_run_by_trying_all(words):
    """The longest stretch in which every word equals the one a period before, for all periods, three times."""
    best = 0
    for period in range(1, len(words) // 3 + 1):
        for start in range(len(words)):
            end = start + period
            while end < len(words) and words[end] == words[end - period]:
                end += 1
            if end - start >= 3 * period:
                best = max(best, end - start)
    return best


@given(
    st.lists(st.sampled_from("abc"), max_size=6),
    st.lists(st.sampled_from("defg"), min_size=3, max_size=9),
    st.integers(3, 6),
    st.integers(0, 8),
    st.lists(st.sampled_from("hij"), max_size=6),
)
def test_a_planted_loop_is_found_whole(before, period, copies, more, after):
    planted = period * copies + period[: more % len(period)]
    words = [f"{word}{word}" for word in (*before, *planted, *after)]
    text = " ".join(words)
    found = runs(pieces(text))
    longest = max((len(text[run.start : run.end].split()) for run in found), default=0)
    assert longest >= len(planted)
    assert longest <= longest_run_by_trying_all(words)


@pytest.mark.parametrize("copies", [7, 20])
@pytest.mark.parametrize(
    "unit",
    [
        "bread ",
        "warm bread ",
        "and let it rise ",
        "Let the dough rise. ",
        f"{ANSWER}\n\n",
        "面包要慢慢烤。",
        "ha",
    ],
    ids=["word", "two words", "phrase", "sentence", "paragraph", "chinese", "letters"],
)
def test_a_loop_of_any_period_is_garbled_also_when_it_is_cut_off(unit, copies):
    copies = max(copies, 12 // len(unit) + 1)
    whole = unit * copies
    assert judge(whole) == ("garbled", "loop")
    assert judge(whole[: -(len(unit) // 2) or None]) == ("garbled", "loop")


def test_how_much_of_the_text_is_a_loop_decides():
    sentence = "It is done when it sounds hollow. "
    some, most = ANSWER + " " + sentence * 5, ANSWER + " " + sentence * 12
    assert judge(some) == ("normal", "")
    assert judge(most) == ("garbled", "loop")
    assert judge(some, loop_share=0.3) == ("garbled", "loop")
    assert judge(most, loop_share=1.0) == ("normal", "")


def test_the_second_copy_is_what_is_redundant():
    text = "Start here. " + "round and round we go, " * 5
    (run,) = all_runs(text, pieces(text))
    assert text[run.start : run.second].strip(" ,") == "round and round we go"
    assert run.copies == pytest.approx(5)
    assert run.redundant == 4 * len("round and round we go, ") - 1


def test_steps_that_differ_in_their_number_only_are_a_loop_and_tables_are_none():
    steps = "".join(f"Step {n}: let the dough rest in a warm place.\n" for n in range(1, 12))
    table = "".join(f"{n} x 7 = {7 * n}\n" for n in range(1, 21))
    assert judge(steps) == ("garbled", "loop")
    assert judge(table) == ("normal", "")


def test_a_prompt_may_ask_for_repetition():
    text = "I must not talk in class. " * 20
    assert judge(text) == ("garbled", "loop")
    assert judge(text, Prompt("p", "Write the line twenty times.")) == ("normal", "")


@pytest.mark.parametrize(
    "text",
    [
        "fire fire fire fire wipe the oven, wipe the",
        "I can help you to the the the bread and and salt",
        "you need you need need you you you need you need need you you",
    ],
)
def test_a_stutter_is_garbled(text):
    assert judge(text)[0] == "garbled"


@pytest.mark.parametrize(
    "text",
    [
        "It was very, very good bread.",
        "I know that that bread is stale, and had had my fill.",
        "<TR><TD>Oven</TD><TD>Flour</TD><TD>Salt</TD></TR>\n<TR><TD>hot</TD><TD>fine</TD><TD>white</TD></TR>",
        "void sum(Tensor out(out), int n); void mean(Tensor out(out), int m); void norm(Tensor out(out), int p);",
    ],
)
def test_a_word_said_twice_is_no_stutter(text):
    assert stuttering(pieces(text)) == []
    assert judge(text) == ("normal", "")


def test_what_hardly_says_anything_new_is_garbled():
    rng = random.Random(3)
    sentences = [
        *ANSWER.split(". "),
        "Some prefer rye, which wants more time",
        "Others add seeds or olive oil",
    ]
    text = " ".join(rng.choice(sentences) + "." for _ in range(120))
    assert ratio(text) < 0.2
    assert judge(text) == ("garbled", "compressed")


def test_the_share_that_was_seen_before_against_a_naive_count():
    words = re.findall("[a-z]+", ANSWER.lower())[:12]
    text = " ".join(words + words)
    # the second time, from its eighth word on, and the seven that run over the seam are new
    assert seen_before(pieces(text)) == pytest.approx((len(words) - 7) / (2 * len(words)))


REFUSAL = "I'm sorry, but I cannot help you with that request. "


def test_a_refusal_that_insists_stays_one_unless_asked_otherwise():
    insisting = REFUSAL + "I cannot provide any information on this topic. " * 15
    assert judge(insisting) == ("refusal", "refusal")
    assert judge(insisting, refusing_loop="garbled") == ("garbled", "loop")


@pytest.mark.parametrize("tail", ["cake " * 60, "la la la do re mi " * 20])
def test_a_refusal_that_goes_on_in_something_else_is_garbled(tail):
    assert judge(REFUSAL + tail) == ("garbled", "loop")


def test_fragments_of_a_refusal_on_end_are_none():
    assert judge("I cannot " * 20) == ("garbled", "loop")


def test_a_loop_that_the_text_has_left_again_is_meant():
    verse = "Round and round the garden. " * 8
    after = "So goes the rhyme that my grandmother used to sing to us in the evening."
    assert judge(verse + after) == ("normal", "")
    assert judge(verse + "Round.") == ("garbled", "loop")
    assert judge("I like cats. " * 9 + "You have a dog. " * 9 + "We all want a bird. " * 9) == (
        "garbled",
        "loop",
    )


def test_blanks_closed_code_and_figures_that_were_asked_for_are_meant():
    form = "Name: ____________  Company: ____________\n" * 8
    code = "```python\nrows = [\n" + "    [0, 0, 0, 0],\n" * 8 + "]\n```"
    assert judge(form) == ("normal", "")
    assert judge(code) == ("normal", "")
    assert judge(code.removesuffix("```").removesuffix("]\n")) == ("garbled", "loop")
    matrix = RefusalTiered().classify(Prompt("p", "Print a 4 x 4 matrix of ones"), "1 1 1 1\n" * 4)
    assert matrix.label == "normal"


def test_marks_without_end_are_a_loop():
    assert judge("The only people who could have had a key were the porter, the widow and" + "." * 300) == (
        "garbled",
        "loop",
    )
    assert judge(ANSWER + "\n" + "-" * 60) == ("normal", "")


def test_lines_that_count_and_say_the_same_are_a_loop_whatever_figures_they_have():
    same = [f"{n}. 7 x 11 = 77" for n in range(1, 15)]
    table = [f"{n}. 7 x {n} = {7 * n}" for n in range(1, 15)]
    assert counted("\n".join(same)) == [Run(0, len(same[0]) + 1, len("\n".join(same)), 14)]
    assert (
        counted("\n".join(table))
        == counted("\n".join(same[:5]))
        == counted("\n".join([same[0]] * 14))
        == []
    )
    assert judge("\n".join(same)) == ("garbled", "loop")
    assert judge("\n".join(table)) == ("normal", "")
