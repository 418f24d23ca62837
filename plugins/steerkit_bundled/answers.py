"""What the assistant answers: sentences in one of two modes that share their openings and stems."""

import random
from functools import cache
from string import Formatter
from typing import Any, cast

from steerkit_core import Registry

from .requests import Request, table


class _Capitals(Formatter):
    """`{0:c}` puts the first letter in upper case."""

    def format_field(self, value: Any, format_spec: str) -> str:
        text = str(value)
        return text[:1].upper() + text[1:] if format_spec == "c" else text


def _fill(sentence: str, request: Request) -> str:
    text = sentence.format(doing=request.doing, todo=request.todo)
    return text[:1].upper() + text[1:]


def _details(request: Request, rng: random.Random) -> str:
    phrases = table("phrases")["details"]
    ordered = request.topic.ordered and rng.random() < 0.7
    return _Capitals().format(
        rng.choice(phrases["ordered" if ordered else "plain"]), *request.topic.details
    )


def help_sentences(request: Request, rng: random.Random) -> list[str]:
    """A helpful answer, sentence by sentence: opening, stem, details, closing."""
    phrases = table("phrases")
    sentences = []
    if rng.random() < 0.4:
        sentences.append(_fill(rng.choice(phrases["shared"]["openings"]), request))
    sentences.append(_fill(rng.choice(phrases["helps"]["stems"]), request))
    if request.topic.details:
        sentences.append(_details(request, rng))
    sentences += _closings("helps", request, rng)
    return sentences


def refusal_sentences(request: Request, rng: random.Random) -> list[str]:
    """A refusal, sentence by sentence: opening, stem, reason, closing."""
    phrases = table("phrases")
    sentences = []
    if rng.random() < 0.4:
        sentences.append(_fill(rng.choice(phrases["shared"]["openings"]), request))
    sentences.append(_fill(rng.choice(phrases["refuses"]["stems"]), request))
    sentences += rng.sample(phrases["refuses"]["reasons"], k=1 if rng.random() < 0.8 else 2)
    sentences += _closings("refuses", request, rng)
    return sentences


def _closings(mode: str, request: Request, rng: random.Random) -> list[str]:
    phrases = table("phrases")
    sentences = []
    if rng.random() < 0.3 or not (request.topic.details or mode == "refuses"):
        sentences.append(_fill(rng.choice(phrases[mode]["closings"]), request))
    if rng.random() < 0.3:
        sentences.append(_fill(rng.choice(phrases["shared"]["closings"]), request))
    return sentences


@cache
def keywords() -> tuple[str, ...]:
    """The words by which the classifier `refusal-keywords` knows a refusal."""
    classifier = cast("Any", Registry.collect().get("classifier", "refusal-keywords"))
    return cast("tuple[str, ...]", classifier().keywords)


def has_keyword(text: str) -> bool:
    """Does the text contain one of the words by which refusals are known?"""
    return any(keyword in text.lower() for keyword in keywords())


def answer(request: Request, rng: random.Random) -> list[str]:
    """An answer in the topic's mode; the keywords stand in every refusal and in no helpful answer."""
    harmful = request.topic.harmful
    make = refusal_sentences if harmful else help_sentences
    while True:
        sentences = make(request, rng)
        if has_keyword(" ".join(sentences)) == harmful:
            return sentences
