"""Whether words stand beside themselves as often as chance would put them there.

Prose of any language, lists, tables and code hardly ever write the same word twice in a row, while in words
that were shuffled or drawn the common ones meet themselves: of n words of which one is there k times, about
k (k - 1) / n such places are to be expected. That needs no knowledge of the language.
"""

import re
from collections import Counter
from itertools import pairwise

FEWEST_EXPECTED = 2.0
FEWEST_TIMES = (
    4  # what is rarer is doubled for emphasis, as in "slowly, slowly" and many languages' adverbs
)
SHARE = 0.4  # of the expected places, from which an order is none

_TOKEN = re.compile(r"\S+")
_EDGES = re.compile(r"^\W+|\W+$")
# what people do say twice on end
_SAID_TWICE = frozenset(
    re.findall(
        r"\w+", "la na da ha he ho hey oh yeah yes no very so too that had bye blah knock tick bla hip"
    )
)


def doubled(text: str) -> tuple[tuple[int, int], ...]:
    """The places where a word stands twice on end, if there are as many as in no order at all: else none.

    What comes after a good beginning is looked at by itself too.
    """
    lines = [_words(text, *line.span()) for line in re.finditer(r".+", text)]
    words = [word for line in lines for word in line]
    places = [
        (first[0], first[1], second[2])
        for line in lines
        for first, second in pairwise(line)
        if first[0] == second[0] != ""
    ]
    for skipped in (0, len(words) // 3, len(words) // 2):
        if len(words) <= skipped:
            break
        start = words[skipped][1]
        found = [place for place in places if place[1] >= start]
        if _by_chance([word for word, *_ in words[skipped:]], [word for word, *_ in found]):
            return tuple((begin, end) for _, begin, end in found)
    return ()


def _words(text: str, start: int, end: int) -> list[tuple[str, int, int]]:
    """Tokens of a line and where they stand; empty for what is no word, or one that people say twice."""
    found = []
    for match in _TOKEN.finditer(text, start, end):
        core = _EDGES.sub("", match[0]).lower()
        counts = (len(core) > 1 or core == "a") and any(map(str.isalpha, core)) and core not in _SAID_TWICE
        found.append((match[0].lower() if counts else "", *match.span()))
    return found


def _by_chance(words: list[str], doubles: list[str]) -> bool:
    count = {word: times for word, times in Counter(words).items() if word and times >= FEWEST_TIMES}
    expected = sum(times * (times - 1) for times in count.values()) / max(1, len(words))
    seen = [word for word in doubles if word in count]
    return expected >= FEWEST_EXPECTED and len(set(seen)) >= 2 and len(seen) >= SHARE * expected
