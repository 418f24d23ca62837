"""Whether the order of a text's words carries anything.

In prose of any kind the class of one word says much about the next: after an article comes a noun or an
adjective, and hardly ever a preposition, a verb or a full stop. `gain` is the mean over all neighbours of

    log(P(second | first) / P(second))

in nats, P counted once from English prose. It compares an order with the same words in any order, so the
subject and the share of little words have no part in it: it is positive where the words stand as they would
in a sentence, and negative where they were shuffled or drawn.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise

from steerkit_tiered.classes import SENTENCE, classes, languages

SCALE = 10
OPEN_PAIR = 0.0
QUESTION = -0.5
# the prose that was counted asks and exclaims less than people do: "is it?", "could you", "yes, please!",
# "tell me which"
_MAY_BEGIN = frozenset((SENTENCE, "modal", "do", "yes", "thing", "lets", "ill"))
_MAY_FOLLOW = frozenset(("yes",))
_MAY_FOLLOW_IN_ENGLISH = _MAY_FOLLOW | {
    *("which", "who", "what", "how", "when", "whose", "if"),
    *("itis", "ive", "ill"),  # "I heard you've been", "tell me what's going on"
}
# "is it a bird?"
_ASKED = frozenset(
    [
        *(
            (verb, subject)
            for verb in ("is", "are", "was", "were", "have", "had")
            for subject in ("you", "subj", "there")
        ),
        ("you", "a"),
    ]
)


@cache
def _tables() -> tuple[Mapping[tuple[str, str], float], Mapping[tuple[str, str], float]]:
    text = files("steerkit_tiered").joinpath("word_order.txt").read_text("utf-8")
    fine, rough = (_table(part) for part in text.split("\n\n"))
    return fine, rough


def _table(part: str) -> dict[tuple[str, str], float]:
    names, *rows = part.strip("\n").split("\n")
    seconds = names.split(" ")
    return {
        (first, second): int(value) / SCALE
        for first, row in zip(seconds, rows, strict=True)
        for second, value in zip(seconds, row.split(" "), strict=True)
    }


def gains(text: str, language: str = "english") -> list[float]:
    """The gain of each two neighbours of the text."""
    english = language == "english"
    table = _tables()[not english]
    may_follow = _MAY_FOLLOW_IN_ENGLISH if english else _MAY_FOLLOW
    found = [SENTENCE, *classes(text, language)]
    return [
        max(value, QUESTION)
        if first in _MAY_BEGIN or second in may_follow or (english and (first, second) in _ASKED)
        else value
        for first, second in pairwise(found)
        if (first, second) != (SENTENCE, SENTENCE)
        for value in (table.get((first, second), OPEN_PAIR),)
    ]


@cache
def _spoken() -> Mapping[str, tuple[str, ...]]:
    """For each little word the languages that have it, in their order."""
    found: dict[str, tuple[str, ...]] = {}
    for name, table in languages().items():
        for word in table:
            found[word] = (*found.get(word, ()), name)
    return found


def language(words: Sequence[str]) -> tuple[str, float, float]:
    """The language whose little words are the commonest, their share, and that of English.

    The words are in lower case; of languages that are as common the first one counts, English before all.
    """
    spoken = _spoken()
    count = dict.fromkeys(languages(), 0)
    for word in words:
        for name in spoken.get(word, ()):
            count[name] += 1
    best = max(count, key=lambda name: count[name])
    total = max(1, len(words))
    return best, count[best] / total, count["english"] / total
