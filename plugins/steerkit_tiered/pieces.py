"""A text as words, numbers and marks, and what was found in it."""

import re
from collections.abc import Sequence

from attrs import frozen

# scripts that are written without spaces are taken sign by sign, all others word by word
_SIGNS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff"
_PIECE = re.compile(
    rf"[{_SIGNS}]|[^\W\d_{_SIGNS}]+(?:['\u2019\u02bc][^\W\d_{_SIGNS}]+)*|\d+|([^\w\s]|_)\1*"
)


@frozen
class Piece:
    """A word, a number, a sign of a script without spaces, or a run of one mark, and where it stands."""

    text: str
    start: int
    end: int


@frozen
class Finding:
    """What was found, by which rule, and where in the text."""

    rule: str
    spans: tuple[tuple[int, int], ...]


def pieces(text: str) -> list[Piece]:
    """All pieces of a text in order, in lower case; white space and combining marks are left out."""
    return [Piece(match[0].lower(), match.start(), match.end()) for match in _PIECE.finditer(text)]


def words(found: Sequence[Piece]) -> list[Piece]:
    """Those of the pieces that are words or numbers."""
    return [piece for piece in found if piece.text[0].isalnum()]
