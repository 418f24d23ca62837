"""Whether an answer stood finished before a text began to repeat itself.

Any of three things shows it:

- The model had ended its turn. A decoder that drops special tokens leaves a seam there: the next sentence
  follows without white space. One that keeps them leaves marks or the names of roles.
- The answer ends where a line ends, or a paragraph before was one already, and what comes again and again
  are whole sentences or lines.
- What comes again and again is a remark with which answers end.

A loop that sentences of its own paragraph lead to, and the next item of a list, show nothing: there the
answer got stuck.
"""

import re
from collections.abc import Sequence

from steerkit_tiered.loops import Run
from steerkit_tiered.sentences import MARKS, SENTENCE, count, says_sentences
from steerkit_tiered.turns import ANNOUNCEMENT, ASKS, CLOSED, ITEM, PLAY, REMARK, ROLE, SEAM, TURN

WEIGHTY = 0.1  # share of a text from which a run counts
AT_ONCE = 10  # characters before a loop that is all of a text
HEAD = 30  # characters by which its second copy is found

# after a sentence, a line or a tag may stand pictures, but nothing that is said or begins an item
_END = re.compile(rf"(?:[.!?{MARKS}][{CLOSED}]*|\n|#\w+)[^\w\x21-\x7e]*\Z")
_BOUNDARY = re.compile(rf"[.!?]+[{CLOSED}]*(?=\s|\Z)|[{MARKS}]|\n|{SEAM.pattern}")
_FIGURE = re.compile(r"\d[\d.,]*")
_TAGS = re.compile(r"(?:#\w+\s+)*#?\Z")
_ANNOUNCING = (":", "\uff1a", ",", "-")


def finished(text: str, found: Sequence[Run]) -> bool:
    """Whether an answer stood finished before the loops in `text` began; `found` are its runs in order.

    After the mark of a turn's end it does not matter what they are. Else those of a tenth of the text and
    more have to consist of sentences or lines: what breaks down into words did not merely go on.
    """
    weighty = [run for run in found if run.redundant >= WEIGHTY * len(text)]
    if not weighty:
        return False
    first = weighty[0]
    return _turn_marked(text[: first.second]) or (
        all(_whole(text, run) for run in weighty)
        and (_turn_sewn(text, first) or _answer_ended(text, first))
    )


def _turn_marked(text: str) -> bool:
    """Whether a mark that ends turns stands behind an answer."""
    first = TURN.match(text)
    if first and ASKS.match(first[0]):
        return False
    played = PLAY.match(text) is not None and first is None
    for match in TURN.finditer(text, first.end() if first else 0):
        if not (played and match[0].endswith(":")) and _answers(
            ROLE.sub("", TURN.sub(" ", text[: match.start()])), 1
        ):
            return True
    return False


def _turn_sewn(text: str, run: Run) -> bool:
    """Whether a turn that answers has ended at a seam, before a run or within one of turns alone."""
    turns_alone = run.start <= AT_ONCE and _sewn_to_itself(text)
    for match in SEAM.finditer(text, 0, run.second):
        if match.start() > run.start and not turns_alone:
            return False
        turn, rest = text[: match.end()], text[match.end() : run.second]
        if _answers(turn):
            following = SEAM.search(rest)
            return turn.strip() not in rest[: following.end() if following else 2 * len(turn)]
    return False


def _sewn_to_itself(text: str) -> bool:
    """Whether the second copy of what a text begins with follows the first one without white space."""
    again = text.find(text[:HEAD], 1)
    return again > 0 and not text[again - 1].isspace() and not text[again - 1].isdigit()


def _answer_ended(text: str, run: Run) -> bool:
    """Whether an answer ends where what stands before a run ends, and the run is no part of it."""
    end = _first_boundary(text, run)
    if end is None:
        return False
    copy = text[end : run.second].lstrip()
    before = text[: run.second - len(copy)]
    if before.count("```") % 2 or not _answers(before):
        return False
    item, last = ITEM.match(copy), ITEM.match(before.rstrip().rpartition("\n")[2])
    if item and last and item.lastindex == last.lastindex:
        return False
    paragraphs = before[: before.rfind("\n\n") + 2] if "\n\n" in before else ""
    return (
        before.endswith("\n")
        or _answers(paragraphs)
        or REMARK.search(copy) is not None
        or SEAM.match(text, end - 1) is not None
    )


def _whole(text: str, run: Run) -> bool:
    """Whether a run consists of sentences, lines or tags."""
    copies = text[run.start : 2 * run.second - run.start]  # two, for it may begin within a sentence
    if not count(copies):
        # rulers and pictures are neither, and show nothing but that nothing was left to say
        return text[: run.start].endswith("\n\n") or _END.search(text[: run.start].rstrip()) is not None
    boundary = _first_boundary(text, run)
    if boundary is None:
        return says_sentences(copies)
    return "#" in copies or _END.search(text[: run.second + boundary - run.start]) is not None


def _first_boundary(text: str, run: Run) -> int | None:
    """Where the first sentence or line of a run begins; None where that is beyond a word, or nowhere.

    The last word before a loop may be the last one of the loop's sentences too, or the mark after it.
    """
    before = text[: run.start]
    if "#" in text[run.start : run.second]:
        before = _TAGS.sub("", before)
    if _END.search(before):
        return run.start
    shared = _BOUNDARY.search(text, run.start, run.second)
    if not run.start or shared is None or count(text[run.start : shared.start()]) > 1:
        return None
    if _END.search(text[: run.second]):
        return None  # the copies begin with a sentence, and what stands before the first breaks off
    return shared.end()


def _answers(text: str, words: int = 2) -> bool:
    """Whether `words` are said besides announcements, or one in a line of its own."""
    if text.rstrip()[-1:] in _ANNOUNCING:
        return False
    announced = 0
    for sentence in SENTENCE.finditer(text):
        if not ANNOUNCEMENT.match(sentence[0]):
            break
        announced = sentence.end()
    said = text[announced:]
    return count(said) + len(_FIGURE.findall(said)) >= (
        1 if text.endswith("\n") or "```" in text else words
    )
