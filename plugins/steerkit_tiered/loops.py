"""How much of a text is a loop: the same stretch again and again, at any period.

Every rule takes time linear in the text, up to a constant number of candidate periods.
"""

import re
import zlib
from collections import Counter
from collections.abc import Sequence

from attrs import evolve, frozen

from steerkit_tiered.pieces import Piece

SEEN_BEFORE = 3  # pieces that have to be the same before a distance counts as a candidate period
REMEMBERED = 4  # times that the same pieces are kept: in "e e d e e d e" they come again within one copy
CANDIDATES = 24
LONG_RULER = 30  # copies of marks from which they are more than a ruler
ENDLESS = 60  # characters from which a run of one mark is more than a ruler or a blank to fill in
FEWEST_COUNTED = 6  # lines that count and say the same
SHARED = 2  # characters that two runs on end may have in common
_LISTED = frozenset("<>{};")  # "INSERT ... (1);" and "<li>1</li>" are counted on purpose
_ENDLESS = re.compile(rf"([^\w\s]|_)\1{{{ENDLESS - 1},}}")
_INSIDE_WORD = re.compile(r"(\S{1,12}?)\1{5,}")
_COUNTED = re.compile(r"(?m)^[ \t]*\(?(\d{1,6})[.):]*[ \t]+(\S.*)$")
_NO_RULER = re.compile(r"[^\W_]")


@frozen
class Run:
    """One stretch of a text that repeats itself.

    `start` and `end` are character offsets of the whole run, `second` where the second copy begins;
    `copies` counts how often the period fits in, the last one perhaps cut off.
    """

    start: int
    second: int
    end: int
    copies: float

    @property
    def redundant(self) -> int:
        """Length of everything after the first copy, in characters."""
        return self.end - self.second


def runs(found: Sequence[Piece]) -> list[Run]:
    """Stretches of pieces that stand at least three times on end, longest first, none inside another.

    In a stretch of period p every piece equals the one p places before. Wherever three pieces on end have
    been seen before, the distances to their last occurrences are candidates for p; in a loop the right one
    comes up once per copy or more often, so the commonest distances are tried.
    """
    same = [piece.text for piece in found]
    taken = _runs(found, same)
    # "step 4: do it. step 5: do it." is a loop as well, "4 x 7 = 28" is a table
    if any(text[0].isdigit() for text in same):
        blind = ["0" if text[0].isdigit() else text for text in same]
        for run, period in _periods(found, blind):
            letters = sum(text[0].isalpha() and len(text) > 1 for text in period)
            if letters >= 5 and run.copies >= 6 and not any(text[0] in _LISTED for text in period):
                taken.append(run)
    return _outermost(taken)


def _runs(found: Sequence[Piece], same: list[str]) -> list[Run]:
    # rulers and the edges of tables are runs of marks, as long as they are short
    return [
        run
        for run, period in _periods(found, same)
        if run.copies >= LONG_RULER or any(_NO_RULER.search(text) for text in period)
    ]


def _periods(found: Sequence[Piece], same: list[str]) -> list[tuple[Run, list[str]]]:
    distances: Counter[int] = Counter()
    before: dict[tuple[str, ...], tuple[int, ...]] = {}
    for index in range(len(same) - SEEN_BEFORE + 1):
        key = tuple(same[index : index + SEEN_BEFORE])
        last = before.get(key, ())
        distances.update(index - other for other in last)
        before[key] = (*last[1 - REMEMBERED :], index)
    result = []
    for period, count in distances.most_common(CANDIDATES):
        # three copies have 2 p equal pieces, of which p + ... lie at the distance of the last occurrence
        if count < min(period, 2):
            continue
        length = 0
        for index in range(period, len(same) + 1):
            if index < len(same) and same[index] == same[index - period]:
                length += 1
                continue
            if length >= 2 * period:
                first = index - length - period
                run = Run(
                    found[first].start,
                    found[first + period].start,
                    found[index - 1].end,
                    length / period + 1,
                )
                result.append((run, same[first : first + period]))
            length = 0
    return result


def inside_words(text: str) -> list[Run]:
    """One to twelve characters that stand six times or more on end without white space between.

    Rulers and other runs of marks are left out.
    """
    result = []
    for word in re.finditer(r"\S{12,}", text):
        # a bound on the work: a single word of a hundred thousand letters is looked at in pieces
        for start in range(word.start(), word.end(), 2000):
            for match in _INSIDE_WORD.finditer(text, start, min(start + 2000, word.end())):
                if _NO_RULER.search(match[1]):
                    copies = (match.end() - match.start()) / len(match[1])
                    result.append(Run(match.start(), match.start() + len(match[1]), match.end(), copies))
    return result


def _outermost(found: Sequence[Run]) -> list[Run]:
    """The longest runs that do not overlap, in the order of the text.

    Where one ends and the next begins, a full stop can belong to both; the second run is then taken from
    behind it.
    """
    kept: list[Run] = []
    for run in sorted(found, key=lambda run: (run.start - run.end, run.second)):
        ahead = max((other.end for other in kept if other.start < run.start), default=0) - run.start
        apart = run
        if 0 < ahead <= SHARED:
            apart = evolve(run, start=run.start + ahead, second=run.second + ahead)
        behind = [other.start for other in kept if other.start > apart.start]
        if behind and 0 < apart.end - min(behind) <= SHARED:
            apart = evolve(apart, end=min(behind))
        if all(apart.end <= other.start or apart.start >= other.end for other in kept):
            kept.append(apart)
    return sorted(kept, key=lambda run: run.start)


def counted(text: str) -> list[Run]:
    """Lines on end that count and say the same, six or more: "4. Do it." and "5. Do it."."""
    found: list[Run] = []
    group: list[re.Match[str]] = []
    for line in [*_COUNTED.finditer(text), None]:
        if line and group and line[2] == group[-1][2] and int(line[1]) == int(group[-1][1]) + 1:
            group.append(line)
            continue
        if len(group) >= FEWEST_COUNTED:
            found.append(Run(group[0].start(), group[1].start(), group[-1].end(), len(group)))
        group = [line] if line else []
    return found


def all_runs(text: str, found: Sequence[Piece]) -> list[Run]:
    """Runs of pieces, of lines that count and inside words, and marks without end, in the text's order."""
    marks = [
        Run(match.start(), match.start() + 1, match.end(), match.end() - match.start())
        for match in _ENDLESS.finditer(text)
    ]
    return _outermost([*runs(found), *inside_words(text), *marks, *counted(text)])


def ratio(text: str) -> float:
    """Length in bytes of the text's first 4000 characters, compressed by zlib, over that without."""
    data = text[:4000].encode("utf-8", "replace")
    return len(zlib.compress(data, 6)) / len(data) if data else 1.0


def seen_before(found: Sequence[Piece], size: int = 8) -> float:
    """Share of the pieces that end a row of `size` pieces which stood in the text before."""
    if len(found) < size:
        return 0.0
    seen: set[tuple[str, ...]] = set()
    again = 0
    texts = [piece.text for piece in found]
    for index in range(len(texts) - size + 1):
        key = tuple(texts[index : index + size])
        again += key in seen
        seen.add(key)
    return again / len(texts)
