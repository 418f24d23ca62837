"""Word salad: words strung together without grammar, and what passes for words but is none."""

import re
from collections.abc import Sequence
from math import sqrt

from steerkit_tiered.order import gain, language
from steerkit_tiered.pieces import Finding
from steerkit_tiered.prose import prose
from steerkit_tiered.scripts import changes
from steerkit_tiered.spelling import broken, unlike_english

FEWEST_PAIRS = 18
KNOWN = 0.18  # share of little words from which the language counts as known
LONGEST = 12_000  # characters that are looked at

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_ENGLISH_ENDING = re.compile(r"(?:ing|ed|ly|tions?|ments?|ness|ity|ities|ance|ence|ous|ive|able|ful|al|ic|er|ers|s)$")
_CLAUSE_END = re.compile("[\u3002\uff0c\uff01\uff1f\uff1b\u3001\uff1a\n]")
_SPACES = re.compile(r"\s+")


def salad(text: str) -> Finding | None:
    """`word-order`, `broken-words`, `mixed-scripts` or `no-grammar`, or None."""
    text = text[:LONGEST]
    whole = ((0, len(text)),)
    switches, runs, scripts = changes(text)
    if scripts >= 3 and switches >= 5 and switches >= 0.12 * runs:
        return Finding("mixed-scripts", whole)
    sentences = prose(text)
    tokens = sentences.split()
    words = [word.lower().replace("\u2019", "'") for word in _WORD.findall(sentences)]
    # headings, entries of a table and lines of code may stand in no order at all
    if len(tokens) < 0.4 * len(text.split()):
        tokens, words = [], []
    if len(tokens) >= 10 and _broken(sentences, tokens):
        return Finding("broken-words", whole)
    if len(words) >= 10 and _without_order(sentences, words):
        return Finding("word-order", whole)
    if len(tokens) >= 30 and _without_grammar(sentences, words):
        return Finding("no-grammar", whole)
    if _signs_shuffled(text):
        return Finding("word-order", whole)
    return None


def _broken(sentences: str, tokens: Sequence[str]) -> bool:
    """A fourth of the tokens are joined at random, or some are and the words look like none besides."""
    share = broken(tokens)
    return share > 0.25 or (len(tokens) >= 20 and share >= 0.05 and share + unlike_english(sentences) > 0.2)


def _without_order(sentences: str, words: Sequence[str]) -> bool:
    name, share, english = language(words)
    strange = 0.0
    if english >= 0.8 * share:
        name = "english"
    if name == "english" or share < KNOWN:
        strange = unlike_english(sentences)
    if share < KNOWN:
        # words drawn from a vocabulary have few little ones among them; lists have as few, and so has prose
        # of a language that is not known, whose letters tell
        endings = sum(_ENGLISH_ENDING.search(word) is not None for word in words) / len(words)
        drawn = strange < 0.1 and endings >= 0.25 and not _listed(sentences, words)
        pieces = 0.1 <= strange < 0.3 and name == "english" and english >= 0.03
        if not (drawn or pieces):
            return False
        found, pairs = gain(sentences)
        return pairs >= FEWEST_PAIRS and found < 0.18 - 0.9 / sqrt(pairs)
    found, pairs = gain(sentences, name)
    if pairs < FEWEST_PAIRS:
        return False
    limit = (0.12 if name == "english" else -0.05) - 1.2 / sqrt(pairs)
    return found < limit or (name == "english" and strange > 0.1 and found < limit + 0.15)


def _listed(sentences: str, words: Sequence[str]) -> bool:
    """Whether commas or ends of lines stand after every third word or more."""
    return 3 * (sentences.count(",") + sentences.count("\n")) > len(words)


def _without_grammar(sentences: str, words: Sequence[str]) -> bool:
    """No little words of any language, hardly a word twice, hardly a mark, and none of it a list."""
    if len(words) < 30 or _listed(sentences, words):
        return False
    _, share, _ = language(words)
    return share < 0.06 and len(set(words)) > 0.93 * len(words)


# particles of Chinese and Japanese that no clause begins with, and that do not follow each other
_NEVER_FIRST = frozenset("的们吗吧呢をがはにへ")
_NEVER_BEFORE_MARK = frozenset("をのがは和与")
_NEVER_NEIGHBOURS = frozenset(
    a + b for group in ("的和是在与", "をがはにの") for a in group for b in group if (a, b) not in {("是", "在"), ("的", "是"), ("に", "は"), ("に", "の"), ("の", "が"), ("の", "は"), ("の", "を"), ("の", "に")}
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
    for first, second in zip(signs, signs[1:], strict=False):
        seen += first + second in _NEVER_NEIGHBOURS
        seen += bool(_CLAUSE_END.match(first)) and second in _NEVER_FIRST
        seen += first in _NEVER_BEFORE_MARK and bool(_CLAUSE_END.match(second))
    return chance >= 2 and seen >= max(2, 0.5 * chance)
