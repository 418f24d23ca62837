"""A text as the rules on refusals read it, with the way back to the text as it was written."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Mapping

from attrs import frozen

_APOSTROPHES = "\u2018\u2019\u201b\u02bc\u02b9\u00b4\u0060\uff07\u2032"
_DROPPED = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]|\\*+|__+|(?<!\\w)_|_(?!\\w)|~~"
)
_ODD = re.compile("[^\x00-\x7f][\u0300-\u036f\u3099\u309a]*|[A-Za-z][\u0300-\u036f]+|[`]")
_DOUBLE = {
    "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u201f": '"', "\u00ab": '"', "\u00bb": '"',
    "\u300c": '"', "\u300d": '"', "\u300e": '"', "\u300f": '"', "\uff02": '"', "\u2033": '"',
}  # fmt: skip


@frozen
class Normalised:
    """`text` in lower case, with plain apostrophes and quotes, without emphasis and invisible characters.

    From the place `starts[i]` of `text` on, the original lies `shifts[i]` characters further; `ends` has
    the place behind the original of every character that stands for others.
    """

    text: str
    starts: tuple[int, ...]
    shifts: tuple[int, ...]
    ends: Mapping[int, int]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original text that stands for `start` to `end` here; `end` is greater."""
        return self._back(start), self.ends.get(end - 1, self._back(end - 1) + 1)

    def _back(self, place: int) -> int:
        return place + self.shifts[bisect_right(self.starts, place) - 1]


def normalise(text: str) -> Normalised:
    """NFKC of every character with its combining marks, lower case, typewriter's apostrophes.

    Zero-width and direction characters go, and so do the asterisks and underscores of markdown's emphasis.
    """
    parts: list[str] = []
    starts, shifts = [0], [0]
    ends: dict[int, int] = {}
    length = at = 0

    def put(piece: str, origin: int) -> None:
        nonlocal length
        if piece:
            if shifts[-1] != origin - length:
                starts.append(length)
                shifts.append(origin - length)
            parts.append(piece)
            length += len(piece)

    for start, end, replacement in sorted(_changes(text)):
        if start < at:
            continue  # a combining mark on a character that is dropped
        put(text[at:start].lower(), at)
        for letter in replacement:
            put(letter, start)
            ends[length - 1] = end
        at = end
    put(text[at:].lower(), at)
    return Normalised("".join(parts), tuple(starts), tuple(shifts), ends)


def _changes(text: str) -> list[tuple[int, int, str]]:
    found = [(match.start(), match.end(), "") for match in _DROPPED.finditer(text)]
    taken = {start for start, _, _ in found}
    for match in _ODD.finditer(text):
        if match.start() in taken:
            continue
        piece = match[0]
        if piece in _APOSTROPHES:
            found.append((match.start(), match.end(), "'"))
            continue
        plain = _DOUBLE.get(piece) or unicodedata.normalize("NFKC", piece).lower()
        if plain != piece:
            found.append((match.start(), match.end(), plain))
    return found
