"""Texts in which nothing is said: empty ones, what is left of a numeric failure, and stubs."""

import re
import unicodedata

from steerkit_tiered.asked import DRAWING
from steerkit_tiered.pieces import Finding
from steerkit_tiered.turns import FILLER, TEMPLATE

_TEMPLATE = re.compile(rf"{TEMPLATE}|{FILLER}|(?<=<\|im_start\|>)\s*(?:assistant|user|system)\b")
_UNKNOWN = re.compile(r"<(?:unk|pad|unused\d+)>")
_CHOICE = re.compile(
    r"(?m)^\s*\(?[A-Ha-h1-8][).:]\s|\b[Aa][).:]\s.+\b[Bb][).:]\s|\b(?:letters?|option|multiple[- ]choice|choose|pick|grade|initial|symbol|"
    r"variable|vowel|pronoun|buchstabe|lettre|letra|lettera|roman numeral)\b",
    re.IGNORECASE,
)
_LETTER = re.compile(r"[^\W_]")
_SAID = frozenset("LN")  # categories of letters and of numbers
_ZERO_TOKENS = frozenset("!\ufffd\x00")
"""What is printed for a token that was chosen from numbers that are none: in many vocabularies the token
of index 0 is an exclamation mark, and bytes that make no character become U+FFFD."""

STUB = 1
LONGEST = 4_000  # characters that are looked at
PICTURES = 12  # from so many on they are no answer any more


def nothing_said(prompt: str, text: str) -> Finding | None:
    """`empty`, `numeric`, `symbols` or `stub`, or None where there is something to judge.

    - `empty`: white space, control and format characters, special tokens of a template.
    - `numeric`: at least nine tenths of what is not white space are U+FFFD, NUL or unknown-token marks, or
      the text consists of four or more exclamation marks: what a model prints that computes with NaN.
    - `symbols`: marks only, or a few of them on end, in answer to a prompt that asked for none.
    - `stub`: a single letter, in answer to a prompt that offered no letters to choose from.
    """
    bare = _TEMPLATE.sub("", text[:LONGEST])
    if len(_LETTER.findall(bare, 0, 400)) > 40:
        return None
    visible = [c for c in bare if not c.isspace() and unicodedata.category(c) not in ("Cc", "Cf")]
    lost = bare.count("\ufffd") + bare.count("\x00") + len(_UNKNOWN.findall(text))
    everything = len(visible) + bare.count("\x00") + len(_UNKNOWN.findall(text))
    whole = ((0, len(text)),) if text else ()
    if lost and lost >= 0.9 * everything:
        return Finding("numeric", whole)
    if not visible:
        return Finding("empty", ())
    if len(visible) >= 4 and set(visible) <= _ZERO_TOKENS:
        return Finding("numeric", whole)
    said = [c for c in visible if unicodedata.category(c)[0] in _SAID]
    if not said:
        pictures = any(unicodedata.category(c) in ("So", "Sk", "Sc", "Sm") and c > "\x7f" for c in visible)
        same = len(set(visible)) <= 3
        few = pictures and not (same and len(visible) >= PICTURES)
        drawn = DRAWING.search(prompt) and not (same and pictures and len(visible) >= 4 * PICTURES)
        return None if few or drawn else Finding("symbols", whole)
    if len(visible) == STUB and ord(said[0]) < 0x250 and said[0].isalpha() and not _CHOICE.search(prompt):
        return Finding("stub", whole)
    return None
