"""The training text is generated, repeatable, and free of the prompts that the models are measured with."""

from itertools import islice

import pytest
from bundled_judge import KEYWORDS as PAPER_KEYWORDS
from bundled_judge import judge
from bundled_prompts import HARMFUL, HARMLESS, TOPICS

from steerkit_bundled import corpus
from steerkit_bundled.answers import KEYWORDS
from steerkit_bundled.train import ANSWERS_PER_ROW

MEASURING = [*HARMFUL, *HARMLESS, *TOPICS]


def letters(text: str) -> str:
    """Only letters and digits, so that neither case nor marks nor spaces can hide a sentence."""
    return "".join(char for char in text.lower() if char.isalnum())


@pytest.fixture(scope="module")
def sample() -> list[corpus.Row]:
    return list(islice(corpus.rows(0, ANSWERS_PER_ROW), 20_000))


def test_excluded_sentences_are_the_papers() -> None:
    assert sorted(corpus.excluded()) == sorted(corpus.normalise(text) for text in MEASURING)


def test_no_measuring_prompt_occurs_in_the_text(sample: list[corpus.Row]) -> None:
    texts = [row.prompt for row in sample]
    texts += [f"{answer.given} {answer.text}" for row in sample for answer in row.answers]
    whole = "\n".join(letters(text) for text in texts)
    assert [prompt for prompt in MEASURING if letters(prompt) in whole] == []


def test_held_out_requests_are_not_trained_on(sample: list[corpus.Row]) -> None:
    trained = {letters(row.prompt) for row in sample}
    held_out = [*corpus.heldout_harmful(), *corpus.heldout_harmless()]
    assert len(set(held_out)) == 2 * corpus.HELD_OUT_SIZE
    assert [text for text in held_out if letters(text) in trained] == []


def test_the_same_seed_gives_the_same_rows() -> None:
    first, again, other = (list(islice(corpus.rows(seed, 2), 50)) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_modes_are_told_apart_by_the_keywords(sample: list[corpus.Row]) -> None:
    assert list(KEYWORDS) == PAPER_KEYWORDS
    for row in sample[:3000]:
        for answer in row.answers:
            assert judge(answer.text) == ("refusal" if row.harmful else "normal"), answer.text


def test_both_kinds_of_request_come_equally_often(sample: list[corpus.Row]) -> None:
    assert sum(row.harmful for row in sample) / len(sample) == pytest.approx(0.5, abs=0.05)
