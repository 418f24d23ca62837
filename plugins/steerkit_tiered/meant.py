"""What repeats itself on purpose: code, forms, figures that were asked for, what a text leaves again."""

import re
from collections.abc import Sequence

from steerkit_tiered.asked import DRAWING
from steerkit_tiered.loops import Run
from steerkit_tiered.sentences import count, says_sentences

MOST = 20.0  # copies from which nothing is meant any more
AFTERWARDS = 40  # characters behind a run that show that the text has left it

_FENCE = re.compile(r"(?ms)^[ \t]*```.*?^[ \t]*```[ \t]*$")
_BLANK = re.compile(r"_{5,}|\.{8,}")


def unmeant(prompt: str, text: str, found: Sequence[Run]) -> list[Run]:
    """Those of the runs `found` in an answer to `prompt` that are slips.

    A run of few enough copies is none where it lies in a block of code that is closed again, has blanks to
    fill in, has no word and figures were asked for, or sentences follow it that are in no run.
    """
    drawn = DRAWING.search(prompt) is not None
    blocks = [match.span() for match in _FENCE.finditer(text)]

    def meant(run: Run) -> bool:
        copy = text[run.start : run.second]
        return (
            any(start <= run.start and run.end <= end for start, end in blocks)
            or _BLANK.search(copy) is not None
            or (drawn and not count(copy))
            or _left(text, run, found)
        )

    return [run for run in found if run.copies >= MOST or not meant(run)]


def _left(text: str, run: Run, found: Sequence[Run]) -> bool:
    """Whether sentences follow a run that are in none of the runs after it."""
    later = [other for other in found if other.start >= run.end]
    starts, ends = (
        [run.end, *(other.end for other in later)],
        [*(other.start for other in later), len(text)],
    )
    rest = "".join(text[start:end] for start, end in zip(starts, ends, strict=True)).lstrip(".!?*`\n ")
    return len(rest) >= AFTERWARDS and says_sentences(rest)
