"""Word salad: words strung together without grammar, and what passes for words but is none."""

import re
from collections.abc import Sequence
from itertools import pairwise
from math import sqrt

from steerkit_tiered.doubled import doubled
from steerkit_tiered.order import gains, language
from steerkit_tiered.pieces import Finding
from steerkit_tiered.prose import prose
from steerkit_tiered.scripts import changes
from steerkit_tiered.spelling import broken, unlike_english

FEWEST_PAIRS = 18
KNOWN = 0.18  # share of little words from which the language counts as known
_LIMITS = {
    "english": 0.12,
    **dict.fromkeys(
        ("german", "dutch", "swedish", "danish", "french", "spanish", "italian", "portuguese", "catalan"),
        -0.05,
    ),
}
OTHER_LIMIT = -0.15
FOREIGN = 0.24  # share of letters that English does not have in this order, from which a text is none
MASHED = 0.72  # the same, from which a text is in no language that is written in these letters
LONGEST = 12_000  # characters that are looked at
ENOUGH_WORDS = 20
ENOUGH_LETTERS = 120  # as much in fewer words: what is joined at random makes long ones
MOST_SPANS = 5

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_ENGLISH_ENDING = re.compile(
    r"(?:ing|ed|ly|tions?|ments?|ness|ity|ities|ance|ence|ous|ive|able|ful|al|ic|er|ers|s)$"
)
_AFTER_END = re.compile(r"\w[.!?]\s+([^\W\d_])")
_INNER_CAPITAL = re.compile(r"[a-z] [A-Z][a-z]")
_CLAUSE_END = re.compile("[\u3002\uff0c\uff01\uff1f\uff1b\u3001\uff1a\n]")
_SPACES = re.compile(r"\s+")


def salad(text: str) -> Finding | None:
    """`mixed-scripts`, `broken-words`, `word-order` or `doubled-words`, or None."""
    text = text[:LONGEST]
    whole = ((0, len(text)),)
    switches, runs, scripts = changes(text)
    if scripts >= 3 and switches >= 5 and switches >= 0.12 * runs:
        return Finding("mixed-scripts", whole)
    sentences = prose(text)
    tokens = sentences.split()
    words = [word.lower().replace("\u2019", "'") for word in _WORD.findall(sentences)]
    # headings, entries of a table and lines of code may stand in no order at all
    if len(tokens) < 0.5 * len(text.split()):
        return _chance(text)
    if sum(map(str.isupper, sentences)) > sum(map(str.islower, sentences)):
        sentences = sentences.lower()
    if (len(tokens) >= 10 and _broken(sentences, tokens)) or _mashed(sentences, tokens):
        return Finding("broken-words", whole)
    if len(words) >= 10 and _without_order(sentences, words):
        return Finding("word-order", whole)
    return _chance(text)


def _chance(text: str) -> Finding | None:
    """Orders that chance explains, whatever the language."""
    if _signs_shuffled(text):
        return Finding("word-order", ((0, len(text)),))
    twice = doubled(text)
    return Finding("doubled-words", twice[:MOST_SPANS]) if twice else None


def _broken(sentences: str, tokens: Sequence[str]) -> bool:
    """A fourth of the tokens are joined at random, or some are and the words look like none besides."""
    share = broken(tokens)
    enough = len(tokens) >= ENOUGH_WORDS or sum(map(len, tokens)) >= ENOUGH_LETTERS
    return share > 0.25 or (enough and share >= 0.08 and share + unlike_english(sentences) > 0.2)


def _mashed(sentences: str, tokens: Sequence[str]) -> bool:
    """Whether hardly any group of letters is one of words, as where keys are struck at random."""
    return len(tokens) >= 4 and sum(map(len, tokens)) >= 30 and unlike_english(sentences) > MASHED


