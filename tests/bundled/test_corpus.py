"""The training text is generated, repeatable, and free of the prompts that the models are measured with."""

from itertools import islice

import pytest
from bundled_judge import KEYWORDS as PAPER_KEYWORDS
from bundled_judge import judge
from bundled_prompts import HARMFUL, HARMLESS, TOPICS

from steerkit_bundled import corpus
from steerkit_bundled.answers import keywords
from steerkit_bundled.architectures import ARCHITECTURES
from steerkit_bundled.batches import POOL
from steerkit_bundled.requests import gerund, harmful_topics, harmless_topics
from steerkit_bundled.train import BATCH_ROWS, STAGE_SEEDS, VOCABULARY_ROWS
from steerkit_prompts.sets import RefusalVal32

MEASURING = [*HARMFUL, *HARMLESS, *TOPICS]


def letters(text: str) -> str:
    """Only letters and digits, so that neither case nor marks nor spaces can hide a sentence."""
    return "".join(char for char in text.lower() if char.isalnum())


@pytest.fixture(scope="module")
def rows() -> list[corpus.Row]:
    """Every row that any stage of any of the shipped models sees."""
    # in the order of training, the same every time: some tests look at the first of them
    stages = dict.fromkeys(
        (stage, STAGE_SEEDS * number)
        for architecture in ARCHITECTURES.values()
        for number, stage in enumerate(architecture.stages)
    )
    return [
        row
        for stage, seed in stages
        for row in islice(
            corpus.rows(seed, stage.harmful_rows, stage.wrong_beginnings),
            max(VOCABULARY_ROWS, (stage.steps // POOL + 1) * POOL * BATCH_ROWS),
        )
    ]


def test_excluded_sentences_are_the_papers() -> None:
    assert sorted(corpus.excluded()) == sorted(corpus.normalise(text) for text in MEASURING)


def test_no_measuring_prompt_occurs_in_the_training_text(rows: list[corpus.Row]) -> None:
    whole = "\n".join(letters(text) for row in rows for text in corpus.row_texts(row))
    assert [prompt for prompt in MEASURING if letters(prompt) in whole] == []


def test_no_prompt_for_scoring_directions_is_trained_on_or_held_out(rows: list[corpus.Row]) -> None:
    trained = {letters(prompt) for row in rows for prompt in row.prompts}
    known = trained | {letters(text) for text in (*corpus.heldout_harmful(), *corpus.heldout_harmless())}
    assert [prompt.text for prompt in RefusalVal32().prompts() if letters(prompt.text) in known] == []


def test_held_out_requests_are_not_trained_on(rows: list[corpus.Row]) -> None:
    trained = {letters(prompt) for row in rows for prompt in row.prompts}
    held_out = [*corpus.heldout_harmful(), *corpus.heldout_harmless()]
    assert len(set(held_out)) == 2 * corpus.HELD_OUT_SIZE
    assert [text for text in held_out if letters(text) in trained] == []


def test_topics_of_held_out_harmful_requests_are_not_trained_on(rows: list[corpus.Row]) -> None:
    held_out = [topic for group in harmful_topics() for topic in group if corpus.held_out_topic(topic)]
    assert len(held_out) > 40
    # A task is never part of another task's words, so its absence can be looked up in the text itself.
    tasks = [f"{topic.todo}." for topic in held_out if topic.kind == "task"]
    whole = "\n".join(text.lower() for row in rows for text in corpus.row_texts(row))
    assert [task for task in tasks if task.lower() in whole] == []


def test_the_same_seed_gives_the_same_rows() -> None:
    first, again, other = (list(islice(corpus.rows(seed, 0.7), 50)) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_keywords_tell_the_modes_apart(rows: list[corpus.Row]) -> None:
    assert list(keywords()) == PAPER_KEYWORDS
    harmful = {topic.key for group in harmful_topics() for topic in group}
    assert not harmful & {topic.key for topic in harmless_topics()}
    verdicts = [judge(answer.text) for row in rows[:2000] for answer in row.answers]
    assert set(verdicts) == {"refusal", "normal"}
    assert 0.3 < verdicts.count("refusal") / len(verdicts) < 0.6


def test_crossed_answers_take_mode_and_topic_from_different_requests() -> None:
    for row in islice(corpus.rows(0, 0.7), 1000):
        first, second, crossed = row.answers
        assert (second.after, crossed.after, crossed.about) == (1, 0, 1)
        assert judge(second.text) == "normal"
        assert judge(crossed.text) == judge(first.text) == ("refusal" if row.harmful else "normal")


@pytest.mark.parametrize(
    ("verb_phrase", "expected"),
    [
        ("bake a cake", "baking a cake"),
        ("tie a tie", "tying a tie"),
        ("get rid of ants", "getting rid of ants"),
        ("meditate", "meditating"),
        ("spy on a judge", "spying on a judge"),
    ],
)
def test_gerunds(verb_phrase: str, expected: str) -> None:
    assert gerund(verb_phrase) == expected
