"""Whether a text's words could be words."""

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

_WORD = re.compile(r"(?<!\w)[^\W\d_]+(?!\w)")
_ASCII = re.compile(r"[a-z]+")
# a capital or a digit inside of a small-letter word, a mark between letters that joins no words, a letter
# of another script: what pieces of words leave where they are joined at random
_BROKEN = re.compile(
    r"[a-z][A-Z][a-z]|[a-z]\d+[a-z]|[a-z](?:[,;:!?)\]}\"]|\.(?=[a-z]{3}))[A-Za-z]|[a-z][\u0370-\u1dff\u3040-\ud7ff]"
    r"|[\u0370-\u1dff\u3040-\ud7ff][a-z]|\ufffd|[a-z][(\[{][a-z]{3}"
)


_MUTE = re.compile(r"[b-df-hj-np-tv-xz]{3,}[.,;:!?]*")  # no vowel, and not in capitals as initials are
# endings that are no words; "-ing" in a lesson on grammar has a mark before it
_ENDING = re.compile(
    r"(?:ing|ings|ed|ial|ement|ness|ation|tion|ment|ments|ly|ish|ous|ity|ful|ery|ism|ist|ible|ance|ence|ative)+[.,;:!?]*",
    re.IGNORECASE,
)
# pieces that hyphens hold together: a word of English has hardly ever two hyphens, or an ending behind one
_HYPHENED = re.compile(
    r"[A-Za-z]+-[A-Za-z]+-[A-Za-z-]+|[A-Za-z]+-(?:ing|ed|ness|ment|ly|ish|er|ers|es|al|eral|ous|of|the)\b",
    re.IGNORECASE,
)
_FEWEST_PIECES = 3


def letter_groups(word: str) -> list[str]:
    """All groups of three on end, with a mark for the word's beginning and one for its end."""
    marked = f"^{word}$"
    return [marked[index : index + 3] for index in range(len(marked) - 2)]


@cache
def _known() -> frozenset[str]:
    text = files("steerkit_tiered").joinpath("letters.txt").read_text("ascii").strip()
    return frozenset(text[index : index + 3] for index in range(0, len(text), 3))


def unlike_english(text: str) -> float:
    """Share of the groups of three letters that no English word is known to have, over words in a to z."""
    known = _known()
    seen = strange = 0
    for word in _WORD.findall(text):
        lower = word.lower()
        if _ASCII.fullmatch(lower):
            groups = letter_groups(lower)
            seen += len(groups)
            strange += sum(group not in known for group in groups)
    return strange / seen if seen else 0.0


def broken(tokens: Sequence[str]) -> float:
    """Share of the tokens between white space that look joined from pieces at random, or have no vowel.

    All of them are where endings stand as words, or hyphens hold pieces together.
    """
    if not tokens:
        return 0.0
    joined = sum(_BROKEN.search(token) is not None and "_" not in token for token in tokens)
    mute = sum(_MUTE.fullmatch(token) is not None for token in tokens)
    endings = sum(_ENDING.fullmatch(token) is not None for token in tokens)
    hyphened = sum(_HYPHENED.match(token) is not None for token in tokens)
    if endings >= _FEWEST_PIECES and endings >= 0.08 * len(tokens):
        joined = len(tokens)
    if hyphened >= _FEWEST_PIECES and hyphened >= 0.35 * len(tokens):
        joined = len(tokens)
    return max(joined, mute if mute > 0.4 * len(tokens) else 0) / len(tokens)
