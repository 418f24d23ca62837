"""Texts of which hardly anything is language: marks, numbers, tags or undecodable characters."""

import re

from steerkit_tiered.asked import DRAWING
from steerkit_tiered.pieces import Finding
from steerkit_tiered.turns import FILLER

LONGEST = 4_000  # characters that are looked at
FEWEST = 20  # characters, spaces not counted, below which a text is too short to tell
LOST = 0.15  # share of U+FFFD
MANGLED = 0.3  # share of characters that text in UTF-8 has where it is read as another encoding
CONTENT = 0.12  # share of letters and digits where markup is taken away
MOST = 0.6
MARKS = 0.6  # share of the tokens that have no letter and no digit
FEWEST_TAGS = 4
FEWEST_NAMES = 8
NAMES = 0.5  # share of the tokens that are names of programs or a tokenizer's own marks
PIECES = 0.3  # tokens to each of which one stands of what nothing but a tokenizer's vocabulary has
OWN = 0.2  # share of the marks that a tokenizer's vocabulary has for spaces and ends of lines
NUMBERS = 12  # so many on end answer a question for numbers only

_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)\b[^<>]*?(/?)>|&[a-z]+;")
_VOID = frozenset(
    ["br", "hr", "img", "input", "link", "meta", "area", "base", "col", "embed", "source", "track", "wbr"]
)
_COMMAND = re.compile(r"\\[A-Za-z]+")
_MANGLED = re.compile("[\u00c2\u00c3\u00e2\u00ef\u00f0][^\x00-\x7f]+")
_ALNUM = re.compile(r"[^\W_]")
# one of letters alone, however long, is none that a language has
_ENDLESS = re.compile(r"[A-Za-z]{45,}")
_CODED = re.compile(
    r"\b(?:base64|encod\w+|cipher\w*|encrypt\w*|hash\w*|passwords?|keys?|random|sequence|dna|rna|proteins?|genes?|spaces|"
    r"camel\s?case|longest|strings?|tokens?|palindromes?)\b",
    re.IGNORECASE,
)
# what belongs to programs, markup or a tokenizer's vocabulary: getElementById, ::, ]]>, {{Infobox, ##ing
_NAME = re.compile(
    r"[a-z][A-Z][a-z]|[A-Za-z]_[A-Za-z]|^_[A-Z]|::|->|\]\]>|\{\{|\}\}|@_|^@\w|^##|[\u2581\u0120\u010a]|^</$|\\\\|^[^\w\s]{2,}$|\w:\w"
)
# the same, where it is certain: \u0120the, ##ing, <0x0A>, [MASK]
_PIECE = re.compile(rf"(?<!\S)(?:[\u2581\u0120\u010a]|##[a-z])|{FILLER}")
_PROGRAM = re.compile(
    r"\b(?:code|program\w*|functions?|class(?:es)?|variables?|identifiers?|api|methods?|script|html|css|java\w*|python|react|"
    r"sql|regex|expression|commands?|shell|latex|markdown|json|xml|yaml|camel\s?case|hashtags?|libraries|packages?)\b",
    re.IGNORECASE,
)
_RULER = re.compile(r"\|+|[-=_*~.:]{3,}|[-*+\u2022]")
_NUMERIC = re.compile(
    r"\d|\b(?:numbers?|digits?|primes?|fibonacci|sequence|series|integers?|count|squares?|cubes?|multiples?|powers?|"
    r"factors?|decimals?|pi|binary|hex\w*|codes?|pins?|passwords?|dates?|years?|data|array|matrix|table|csv|random|sum|"
    r"calculat\w+|solve|comput\w+|zahlen|nombres|n\u00fameros|numeri)\b",
    re.IGNORECASE,
)


def debris(prompt: str, text: str) -> Finding | None:
    """`broken-characters`, `tags`, `symbols`, `names`, `numbers` or `endless-word`, or None.

    - `broken-characters`: U+FFFD, or UTF-8 that was read as another encoding, in too many places.
    - `tags`: HTML without a word in it, whose ends mostly have no beginning.
    - `symbols`: hardly a letter or digit besides markup, or mostly tokens without any, and no drawing
      was asked for.
    - `endless-word`: most of the text is a string of letters longer than any word, and no code was asked
      for.
    - `names`: a line mostly of names out of programs, marks of markup or of a tokenizer, and no code was
      asked for.
    - `numbers`: a dozen numbers or more without a word, in answer to a prompt that speaks of none.
    """
    text = text[:LONGEST]
    solid = "".join(text.split())
    if len(solid) < FEWEST:
        return None
    whole = ((0, len(text)),)
    mangled = sum(len(match[0]) for match in _MANGLED.finditer(solid) if not match[0].isalpha())
    if solid.count("\ufffd") >= LOST * len(solid) or mangled >= MANGLED * len(solid):
        return Finding("broken-characters", whole)
    if DRAWING.search(prompt):
        return None
    pieces = _PIECE.findall(text) if "token" not in prompt.lower() else []
    if len(pieces) >= max(FEWEST_NAMES, PIECES * len(text.split())):
        return Finding("names", whole)
    if len(_TAG.findall(text)) >= FEWEST_TAGS:
        bare = _TAG.sub(" ", text)
        return Finding("tags", whole) if not _ALNUM.search(bare) and _unmatched(text) else None
    content = _ALNUM.findall(_COMMAND.sub(" ", text))
    tokens = [token for token in text.split() if not _RULER.fullmatch(token)]
    empty = sum(_ALNUM.search(token) is None for token in tokens)
    if len(content) < CONTENT * len(solid) or (len(tokens) >= 12 and empty >= MARKS * len(tokens)):
        return Finding("symbols", whole)
    if len(text.split()) >= NUMBERS and not any(map(str.isalpha, text)) and not _NUMERIC.search(prompt):
        return Finding("numbers", whole)
    names = sum(_NAME.search(token) is not None for token in tokens)
    loose = "\n" not in text.strip() and not _PROGRAM.search(prompt)
    marks = sum(map(solid.count, "\u2581\u0120\u010a"))
    if (loose and names >= max(FEWEST_NAMES, NAMES * len(tokens))) or marks >= OWN * len(solid):
        return Finding("names", whole)
    endless = sum(len(match[0]) for match in _ENDLESS.finditer(text))
    if endless >= MOST * len(solid) and not _CODED.search(prompt):
        return Finding("endless-word", whole)
    return None


def _unmatched(text: str) -> bool:
    """Whether half of the tags that end something end nothing that was begun."""
    open_: list[str] = []
    ends = lost = 0
    for end, name, alone in _TAG.findall(text):
        if end:
            ends += 1
            if name.lower() in open_:
                open_.remove(name.lower())
            else:
                lost += 1
        elif name and not alone and name.lower() not in _VOID:
            open_.append(name.lower())
    return lost >= 2 and 2 * lost >= ends
