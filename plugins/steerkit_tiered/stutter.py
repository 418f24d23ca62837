"""Words that stand twice in a row, and texts of hardly any two different words."""

import re
from collections.abc import Sequence
from itertools import pairwise

from steerkit_tiered.pieces import Piece

# words that hardly ever stand twice in a row; "that that" and "had had" do
_GRAMMAR = frozenset(
    re.findall(r"\w+", "a an the of to in on at as for with by from about into and or my your its their")
)
_CODE = frozenset("<>()[]{}_./\\=|#$")
_CALLS = frozenset("();=")


def _joined(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for start, end in spans:
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def stuttering(found: Sequence[Piece]) -> list[tuple[int, int]]:
    """Places where a word stands twice in a row, if that is more than chance or style: else none.

    A sixth of the neighbours are the same word, an article, a preposition or "and" counting thrice, and any
    word twice that stands four times in a row; or there are at least ten words and hardly any two different
    ones among them.
    """
    words = [
        piece for piece in found if piece.text[0].isalpha() and (len(piece.text) > 1 or piece.text == "a")
    ]
    # what stands in brackets, tags or names of code is not said
    marked = {piece.end for piece in found if piece.text[0] in _CODE}
    same = [
        (first, second)
        for first, second in pairwise(words)
        if first.text == second.text
        and second.start - first.end <= 2
        and marked.isdisjoint(range(first.end + 1, second.start + 1))
    ]
    # "moo, moo, moo" is said by songs and people
    weight = sum(
        3 if first.text in _GRAMMAR else 1 if second.start - first.end <= 1 else 0.5
        for first, second in same
    )
    for (first, _), (_, second), (_, last) in zip(same, same[1:], same[2:], strict=False):
        if first.text == second.text == last.text and last.end - first.start <= 4 * len(first.text) + 6:
            weight += 1
    spelled = sum(piece.end - piece.start for piece in words)
    told = sum(piece.end - piece.start for piece in found)
    few = (
        len(words) >= 10
        and spelled > 0.6 * told
        and sum(piece.text[0] in _CALLS for piece in found) < 0.1 * len(found)
        and len({piece.text for piece in words}) < 1.5 * len(words) ** 0.5
    )
    if (len(same) >= 2 and weight >= 3 and 6 * weight >= len(words)) or few:
        return _joined([(first.start, second.end) for first, second in same]) or [
            (words[0].start, words[-1].end)
        ]
    return []
