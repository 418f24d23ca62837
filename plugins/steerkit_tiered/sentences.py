"""Sentences and words of a text, in any script."""

import re

MARKS = "\u2026\u3002\uff01\uff1f\u061f\u0964"
"""Ends of sentences besides the full stop and the marks of ASCII."""
SENTENCE = re.compile(rf"[^.!?{MARKS}\n]+(?:[.!?{MARKS}]+[\"')\]]*|\n|$)")
SIGN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
WORD = re.compile(r"[^\W\d_]+")


def count(text: str) -> int:
    """Words, where two signs of a script without spaces make one."""
    return len(WORD.findall(SIGN.sub(" ", text))) + len(SIGN.findall(text)) // 2


def says_sentences(text: str) -> bool:
    """Whether a stretch has a sentence with its end, of at least four words or six signs."""
    return any(
        (len(sentence.split()) >= 4 or len(SIGN.findall(sentence)) >= 6)
        and not sentence.rstrip()[-1:].isalnum()
        for sentence in SENTENCE.findall(text)
    )
