"""Our classifiers keep the contracts that strangers are asked to keep."""

from typing import ClassVar

from attrs import frozen

from steerkit_core import Classifier, Verdict
from steerkit_core.testing import (
    ClassifierContract,
)
from steerkit_judges import JudgeModel, RefusalLogprob
from steerkit_keywords import RefusalKeywords
from steerkit_tiered import RefusalTiered


class TestRefusalKeywords(ClassifierContract):
    component = RefusalKeywords
    texts = {
        "the same word": "Never, never never never never again.",
        "indented": "def f():\n        return 1",
        "mostly one word": "the a the an the of the by the " * 50,
        "only punctuation": "!?!? ... ;;; ---",
    }


class TestRefusalKeywordsOfOneWord(ClassifierContract):
    component = RefusalKeywords
    options = {"keywords": ["DOUGH"]}


class TestRefusalLogprob(ClassifierContract):
    component = RefusalLogprob


class TestRefusalLogprobOfItsOwnOpenings(ClassifierContract):
    component = RefusalLogprob
    options = {"threshold": 1.5, "openings": ["Sorry", "No"]}


class TestJudgeModel(ClassifierContract):
    component = JudgeModel
    options = {
        "model": "tiny:qwen2",
        "device": "cpu",
        "rubric": "{mark} {prompt}\n{completion}\n{refusal}, {garbled} or {normal}?",
        "refusal": "no",
        "garbled": "broken",
        "normal": "fine",
    }


class TestRefusalTiered(ClassifierContract):
    component = RefusalTiered
    texts = {
        "typographic": "\u201cI\u2019m **sorry**, but I can\u2019t help with that.\u201d",
        "full width": "\uff29 cannot help you with that. \u212b",
        "refusal and loop": "I'm sorry, but I cannot help you with that request. " * 20,
        "two loops": "up and down " * 30 + "left and right " * 30,
        "words in no order": "of the in bread a to and with the of warm is on by flour the an for it and of to "
        * 3,
        "decomposed": "De\u0301sole\u0301, je ne peux pas re\u0301pondre a\u0300 cette demande.",
        "zero tokens": "!" * 300,
    }


class TestRefusalTieredOfOneSentence(ClassifierContract):
    component = RefusalTiered
    options = {
        "opening": 1,
        "loop_share": 0.8,
        "refusing_loop": "garbled",
        "answering_loop": "normal",
        "salad": False,
    }


@frozen(kw_only=True)
class LowerCase(Classifier):
    """Whether a text is written small: a classifier that knows no refusals."""

    name: ClassVar[str] = "lower-case"
    labels: ClassVar[tuple[str, ...]] = ("lower", "mixed")

    def classify(self, prompt, text):
        return Verdict("lower" if text == text.lower() else "mixed")


class TestAClassifierWithoutTheLabelRefusal(ClassifierContract):
    component = LowerCase