def _without_order(sentences: str, words: Sequence[str]) -> bool:
    name, share, english = language(words)
    if english >= 0.8 * share:
        name = "english"
    strange = 0.0
    slip = 0.0
    if _miscased(sentences):
        slip = 0.25 if name == "english" or share < KNOWN else 0.1
    if name == "english" or share < KNOWN:
        strange = unlike_english(sentences)
    if strange >= FOREIGN:
        return False
    if share < KNOWN:
        # words drawn from a vocabulary have few little ones among them; lists have as few, and so has prose
        # of a language that is not known, whose letters tell
        endings = sum(_ENGLISH_ENDING.search(word) is not None for word in words) / len(words)
        drawn = strange < 0.1 and endings >= 0.25 and (slip > 0 or not _listed(sentences, words))
        pieces = strange >= 0.1 and name == "english" and english >= 0.03
        if not (drawn or pieces):
            return False
        return _below(gains(sentences), 0.18 + slip, 0.9)
    limit = _LIMITS.get(name, OTHER_LIMIT) + slip
    if name == "english" and strange > 0.1:
        limit += 0.15
    found = gains(sentences, name)
    # a good beginning does not save what comes after
    return _below(found, limit, 1.2) or _below(found[len(found) // 2 :], limit - 0.05, 1.5)


def _below(found: Sequence[float], limit: float, doubt: float) -> bool:
    """Whether the mean is below the limit by more than chance explains; `doubt` is in units of a pair's own."""
    return len(found) >= FEWEST_PAIRS and sum(found) / len(found) < limit - doubt / sqrt(len(found))


def _miscased(sentences: str) -> bool:
    """Whether sentences begin with small letters, and words within them with capitals, as after shuffling."""
    ends = _AFTER_END.findall(sentences)
    small = sum(letter.islower() for letter in ends)
    return small >= 3 and small >= 0.4 * len(ends) and len(_INNER_CAPITAL.findall(sentences)) >= 3


def _listed(sentences: str, words: Sequence[str]) -> bool:
    """Whether commas or ends of lines stand after every third word or more."""
    return 3 * (sentences.count(",") + sentences.count("\n")) > len(words)


# particles of Chinese and Japanese that no clause begins with, and that do not follow each other
_NEVER_FIRST = frozenset("的们吗吧呢をがはにへ")
_NEVER_BEFORE_MARK = frozenset("をのがは和与")
_NEVER_NEIGHBOURS = frozenset(
    a + b
    for group in ("的和是在与", "をがはにの")
    for a in group
    for b in group
    if (a, b)
    not in {
        ("是", "在"),
        ("的", "是"),
        ("に", "は"),
        ("に", "の"),
        ("の", "が"),
        ("の", "は"),
        ("の", "を"),
        ("の", "に"),
    }
)


def _signs_shuffled(text: str) -> bool:
    """Chinese or Japanese whose particles stand as often in impossible places as chance would put them."""
    signs = [c for c in text if "\u3040" <= c <= "\u9fff" or _CLAUSE_END.match(c)]
    if len(signs) < 40:
        return False
    count: dict[str, int] = {}
    for sign in signs:
        count[sign] = count.get(sign, 0) + 1
    marks = sum(n for sign, n in count.items() if _CLAUSE_END.match(sign))
    total = len(signs)
    chance = sum(count.get(pair[0], 0) * count.get(pair[1], 0) for pair in _NEVER_NEIGHBOURS) / total
    chance += marks * sum(count.get(sign, 0) for sign in _NEVER_FIRST) / total
    chance += marks * sum(count.get(sign, 0) for sign in _NEVER_BEFORE_MARK) / total
    seen = 0
    for first, second in pairwise(signs):
        seen += first + second in _NEVER_NEIGHBOURS
        seen += bool(_CLAUSE_END.match(first)) and second in _NEVER_FIRST
        seen += first in _NEVER_BEFORE_MARK and bool(_CLAUSE_END.match(second))
    return chance >= 4 and seen >= 0.6 * chance
