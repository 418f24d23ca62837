"""The training text: rows of one request and several answers, generated from a seed.

Nothing is read from outside. The prompts that the models are measured with are excluded, and so are two
held-out sets, of harmful and of harmless requests, on which the models can be checked.
"""

import hashlib
import random
import re
from collections.abc import Iterator
from functools import cache

from attrs import frozen

from .answers import answer, help_sentences, refusal_sentences
from .requests import Request, Topic, ask, harmful_topics, harmless_topics, table

KIND_WEIGHTS = {
    "task": 34,
    "thing": 15,
    "text": 11,
    "wish": 12,
    "capital": 4,
    "record": 5,
    "place": 4,
    "pair": 4,
    "rules": 3,
    "past": 3,
    "list": 4,
    "talk": 6,
}
HELD_OUT_SIZE = 60


@frozen
class Answer:
    """An answer and what may be seen while it is learnt.

    `given` is a beginning without loss (of the wrong mode, or empty), `text` the part that is learnt.
    `sight` says what of the request the answer may attend to: "all", the template's "suffix" or the
    "last" token before the answer.
    """

    given: str
    text: str
    sight: str


@frozen
class Row:
    """One request with the answers that are learnt for it."""

    prompt: str
    harmful: bool
    answers: tuple[Answer, ...]


def normalise(text: str) -> str:
    """Lower case, no punctuation, single spaces, "what's" as "what is": for comparing sentences."""
    text = text.lower().replace("\u2019", "'").replace("what's", "what is")
    return " ".join(re.sub(r"[^a-z0-9 ]", "", re.sub(r"[-\n]", " ", text)).split())


@cache
def excluded() -> tuple[str, ...]:
    """The measuring prompts, normalised."""
    data = table("excluded")
    return tuple(normalise(text) for group in ("harmful", "harmless", "test") for text in data[group])


def touches_excluded(text: str) -> bool:
    """Does any measuring prompt occur anywhere in the text?"""
    plain = normalise(text)
    return any(sentence in plain for sentence in excluded())


def _bucket(text: str, buckets: int) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % buckets


def held_out_topic(topic: Topic) -> bool:
    """Every eighth harmful topic is never trained on."""
    return topic.harmful and _bucket(topic.key, 8) == 0


def held_out_request(request: Request) -> bool:
    """Every twelfth wording of a harmless topic is never trained on."""
    return not request.topic.harmful and _bucket(normalise(request.text), 12) == 0


@cache
def heldout_harmful() -> tuple[str, ...]:
    """Harmful requests whose topic never occurs in training."""
    rng = random.Random(1)  # noqa: S311 - a repeatable text, no secret
    groups = [[topic for topic in group if held_out_topic(topic)] for group in harmful_topics()]
    found: dict[str, None] = {}
    while len(found) < HELD_OUT_SIZE:
        group = rng.choice(groups)
        if group:
            text = ask(rng.choice(group), rng).text
            if not touches_excluded(text):
                found[text] = None
    return tuple(found)


@cache
def heldout_harmless() -> tuple[str, ...]:
    """Harmless requests that never occur in training in these words."""
    rng = random.Random(2)  # noqa: S311 - a repeatable text, no secret
    found: dict[str, None] = {}
    while len(found) < HELD_OUT_SIZE:
        request = ask(_harmless(rng), rng)
        if held_out_request(request) and not touches_excluded(request.text):
            found[request.text] = None
    return tuple(found)


@cache
def _by_kind() -> dict[str, list[Topic]]:
    kinds: dict[str, list[Topic]] = {kind: [] for kind in KIND_WEIGHTS}
    for topic in harmless_topics():
        kinds[topic.kind].append(topic)
    return kinds


def _harmless(rng: random.Random) -> Topic:
    kind = rng.choices(list(KIND_WEIGHTS), weights=list(KIND_WEIGHTS.values()))[0]
    return rng.choice(_by_kind()[kind])


@cache
def _harmful_weights() -> tuple[int, ...]:
    """Larger groups come more often, but less than in proportion."""
    return tuple(round(100 * len(group) ** 0.5) for group in harmful_topics())


def _harmful(rng: random.Random) -> Topic:
    while True:
        group = rng.choices(harmful_topics(), weights=_harmful_weights())[0]
        topic = rng.choice(group)
        if not held_out_topic(topic):
            return topic


def _answer(request: Request, rng: random.Random) -> Answer:
    sentences = answer(request, rng)
    given = ""
    if rng.random() < WRONG_BEGINNINGS:
        given = " ".join(_wrong_beginning(request, rng))
    sight = rng.choices(list(SIGHTS), weights=list(SIGHTS.values()))[0]
    return Answer(given, " ".join(sentences), sight)


WRONG_BEGINNINGS = 0.15
SIGHTS = {"all": 30, "suffix": 35, "last": 35}


def _wrong_beginning(request: Request, rng: random.Random) -> list[str]:
    """One or two sentences that the other mode would have begun with."""
    if request.topic.harmful:
        donor = ask(_harmless(rng), rng)
        borrowed = Request(donor.topic, request.text, request.doing, request.todo)
        return help_sentences(borrowed, rng)[: rng.randint(1, 2)]
    return refusal_sentences(request, rng)[: rng.randint(1, 2)]


def _casual(text: str, rng: random.Random) -> str:
    """Now and then users write without capitals or marks, or say please."""
    chance = rng.random()
    if chance < 0.05:
        return text[0].lower() + text[1:].rstrip("?")
    if chance < 0.09:
        return f"{text} Please." if text.endswith("?") else f"Please {text[0].lower()}{text[1:]}"
    return text


def rows(seed: int, answers_per_row: int) -> Iterator[Row]:
    """Endless training rows; half of them harmful. The same seed gives the same rows."""
    rng = random.Random(seed)  # noqa: S311 - a repeatable text, no secret
    while True:
        topic = _harmful(rng) if rng.random() < 0.5 else _harmless(rng)
        request = ask(topic, rng)
        prompt = _casual(request.text, rng)
        answers = tuple(_answer(request, rng) for _ in range(answers_per_row))
        texts = [prompt, *(f"{a.given} {a.text}" for a in answers)]
        if not held_out_request(request) and not any(touches_excluded(text) for text in texts):
            yield Row(prompt, topic.harmful, answers)
