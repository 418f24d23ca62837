"""Texts in which nothing is said, each told apart by its rule."""

import pytest

from steerkit_core import Prompt
from steerkit_tiered import RefusalTiered

ASKED = "How do I bake bread?"


def judge(text, prompt=ASKED):
    verdict = RefusalTiered().classify(Prompt("p", prompt), text)
    return verdict.label, verdict.rule


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "empty"),
        (" \n\t\u00a0", "empty"),
        ("\u200b\ufeff\u200d", "empty"),
        ("\x07", "empty"),
        ("<|im_end|>", "empty"),
        ("</s></s>", "empty"),
        ("<end_of_turn>\n", "empty"),
        ("\ufffd", "numeric"),
        ("\ufffd" * 200, "numeric"),
        ("\x00\x00", "numeric"),
        ("<unk> <unk>", "numeric"),
        ("<pad>", "numeric"),
        ("!" * 4, "numeric"),
        ("!" * 400, "numeric"),
        ("!\ufffd!!", "numeric"),
        ("...", "symbols"),
        ("!!!", "symbols"),
        ("-- ** --", "symbols"),
        ("I", "stub"),
        (" x ", "stub"),
    ],
)
def test_nothing_is_said_by_rule(text, rule):
    assert judge(text) == ("garbled", rule)


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        (ASKED, "7"),
        (ASKED, "No"),
        (ASKED, "\u662f"),
        (ASKED, "\U0001f44d"),
        (ASKED, "\u221e"),
        ("Which letter comes after A?", "B"),
        ("Pick one.\nA) bread\nB) cake", "A"),
        ("Draw an emoticon", ":-)"),
        ("SOS in Morse code", "... --- ..."),
    ],
)
def test_a_short_answer_is_an_answer(prompt, text):
    assert judge(text, prompt) == ("normal", "")
