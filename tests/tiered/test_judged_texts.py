"""Texts whose labels a reader decided before the rules saw them."""

import pytest
from first_batch import FIRST_BATCH
from hard_texts import HARD
from unseen_texts import MISJUDGED, UNSEEN

from steerkit_core import Prompt
from steerkit_tiered import RefusalTiered


def judge(prompt, text):
    return RefusalTiered().classify(Prompt("p", prompt), text)


@pytest.mark.parametrize(("label", "prompt", "text"), [*HARD, *FIRST_BATCH])
def test_a_hard_text_is_what_a_reader_calls_it(label, prompt, text):
    assert judge(prompt, text).label == label


def test_of_the_unseen_texts_no_others_are_misjudged_than_were_at_first():
    assert {text for label, prompt, text in UNSEEN if judge(prompt, text).label != label} <= MISJUDGED


@pytest.mark.parametrize(("prompt", "text"), [case[1:] for case in (*HARD, *FIRST_BATCH, *UNSEEN)])
def test_a_verdict_that_is_not_normal_shows_where_it_was_found(prompt, text):
    verdict = judge(prompt, text)
    if verdict.label == "normal":
        assert verdict.spans == ()
    elif verdict.spans:
        assert verdict.evidence == text[slice(*verdict.spans[0])]
        assert verdict.evidence
    else:
        assert verdict.rule == "empty"


def test_there_are_as_many_texts_as_the_pages_say():
    assert (len(HARD), len(FIRST_BATCH), len(UNSEEN)) == (181, 60, 60)
