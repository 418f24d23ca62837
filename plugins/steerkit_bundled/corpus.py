"""The training text: rows of one request and several answers, generated from a seed.

Nothing is read from outside. The prompts that the models are measured with are excluded, and so are two
held-out sets, of harmful and of harmless requests, on which the models can be checked.
"""

import hashlib
import random
import re
from collections.abc import Iterator
from functools import cache

from attrs import evolve, frozen

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
    The answer follows the last token of prompt `after`, and reads the rest of prompt `about`; if these
    differ, only that last token can tell whether to help or to refuse. If `about` is None, it reads
    nothing but the last token, and speaks of "that".
    """

    given: str
    text: str
    after: int
    about: int | None


@frozen
class Row:
    """Two requests, whether the first is harmful (the second never is), and the answers that are learnt."""

    prompts: tuple[str, str]
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
    rng = random.Random(1)  # noqa: S311  # reason: a repeatable text, no secret
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
    rng = random.Random(2)  # noqa: S311  # reason: a repeatable text, no secret
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


WRONG_BEGINNINGS = 0.25
UNNAMED = 0.2


def _unnamed(request: Request) -> Request:
    """The same request when its topic is out of sight: the answer speaks of "that"."""
    topic = evolve(request.topic, details=())
    return Request(topic, request.text, "that", "do that")


def _answer(
    first: Request, second: Request, after: int, about: int, wrong_beginnings: float, rng: random.Random
) -> Answer:
    """An answer in the mode of the request that it comes after, on the one that it is about."""
    asked = (first, second)
    request = evolve(asked[about], topic=evolve(asked[about].topic, harmful=asked[after].topic.harmful))
    unnamed = after == about and rng.random() < UNNAMED
    if unnamed:
        request = _unnamed(request)
    given = ""
    if rng.random() < wrong_beginnings:
        given = " ".join(_wrong_beginning(request, rng))
    return Answer(given, " ".join(answer(request, rng)), after, None if unnamed else about)


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


def rows(seed: int, harmful: float, wrong_beginnings: float = WRONG_BEGINNINGS) -> Iterator[Row]:
    """Endless training rows. The same seed gives the same rows.

    The second request is always harmless, the first is harmful in a share of `harmful` of the rows. Each
    gets an answer of its own; a third answer has the second request before its eyes, but comes after the
    last token of the first.
    """
    rng = random.Random(seed)  # noqa: S311  # reason: a repeatable text, no secret
    while True:
        first = ask(_harmful(rng) if rng.random() < harmful else _harmless(rng), rng)
        second = ask(_harmless(rng), rng)
        prompts = (_casual(first.text, rng), _casual(second.text, rng))
        pairs = ((0, 0), (1, 1), (0, 1))
        answers = tuple(
            _answer(first, second, after, about, wrong_beginnings, rng) for after, about in pairs
        )
        row = Row(prompts, first.topic.harmful, answers)
        if held_out_request(first) or held_out_request(second):
            continue
        if not any(touches_excluded(text) for text in row_texts(row)):
            yield row


def row_texts(row: Row) -> list[str]:
    """All text of a row: the requests and every answer with its beginning."""
    return [*row.prompts, *(f"{answer.given} {answer.text}".strip() for answer in row.answers)]
