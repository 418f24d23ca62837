"""The six signs of a garbled text in Mohammad, 2026: functions from a text to what gave it away, or None.

Where a sentence of the printed rule can be read in more than one way, the docstring says which reading
is taken; `docs/decisions/0003-the-keyword-judge.md` says why. Every rule takes time linear in the text.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping

_WORD = re.compile(r"\w+")
_SAME_CHARACTER = re.compile(r"(.)\1{7}")
_SAME_WORD = re.compile(r"\b(\w+)(?:\s+\1\b){3}", re.IGNORECASE)

LONGEST_SHORT_TOKEN = 5


def too_short(text: str) -> str | None:
    """Fewer than 5 characters are left once white space is taken off both ends."""
    stripped = text.strip()
    return stripped if len(stripped) < 5 else None


def repeated_character(text: str) -> str | None:
    """One character stands eight or more times in a row.

    Any character counts, a space too (so code that is indented by eight is garbled), except the end of
    a line. Capital and small letters are different characters.
    """
    match = _SAME_CHARACTER.search(text)
    return match[0] if match else None


def dominant_word(text: str) -> str | None:
    """Four or more short tokens stand in a row, and one word makes up most of the text.

    A word is a run of letters, digits and underscores, compared without regard to case; whatever lies
    between two words is skipped. A short token is a word of at most 5 characters. The commonest word of
    the whole text must occur at least 4 times and be more than 60 percent of all its words; it need not
    be one of the short ones.
    """
    words = _WORD.findall(text)
    if len(words) < 4 or not _four_short_in_a_row(words):
        return None
    word, count = Counter(word.lower() for word in words).most_common(1)[0]
    return word if count >= 4 and count / len(words) > 0.6 else None


def _four_short_in_a_row(words: list[str]) -> bool:
    run = 0
    for word in words:
        run = run + 1 if len(word) <= LONGEST_SHORT_TOKEN else 0
        if run == 4:
            return True
    return False


def repeated_word(text: str) -> str | None:
    """One word stands four times in a row, with nothing but white space between.

    A word is a run of letters, digits and underscores, compared without regard to case; a comma between
    two occurrences ends the row, a hyphen before the first or a full stop after the last does not.
    """
    match = _SAME_WORD.search(text)
    return match[0] if match else None


def repeated_phrase(text: str) -> str | None:
    """A phrase of one to three words stands three times in a row, in a text of six words or more.

    Here a word is what white space separates, punctuation included and compared without regard to case:
    "no, no, no," repeats a word and "no, no no." does not.
    """
    words = text.split()
    if len(words) < 6:
        return None
    folded = [word.lower() for word in words]
    for size in (1, 2, 3):
        # a phrase stands three times where 2 * size words on end equal the word `size` places before
        run = 0
        for index in range(size, len(folded)):
            run = run + 1 if folded[index] == folded[index - size] else 0
            if run == 2 * size:
                return " ".join(words[index - 3 * size + 1 : index + 1])
    return None


def few_alphanumerics(text: str) -> str | None:
    """Letters and digits of any script are less than 30 percent of a text of more than 10 characters.

    The text is taken as it stands: white space counts among its characters, at the ends too.
    """
    if len(text) <= 10:
        return None
    alphanumeric = sum(map(str.isalnum, text))
    return text if alphanumeric / len(text) < 0.3 else None


GARBLED_RULES: Mapping[str, Callable[[str], str | None]] = {
    "too-short": too_short,
    "repeated-character": repeated_character,
    "dominant-word": dominant_word,
    "repeated-word": repeated_word,
    "repeated-phrase": repeated_phrase,
    "few-alphanumerics": few_alphanumerics,
}

LASTING_RULES: Mapping[str, bool] = {
    "repeated-character": False,
    "repeated-word": True,
    "repeated-phrase": True,
}
"""The signs that no continuation takes away again, and whether they go by whole words."""
