"""The lines of a text that are sentences: without code, tables, formulas, links and bare lists."""

import re

_FENCE = re.compile(r"(?ms)^[ \t]*(```|~~~).*?(?:^[ \t]*\1[^\n]*$|\Z)")
_SPAN = re.compile(
    r"`[^`\n]{1,60}`|\$\$.{1,300}?\$\$|\$(?=[^\s\d])[^$\n]{1,80}(?<=\S)\$(?!\d)|\\\[.{1,300}?\\\]|\\\(.{1,200}?\\\)"
    r"|\"[^\"\n]{0,80}[^\x00-\x7f\u2019][^\"\n]{0,80}\"|https?://\S+|\S+@\S+"
)
_BULLET = re.compile(r"^[ \t>]*(?:[-*+\u2022\u2013]|\(?\d{1,3}[.):]|#{1,6}|[a-zA-Z][.)])[ \t]+")
_CODE_MARK = re.compile(r"[{}=<>\\|;^~]|\(\)|\w\(\w*[,)]|^\s*(?:#|//|--\s)|\w_\w|\w\.\w+\(|==|\+\+")
# who speaks: "Q:", "A:", "Waiter:"
_SPEAKER = re.compile(r"(?:^|(?<=[.?!] ))(?:[A-Z]|[A-Z][a-z]{1,11}):\s+")
_LETTERS = re.compile(r"[^\W\d_]")
_IMPORT = re.compile(r"(?:from \S+ )?import [\w.]+(?: as \w+)?(?:, *[\w.]+)*(?:[;(]| \(| \\)?")
_EMPHASIS = re.compile(r"\*\*|__(?=\w)|(?<=\w)__")
_CHOICES = re.compile(r"(?:^|\s)\(?[A-Ea-e]\)\s")
FEWEST_WORDS = 4
WRAPPED = 60  # characters of a line that was perhaps broken within a sentence


def prose(text: str) -> str:
    """The sentences of a text, a line each and each line once, without headings and items of a few words.

    A line is taken for code, a table or a formula where letters are less than seven tenths of what is not
    white space, where it has at least one mark of code for every six words, or where it imports something.
    A line that is long and does not end a sentence goes on in the next one.
    """
    kept: list[str] = []
    wrapped = full = False
    text = _EMPHASIS.sub("", text)
    for raw in _FENCE.sub("\n", text).split("\n"):
        line = _SPEAKER.sub("", _SPAN.sub(" X ", _BULLET.sub("", raw)).strip())
        onward = full and _BULLET.match(raw) is None
        count = len(line.split())
        solid = sum(not c.isspace() for c in line)
        letters = len(_LETTERS.findall(line))
        if (
            count < FEWEST_WORDS
            or letters < 0.7 * solid
            or 6 * len(_CODE_MARK.findall(line)) > count
            or _IMPORT.fullmatch(line)
            or len(_CHOICES.findall(line)) >= 2
        ):
            wrapped = full = False
            continue
        if wrapped and kept and (line[0].islower() or onward):
            kept[-1] = kept[-1].removesuffix(".")  # the sentence goes on
        line = _in_small_letters(line.rstrip("*_\"'\u201d\u2019)]| ").lstrip("*_| "))
        wrapped = line[-1:] not in tuple(".!?:;\u2026\u3002\uff01\uff1f")
        full = len(raw) >= WRAPPED
        kept.append(f"{line}." if wrapped and line[-1] != "," else line)
    if wrapped and kept and not _BULLET.match(raw):
        kept[-1] = kept[-1].removesuffix(".")  # cut off within a sentence
    return "\n".join(dict.fromkeys(kept))  # a refrain weighs no more than a verse


def _in_small_letters(line: str) -> str:
    """A line as it is, or in small letters where it is written as a title or in capitals."""
    long = [word for word in line.split()[1:] if len(word) >= 4 and word[0].isalpha()]
    capitals = sum(word[0].isupper() for word in long)
    return line.lower() if len(long) >= 3 and capitals > 0.7 * len(long) else line
