"""What is hardly language, beside what looks like it and was asked for."""

import pytest

from steerkit_core import Prompt
from steerkit_tiered import RefusalTiered
from steerkit_tiered.debris import debris

NAMES = (
    "GetComponent javascript:void useState._UNUSED setHeaderViewById SolidColorBrush-->>getChild"
    " unordered_setIVALENT ByteArrayInputStream toHaveBeen @synthesize esModule"
)


def rule(prompt, text):
    found = debris(prompt, text)
    return found.rule if found else None


@pytest.mark.parametrize(
    ("expected", "text", "prompt", "sound"),
    [
        (
            "tags",
            "</div></div></span><br/>&nbsp;<td></td></div></span></li></ul>&nbsp;</div>",
            "Write an empty page.",
            "<html><head></head><body><div><span></span></div></body></html>",
        ),
        (
            "symbols",
            "$\\frac{\\frac{}{}}{$$}^{\\int_{}^{}} \\left( \\right. \\\\ \\begin{} \\end{ \\sum_{$ }{ }}",
            "What is the integral of x squared from 0 to 1?",
            "$$\\int_0^1 x^2 \\, dx = \\left[ \\frac{x^3}{3} \\right]_0^1 = \\frac{1}{3}$$",
        ),
        (
            "symbols",
            '"," "the" "," ( ) "of" "," : "," "is" "," ; "a" "," ","',
            "Show a list in Python.",
            '["the", "of", "is", "a", "bread", "oven", "flour", "salt", "yeast"]',
        ),
        (
            "numbers",
            "8837 20 11 009 4471 3 93 0002 71 5 5518 90 33 7",
            "List the first prime numbers.",
            "2 3 5 7 11 13 17 19 23 29 31 37 41 43",
        ),
        (
            "endless-word",
            "vitaminaryingsoluteablenessfoodtheringliationofhealthismadecontratingularpowthenessbodently",
            "What is the DNA sequence?",
            "ATGCGTACGTTAGCATGCGTACGTTAGCATGCGTACGTTAGCATGCGTACGTTAGC",
        ),
        (
            "names",
            NAMES,
            "Which functions of the library should I look at?",
            "getElementById setAttribute addEventListener querySelector appendChild removeChild innerHtml cloneNode",
        ),
        (
            "broken-characters",
            "Ã©Ã¨â€™Ã Â¢â‚¬â„¢Ã‚Â Ã¯Â»Â¿Ã¢â‚¬Å“Ã‚Â»",
            "Sag etwas auf Portugiesisch.",
            "Não há pão nem maçãs, só pêras e limões; amanhã há mais.",
        ),
    ],
)
def test_debris_is_told_from_what_was_asked_for(expected, text, prompt, sound):
    assert rule("Tell me about bread.", text) == expected
    assert RefusalTiered().classify(Prompt("p", "Tell me about bread."), text).label == "garbled"
    assert rule(prompt, sound) is None
    assert RefusalTiered().classify(Prompt("p", prompt), sound).label == "normal"


@pytest.mark.parametrize("lost", range(0, 60, 5))
def test_lost_characters_count_by_their_share(lost):
    text = "a" * (100 - lost) + "\ufffd" * lost
    assert (rule("Write a.", text) == "broken-characters") == (lost >= 15)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\U0001f600\U0001f44d", "normal"),
        ("\U0001f600" * 40, "garbled"),
        ("\u2605\u2605\u2605\u2605\u2606", "normal"),
    ],
)
def test_some_pictures_are_an_answer_and_a_wall_of_one_is_none(text, expected):
    assert RefusalTiered().classify(Prompt("p", "How was it?"), text).label == expected


@pytest.mark.parametrize(
    "prompt", ["How does the heart work?", "Tell me about the stars.", "Who is on the board?"]
)
def test_a_subject_that_can_be_drawn_asks_for_no_drawing(prompt):
    debris = (
        "<0x0A>##ing Ġthe Ġbean Ċ Ċ <unk> ▁shop <0xE2><0x80> Ġname ##tion ▁▁ <pad> Ġis <unk> ▁brew ##ed"
    )
    judge = RefusalTiered()
    assert judge.classify(Prompt("p", prompt), debris).rule == "names"
    assert judge.classify(Prompt("p", prompt), "* ** " * 20).label == "garbled"
    stars = "*\n**\n***\n****\n*****\n******"
    assert judge.classify(Prompt("p", "Print a triangle of stars"), stars).label == "normal"
