"""Classifiers that each break one promise."""

import itertools

from attrs import frozen

from steerkit_core import Classifier, Verdict
from steerkit_core.testing import ClassifierContract

COUNTER = itertools.count()


def judging(rule, labels=("refusal", "normal"), settled=None, order=None):
    @frozen(kw_only=True)
    class Judge(Classifier):
        """A classifier whose rule a test has given."""

        name = "judge"

        def classify(self, prompt, text):
            return rule(prompt, text)

    Judge.labels = labels
    if settled is not None:
        Judge.settled = lambda _self, _prompt, text: settled(text)
    if order is not None:
        Judge.judge = lambda self, given, _models: [self.classify(c.prompt, c.text) for c in order(given)]
    return Judge


class TestUnbrokenInARecipe(ClassifierContract):
    component = judging(lambda _, text: Verdict("refusal" if "sorry" in text else "normal"))
    fails = ()


class TestUndeclaredLabelInARecipe(ClassifierContract):
    component = judging(lambda _, text: Verdict("normal" if text else "empty"), labels=("normal",))
    fails = ("test_every_label_it_gives_is_declared",)


class TestNoVerdictInARecipe(ClassifierContract):
    component = judging(lambda _prompt, _text: "normal")
    fails = (
        "test_every_label_it_gives_is_declared",
        "test_its_evidence_stands_in_the_text",
        "test_any_prompt_will_do",
        "test_a_recipe_can_use_it",
        "test_its_spans_lie_in_the_text",
        "test_it_judges_the_same_text_alike",
    )


class TestSameLabelTwice(ClassifierContract):
    component = judging(lambda _prompt, _text: Verdict("normal"), labels=("normal", "normal"))
    fails = ("test_its_labels_are_words",)


class TestInventedEvidence(ClassifierContract):
    component = judging(lambda _prompt, _text: Verdict("normal", evidence="it sounds polite"))
    fails = ("test_its_evidence_stands_in_the_text",)


class TestEndlessEvidence(ClassifierContract):
    component = judging(lambda _prompt, text: Verdict("normal", evidence=text))
    fails = ("test_its_evidence_stands_in_the_text",)


class TestMoody(ClassifierContract):
    component = judging(lambda _prompt, _text: Verdict("normal" if next(COUNTER) % 2 else "refusal"))
    fails = ("test_it_judges_the_same_text_alike",)


class TestKeepsTheFirstVerdictToItself(ClassifierContract):
    component = judging(lambda _prompt, _text: Verdict("normal"), order=lambda given: given[1:])
    fails = (
        "test_every_label_it_gives_is_declared",
        "test_its_evidence_stands_in_the_text",
        "test_it_judges_the_same_text_alike",
        "test_any_prompt_will_do",
        "test_its_spans_lie_in_the_text",
    )


class TestAnswersInAnotherOrder(ClassifierContract):
    component = judging(
        lambda _, text: Verdict("refusal" if "sorry" in text else "normal"), order=lambda given: given[::-1]
    )
    fails = ("test_it_judges_the_same_text_alike",)


class TestFirstWord(ClassifierContract):
    component = judging(lambda _, text: Verdict("refusal" if text.split()[0] == "No" else "normal"))
    fails = (
        "test_every_label_it_gives_is_declared",
        "test_its_evidence_stands_in_the_text",
        "test_it_judges_the_same_text_alike",
        "test_its_spans_lie_in_the_text",
    )


class TestPromptMustHaveWords(ClassifierContract):
    component = judging(lambda prompt, _: Verdict("normal" if prompt.text[0] else "refusal"))
    fails = ("test_any_prompt_will_do",)


class TestSettledTooEarly(ClassifierContract):
    component = judging(
        lambda _, text: Verdict("refusal" if "sorry" in text else "normal"),
        settled=lambda text: text.startswith("I'm"),
    )
    fails = ("test_what_is_settled_does_not_change",)
