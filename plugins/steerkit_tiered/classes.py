"""What kind of word each word is: closed classes by lists, open ones by their endings.

`closed_classes.toml` holds the words that carry a language's grammar: articles, prepositions, pronouns,
auxiliaries and conjunctions. English has its own fine classes. The other languages are sorted into a coarser
set of the same classes, each named by the English word that does the same work, so that one table of how
classes follow each other serves for all.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

OPEN = "X"
_ENDINGS = (
    ("tions", "X-tions"),
    ("ments", "X-tions"),
    ("ities", "X-tions"),
    ("ing", "X-ing"),
    ("ed", "X-ed"),
    ("ly", "X-ly"),
    ("tion", "X-tion"),
    ("sion", "X-tion"),
    ("ment", "X-tion"),
    ("ness", "X-tion"),
    ("ity", "X-tion"),
    ("ance", "X-tion"),
    ("ence", "X-tion"),
    ("ous", "X-al"),
    ("ive", "X-al"),
    ("able", "X-al"),
    ("ible", "X-al"),
    ("ful", "X-al"),
    ("al", "X-al"),
    ("ic", "X-al"),
    ("less", "X-al"),
    ("ers", "X-ers"),
    ("er", "X-er"),
    ("or", "X-er"),
    ("est", "X-est"),
    ("ize", "X-ize"),
    ("ise", "X-ize"),
    ("ss", "X"),
    ("us", "X"),
    ("is", "X"),
    ("'s", "X's"),
    ("s", "X-s"),
    ("y", "X-y"),
    ("e", "X-e"),
)
_COARSE = {
    **dict.fromkeys(("verb", "adj", "noun", "thing", "yes", "Cap", "X-short"), OPEN),
    **dict.fromkeys(("isnt", "havent", "dont", "modalnt"), "modal"),
    **dict.fromkeys(("itis", "ive", "ill", "lets"), "subj"),
}
MARKS: Mapping[str, str] = {
    **dict.fromkeys(".!?…。！？؟।", "."),
    **dict.fromkeys(",،、，", ","),
    **dict.fromkeys(";:؛；：", ":"),
    **dict.fromkeys("([{", "("),
    **dict.fromkeys(")]}", ")"),
    **dict.fromkeys("-–—", "-"),
}
OTHER_MARK = "~"
NUMBER = "#"
SENTENCE = "."


@cache
def languages() -> Mapping[str, Mapping[str, str]]:
    """The class of each closed-class word by language, in the coarse classes where that is not English."""
    lists = tomllib.loads(files("steerkit_tiered").joinpath("closed_classes.toml").read_text("utf-8"))
    tables: dict[str, dict[str, str]] = {}
    for language, members in lists.items():
        table = tables[language] = {}
        for name, words in members.items():
            for word in words.split():
                table.setdefault(word, name)
    return tables


def coarse(name: str) -> str:
    """The coarse class that a class of English belongs to."""
    return OPEN if name.startswith("X") else _COARSE.get(name, name)


_TOKEN = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*(?:-[^\W\d_]+)*|\d+(?:[.,:]\d+)*|([^\w\s])\1*")
_FORMAT = frozenset('*_`#>"\u201c\u201d\u201e\u00ab\u00bb|')
_SPLIT = re.compile(r"['\u2019]")


@cache
def _by_ending(word: str) -> str:
    for ending, name in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return name
    return "X-short" if len(word) <= 4 else OPEN


def classes(text: str, language: str = "english") -> list[str]:
    """The class of each word, number and mark of a text; quotes and the marks of markdown are left out."""
    table = languages()[language]
    fine = language == "english"
    found: list[str] = []
    start = True
    for match in _TOKEN.finditer(text):
        token = match[0]
        first = token[0]
        if first in _FORMAT:
            continue
        if first.isdigit():
            found.append(NUMBER)
        elif not first.isalpha():
            found.append(MARKS.get(first, OTHER_MARK))
        else:
            lower = token.lower().replace("\u2019", "'")
            if not fine and "'" in lower:
                # l'eau, dell'acqua: two words
                found.extend(table.get(part, OPEN) for part in _SPLIT.split(lower) if part)
            else:
                name = table.get(lower)
                if name is None:
                    name = "Cap" if fine and first.isupper() and not start else _by_ending(lower)
                found.append(name if fine else coarse(name))
        start = found[-1] in (SENTENCE, ":", NUMBER) if found else True
    return found
